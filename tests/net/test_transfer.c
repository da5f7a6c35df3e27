/* SPDX-License-Identifier: MIT */
/* Whole jobs against a real server: every byte arrives, both ways, at every size; what a program can see
   of a job on its way; Suspend, Resume and priorities in the middle of it. Files of the reply at Complete
   are test_reply_file.c; faults test_faults.c; kills test_kill.c. */
#include "../support/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MIB   ((uint64_t)1 << 20)
#define PROBE 5120u
#define IN_BETWEEN \
    81920             /* heads of answers, and what the proxy still held for the old connection */
#define PATIENCE 4000 /* looks, 5 ms apart */

static const uint64_t upload_sizes[] = {0, 1, 5119, 5120, 5121, 262145, 64 * MIB, 1024 * MIB};
static const uint64_t reply_sizes[] = {0, 1, 1048576, 1048577, 64 * MIB};
#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* 1 GiB takes its time on a slow machine or in a sanitized build. */
static bool left_out(uint64_t size)
{
    return size > 64 * MIB && !client_long();
}

/* ---- every size ---- */

START_TEST(plain_uploads)
{
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    uint64_t size = upload_sizes[_i];
    if (left_out(size)) {
        return;
    }
    rig_start(NULL, RIG_FILES);
    rig_make("source", size);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD);
    rig_transferred(job);
    assert_status(bcj2_get_progress(job, &p), BCJ2_OK);
    ck_assert_uint_eq(p.bytes_total, size);
    ck_assert_uint_eq(p.bytes_transferred, size);
    rig_finish(job);
    struct server_sums sums = server_sums(rig.server);
    ck_assert_uint_eq(sums.fresh, size);
    ck_assert_uint_eq(sums.duplicate, 0);
    rig_assert_clean();
    rig_stop();
}
END_TEST

START_TEST(upload_replies)
{
    uint64_t size = upload_sizes[_i];
    if (left_out(size)) {
        return;
    }
    rig_start(NULL, RIG_APPLICATION);
    rig_make("source", size);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    rig_finish(job);
    ck_assert_uint_eq(rig_runs(), 1);
    struct server_sums sums = server_sums(rig.server);
    ck_assert_uint_eq(sums.fresh, size);
    ck_assert_uint_eq(sums.duplicate, 0);
    rig_assert_clean();
    rig_stop();
}
END_TEST

/* The reply in memory: the same before and after Complete (A54, A55). */
static void assert_reply_data(bcj2_job *job, uint64_t size)
{
    uint8_t *data = (uint8_t *)"";
    uint64_t length = 1;
    bcj2_status expected = size > MIB ? BCJ2_E_TOO_LARGE : BCJ2_OK;
    assert_status(bcj2_get_reply_data(job, &data, &length), expected);
    ck_assert_uint_eq(length, size);
    ck_assert_int_eq(data == NULL, size == 0 || size > MIB);
    if (data != NULL) {
        FILE *f = fopen(rig_path("answer"), "rb");
        uint8_t *answer = malloc((size_t)size);
        ck_assert(f != NULL && answer != NULL);
        ck_assert_uint_eq(fread(answer, 1, (size_t)size, f), size);
        ck_assert_int_eq(memcmp(data, answer, (size_t)size), 0);
        (void)fclose(f);
        free(answer);
    }
    bcj2_free(data);
}

START_TEST(replies)
{
    uint64_t size = reply_sizes[_i];
    bcj2_reply_progress p = BCJ2_REPLY_PROGRESS_INIT;
    rig_start(NULL, RIG_APPLICATION);
    rig_make("answer", size);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    rig_transferred(job);
    assert_status(bcj2_get_reply_progress(job, &p), BCJ2_OK);
    ck_assert_uint_eq(p.bytes_total, size);
    ck_assert_uint_eq(p.bytes_transferred, size);
    assert_reply_data(job, size);
    ck_assert(!client_exists(rig_path("out/reply")));
    assert_status(bcj2_complete(job), BCJ2_OK);
    client_assert_same(rig_path("answer"), rig_path("out/reply"));
    assert_reply_data(job, size);
    ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_ACKNOWLEDGED);
    assert_status(bcj2_complete(job), BCJ2_E_INVALID_STATE);
    rig_unref(job);
    rig_assert_clean();
    rig_stop();
}
END_TEST

