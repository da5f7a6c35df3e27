/* SPDX-License-Identifier: MIT */
/* A queue directory, or a file in it, that is removed, moved or replaced while managers have it open:
   calls that change something fail, calls that wait end, nothing runs on, and a new queue at the same
   place is nobody else's. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "../support/queue.h"

#include "macro.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- ways to vanish ---- */

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *at)
{
    (void)remove(path);
    return 0;
}

/* As rm -rf does: what somebody else removes meanwhile is no failure, what he makes is. */
static void remove_all(void)
{
    struct stat st;
    (void)nftw(queue_path("queue"), remove_one, 8, FTW_DEPTH | FTW_PHYS);
    if (lstat(queue_path("queue"), &st) == 0) { /* the walk itself stumbled over what went away */
        (void)nftw(queue_path("queue"), remove_one, 8, FTW_DEPTH | FTW_PHYS);
    }
    ck_assert_int_ne(lstat(queue_path("queue"), &st), 0);
}

static void rename_folder(void)
{
    ck_assert_int_eq(rename(queue_path("queue"), queue_path("elsewhere")), 0);
}

static void remove_database(void)
{
    ck_assert_int_eq(unlink(queue_path("queue/queue.db")), 0);
}

static void replace_database(void)
{
    queue_write_file("other.db", "", 0);
    ck_assert_int_eq(rename(queue_path("other.db"), queue_path("queue/queue.db")), 0);
}

static void remove_log(void)
{
    ck_assert_int_eq(unlink(queue_path("queue/queue.db-wal")), 0);
}

static void rename_index_of_log(void)
{
    ck_assert_int_eq(rename(queue_path("queue/queue.db-shm"), queue_path("shm")), 0);
}

static const struct {
    void (*vanish)(void);
    bool another_can_be_made; /* at once, without tidying up */
} ways[] = {
    {remove_all, true},        {rename_folder, true}, {remove_database, false},
    {replace_database, false}, {remove_log, false},   {rename_index_of_log, false},
};

/* ---- who waits ---- */

struct waiter {
    bcj2_manager *manager;
    bcj2_job *job; /* or else for any change */
    bcj2_status status;
    char detail[256];
    pthread_t thread;
};

static void *wait_for_ever(void *argument)
{
    struct waiter *w = argument;
    uint64_t change = 0;
    if (w->job != NULL) {
        w->status = bcj2_wait(w->job, STATE_BIT(TRANSFERRED), -1, NULL);
    } else {
        do {
            w->status = bcj2_manager_wait(w->manager, &change, -1);
        } while (w->status == BCJ2_OK);
    }
    (void)snprintf(w->detail, sizeof w->detail, "%s", bcj2_last_detail());
    return NULL;
}

static void begin_to_wait(struct waiter *w, bcj2_manager *manager, bcj2_job *job)
{
    *w = (struct waiter){.manager = manager, .job = job};
    ck_assert_int_eq(pthread_create(&w->thread, NULL, wait_for_ever, w), 0);
}

static void has_ended(struct waiter *w)
{
    ck_assert_int_eq(pthread_join(w->thread, NULL), 0);
    assert_status(w->status, BCJ2_E_PATH_NOT_FOUND);
    ck_assert_msg(strstr(w->detail, queue_path("queue")) != NULL, "%s", w->detail);
}

/* ---- calls ---- */

static bcj2_status create(bcj2_manager *manager, bcj2_job *job)
{
    bcj2_guid id;
    bcj2_job *none = NULL;
    return bcj2_manager_create_job(manager, "x", BCJ2_JOB_TYPE_UPLOAD, &id, &none);
}

static bcj2_status add(bcj2_manager *manager, bcj2_job *job)
{
    return bcj2_add_file(job, "http://127.0.0.1:1/", queue_path("up.bin"));
}

static bcj2_status rename_job(bcj2_manager *manager, bcj2_job *job)
{
    return bcj2_set_display_name(job, "x");
}

static bcj2_status describe(bcj2_manager *manager, bcj2_job *job)
{
    return bcj2_set_description(job, "x");
}

static bcj2_status set_priority(bcj2_manager *manager, bcj2_job *job)
{
    return bcj2_set_priority(job, BCJ2_JOB_PRIORITY_LOW);
}

static bcj2_status set_reply(bcj2_manager *manager, bcj2_job *job)
{
    return bcj2_set_reply_file_name(job, queue_path("out/other"));
}

