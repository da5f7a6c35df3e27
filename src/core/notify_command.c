/* SPDX-License-Identifier: MIT */
/* See notify_command.h. */
#include "notify_command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <bcj2/notify.h>
#include "detail.h"
#include "guid.h"
#include "job.h"
#include "limit.h"
#include "mem.h"
#include "notify_files.h"
#include "notify_program.h"
#include "notify_store.h"

#define LOOKS_PER_TURN 64u
/* A lock that somebody holds is not tried more often, however short the job's retry delay is. */
#define HELD_MS 100u

enum command_step {
    COMMAND_MARKED,  /* in the turn's transaction: it is started once that is committed */
    COMMAND_STARTED, /* the program lives */
    COMMAND_ENDED,   /* what came of it is to be stored */
    COMMAND_STORED,  /* in the turn's transaction: it is forgotten once that is committed */
};

struct command {
    struct command *next;
    struct store_event event; /* as it was marked */
    enum command_step step;
    int lock; /* MARKED: own, of the event's lock file; then -1 */
    struct notify_program *program;
    enum notify_result result;      /* ENDED, STORED */
    bool stolen;                    /* TAKEN, though nobody knows how it ended */
    bool over;                      /* STORED: nobody will run it again for this event */
    char name[BCJ2_GUID_TEXT_SIZE]; /* of the job */
    char why[LIMIT_DETAIL_BYTES];   /* it was REFUSED */
};

static struct command *find(const struct engine *e, int64_t event_seq)
{
    struct command *c = e->commands;
    while (c != NULL && c->event.seq != event_seq) {
        c = c->next;
    }
    return c;
}

static void free_command(struct engine *e, struct command **at)
{
    struct command *c = *at;
    *at = c->next;
    e->command_count--;
    bcj2__os_close_own(c->lock);
    if (c->program != NULL) {
        (void)bcj2__notify_program_leave(c->program);
    }
    bcj2__mem_free(c);
}

/* ---- the lock ---- */

/* *ret_fd -1 and BCJ2_S_FALSE: a program that was started for this event still holds it. */
static bcj2_status take_lock(const struct core *c, int64_t event_seq, int *ret_fd)
{
    CLEANUP_FREE char *path = bcj2__notify_files_path(c, event_seq, "lock");
    bool named = false;
    *ret_fd = -1;
    if (path == NULL) {
        return bcj2__detail_no_memory();
    }
    for (;;) {
        bcj2_status s = bcj2__os_lock_open_own(path, ret_fd);
        if (BCJ2_FAILED(s)) {
            *ret_fd = -1;
            return s;
        }
        s = bcj2__os_lock(*ret_fd, OS_LOCK_EXCLUSIVE, false);
        if (BCJ2_SUCCEEDED(s)) {
            s = bcj2__os_has_name(*ret_fd, path, &named);
        }
        if (BCJ2_SUCCEEDED(s) && named) {
            return BCJ2_OK;
        }
        bcj2__os_close_own(*ret_fd);
        *ret_fd = -1;
        if (BCJ2_FAILED(s)) {
            return s == BCJ2_E_LOCK_VIOLATION ? BCJ2_S_FALSE : s;
        }
    }
}

/* A file on which somebody still holds the lock keeps its name, unless the event is over: or the next
   program would not see him. */
static void remove_lock(const struct core *c, int64_t event_seq, bool over)
{
    int fd = -1;
    CLEANUP_FREE char *path = bcj2__notify_files_path(c, event_seq, "lock");
    if (path != NULL && (over || take_lock(c, event_seq, &fd) == BCJ2_OK)) {
        (void)bcj2__os_unlink(path);
    }
    bcj2__os_close_own(fd);
}

/* ---- what ended ---- */

static void note_end(struct command *c, const struct os_ended *ended)
{
    c->stolen = ended->how == OS_ENDED_STOLEN;
    c->result = c->stolen || (ended->how == OS_ENDED_EXIT && ended->value == 0) ? NOTIFY_TAKEN
                                                                                : NOTIFY_REFUSED;
    (void)snprintf(c->why, sizeof c->why, "the program ended with %s %d",
                   ended->how == OS_ENDED_SIGNAL ? "signal" : "status", ended->value);
}

static void look_at(struct command *c)
{
    struct os_ended ended = {.how = OS_ENDED_STOLEN};
    switch (bcj2__notify_program_look(c->program, &ended)) {
    case NOTIFY_PROGRAM_LIVES:
        return;
    case NOTIFY_PROGRAM_ENDED:
        note_end(c, &ended);
        break;
    case NOTIFY_PROGRAM_NOT_STARTED:
        c->result = NOTIFY_REFUSED;
        bcj2__detail_keep(c->why);
        break;
    }
    c->step = COMMAND_ENDED;
}

