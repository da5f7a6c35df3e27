/* SPDX-License-Identifier: MIT */
/* See torture_calls.h: the calls that change something. What looks is in torture_look.c. */
#include "torture_calls.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_S 60u

/* What else a call may answer, whatever the job is doing: what races between processes explain. A job
   that somebody announced to complete or cancel may answer INVALID_STATE to all. */
static const struct {
    const char *name;
    bcj2_status also[2];
} calls[] = {
    [CALL_CREATE] = {"create", {0}},
    [CALL_NAME] = {"name", {BCJ2_E_INVALID_STATE}}, /* the reply is on its way */
    [CALL_ADD] = {"add", {BCJ2_E_TOO_MANY_FILES}},
    [CALL_DESCRIBE] = {"describe", {0}},
    [CALL_PRIORITY] = {"priority", {0}},
    [CALL_RESUME] = {"resume", {BCJ2_E_EMPTY}},
    [CALL_SUSPEND] = {"suspend", {0}},
    [CALL_CANCEL] = {"cancel", {0}},
    [CALL_COMPLETE] = {"complete", {BCJ2_E_INVALID_STATE}},
    [CALL_GET_JOB] = {"get_job", {0}},
    [CALL_LOOK] = {"a getter", {0}},
    [CALL_WAIT] = {"wait", {BCJ2_S_FALSE}},
    [CALL_REPLY] = {"get_reply_data", {BCJ2_E_INVALID_STATE, BCJ2_E_TOO_LARGE}},
    [CALL_RETRY] = {"set_minimum_retry_delay", {0}},
    [CALL_LIST] = {"enum_jobs", {0}},
    [CALL_OPEN] = {"manager_open", {0}},
    [CALL_CLOSE] = {"manager_close", {0}},
    [CALL_INFO] = {"manager_get_info", {0}},
    [CALL_MANAGER_WAIT] = {"manager_wait", {0}},
};

/* ---- failing ---- */

void worker_fail(const struct worker *w, const char *format, ...)
{
    char text[1024];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    (void)fprintf(stderr, "process %s (%ld): %s\n", w->journal.worker, (long)getpid(), text);
    _exit(1);
}

static volatile sig_atomic_t doing;

static void on_alarm(int signal_number)
{
    (void)signal_number;
    const char *name = calls[doing].name, end[] = " has not returned for a minute\n";
    if (write(STDERR_FILENO, name, strlen(name)) > 0) {
        (void)!write(STDERR_FILENO, end, sizeof end - 1);
    }
    abort(); /* with a core, where there are such things */
}

void call_begin(struct worker *w, enum call call)
{
    static bool ready;
    (void)w;
    if (!ready) {
        struct sigaction action = {.sa_handler = on_alarm};
        (void)sigaction(SIGALRM, &action, NULL);
        ready = true;
    }
    doing = call;
    (void)alarm(PATIENCE_S);
}

void call_end(void)
{
    (void)alarm(0);
}

const char *call_name(enum call call)
{
    return calls[call].name;
}

/* ---- the process ---- */

static void print_log(void *user, int32_t level, const char *line)
{
    (void)user;
    (void)fprintf(stderr, "%ld <%d> %s\n", (long)getpid(), (int)level, line);
}

void worker_open(struct worker *w, uint32_t flags)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    options.flags = flags;
    options.background_slots = 2;
    options.foreground_slots = 4;
    options.log = getenv("BCJ2_TEST_LOG") == NULL ? NULL : print_log;
    call_begin(w, CALL_OPEN);
    bcj2_status s = bcj2_manager_open(worker_path(w, "queue"), &options, &w->manager);
    call_end();
    worker_judge(w, CALL_OPEN, NULL, s);
}

void worker_close(struct worker *w)
{
    for (size_t i = 0; i < w->journal.count; i++) {
        w->journal.jobs[i]->handle = bcj2_job_unref(w->journal.jobs[i]->handle);
    }
    call_begin(w, CALL_CLOSE);
    w->manager = bcj2_manager_close(w->manager);
    call_end();
}

const char *worker_path(const struct worker *w, const char *format, ...)
{
    static char texts[8][PATH_BYTES];
    static unsigned next;
    char *text = texts[next++ % 8];
    int used = snprintf(text, PATH_BYTES, "%s/", w->folder);
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text + used, PATH_BYTES - (size_t)used, format, list);
    va_end(list);
    return text;
}

uint32_t worker_random(struct worker *w, uint32_t below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 17;
    w->random ^= w->random << 5;
    return w->random % below;
}

/* ---- judging ---- */

/* The announcement stands in the journal before the call is made: whoever sees its effect can read it. */
static bool may_be_over(struct worker *w, struct known *k)
{
    if (!known_may_be_over(k)) {
        journal_read(&w->journal);
    }
    return known_may_be_over(k);
}

/* RESUME has nothing to do: no file was added, or it has been transferred. */
static bool may_be_empty(const struct known *k)
{
    return k->added == 0 || k->resume_asked > 0;
}

