/* SPDX-License-Identifier: MIT */
/* See link_rig.h. */
#include "link_rig.h"
#include "detail.h"
#include "macro.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

char rig_folder[FOLDER_PATH_SIZE];
char rig_log[65536];
static struct side sides[RIG_SIDES];

static void keep_line(void *user, int32_t level, const char *line)
{
    size_t length = strlen(rig_log);
    (void)snprintf(rig_log + length, sizeof rig_log - length, "%s\n", line);
}

const struct log rig_log_to = {.callback = keep_line};

void rig_begin(void)
{
    folder_make(rig_folder);
    memset(sides, 0, sizeof sides);
    rig_log[0] = '\0';
}

void rig_end(void)
{
    for (size_t i = 0; i < RIG_SIDES; i++) {
        rig_close(&sides[i]);
    }
    if (access(rig_folder, F_OK) == 0) {
        folder_remove(rig_folder);
    }
}

const char *rig_path(const char *name)
{
    static char paths[8][FOLDER_PATH_SIZE];
    static unsigned turn;
    char *path = paths[turn++ % ARRAY_LEN(paths)];
    folder_in(path, rig_folder, name);
    return path;
}

struct side *rig_open(bool control_only)
{
    struct side *s = sides;
    while (s < sides + RIG_SIDES && s->l != NULL) {
        s++;
    }
    ck_assert(s < sides + RIG_SIDES);
    memset(s, 0, sizeof *s);
    assert_status(bcj2__link_open(rig_folder, control_only, &rig_log_to, &s->l), BCJ2_OK);
    return s;
}

void rig_close(struct side *s)
{
    s->l = bcj2__link_close(s->l);
}

static void note(struct side *s, const struct link_event *e)
{
    switch (e->type) {
    case LINK_EV_RUNNER:
        s->runner++;
        break;
    case LINK_EV_CLIENT:
        s->client++;
        break;
    case LINK_EV_ALONE:
        s->alone++;
        break;
    case LINK_EV_CHANGED:
        s->changed++;
        s->change = e->change;
        break;
    case LINK_EV_GONE:
        s->gone++;
        s->gone_peer = e->peer;
        break;
    case LINK_EV_MESSAGE:
        s->messages++;
        s->heard_bytes += e->length;
        s->last = *e;
        ck_assert_uint_le(e->length, sizeof s->data - 1);
        memcpy(s->data, e->data, e->length);
        s->data[e->length] = '\0';
        s->last.data = s->data;
        break;
    }
}

void rig_step(struct side *s)
{
    struct link_event e;
    s->status = bcj2__link_step(s->l);
    if (BCJ2_FAILED(s->status)) {
        (void)snprintf(s->detail, sizeof s->detail, "%s", bcj2__detail_get());
    }
    while (bcj2__link_next(s->l, &e)) {
        note(s, &e);
    }
}

/* Waits; returns how many links want to be stepped. */
static int wait_for_any(int most_ms)
{
    struct pollfd polled[4 * RIG_SIDES];
    struct link_fd fds[2 * RIG_SIDES];
    size_t n = 0;
    uint64_t now = bcj2__os_now_ms(), wait = (uint64_t)most_ms;
    int due = 0;
    for (struct side *s = sides; s < sides + RIG_SIDES; s++) {
        if (s->l == NULL) {
            continue;
        }
        size_t count = bcj2__link_fds(s->l, fds, ARRAY_LEN(fds));
        for (size_t i = 0; i < MIN(count, ARRAY_LEN(fds)) && n < ARRAY_LEN(polled); i++) {
            polled[n++] = (struct pollfd){
                .fd = fds[i].fd,
                .events = (short)((fds[i].read ? POLLIN : 0) | (fds[i].write ? POLLOUT : 0)),
            };
        }
        uint64_t deadline = bcj2__link_deadline(s->l);
        if (deadline <= now) {
            due++;
        } else if (deadline != UINT64_MAX) {
            wait = MIN(wait, deadline - now);
        }
    }
    int ready = poll(polled, (nfds_t)n, due > 0 ? 0 : (int)wait);
    ck_assert_int_ge(ready, 0);
    return ready + due;
}

static void step_all(void)
{
    for (struct side *s = sides; s < sides + RIG_SIDES; s++) {
        if (s->l != NULL) {
            rig_step(s);
        }
    }
}

void rig_turn(int most_ms)
{
    (void)wait_for_any(most_ms);
    step_all();
}

void rig_quiet(void)
{
    do {
        step_all();
    } while (wait_for_any(0) > 0);
}

int rig_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    ck_assert_int_lt(snprintf(address.sun_path, sizeof address.sun_path, "%s/runner.sock",
                              rig_folder),
                     (int)sizeof address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

void rig_write(int fd, const void *data, size_t size)
{
    ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
}

size_t rig_read_to_end(int fd)
{
    char bytes[4096];
    size_t total = 0;
    uint64_t end = bcj2__os_now_ms() + RIG_PATIENCE_MS;
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    for (;;) {
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n == 0 || (n < 0 && errno == ECONNRESET)) {
            return total;
        }
        total += n > 0 ? (size_t)n : 0;
        ck_assert_msg(bcj2__os_now_ms() < end, "the other end does not hang up");
        rig_turn(10);
    }
}
