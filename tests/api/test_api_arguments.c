/* SPDX-License-Identifier: MIT */
/* What holds for every function: NULL for each pointer, sizes of transparent structs, the order in
   which faults are found; and what may be NULL. Values of single arguments: test_conformance.c,
   test_api_bad_input.c. */
#include "../support/queue.h"
#include "every_call.h"

#include "macro.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

START_TEST(NULL_is_refused_everywhere)
{
    every_call_prepare();
    for (size_t i = 0; i < every_call_count; i++) {
        const struct every_call *c = &every_call[i];
        for (int null_at = 0; null_at < c->pointers; null_at++) {
            bcj2_status s = c->call(null_at);
            ck_assert_msg(s == BCJ2_E_INVALIDARG, "%s, pointer %d NULL: 0x%08x", c->name, null_at,
                          (unsigned)s);
            assert_detail(c->name);
            assert_detail("NULL");
        }
    }
    every_call_done();
}
END_TEST

static bool in_table(const char *name, size_t length)
{
    for (size_t i = 0; i < every_call_count; i++) {
        if (strlen(every_call[i].name) == length && memcmp(every_call[i].name, name, length) == 0) {
            return true;
        }
    }
    return false;
}

START_TEST(the_table_has_every_function_of_the_headers)
{
    static const char *const headers[] = {"types.h", "manager.h", "job.h", "file.h", "notify.h"};
    static const char before[] = "BCJ2_API bcj2_status ";
    size_t found = 0;
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        char path[512];
        size_t size = 0;
        (void)snprintf(path, sizeof path, "%s/include/bcj2/%s", BCJ2_SOURCE_ROOT, headers[i]);
        char *text = queue_read_file(path, &size);
        for (char *p = strstr(text, before); p != NULL; p = strstr(p, before)) {
            p += strlen(before);
            size_t length = strcspn(p, "(");
            ck_assert_msg(in_table(p, length), "%.*s is not in the table", (int)length, p);
            found++;
        }
        free(text);
    }
    ck_assert_uint_eq(found, every_call_count);
}
END_TEST

/* Does the declaration of a function have a pointer that it hands out? */
static bool hands_out(const char *declaration)
{
    const char *end = strchr(declaration, ';'), *p = strstr(declaration, "**ret_");
    return p != NULL && p < end;
}

/* All calls fail once the manager is closed: nobody may be left with what stood there before. */
START_TEST(what_is_handed_out_is_NULL_on_failure)
{
    static const char *const headers[] = {"manager.h", "job.h", "file.h", "notify.h"};
    size_t found = 0;
    every_call_prepare();
    queue_close();
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        char path[512];
        size_t size = 0;
        (void)snprintf(path, sizeof path, "%s/include/bcj2/%s", BCJ2_SOURCE_ROOT, headers[i]);
        char *text = queue_read_file(path, &size);
        for (size_t k = 0; k < every_call_count; k++) {
            const struct every_call *c = &every_call[k];
            char declared[128];
            (void)snprintf(declared, sizeof declared, "BCJ2_API bcj2_status %s(", c->name);
            const char *at = strstr(text, declared);
            if (at == NULL || c->manager || c->no_queue || !hands_out(at)) {
                continue;
            }
            every_call_spoil();
            assert_status(c->call(NO_NULL), BCJ2_E_CLOSED);
            ck_assert_msg(every_call_cleared() > 0, "%s", c->name);
            found++;
        }
        free(text);
    }
    ck_assert_uint_gt(found, 20);
    every_call_done();
}
END_TEST

/* The same of the calls on a manager, and of opening one. */
START_TEST(what_a_manager_hands_out_is_NULL_on_failure)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    bcj2_manager *manager = queue_manager;
    bcj2_job *upload = queue_job(BCJ2_JOB_TYPE_UPLOAD), *job = upload;
    bcj2_job_enum *jobs = (void *)&manager;
    char *text = (void *)&manager;
    bcj2_guid id = {0};
    options.flags = ~0u;
    assert_status(bcj2_manager_open(queue_path("other"), &options, &manager), BCJ2_E_INVALIDARG);
    ck_assert_ptr_null(manager);
    assert_status(bcj2_manager_create_job(queue_manager, "x", 3, &id, &job), BCJ2_E_NOTIMPL);
    ck_assert_ptr_null(job);
    job = upload;
    assert_status(bcj2_manager_get_job(queue_manager, &id, &job), BCJ2_E_NOT_FOUND);
    ck_assert_ptr_null(job);
    job = upload;
    assert_status(bcj2_upload_reply(queue_manager, "relative", "http://127.0.0.1:1/", NULL, NULL,
                                    NULL, &job),
                  BCJ2_E_INVALIDARG);
    bcj2_job_unref(job); /* made, and cancelled again */
    assert_status(bcj2_manager_enum_jobs(queue_manager, 2, &jobs), BCJ2_E_NOTIMPL);
    ck_assert_ptr_null(jobs);
    assert_status(bcj2_get_reply_file_name(upload, &text), BCJ2_E_NOTIMPL);
    ck_assert_ptr_null(text);
    bcj2_job_unref(upload);
}
END_TEST

