/* SPDX-License-Identifier: MIT */
/* os: starting a program while calls fail, memory is short, who starts it is killed, or the program forks. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "spawn_rig.h"

/* ---- what fails on the way ---- */

static const struct {
    const char *call;
    int errno_value;
    bcj2_status status;
    const char *words;
    bool by_thread;
} faults[] = {
    {"open", EACCES, BCJ2_E_ACCESSDENIED, "opening /dev/null", false},
    {"socketpair", EIO, BCJ2_E_IO_DEVICE, "a pair of sockets", false},
    {"fork", EAGAIN, BCJ2_E_OUTOFMEMORY, "fork: ", false},
    {"fork", ENOMEM, BCJ2_E_OUTOFMEMORY, "fork: ", false},
    {"child_watch", EIO, BCJ2_E_IO_DEVICE, "watching process", false},
    {"pthread_create", EAGAIN, BCJ2_E_OUTOFMEMORY, "starting the thread", true},
    {"send", EIO, BCJ2_E_IO_DEVICE, "starting ", false},
    {"dup2", EIO, BCJ2_E_IO_DEVICE, "arranging its descriptors", false},
    {"setpgid", EPERM, BCJ2_E_ACCESSDENIED, "giving it a process group", false},
    {"chdir", EACCES, BCJ2_E_ACCESSDENIED, "changing to the folder /", false},
    {"execve", ETXTBSY, BCJ2_E_SHARING_VIOLATION, "Text file busy", false},
    {"execve", EACCES, BCJ2_E_ACCESSDENIED, "Permission denied", false},
};

START_TEST(after_a_failure_nothing_ran)
{
    int open_before = count_descriptors();
    struct os_child *c;
    struct os_stat s;
    if (faults[_i].by_thread) {
        without_child_watch();
    }
    plan_failure(faults[_i].call, faults[_i].errno_value, 1);
    assert_status(start("report", in_scratch("report"), &c), faults[_i].status);
    ck_assert_ptr_null(c);
    ck_assert_msg(strstr(bcj2__detail_get(), faults[_i].words) != NULL, "%s", bcj2__detail_get());
    assert_no_child_left();
    ck_assert_int_eq(count_descriptors(), open_before);
    assert_status(bcj2__os_stat(in_scratch("report"), false, &s), BCJ2_OK);
    ck_assert(!s.exists);
    bcj2__os_syscall_reset();
    end_input();
    assert_status(start("report", in_scratch("report"), &c), BCJ2_OK);
    assert_ended(c, OS_ENDED_EXIT, 0);
    (void)bcj2__os_child_close(c);
}
END_TEST

START_TEST(an_interrupted_call_is_made_again)
{
    static const char *const repeated[] = {"open", "send", "recv", "wait_child", "dup2"};
    struct os_child *c;
    plan_failure(repeated[_i], EINTR, 2);
    assert_status(start("exit", "6", &c), BCJ2_OK);
    assert_ended(c, OS_ENDED_EXIT, 6);
    (void)bcj2__os_child_close(c);
}
END_TEST

START_TEST(what_cannot_be_heard_is_seen_at_the_end)
{
    struct os_child *c;
    plan_failure("recv", EIO, 1);
    assert_status(start("exit", "6", &c), BCJ2_OK);
    assert_ended(c, OS_ENDED_EXIT, 6);
    (void)bcj2__os_child_close(c);
}
END_TEST

START_TEST(a_failure_to_wait_is_told_and_not_for_good)
{
    struct os_child *c;
    struct os_ended ended;
    if (!the_kernel_watches()) {
        return; /* a thread has waited */
    }
    assert_status(start("exit", "6", &c), BCJ2_OK);
    ck_assert(readable(c, 20000));
    plan_failure("wait_child", EIO, 1);
    assert_status(bcj2__os_child_reap(c, &ended), BCJ2_E_IO_DEVICE);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), "waiting for process"));
    assert_ended(c, OS_ENDED_EXIT, 6);
    (void)bcj2__os_child_close(c);
}
END_TEST

START_TEST(memory_that_fails_leaves_nothing)
{
    watches[_i]();
    end_input();
    bcj2_status status = BCJ2_E_OUTOFMEMORY;
    struct os_child *c = NULL;
    int open_before = count_descriptors();
    uint64_t nth = 0;
    while (status != BCJ2_OK) {
        bcj2__mem_fail_at(++nth);
        status = start("report", in_scratch("report"), &c);
        bcj2__mem_fail_at(0);
        if (status != BCJ2_OK) {
            struct os_stat s;
            ck_assert_int_eq(status, BCJ2_E_OUTOFMEMORY);
            ck_assert_ptr_null(c);
            ck_assert_int_eq(count_descriptors(), open_before);
            assert_status(bcj2__os_stat(in_scratch("report"), false, &s), BCJ2_OK);
            ck_assert(!s.exists);
            assert_no_child_left();
        }
    }
    ck_assert_uint_ge(nth, 3);
    assert_ended(c, OS_ENDED_EXIT, 0);
    (void)bcj2__os_child_close(c);
}
END_TEST

/* ---- killed on the way ---- */

static ssize_t die_before_send(int of, const void *data, size_t size, int flags)
{
    (void)raise(SIGKILL);
    return real_calls.send(of, data, size, flags);
}

