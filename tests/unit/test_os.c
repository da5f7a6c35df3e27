/* SPDX-License-Identifier: MIT */
/* os: statuses, clocks, the process and its forked children, locks between processes, threads. Files
   are in test_os_file.c, failing system calls in test_os_syscall.c. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "detail.h"
#include "filetime.h"
#include "mem.h"
#include "os_scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static const struct {
    int errno_value;
    uint32_t status;
} statuses[] = {
    {ENOENT, 0x80070002},  {ENOTDIR, 0x80070003},   {EACCES, 0x80070005},
    {EPERM, 0x80070005},   {EROFS, 0x80070005},     {ELOOP, 0x80070005},
    {EISDIR, 0x80070005},  {ENOMEM, 0x8007000E},    {EEXIST, 0x80070020},
    {EBUSY, 0x80070020},   {ETXTBSY, 0x80070020},   {EWOULDBLOCK, 0x80070021},
    {ENOTSUP, 0x80070032}, {ENOSYS, 0x80070032},    {EINVAL, 0x80070057},
    {ENOSPC, 0x80070070},  {EDQUOT, 0x80070070},    {ENAMETOOLONG, 0x800700CE},
    {EIO, 0x8007045D},     {ETIMEDOUT, 0x800705B4}, {EMFILE, 0x80004005},
    {0, 0x80004005},       {-1, 0x80004005},
};

START_TEST(errno_table)
{
    assert_status(bcj2__os_status(statuses[_i].errno_value), (bcj2_status)statuses[_i].status);
}
END_TEST

START_TEST(clocks_go_forward)
{
    uint64_t before = bcj2__os_now_ms();
    struct timespec a_little = {.tv_nsec = 3000000};
    ck_assert_int_eq(nanosleep(&a_little, NULL), 0);
    uint64_t passed = bcj2__os_now_ms() - before;
    ck_assert(passed >= 2 && passed < 60000);
    int64_t wall = bcj2__filetime_to_unix(bcj2__os_wall());
    ck_assert(wall >= time(NULL) - 2 && wall <= time(NULL) + 2);
}
END_TEST

START_TEST(the_boot_id_stays)
{
    char a[OS_BOOT_ID_SIZE], b[OS_BOOT_ID_SIZE];
    bcj2__os_boot_id(a);
    bcj2__os_boot_id(b);
    ck_assert_str_eq(a, b);
    ck_assert_uint_ge(strlen(a), 32);
    ck_assert_ptr_null(strpbrk(a, " \n"));
}
END_TEST

START_TEST(the_process_knows_itself)
{
    ck_assert_uint_eq(bcj2__os_uid(), geteuid());
    ck_assert_int_eq(bcj2__os_pid(), getpid());
    ck_assert_int_eq(setenv("BCJ2_TEST", "value", 1), 0);
    ck_assert_str_eq(bcj2__os_env("BCJ2_TEST"), "value");
    ck_assert_int_eq(setenv("BCJ2_TEST", "", 1), 0);
    ck_assert_ptr_null(bcj2__os_env("BCJ2_TEST"));
    ck_assert_int_eq(unsetenv("BCJ2_TEST"), 0);
    ck_assert_ptr_null(bcj2__os_env("BCJ2_TEST"));
}
END_TEST

START_TEST(home_is_the_variable_or_the_password_database)
{
    ck_assert_int_eq(setenv("HOME", "/some/where", 1), 0);
    char *home = bcj2__os_home();
    ck_assert_str_eq(home, "/some/where");
    bcj2__mem_free(home);
    ck_assert_int_eq(unsetenv("HOME"), 0);
    bcj2__mem_fail_at(1);
    ck_assert_ptr_null(bcj2__os_home());
    bcj2__mem_fail_at(2);
    char *second = bcj2__os_home();
    bcj2__mem_fail_at(0);
    const struct passwd *entry = getpwuid(geteuid());
    home = bcj2__os_home();
    if (entry != NULL) {
        ck_assert_ptr_null(second);
        ck_assert_str_eq(home, entry->pw_dir);
    } else {
        ck_assert_ptr_null(home);
    }
    bcj2__mem_free(home);
}
END_TEST

/* ---- forked children ---- */