/* A server without an application has no reply to give (A56). */
START_TEST(no_reply)
{
    rig_start(NULL, RIG_FILES);
    rig_make("answer", 0);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    rig_transferred(job);
    assert_reply_data(job, 0);
    ck_assert(!client_exists(rig_path("out/reply")));
    rig_finish(job);
    ck_assert_uint_eq(client_size(rig_path("out/reply")), 0);
    rig_assert_clean();
    rig_stop();
}
END_TEST

/* ---- what is seen on the way ---- */

static bcj2_file *only_file(bcj2_job *job)
{
    bcj2_file_enum *files = NULL;
    bcj2_file *file = NULL;
    assert_status(bcj2_enum_files(job, &files), BCJ2_OK);
    assert_status(bcj2_file_enum_next(files, &file), BCJ2_OK);
    (void)bcj2_file_enum_unref(files);
    return file;
}

struct view {
    bcj2_job_progress job;
    bcj2_file_progress file;
    bcj2_reply_progress reply;
    bcj2_job_times times;
};

static struct view look(bcj2_job *job)
{
    struct view v = {BCJ2_JOB_PROGRESS_INIT, BCJ2_FILE_PROGRESS_INIT, BCJ2_REPLY_PROGRESS_INIT,
                     BCJ2_JOB_TIMES_INIT};
    bcj2_file *file = only_file(job);
    assert_status(bcj2_get_progress(job, &v.job), BCJ2_OK);
    assert_status(bcj2_file_get_progress(file, &v.file), BCJ2_OK);
    assert_status(bcj2_get_reply_progress(job, &v.reply), BCJ2_OK);
    assert_status(bcj2_get_times(job, &v.times), BCJ2_OK);
    (void)bcj2_file_unref(file);
    ck_assert_uint_eq(v.file.bytes_total, v.job.bytes_total);
    ck_assert_uint_eq(v.file.bytes_transferred, v.job.bytes_transferred);
    ck_assert_uint_eq(v.job.files_total, 1);
    ck_assert_uint_eq(v.job.files_transferred, v.file.completed ? 1 : 0);
    ck_assert_uint_le(v.times.creation_time, v.times.modification_time);
    return v;
}

/* Nothing of the reply can be had before TRANSFERRED. */
static void assert_under_way(bcj2_job *job)
{
    uint8_t *data = NULL;
    uint64_t length = 0;
    bcj2_error *error = NULL;
    ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_TRANSFERRING);
    assert_status(bcj2_get_reply_data(job, &data, &length), BCJ2_E_INVALID_STATE);
    assert_status(bcj2_complete(job), BCJ2_E_INVALID_STATE);
    assert_status(bcj2_get_error(job, &error), BCJ2_E_ERROR_INFORMATION_UNAVAILABLE);
    ck_assert(!client_exists(rig_path("out/reply")));
}

static void assert_fresh(bcj2_job *job)
{
    struct view v = look(job);
    ck_assert_uint_eq(v.job.bytes_total, BCJ2_SIZE_UNKNOWN);
    ck_assert_uint_eq(v.job.bytes_transferred, 0);
    ck_assert_uint_eq(v.reply.bytes_total, BCJ2_SIZE_UNKNOWN);
    ck_assert_uint_eq(v.reply.bytes_transferred, 0);
    ck_assert_uint_ne(v.times.creation_time, 0);
    ck_assert_uint_eq(v.times.transfer_completion_time, 0);
}

#define VIEW_SOURCE (3 * MIB)
#define VIEW_ANSWER (5 * MIB)

