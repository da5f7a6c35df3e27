/* SPDX-License-Identifier: MIT */
/* os: sockets between processes, watches and the bell, with calls that fail or are interrupted. How they
   are used together is in tests/link. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "detail.h"
#include "mem.h"
#include "os_fakes.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

/* ---- a listener "s" and both ends of a connection to it ---- */

static int listener, near, far;

static void begin_connected(void)
{
    begin();
    assert_status(bcj2__os_local_listen(scratch, "s", 5, &listener), BCJ2_OK);
    assert_status(bcj2__os_local_connect(scratch, "s", &near), BCJ2_OK);
    assert_status(bcj2__os_local_accept(listener, &far), BCJ2_OK);
}

static void end_connected(void)
{
    bcj2__os_close_own(near);
    bcj2__os_close_own(far);
    bcj2__os_close_own(listener);
    end();
}

static void close_made(bcj2_status status, int made)
{
    ck_assert_int_eq(made >= 0, status == BCJ2_OK);
    bcj2__os_close_own(made);
}

static bcj2_status do_listen(void)
{
    int made;
    bcj2_status status = bcj2__os_local_listen(scratch, "other", 5, &made);
    close_made(status, made);
    return status;
}

static bcj2_status do_connect(void)
{
    int made;
    bcj2_status status = bcj2__os_local_connect(scratch, "s", &made);
    close_made(status, made);
    return status;
}

static bcj2_status do_accept(void)
{
    int made, other;
    assert_status(bcj2__os_local_connect(scratch, "s", &other), BCJ2_OK);
    bcj2_status status = bcj2__os_local_accept(listener, &made);
    close_made(status, made);
    bcj2__os_close_own(other);
    return status;
}

static bcj2_status do_send(void)
{
    size_t n = 99;
    bcj2_status status = bcj2__os_local_send(near, "abc", 3, &n);
    ck_assert_uint_eq(n, status == BCJ2_OK ? 3 : 0);
    return status;
}

static bcj2_status do_receive(void)
{
    char text[2];
    size_t n = 99;
    ck_assert_int_eq(send(near, "ab", 2, 0), 2);
    bcj2_status status = bcj2__os_local_receive(far, text, sizeof text, &n);
    ck_assert_uint_eq(n, status == BCJ2_OK ? 2 : 0);
    return status;
}

static bcj2_status do_touch(void)
{
    return bcj2__os_touch(in_scratch("bell"));
}

static bcj2_status do_watch(void)
{
    struct os_watch *w;
    bcj2_status status = bcj2__os_watch_open(scratch, "bell", "name", &w);
    ck_assert_int_eq(w != NULL, status == BCJ2_OK);
    (void)bcj2__os_watch_close(w);
    return status;
}

static bcj2_status do_lock_open_own(void)
{
    int made;
    bcj2_status status = bcj2__os_lock_open_own(in_scratch("lock"), &made);
    close_made(status, made);
    return status;
}

static const struct {
    const char *call;
    bcj2_status (*operation)(void);
    bool repeated, names_folder;
} places[] = {
    {"unlink", do_listen, true, true},      {"bind", do_listen, false, true},
    {"chmod", do_listen, true, true},       {"listen", do_listen, false, true},
    {"rename", do_listen, true, true},      {"connect", do_connect, true, true},
    {"accept", do_accept, true, false},     {"send", do_send, true, false},
    {"recv", do_receive, true, false},      {"open", do_touch, true, true},
    {"open", do_lock_open_own, true, true}, {"watch", do_watch, false, true},
};

START_TEST(a_failing_call_is_reported)
{
    plan_failure(places[_i].call, EIO, 1);
    assert_status(places[_i].operation(), BCJ2_E_IO_DEVICE);
    ck_assert_int_eq(plan.times, 0);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), "nput/output error"));
    ck_assert(!places[_i].names_folder || strstr(bcj2__detail_get(), scratch) != NULL);
    assert_status(places[_i].operation(), BCJ2_OK);
}
END_TEST

START_TEST(an_interrupted_call_is_made_again)
{
    plan_failure(places[_i].call, EINTR, places[_i].repeated ? 3 : 0);
    assert_status(places[_i].operation(), BCJ2_OK);
    ck_assert_int_eq(plan.times, 0);
}
END_TEST

/* ---- what other errors mean ---- */