START_TEST(NULL_that_is_fine)
{
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_UPLOAD);
    char text[BCJ2_GUID_TEXT_SIZE] = "untouched";
    ck_assert_ptr_null(bcj2_manager_close(NULL));
    ck_assert_ptr_null(bcj2_job_ref(NULL));
    ck_assert_ptr_null(bcj2_job_unref(NULL));
    ck_assert_ptr_null(bcj2_file_ref(NULL));
    ck_assert_ptr_null(bcj2_file_unref(NULL));
    ck_assert_ptr_null(bcj2_error_ref(NULL));
    ck_assert_ptr_null(bcj2_error_unref(NULL));
    ck_assert_ptr_null(bcj2_job_enum_unref(NULL));
    ck_assert_ptr_null(bcj2_file_enum_unref(NULL));
    bcj2_free(NULL);
    bcj2_guid_format(NULL, text);
    ck_assert_str_eq(text, "untouched");
    bcj2_guid_format(&(bcj2_guid){0}, NULL);
    assert_status(bcj2_wait(job, STATE_BIT(SUSPENDED), 0, NULL), BCJ2_OK);
    bcj2_job_unref(job);
}
END_TEST

/* Two faults in one call: the one that R-ORDER names first is told. */
START_TEST(faults_are_found_in_order)
{
    char name[258];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    bcj2_job *upload = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD, NULL);
    bcj2_job *job = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD_REPLY, NULL);
    const char *up = queue_path("up.bin"), *nowhere = queue_path("missing/reply");
    bcj2_reply_progress p = BCJ2_REPLY_PROGRESS_INIT;
    uint8_t *data = NULL;
    uint64_t length = 0;
    assert_status(bcj2_cancel(upload), BCJ2_OK);
    assert_status(bcj2_cancel(job), BCJ2_OK);
    /* the type before the syntax and before the state */
    assert_status(bcj2_set_reply_file_name(upload, "relative"), BCJ2_E_NOTIMPL);
    assert_status(bcj2_get_reply_data(upload, &data, &length), BCJ2_E_NOTIMPL);
    assert_status(bcj2_get_reply_progress(upload, &p), BCJ2_E_NOTIMPL);
    /* values, lengths and syntax before the state */
    assert_status(bcj2_set_priority(job, 4), BCJ2_E_NOTIMPL);
    assert_status(bcj2_set_display_name(job, name), BCJ2_E_STRING_TOO_LONG);
    assert_status(bcj2_add_file(job, "ftp://host/", up), BCJ2_E_INVALIDARG);
    assert_status(bcj2_add_file(job, "http://host/", "relative"), BCJ2_E_INVALIDARG);
    assert_status(bcj2_set_reply_file_name(job, "relative"), BCJ2_E_INVALIDARG);
    /* the state before the number of files and before what the file system says */
    assert_status(bcj2_add_file(job, "http://host/", up), BCJ2_E_INVALID_STATE);
    assert_status(bcj2_set_reply_file_name(job, nowhere), BCJ2_E_INVALID_STATE);
    bcj2_job_unref(upload);
    bcj2_job_unref(job);
}
END_TEST

/* ---- transparent structs ---- */

static bcj2_status get_info(bcj2_job *job, void *to)
{
    return bcj2_manager_get_info(queue_manager, to);
}

static bcj2_status get_progress(bcj2_job *job, void *to)
{
    return bcj2_get_progress(job, to);
}

static bcj2_status get_times(bcj2_job *job, void *to)
{
    return bcj2_get_times(job, to);
}

static bcj2_status get_reply_progress(bcj2_job *job, void *to)
{
    return bcj2_get_reply_progress(job, to);
}

