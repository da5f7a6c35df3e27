/* SPDX-License-Identifier: MIT */
/* os: watching and reaping a program that was started, as the kernel tells of its end and as a thread does. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "spawn_rig.h"

/* Until somebody else has reaped it. */
static void await_reaped(pid_t pid)
{
    siginfo_t info;
    int result;
    while ((result = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT)) == 0) {
        (void)sched_yield();
    }
    ck_assert_int_eq(errno, ECHILD);
}

/* ---- how it ends ---- */

static const struct {
    const char *first, *second;
    enum os_ended_how how;
    int value;
} endings[] = {
    {"exit", "0", OS_ENDED_EXIT, 0},
    {"exit", "3", OS_ENDED_EXIT, 3},
    {"exit", "255", OS_ENDED_EXIT, 255},
    {"signal", "9", OS_ENDED_SIGNAL, SIGKILL},
    {"signal", "15", OS_ENDED_SIGNAL, SIGTERM},
    {"signal", "1", OS_ENDED_SIGNAL, SIGHUP},
};

START_TEST(its_end_is_seen)
{
    for (size_t i = 0; i < ARRAY_LEN(watches); i++) {
        watches[i]();
        int open_before = count_descriptors();
        struct os_child *c;
        assert_status(start(endings[_i].first, endings[_i].second, &c), BCJ2_OK);
        ck_assert_int_gt(bcj2__os_child_pid(c), 0);
        ck_assert_int_ge(bcj2__os_child_fd(c), 3);
        ck_assert_int_ne(fcntl(bcj2__os_child_fd(c), F_GETFD) & FD_CLOEXEC, 0);
        assert_ended(c, endings[_i].how, endings[_i].value);
        (void)bcj2__os_child_close(c);
        assert_no_child_left();
        ck_assert_int_eq(count_descriptors(), open_before);
    }
}
END_TEST

START_TEST(one_that_runs_is_not_reaped)
{
    watches[_i]();
    struct os_child *c;
    struct os_ended ended;
    assert_status(start("wait", "7", &c), BCJ2_OK);
    ck_assert(!readable(c, 0));
    assert_status(bcj2__os_child_reap(c, &ended), BCJ2_S_FALSE);
    assert_status(lock_anew(false), BCJ2_E_LOCK_VIOLATION);
    end_input();
    assert_ended(c, OS_ENDED_EXIT, 7);
    (void)bcj2__os_child_close(c);
    ck_assert_ptr_null(bcj2__os_child_close(NULL));
}
END_TEST

START_TEST(one_without_descriptors_is_watched)
{
    watches[_i]();
    struct os_child *c;
    struct os_ended ended;
    assert_status(start("bare", NULL, &c), BCJ2_OK);
    give_lock_away();
    assert_status(lock_anew(true), BCJ2_OK); /* it has closed them now */
    ck_assert(!readable(c, 0));
    assert_status(bcj2__os_child_reap(c, &ended), BCJ2_S_FALSE);
    ck_assert_int_eq(kill((pid_t)bcj2__os_child_pid(c), SIGTERM), 0);
    assert_ended(c, OS_ENDED_SIGNAL, SIGTERM);
    (void)bcj2__os_child_close(c);
}
END_TEST

START_TEST(a_daemon_of_it_keeps_the_lock)
{
    watches[_i]();
    struct os_child *c;
    assert_status(start("daemon", NULL, &c), BCJ2_OK);
    give_lock_away();
    assert_ended(c, OS_ENDED_EXIT, 0);
    (void)bcj2__os_child_close(c);
    assert_no_child_left();
    assert_status(lock_anew(false), BCJ2_E_LOCK_VIOLATION);
    end_input();
    assert_status(lock_anew(true), BCJ2_OK);
}
END_TEST

/* ---- a status that somebody else took ---- */

static void *steal(void *stolen)
{
    pid_t *pid = stolen;
    *pid = waitpid(-1, NULL, 0);
    return NULL;
}

/* By a thread that waits for any child while ours runs. Who waits for it by name may be first. */
START_TEST(a_status_that_the_program_took_is_stolen)
{
    watches[_i]();
    struct os_child *c;
    pthread_t thief;
    pid_t stolen = 0;
    assert_status(start("wait", "4", &c), BCJ2_OK);
    ck_assert_int_eq(pthread_create(&thief, NULL, steal, &stolen), 0);
    end_input();
    ck_assert_int_eq(pthread_join(thief, NULL), 0);
    struct os_ended ended = outcome(c);
    if (stolen == (pid_t)bcj2__os_child_pid(c)) {
        ck_assert_int_eq(ended.how, OS_ENDED_STOLEN);
    } else {
        ck_assert(!the_kernel_watches() && ended.how == OS_ENDED_EXIT && ended.value == 4);
    }
    (void)bcj2__os_child_close(c);
    assert_no_child_left();
}
END_TEST

