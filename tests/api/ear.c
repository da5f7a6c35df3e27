/* SPDX-License-Identifier: MIT */
/* See ear.h. */
#include "ear.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PATIENCE_S 20

void ear_make(struct ear *ear)
{
    memset(ear, 0, sizeof *ear);
    ck_assert_int_eq(pthread_mutex_init(&ear->lock, NULL), 0);
    ck_assert_int_eq(pthread_cond_init(&ear->changed, NULL), 0);
}

static bcj2_status hear(struct ear *ear, bcj2_job *job, struct ear_told told)
{
    assert_status(bcj2_get_id(job, &told.job), BCJ2_OK);
    told.thread = pthread_self();
    pthread_mutex_lock(&ear->lock);
    unsigned at = ear->count++;
    ck_assert_uint_lt(at, EAR_MOST);
    ck_assert_uint_eq(ear->destroyed, 0);
    ear->told[at] = told;
    bcj2_status answer = ear->answers[at];
    pthread_cond_broadcast(&ear->changed);
    while (ear->held) {
        pthread_cond_wait(&ear->changed, &ear->lock);
    }
    pthread_mutex_unlock(&ear->lock);
    if (ear->meanwhile != NULL) {
        ear->meanwhile(ear, job, told.kind);
    }
    pthread_mutex_lock(&ear->lock);
    ear->ended++;
    pthread_cond_broadcast(&ear->changed);
    pthread_mutex_unlock(&ear->lock);
    return answer;
}

static bcj2_status transferred(bcj2_job *job, void *user)
{
    return hear(user, job, (struct ear_told){.kind = BCJ2_NOTIFY_JOB_TRANSFERRED});
}

static bcj2_status error(bcj2_job *job, bcj2_error *given, void *user)
{
    struct ear_told told = {.kind = BCJ2_NOTIFY_JOB_ERROR};
    bcj2_error_context context = 0;
    assert_status(bcj2_error_get(given, &context, &told.code), BCJ2_OK);
    return hear(user, job, told);
}

static bcj2_status modification(bcj2_job *job, void *user)
{
    return hear(user, job, (struct ear_told){.kind = BCJ2_NOTIFY_JOB_MODIFICATION});
}

static bcj2_status file_transferred(bcj2_job *job, bcj2_file *file, void *user)
{
    struct ear_told told = {.kind = BCJ2_NOTIFY_FILE_TRANSFERRED};
    char *name = NULL;
    assert_status(bcj2_file_get_local_name(file, &name), BCJ2_OK);
    const char *number = strrchr(name, 'f');
    told.index = number == NULL ? UINT32_MAX : (uint32_t)strtoul(number + 1, NULL, 10);
    bcj2_free(name);
    return hear(user, job, told);
}

static void destroy(void *user)
{
    struct ear *ear = user;
    if (ear->at_end != NULL) {
        ear->at_end(ear);
    }
    pthread_mutex_lock(&ear->lock);
    ck_assert_uint_eq(ear->count, ear->ended);
    ear->destroyed++;
    pthread_cond_broadcast(&ear->changed);
    pthread_mutex_unlock(&ear->lock);
}

bcj2_notify_callbacks ear_callbacks(struct ear *ear, uint32_t kinds)
{
    bcj2_notify_callbacks callbacks = BCJ2_NOTIFY_CALLBACKS_INIT;
    callbacks.job_transferred = (kinds & BCJ2_NOTIFY_JOB_TRANSFERRED) != 0 ? transferred : NULL;
    callbacks.job_error = (kinds & BCJ2_NOTIFY_JOB_ERROR) != 0 ? error : NULL;
    callbacks.job_modification = (kinds & BCJ2_NOTIFY_JOB_MODIFICATION) != 0 ? modification : NULL;
    callbacks.file_transferred =
        (kinds & BCJ2_NOTIFY_FILE_TRANSFERRED) != 0 ? file_transferred : NULL;
    callbacks.destroy = destroy;
    callbacks.user = ear;
    return callbacks;
}

void ear_set(struct ear *ear, bcj2_job *job, uint32_t kinds)
{
    bcj2_notify_callbacks callbacks = ear_callbacks(ear, kinds);
    assert_status(bcj2_set_notify_callbacks(job, &callbacks), BCJ2_OK);
}

void ear_got(struct ear *ear, bcj2_status status)
{
    pthread_mutex_lock(&ear->lock);
    ck_assert_uint_lt(ear->got_count, EAR_MOST);
    ear->got[ear->got_count++] = status;
    pthread_mutex_unlock(&ear->lock);
}

static void set_held(struct ear *ear, bool held)
{
    pthread_mutex_lock(&ear->lock);
    ear->held = held;
    pthread_cond_broadcast(&ear->changed);
    pthread_mutex_unlock(&ear->lock);
}