static const struct {
    const char *call;
    bcj2_status (*operation)(void);
    int errno_value;
    bcj2_status status;
} meanings[] = {
    {"connect", do_connect, EAGAIN, BCJ2_E_LOCK_VIOLATION},
    {"connect", do_connect, ECONNREFUSED, BCJ2_E_WIN32_FILE_NOT_FOUND},
    {"connect", do_connect, ENOENT, BCJ2_E_WIN32_FILE_NOT_FOUND},
    {"connect", do_connect, EACCES, BCJ2_E_ACCESSDENIED},
    {"accept", do_accept, EAGAIN, BCJ2_S_FALSE},
    {"accept", do_accept, ECONNABORTED, BCJ2_OK}, /* the next one, then */
    {"accept", do_accept, EMFILE, BCJ2_E_FAIL},
    {"send", do_send, EAGAIN, BCJ2_S_FALSE},
    {"send", do_send, EPIPE, BCJ2_E_NOT_FOUND},
    {"send", do_send, ECONNRESET, BCJ2_E_NOT_FOUND},
    {"recv", do_receive, EAGAIN, BCJ2_S_FALSE},
    {"recv", do_receive, ECONNRESET, BCJ2_E_NOT_FOUND},
};

START_TEST(errors_have_a_meaning)
{
    plan_failure(meanings[_i].call, meanings[_i].errno_value, 1);
    assert_status(meanings[_i].operation(), meanings[_i].status);
}
END_TEST

