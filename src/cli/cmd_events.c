/* SPDX-License-Identifier: MIT */
/* bcj2 events: what happened to the jobs of the queue and who was told, as lines of JSON. With --follow it
   goes on, asleep while nothing changes; what was printed as owed is then printed again when its result or
   its number of attempts is another one. */
#include "cli.h"
#include "filetime.h"
#include "interrupt.h"
#include "out.h"
#include "since.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REST_MS  100u /* at least so long between two looks, while something changes all the time */
#define FOR_EVER (-1)

struct follower {
    struct cli *cli;
    uint64_t last;    /* the number of the newest event that was printed */
    uint64_t seen;    /* the change number at the last look */
    bcj2_event *owed; /* those printed with that result, by number: as they were printed */
    size_t count, room;
    bool written; /* stdout takes what is printed */
};

/* ---- a line ---- */

static const char *kind_name(bcj2_notify_flags kind)
{
    switch (kind) {
    case BCJ2_NOTIFY_JOB_TRANSFERRED:
        return "transferred";
    case BCJ2_NOTIFY_JOB_ERROR:
        return "error";
    case BCJ2_NOTIFY_FILE_TRANSFERRED:
        return "file transferred";
    default:
        return "?";
    }
}

static const char *result_name(int32_t result)
{
    switch (result) {
    case BCJ2_EVENT_OWED:
        return "owed";
    case BCJ2_EVENT_DELIVERED:
        return "delivered";
    case BCJ2_EVENT_DROPPED:
        return "dropped";
    default:
        return "?";
    }
}

static void add_u64(cJSON *object, const char *name, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    (void)cJSON_AddStringToObject(object, name, text);
}

static void add_time(cJSON *object, bcj2_filetime time)
{
    char text[FILETIME_UTC_SIZE];
    cJSON *both = cJSON_AddObjectToObject(object, "time");
    bcj2__filetime_format_utc(time, text);
    add_u64(both, "filetime", time);
    (void)cJSON_AddStringToObject(both, "utc", text);
}

/* The names and forms that a job's snapshot has. */
static void print_event(const bcj2_event *event)
{
    char id[BCJ2_GUID_TEXT_SIZE];
    cJSON *object = cJSON_CreateObject();
    bcj2_guid_format(&event->job, id);
    add_u64(object, "number", event->number);
    add_time(object, event->time);
    (void)cJSON_AddStringToObject(object, "job", id);
    (void)cJSON_AddStringToObject(object, "event", kind_name(event->kind));
    if (event->kind == BCJ2_NOTIFY_FILE_TRANSFERRED) {
        (void)cJSON_AddNumberToObject(object, "file_index", event->file_index);
    } else {
        (void)cJSON_AddNullToObject(object, "file_index");
    }
    (void)cJSON_AddStringToObject(object, "result", result_name(event->result));
    add_u64(object, "attempts", event->attempts);
    char *line = cJSON_PrintUnformatted(object);
    if (line != NULL) {
        (void)puts(line);
    }
    cJSON_free(line);
    cJSON_Delete(object);
}

/* ---- looking ---- */

static bool remember(struct follower *f, const bcj2_event *event)
{
    if (event->result != BCJ2_EVENT_OWED || !f->cli->options.follow) {
        return true;
    }
    if (f->count == f->room) {
        size_t room = f->room * 2 + 64;
        bcj2_event *owed = realloc(f->owed, room * sizeof *owed);
        if (owed == NULL) {
            return false;
        }
        f->owed = owed;
        f->room = room;
    }
    f->owed[f->count++] = *event;
    return true;
}

/* Those that were not printed yet. */
static bcj2_status print_new(struct follower *f)
{
    bcj2_event event = BCJ2_EVENT_INIT;
    bcj2_status status = BCJ2_OK;
    while (f->written &&
           (status = bcj2_manager_get_event(f->cli->manager, f->last, &event)) == BCJ2_OK) {
        print_event(&event);
        f->last = event.number;
        if (!remember(f, &event)) {
            return BCJ2_E_OUTOFMEMORY;
        }
        f->written = ferror(stdout) == 0;
    }
    return status;
}

