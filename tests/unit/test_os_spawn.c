/* SPDX-License-Identifier: MIT */
/* os: starting a program, watching and reaping it. The programs are real (spawn_program.c tells what it
   finds); what a system lacks or refuses is faked, call by call. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "detail.h"
#include "mem.h"
#include "os.h"
#include "os_fakes.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANY_DESCRIPTORS 500
#define LONG_ARGUMENT    4000

static int lock = -1;      /* of the file "lock", held */
static int to_program[2];  /* a pipe to its standard input */
static char seen[1 << 20]; /* what a program reported */

/* ---- starting ---- */

static void make(void)
{
    begin();
    assert_status(bcj2__os_lock_open_own(in_scratch("lock"), &lock), BCJ2_OK);
    assert_status(bcj2__os_lock(lock, OS_LOCK_EXCLUSIVE, false), BCJ2_OK);
    ck_assert_int_eq(pipe(to_program), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(fcntl(to_program[i], F_SETFD, FD_CLOEXEC), 0);
    }
}

static void end_input(void)
{
    bcj2__os_close(to_program[1]);
    to_program[1] = -1;
}

static void let_go(void)
{
    end_input();
    bcj2__os_close(to_program[0]);
    bcj2__os_close_own(lock);
    end();
}

static bcj2_status start_at(const char *program, const char *first, const char *second,
                            struct os_child **ret)
{
    const char *const arguments[] = {"its name", first, second, NULL};
    const struct os_spawn what = {
        .program = program, .arguments = arguments, .input = to_program[0], .lock = lock};
    return bcj2__os_spawn(&what, ret);
}

static bcj2_status start(const char *first, const char *second, struct os_child **ret)
{
    return start_at(SPAWN_PROGRAM, first, second, ret);
}

static bool readable(const struct os_child *c, int wait_ms)
{
    struct pollfd p = {.fd = bcj2__os_child_fd(c), .events = POLLIN};
    int n = poll(&p, 1, wait_ms);
    ck_assert_int_ge(n, 0);
    return n == 1;
}

/* Waits as an engine does. */
static struct os_ended outcome(struct os_child *c)
{
    struct os_ended ended = {0}, again = {0};
    ck_assert(readable(c, 20000));
    assert_status(bcj2__os_child_reap(c, &ended), BCJ2_OK);
    assert_status(bcj2__os_child_reap(c, &again), BCJ2_OK);
    ck_assert(ended.how == again.how && ended.value == again.value);
    ck_assert(readable(c, 0));
    return ended;
}

static void assert_ended(struct os_child *c, enum os_ended_how how, int value)
{
    struct os_ended ended = outcome(c);
    ck_assert_msg(ended.how == how && ended.value == value, "ended %d %d instead of %d %d",
                  (int)ended.how, ended.value, (int)how, value);
}