/* Two pipes to a child that waits until it is told to go on. */
struct child {
    pid_t pid;
    int to_child, from_child;
};

/* Runs body(argument) in a child; its result is the child's first byte. Then the child waits until
   child_end(). */
static struct child child_start(int (*body)(void *), void *argument, int *ret_result)
{
    int down[2], up[2];
    ck_assert_int_eq(pipe(down), 0);
    ck_assert_int_eq(pipe(up), 0);
    struct child c = {.pid = fork(), .to_child = down[1], .from_child = up[0]};
    ck_assert_int_ge(c.pid, 0);
    if (c.pid == 0) {
        (void)close(down[1]);
        unsigned char result = (unsigned char)body(argument);
        if (write(up[1], &result, 1) != 1 || read(down[0], &result, 1) != 0) {
            _exit(1);
        }
        _exit(0);
    }
    (void)close(down[0]);
    (void)close(up[1]);
    unsigned char result = 0;
    ck_assert_int_eq(read(up[0], &result, 1), 1);
    *ret_result = result;
    return c;
}

static void child_end(struct child *c)
{
    int how;
    (void)close(c->to_child);
    ck_assert_int_eq(waitpid(c->pid, &how, 0), c->pid);
    ck_assert(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    (void)close(c->from_child);
}

static int generations_since(void *argument)
{
    const uint32_t *before = argument;
    return (int)(bcj2__os_fork_generation() - *before);
}

static int generations_of_grandchild(void *argument)
{
    int result;
    struct child c = child_start(generations_since, argument, &result);
    child_end(&c);
    return result;
}

START_TEST(each_fork_is_a_generation)
{
    uint32_t before = bcj2__os_fork_generation();
    int result;
    struct child c = child_start(generations_since, &before, &result);
    child_end(&c);
    ck_assert_int_eq(result, 1);
    c = child_start(generations_of_grandchild, &before, &result);
    child_end(&c);
    ck_assert_int_eq(result, 2);
    ck_assert_uint_eq(bcj2__os_fork_generation(), before);
}
END_TEST

static int is_open(void *argument)
{
    return fcntl(*(int *)argument, F_GETFD) != -1;
}

/* Can the lock be had by who opens the file anew? */
static bcj2_status try_lock(const char *path, enum os_lock kind)
{
    int fd;
    assert_status(bcj2__os_lock_open(path, &fd), BCJ2_OK);
    bcj2_status status = bcj2__os_lock(fd, kind, false);
    bcj2__os_close(fd);
    return status;
}

static const struct {
    bool close_in_child, no_more;
    int open_in_child;
    bcj2_status afterwards;
} inheritances[] = {
    {false, false, 1, BCJ2_E_LOCK_VIOLATION}, /* what close_in_child is for */
    {true, false, 0, BCJ2_OK},
    {true, true, 1, BCJ2_E_LOCK_VIOLATION},
};

START_TEST(a_forked_child_keeps_no_lock)
{
    const char *path = in_scratch("lock");
    int fd, open_in_child;
    assert_status(bcj2__os_lock_open(path, &fd), BCJ2_OK);
    if (inheritances[_i].close_in_child) {
        assert_status(bcj2__os_close_in_child(fd), BCJ2_OK);
    }
    if (inheritances[_i].no_more) {
        bcj2__os_close_in_child_no_more(fd);
    }
    assert_status(bcj2__os_lock(fd, OS_LOCK_EXCLUSIVE, false), BCJ2_OK);
    struct child c = child_start(is_open, &fd, &open_in_child);
    assert_status(try_lock(path, OS_LOCK_EXCLUSIVE), BCJ2_E_LOCK_VIOLATION);
    bcj2__os_close_in_child_no_more(fd);
    bcj2__os_close(fd);
    bcj2_status status = try_lock(path, OS_LOCK_EXCLUSIVE);
    child_end(&c);
    ck_assert_int_eq(open_in_child, inheritances[_i].open_in_child);
    assert_status(status, inheritances[_i].afterwards);
    assert_status(try_lock(path, OS_LOCK_EXCLUSIVE), BCJ2_OK);
}
END_TEST

#define MANY 200 /* fits a child's one byte */

static int open_of_many(void *argument)
{
    const int *fds = argument;
    int open = 0;
    for (int i = 0; i < MANY; i++) {
        open += is_open((void *)&fds[i]);
    }
    return open;
}

START_TEST(many_descriptors_are_closed_in_a_child)
{
    int fds[MANY], open;
    bcj2__os_close_in_child_no_more(-1);
    for (int i = 0; i < MANY; i++) {
        assert_status(bcj2__os_lock_open_own(in_scratch("lock"), &fds[i]), BCJ2_OK);
    }
    for (int i = 0; i < MANY; i += 2) {
        bcj2__os_close_in_child_no_more(fds[i]);
    }
    struct child c = child_start(open_of_many, fds, &open);
    child_end(&c);
    ck_assert_int_eq(open, MANY / 2);
    for (int i = 0; i < MANY; i++) {
        bcj2__os_close_own(fds[i]); /* does not touch what is not listed */
        ck_assert_int_eq(is_open(&fds[i]), i % 2 == 0);
        if (i % 2 == 0) {
            bcj2__os_close(fds[i]);
        }
    }
}
END_TEST

START_TEST(a_descriptor_that_cannot_be_listed_is_closed)
{
    int fd = 0;
    bcj2__mem_fail_at(1);
    assert_status(bcj2__os_lock_open_own(in_scratch("lock"), &fd), BCJ2_E_OUTOFMEMORY);
    ck_assert_int_eq(fd, -1);
    bcj2__mem_fail_at(1);
    assert_status(bcj2__os_close_in_child(1000), BCJ2_E_OUTOFMEMORY);
}
END_TEST

/* ---- locks ---- */

static const struct {
    enum os_lock held, wanted;
    bcj2_status status;
} lock_pairs[] = {
    {OS_LOCK_SHARED, OS_LOCK_SHARED, BCJ2_OK},
    {OS_LOCK_SHARED, OS_LOCK_EXCLUSIVE, BCJ2_E_LOCK_VIOLATION},
    {OS_LOCK_EXCLUSIVE, OS_LOCK_SHARED, BCJ2_E_LOCK_VIOLATION},
    {OS_LOCK_EXCLUSIVE, OS_LOCK_EXCLUSIVE, BCJ2_E_LOCK_VIOLATION},
};

static int lock_in_child(void *argument)
{
    return try_lock(in_scratch("lock"), *(enum os_lock *)argument) == BCJ2_E_LOCK_VIOLATION;
}

START_TEST(locks_hold_between_processes)
{
    int fd, refused;
    enum os_lock wanted = lock_pairs[_i].wanted;
    assert_status(bcj2__os_lock_open(in_scratch("lock"), &fd), BCJ2_OK);
    assert_status(bcj2__os_close_in_child(fd), BCJ2_OK);
    assert_status(bcj2__os_lock(fd, lock_pairs[_i].held, false), BCJ2_OK);
    struct child c = child_start(lock_in_child, &wanted, &refused);
    child_end(&c);
    ck_assert_int_eq(refused, lock_pairs[_i].status != BCJ2_OK);
    bcj2__os_unlock(fd);
    c = child_start(lock_in_child, &wanted, &refused);
    child_end(&c);
    ck_assert_int_eq(refused, 0);
    bcj2__os_close_in_child_no_more(fd);
    bcj2__os_close(fd);
}
END_TEST

/* Holds the lock, says so, leaves a mark, lets go. Whoever waited for the lock sees the mark. */
static int lock_and_mark(int tell_fd)
{
    int fd, mark;
    char byte = 1;
    if (bcj2__os_lock_open(in_scratch("lock"), &fd) != BCJ2_OK ||
        bcj2__os_lock(fd, OS_LOCK_EXCLUSIVE, true) != BCJ2_OK || write(tell_fd, &byte, 1) != 1 ||
        bcj2__os_create(in_scratch("mark"), &mark) != BCJ2_OK) {
        return 1;
    }
    bcj2__os_unlock(fd);
    return 0;
}

START_TEST(a_lock_can_be_waited_for)
{
    int told[2], fd, how;
    char byte = 0;
    ck_assert_int_eq(pipe(told), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        _exit(lock_and_mark(told[1]));
    }
    (void)close(told[1]);
    assert_status(bcj2__os_lock_open(in_scratch("lock"), &fd), BCJ2_OK);
    ck_assert_int_eq(read(told[0], &byte, 1), 1);
    assert_status(bcj2__os_lock(fd, OS_LOCK_EXCLUSIVE, true), BCJ2_OK);
    struct os_stat s;
    assert_status(bcj2__os_stat(in_scratch("mark"), false, &s), BCJ2_OK);
    ck_assert(s.exists);
    ck_assert_int_eq(waitpid(pid, &how, 0), pid);
    ck_assert_int_eq(how, 0);
    bcj2__os_close(fd);
    (void)close(told[0]);
}
END_TEST

/* ---- threads ---- */

struct meeting {
    struct os_mutex *mutex;
    struct os_cond *cond;
    struct os_thread *thread;
    int turn;
    bool waits, is_current, signals_blocked;
    char name[32];
};

static void meeting_begin(struct meeting *m)
{
    *m = (struct meeting){.mutex = bcj2__os_mutex_create(), .cond = bcj2__os_cond_create()};
    ck_assert_ptr_nonnull(m->mutex);
    ck_assert_ptr_nonnull(m->cond);
}

static void meeting_end(struct meeting *m)
{
    ck_assert_ptr_null(bcj2__os_thread_join(m->thread));
    ck_assert_ptr_null(bcj2__os_cond_destroy(m->cond));
    ck_assert_ptr_null(bcj2__os_mutex_destroy(m->mutex));
}

/* Says that it waits for turn 1, waits, makes it 2. */
static void take_turn(void *argument)
{
    struct meeting *m = argument;
    bcj2__os_mutex_lock(m->mutex);
    m->waits = true;
    bcj2__os_cond_broadcast(m->cond);
    while (m->turn != 1) {
        bcj2__os_cond_wait(m->cond, m->mutex);
    }
    sigset_t blocked;
    (void)pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    m->signals_blocked = sigismember(&blocked, SIGINT) == 1 &&
                         sigismember(&blocked, SIGCHLD) == 1 && sigismember(&blocked, SIGPIPE) == 1;
    (void)pthread_getname_np(pthread_self(), m->name, sizeof m->name);
    m->is_current = bcj2__os_thread_is_current(m->thread);
    m->turn = 2;
    bcj2__os_cond_broadcast(m->cond);
    bcj2__os_mutex_unlock(m->mutex);
}

START_TEST(threads_meet)
{
    struct meeting m;
    meeting_begin(&m);
    sigset_t before, after;
    (void)pthread_sigmask(SIG_BLOCK, NULL, &before);
    assert_status(bcj2__os_thread_start("bcj2-name-is-cut", take_turn, &m, &m.thread), BCJ2_OK);
    (void)pthread_sigmask(SIG_BLOCK, NULL, &after);
    ck_assert_int_eq(sigismember(&before, SIGINT), sigismember(&after, SIGINT));
    bcj2__os_mutex_lock(m.mutex);
    bcj2__os_mutex_lock(m.mutex); /* recursive */
    bcj2__os_mutex_unlock(m.mutex);
    uint64_t deadline = bcj2__os_now_ms() + 10000;
    while (!m.waits) {
        ck_assert(bcj2__os_cond_wait_until(m.cond, m.mutex, deadline));
    }
    m.turn = 1;
    bcj2__os_cond_broadcast(m.cond);
    while (m.turn != 2) {
        ck_assert(bcj2__os_cond_wait_until(m.cond, m.mutex, deadline));
    }
    bcj2__os_mutex_unlock(m.mutex);
    ck_assert(m.is_current && m.signals_blocked);
    ck_assert(!bcj2__os_thread_is_current(m.thread));
    ck_assert(!bcj2__os_thread_is_current(NULL));
    ck_assert_str_eq(m.name, "bcj2-name-is-cu");
    meeting_end(&m);
}
END_TEST

START_TEST(a_wait_ends_at_its_deadline)
{
    struct meeting m;
    meeting_begin(&m);
    bcj2__os_mutex_lock(m.mutex);
    uint64_t now = bcj2__os_now_ms();
    ck_assert(!bcj2__os_cond_wait_until(m.cond, m.mutex, now));
    ck_assert(!bcj2__os_cond_wait_until(m.cond, m.mutex, 0));
    uint64_t deadline = now + 30;
    while (bcj2__os_cond_wait_until(m.cond, m.mutex, deadline)) {
    }
    uint64_t ended = bcj2__os_now_ms();
    ck_assert(ended >= deadline && ended < deadline + 5000);
    bcj2__os_mutex_unlock(m.mutex);
    meeting_end(&m);
}
END_TEST

/* "Never" is no deadline that overflows into now. */
START_TEST(a_far_deadline_does_not_end_a_wait)
{
    struct meeting m;
    meeting_begin(&m);
    m.turn = 1;
    bcj2__os_mutex_lock(m.mutex);
    assert_status(bcj2__os_thread_start("bcj2-far", take_turn, &m, &m.thread), BCJ2_OK);
    while (m.turn != 2) {
        ck_assert(bcj2__os_cond_wait_until(m.cond, m.mutex, UINT64_MAX));
    }
    bcj2__os_mutex_unlock(m.mutex);
    meeting_end(&m);
}
END_TEST

START_TEST(without_memory_there_is_no_thread)
{
    struct os_thread *thread;
    bcj2__mem_fail_at(1);
    assert_status(bcj2__os_thread_start("bcj2", take_turn, NULL, &thread), BCJ2_E_OUTOFMEMORY);
    ck_assert_ptr_null(thread);
    bcj2__mem_fail_at(1);
    ck_assert_ptr_null(bcj2__os_mutex_create());
    bcj2__mem_fail_at(1);
    ck_assert_ptr_null(bcj2__os_cond_create());
    bcj2__mem_fail_at(0);
    ck_assert_ptr_null(bcj2__os_thread_join(NULL));
    ck_assert_ptr_null(bcj2__os_mutex_destroy(NULL));
    ck_assert_ptr_null(bcj2__os_cond_destroy(NULL));
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "process", 20);
    tcase_add_loop_test(tc, errno_table, 0, ARRAY_LEN(statuses));
    tcase_add_test(tc, clocks_go_forward);
    tcase_add_test(tc, the_boot_id_stays);
    tcase_add_test(tc, the_process_knows_itself);
    tcase_add_test(tc, home_is_the_variable_or_the_password_database);
    tcase_add_test(tc, each_fork_is_a_generation);
    tcase_add_test(tc, many_descriptors_are_closed_in_a_child);
    tcase_add_test(tc, a_descriptor_that_cannot_be_listed_is_closed);

    tc = suite_case(suite, "locks", 20);
    tcase_add_checked_fixture(tc, scratch_make, scratch_remove);
    tcase_add_loop_test(tc, a_forked_child_keeps_no_lock, 0, ARRAY_LEN(inheritances));
    tcase_add_loop_test(tc, locks_hold_between_processes, 0, ARRAY_LEN(lock_pairs));
    tcase_add_test(tc, a_lock_can_be_waited_for);

    tc = suite_case(suite, "threads", 20);
    tcase_add_test(tc, threads_meet);
    tcase_add_test(tc, a_wait_ends_at_its_deadline);
    tcase_add_test(tc, a_far_deadline_does_not_end_a_wait);
    tcase_add_test(tc, without_memory_there_is_no_thread);
}

SUITE_MAIN("os", add_cases)
