/* SPDX-License-Identifier: MIT */
/* link: peers who send rubbish, do not read, are too many or of another user, and a system that has run
   out of something. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "detail.h"
#include "limit.h"
#include "link_frame.h"
#include "link_rig.h"
#include "macro.h"
#include "os_calls.h"
#include "os_platform.h"
#include "os_syscall.h"
#include "timeouts.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct os_calls real;

static void begin(void)
{
    rig_begin();
    real = bcj2__os_calls;
}

static void end(void)
{
    bcj2__os_syscall_reset();
    rig_end();
}

static size_t put_frame(uint8_t *to, uint16_t kind, uint64_t id, const void *data, size_t length)
{
    bcj2__link_frame_header(to, kind, id, length);
    if (length > 0) {
        memcpy(to + LINK_FRAME_HEADER_BYTES, data, length);
    }
    return LINK_FRAME_HEADER_BYTES + length;
}

/* ---- rubbish ---- */

static const struct {
    const char *what, *bytes;
    size_t size;
} rubbish[] = {
    {"a request", "GET / HTTP/1.1\r\n\r\n", 18},
    {"one wrong byte", "\0", 1},
    {"the end of the magic is wrong", "BJ2\0", 4},
    {"too long by one", "BJ2L\2\0\0\0\1\20\0\0\0\0\0\0\0\0\0\0", 20},
    {"a length of all ones", "BJ2L\2\0\0\0\377\377\377\377\0\0\0\0\0\0\0\0", 20},
    {"after a good frame", "BJ2L\1\0\0\0\0\0\0\0\11\0\0\0\0\0\0\0?", 21},
};

START_TEST(who_sends_rubbish_is_thrown_out)
{
    struct side *a = rig_open(false), *b = rig_open(false);
    until(b->client == 1);
    int fd = rig_connect();
    rig_write(fd, rubbish[_i].bytes, rubbish[_i].size);
    ck_assert_uint_eq(rig_read_to_end(fd), LINK_FRAME_HEADER_BYTES); /* the runner's HELLO */
    (void)close(fd);
    until(a->gone == 1);
    ck_assert_msg(strstr(rig_log, "sent what is no message") != NULL, "%s", rubbish[_i].what);
    bcj2__link_ring(b->l, 100); /* the others do not notice */
    until(a->change == 100);
    ck_assert(bcj2__link_role(b->l) == LINK_CLIENT && b->alone == 0);
}
END_TEST

START_TEST(a_frame_may_come_byte_by_byte_and_be_unknown)
{
    uint8_t bytes[3 * LINK_FRAME_MAX_BYTES], data[LIMIT_LINK_DATA_BYTES] = {1, 2, 3};
    struct side *a = rig_open(false);
    int fd = rig_connect();
    size_t n = put_frame(bytes, LINK_KIND_HELLO, 0, NULL, 0);
    n += put_frame(bytes + n, 999, 5, data, sizeof data); /* a newer library's */
    n += put_frame(bytes + n, LINK_KIND_CHANGED, 12, "more than we know", 17);
    n += put_frame(bytes + n, LINK_KIND_COUNT, 1, NULL, 0);
    n += put_frame(bytes + n, LINK_KIND_REGISTER, 3, "abc", 3);
    for (size_t i = 0; i < n; i++) {
        rig_write(fd, bytes + i, 1);
        rig_step(a);
    }
    until(a->messages == 1);
    ck_assert_uint_eq(a->change, 12);
    ck_assert_str_eq(a->data, "abc");
    ck_assert_int_eq(a->gone, 0);
    (void)close(fd);
    until(a->gone == 1);
    ck_assert_int_eq(a->messages, 1);
}
END_TEST

START_TEST(half_a_frame_and_a_hang_up)
{
    struct side *a = rig_open(false);
    int fd = rig_connect();
    rig_write(fd, "BJ2L\2\0", 6);
    rig_quiet();
    (void)close(fd);
    until(a->gone == 1);
    ck_assert_int_eq(a->messages, 0);
}
END_TEST

/* Plays a runner; in a folder where nobody holds the lock, so the links are control-only. */
static int play_runner(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", rig_path("fresh"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 5), 0);
    ck_assert_int_eq(rename(rig_path("fresh"), rig_path("runner.sock")), 0);
    return fd;
}

