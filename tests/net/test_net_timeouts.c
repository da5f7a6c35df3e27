/* SPDX-License-Identifier: MIT */
/* The engine's clock and the ends that are not a server's doing: time-outs of each phase, aborts in
   each phase, waking, and no memory. */
#include "net_client.h"
#include "mem.h"
#include "os.h"
#include "timeouts.h"
#include "net_internal.h"
#include "str.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static const struct http_step *lists[2];
static struct http_script *server;
static struct net *n;

static void enter(const struct http_step *first, const struct http_step *second)
{
    lists[0] = first;
    lists[1] = second;
    server = http_script_start(lists, second == NULL ? 1 : 2);
    n = net_client_create();
}

static void leave(void)
{
    ck_assert_uint_eq(bcj2__net_running(n), 0);
    n = bcj2__net_destroy(n);
    http_script_stop(server);
    server = NULL;
}

static void expect_failure(const struct net_event *e, enum net_failure failure)
{
    ck_assert_int_eq(e->type, NET_EV_DONE);
    ck_assert_msg(e->failure == failure, "%s (%s), expected %s", bcj2__net_failure_text(e->failure),
                  e->detail, bcj2__net_failure_text(failure));
    ck_assert(failure == NET_OK || e->detail[0] != '\0');
}

/* ---- time-outs ---- */

#define HEAD_10 "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"

static const struct http_step never_reads[] = {ASK_HEAD, HOLD, END};
static const struct http_step never_answers[] = {ASK, HOLD, END};
static const struct http_step only_continues[] = {ASK, SAY("HTTP/1.1 100 Continue\r\n\r\n"), HOLD,
                                                  END};
static const struct http_step half_head[] = {ASK, SAY("HTTP/1.1 200 OK\r\nX:"), HOLD, END};
static const struct http_step head_only[] = {ASK, SAY(HEAD_10), HOLD, END};
static const struct http_step half_body[] = {ASK, SAY(HEAD_10 "12345"), HOLD, END};
static const struct http_step redirect_body[] = {
    ASK, SAY("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 9\r\n\r\n"), HOLD, END};
static const struct http_step slow_body[] = {ASK, DRIBBLE(HEAD_10 "1234567890", 15), HOLD, END};
static const struct http_step slow_redirects[] = {
    ASK, DRIBBLE("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", 1), AGAIN};

static const struct {
    const struct http_step *steps;
    uint64_t post; /* bytes of the body; 0: GET into a sink; 1: GET, body not wanted */
    uint32_t send_stall_ms, response_ms, receive_stall_ms;
    enum net_failure failure;
    const char *detail;
} late[] = {
    {never_reads, 30000000, 50, 9000, 9000, NET_TIMEOUT, "the server took no data"},
    {never_answers, 1000, 9000, 50, 9000, NET_TIMEOUT, "no answer came"},
    {never_answers, 0, 9000, 50, 9000, NET_TIMEOUT, "no answer came"},
    {only_continues, 1000, 9000, 50, 9000, NET_TIMEOUT, "no answer came"},
    {half_head, 0, 9000, 9000, 50, NET_TIMEOUT, "no more of the answer came"},
    {head_only, 0, 9000, 9000, 50, NET_TIMEOUT, "no more of the answer came"},
    {half_body, 0, 9000, 9000, 50, NET_TIMEOUT, "no more of the answer came"},
    {redirect_body, 0, 9000, 9000, 50, NET_TIMEOUT, "no more of the answer came"},
    /* the answer is there, the rest of it is not wanted */
    {half_body, 1, 9000, 9000, 50, NET_OK, ""},
    {half_body, 1000, 9000, 9000, 50, NET_OK, ""},
    /* slow is not stalled */
    {slow_body, 0, 9000, 9000, 500, NET_OK, ""},
    {slow_redirects, 0, 500, 500, 500, NET_REDIRECT_REFUSED, ""},
};

