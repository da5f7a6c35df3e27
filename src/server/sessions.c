/* SPDX-License-Identifier: MIT */
/* The table of sessions, their references and their time-out. See sessions.h. */
#include "sessions.h"
#include "guid.h"
#include "mem.h"
#include "server.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static size_t bucket_of(const bcj2_guid *id)
{
    return (id->data1 ^ id->data4[7]) % SESSION_BUCKETS; /* ids are random, a hash is not needed */
}

struct session *session_new(const bcj2_guid *id, const char *path, const char *url)
{
    struct session *session = bcj2__mem_calloc(1, sizeof *session);
    if (session == NULL) {
        return NULL;
    }
    session->id = *id;
    bcj2__guid_format(id, session->id_text);
    session->path = bcj2__mem_strdup(path);
    session->url = bcj2__mem_strdup(url);
    session->refs = 1;
    (void)pthread_mutex_init(&session->lock, NULL);
    (void)pthread_mutex_init(&session->record_lock, NULL);
    if (session->path == NULL || session->url == NULL) {
        session_free(session);
        return NULL;
    }
    return session;
}

void session_free(struct session *session)
{
    (void)pthread_mutex_destroy(&session->lock);
    (void)pthread_mutex_destroy(&session->record_lock);
    bcj2__mem_free(session->path);
    bcj2__mem_free_secret(session->url);
    bcj2__mem_free_secret(session->reply_url);
    bcj2__mem_free(session);
}

/* ---- under the table's lock ---- */

static void age_remove(struct sessions *s, struct session *session)
{
    *(session->older == NULL ? &s->oldest : &session->older->newer) = session->newer;
    *(session->newer == NULL ? &s->newest : &session->newer->older) = session->older;
    session->older = session->newer = NULL;
}

static void age_insert(struct sessions *s, struct session *session)
{
    struct session *older = s->newest;
    while (older != NULL && older->expires_ms > session->expires_ms) {
        older = older->older;
    }
    session->older = older;
    session->newer = older == NULL ? s->oldest : older->newer;
    *(session->older == NULL ? &s->oldest : &session->older->newer) = session;
    *(session->newer == NULL ? &s->newest : &session->newer->older) = session;
}

static struct session *lookup(struct sessions *s, const bcj2_guid *id)
{
    struct session *session = s->buckets[bucket_of(id)];
    while (session != NULL && !bcj2__guid_equal(&session->id, id)) {
        session = session->in_bucket;
    }
    return session;
}

/* When the oldest one goes; with a cleanup interval at the next multiple of it. */
static uint64_t due_of(const struct server *server, const struct session *session)
{
    uint64_t due = session->expires_ms;
    uint64_t every = server->config.cleanup_every_ms;
    return every == 0 ? due : (due / every + 1) * every;
}

static void rearm(struct sessions *s)
{
    if (s->oldest != NULL) {
        timer_set(&s->server->timer, &s->expiry, due_of(s->server, s->oldest));
    }
}

static void insert(struct sessions *s, struct session *session)
{
    struct session **bucket = &s->buckets[bucket_of(&session->id)];
    session->in_bucket = *bucket;
    *bucket = session;
    s->count++;
    age_insert(s, session);
}

static void add_loaded(struct server *server, struct session *session)
{
    struct sessions *s = &server->sessions;
    (void)pthread_mutex_lock(&s->lock);
    insert(s, session);
    (void)pthread_mutex_unlock(&s->lock);
}

/* ---- time-out ---- */

