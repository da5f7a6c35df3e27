/* SPDX-License-Identifier: MIT */
/* Running jobs where something goes wrong on this side: files that are not there when they are needed,
   a store that fails for a while. Against the small server inside the test's process. */
#include "../support/bits_server.h"
#include "../support/queue.h"
#include "../support/sqlite_fault.h"

#include "os_syscall.h"
#include "timeouts.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define UPLOAD_REPLY BCJ2_JOB_TYPE_UPLOAD_REPLY
#define ENDED        (STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR))

static struct bits_server *server;

static void start(void)
{
    sqlite_fault_install();
    queue_start();
    server = bits_server_start();
    bits_server_set_reply(server, "the reply", 9);
}

static void stop(void)
{
    queue_stop();
    bits_server_stop(server);
}

START_TEST(the_folder_of_the_reply_is_gone)
{
    bcj2_job *job = queue_job_with_file(UPLOAD_REPLY, bits_server_url(server, "/in/up.bin"));
    bcj2_error *error = NULL;
    bcj2_error_context context = 0;
    bcj2_status code = BCJ2_OK;
    char *text = NULL;
    ck_assert_int_eq(rmdir(queue_path("out")), 0);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_ERROR);
    assert_status(bcj2_get_error(job, &error), BCJ2_OK);
    assert_status(bcj2_error_get(error, &context, &code), BCJ2_OK);
    ck_assert_int_eq(context, BCJ2_ERROR_CONTEXT_LOCAL_FILE);
    ck_assert_int_eq(code, BCJ2_E_WIN32_FILE_NOT_FOUND);
    assert_status(bcj2_error_get_description(error, &text), BCJ2_OK);
    ck_assert_msg(strstr(text, queue_path("out")) != NULL, "%s", text);
    bcj2_free(text);
    bcj2_error_unref(error);

    ck_assert_int_eq(mkdir(queue_path("out"), 0700), 0);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(a_file_that_is_replaced_before_its_session_is_open)
{
    size_t size = 0;
    bcj2_job *job = queue_job_with_file(UPLOAD_REPLY, bits_server_url(server, "/in/up.bin"));
    bits_server_hold(server, BITS_CREATE);
    assert_status(bcj2_resume(job), BCJ2_OK);
    ck_assert(bits_server_wait_held(server));
    queue_write_file("fresh.bin", "the other", 9);
    ck_assert_int_eq(rename(queue_path("fresh.bin"), queue_path("up.bin")), 0);
    bits_server_release(server);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    uint8_t *got = bits_server_upload(server, &size);
    ck_assert_ptr_nonnull(got);
    ck_assert_uint_eq(size, 9);
    ck_assert_mem_eq(got, "the other", 9);
    free(got);
    bcj2_job_unref(job);
}
END_TEST

static atomic_bool sync_fails;

static int sync_or_not(int fd)
{
    if (atomic_load(&sync_fails)) {
        errno = EIO;
        return -1;
    }
    return fsync(fd);
}

START_TEST(a_reply_that_could_not_be_synced_is_not_believed)
{
    char id_text[BCJ2_GUID_TEXT_SIZE], temp[128];
    bcj2_guid id;
    uint8_t *data = NULL;
    uint64_t length = 0;
    queue_close();
    (void)bcj2__os_syscall_set("fdatasync", (os_function)sync_or_not);
    queue_open();
    bcj2_job *job = queue_job_with_file(UPLOAD_REPLY, bits_server_url(server, "/in/up.bin"));
    atomic_store(&sync_fails, true);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_ERROR);
    atomic_store(&sync_fails, false);

    /* what the disk has is not what was written */
    assert_status(bcj2_get_id(job, &id), BCJ2_OK);
    bcj2_guid_format(&id, id_text);
    (void)snprintf(temp, sizeof temp, "out/.bcj2-%.36s.tmp", id_text + 1);
    queue_write_file(temp, "XXXXXXXXX", 9);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    assert_status(bcj2_get_reply_data(job, &data, &length), BCJ2_OK);
    ck_assert_uint_eq(length, 9);
    ck_assert_mem_eq(data, "the reply", 9);
    bcj2_free(data);
    bcj2_job_unref(job);
    queue_close();
    bcj2__os_syscall_reset();
}
END_TEST

/* With its retries forbidden; or with the time for them over when one is due. */
START_TEST(an_upload_whose_close_fails_is_transferred)
{
    bcj2_job *job = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD, bits_server_url(server, "/a"));
    assert_status(bcj2_set_no_progress_timeout(job, _i == 0 ? 0 : 1), BCJ2_OK);
    assert_status(bcj2_set_minimum_retry_delay(job, 1), BCJ2_OK);
    bits_server_fail(server, BITS_CLOSE, 503, 1);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    bcj2_job_unref(job);
}
END_TEST

/* ---- the log ---- */

static char reply_url[128];
static atomic_uint lines, telling_lines;

static void read_line(void *user, int32_t level, const char *line)
{
    (void)user;
    (void)level;
    atomic_fetch_add(&lines, 1);
    if (strstr(line, reply_url) != NULL || strstr(line, "secret") != NULL) {
        atomic_fetch_add(&telling_lines, 1);
    }
}