static bcj2_status suspend(bcj2_manager *manager, bcj2_job *job)
{
    return bcj2_suspend(job);
}

static bcj2_status cancel(bcj2_manager *manager, bcj2_job *job)
{
    return bcj2_cancel(job);
}

static bcj2_status wait_for_job(bcj2_manager *manager, bcj2_job *job)
{
    return bcj2_wait(job, STATE_BIT(TRANSFERRED), -1, NULL);
}

static bcj2_status wait_for_change(bcj2_manager *manager, bcj2_job *job)
{
    uint64_t change = 0;
    bcj2_status s = bcj2_manager_wait(manager, &change, -1); /* what there was */
    return s == BCJ2_OK ? bcj2_manager_wait(manager, &change, -1) : s;
}

static bcj2_status (*const calls[])(bcj2_manager *, bcj2_job *) = {
    create,    add,     rename_job, describe,     set_priority,
    set_reply, suspend, cancel,     wait_for_job, wait_for_change,
};

static void all_refuse(bcj2_manager *manager, bcj2_job *job)
{
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        bcj2_status s = calls[i](manager, job);
        ck_assert_msg(s == BCJ2_E_PATH_NOT_FOUND, "call %zu: 0x%08x", i, (unsigned)s);
        assert_detail(queue_path("queue"));
    }
}

/* ---- in one process ---- */

static atomic_uint lines;

static void count_lines(void *user, int32_t level, const char *line)
{
    atomic_fetch_add(&lines, 1);
}

static bcj2_manager *open_manager(uint32_t flags)
{
    bcj2_manager *manager = NULL;
    bcj2_manager_options o = BCJ2_MANAGER_OPTIONS_INIT;
    o.flags = flags;
    o.log = count_lines;
    assert_status(bcj2_manager_open(queue_path("queue"), &o, &manager), BCJ2_OK);
    return manager;
}

static bcj2_job *job_of(bcj2_manager *manager)
{
    queue_manager = manager;
    bcj2_job *job = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD_REPLY, NULL);
    queue_manager = NULL;
    return job;
}

static uint64_t cpu_ms(void)
{
    struct timespec t;
    ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Each kind of manager: the runner, one beside it, one that may not run, alone. */
START_TEST(who_waits_hears_of_it_and_calls_fail)
{
    size_t way = (size_t)_i / 2;
    bool control_only = _i % 2 != 0;
    struct waiter w[4];
    bcj2_manager *first = open_manager(control_only ? BCJ2_MANAGER_CONTROL_ONLY : 0);
    bcj2_manager *second = open_manager(BCJ2_MANAGER_CONTROL_ONLY);
    bcj2_job *one = job_of(first), *other = job_of(second);
    begin_to_wait(&w[0], first, one);
    begin_to_wait(&w[1], first, NULL);
    begin_to_wait(&w[2], second, other);
    begin_to_wait(&w[3], second, NULL);
    ways[way].vanish();
    for (size_t i = 0; i < ARRAY_LEN(w); i++) {
        has_ended(&w[i]);
    }
    all_refuse(first, one);
    all_refuse(second, other);
    uint64_t cpu = cpu_ms();
    (void)poll(NULL, 0, 200); /* measured: nothing goes round */
    ck_assert_uint_lt(cpu_ms() - cpu, 100);
    ck_assert_uint_le(atomic_load(&lines), 16);
    ck_assert_int_eq(queue_state(one), BCJ2_JOB_STATE_SUSPENDED); /* what was last known */
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    assert_status(bcj2_manager_get_info(first, &info), BCJ2_OK);
    ck_assert_int_eq(info.is_runner, 0);
    ck_assert_int_eq(info.runner_pid, 0);
    (void)bcj2_manager_close(first);
    (void)bcj2_manager_close(second);
    bcj2_job_unref(one);
    bcj2_job_unref(other);
}
END_TEST

/* The first to notice is a call, not the watch: it fails all the same. */
START_TEST(the_next_call_fails)
{
    bcj2_manager *manager = open_manager(0);
    bcj2_job *job = job_of(manager);
    ways[_i].vanish();
    assert_status(bcj2_set_display_name(job, "lost"), BCJ2_E_PATH_NOT_FOUND);
    assert_detail(queue_path("queue"));
    bcj2_job_unref(job);
    (void)bcj2_manager_close(manager);
}
END_TEST

/* ---- the runner's names ---- */

static bool runs(bcj2_manager *manager)
{
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    assert_status(bcj2_manager_get_info(manager, &info), BCJ2_OK);
    return info.is_runner != 0;
}

/* 0: runner.sock is removed; 1: runner.lock, too, and the next one to open is the runner; 2: the lock. */
START_TEST(one_runs_the_queue_though_its_names_are_removed)
{
    bcj2_manager *first = open_manager(0);
    if (_i != 2) {
        ck_assert_int_eq(unlink(queue_path("queue/runner.sock")), 0);
    }
    if (_i != 0) {
        ck_assert_int_eq(unlink(queue_path("queue/runner.lock")), 0);
    }
    bcj2_manager *second = open_manager(0);
    bcj2_job *job = job_of(second);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, STATE_BIT(TRANSIENT_ERROR), BCJ2_JOB_STATE_TRANSIENT_ERROR);
    for (int tries = 0; runs(first) == runs(second); tries++) {
        ck_assert_int_lt(tries, 1000);
        (void)poll(NULL, 0, 10);
    }
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, STATE_BIT(TRANSIENT_ERROR), BCJ2_JOB_STATE_TRANSIENT_ERROR);
    bcj2_job_unref(job);
    (void)bcj2_manager_close(first);
    (void)bcj2_manager_close(second);
}
END_TEST

