/* SPDX-License-Identifier: MIT */
/* bcj2 watch: all jobs, live. On a terminal it is a table that is drawn again, elsewhere a line for each
   job that changed, with --json an object. It sleeps until something changes: no clock is asked, so
   what is shown must stay true by itself. */
#include "cli.h"
#include "interrupt.h"
#include "out.h"
#include "roster.h"
#include "since.h"
#include "watch_row.h"
#include "watch_screen.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PICTURE_MS  100  /* at most so often, while something changes all the time */
#define RATES_MS    3100 /* then a rate that was not heard of again is taken back, once */
#define FOR_EVER    (-1)
#define TIME_OF_WHY "status_text"

struct watch {
    struct cli *cli;
    struct roster roster;
    bool screen;
    bool rates; /* in the picture */
};

static void say_line(struct roster_job *job)
{
    char line[WATCH_LINE_BYTES];
    struct watch_row row;
    watch_row_fill(&row, job);
    uint64_t digest = watch_row_digest(&row);
    if (digest != job->said) {
        watch_row_format(&row, 0, line);
        (void)puts(line);
        job->said = digest;
    }
}

/* The library's words for the state may count down: they make no change. */
static void say_json(struct roster_job *job)
{
    cJSON *document = out_json_snapshot(job->job);
    char *line = document == NULL ? NULL : cJSON_PrintUnformatted(document);
    cJSON_DeleteItemFromObjectCaseSensitive(document, TIME_OF_WHY);
    char *lasting = document == NULL ? NULL : cJSON_PrintUnformatted(document);
    if (line != NULL && lasting != NULL) {
        uint64_t digest = watch_digest(0, lasting, strlen(lasting));
        if (digest != job->said) {
            (void)puts(line);
            job->said = digest;
        }
    }
    cJSON_free(line);
    cJSON_free(lasting);
    cJSON_Delete(document);
}

static void visit(void *user, struct roster_job *job, enum roster_event event)
{
    const struct watch *watch = user;
    (void)event; /* one that left is told of as it is now, for the last time */
    if (watch->cli->options.json) {
        say_json(job);
    } else if (!watch->screen) {
        say_line(job);
    }
}

static bcj2_status look(struct watch *watch, uint64_t change, bool *ret_written)
{
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    bcj2_status status = roster_look(&watch->roster, watch->cli->manager, change, visit, watch);
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_manager_get_info(watch->cli->manager, &info);
    }
    if (BCJ2_SUCCEEDED(status)) {
        *ret_written = watch->screen
                           ? watch_screen_draw(watch->cli, &watch->roster, &info, &watch->rates)
                           : out_flush();
    }
    return status;
}

/* Ctrl-Z: the shell gets its screen back. */
static void stop_for_a_while(const struct watch *watch)
{
    if (watch->screen) {
        watch_screen_leave();
    }
    (void)kill(getpid(), SIGSTOP);
    if (watch->screen) {
        watch_screen_enter();
    }
}

/* Until a signal comes, or stdout takes no more. */
static bcj2_status watch_queue(struct watch *watch, bool *ret_written)
{
    uint64_t change = 0;
    unsigned news = 0;
    bcj2_status status = bcj2_manager_wait(watch->cli->manager, &change, 0);
    while (BCJ2_SUCCEEDED(status) || status == BCJ2_E_ABORT) {
        uint64_t before = since_now_ms();
        news = interrupt_news();
        if ((news & INTERRUPT_END) != 0) {
            return BCJ2_OK;
        }
        if ((news & INTERRUPT_STOP) != 0) {
            stop_for_a_while(watch);
        }
        status = look(watch, change, ret_written);
        if (BCJ2_FAILED(status) || !*ret_written) {
            return status;
        }
        unsigned rest = since_rest_ms(before);
        interrupt_rest(rest < PICTURE_MS ? PICTURE_MS : rest);
        status =
            bcj2_manager_wait(watch->cli->manager, &change, watch->rates ? RATES_MS : FOR_EVER);
    }
    return status;
}

int cmd_watch(struct cli *cli)
{
    struct watch watch = {.cli = cli};
    bool written = true;
    cli->lines = true;
    watch.screen = !cli->options.json && watch_screen_possible();
    if (!interrupt_start(watch.screen)) {
        return out_failed(cli, BCJ2_E_OUTOFMEMORY, "cannot wait for signals");
    }
    interrupt_hold();
    int result = cli_open(cli, BCJ2_MANAGER_CONTROL_ONLY);
    if (result == EXIT_DONE) {
        if (watch.screen) {
            watch_screen_enter();
        }
        interrupt_tell(cli);
        bcj2_status status = watch_queue(&watch, &written);
        interrupt_hold();
        if (watch.screen) {
            watch_screen_leave();
        }
        if (!written) {
            result = out_failed_errno(cli, "cannot write to standard output");
        } else if (BCJ2_FAILED(status)) {
            result = out_failed(cli, status, "cannot watch the queue");
        }
    }
    roster_free(&watch.roster);
    cli_close(cli);
    interrupt_end(cli);
    cli->signal = 0; /* that is how it is ended */
    return result;
}
