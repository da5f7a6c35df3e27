/* SPDX-License-Identifier: MIT */
/* os: starting a program: what it finds, and what cannot be started. Not here: its end (test_os_child.c),
   calls that fail on the way (test_os_spawn_faults.c). */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "spawn_rig.h"

#include <sys/resource.h>

#define MANY_DESCRIPTORS 500
#define LONG_ARGUMENT    4000

static char seen[1 << 20]; /* what a program reported */

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

static void without_close_from(void)
{
    ck_assert(bcj2__os_syscall_set("close_from", (os_function)close_from_missing) != NULL);
}

static void without_proc(void)
{
    without_close_from();
    ck_assert(bcj2__os_syscall_set("open", (os_function)open_without_proc) != NULL);
}

static void (*const systems[])(void) = {as_it_is, without_close_from, without_proc,
                                        without_child_watch};

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

static int handled[2]; /* a pipe: it tells across processes */

static void tell_of_signal(int number)
{
    char byte = (char)number;
    (void)!write(handled[1], &byte, 1);
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
    ck_assert(signal(SIGUSR1, tell_of_signal) != SIG_ERR);
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

static void signal_the_child(void)
{
    (void)raise(SIGUSR1);
}

/* One that comes between fork and exec does there what it does to a program that never heard of it. */
START_TEST(no_handler_of_the_program_runs_in_the_child)
{
    struct os_child *c;
    struct os_ended ended;
    char byte;
    ck_assert_int_eq(pipe(handled), 0);
    ck_assert_int_eq(fcntl(handled[0], F_SETFL, O_NONBLOCK), 0);
    ck_assert(signal(SIGUSR1, tell_of_signal) != SIG_ERR);
    ck_assert_int_eq(pthread_atfork(NULL, NULL, signal_the_child), 0);
    assert_status(start("exit", "0", &c), BCJ2_OK);
    ck_assert(readable(c, 20000));
    assert_status(bcj2__os_child_reap(c, &ended), BCJ2_OK);
    ck_assert(ended.how == OS_ENDED_SIGNAL && ended.value == SIGUSR1);
    ck_assert_int_eq(read(handled[0], &byte, 1), -1);
    ck_assert_int_eq(errno, EAGAIN);
    (void)bcj2__os_child_close(c);
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

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "start", 30);
    tcase_add_checked_fixture(tc, make, let_go);
    tcase_add_loop_test(tc, it_finds_what_it_was_given_and_nothing_else, 0,
                        (int)ARRAY_LEN(systems));
    tcase_add_test(tc, no_handler_of_the_program_runs_in_the_child);
    tcase_add_test(tc, without_input_and_lock_it_has_neither);
    tcase_add_loop_test(tc, the_numbers_may_be_in_each_others_way, 0, 5);
    tcase_add_test(tc, a_long_argument_arrives_whole);
    tcase_add_loop_test(tc, what_cannot_be_started_is_told, 0, (int)ARRAY_LEN(unstartable));
    tcase_add_test(tc, too_long_an_argument_is_told);
    tcase_add_test(tc, a_script_with_its_interpreter_runs);
}

SUITE_MAIN("os_spawn", add_cases)