static void assert_no_child_left(void)
{
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

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

static int count_descriptors(void)
{
    int n = 0;
    for (int i = 0; i < 2048; i++) {
        n += fcntl(i, F_GETFD) != -1 ? 1 : 0;
    }
    return n;
}

/* The lock as another process sees it; `wait`: until it is free. */
static bcj2_status lock_anew(bool wait)
{
    int other;
    assert_status(bcj2__os_lock_open(in_scratch("lock"), &other), BCJ2_OK);
    bcj2_status status = bcj2__os_lock(other, OS_LOCK_EXCLUSIVE, wait);
    bcj2__os_close(other);
    return status;
}

static void give_lock_away(void)
{
    bcj2__os_close_own(lock);
    lock = -1;
}

/* ---- how the system is ---- */

static int open_without_proc(const char *path, int flags, mode_t mode)
{
    if (strncmp(path, "/proc/", 6) == 0) {
        errno = ENOENT;
        return -1;
    }
    return real_calls.open(path, flags, mode);
}

static int close_from_missing(int lowest)
{
    (void)lowest;
    errno = ENOSYS;
    return -1;
}

static int child_watch_missing(pid_t pid)
{
    (void)pid;
    errno = ENOSYS;
    return -1;
}

static void as_it_is(void)
{
}

static void without_close_from(void)
{
    ck_assert(bcj2__os_syscall_set("close_from", (os_function)close_from_missing) != NULL);
}

static void without_proc(void)
{
    without_close_from();
    ck_assert(bcj2__os_syscall_set("open", (os_function)open_without_proc) != NULL);
}

static void without_child_watch(void)
{
    ck_assert(bcj2__os_syscall_set("child_watch", (os_function)child_watch_missing) != NULL);
}

static void (*const systems[])(void) = {as_it_is, without_close_from, without_proc,
                                        without_child_watch};
/* those that differ in how an end is seen */
static void (*const watches[])(void) = {as_it_is, without_child_watch};

/* Else a thread does, which may be the first to know. */
static bool the_kernel_watches(void)
{
    int watch = bcj2__os_calls.child_watch(getpid());
    bcj2__os_close(watch);
    return watch >= 0;
}

/* It ends a program that the system refuses to execute, where the system lets it go on. */
static bool under_valgrind(void)
{
    const char *preloaded = getenv("LD_PRELOAD");
    return preloaded != NULL && strstr(preloaded, "vgpreload") != NULL;
}

/* ---- what the program finds ---- */

static void read_report(void)
{
    int file;
    size_t n;
    assert_status(bcj2__os_open_read(in_scratch("report"), &file), BCJ2_OK);
    seen[0] = '\n';
    assert_status(bcj2__os_pread(file, seen + 1, sizeof seen - 2, 0, &n), BCJ2_OK);
    ck_assert_uint_lt(n, sizeof seen - 2);
    seen[n + 1] = '\0';
    bcj2__os_close(file);
}

static int times_seen(const char *text)
{
    int n = 0;
    for (const char *at = strstr(seen, text); at != NULL; at = strstr(at + 1, text)) {
        n++;
    }
    return n;
}

static atomic_int handled;

static void count_signal(int number)
{
    (void)number;
    handled++;
}

/* A program with everything about it that must not reach what it starts. */
static void be_untidy(void)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = MIN(limit.rlim_max, 2000);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int i = 0; i < MANY_DESCRIPTORS; i++) {
        ck_assert_int_ge(dup(STDERR_FILENO), 0); /* not close-on-exec */
    }
    sigset_t some;
    ck_assert_int_eq(sigemptyset(&some), 0);
    ck_assert_int_eq(sigaddset(&some, SIGTERM), 0);
    ck_assert_int_eq(sigaddset(&some, SIGUSR2), 0);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &some, NULL), 0);
    ck_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    ck_assert(signal(SIGHUP, SIG_IGN) != SIG_ERR);
    ck_assert(signal(SIGUSR1, count_signal) != SIG_ERR);
    ck_assert_int_eq(setenv("BCJ2_EVENT", "of the program", 1), 0);
    ck_assert_int_eq(setenv("BCJ2_EVENTS", "another", 1), 0);
    ck_assert_int_eq(setenv("BCJ2_TEST_KEPT", "kept", 1), 0);
    ck_assert_int_eq(chdir(scratch), 0);
}

START_TEST(it_finds_what_it_was_given_and_nothing_else)
{
    static const char *const variables[] = {"BCJ2_EVENT=transferred", "BCJ2_QUEUE=/q=1", NULL};
    static const char *const found[] = {
        "\nargument its name\nargument report\n",
        "\nargument \nargument a b\\\"c\n",
        "\nvariable BCJ2_EVENT=transferred\n",
        "\nvariable BCJ2_EVENTS=another\n",
        "\nvariable BCJ2_QUEUE=/q=1\n",
        "\nvariable BCJ2_TEST_KEPT=kept\n",
        "\ndescriptors 0 1=null 2=null 3\n",
        "\nleads its group 1\n",
        "\nfolder /\n",
        "\ninput what it is told\n",
        "\nblocked 0\n",
        "\nignored 0\n",
    };
    be_untidy();
    systems[_i]();
    const char *const arguments[] = {"its name", "report",   in_scratch("report"),
                                     "",         "a b\\\"c", NULL};
    const struct os_spawn what = {.program = SPAWN_PROGRAM,
                                  .arguments = arguments,
                                  .variables = variables,
                                  .input = to_program[0],
                                  .lock = lock};
    struct os_child *c;
    sigset_t before, after;
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, NULL, &before), 0);
    ck_assert_int_eq(write(to_program[1], "what it is told", 15), 15);
    int open_before = count_descriptors();
    assert_status(bcj2__os_spawn(&what, &c), BCJ2_OK);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, NULL, &after), 0);
    for (int number = 1; number < SIGRTMAX; number++) {
        ck_assert_int_eq(sigismember(&before, number), sigismember(&after, number));
    }
    assert_ended(c, OS_ENDED_EXIT, 0);
    ck_assert_ptr_null(bcj2__os_child_close(c));
    ck_assert_int_eq(count_descriptors(), open_before);
    read_report();
    for (size_t i = 0; i < ARRAY_LEN(found); i++) {
        ck_assert_msg(times_seen(found[i]) == 1, "not found: %s in %s", found[i], seen);
    }
    ck_assert_int_eq(times_seen("\nvariable BCJ2_EVENT="), 1);
    assert_no_child_left();
}
END_TEST