/* The oldest session if its time is over, held. */
static struct session *take_expired(struct sessions *s)
{
    (void)pthread_mutex_lock(&s->lock);
    struct session *session = s->oldest;
    if (session != NULL && due_of(s->server, session) <= bcj2__os_now_ms()) {
        session->refs++;
    } else {
        rearm(s);
        session = NULL;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return session;
}

static void expire(void *argument)
{
    struct server *server = argument;
    struct session *session = NULL;
    while (!server_is_stopping(server) && (session = take_expired(&server->sessions)) != NULL) {
        (void)pthread_mutex_lock(&session->lock);
        bool busy = session->writer != NULL || session->m.phase == BUP_SRV_FINISHING;
        if (busy) {
            session_touch(server, session);
        } else if (!session->gone) {
            session_end(server, session, "expire");
        }
        (void)pthread_mutex_unlock(&session->lock);
        session_release(server, session);
    }
}

static void expiry_due(void *argument)
{
    struct server *server = argument;
    if (!server_is_stopping(server)) {
        (void)workers_do(&server->workers, expire, server);
    }
}

bool sessions_start(struct sessions *s, struct server *server)
{
    s->server = server;
    s->expiry = (struct timer_entry){.fire = expiry_due, .argument = server};
    if (pthread_mutex_init(&s->lock, NULL) != 0) {
        return false;
    }
    session_scan(server, add_loaded);
    (void)pthread_mutex_lock(&s->lock);
    rearm(s);
    (void)pthread_mutex_unlock(&s->lock);
    return true;
}

void sessions_stop(struct sessions *s)
{
    for (size_t i = 0; i < SESSION_BUCKETS; i++) {
        struct session *session = s->buckets[i], *next = NULL;
        for (; session != NULL; session = next) {
            next = session->in_bucket;
            session_free(session);
        }
        s->buckets[i] = NULL;
    }
    (void)pthread_mutex_destroy(&s->lock);
}

/* ---- one session ---- */

struct session *sessions_find_by_id(struct sessions *s, const bcj2_guid *id)
{
    (void)pthread_mutex_lock(&s->lock);
    struct session *session = lookup(s, id);
    if (session != NULL) {
        session->refs++;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return session;
}

struct session *sessions_find(struct sessions *s, const bcj2_guid *id, const char *path)
{
    struct session *session = sessions_find_by_id(s, id);
    if (session != NULL && strcmp(session->path, path) != 0) {
        session_release(s->server, session);
        session = NULL;
    }
    return session;
}

struct session *sessions_create(struct sessions *s, const char *path, const char *url)
{
    bcj2_guid id = bcj2__guid_random();
    struct session *session = session_new(&id, path, url);
    if (session == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    session->expires_ms = session_expiry(s->server, 0);
    session->refs = 2;
    if (!session_make_files(s->server, session)) {
        int error = errno;
        session_delete_files(s->server, session);
        session_free(session);
        errno = error;
        return NULL;
    }
    (void)pthread_mutex_lock(&s->lock);
    bool room = s->count < s->server->config.sessions_max;
    if (room) {
        insert(s, session);
        if (s->oldest == session) {
            rearm(s);
        }
    }
    (void)pthread_mutex_unlock(&s->lock);
    if (!room) {
        session_delete_files(s->server, session);
        session_free(session);
        errno = EAGAIN;
        return NULL;
    }
    return session;
}

void session_release(struct server *server, struct session *session)
{
    (void)pthread_mutex_lock(&server->sessions.lock);
    bool last = --session->refs == 0;
    (void)pthread_mutex_unlock(&server->sessions.lock);
    if (last) {
        session_free(session);
    }
}

uint64_t session_expiry(const struct server *server, uint64_t idle_ms)
{
    uint64_t timeout = server->config.session_timeout_ms;
    return bcj2__os_now_ms() + timeout - MIN(timeout, idle_ms);
}

void session_touch(struct server *server, struct session *session)
{
    struct sessions *s = &server->sessions;
    (void)pthread_mutex_lock(&s->lock);
    if (lookup(s, &session->id) == session) {
        age_remove(s, session);
        session->expires_ms = session_expiry(server, 0);
        age_insert(s, session);
    }
    (void)pthread_mutex_unlock(&s->lock);
}

void session_end(struct server *server, struct session *session, const char *why)
{
    struct sessions *s = &server->sessions;
    session->gone = true;
    (void)pthread_mutex_lock(&session->record_lock);
    session->record_written = UINT64_MAX;
    session_delete_files(server, session);
    (void)pthread_mutex_unlock(&session->record_lock);
    (void)pthread_mutex_lock(&s->lock);
    struct session **link = &s->buckets[bucket_of(&session->id)];
    while (*link != session) {
        link = &(*link)->in_bucket;
    }
    *link = session->in_bucket;
    s->count--;
    age_remove(s, session);
    session->refs--; /* whoever calls holds another one */
    (void)pthread_mutex_unlock(&s->lock);
    event(&server->log, "%s %s", why, session->id_text);
}