void worker_judge(struct worker *w, enum call call, struct known *k, bcj2_status s)
{
    bool fine = s == BCJ2_OK;
    for (size_t i = 0; i < 2 && !fine; i++) {
        fine = s == calls[call].also[i];
    }
    if (s == BCJ2_E_EMPTY) {
        fine = fine && may_be_empty(k);
    }
    if (s == BCJ2_E_TOO_MANY_FILES) {
        journal_read(&w->journal);
        fine = fine && k->add_asked > 1; /* this one is counted too */
    }
    if (!fine && k != NULL && s == BCJ2_E_INVALID_STATE) {
        fine = may_be_over(w, k);
    }
    if (!fine) {
        worker_fail(w, "%s of %s: %s: %s", calls[call].name, k == NULL ? "nothing" : k->tag,
                    bcj2_status_name(s), bcj2_last_detail());
    }
}

bcj2_job *worker_job(struct worker *w, struct known *k)
{
    bcj2_guid id;
    bool over = known_is_over(k);
    if (k->handle != NULL) {
        return k->handle;
    }
    if (BCJ2_FAILED(bcj2_guid_parse(k->id, &id))) {
        worker_fail(w, "%s has no id", k->tag);
    }
    call_begin(w, CALL_GET_JOB);
    bcj2_status s = bcj2_manager_get_job(w->manager, &id, &k->handle);
    call_end();
    if (s == BCJ2_OK && over) {
        worker_fail(w, "%s is in the queue, and was completed or cancelled before", k->tag);
    }
    if (s == BCJ2_E_NOT_FOUND) {
        if (!may_be_over(w, k)) {
            worker_fail(w, "%s is lost: %s", k->tag, bcj2_last_detail());
        }
        return NULL;
    }
    worker_judge(w, CALL_GET_JOB, k, s);
    return k->handle;
}

/* ---- changing ---- */

static bcj2_status do_change(struct worker *w, struct known *k, enum call call, unsigned value)
{
    char text[192];
    bcj2_job *job = k->handle;
    switch (call) {
    case CALL_NAME:
        return bcj2_set_reply_file_name(job, worker_path(w, "out/%s", k->tag));
    case CALL_ADD:
        (void)snprintf(text, sizeof text, "%s/%s", w->url, k->tag);
        return bcj2_add_file(job, text, worker_path(w, "source-%u", known_source(k)));
    case CALL_DESCRIBE:
        (void)snprintf(text, sizeof text, "%s %u", k->tag, value);
        return bcj2_set_description(job, text);
    case CALL_PRIORITY:
        return bcj2_set_priority(job, (bcj2_job_priority)value);
    case CALL_RESUME:
        return bcj2_resume(job);
    case CALL_SUSPEND:
        return bcj2_suspend(job);
    case CALL_CANCEL:
        return bcj2_cancel(job);
    case CALL_COMPLETE:
        return bcj2_complete(job);
    case CALL_RETRY:
        return bcj2_set_minimum_retry_delay(job, value);
    default:
        return BCJ2_E_UNEXPECTED;
    }
}

bcj2_status worker_change(struct worker *w, struct known *k, enum call call, unsigned value)
{
    char text[16];
    bool over = known_is_over(k);
    if (worker_job(w, k) == NULL) {
        return BCJ2_E_NOT_FOUND;
    }
    (void)snprintf(text, sizeof text, "%u", value);
    if (call <= CALL_LAST_CHANGE) {
        journal_write(&w->journal, calls[call].name, '?', k->tag, text);
    }
    call_begin(w, call);
    bcj2_status s = do_change(w, k, call, value);
    call_end();
    if (call <= CALL_LAST_CHANGE) {
        journal_write(&w->journal, calls[call].name, s == BCJ2_OK ? '=' : '!', k->tag,
                      s == BCJ2_OK ? text : bcj2_status_name(s));
    }
    if (s == BCJ2_OK && over) {
        worker_fail(w, "%s of %s, which had been completed or cancelled, returned BCJ2_OK",
                    calls[call].name, k->tag);
    }
    worker_judge(w, call, k, s);
    return s;
}

void worker_create(struct worker *w, unsigned sources)
{
    char tag[TAG_SIZE], text[BCJ2_GUID_TEXT_SIZE];
    bcj2_guid id;
    bcj2_job *job = NULL;
    bcj2_job_type type =
        worker_random(w, 4) == 0 ? BCJ2_JOB_TYPE_UPLOAD : BCJ2_JOB_TYPE_UPLOAD_REPLY;
    (void)snprintf(tag, sizeof tag, "%c%u-%u-%u", type == BCJ2_JOB_TYPE_UPLOAD ? 'u' : 'r',
                   worker_random(w, sources), w->life, ++w->made);
    journal_write(&w->journal, calls[CALL_CREATE].name, '?', tag, "-");
    call_begin(w, CALL_CREATE);
    bcj2_status s = bcj2_manager_create_job(w->manager, tag, type, &id, &job);
    call_end();
    worker_judge(w, CALL_CREATE, NULL, s);
    bcj2_guid_format(&id, text);
    journal_write(&w->journal, calls[CALL_CREATE].name, '=', tag, text);
    journal_read(&w->journal);
    struct known *k = journal_find_or_add(&w->journal, tag);
    k->mine = true;
    k->handle = job;
    (void)worker_change(w, k, CALL_RETRY, 0); /* nobody else knows it yet, nor waits long for it */
    if (type == BCJ2_JOB_TYPE_UPLOAD_REPLY) {
        (void)worker_change(w, k, CALL_NAME, 0);
    }
}