START_TEST(without_input_and_lock_it_has_neither)
{
    const char *const arguments[] = {"n", "report", in_scratch("report"), NULL};
    const struct os_spawn what = {
        .program = SPAWN_PROGRAM, .arguments = arguments, .input = -1, .lock = -1};
    struct os_child *c;
    assert_status(bcj2__os_spawn(&what, &c), BCJ2_OK);
    assert_ended(c, OS_ENDED_EXIT, 0);
    (void)bcj2__os_child_close(c);
    read_report();
    ck_assert_int_eq(times_seen("\ndescriptors 0=null 1=null 2=null\n"), 1);
    ck_assert_int_eq(times_seen("\ninput \n"), 1);
}
END_TEST

/* A program that closed its own has these numbers free, where what is to be handed on may then be. */
START_TEST(the_numbers_may_be_in_each_others_way)
{
    const char *const arguments[] = {"n", "report", in_scratch("report"), NULL};
    int kept[5];
    for (int i = 0; i < 5; i++) {
        kept[i] = fcntl(i, F_DUPFD_CLOEXEC, 20);
    }
    ck_assert_int_eq(write(to_program[1], "told", 4), 4);
    ck_assert_int_eq(dup2(lock, _i), _i);
    ck_assert_int_eq(dup2(to_program[0], (_i + 1) % 5), (_i + 1) % 5);
    const struct os_spawn what = {
        .program = SPAWN_PROGRAM, .arguments = arguments, .input = (_i + 1) % 5, .lock = _i};
    struct os_child *c;
    bcj2_status status = bcj2__os_spawn(&what, &c);
    for (int i = 0; i < 5; i++) {
        (void)(kept[i] >= 0 ? dup2(kept[i], i) : close(i));
    }
    assert_status(status, BCJ2_OK);
    assert_ended(c, OS_ENDED_EXIT, 0);
    (void)bcj2__os_child_close(c);
    read_report();
    ck_assert_int_eq(times_seen("\ndescriptors 0 1=null 2=null 3\n"), 1);
    ck_assert_int_eq(times_seen("\ninput told\n"), 1);
}
END_TEST

START_TEST(a_long_argument_arrives_whole)
{
    static char argument[LONG_ARGUMENT + 1];
    memset(argument, 'x', LONG_ARGUMENT);
    argument[0] = 'a';
    argument[LONG_ARGUMENT - 1] = 'z';
    const char *const arguments[] = {"n", "report", in_scratch("report"), argument, NULL};
    const struct os_spawn what = {
        .program = SPAWN_PROGRAM, .arguments = arguments, .input = -1, .lock = lock};
    struct os_child *c;
    assert_status(bcj2__os_spawn(&what, &c), BCJ2_OK);
    assert_ended(c, OS_ENDED_EXIT, 0);
    (void)bcj2__os_child_close(c);
    read_report();
    ck_assert_int_eq(times_seen(argument), 1);
}
END_TEST

/* ---- what cannot be started ---- */

static void make_file(const char *name, const char *content, mode_t mode)
{
    int file = scratch_file(name, content);
    bcj2__os_close(file);
    ck_assert_int_eq(chmod(in_scratch(name), mode), 0);
}

static const struct {
    const char *program; /* in the scratch folder */
    bcj2_status status;
    const char *words;
    bool found_late; /* by the system alone */
} unstartable[] = {
    {"missing", BCJ2_E_WIN32_FILE_NOT_FOUND, "missing: No such file", false},
    {"folder/missing", BCJ2_E_WIN32_FILE_NOT_FOUND, "missing: No such file", false},
    {"plain/program", BCJ2_E_PATH_NOT_FOUND, "plain/program: Not a directory", false},
    {"folder", BCJ2_E_ACCESSDENIED, "folder: Is a directory", false},
    {"plain", BCJ2_E_ACCESSDENIED, "plain: Permission denied", false},
    {"script", BCJ2_E_FAIL, "script: no program, nor a script with #!", false},
    {"empty", BCJ2_E_FAIL, "empty: no program, nor a script with #!", false},
    {"orphan", BCJ2_E_WIN32_FILE_NOT_FOUND, "orphan: the interpreter it needs: No such file", true},
};