START_TEST(bytes_go_both_ways_until_one_hangs_up)
{
    char text[8] = "";
    size_t n;
    struct os_local_peer who;
    ck_assert_int_ne(fcntl(near, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_ne(fcntl(far, F_GETFD) & FD_CLOEXEC, 0);
    assert_status(bcj2__os_local_receive(near, text, sizeof text, &n), BCJ2_S_FALSE);
    assert_status(bcj2__os_local_send(far, "hello", 5, &n), BCJ2_OK);
    assert_status(bcj2__os_local_receive(near, text, sizeof text, &n), BCJ2_OK);
    ck_assert_str_eq(text, "hello");
    assert_status(bcj2__os_local_peer(near, &who), BCJ2_OK);
    ck_assert(who.uid == geteuid() && who.pid == getpid());
    assert_status(bcj2__os_local_peer(fd, &who), BCJ2_E_FAIL); /* a file */
    bcj2__os_close_own(far);
    far = -1;
    assert_status(bcj2__os_local_receive(near, text, sizeof text, &n), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__os_local_send(near, "x", 1, &n), BCJ2_E_NOT_FOUND); /* and no SIGPIPE */
    assert_status(bcj2__os_local_accept(listener, &far), BCJ2_S_FALSE);
    ck_assert_int_eq(far, -1);
}
END_TEST

START_TEST(a_full_socket_says_so)
{
    static char block[65536];
    size_t n, total = 0;
    struct os_poll p[2];
    while (bcj2__os_local_send(near, block, sizeof block, &n) == BCJ2_OK) {
        total += n;
        ck_assert_uint_lt(total, (size_t)1 << 30);
    }
    p[0] = (struct os_poll){.fd = near, .read = true, .write = true};
    p[1] = (struct os_poll){.fd = far, .read = true, .write = true};
    assert_status(bcj2__os_poll_now(p, 2), BCJ2_OK);
    ck_assert(!p[0].read && !p[0].write && p[1].read && p[1].write);
    bcj2__os_close_own(near);
    near = -1;
    p[1] = (struct os_poll){.fd = far, .read = true};
    assert_status(bcj2__os_poll_now(p + 1, 1), BCJ2_OK);
    ck_assert(p[1].read);
}
END_TEST

/* ---- long paths without /proc ---- */

static int stat_without_proc(const char *path, struct stat *ret)
{
    if (strncmp(path, "/proc/", 6) == 0) {
        errno = ENOENT;
        return -1;
    }
    return real_calls.stat(path, ret);
}

START_TEST(a_short_link_serves_where_there_is_no_proc)
{
    char folder[300], base[200];
    int made, other;
    memset(base, 'l', sizeof base);
    base[sizeof base - 1] = '\0';
    (void)snprintf(folder, sizeof folder, "%s", in_scratch(base));
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    ck_assert_int_eq(mkdir(in_scratch("tmp"), 0700), 0);
    ck_assert(bcj2__os_syscall_set("stat", (os_function)stat_without_proc) != NULL);
    for (int round = 0; round < 2; round++) {
        /* a folder for it of the user's choice, which is there or is not */
        ck_assert_int_eq(setenv("TMPDIR", in_scratch(round == 0 ? "tmp" : "none"), 1), 0);
        assert_status(bcj2__os_local_listen(folder, "runner.sock", 5, &made), BCJ2_OK);
        assert_status(bcj2__os_local_connect(folder, "runner.sock", &other), BCJ2_OK);
        bcj2__os_close_own(made);
        bcj2__os_close_own(other);
        ck_assert_int_eq(rmdir(in_scratch("tmp")), 0); /* nothing was left in it */
        ck_assert_int_eq(mkdir(in_scratch("tmp"), 0700), 0);
    }
}
END_TEST

/* ---- watching ---- */

static unsigned seen(struct os_watch *w)
{
    unsigned what;
    struct pollfd p = {.fd = bcj2__os_watch_fd(w), .events = POLLIN};
    (void)poll(&p, 1, 0);
    assert_status(bcj2__os_watch_read(w, &what), BCJ2_OK);
    return what;
}

START_TEST(a_watch_tells_of_the_bell_the_name_and_the_end)
{
    struct os_watch *w;
    const char *folder = in_scratch("watched");
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    assert_status(bcj2__os_watch_open(folder, "bell", "name", &w), BCJ2_OK);
    (void)seen(w);
    ck_assert_uint_eq(seen(w), 0);
    for (int i = 0; i < 3; i++) {
        assert_status(bcj2__os_touch(in_scratch("watched/bell")), BCJ2_OK);
        ck_assert_uint_ne(seen(w) & OS_WATCH_TOUCHED, 0);
        ck_assert_uint_eq(seen(w), 0);
    }
    int made = scratch_file("watched/new", "x");
    bcj2__os_close(made);
    (void)seen(w);
    assert_status(bcj2__os_rename(in_scratch("watched/new"), in_scratch("watched/name")), BCJ2_OK);
    ck_assert_uint_eq(seen(w), OS_WATCH_APPEARED);
    assert_status(bcj2__os_unlink(in_scratch("watched/name")), BCJ2_OK);
    assert_status(bcj2__os_unlink(in_scratch("watched/bell")), BCJ2_OK);
    ck_assert_int_eq(rmdir(folder), 0);
    ck_assert_uint_ne(seen(w) & OS_WATCH_GONE, 0);
    (void)bcj2__os_watch_close(w);
    ck_assert_ptr_null(bcj2__os_watch_close(NULL));
    ck_assert(BCJ2_FAILED(bcj2__os_watch_open(folder, "bell", "name", &w)));
    ck_assert_ptr_null(w);
}
END_TEST

START_TEST(the_bell_is_private_and_no_link)
{
    struct os_stat s;
    assert_status(do_touch(), BCJ2_OK);
    assert_status(bcj2__os_stat(in_scratch("bell"), false, &s), BCJ2_OK);
    ck_assert(s.is_regular && s.mode == 0600 && s.size == 0);
    ck_assert_int_eq(symlink(in_scratch("f"), in_scratch("linked")), 0);
    assert_status(bcj2__os_touch(in_scratch("linked")), BCJ2_E_ACCESSDENIED);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "calls", 20);
    tcase_add_checked_fixture(tc, begin_connected, end_connected);
    tcase_add_loop_test(tc, a_failing_call_is_reported, 0, (int)ARRAY_LEN(places));
    tcase_add_loop_test(tc, an_interrupted_call_is_made_again, 0, (int)ARRAY_LEN(places));
    tcase_add_loop_test(tc, errors_have_a_meaning, 0, (int)ARRAY_LEN(meanings));
    tcase_add_test(tc, bytes_go_both_ways_until_one_hangs_up);
    tcase_add_test(tc, a_full_socket_says_so);

    tc = suite_case(suite, "folders", 20);
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, a_short_link_serves_where_there_is_no_proc);
    tcase_add_test(tc, a_watch_tells_of_the_bell_the_name_and_the_end);
    tcase_add_test(tc, the_bell_is_private_and_no_link);
}

SUITE_MAIN("os_local", add_cases)
