/* SPDX-License-Identifier: MIT */
/* See net_client.h. */
#include "net_client.h"
#include "os.h"

#include <stdio.h>
#include <unistd.h>

struct net_request net_client_post(uint64_t token, const char *url, int fd, uint64_t length)
{
    return (struct net_request){
        .token = token,
        .method = "BITS_POST",
        .url = url,
        .has_body = true,
        .body_fd = fd,
        .body_length = length,
        .sink_fd = -1,
        .response_timeout_ms = 10000,
    };
}

struct net_request net_client_get(uint64_t token, const char *url, int sink)
{
    return (struct net_request){
        .token = token,
        .method = "GET",
        .url = url,
        .body_fd = -1,
        .redirects = NET_REDIRECTS_FOLLOW,
        .http2 = true,
        .pause_at_body = true,
        .sink_fd = sink,
        .response_timeout_ms = 10000,
    };
}

struct net_event net_client_event(struct net *n)
{
    struct net_event event = {0};
    uint64_t deadline = bcj2__os_now_ms() + 20000;
    while (!bcj2__net_next(n, &event)) {
        uint64_t now = bcj2__os_now_ms();
        ck_assert_msg(now < deadline, "no event within 20 s");
        assert_status(bcj2__net_poll(n, deadline - now), BCJ2_OK);
    }
    return event;
}

struct net_event net_client_run(struct net *n, const struct net_request *request)
{
    assert_status(bcj2__net_start(n, request), BCJ2_OK);
    struct net_event event = net_client_event(n);
    ck_assert_uint_eq(event.token, request->token);
    if (event.type == NET_EV_HEAD) {
        ck_assert(request->pause_at_body);
        assert_status(bcj2__net_continue(n, request->token, 0, request->sink_fd < 0), BCJ2_OK);
        event = net_client_event(n);
        ck_assert_uint_eq(event.token, request->token);
    }
    ck_assert_int_eq(event.type, NET_EV_DONE);
    return event;
}

void net_client_quiet(struct net *n, uint64_t milliseconds)
{
    struct net_event event;
    uint64_t deadline = bcj2__os_now_ms() + milliseconds;
    for (uint64_t now = 0; (now = bcj2__os_now_ms()) < deadline;) {
        assert_status(bcj2__net_poll(n, deadline - now), BCJ2_OK);
        ck_assert_msg(!bcj2__net_next(n, &event), "an event of type %d where none should be",
                      event.type);
    }
}

struct net *net_client_create(void)
{
    struct net *n = NULL;
    assert_status(bcj2__net_create(NULL, &n), BCJ2_OK);
    return n;
}

unsigned char net_client_byte(uint64_t i)
{
    return (unsigned char)((i * 2654435761u) >> 13);
}

int net_client_file(uint64_t size)
{
    char path[] = "/tmp/bcj2-net-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    (void)unlink(path);
    unsigned char piece[65536];
    for (uint64_t at = 0; at < size;) {
        size_t n = (size_t)(size - at < sizeof piece ? size - at : sizeof piece);
        for (size_t i = 0; i < n; i++) {
            piece[i] = net_client_byte(at + i);
        }
        assert_status(bcj2__os_pwrite(fd, piece, n, at), BCJ2_OK);
        at += n;
    }
    return fd;
}