START_TEST(too_late)
{
    enter(late[_i].steps, NULL);
    bcj2__timeouts.send_stall_ms = late[_i].send_stall_ms;
    bcj2__timeouts.receive_stall_ms = late[_i].receive_stall_ms;
    int file = net_client_file(late[_i].post);
    const char *url = http_script_url(server, "/");
    struct net_request r = late[_i].post > 1
                               ? net_client_post(1, url, file, late[_i].post)
                               : net_client_get(1, url, late[_i].post == 1 ? -1 : file);
    r.response_timeout_ms = late[_i].response_ms;
    struct net_event e = net_client_run(n, &r);
    expect_failure(&e, late[_i].failure);
    if (late[_i].failure == NET_TIMEOUT) {
        ck_assert_msg(bcj2__str_starts(e.detail, late[_i].detail), "%s", e.detail);
        ck_assert_uint_ge(e.elapsed_ms, 50);
    }
    ck_assert_uint_lt(e.elapsed_ms, 8000);
    (void)close(file);
    leave();
}
END_TEST

/* A server that dribbles a body nobody wants gets no more time than one that is silent. */
START_TEST(unwanted_dribble)
{
    static const struct http_step steps[] = {
        ASK, SAY("HTTP/1.1 500 Oops\r\nContent-Length: 1000\r\n\r\n"),
        DRIBBLE(
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            20),
        HOLD, END};
    enter(steps, NULL);
    bcj2__timeouts.receive_stall_ms = 200;
    struct net_request r = net_client_post(1, http_script_url(server, "/"), -1, 0);
    struct net_event e = net_client_run(n, &r);
    expect_failure(&e, NET_OK);
    ck_assert_uint_eq(e.head->status, 500);
    ck_assert_uint_lt(e.elapsed_ms, 2000);
    leave();
}
END_TEST

/* A listener with a full backlog does not answer; one that never speaks TLS neither. */
START_TEST(connect_too_late)
{
    struct http_step steps[] = {HOLD, END};
    enter(steps, NULL);
    bcj2__timeouts.connect_ms = 100;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int full = socket(AF_INET, SOCK_STREAM, 0), waiting[8];
    ck_assert_int_eq(bind(full, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(full, 0), 0);
    ck_assert_int_eq(getsockname(full, (struct sockaddr *)&address, &length), 0);
    for (size_t i = 0; i < ARRAY_LEN(waiting); i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM, 0);
        (void)fcntl(waiting[i], F_SETFL, O_NONBLOCK);
        (void)connect(waiting[i], (struct sockaddr *)&address, sizeof address);
    }
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(address.sin_port));
    struct net_request r = net_client_get(1, url, -1);
    struct net_event e = net_client_run(n, &r);
    expect_failure(&e, NET_CANNOT_CONNECT);
    ck_assert(!e.connected);

    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/", http_script_port(server));
    r = net_client_get(2, url, -1);
    e = net_client_run(n, &r);
    expect_failure(&e, NET_CANNOT_CONNECT);
    for (size_t i = 0; i < ARRAY_LEN(waiting); i++) {
        (void)close(waiting[i]);
    }
    (void)close(full);
    leave();
}
END_TEST

/* Waiting costs nothing: a poll sleeps until there is something to do, whatever a transfer waits
   for, and beside a kept connection. */
static const struct http_step *const sleepers[] = {never_reads, never_answers, half_body,
                                                   slow_body};

START_TEST(no_ticks)
{
    enter(sleepers[_i], NULL);
    int file = net_client_file(30000000);
    const char *url = http_script_url(server, "/");
    struct net_request r =
        _i == 0 ? net_client_post(1, url, file, 30000000) : net_client_get(1, url, file);
    assert_status(bcj2__net_start(n, &r), BCJ2_OK);
    if (sleepers[_i] == slow_body) {
        while (net_client_event(n).type != NET_EV_DONE) {
            assert_status(bcj2__net_continue(n, 1, 0, false), BCJ2_OK);
        }
    } else if (sleepers[_i] == half_body) {
        ck_assert_int_eq(net_client_event(n).type, NET_EV_HEAD);
    }
    /* libcurl looks once more 200 ms after it began to connect; a slow machine has other leftovers.
       After that a whole sleep must be possible. */
    uint64_t slept = 0;
    for (int attempt = 0; attempt < 5 && slept < 1190; attempt++) {
        net_client_quiet(n, 250);
        uint64_t before = bcj2__os_now_ms();
        assert_status(bcj2__net_poll(n, 1200), BCJ2_OK);
        slept = bcj2__os_now_ms() - before;
    }
    ck_assert_uint_ge(slept, 1190);
    bcj2__net_abort(n, 1);
    (void)close(file);
    leave();
}
END_TEST