static bcj2_status get_file_progress(bcj2_job *job, void *to)
{
    bcj2_file_enum *files = NULL;
    bcj2_file *file = NULL;
    assert_status(bcj2_enum_files(job, &files), BCJ2_OK);
    assert_status(bcj2_file_enum_next(files, &file), BCJ2_OK);
    bcj2_file_enum_unref(files);
    bcj2_status s = bcj2_file_get_progress(file, to);
    bcj2_file_unref(file);
    return s;
}

static bcj2_status open_with(bcj2_job *job, void *options)
{
    bcj2_manager *m = NULL;
    bcj2_status s = bcj2_manager_open(queue_path("other"), options, &m);
    bcj2_manager_close(m);
    return s;
}

static const struct {
    bcj2_status (*call)(bcj2_job *job, void *to);
    size_t size; /* in the first release */
} structs[] = {
    {get_info, 48},           {get_progress, 32},      {get_times, 32},
    {get_reply_progress, 24}, {get_file_progress, 32}, {open_with, 40 + 2 * sizeof(void *)},
};

START_TEST(struct_sizes)
{
    enum { MORE = 64 };
    bcj2_job *job = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD_REPLY, NULL);
    size_t size = structs[_i].size;
    for (uint32_t small = 0; small < size; small++) {
        /* no more room than it says: a sanitizer sees a byte too many */
        uint32_t *tight = calloc(1, small < 4 ? 4 : small);
        *tight = small;
        assert_status(structs[_i].call(job, tight), BCJ2_E_INVALIDARG);
        assert_detail("struct_size");
        ck_assert_uint_eq(*tight, small);
        free(tight);
    }
    uint32_t *exact = calloc(1, size);
    *exact = (uint32_t)size;
    assert_status(structs[_i].call(job, exact), BCJ2_OK);
    ck_assert_uint_eq(*exact, size);
    /* of a program newer than this library: what we do not know stays as it is */
    uint8_t *more = calloc(1, size + MORE);
    memset(more + size, 0xA5, MORE);
    *(uint32_t *)(void *)more = (uint32_t)(size + MORE);
    assert_status(structs[_i].call(job, more), BCJ2_OK);
    for (size_t i = 0; i < MORE; i++) {
        ck_assert_uint_eq(more[size + i], 0xA5);
    }
    free(exact);
    free(more);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(manager_options_are_checked)
{
    const struct {
        bcj2_manager_options options;
        const char *detail;
    } rows[] = {
        {{.flags = 4}, "0x4"},
        {{.flags = 0x80000001u}, "0x80000001"},
        {{.background_slots = 1025}, "1025"},
        {{.foreground_slots = 1025}, "1025"},
        {{.foreground_slots = UINT32_MAX}, "slots"},
    };
    bcj2_manager *m = NULL;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bcj2_manager_options o = rows[i].options;
        o.struct_size = (uint32_t)sizeof o;
        assert_status(bcj2_manager_open(queue_path("other"), &o, &m), BCJ2_E_INVALIDARG);
        assert_detail(rows[i].detail);
        ck_assert_ptr_null(m);
    }
    bcj2_manager_options most = BCJ2_MANAGER_OPTIONS_INIT;
    most.background_slots = most.foreground_slots = 1024;
    assert_status(bcj2_manager_open(queue_path("other"), &most, &m), BCJ2_OK);
    bcj2_manager_close(m);
}
END_TEST

START_TEST(wait_masks_are_checked)
{
    static const uint32_t bad[] = {0, 1u << 9, UINT32_MAX};
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_UPLOAD);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        bcj2_job_state state = 42;
        assert_status(bcj2_wait(job, bad[i], 0, &state), BCJ2_E_INVALIDARG);
        ck_assert_int_eq(state, 42);
    }
    bcj2_job_unref(job);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "arguments", 30);
    tcase_add_checked_fixture(tc, queue_start, queue_stop);
    tcase_add_test(tc, NULL_is_refused_everywhere);
    tcase_add_test(tc, what_is_handed_out_is_NULL_on_failure);
    tcase_add_test(tc, what_a_manager_hands_out_is_NULL_on_failure);
    tcase_add_test(tc, the_table_has_every_function_of_the_headers);
    tcase_add_test(tc, NULL_that_is_fine);
    tcase_add_test(tc, faults_are_found_in_order);
    tcase_add_loop_test(tc, struct_sizes, 0, (int)ARRAY_LEN(structs));
    tcase_add_test(tc, manager_options_are_checked);
    tcase_add_test(tc, wait_masks_are_checked);
}

SUITE_MAIN("api_arguments", add_cases)