static int accept_now(int listener, struct side *s)
{
    ck_assert_int_eq(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
    int fd = -1;
    until((fd = accept(listener, NULL, NULL)) >= 0);
    ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0);
    return fd;
}

START_TEST(a_runner_that_sends_rubbish_is_not_asked_all_the_time)
{
    uint8_t bytes[LINK_FRAME_HEADER_BYTES + 1];
    struct side *control = rig_open(true);
    int listener = play_runner();
    size_t n = put_frame(bytes, LINK_KIND_HELLO, 0, NULL, 0);
    bytes[n++] = '?';
    uint64_t began = bcj2__os_now_ms();
    for (int i = 1; i <= 8; i++) {
        int fd = accept_now(listener, control);
        rig_write(fd, bytes, i % 2 == 0 ? n : 0); /* or hangs up at once */
        if (i % 2 == 0) {
            until(control->alone == i / 2);
        }
        (void)close(fd);
    }
    ck_assert_uint_ge(bcj2__os_now_ms() - began, 7); /* a millisecond each at least */
    (void)close(listener);
}
END_TEST

START_TEST(a_runner_that_does_not_answer_yet_is_waited_for)
{
    uint8_t bytes[LINK_FRAME_HEADER_BYTES];
    struct side *control = rig_open(true);
    int listener = play_runner();
    int fd = accept_now(listener, control);
    rig_quiet();
    ck_assert_int_eq(bcj2__link_role(control->l), LINK_ALONE);
    ck_assert(bcj2__link_deadline(control->l) == UINT64_MAX);
    ck_assert_int_eq(bcj2__link_runner_pid(control->l), getpid());
    rig_write(fd, bytes, put_frame(bytes, LINK_KIND_HELLO, 0, NULL, 0));
    until(control->client == 1);
    (void)close(fd);
    (void)close(listener);
    until(control->alone == 1);
}
END_TEST

/* ---- who does not read ---- */

START_TEST(who_does_not_read_is_thrown_out_after_a_while)
{
    bcj2__timeouts.link_stall_ms = 50;
    struct side *a = rig_open(false), *b = rig_open(false);
    int fd = rig_connect();
    until(b->client == 1);
    rig_quiet();
    uint64_t n = 0;
    do { /* until the socket is full */
        bcj2__link_ring(a->l, ++n);
        rig_step(b);
        ck_assert_uint_lt(n, 1000000);
    } while (bcj2__link_deadline(a->l) == UINT64_MAX);
    ck_assert_int_eq(a->gone, 0);
    until(a->gone == 1);
    ck_assert_ptr_nonnull(strstr(rig_log, "does not read what it is sent"));
    ck_assert_uint_gt(rig_read_to_end(fd), LINK_FRAME_HEADER_BYTES);
    (void)close(fd);
    until(b->change == n);
    ck_assert_int_eq(b->alone, 0);
    ck_assert(bcj2__link_deadline(a->l) == UINT64_MAX);
}
END_TEST

START_TEST(who_has_too_much_to_read_is_thrown_out)
{
    static char data[LIMIT_LINK_DATA_BYTES];
    struct side *a = rig_open(false);
    int fd = rig_connect();
    uint8_t hello[LINK_FRAME_HEADER_BYTES];
    rig_write(fd, hello, put_frame(hello, LINK_KIND_REGISTER, 0, NULL, 0));
    until(a->messages == 1);
    bcj2_status s = BCJ2_OK;
    int sent = 0;
    for (; BCJ2_SUCCEEDED(s) && sent < 10000; sent++) {
        s = bcj2__link_send(a->l, a->last.peer, LINK_KIND_DELIVER, 1, data, sizeof data);
    }
    assert_status(s, BCJ2_E_NOT_FOUND);
    ck_assert_int_ge(sent, LIMIT_LINK_OUTPUT_BYTES / (LIMIT_LINK_DATA_BYTES + 20));
    until(a->gone == 1);
    ck_assert_ptr_nonnull(strstr(rig_log, "too much to read"));
    ck_assert_uint_gt(rig_read_to_end(fd), (size_t)(sent / 2) * sizeof data / 2);
    (void)close(fd);
}
END_TEST

/* ---- too many, and of another user ---- */