START_TEST(what_cannot_be_started_is_told)
{
    if (unstartable[_i].found_late && under_valgrind()) {
        return;
    }
    make_file("plain", "#!/bin/sh\nexit 0\n", 0600);
    make_file("script", "touch report\n", 0700);
    make_file("empty", "", 0700);
    make_file("orphan", "#!/nowhere/sh\n", 0700);
    ck_assert_int_eq(mkdir(in_scratch("folder"), 0700), 0);
    int open_before = count_descriptors();
    struct os_child *c;
    assert_status(start_at(in_scratch(unstartable[_i].program), "secret", "word", &c),
                  unstartable[_i].status);
    ck_assert_ptr_null(c);
    const char *detail = bcj2__detail_get();
    ck_assert_msg(strstr(detail, unstartable[_i].words) != NULL, "%s", detail);
    ck_assert_ptr_nonnull(strstr(detail, in_scratch(unstartable[_i].program)));
    ck_assert_ptr_null(strstr(detail, "secret"));
    ck_assert_int_eq(count_descriptors(), open_before);
    assert_no_child_left();
}
END_TEST

START_TEST(too_long_an_argument_is_told)
{
    if (under_valgrind()) {
        return;
    }
    const size_t size = 32u << 20; /* more than any system takes */
    char *argument = bcj2__mem_alloc(size);
    memset(argument, 'x', size - 1);
    argument[size - 1] = '\0';
    struct os_child *c;
    assert_status(start("exit", argument, &c), BCJ2_E_FAIL);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), SPAWN_PROGRAM ": Argument list too long"));
    assert_no_child_left();
    bcj2__mem_free(argument);
}
END_TEST

START_TEST(a_script_with_its_interpreter_runs)
{
    make_file("script", "#!/bin/sh\nexit \"$1\"\n", 0700);
    struct os_child *c;
    assert_status(start_at(in_scratch("script"), "5", NULL, &c), BCJ2_OK);
    assert_ended(c, OS_ENDED_EXIT, 5);
    (void)bcj2__os_child_close(c);
}
END_TEST

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
    TCase *tc = suite_case(suite, "start", 30);
    tcase_add_checked_fixture(tc, make, let_go);
    tcase_add_loop_test(tc, it_finds_what_it_was_given_and_nothing_else, 0,
                        (int)ARRAY_LEN(systems));
    tcase_add_test(tc, without_input_and_lock_it_has_neither);
    tcase_add_loop_test(tc, the_numbers_may_be_in_each_others_way, 0, 5);
    tcase_add_test(tc, a_long_argument_arrives_whole);
    tcase_add_loop_test(tc, what_cannot_be_started_is_told, 0, (int)ARRAY_LEN(unstartable));
    tcase_add_test(tc, too_long_an_argument_is_told);
    tcase_add_test(tc, a_script_with_its_interpreter_runs);

    tc = suite_case(suite, "end", 30);
    tcase_add_checked_fixture(tc, make, let_go);
    tcase_add_loop_test(tc, its_end_is_seen, 0, (int)ARRAY_LEN(endings));
    tcase_add_loop_test(tc, one_that_runs_is_not_reaped, 0, ways);
    tcase_add_loop_test(tc, one_without_descriptors_is_watched, 0, ways);
    tcase_add_loop_test(tc, a_daemon_of_it_keeps_the_lock, 0, ways);
    tcase_add_loop_test(tc, a_status_that_the_program_took_is_stolen, 0, ways);
    tcase_add_loop_test(tc, where_children_are_ignored_each_status_is_stolen, 0, ways);
    tcase_add_loop_test(tc, one_that_is_let_go_of_runs_on_and_is_reaped, 0, ways);
    tcase_add_loop_test(tc, without_a_thread_it_is_reaped_by_the_next_call, 0, 3);

    tc = suite_case(suite, "failures", 30);
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

SUITE_MAIN("os_spawn", add_cases)