START_TEST(where_children_are_ignored_each_status_is_stolen)
{
    watches[_i]();
    struct os_child *c;
    struct os_ended ended;
    ck_assert(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
    assert_status(start_at(in_scratch("missing"), "", NULL, &c), BCJ2_E_WIN32_FILE_NOT_FOUND);
    assert_status(start("wait", "0", &c), BCJ2_OK);
    ck_assert(!readable(c, 0));
    assert_status(bcj2__os_child_reap(c, &ended), BCJ2_S_FALSE);
    end_input();
    assert_ended(c, OS_ENDED_STOLEN, 0);
    (void)bcj2__os_child_close(c);
    assert_no_child_left();
}
END_TEST

/* ---- one that is let go of ---- */

static void let_one_go(void)
{
    int open_before = count_descriptors();
    struct os_child *c;
    assert_status(start("wait", "0", &c), BCJ2_OK);
    give_lock_away();
    pid_t pid = (pid_t)bcj2__os_child_pid(c);
    ck_assert_ptr_null(bcj2__os_child_close(c));
    assert_status(lock_anew(false), BCJ2_E_LOCK_VIOLATION);
    end_input();
    await_reaped(pid);
    while (count_descriptors() > open_before - 2) { /* less the lock and an end of the pipe */
        (void)sched_yield();
    }
}

/* In a process of its own: a thread that nobody joins may still be ending when the fixture puts the real
   calls back, which is not to be done while others run. */
START_TEST(one_that_is_let_go_of_runs_on_and_is_reaped)
{
    watches[_i]();
    pid_t pid = fork();
    if (pid == 0) {
        /* what is an own descriptor here was closed by the fork */
        assert_status(bcj2__os_lock_open_own(in_scratch("lock"), &lock), BCJ2_OK);
        assert_status(bcj2__os_lock(lock, OS_LOCK_EXCLUSIVE, true), BCJ2_OK);
        let_one_go();
        _exit(0);
    }
    int status = -1;
    end_input();
    give_lock_away();
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* The next call does it where no thread can be had. */
START_TEST(without_a_thread_it_is_reaped_by_the_next_call)
{
    if (!the_kernel_watches()) {
        return; /* there was a thread from the start */
    }
    struct os_child *c, *next;
    assert_status(start("wait", "0", &c), BCJ2_OK);
    int watch = dup(bcj2__os_child_fd(c));
    struct pollfd p = {.fd = watch, .events = POLLIN};
    pid_t pid = (pid_t)bcj2__os_child_pid(c);
    siginfo_t info;
    if (_i == 0) {
        plan_failure("pthread_create", EAGAIN, 1);
    } else {
        bcj2__mem_fail_at((uint64_t)_i);
    }
    ck_assert_ptr_null(bcj2__os_child_close(c));
    bcj2__mem_fail_at(0);
    assert_status(start("exit", "0", &next), BCJ2_OK); /* and one that still runs is left alone */
    assert_ended(next, OS_ENDED_EXIT, 0);
    end_input();
    ck_assert_int_eq(poll(&p, 1, 20000), 1);
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    (void)bcj2__os_child_close(next);
    assert_no_child_left();
    bcj2__os_close(watch);
}
END_TEST

static void add_cases(Suite *suite)
{
    int ways = (int)ARRAY_LEN(watches);
    TCase *tc = suite_case(suite, "end", 30);
    tcase_add_checked_fixture(tc, make, let_go);
    tcase_add_loop_test(tc, its_end_is_seen, 0, (int)ARRAY_LEN(endings));
    tcase_add_loop_test(tc, one_that_runs_is_not_reaped, 0, ways);
    tcase_add_loop_test(tc, one_without_descriptors_is_watched, 0, ways);
    tcase_add_loop_test(tc, a_daemon_of_it_keeps_the_lock, 0, ways);
    tcase_add_loop_test(tc, a_status_that_the_program_took_is_stolen, 0, ways);
    tcase_add_loop_test(tc, where_children_are_ignored_each_status_is_stolen, 0, ways);
    tcase_add_loop_test(tc, one_that_is_let_go_of_runs_on_and_is_reaped, 0, ways);
    tcase_add_loop_test(tc, without_a_thread_it_is_reaped_by_the_next_call, 0, 3);
}

SUITE_MAIN("os_child", add_cases)