void ear_hold(struct ear *ear)
{
    set_held(ear, true);
}

void ear_let_go(struct ear *ear)
{
    set_held(ear, false);
}

static unsigned read_locked(struct ear *ear, const unsigned *number)
{
    pthread_mutex_lock(&ear->lock);
    unsigned value = *number;
    pthread_mutex_unlock(&ear->lock);
    return value;
}

unsigned ear_count(struct ear *ear)
{
    return read_locked(ear, &ear->count);
}

unsigned ear_destroyed(struct ear *ear)
{
    return read_locked(ear, &ear->destroyed);
}

static void dispatch_until(struct ear *ear, const unsigned *number, unsigned wanted, int fd)
{
    while (read_locked(ear, number) < wanted) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = 0;
        do {
            ready = poll(&p, 1, PATIENCE_S * 1000);
        } while (ready < 0 && errno == EINTR);
        ck_assert_msg(ready == 1, "nothing to dispatch: told %s", ear_heard(ear));
        ck_assert_int_ge(bcj2_manager_dispatch(queue_manager), 0);
    }
}

static void await(struct ear *ear, const unsigned *number, unsigned wanted)
{
    int fd = bcj2_manager_get_fd(queue_manager), error = 0;
    if (fd >= 0) {
        dispatch_until(ear, number, wanted, fd);
    }
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&ear->lock);
    while (*number < wanted && error == 0) {
        error = pthread_cond_timedwait(&ear->changed, &ear->lock, &until);
    }
    unsigned value = *number;
    pthread_mutex_unlock(&ear->lock);
    ck_assert_msg(value == wanted, "%u, expected %u; told %s", value, wanted, ear_heard(ear));
}

void ear_await(struct ear *ear, unsigned count)
{
    await(ear, &ear->count, count);
}

void ear_await_ended(struct ear *ear, unsigned count)
{
    await(ear, &ear->ended, count);
}

void ear_await_destroyed(struct ear *ear, unsigned count)
{
    await(ear, &ear->destroyed, count);
}

const char *ear_heard(struct ear *ear)
{
    static char text[EAR_MOST + 1];
    pthread_mutex_lock(&ear->lock);
    for (unsigned i = 0; i < ear->count; i++) {
        uint32_t kind = ear->told[i].kind;
        text[i] = (char)(kind == BCJ2_NOTIFY_JOB_TRANSFERRED    ? 'T'
                         : kind == BCJ2_NOTIFY_JOB_ERROR        ? 'E'
                         : kind == BCJ2_NOTIFY_JOB_MODIFICATION ? 'M'
                                                                : 'F');
    }
    text[ear->count] = '\0';
    pthread_mutex_unlock(&ear->lock);
    return text;
}

/* ---- queues and jobs ---- */

void ear_open_to_dispatch(void)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    queue_close();
    options.flags = BCJ2_MANAGER_DISPATCH;
    assert_status(bcj2_manager_open(queue_path("queue"), &options, &queue_manager), BCJ2_OK);
}

void ear_settle(void)
{
    struct ear probe;
    ear_make(&probe);
    bcj2_job *job = ear_job(1);
    assert_status(bcj2_set_priority(job, BCJ2_JOB_PRIORITY_FOREGROUND), BCJ2_OK);
    ear_set(&probe, job, BCJ2_NOTIFY_JOB_TRANSFERRED);
    assert_status(bcj2_resume(job), BCJ2_OK);
    ear_await(&probe, 1);
    assert_status(bcj2_set_notify_callbacks(job, NULL), BCJ2_OK);
    assert_status(bcj2_cancel(job), BCJ2_OK);
    ck_assert_uint_eq(ear_destroyed(&probe), 1);
    bcj2_job_unref(job);
}

static bcj2_job *job_of(unsigned files, const char *source)
{
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_DOWNLOAD);
    for (unsigned i = 0; i < files; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "out/f%u", i);
        assert_status(bcj2_add_file(job, queue_path(source), queue_path(name)), BCJ2_OK);
    }
    return job;
}

bcj2_job *ear_job(unsigned files)
{
    return job_of(files, "up.bin");
}

bcj2_job *ear_job_failing(void)
{
    return job_of(1, "missing");
}

void ear_resume(bcj2_job *job, bcj2_job_state until)
{
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), until);
}

bcj2_job *ear_job_transferred(void)
{
    bcj2_job *job = ear_job(1);
    ear_resume(job, BCJ2_JOB_STATE_TRANSFERRED);
    return job;
}

bcj2_event ear_event(uint64_t n)
{
    bcj2_event event = BCJ2_EVENT_INIT;
    uint64_t after = 0;
    for (uint64_t i = 0; i < n; i++) {
        assert_status(bcj2_manager_get_event(queue_manager, after, &event), BCJ2_OK);
        after = event.number;
    }
    return event;
}