START_TEST(no_more_peers_than_the_limit)
{
    static int fds[LIMIT_LINK_PEERS + 1];
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max == RLIM_INFINITY ? 4096 : MIN(limit.rlim_max, 4096);
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 2 * LIMIT_LINK_PEERS + 100) {
        (void)fprintf(stderr, "not tried: too few descriptors\n");
        return;
    }
    struct side *a = rig_open(false);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = rig_connect();
        if (i % 60 == 59) {
            rig_step(a); /* so that the backlog is never full */
        }
    }
    ck_assert_uint_eq(rig_read_to_end(fds[LIMIT_LINK_PEERS]), 0);
    ck_assert_ptr_nonnull(strstr(rig_log, "1024 processes are connected"));
    /* who finds no place has news for the runner, and it for him, all the same */
    struct side *b = rig_open(false);
    ck_assert_int_eq(bcj2__link_runner_pid(b->l), getpid());
    int before = a->changed;
    until(a->changed >= before + 2 && b->changed >= 2);
    ck_assert_int_eq(b->client + b->alone, 0);
    ck_assert_int_eq(bcj2__link_runner_pid(b->l), getpid());
    bcj2__link_ring(a->l, 1);
    (void)close(fds[0]);
    until(a->gone == 1);
    until(b->client == 1);
    for (size_t i = 1; i < ARRAY_LEN(fds); i++) {
        (void)close(fds[i]);
    }
    until(a->gone == LIMIT_LINK_PEERS);
}
END_TEST

/* 0: the runner hung up without a word. */
static int connect_as_nobody(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char byte;
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", rig_path("runner.sock"));
    if (setuid(65534) != 0) {
        return 2;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        return 3;
    }
    return read(fd, &byte, 1) == 1 ? 1 : 0;
}

START_TEST(another_user_is_refused)
{
    if (geteuid() != 0) {
        (void)fprintf(stderr, "not tried: only root can be another user\n");
        return;
    }
    struct side *a = rig_open(false);
    ck_assert_int_eq(chmod(rig_folder, 0755), 0);
    ck_assert_int_eq(chmod(rig_path("runner.sock"), 0666), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        _exit(connect_as_nobody());
    }
    int how = -1;
    until(waitpid(pid, &how, WNOHANG) == pid);
    ck_assert(WIFEXITED(how));
    ck_assert_int_eq(WEXITSTATUS(how), 0);
    ck_assert_msg(strstr(rig_log, "of user 65534") != NULL, "%s", rig_log);
    ck_assert_int_eq(a->gone, 0);
}
END_TEST

/* A runner of another user in its place; until the other end of the pipe is closed. */
static int listen_as_nobody(int ready, int go)
{
    char byte = 0;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path, sizeof address.sun_path, "%s/runner.sock", rig_folder);
    if (length >= (int)sizeof address.sun_path || setgid(65534) != 0 || setuid(65534) != 0) {
        return 2;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 5) != 0 ||
        write(ready, &byte, 1) != 1) {
        return 3;
    }
    return read(go, &byte, 1) == 0 ? 0 : 4;
}

START_TEST(another_user_is_no_runner)
{
    int ready[2], go[2], how = -1;
    char byte = 0;
    struct link *l = NULL;
    if (geteuid() != 0) {
        (void)fprintf(stderr, "not tried: only root can be another user\n");
        return;
    }
    ck_assert_int_eq(chmod(rig_folder, 0777), 0);
    ck_assert(pipe(ready) == 0 && pipe(go) == 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        (void)close(go[1]);
        _exit(listen_as_nobody(ready[1], go[0]));
    }
    (void)close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    assert_status(bcj2__link_open(rig_folder, true, &rig_log_to, &l), BCJ2_E_ACCESSDENIED);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), "of user 65534"));
    (void)close(go[1]);
    ck_assert_int_eq(waitpid(pid, &how, 0), pid);
    ck_assert_int_eq(how, 0);
}
END_TEST

/* ---- a system that has run out of something ---- */

static int refusals, refused_with;

static int connect_refused(int fd, const struct sockaddr *name, socklen_t size)
{
    if (refusals > 0) {
        refusals--;
        errno = refused_with;
        return -1;
    }
    return real.connect(fd, name, size);
}

static int accept_refused(int fd, struct sockaddr *ret, socklen_t *ret_size)
{
    if (refusals > 0) {
        refusals--;
        errno = refused_with;
        return -1;
    }
    return real.accept(fd, ret, ret_size);
}

