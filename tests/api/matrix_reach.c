/* SPDX-License-Identifier: MIT */
/* See matrix.h: how a job comes into each state. A server for each way in which a server can be. */
#include "matrix.h"

#include "../support/bits_server.h"
#include "../support/http_script.h"

#define BODY         "0123456789"
#define HEAD         "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"e\"\r\n\r\n"
#define FAIL(status) "HTTP/1.1 " status " x\r\nContent-Length: 0\r\n\r\n"

static const struct http_step silent[] = {ASK_HEAD, HOLD, END};
static const struct http_step stuck[] = {ASK, SAY(HEAD), ASK, SAY(HEAD "0123"), HOLD, END};
static const struct http_step good[] = {ASK, SAY(HEAD), ASK, SAY(HEAD BODY), AGAIN};
static const struct http_step missing[] = {ASK, SAY(FAIL("404")), AGAIN};
static const struct http_step busy[] = {ASK, SAY(FAIL("503")), AGAIN};

enum { SILENT, STUCK, GOOD, MISSING, BUSY, SCRIPTS };
static const struct http_step *const scripts[SCRIPTS] = {silent, stuck, good, missing, busy};
static struct http_script *servers[SCRIPTS];
static struct bits_server *bits, *bits_stuck;

void matrix_start(void)
{
    queue_start();
    for (int i = 0; i < SCRIPTS; i++) {
        servers[i] = http_script_start(&scripts[i], 1);
    }
    bits = bits_server_start();
    bits_server_set_reply(bits, "the reply", 9);
    bits_stuck = bits_server_start();
    bits_server_hold(bits_stuck, BITS_FRAGMENT);
}

void matrix_stop(void)
{
    queue_stop();
    for (int i = 0; i < SCRIPTS; i++) {
        http_script_stop(servers[i]);
    }
    bits_server_stop(bits);
    bits_server_stop(bits_stuck);
}

static const char *url_for(bcj2_job_type type, bcj2_job_state state)
{
    switch (state) {
    case BCJ2_JOB_STATE_CONNECTING:
        return http_script_url(servers[SILENT], "/a");
    case BCJ2_JOB_STATE_ERROR:
        return http_script_url(servers[MISSING], "/a");
    case BCJ2_JOB_STATE_TRANSIENT_ERROR:
        return http_script_url(servers[BUSY], "/a");
    case BCJ2_JOB_STATE_TRANSFERRING:
        return type == BCJ2_JOB_TYPE_DOWNLOAD ? http_script_url(servers[STUCK], "/a")
                                              : bits_server_url(bits_stuck, "/a");
    default:
        return type == BCJ2_JOB_TYPE_DOWNLOAD ? http_script_url(servers[GOOD], "/a")
                                              : bits_server_url(bits, "/a");
    }
}

static bcj2_job *make(bcj2_job_type type, const char *url)
{
    if (type != BCJ2_JOB_TYPE_DOWNLOAD) {
        return queue_job_with_file(type, url);
    }
    bcj2_job *job = queue_job(type);
    assert_status(bcj2_add_file(job, url, queue_path("out/down")), BCJ2_OK);
    return job;
}

static void block(struct matrix_subject *subject)
{
    subject->blocker =
        make(BCJ2_JOB_TYPE_DOWNLOAD, url_for(subject->type, BCJ2_JOB_STATE_CONNECTING));
    assert_status(bcj2_resume(subject->blocker), BCJ2_OK);
    queue_wait(subject->blocker, STATE_BIT(CONNECTING), BCJ2_JOB_STATE_CONNECTING);
}

static void run_until(bcj2_job *job, bcj2_job_state state)
{
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, 1u << state | STATE_BIT(ERROR), state);
}

void matrix_reach(struct matrix_subject *subject, bcj2_job_type type, bcj2_job_state state)
{
    bcj2_file_enum *files = NULL;
    *subject = (struct matrix_subject){.type = type, .state = state};
    bcj2_job *job = subject->job = make(type, url_for(type, state));
    assert_status(bcj2_enum_files(job, &files), BCJ2_OK);
    assert_status(bcj2_file_enum_next(files, &subject->file), BCJ2_OK);
    bcj2_file_enum_unref(files);
    if (state == BCJ2_JOB_STATE_QUEUED) {
        block(subject);
    }
    if (state == BCJ2_JOB_STATE_CANCELLED) {
        assert_status(bcj2_cancel(job), BCJ2_OK);
    } else if (state == BCJ2_JOB_STATE_ACKNOWLEDGED) {
        run_until(job, BCJ2_JOB_STATE_TRANSFERRED);
        assert_status(bcj2_complete(job), BCJ2_OK);
    } else if (state != BCJ2_JOB_STATE_SUSPENDED) {
        run_until(job, state);
    }
    ck_assert_int_eq(queue_state(job), state);
}

void matrix_take_slot(struct matrix_subject *subject)
{
    bool has_it = subject->state == BCJ2_JOB_STATE_CONNECTING ||
                  subject->state == BCJ2_JOB_STATE_TRANSFERRING;
    if (subject->blocker == NULL && !has_it) {
        block(subject);
    }
}

void matrix_done(struct matrix_subject *subject)
{
    bcj2_job_state state = queue_state(subject->job);
    if (state != BCJ2_JOB_STATE_ACKNOWLEDGED && state != BCJ2_JOB_STATE_CANCELLED) {
        assert_status(bcj2_cancel(subject->job), BCJ2_OK);
    }
    if (subject->blocker != NULL) {
        assert_status(bcj2_cancel(subject->blocker), BCJ2_OK);
        bcj2_job_unref(subject->blocker);
    }
    bcj2_file_unref(subject->file);
    bcj2_job_unref(subject->job);
}
