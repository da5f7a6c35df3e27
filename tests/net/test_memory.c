/* SPDX-License-Identifier: MIT */
/* Memory does not grow with the size of files: the peaks of two processes that differ only in the size
   of what they upload and get back. BCJ2_TEST_LONG=1 takes 1 GiB for the larger one. */
#include "../support/folder.h"
#include "../support/job_process.h"
#include "../support/sanitizer.h"
#include "../support/servers.h"
#include "../support/suite.h"

#include <stdio.h>
#include <unistd.h>

#define SMALL_BYTES    (UINT64_C(1) << 20)
#define LARGE_BYTES    (UINT64_C(256) << 20)
#define LONG_BYTES     (UINT64_C(1) << 30)
#define DIFFERENCE_KIB 4096

static char folder[FOLDER_PATH_SIZE];

static void compare_files(const char *a, const char *b)
{
    static char x[65536], y[65536];
    size_t n = 0;
    FILE *one = fopen(a, "rb"), *other = fopen(b, "rb");
    ck_assert(one != NULL && other != NULL);
    while ((n = fread(x, 1, sizeof x, one)) > 0) {
        ck_assert_uint_eq(fread(y, 1, n, other), n);
        ck_assert_mem_eq(x, y, n);
    }
    ck_assert_int_eq(fgetc(other), EOF);
    (void)fclose(one);
    (void)fclose(other);
}

/* The peak of an upload-reply job whose reply is the file itself. */
static uint64_t peak_of(const char *url, uint64_t size)
{
    char queue[FOLDER_PATH_SIZE], source[FOLDER_PATH_SIZE], reply[FOLDER_PATH_SIZE];
    folder_in(queue, folder, "queue");
    folder_in(source, folder, "source");
    folder_in(reply, folder, "reply");
    folder_file(source, size);
    uint64_t peak = job_process_peak(queue, BCJ2_JOB_TYPE_UPLOAD_REPLY, source, url, reply);
    compare_files(source, reply);
    ck_assert_int_eq(unlink(source), 0);
    ck_assert_int_eq(unlink(reply), 0);
    folder_remove(queue);
    return peak;
}

START_TEST(memory_does_not_grow_with_the_file)
{
    if (SANITIZER[0] != '\0') {
        (void)printf("not checked: %s keeps memory that was freed\n", SANITIZER);
        return;
    }
    static const char *const options[] = {"--app-exec", "/bin/cat", NULL};
    uint64_t large = getenv("BCJ2_TEST_LONG") == NULL ? LARGE_BYTES : LONG_BYTES;
    folder_make(folder);
    struct test_server *server = server_start(options);
    uint64_t small_kib = peak_of(server_url(server, "/in/up"), SMALL_BYTES);
    uint64_t large_kib = peak_of(server_url(server, "/in/up"), large);
    server_stop(server);
    folder_remove(folder);
    (void)printf("peak memory: %llu KiB for 1 MiB each way, %llu KiB for %llu MiB\n",
                 (unsigned long long)small_kib, (unsigned long long)large_kib,
                 (unsigned long long)(large >> 20));
    ck_assert_uint_le(large_kib, small_kib + DIFFERENCE_KIB);
}
END_TEST

static void add_cases(Suite *suite)
{
    tcase_add_test(suite_case(suite, "memory", 120), memory_does_not_grow_with_the_file);
}

SUITE_MAIN("memory", add_cases)