static void tell(struct engine *e, const struct command *c, bool owed)
{
    const char *what = c->event.kind == BCJ2_NOTIFY_JOB_ERROR ? "error" : "transfer";
    if (!owed) {
        bcj2__log(&e->core->log, LOG_DEBUG,
                  "job %s: the program for its %s ended, nobody waits for that any more", c->name,
                  what);
    } else if (c->result == NOTIFY_REFUSED) {
        bcj2__log(&e->core->log, LOG_WARNING, "job %s: telling of its %s: %s", c->name, what,
                  c->why);
    } else if (c->stolen) {
        bcj2__log(&e->core->log, LOG_WARNING,
                  "job %s: how the program for its %s ended was told to somebody else in this"
                  " process: taken for success",
                  c->name, what);
    } else {
        bcj2__log(&e->core->log, LOG_DEBUG, "job %s: its %s was told", c->name, what);
    }
}

/* A failure counts only if nobody took the mark away meanwhile: the next runner may have begun anew. */
static bcj2_status store_result(struct engine *e, struct command *c)
{
    struct store_event row;
    bcj2_status s = bcj2__store_event(e->core->store, c->event.seq, &row);
    bool ours = s == BCJ2_OK && row.running && row.attempts == c->event.attempts;
    if (s == BCJ2_OK && (ours || c->result == NOTIFY_TAKEN)) {
        s = bcj2__notify_had(e->core, c->event.seq, NOTIFY_COMMAND, c->result, e->now_ms);
        e->durable = true;
        ours = s == BCJ2_OK;
    }
    if (BCJ2_SUCCEEDED(s)) {
        tell(e, c, ours);
        s = bcj2__store_event(e->core->store, c->event.seq, &row);
        c->over = s == BCJ2_S_FALSE || row.result != BCJ2_EVENT_OWED;
    }
    return s;
}

void bcj2__commands_hear(struct engine *e)
{
    for (struct command *c = e->commands; c != NULL; c = c->next) {
        if (c->step == COMMAND_STARTED) {
            look_at(c);
        }
        bool resting = e->runner && e->store_ms != UINT64_MAX;
        if (c->step == COMMAND_ENDED && !resting && bcj2__engine_transaction(e) &&
            (bcj2__engine_check_job(e, c->event.job_seq, store_result(e, c)) || !e->failed)) {
            c->step = COMMAND_STORED;
        }
    }
}

/* ---- what is due ---- */

static bcj2_status put_off(struct engine *e, struct store_event *event)
{
    struct store_notify n;
    bcj2_status s = bcj2__store_notify(e->core->store, event->job_seq, &n);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    uint64_t wait_ms = MAX((uint64_t)n.retry_delay_s * 1000, (uint64_t)HELD_MS);
    event->next = bcj2__job_deadline_at(e->now_ms + wait_ms, e->now_ms);
    return bcj2__store_event_update(e->core->store, event);
}

/* One that was started before waits: it may be what ends the processes that start it. And while it ran
   nobody else got its turn (bcj2__notify_channels_changed), whatever was set: now somebody may have to. */
static bcj2_status adopt_one(struct engine *e, struct store_event *event)
{
    struct store_notify n;
    bcj2_status s = bcj2__store_notify(e->core->store, event->job_seq, &n);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    bool commands = n.channels.command && bcj2__notify_wanted(&n.channels, event->kind);
    event->running = false;
    event->next = (struct store_deadline){0};
    if (commands && event->attempts > 1) {
        return put_off(e, event);
    }
    s = bcj2__store_event_update(e->core->store, event);
    return BCJ2_FAILED(s) || commands
               ? s
               : bcj2__notify_had(e->core, event->seq, NOTIFY_COMMAND, NOTIFY_LOST, e->now_ms);
}

/* What a process that is gone had started, or was about to. Whether it still runs, its lock tells. */
static bool adopt(struct engine *e)
{
    struct store_event event;
    int64_t after = 0;
    bcj2_status s;
    while ((s = bcj2__store_next_running(e->core->store, after, &event)) == BCJ2_OK) {
        after = event.seq;
        if (find(e, event.seq) != NULL) {
            continue;
        }
        if (!bcj2__engine_transaction(e)) {
            return false;
        }
        s = adopt_one(e, &event);
        e->durable = true;
        if (!bcj2__engine_check_job(e, event.job_seq, s) && e->failed) {
            return false;
        }
    }
    e->adopt = BCJ2_FAILED(s);
    return bcj2__engine_check(e, s);
}

static struct command *add(struct engine *e, const struct store_event *event, int lock)
{
    struct command *c = bcj2__mem_calloc(1, sizeof *c);
    if (c != NULL) {
        c->event = *event;
        c->lock = lock;
        c->next = e->commands;
        e->commands = c;
        e->command_count++;
    }
    return c;
}

/* It cannot even be locked: as a program that could not be started. */
static bcj2_status refuse(struct engine *e, struct store_event *event)
{
    bcj2__log(&e->core->log, LOG_WARNING, "starting a program for job %lld: %s",
              (long long)event->job_seq, bcj2__detail_get());
    bcj2_status s = bcj2__store_event_update(e->core->store, event);
    return BCJ2_FAILED(s)
               ? s
               : bcj2__notify_had(e->core, event->seq, NOTIFY_COMMAND, NOTIFY_REFUSED, e->now_ms);
}