START_TEST(the_log_names_no_reply)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    options.log = read_line;
    (void)snprintf(reply_url, sizeof reply_url, "%s", bits_server_url(server, "/reply"));
    queue_close();
    assert_status(bcj2_manager_open(queue_path("queue"), &options, &queue_manager), BCJ2_OK);
    bcj2_job *job = queue_job_with_file(UPLOAD_REPLY, bits_server_url(server, "/in/up.bin?secret"));
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    bcj2_job_unref(job);
    queue_close();
    ck_assert_uint_gt(atomic_load(&lines), 0);
    ck_assert_uint_eq(atomic_load(&telling_lines), 0);
}
END_TEST

/* ---- waiting costs nothing ---- */

static bcj2_job *start_job(const char *path)
{
    bcj2_job *job = queue_job_with_file(UPLOAD_REPLY, bits_server_url(server, path));
    assert_status(bcj2_set_minimum_retry_delay(job, 1), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    return job;
}

/* Processor time of this process in milliseconds. */
static long spent_ms(clock_t since)
{
    return (long)((clock() - since) * 1000 / CLOCKS_PER_SEC);
}

START_TEST(a_store_that_fails_while_something_is_due)
{
    bcj2__timeouts.store_rest_ms = 3000;
    bits_server_fail(server, BITS_CREATE, 503, 1);
    bcj2_job *due = start_job("/a");
    queue_wait(due, ENDED | STATE_BIT(TRANSIENT_ERROR), BCJ2_JOB_STATE_TRANSIENT_ERROR);
    bits_server_hold(server, BITS_FRAGMENT);
    bcj2_job *job = start_job("/b");
    ck_assert(bits_server_wait_held(server));
    sqlite_fault_plan(SQLITE_CALL_WRITE, ENOSPC, 1, UINT32_MAX);
    bits_server_release(server);
    clock_t begun = clock();
    assert_status(bcj2_wait(job, ENDED, 2500, NULL), BCJ2_S_FALSE);
    ck_assert_int_lt(spent_ms(begun), 200);
    ck_assert(sqlite_fault_clear());
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    queue_wait(due, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    bcj2_job_unref(job);
    bcj2_job_unref(due);
}
END_TEST

START_TEST(a_close_that_waits_for_a_goodbye)
{
    bcj2__timeouts.close_farewell_ms = 1500;
    bits_server_hold(server, BITS_CLOSE);
    bcj2_job *job = start_job("/a");
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    bcj2_job_unref(job);
    ck_assert(bits_server_wait_held(server));
    bits_server_hold(server, BITS_FRAGMENT);
    job = start_job("/b");
    queue_wait(job, STATE_BIT(TRANSFERRING), BCJ2_JOB_STATE_TRANSFERRING);
    bcj2_job_unref(job);
    clock_t begun = clock();
    queue_close();
    ck_assert_int_lt(spent_ms(begun), 200);
}
END_TEST

static uint64_t cpu_ms(void)
{
    struct timespec t;
    ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* More descriptors than may be polled at a time: nothing goes round meanwhile, and it goes on after it. */
START_TEST(a_limit_of_descriptors_that_is_lowered)
{
    struct rlimit limit, low;
    bcj2_job *job = queue_job_with_file(UPLOAD_REPLY, bits_server_url(server, "/in/up.bin"));
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = 1;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_status(bcj2_set_display_name(job, "to wake it"), BCJ2_OK);
    uint64_t cpu = cpu_ms();
    (void)poll(NULL, 0, 500); /* measured */
    ck_assert_uint_lt(cpu_ms() - cpu, 250);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(each_job_nobody_touches_is_cancelled)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    options.job_inactivity_timeout = 1;
    queue_close();
    assert_status(bcj2_manager_open(queue_path("queue"), &options, &queue_manager), BCJ2_OK);
    bcj2_job *job = start_job("/a");
    queue_wait(job, STATE_BIT(CANCELLED), BCJ2_JOB_STATE_CANCELLED);
    bcj2_job_unref(job);
    job = queue_job(UPLOAD_REPLY);
    queue_wait(job, STATE_BIT(CANCELLED), BCJ2_JOB_STATE_CANCELLED);
    bcj2_job_unref(job);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "local trouble", 30);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, the_folder_of_the_reply_is_gone);
    tcase_add_test(tc, a_file_that_is_replaced_before_its_session_is_open);
    tcase_add_test(tc, a_reply_that_could_not_be_synced_is_not_believed);
    tcase_add_loop_test(tc, an_upload_whose_close_fails_is_transferred, 0, 2);
    tcase_add_test(tc, the_log_names_no_reply);
    tc = suite_case(suite, "waiting", 30);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, a_store_that_fails_while_something_is_due);
    tcase_add_test(tc, a_close_that_waits_for_a_goodbye);
    tcase_add_test(tc, each_job_nobody_touches_is_cancelled);
    tcase_add_test(tc, a_limit_of_descriptors_that_is_lowered);
}

SUITE_MAIN("api_engine", add_cases)