static int watch_refused(void)
{
    errno = EMFILE;
    return -1;
}

static void refuse(const char *call, os_function fake, int times, int errno_value)
{
    refusals = times;
    refused_with = errno_value;
    ck_assert(bcj2__os_syscall_set(call, fake) != NULL);
}

static const int connect_errors[] = {EAGAIN, ECONNREFUSED, ENOENT, EINTR};

START_TEST(a_runner_that_is_busy_is_asked_again)
{
    struct side *a = rig_open(false);
    refuse("connect", (os_function)connect_refused, 5, connect_errors[_i]);
    struct side *b = rig_open(false);
    until(b->client == 1);
    ck_assert_int_eq(refusals, 0);
    refuse("connect", (os_function)connect_refused, 5, EAGAIN); /* it lives: nobody watches */
    struct side *control = rig_open(true);
    until(control->client == 1);
    ck_assert_int_eq(refusals, 0);
    ck_assert_ptr_null(strstr(rig_log, "no runner"));
    ck_assert(bcj2__link_role(a->l) == LINK_RUNNER);
}
END_TEST

START_TEST(a_failed_connect_is_told_and_tried_again)
{
    struct side *a = rig_open(false), *b = rig_open(false);
    until(b->client == 1);
    struct side *control = rig_open(true);
    until(control->client == 1);
    refuse("connect", (os_function)connect_refused, 6, EACCES);
    rig_close(a);
    until(control->alone == 1 && b->alone == 1);
    until(control->client == 2);
    ck_assert_ptr_nonnull(strstr(rig_log, "Permission denied"));
}
END_TEST

START_TEST(without_descriptors_the_listener_rests)
{
    struct side *a = rig_open(false);
    rig_quiet();
    refuse("accept", (os_function)accept_refused, 1, EMFILE);
    int fd = rig_connect();
    struct link_fd polled;
    rig_step(a);
    ck_assert_uint_eq(bcj2__link_fds(a->l, &polled, 1), 0);
    ck_assert(bcj2__link_deadline(a->l) != UINT64_MAX && bcj2__link_deadline(a->l) != 0);
    ck_assert_ptr_nonnull(strstr(rig_log, "cannot be accepted"));
    ck_assert_int_eq(a->changed, 1); /* who waits there may have changed something */
    struct side *b = rig_open(false);
    until(b->client == 1);
    ck_assert_uint_ge(bcj2__link_fds(a->l, &polled, 1), 2);
    (void)close(fd);
    refuse("accept", (os_function)accept_refused, 3, ECONNABORTED);
    struct side *c = rig_open(false);
    until(c->client == 1);
    ck_assert_int_eq(refusals, 0);
}
END_TEST

#define FEW_DESCRIPTORS 64

START_TEST(a_quarter_of_the_descriptors_is_not_for_peers)
{
    struct rlimit limit;
    int fds[FEW_DESCRIPTORS], count = 0;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = FEW_DESCRIPTORS;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct side *a = rig_open(false);
    do { /* the program has many files open */
        fds[count] = dup(0);
        ck_assert_int_ge(fds[count], 0);
    } while (fds[count++] < FEW_DESCRIPTORS * 3 / 4);
    int refused = rig_connect();
    ck_assert_uint_eq(rig_read_to_end(refused), 0);
    (void)close(refused);
    struct side *b = rig_open(false);
    int before = a->changed;
    until(a->changed > before); /* it asks again, and is news */
    ck_assert_int_eq(b->client, 0);
    while (count > 0) {
        (void)close(fds[--count]);
    }
    until(b->client == 1);
}
END_TEST

START_TEST(without_a_watch_the_time_serves)
{
    refuse("watch", (os_function)watch_refused, 0, 0);
    struct side *control = rig_open(true);
    ck_assert(bcj2__link_role(control->l) == LINK_ALONE);
    ck_assert(bcj2__link_deadline(control->l) != UINT64_MAX);
    until(control->changed >= 3);
    assert_status(control->status, BCJ2_OK);
    ck_assert_ptr_nonnull(strstr(rig_log, "looked for by time"));
    ck_assert_ptr_null(strstr(strstr(rig_log, "looked for by time") + 1, "looked for by time"));
    struct side *a = rig_open(false);
    until(control->client == 1);
    rig_close(a);
    bcj2__os_syscall_reset();
    until(control->alone == 1 && bcj2__link_deadline(control->l) == UINT64_MAX);
}
END_TEST