/* In the transaction; the row may have changed since it was looked for. */
static bcj2_status mark(struct engine *e, int64_t event_seq)
{
    struct store_event event;
    int lock = -1;
    bcj2_status s = bcj2__store_event(e->core->store, event_seq, &event);
    if (s != BCJ2_OK || event.result != BCJ2_EVENT_OWED || event.turn != NOTIFY_COMMAND ||
        event.running) {
        return s;
    }
    bcj2_status locked =
        find(e, event_seq) != NULL ? BCJ2_S_FALSE : take_lock(e->core, event_seq, &lock);
    if (locked == BCJ2_S_FALSE) {
        bcj2__log(&e->core->log, LOG_DEBUG, "job %lld: the last program for it still runs",
                  (long long)event.job_seq);
        return put_off(e, &event);
    }
    event.attempts++;
    e->durable = true;
    if (BCJ2_FAILED(locked)) {
        return refuse(e, &event);
    }
    event.running = true;
    s = bcj2__store_event_update(e->core->store, &event);
    if (s == BCJ2_OK && add(e, &event, lock) != NULL) {
        return BCJ2_OK;
    }
    bcj2__os_close_own(lock);
    return s == BCJ2_OK ? bcj2__detail_no_memory() : s;
}

void bcj2__commands_look(struct engine *e)
{
    struct store_event event;
    e->look_commands = false;
    e->command_ms = UINT64_MAX;
    if (e->adopt && !adopt(e)) {
        return;
    }
    for (uint32_t n = 0; n < LOOKS_PER_TURN; n++) {
        if (e->command_count >= LIMIT_NOTIFY_COMMANDS) {
            return; /* the end of one makes us look again */
        }
        bcj2_status s = bcj2__store_next_command(e->core->store, &event);
        if (!bcj2__engine_check(e, s) || s == BCJ2_S_FALSE) {
            return;
        }
        uint64_t due_ms = event.next.set ? bcj2__job_deadline_ms(&event.next) : e->now_ms;
        if (due_ms > e->now_ms) {
            e->command_ms = due_ms;
            return;
        }
        if (!bcj2__engine_transaction(e) ||
            (!bcj2__engine_check_job(e, event.job_seq, mark(e, event.seq)) && e->failed)) {
            return;
        }
    }
    e->look_commands = e->again = true;
}

/* ---- after the commit ---- */

static void wake(void *user)
{
    struct engine *e = user;
    bcj2__net_wake(e->net);
}

static bcj2_status start(struct engine *e, struct command *c)
{
    struct store_job row = {0};
    CLEANUP_FREE char *json = NULL;
    CLEANUP_FREE char *input_path = bcj2__notify_files_path(e->core, c->event.seq, "input");
    bcj2_status s = input_path == NULL ? bcj2__detail_no_memory()
                                       : bcj2__job_load_row(e->core, c->event.job_seq, &row);
    if (BCJ2_SUCCEEDED(s)) {
        bcj2_job job = {.core = e->core, .seq = row.seq, .id = row.id};
        bcj2__guid_format(&row.id, c->name);
        s = bcj2__job_json(&job, &json);
    }
    if (BCJ2_SUCCEEDED(s)) {
        const struct notify_program_what what = {
            .job = &row,
            .kind = c->event.kind,
            .directory = e->core->directory,
            .input = json,
            .input_path = input_path,
            .lock = c->lock,
            .wake = wake,
            .user = e,
        };
        c->lock = -1;
        s = bcj2__notify_program_start(&what, &c->program);
    }
    bcj2__store_job_done(&row);
    return s;
}

void bcj2__commands_act(struct engine *e)
{
    for (struct command **at = &e->commands; *at != NULL;) {
        struct command *c = *at;
        if (c->step == COMMAND_MARKED) {
            c->step = COMMAND_STARTED;
            if (BCJ2_FAILED(start(e, c))) {
                c->step = COMMAND_ENDED;
                c->result = NOTIFY_REFUSED;
                bcj2__detail_keep(c->why);
                e->again = true;
            }
        }
        if (c->step == COMMAND_STORED) {
            remove_lock(e->core, c->event.seq, c->over);
            free_command(e, at);
            e->look_commands = e->again = true;
        } else {
            at = &c->next;
        }
    }
}

void bcj2__commands_undo(struct engine *e)
{
    for (struct command **at = &e->commands; *at != NULL;) {
        struct command *c = *at;
        if (c->step == COMMAND_MARKED) {
            free_command(e, at);
        } else {
            c->step = c->step == COMMAND_STORED ? COMMAND_ENDED : c->step;
            at = &c->next;
        }
    }
    e->adopt = true; /* a mark may be on the disk for all that */
}

size_t bcj2__commands_fds(const struct engine *e, struct net_fd *fds)
{
    size_t count = 0;
    for (const struct command *c = e->commands; c != NULL; c = c->next) {
        int fd = c->program == NULL ? -1 : bcj2__notify_program_fd(c->program);
        if (fd >= 0 && c->step == COMMAND_STARTED) {
            fds[count++] = (struct net_fd){.fd = fd, .read = true};
        }
    }
    return count;
}

void bcj2__commands_leave_all(struct engine *e)
{
    while (e->commands != NULL) {
        free_command(e, &e->commands);
    }
}