/* ---- aborts ---- */

/* Aborts a transfer when the server has got that many bytes (and, if told, the caller a HEAD).
   Another one beside it ends as if nothing had been. */
static const struct {
    const struct http_step *steps;
    uint64_t post;
    size_t received;
    bool head;
} aborts[] = {
    {never_answers, 0, 0, false},       {never_reads, 30000000, 10, false},
    {never_answers, 1000, 1000, false}, {half_head, 0, 10, false},
    {head_only, 0, 10, false},          {half_body, 0, 10, true},
};

START_TEST(aborted)
{
    static const struct http_step serves[] = {ASK, SAY(OK_EMPTY), HOLD, END};
    enter(aborts[_i].steps, serves);
    int file = net_client_file(aborts[_i].post);
    const char *url = http_script_url(server, "/");
    struct net_request r = aborts[_i].post > 0 ? net_client_post(1, url, file, aborts[_i].post)
                                               : net_client_get(1, url, file);
    assert_status(bcj2__net_start(n, &r), BCJ2_OK);
    if (aborts[_i].head) {
        ck_assert_int_eq(net_client_event(n).type, NET_EV_HEAD);
    } else if (aborts[_i].received > 0) {
        net_client_quiet(n, 20);
    }
    ck_assert(aborts[_i].received == 0 ||
              http_script_wait_received(server, 0, aborts[_i].received));
    bcj2__net_abort(n, 1);
    ck_assert_uint_eq(bcj2__net_running(n), 0);
    net_client_quiet(n, 5);
    r = net_client_post(1, url, file, 0); /* the token is free */
    if (aborts[_i].received == 0) {
        bcj2__net_abort(n, 1); /* the first connection was never made: nothing answers there */
    } else {
        struct net_event e = net_client_run(n, &r);
        expect_failure(&e, NET_OK);
        ck_assert(!e.reused);
    }
    (void)close(file);
    leave();
}
END_TEST

/* Events that wait are withdrawn with their transfer, those of others stay in order. */
START_TEST(abort_with_event_due)
{
    static const struct http_step serves[] = {ASK, SAY(OK_EMPTY), AGAIN};
    for (uint64_t victim = 0; victim < 3; victim++) {
        enter(serves, NULL);
        for (uint64_t t = 0; t < 3; t++) {
            struct net_request r = net_client_post(t, http_script_url(server, "/"), -1, 0);
            assert_status(bcj2__net_start(n, &r), BCJ2_OK);
        }
        while (n->first_event == NULL || n->first_event->next_event == NULL ||
               n->first_event->next_event->next_event == NULL) {
            assert_status(bcj2__net_poll(n, 10), BCJ2_OK);
        }
        bcj2__net_abort(n, victim);
        for (int i = 0; i < 2; i++) {
            struct net_event e = net_client_event(n);
            ck_assert_uint_ne(e.token, victim);
            expect_failure(&e, NET_OK);
        }
        net_client_quiet(n, 1);
        leave();
    }
}
END_TEST

START_TEST(destroyed_in_the_middle)
{
    enter(half_body, never_reads);
    int file = net_client_file(30000000);
    struct net_request r = net_client_get(1, http_script_url(server, "/"), file);
    assert_status(bcj2__net_start(n, &r), BCJ2_OK);
    ck_assert_int_eq(net_client_event(n).type, NET_EV_HEAD);
    r = net_client_post(2, http_script_url(server, "/"), file, 30000000);
    assert_status(bcj2__net_start(n, &r), BCJ2_OK);
    net_client_quiet(n, 5);
    n = bcj2__net_destroy(n);
    http_script_stop(server);
    (void)close(file);
}
END_TEST

