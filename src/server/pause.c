/* SPDX-License-Identifier: MIT */
/* Suspended connections: counted, because libmicrohttpd must not stop while there is one; and
   --limit-rate, which is a suspension until a time. See request.h. */
#include "request.h"
#include "server.h"

#define PIECES_PER_S 20 /* the rate is kept in pieces of this part of a second */

bool server_is_stopping(struct server *server)
{
    (void)pthread_mutex_lock(&server->pause_lock);
    bool stopping = server->stopping;
    (void)pthread_mutex_unlock(&server->pause_lock);
    return stopping;
}

bool request_suspend(struct request *r)
{
    struct server *server = r->server;
    (void)pthread_mutex_lock(&server->pause_lock);
    bool ok = !server->stopping;
    if (ok) {
        server->paused++;
        MHD_suspend_connection(r->connection);
    }
    (void)pthread_mutex_unlock(&server->pause_lock);
    return ok;
}

void request_resume(struct request *r)
{
    struct server *server = r->server;
    (void)pthread_mutex_lock(&server->pause_lock);
    MHD_resume_connection(r->connection); /* r may be gone after this */
    server->paused--;
    (void)pthread_cond_broadcast(&server->pause_ended);
    (void)pthread_mutex_unlock(&server->pause_lock);
}

static void pause_over(void *argument)
{
    request_resume(argument);
}

size_t request_allowance(const struct request *r, size_t bytes)
{
    uint64_t rate = r->server->config.limit_rate;
    uint64_t piece = MAX(rate / PIECES_PER_S, 1);
    return rate == 0 ? bytes : (size_t)MIN(piece, bytes);
}

void request_passed(struct request *r, size_t bytes)
{
    uint64_t rate = r->server->config.limit_rate;
    if (rate != 0) {
        r->pace_due_ms = MAX(r->pace_due_ms, bcj2__os_now_ms()) + (uint64_t)bytes * 1000 / rate;
    }
}

void request_pace(struct request *r)
{
    if (r->pace_due_ms > bcj2__os_now_ms() && request_suspend(r)) {
        r->pause = (struct timer_entry){.fire = pause_over, .argument = r};
        timer_set(&r->server->timer, &r->pause, r->pace_due_ms);
    }
}