START_TEST(seen_on_the_way)
{
    /* the server hears no more; then, after all answers, half of the reply is missing */
    const struct fault_plan half_upload = {.kind = FAULT_STALL,
                                           .direction = FAULT_TO_SERVER,
                                           .after = 1400000};
    const struct fault_plan half_reply = {.kind = FAULT_STALL,
                                          .direction = FAULT_TO_CLIENT,
                                          .after = 2 * MIB};
    rig_start(NULL, RIG_APPLICATION);
    rig_make("source", VIEW_SOURCE);
    rig_make("answer", VIEW_ANSWER);
    rig_proxy();
    fault_proxy_plan(rig.proxy, &half_upload, 1);
    bcj2_job *job = rig_job(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    assert_fresh(job);
    assert_status(bcj2_resume(job), BCJ2_OK);
    ck_assert(fault_proxy_wait_faults(rig.proxy, 1));
    assert_under_way(job);
    struct view v = look(job);
    ck_assert_uint_eq(v.job.bytes_total, VIEW_SOURCE);
    ck_assert_uint_ge(v.job.bytes_transferred, 262144); /* the first fragment was acknowledged */
    ck_assert(!v.file.completed);
    ck_assert_uint_eq(v.reply.bytes_total, BCJ2_SIZE_UNKNOWN);
    ck_assert_uint_eq(v.times.transfer_completion_time, 0);
    assert_status(bcj2_set_reply_file_name(job, rig_path("out/reply")), BCJ2_OK);
    fault_proxy_plan(rig.proxy, &half_reply, 1);
    fault_proxy_release(rig.proxy);
    ck_assert(fault_proxy_wait_faults(rig.proxy, 2));
    assert_under_way(job);
    v = look(job);
    /* what has passed the proxy may still be in the socket, its head too */
    for (uint64_t change = 0; v.reply.bytes_total == 0; v = look(job)) {
        assert_status(bcj2_manager_wait(rig.manager, &change, 20000), BCJ2_OK);
    }
    ck_assert_uint_eq(v.job.bytes_transferred, VIEW_SOURCE);
    ck_assert(v.file.completed);
    ck_assert_uint_eq(v.reply.bytes_total, VIEW_ANSWER);
    ck_assert_uint_eq(v.times.transfer_completion_time, 0);
    assert_status(bcj2_set_reply_file_name(job, rig_path("out/other")), BCJ2_E_INVALID_STATE);
    fault_proxy_release(rig.proxy);
    rig_transferred(job);
    v = look(job);
    ck_assert_uint_eq(v.reply.bytes_transferred, VIEW_ANSWER);
    ck_assert_uint_ge(v.times.transfer_completion_time, v.times.creation_time);
    rig_finish(job);
    rig_assert_clean();
    rig_stop();
}
END_TEST

/* ---- Suspend and Resume ---- */

/* So many bytes of the reply are on the disk. */
static void wait_for_reply_bytes(bcj2_job *job, uint64_t bytes)
{
    const struct timespec a_little = {.tv_nsec = 5000000};
    for (int n = 0; !client_exists(rig_temporary(job)) || client_size(rig_temporary(job)) < bytes;
         n++) {
        ck_assert_int_lt(n, PATIENCE);
        (void)nanosleep(&a_little, NULL);
    }
}

START_TEST(suspended_in_the_upload)
{
    const struct fault_plan plan = {.kind = FAULT_STALL,
                                    .direction = FAULT_TO_SERVER,
                                    .after = 5 * MIB};
    rig_start(NULL, RIG_APPLICATION);
    rig_make("source", 12 * MIB);
    rig_proxy();
    fault_proxy_plan(rig.proxy, &plan, 1);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    ck_assert(fault_proxy_wait_faults(rig.proxy, 1));
    assert_status(bcj2_suspend(job), BCJ2_OK);
    ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_SUSPENDED);
    fault_proxy_release(rig.proxy);
    assert_status(bcj2_resume(job), BCJ2_OK);
    rig_finish(job);
    ck_assert_uint_eq(rig_runs(), 1);
    ck_assert_uint_le(server_sums(rig.server).duplicate, PROBE);
    rig_assert_clean();
    rig_stop();
}
END_TEST

START_TEST(suspended_in_the_reply)
{
    const uint64_t size = 12 * MIB;
    const struct fault_plan plan = {.kind = FAULT_STALL,
                                    .direction = FAULT_TO_CLIENT,
                                    .after = 5 * MIB};
    rig_start(NULL, RIG_APPLICATION);
    rig_make("answer", size);
    rig_proxy();
    fault_proxy_plan(rig.proxy, &plan, 1);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    ck_assert(fault_proxy_wait_faults(rig.proxy, 1));
    wait_for_reply_bytes(job, 4 * MIB);
    assert_status(bcj2_suspend(job), BCJ2_OK);
    const char *temporary = rig_temporary(job);
    bcj2_guid id = client_id(job);
    rig_unref(job);
    rig_close(); /* Suspend does not wait for the last bytes; this does */
    uint64_t before = fault_proxy_counts(rig.proxy).to_client, had = client_size(temporary);
    fault_proxy_release(rig.proxy);
    rig_open();
    assert_status(bcj2_manager_get_job(rig.manager, &id, &job), BCJ2_OK);
    ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_SUSPENDED);
    assert_status(bcj2_resume(job), BCJ2_OK);
    rig_finish(job);
    ck_assert_uint_eq(rig_runs(), 1);
    /* what was on the disk did not come again */
    ck_assert_uint_le(fault_proxy_counts(rig.proxy).to_client - before, size - had + IN_BETWEEN);
    rig_assert_clean();
    rig_stop();
}
END_TEST