/* Each with the arguments of the real one, as a call by another type is undefined. */
static int open_fails(const char *path, int flags, mode_t mode)
{
    errno = ENOSPC;
    return -1;
}

static int flock_fails(int fd, int operation)
{
    errno = ENOLCK;
    return -1;
}

static int bind_fails(int fd, const struct sockaddr *name, socklen_t size)
{
    errno = ENOSPC;
    return -1;
}

static int chmod_fails(const char *path, mode_t mode)
{
    errno = EPERM;
    return -1;
}

static int listen_fails(int fd, int backlog)
{
    errno = EOPNOTSUPP;
    return -1;
}

static int rename_fails(const char *from, const char *to)
{
    errno = ENOSPC;
    return -1;
}

static const struct {
    const char *name;
    os_function fake;
} calls_of_a_runner[] = {
    {"open", (os_function)open_fails},     {"flock", (os_function)flock_fails},
    {"bind", (os_function)bind_fails},     {"chmod", (os_function)chmod_fails},
    {"listen", (os_function)listen_fails}, {"rename", (os_function)rename_fails},
};

START_TEST(who_cannot_listen_does_not_keep_the_lock)
{
    struct link *l = NULL;
    ck_assert(bcj2__os_syscall_set(calls_of_a_runner[_i].name, calls_of_a_runner[_i].fake) != NULL);
    ck_assert(BCJ2_FAILED(bcj2__link_open(rig_folder, false, &rig_log_to, &l)));
    ck_assert_ptr_null(l);
    bcj2__os_syscall_reset();
    struct side *b = rig_open(false);
    ck_assert(bcj2__link_role(b->l) == LINK_RUNNER);
}
END_TEST

/* Nor one that was a client so far, and goes on as one. */
START_TEST(a_client_that_cannot_listen_does_not_keep_the_lock)
{
    struct side *a = rig_open(false), *b = rig_open(false);
    until(b->client == 1);
    ck_assert(bcj2__os_syscall_set("listen", (os_function)listen_fails) != NULL);
    rig_close(a);
    until(BCJ2_FAILED(b->status));
    bcj2__os_syscall_reset();
    struct side *c = rig_open(false);
    ck_assert(bcj2__link_role(c->l) == LINK_RUNNER);
    ck_assert_int_eq(b->runner, 0);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "rubbish", 60);
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_loop_test(tc, who_sends_rubbish_is_thrown_out, 0, (int)ARRAY_LEN(rubbish));
    tcase_add_test(tc, a_frame_may_come_byte_by_byte_and_be_unknown);
    tcase_add_test(tc, half_a_frame_and_a_hang_up);
    tcase_add_test(tc, a_runner_that_sends_rubbish_is_not_asked_all_the_time);
    tcase_add_test(tc, a_runner_that_does_not_answer_yet_is_waited_for);

    tc = suite_case(suite, "greedy", 60);
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, who_does_not_read_is_thrown_out_after_a_while);
    tcase_add_test(tc, who_has_too_much_to_read_is_thrown_out);
    tcase_add_test(tc, no_more_peers_than_the_limit);
    tcase_add_test(tc, another_user_is_refused);
    tcase_add_test(tc, another_user_is_no_runner);

    tc = suite_case(suite, "failures", 60);
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_loop_test(tc, a_runner_that_is_busy_is_asked_again, 0,
                        (int)ARRAY_LEN(connect_errors));
    tcase_add_test(tc, a_failed_connect_is_told_and_tried_again);
    tcase_add_test(tc, without_descriptors_the_listener_rests);
    tcase_add_test(tc, a_quarter_of_the_descriptors_is_not_for_peers);
    tcase_add_test(tc, without_a_watch_the_time_serves);
    tcase_add_loop_test(tc, who_cannot_listen_does_not_keep_the_lock, 0,
                        (int)ARRAY_LEN(calls_of_a_runner));
    tcase_add_test(tc, a_client_that_cannot_listen_does_not_keep_the_lock);
}

SUITE_MAIN("link_peers", add_cases)