/* Looks again at the owed ones of a job that changed. What is over, or forgotten, leaves the list. */
static bcj2_status print_changed(struct follower *f, const bcj2_guid *job)
{
    size_t kept = 0;
    bcj2_status status = BCJ2_OK;
    for (size_t i = 0; i < f->count; i++) {
        bcj2_event now = BCJ2_EVENT_INIT, before = f->owed[i];
        if (memcmp(&before.job, job, sizeof *job) == 0 && BCJ2_SUCCEEDED(status)) {
            status = bcj2_manager_get_event(f->cli->manager, before.number - 1, &now);
            if (status == BCJ2_S_FALSE || (status == BCJ2_OK && now.number != before.number)) {
                continue;
            }
            if (status == BCJ2_OK &&
                (now.result != before.result || now.attempts != before.attempts)) {
                print_event(&now);
                before = now;
            }
        }
        if (before.result == BCJ2_EVENT_OWED) {
            f->owed[kept++] = before;
        }
    }
    f->count = kept;
    return status;
}

static bcj2_status look_again(struct follower *f)
{
    bcj2_job_enum *jobs = NULL;
    bcj2_job *job;
    bcj2_status status =
        f->count == 0 ? BCJ2_S_FALSE : bcj2_manager_enum_changed(f->cli->manager, f->seen, &jobs);
    while (status == BCJ2_OK && (status = bcj2_job_enum_next(jobs, &job)) == BCJ2_OK) {
        bcj2_guid id;
        status = bcj2_get_id(job, &id);
        if (BCJ2_SUCCEEDED(status)) {
            status = print_changed(f, &id);
        }
        (void)bcj2_job_unref(job);
        status = BCJ2_FAILED(status) ? status : BCJ2_OK;
    }
    (void)bcj2_job_enum_unref(jobs);
    return status;
}

/* Until a signal comes, or stdout takes no more. */
static bcj2_status follow(struct follower *f)
{
    uint64_t change = 0;
    bcj2_status status = bcj2_manager_wait(f->cli->manager, &change, 0);
    while (BCJ2_SUCCEEDED(status) || status == BCJ2_E_ABORT) {
        uint64_t before = since_now_ms();
        if ((interrupt_news() & INTERRUPT_END) != 0) {
            return BCJ2_OK;
        }
        status = look_again(f);
        if (BCJ2_SUCCEEDED(status)) {
            status = print_new(f);
        }
        f->seen = change;
        f->written = out_flush() && f->written;
        if (BCJ2_FAILED(status) || !f->written) {
            return status;
        }
        unsigned rest = since_rest_ms(before);
        interrupt_rest(rest < REST_MS ? REST_MS : rest);
        status = bcj2_manager_wait(f->cli->manager, &change, FOR_EVER);
    }
    return status;
}

static int events(struct follower *f)
{
    struct cli *cli = f->cli;
    int result = cli_open(cli, BCJ2_MANAGER_CONTROL_ONLY);
    if (result != EXIT_DONE) {
        return result;
    }
    if (cli->options.follow) {
        interrupt_tell(cli);
    }
    bcj2_status status = cli->options.follow ? follow(f) : print_new(f);
    if (!out_flush()) {
        return out_failed_errno(cli, "cannot write to standard output");
    }
    return BCJ2_FAILED(status) ? out_failed(cli, status, "cannot read the events") : EXIT_DONE;
}

int cmd_events(struct cli *cli)
{
    struct follower f = {.cli = cli, .written = true};
    cli->lines = true;
    if (cli->options.follow && !interrupt_start(false)) {
        return out_failed(cli, BCJ2_E_OUTOFMEMORY, "cannot wait for signals");
    }
    interrupt_hold();
    int result = events(&f);
    free(f.owed);
    interrupt_hold();
    cli_close(cli);
    interrupt_end(cli);
    if (cli->options.follow) {
        cli->signal = 0; /* that is how it is ended */
    }
    return result;
}