START_TEST(suspended_again_and_again)
{
    const unsigned times = 20;
    rig_start(NULL, RIG_APPLICATION);
    rig_make("source", 24 * MIB);
    rig_make("answer", 3 * MIB);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    for (unsigned i = 0; i < times; i++) {
        bcj2_status s = bcj2_suspend(job);
        if (s != BCJ2_OK) { /* a fast machine is through with it */
            ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_TRANSFERRED);
            break;
        }
        assert_status(bcj2_resume(job), BCJ2_OK);
    }
    rig_finish(job);
    ck_assert_uint_ge(rig_runs(), 1);
    ck_assert_uint_le(server_sums(rig.server).duplicate, (uint64_t)times * PROBE);
    /* the server may have a session whose answer was never read: its own time-out ends that */
    rig_assert_no_temporary_here();
    rig_stop();
}
END_TEST

/* The manager is closed and opened again in the middle: the job goes on. */
START_TEST(reopened)
{
    const struct fault_plan plan = {.kind = FAULT_STALL,
                                    .direction = FAULT_TO_SERVER,
                                    .after = 3 * MIB};
    rig_start(NULL, RIG_APPLICATION);
    rig_make("source", 8 * MIB);
    rig_proxy();
    fault_proxy_plan(rig.proxy, &plan, 1);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    bcj2_guid id = client_id(job);
    ck_assert(fault_proxy_wait_faults(rig.proxy, 1));
    rig_close();
    assert_status(bcj2_suspend(job), BCJ2_E_CLOSED);
    rig_unref(job);
    fault_proxy_release(rig.proxy);
    rig_open();
    assert_status(bcj2_manager_get_job(rig.manager, &id, &job), BCJ2_OK);
    rig_finish(job);
    ck_assert_uint_le(server_sums(rig.server).duplicate, PROBE);
    rig_assert_clean();
    rig_stop();
}
END_TEST

/* ---- Cancel ---- */

static const struct {
    uint64_t source, answer;
    enum fault_direction direction;
    uint64_t after;
} cancels[] = {
    {3 * MIB, 10, FAULT_TO_SERVER, 1},       /* nobody knows the session yet */
    {3 * MIB, 10, FAULT_TO_SERVER, 1500000}, /* in the upload */
    {10, 3 * MIB, FAULT_TO_CLIENT, 1500000}, /* in the reply */
    {10, 10, FAULT_TO_CLIENT, 0},            /* the first answer does not come */
};

START_TEST(cancelled)
{
    const struct fault_plan plan = {.kind = FAULT_STALL,
                                    .direction = cancels[_i].direction,
                                    .after = cancels[_i].after};
    rig_start(NULL, RIG_APPLICATION);
    rig_make("source", cancels[_i].source);
    rig_make("answer", cancels[_i].answer);
    rig_proxy();
    fault_proxy_plan(rig.proxy, &plan, 1);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    ck_assert(fault_proxy_wait_faults(rig.proxy, 1));
    assert_status(bcj2_cancel(job), BCJ2_OK);
    ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_CANCELLED);
    assert_status(bcj2_cancel(job), BCJ2_E_INVALID_STATE);
    fault_proxy_release(rig.proxy);
    rig_unref(job);
    if (cancels[_i].after > 1) {
        server_wait_logged(rig.server, "cancel {", 1);
        rig_assert_clean();
    }
    rig_close();
    rig_assert_no_temporary_here();
    ck_assert(!client_exists(rig_path("out/reply")));
    client_assert_same(rig_path("source"), rig_path("source"));
    rig_stop();
}
END_TEST

START_TEST(cancelled_when_transferred)
{
    rig_start(NULL, RIG_APPLICATION);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    rig_transferred(job);
    assert_status(bcj2_cancel(job), BCJ2_OK);
    ck_assert(!client_exists(rig_path("out/reply")));
    rig_unref(job);
    rig_assert_clean();
    rig_stop();
}
END_TEST

/* ---- priorities ---- */