static ssize_t die_before_recv(int of, void *data, size_t size, int flags)
{
    (void)raise(SIGKILL);
    return real_calls.recv(of, data, size, flags);
}

static const struct {
    const char *call;
    os_function dying;
    bool runs;
} deaths[] = {
    {"send", (os_function)die_before_send, false},
    {"recv", (os_function)die_before_recv, true},
};

/* The lock says when it is over: it is held by whoever started it, then by the program. */
START_TEST(it_runs_if_who_started_it_was_killed_late_enough)
{
    struct os_stat s;
    give_lock_away();
    pid_t pid = fork();
    if (pid == 0) {
        struct os_child *c;
        ck_assert(bcj2__os_syscall_set(deaths[_i].call, deaths[_i].dying) != NULL);
        assert_status(bcj2__os_lock_open_own(in_scratch("lock"), &lock), BCJ2_OK);
        assert_status(bcj2__os_lock(lock, OS_LOCK_EXCLUSIVE, false), BCJ2_OK);
        end_input();
        (void)start("report", in_scratch("report"), &c);
        _exit(1);
    }
    int status = 0;
    end_input();
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_status(lock_anew(true), BCJ2_OK);
    assert_status(bcj2__os_stat(in_scratch("report"), false, &s), BCJ2_OK);
    ck_assert_int_eq(s.exists, deaths[_i].runs);
}
END_TEST

/* ---- forks of the program ---- */

START_TEST(a_forked_process_lets_go_and_the_parent_goes_on)
{
    watches[_i]();
    struct os_child *c;
    assert_status(start("wait", "2", &c), BCJ2_OK);
    pid_t pid = fork();
    if (pid == 0) {
        bool closed = fcntl(bcj2__os_child_fd(c), F_GETFD) == -1;
        (void)bcj2__os_child_close(c);
        _exit(closed ? 0 : 1);
    }
    int status = -1;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert(!readable(c, 0));
    end_input();
    assert_ended(c, OS_ENDED_EXIT, 2);
    (void)bcj2__os_child_close(c);
}
END_TEST

#define THREADS 4
#define EACH    8

/* Others fork at the same time: neither their children nor each other's keep a talk from ending. */
static void *start_some(void *argument)
{
    const char *number = argument;
    int wrong = 0;
    for (int i = 0; i < EACH; i++) {
        struct os_child *c;
        if (start("exit", number, &c) != BCJ2_OK) {
            return (void *)"not started";
        }
        struct os_ended ended;
        wrong += readable(c, 20000) && bcj2__os_child_reap(c, &ended) == BCJ2_OK &&
                         ended.how == OS_ENDED_EXIT && ended.value == number[0] - '0'
                     ? 0
                     : 1;
        (void)bcj2__os_child_close(c);
    }
    return (void *)(wrong == 0 ? NULL : "ended otherwise");
}

START_TEST(many_threads_start_and_fork_at_once)
{
    static const char *const numbers[THREADS] = {"1", "2", "3", "4"};
    pthread_t threads[THREADS];
    int until[2];
    char byte;
    ck_assert_int_eq(pipe(until), 0);
    watches[_i]();
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, start_some, (void *)numbers[i]), 0);
    }
    pid_t forked[EACH];
    for (int i = 0; i < EACH; i++) { /* these live longer than all that is started */
        forked[i] = fork();
        if (forked[i] == 0) {
            bcj2__os_close(until[1]);
            _exit(read(until[0], &byte, 1) == 0 ? 0 : 1);
        }
    }
    for (int i = 0; i < THREADS; i++) {
        void *complaint;
        ck_assert_int_eq(pthread_join(threads[i], &complaint), 0);
        ck_assert_msg(complaint == NULL, "%s", (const char *)complaint);
    }
    bcj2__os_close(until[1]);
    for (int i = 0; i < EACH; i++) {
        int status = -1;
        ck_assert_int_eq(waitpid(forked[i], &status, 0), forked[i]);
        ck_assert_int_eq(status, 0);
    }
    bcj2__os_close(until[0]);
    assert_no_child_left();
}
END_TEST

static void add_cases(Suite *suite)
{
    int ways = (int)ARRAY_LEN(watches);
    TCase *tc = suite_case(suite, "failures", 30);
    tcase_add_checked_fixture(tc, make, let_go);
    tcase_add_loop_test(tc, after_a_failure_nothing_ran, 0, (int)ARRAY_LEN(faults));
    tcase_add_loop_test(tc, an_interrupted_call_is_made_again, 0, 5);
    tcase_add_test(tc, what_cannot_be_heard_is_seen_at_the_end);
    tcase_add_test(tc, a_failure_to_wait_is_told_and_not_for_good);
    tcase_add_loop_test(tc, memory_that_fails_leaves_nothing, 0, ways);
    tcase_add_loop_test(tc, it_runs_if_who_started_it_was_killed_late_enough, 0,
                        (int)ARRAY_LEN(deaths));
    tcase_add_loop_test(tc, a_forked_process_lets_go_and_the_parent_goes_on, 0, ways);
    tcase_add_loop_test(tc, many_threads_start_and_fork_at_once, 0, ways);
}

SUITE_MAIN("os_spawn_faults", add_cases)