/* ---- waking ---- */

static void *wake(void *argument)
{
    bcj2__net_wake(argument);
    return NULL;
}

START_TEST(woken)
{
    enter(never_answers, NULL);
    struct net_request r = net_client_get(1, http_script_url(server, "/"), -1);
    for (int with_transfer = 0; with_transfer < 2; with_transfer++) {
        bcj2__net_wake(n); /* before the poll */
        assert_status(bcj2__net_poll(n, UINT64_MAX), BCJ2_OK);
        if (with_transfer > 0) {
            assert_status(bcj2__net_start(n, &r), BCJ2_OK);
            net_client_quiet(n, 20);
        }
        pthread_t thread; /* before it or within it */
        ck_assert_int_eq(pthread_create(&thread, NULL, wake, n), 0);
        assert_status(bcj2__net_poll(n, UINT64_MAX), BCJ2_OK);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    }
    uint64_t before = bcj2__os_now_ms();
    assert_status(bcj2__net_poll(n, 30), BCJ2_OK);
    ck_assert_uint_ge(bcj2__os_now_ms() - before + 2, 30);
    bcj2__net_abort(n, 1);
    leave();
}
END_TEST

/* ---- no memory ---- */

/* Fails each allocation of a request in turn until one goes through untouched. */
START_TEST(no_memory)
{
    static const struct http_step serves[] = {
        ASK,
        SAY("HTTP/1.1 200 OK\r\nX-Long: 0123456789012345678901234567890123456789\r\n"
            "Content-Length: 5\r\n\r\nhello"),
        END};
    const struct http_step *list[] = {serves};
    struct http_script *s = http_script_start(list, 1);
    int sink = net_client_file(0);
    (void)setenv("CURL_CA_BUNDLE", "/nonexistent/ca.pem", 1);
    bool through = false;
    uint64_t failed_starts = 0, failed_transfers = 0;
    for (uint64_t nth = 1; !through; nth++) {
        ck_assert_uint_lt(nth, 100);
        struct net *engine = NULL;
        struct net_request r = net_client_get(1, http_script_url(s, "/"), sink);
        r.lines = "X-Empty:\0";
        bcj2__mem_fail_at(nth);
        bcj2_status status = bcj2__net_create(NULL, &engine);
        if (BCJ2_SUCCEEDED(status)) {
            status = bcj2__net_start(engine, &r);
        }
        if (BCJ2_FAILED(status)) {
            assert_status(status, BCJ2_E_OUTOFMEMORY);
            failed_starts++;
        } else {
            struct net_event e = net_client_event(engine);
            if (e.type == NET_EV_HEAD) {
                assert_status(bcj2__net_continue(engine, 1, 0, false), BCJ2_OK);
                e = net_client_event(engine);
            }
            ck_assert_int_eq(e.type, NET_EV_DONE);
            through = bcj2__mem_fail_left() > 0;
            ck_assert_int_eq(e.failure, through ? NET_OK : NET_NO_MEMORY);
            failed_transfers += !through;
        }
        bcj2__mem_fail_at(0);
        bcj2__net_destroy(engine);
    }
    ck_assert_uint_ge(failed_starts, 3);
    ck_assert_uint_ge(failed_transfers, 2);
    (void)close(sink);
    http_script_stop(s);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "time-outs", 30);
    tcase_add_loop_test(tc, too_late, 0, ARRAY_LEN(late));
    tcase_add_test(tc, unwanted_dribble);
    tcase_add_loop_test(tc, no_ticks, 0, ARRAY_LEN(sleepers));
    tcase_add_test(tc, connect_too_late);
    tc = suite_case(suite, "aborts", 30);
    tcase_add_loop_test(tc, aborted, 0, ARRAY_LEN(aborts));
    tcase_add_test(tc, abort_with_event_due);
    tcase_add_test(tc, destroyed_in_the_middle);
    tcase_add_test(tc, woken);
    tcase_add_test(tc, no_memory);
}

SUITE_MAIN("net_timeouts", add_cases)