static bcj2_job *job_with(bcj2_job_priority priority, const char *source, const char *reply)
{
    bcj2_job *job = client_job(rig.manager, rig_path(source), server_url(rig.server, "/in/b.bin"),
                               rig_path(reply));
    assert_status(bcj2_set_priority(job, priority), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    return job;
}

/* A running background job gives way to a higher one, and goes on afterwards where it was. */
START_TEST(a_higher_one_goes_first)
{
    const struct fault_plan plan = {.kind = FAULT_STALL,
                                    .direction = FAULT_TO_SERVER,
                                    .after = 3 * MIB};
    uint32_t errors = 1;
    rig_start(NULL, RIG_APPLICATION);
    rig_make("source", 8 * MIB);
    rig_proxy();
    fault_proxy_plan(rig.proxy, &plan, 1);
    bcj2_job *low = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    ck_assert(fault_proxy_wait_faults(rig.proxy, 1));
    /* beside it: the foreground; behind it: its own level; in its place: a higher one */
    bcj2_job *foreground = job_with(BCJ2_JOB_PRIORITY_FOREGROUND, "source", "out/foreground");
    client_wait(foreground, STATE(TRANSFERRED));
    ck_assert_int_eq(client_state(low), BCJ2_JOB_STATE_TRANSFERRING);
    bcj2_job *equal = job_with(BCJ2_JOB_PRIORITY_NORMAL, "source", "out/equal");
    ck_assert_int_eq(client_state(equal), BCJ2_JOB_STATE_QUEUED);
    bcj2_job *high = job_with(BCJ2_JOB_PRIORITY_HIGH, "source", "out/high");
    client_wait(high, STATE(TRANSFERRED));
    client_assert_same(rig_path("source"), rig_path("seen"));
    fault_proxy_release(rig.proxy);
    client_wait(equal, STATE(TRANSFERRED));
    rig_finish(low);
    assert_status(bcj2_get_error_count(high, &errors), BCJ2_OK);
    ck_assert_uint_eq(errors, 0);
    bcj2_job *const rest[] = {foreground, equal, high};
    for (int i = 0; i < COUNT(rest); i++) {
        assert_status(bcj2_complete(rest[i]), BCJ2_OK);
        rig_unref(rest[i]);
    }
    ck_assert_uint_eq(rig_runs(), 4);
    ck_assert_uint_le(server_sums(rig.server).duplicate, PROBE);
    rig_assert_clean();
    rig_stop();
}
END_TEST

/* A running job that is moved to a lower level gives way to one that waits on its old level. */
START_TEST(a_lowered_one_gives_way)
{
    const struct fault_plan plan = {.kind = FAULT_STALL,
                                    .direction = FAULT_TO_SERVER,
                                    .after = 3 * MIB};
    uint32_t errors = 1;
    rig_start(NULL, RIG_APPLICATION);
    rig_make("source", 8 * MIB);
    rig_proxy();
    fault_proxy_plan(rig.proxy, &plan, 1);
    bcj2_job *lowered = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    ck_assert(fault_proxy_wait_faults(rig.proxy, 1));
    bcj2_job *waiting = job_with(BCJ2_JOB_PRIORITY_NORMAL, "source", "out/waiting");
    ck_assert_int_eq(client_state(waiting), BCJ2_JOB_STATE_QUEUED);
    assert_status(bcj2_set_priority(lowered, BCJ2_JOB_PRIORITY_LOW), BCJ2_OK);
    client_wait(waiting, STATE(TRANSFERRED));
    assert_status(bcj2_get_error_count(lowered, &errors), BCJ2_OK);
    ck_assert_uint_eq(errors, 0); /* it yielded, and did not just stall until its time was over */
    fault_proxy_release(rig.proxy);
    rig_finish(lowered);
    assert_status(bcj2_complete(waiting), BCJ2_OK);
    rig_unref(waiting);
    rig_assert_clean();
    rig_stop();
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *sizes = suite_case(suite, "every size", 300);
    tcase_add_loop_test(sizes, plain_uploads, 0, COUNT(upload_sizes));
    tcase_add_loop_test(sizes, upload_replies, 0, COUNT(upload_sizes));
    tcase_add_loop_test(sizes, replies, 0, COUNT(reply_sizes));
    tcase_add_test(sizes, no_reply);
    TCase *way = suite_case(suite, "on the way", 120);
    tcase_add_test(way, seen_on_the_way);
    tcase_add_test(way, suspended_in_the_upload);
    tcase_add_test(way, suspended_in_the_reply);
    tcase_add_test(way, suspended_again_and_again);
    tcase_add_test(way, reopened);
    tcase_add_loop_test(way, cancelled, 0, COUNT(cancels));
    tcase_add_test(way, cancelled_when_transferred);
    tcase_add_test(way, a_higher_one_goes_first);
    tcase_add_test(way, a_lowered_one_gives_way);
}

SUITE_MAIN("whole transfers", add_cases)
