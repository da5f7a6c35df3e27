/* SPDX-License-Identifier: MIT */
/* The proxy that misbehaves, between plain sockets and a scripted server: each fault at its exact
   byte, in both directions, and the engine's view of some of them. */
#include "../support/fault_proxy.h"
#include "macro.h"
#include "net_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct http_step *lists[1];
static struct http_script *server;
static struct fault_proxy *proxy;

static void enter(const struct http_step *steps)
{
    lists[0] = steps;
    server = http_script_start(lists, 1);
    proxy = fault_proxy_start(http_script_port(server));
}

static void leave(void)
{
    fault_proxy_stop(proxy);
    http_script_stop(server);
}

static void plan_one(struct fault_plan entry)
{
    fault_proxy_plan(proxy, &entry, 1);
}

/* A connection to the proxy; -1: refused. */
static int dial(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(fault_proxy_port(proxy)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        ck_assert_int_eq(errno, ECONNREFUSED);
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void say(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Everything that comes until the end; *ret_reset: how it ended. */
static const char *hear(int fd, bool *ret_reset)
{
    static char text[65536];
    size_t length = 0;
    ssize_t n;
    while ((n = recv(fd, text + length, sizeof text - 1 - length, 0)) > 0) {
        length += (size_t)n;
    }
    text[length] = '\0';
    *ret_reset = n < 0;
    (void)close(fd);
    return text;
}

/* Nothing comes on fd, and it stays open. */
static bool is_silent(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 40) == 0;
}

static const struct http_step echo_like[] = {ASK_BYTES(10), SAY("0123456789"), END};

START_TEST(passes)
{
    bool reset = true;
    enter(echo_like);
    int fd = dial();
    say(fd, "abcdefghij");
    ck_assert_str_eq(hear(fd, &reset), "0123456789");
    ck_assert(!reset);
    struct fault_counts c = fault_proxy_counts(proxy);
    ck_assert_uint_eq(c.to_server, 10);
    ck_assert_uint_eq(c.to_client, 10);
    ck_assert_uint_eq(c.connections, 1);
    ck_assert_uint_eq(c.faults, 0);
    leave();
}
END_TEST

/* The client's half of the connection may end first. */
START_TEST(passes_half_close)
{
    static const struct http_step steps[] = {ASK_BYTES(11), SAY("x"), END};
    bool reset = true;
    enter(steps); /* the eleventh byte never comes: the server sees the end and closes */
    int fd = dial();
    say(fd, "abcdefghij");
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    ck_assert_str_eq(hear(fd, &reset), "");
    ck_assert(!reset);
    leave();
}
END_TEST

static const struct {
    struct fault_plan plan;
    const char *server_gets, *client_gets;
    bool reset;
} cuts[] = {
    {{FAULT_FIN, FAULT_TO_SERVER, 4}, "abcd", "", false},
    {{FAULT_FIN, FAULT_TO_CLIENT, 4}, "abcdefghij", "0123", false},
    {{FAULT_FIN, FAULT_TO_SERVER, 0}, "", "", false},
    {{FAULT_RST, FAULT_TO_SERVER, 4}, "abcd", "", true},
    {{FAULT_RST, FAULT_TO_CLIENT, 4}, "abcdefghij", "0123", true},
    {{FAULT_RST, FAULT_TO_CLIENT, 10}, "abcdefghij", "0123456789", true},
    {{FAULT_REFUSE, FAULT_TO_SERVER, 4}, "abcd", "", true},
    {{FAULT_RUBBISH, FAULT_TO_SERVER, 4, .rubbish = "%&/()"}, "abcd", "%&/()", false},
    {{FAULT_RUBBISH, FAULT_TO_CLIENT, 4, .rubbish = "%&/()"}, "abcdefghij", "0123%&/()", false},
};

START_TEST(cut)
{
    bool reset = !cuts[_i].reset;
    enter(echo_like);
    plan_one(cuts[_i].plan);
    int fd = dial();
    say(fd, "abcdefghij");
    const char *heard = hear(fd, &reset);
    /* A reset may destroy what was still on its way. */
    ck_assert_msg(reset ? strncmp(cuts[_i].client_gets, heard, strlen(heard)) == 0
                        : strcmp(cuts[_i].client_gets, heard) == 0,
                  "%s", heard);
    ck_assert_int_eq(reset, cuts[_i].reset);
    ck_assert(http_script_wait_closed(server, 0));
    char *got = http_script_received(server, 0, NULL);
    ck_assert_str_eq(got, cuts[_i].server_gets);
    free(got);
    struct fault_counts c = fault_proxy_counts(proxy);
    ck_assert_uint_eq(c.to_server, strlen(cuts[_i].server_gets));
    ck_assert_uint_eq(c.faults, 1);
    leave();
}
END_TEST

START_TEST(stalls_for_a_while)
{
    bool reset = true;
    enter(echo_like);
    plan_one((struct fault_plan){FAULT_STALL, FAULT_TO_CLIENT, 3, .for_ms = 100});
    int fd = dial();
    say(fd, "abcdefghij");
    ck_assert(fault_proxy_wait_faults(proxy, 1));
    char three[4] = "";
    ck_assert_int_eq(recv(fd, three, 3, MSG_WAITALL), 3);
    ck_assert_str_eq(three, "012");
    ck_assert(is_silent(fd));
    ck_assert_str_eq(hear(fd, &reset), "3456789");
    leave();
}
END_TEST

START_TEST(stalls_until_released)
{
    bool reset = true;
    enter(echo_like);
    plan_one((struct fault_plan){FAULT_STALL, FAULT_TO_SERVER, 5});
    int fd = dial();
    say(fd, "abcdefghij");
    ck_assert(fault_proxy_wait_faults(proxy, 1));
    ck_assert(is_silent(fd));
    ck_assert_uint_eq(fault_proxy_counts(proxy).to_server, 5);
    fault_proxy_release(proxy);
    ck_assert_str_eq(hear(fd, &reset), "0123456789");
    leave();
}
END_TEST

START_TEST(refuses)
{
    bool reset;
    enter(echo_like);
    int idle = dial();
    fault_proxy_refuse(proxy);
    ck_assert_str_eq(hear(idle, &reset), "");
    ck_assert(reset);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(dial(), -1);
    }
    fault_proxy_release(proxy);
    int fd = dial();
    ck_assert_int_ge(fd, 0);
    say(fd, "abcdefghij");
    ck_assert_str_eq(hear(fd, &reset), "0123456789");
    leave();
}
END_TEST

/* The entries of a plan follow each other, over several connections. */
START_TEST(plan_of_several)
{
    bool reset;
    enter(echo_like);
    const struct fault_plan plan[] = {
        {FAULT_PASS, FAULT_TO_CLIENT, 10}, /* one connection is whole */
        {FAULT_FIN, FAULT_TO_SERVER, 6},
        {FAULT_RST, FAULT_TO_SERVER, 0},
        {FAULT_FIN, FAULT_TO_SERVER, 12}, /* one whole, and two bytes */
    };
    static const char *const heard[] = {"0123456789", "", "", "0123456789", "", "0123456789"};
    fault_proxy_plan(proxy, plan, ARRAY_LEN(plan));
    for (size_t i = 0; i < ARRAY_LEN(heard); i++) {
        int fd = dial();
        say(fd, "abcdefghij");
        ck_assert_str_eq(hear(fd, &reset), heard[i]);
    }
    ck_assert_uint_eq(fault_proxy_counts(proxy).faults, 3);
    ck_assert_uint_eq(fault_proxy_counts(proxy).entries, 4);
    ck_assert_uint_eq(fault_proxy_counts(proxy).to_server, 38);
    leave();
}
END_TEST

START_TEST(each_connection)
{
    bool reset;
    enter(echo_like);
    plan_one((struct fault_plan){FAULT_FIN, FAULT_TO_CLIENT, 7, .each_connection = true});
    for (int i = 0; i < 3; i++) {
        int fd = dial();
        say(fd, "abcdefghij");
        ck_assert_str_eq(hear(fd, &reset), "0123456");
    }
    fault_proxy_plan(proxy, NULL, 0);
    int fd = dial();
    say(fd, "abcdefghij");
    ck_assert_str_eq(hear(fd, &reset), "0123456789");
    ck_assert_uint_eq(fault_proxy_counts(proxy).faults, 3);
    leave();
}
END_TEST

/* An entry without bytes is not for a connection that happens to be open. */
START_TEST(spares_idle_connections)
{
    bool reset;
    enter(echo_like);
    int idle = dial(), busy = dial();
    say(idle, "abcde");
    say(busy, "abcde");
    ck_assert(http_script_wait_received(server, 0, 5) && http_script_wait_received(server, 1, 5));
    plan_one((struct fault_plan){FAULT_RST, FAULT_TO_SERVER, 0});
    say(busy, "fghij");
    ck_assert_str_eq(hear(busy, &reset), "");
    ck_assert(reset);
    say(idle, "fghij");
    ck_assert_str_eq(hear(idle, &reset), "0123456789");
    leave();
}
END_TEST

START_TEST(target_changes)
{
    bool reset;
    static const struct http_step other_steps[] = {SAY("other"), END};
    const struct http_step *const other_lists[] = {other_steps};
    enter(echo_like);
    struct http_script *other = http_script_start(other_lists, 1);
    fault_proxy_target(proxy, http_script_port(other));
    ck_assert_str_eq(hear(dial(), &reset), "other");
    http_script_stop(other);
    ck_assert_str_eq(hear(dial(), &reset), ""); /* nobody there: accepted, then reset */
    ck_assert(reset);
    leave();
}
END_TEST

/* The engine's verdict on each, with a body of 3 MB. */
static const struct {
    struct fault_plan plan;
    enum net_failure failure;
} seen[] = {
    {{FAULT_PASS}, NET_OK},
    {{FAULT_RST, FAULT_TO_SERVER, 1000000}, NET_CONNECTION_BROKE},
    {{FAULT_FIN, FAULT_TO_SERVER, 1000000}, NET_CONNECTION_BROKE},
    {{FAULT_FIN, FAULT_TO_CLIENT, 10}, NET_CONNECTION_BROKE},
    {{FAULT_RST, FAULT_TO_CLIENT, 0}, NET_CONNECTION_BROKE},
    {{FAULT_RUBBISH, FAULT_TO_SERVER, 1000000}, NET_BAD_HTTP},
    {{FAULT_RUBBISH, FAULT_TO_CLIENT, 0}, NET_BAD_HTTP},
    {{FAULT_REFUSE, FAULT_TO_SERVER, 1000}, NET_CONNECTION_BROKE},
    {{FAULT_STALL, FAULT_TO_SERVER, 1000000, .for_ms = 50}, NET_OK},
};

START_TEST(seen_by_the_engine)
{
    static const struct http_step steps[] = {ASK,
                                             SAY("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
                                             AGAIN};
    enter(steps);
    plan_one(seen[_i].plan);
    struct net *n = net_client_create();
    int file = net_client_file(3000000);
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", fault_proxy_port(proxy));
    struct net_request r = net_client_post(1, url, file, 3000000);
    struct net_event e = net_client_run(n, &r);
    ck_assert_msg(e.failure == seen[_i].failure, "%s (%s)", bcj2__net_failure_text(e.failure),
                  e.detail);
    bcj2__net_destroy(n);
    (void)close(file);
    leave();
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "faults", 30);
    tcase_add_test(tc, passes);
    tcase_add_test(tc, passes_half_close);
    tcase_add_loop_test(tc, cut, 0, ARRAY_LEN(cuts));
    tcase_add_test(tc, stalls_for_a_while);
    tcase_add_test(tc, stalls_until_released);
    tcase_add_test(tc, refuses);
    tcase_add_test(tc, plan_of_several);
    tcase_add_test(tc, each_connection);
    tcase_add_test(tc, spares_idle_connections);
    tcase_add_test(tc, target_changes);
    tcase_add_loop_test(tc, seen_by_the_engine, 0, ARRAY_LEN(seen));
}

SUITE_MAIN("fault_proxy", add_cases)