/* Cancel locks the file that others find, not the one that it opened once. */
START_TEST(a_removed_lock_of_complete_and_cancel_is_made_again)
{
    struct stat st;
    bcj2_manager *manager = open_manager(0);
    for (int i = 0; i < 2; i++) {
        bcj2_job *job = job_of(manager);
        ck_assert_int_eq(unlink(queue_path("queue/settle.lock")), 0);
        assert_status(bcj2_cancel(job), BCJ2_OK);
        ck_assert_int_eq(lstat(queue_path("queue/settle.lock"), &st), 0);
        bcj2_job_unref(job);
    }
    (void)bcj2_manager_close(manager);
}
END_TEST

static struct stat look_at(const char *name)
{
    struct stat st;
    ck_assert_msg(lstat(queue_path(name), &st) == 0, "%s is not there", name);
    return st;
}

/* It has its own jobs and its own runner, and the old managers' end takes nothing from it. */
START_TEST(a_new_queue_at_the_same_place_is_another)
{
    static const char *const names[] = {"queue/queue.db", "queue/queue.db-wal",
                                        "queue/queue.db-shm", "queue/runner.sock",
                                        "queue/runner.lock"};
    struct stat before[ARRAY_LEN(names)];
    bcj2_manager *old[2] = {open_manager(0), open_manager(0)};
    bcj2_job *old_job = job_of(old[0]);
    ways[_i].vanish();
    if (!ways[_i].another_can_be_made) {
        remove_all();
    }
    queue_open();
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    assert_status(bcj2_manager_get_info(queue_manager, &info), BCJ2_OK);
    ck_assert_uint_eq(info.jobs, 0);
    bcj2_job *job = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD_REPLY, NULL);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, STATE_BIT(TRANSIENT_ERROR), BCJ2_JOB_STATE_TRANSIENT_ERROR);
    assert_status(bcj2_manager_get_info(queue_manager, &info), BCJ2_OK);
    ck_assert_int_eq(info.is_runner, 1);
    ck_assert_uint_eq(info.jobs, 1);
    assert_status(bcj2_set_display_name(old_job, "lost"), BCJ2_E_PATH_NOT_FOUND);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        before[i] = look_at(names[i]);
    }
    old[0] = bcj2_manager_close(old[0]);
    old[1] = bcj2_manager_close(old[1]);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        ck_assert_msg(look_at(names[i]).st_ino == before[i].st_ino, "%s was replaced", names[i]);
    }
    assert_status(bcj2_set_display_name(job, "kept"), BCJ2_OK);
    queue_close();
    queue_open();
    bcj2_job_unref(job);
    assert_status(bcj2_manager_get_info(queue_manager, &info), BCJ2_OK);
    ck_assert_uint_eq(info.jobs, 1);
    bcj2_job_unref(old_job);
}
END_TEST

