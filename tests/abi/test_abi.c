/* SPDX-License-Identifier: MIT */
/* What compiled programs rely on: the values of constants, the layout of transparent structs, and
   that the library at run time is of the version of these headers. Linked with the shared library,
   as a program would be. Not here: which names are exported (names.sh). */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <bcj2/bcj2.h>
#include "../support/suite.h"

struct pin {
    const char *name;
    uint64_t is, was;
};

/* 32-bit constants are compared as the 32 bits they have on the wire. */
#define BITS(constant) \
    (sizeof(constant) == 8 ? (uint64_t)(constant) : (uint64_t)(uint32_t)(constant))
#define PIN(constant, value) {#constant, BITS(constant), value},
static const struct pin constants[] = {
#include "constants.inc"
};

#define STRUCT(type, size) {"sizeof " #type, sizeof(type), size},
#define FIELD(type, field, offset, size)                            \
    {"offset of " #type "." #field, offsetof(type, field), offset}, \
        {"sizeof " #type "." #field, sizeof(((type *)NULL)->field), size},
static const struct pin layout[] = {
#include "layout.inc"
};

/* How many differ; each is told. */
static size_t count_differences(const struct pin *pins, size_t count)
{
    size_t differences = 0;
    for (size_t i = 0; i < count; i++) {
        if (pins[i].is != pins[i].was) {
            fprintf(stderr, "%s is 0x%llx, was 0x%llx\n", pins[i].name,
                    (unsigned long long)pins[i].is, (unsigned long long)pins[i].was);
            differences++;
        }
    }
    return differences;
}

START_TEST(constants_keep_their_values)
{
    ck_assert_uint_eq(count_differences(constants, sizeof constants / sizeof constants[0]), 0);
}
END_TEST

START_TEST(structs_keep_their_layout)
{
    if (sizeof(void *) == 8 && _Alignof(uint64_t) == 8) {
        ck_assert_uint_eq(count_differences(layout, sizeof layout / sizeof layout[0]), 0);
    }
}
END_TEST

START_TEST(initialisers_set_the_size_and_nothing_else)
{
    bcj2_job_progress job_progress = BCJ2_JOB_PROGRESS_INIT;
    bcj2_reply_progress reply_progress = BCJ2_REPLY_PROGRESS_INIT;
    bcj2_file_progress file_progress = BCJ2_FILE_PROGRESS_INIT;
    bcj2_job_times job_times = BCJ2_JOB_TIMES_INIT;
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    ck_assert_uint_eq(job_progress.struct_size, sizeof job_progress);
    ck_assert_uint_eq(reply_progress.struct_size, sizeof reply_progress);
    ck_assert_uint_eq(file_progress.struct_size, sizeof file_progress);
    ck_assert_uint_eq(job_times.struct_size, sizeof job_times);
    ck_assert_uint_eq(options.struct_size, sizeof options);
    ck_assert_uint_eq(info.struct_size, sizeof info);
    ck_assert_uint_eq(job_progress.files_transferred, 0);
    ck_assert_uint_eq(job_times.transfer_completion_time, 0);
    ck_assert_uint_eq(options.flags, 0);
    ck_assert_ptr_null(options.log_user);
    ck_assert_uint_eq(info.jobs, 0);
}
END_TEST

START_TEST(the_library_is_of_the_headers_version)
{
    char composed[32];
    snprintf(composed, sizeof composed, "%d.%d.%d", BCJ2_VERSION_MAJOR, BCJ2_VERSION_MINOR,
             BCJ2_VERSION_PATCH);
    ck_assert_str_eq(composed, BCJ2_VERSION);
    ck_assert_str_eq(bcj2_version(), BCJ2_VERSION);
    ck_assert_int_eq(BCJ2_VERSION_NUMBER,
                     BCJ2_VERSION_MAJOR * 65536 + BCJ2_VERSION_MINOR * 256 + BCJ2_VERSION_PATCH);
}
END_TEST

START_TEST(a_status_of_the_headers_has_its_windows_name)
{
    ck_assert_str_eq(bcj2_status_name(BCJ2_E_TOO_LARGE), "BG_E_TOO_LARGE");
    ck_assert(BCJ2_SUCCEEDED(BCJ2_OK) && BCJ2_SUCCEEDED(BCJ2_S_FALSE) && BCJ2_FAILED(BCJ2_E_FAIL));
    ck_assert_int_eq(BCJ2_E_HTTP_ERROR(404), BCJ2_E_HTTP_ERROR_404);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "abi", 10);
    tcase_add_test(tc, constants_keep_their_values);
    tcase_add_test(tc, structs_keep_their_layout);
    tcase_add_test(tc, initialisers_set_the_size_and_nothing_else);
    tcase_add_test(tc, the_library_is_of_the_headers_version);
    tcase_add_test(tc, a_status_of_the_headers_has_its_windows_name);
}

SUITE_MAIN("abi", add_cases)