/* What is left of its jobs is in the log. */
START_TEST(a_log_without_its_database_is_left_alone)
{
    size_t size = 0, size_after = 0;
    bcj2_manager *manager = open_manager(0), *none = NULL;
    bcj2_job_unref(job_of(manager));
    remove_database();
    char *before = queue_read_file(queue_path("queue/queue.db-wal"), &size);
    for (int i = 0; i < 2; i++) { /* while it is open, and afterwards */
        assert_status(bcj2_manager_open(queue_path("queue"), NULL, &none), BCJ2_E_DATABASE_CORRUPT);
        assert_detail(queue_path("queue/queue.db-wal"));
        manager = bcj2_manager_close(manager);
    }
    char *after = queue_read_file(queue_path("queue/queue.db-wal"), &size_after);
    ck_assert_uint_gt(size, 0);
    ck_assert_uint_eq(size_after, size);
    ck_assert_int_eq(memcmp(before, after, size), 0);
    free(before);
    free(after);
    ck_assert_int_eq(unlink(queue_path("queue/queue.db-wal")), 0);
    queue_open();
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    assert_status(bcj2_manager_get_info(queue_manager, &info), BCJ2_OK);
    ck_assert_uint_eq(info.jobs, 0);
}
END_TEST

/* A server that never answers sees the connection end. */
START_TEST(a_transfer_is_given_up)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof name;
    char url[64], bytes[256];
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&name, sizeof name), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&name, &size), 0);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", (unsigned)ntohs(name.sin_port));
    queue_open();
    bcj2_job *job = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD_REPLY, url);
    assert_status(bcj2_resume(job), BCJ2_OK);
    int connection = accept(listener, NULL, NULL);
    ck_assert_int_ge(connection, 0);
    ck_assert_int_gt(read(connection, bytes, sizeof bytes), 0);
    ways[_i].vanish();
    while (read(connection, bytes, sizeof bytes) > 0) {
    }
    (void)close(connection);
    (void)close(listener);
    bcj2_job_unref(job);
}
END_TEST

/* ---- among processes ---- */

static struct queue_signal ready, vanished;

static void wait_in_child(void *flags)
{
    struct waiter w[2];
    bcj2_manager *manager = open_manager(*(uint32_t *)flags);
    bcj2_job *job = job_of(manager);
    begin_to_wait(&w[0], manager, job);
    begin_to_wait(&w[1], manager, NULL);
    queue_signal_give(&ready);
    has_ended(&w[0]);
    has_ended(&w[1]);
    all_refuse(manager, job);
    bcj2_job_unref(job);
    queue_signal_await(&vanished);
    (void)bcj2_manager_close(manager); /* beside the new queue */
}

START_TEST(all_processes_hear_of_it)
{
    static uint32_t flags[] = {0, 0, BCJ2_MANAGER_CONTROL_ONLY};
    int children[ARRAY_LEN(flags)];
    queue_signal_make(&ready);
    queue_signal_make(&vanished);
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        children[i] = queue_fork(wait_in_child, &flags[i]);
        queue_signal_await(&ready); /* the first is the runner */
    }
    ways[_i].vanish();
    if (!ways[_i].another_can_be_made) {
        remove_all();
    }
    queue_open();
    bcj2_job *job = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD_REPLY, NULL);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, STATE_BIT(TRANSIENT_ERROR), BCJ2_JOB_STATE_TRANSIENT_ERROR);
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        queue_signal_give(&vanished);
    }
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        queue_join(children[i]);
    }
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    assert_status(bcj2_manager_get_info(queue_manager, &info), BCJ2_OK);
    ck_assert_int_eq(info.is_runner, 1);
    ck_assert_uint_eq(info.jobs, 1);
    bcj2_job_unref(job);
}
END_TEST

static void add_cases(Suite *suite)
{
    const int count = ARRAY_LEN(ways);
    TCase *tc = suite_case(suite, "vanishing", 30);
    tcase_add_checked_fixture(tc, queue_prepare, queue_stop);
    tcase_add_loop_test(tc, who_waits_hears_of_it_and_calls_fail, 0, 2 * count);
    tcase_add_loop_test(tc, the_next_call_fails, 0, count);
    tcase_add_loop_test(tc, one_runs_the_queue_though_its_names_are_removed, 0, 3);
    tcase_add_test(tc, a_removed_lock_of_complete_and_cancel_is_made_again);
    tcase_add_loop_test(tc, a_new_queue_at_the_same_place_is_another, 0, count);
    tcase_add_test(tc, a_log_without_its_database_is_left_alone);
    tcase_add_loop_test(tc, a_transfer_is_given_up, 0, count);
    tcase_add_loop_test(tc, all_processes_hear_of_it, 0, count);
}

SUITE_MAIN("api_vanish", add_cases)
