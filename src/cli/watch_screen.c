/* SPDX-License-Identifier: MIT */
/* See watch_screen.h. */
#include "watch_screen.h"
#include "out.h"
#include "text.h"
#include "watch_row.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LINES_UNKNOWN   24
#define COLUMNS_UNKNOWN 80
#define OTHER_LINES     3 /* title, head, "and 5 more" */

#define ENTER           "\033[?1049h\033[?25l" /* the other screen, no cursor */
#define LEAVE           "\033[?25h\033[?1049l"
#define HOME            "\033[H"
#define END_LINE        "\033[K"
#define END_ALL         "\033[J"

bool watch_screen_possible(void)
{
    const char *kind = getenv("TERM");
    return isatty(STDOUT_FILENO) == 1 && kind != NULL && kind[0] != '\0' &&
           strcmp(kind, "dumb") != 0;
}

void watch_screen_enter(void)
{
    (void)fputs(ENTER, stdout);
    (void)fflush(stdout);
}

void watch_screen_leave(void)
{
    (void)fputs(LEAVE, stdout);
    (void)fflush(stdout);
}

static void size_of_terminal(int *ret_lines, int *ret_columns)
{
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    *ret_lines = known && size.ws_row > 0 ? size.ws_row : LINES_UNKNOWN;
    *ret_columns = known && size.ws_col > 0 ? size.ws_col : COLUMNS_UNKNOWN;
}

/* Which jobs one wants to see most when there is no room for all; 0 first. */
static int rank(bcj2_job_state state)
{
    switch (state) {
    case BCJ2_JOB_STATE_CONNECTING:
    case BCJ2_JOB_STATE_TRANSFERRING:
        return 0;
    case BCJ2_JOB_STATE_TRANSIENT_ERROR:
    case BCJ2_JOB_STATE_ERROR:
        return 1;
    case BCJ2_JOB_STATE_QUEUED:
        return 2;
    default:
        return 3;
    }
}

#define RANKS 4

/* How many of each rank are shown if so many lines are free. */
static void share_out(const struct roster *roster, size_t room, size_t quota[RANKS])
{
    size_t wanted[RANKS] = {0};
    for (size_t i = 0; i < roster->count; i++) {
        wanted[rank(roster->jobs[i].state)]++;
    }
    for (int r = 0; r < RANKS; r++) {
        quota[r] = wanted[r] < room ? wanted[r] : room;
        room -= quota[r];
    }
}

static void put(const char *text, int columns, bool last)
{
    char line[WATCH_LINE_BYTES];
    (void)snprintf(line, sizeof line, "%s", text);
    text_cut(line, columns);
    (void)printf("%s" END_LINE "%s", line, last ? "" : "\r\n");
}

static void put_title(const struct cli *cli, const bcj2_manager_info *info, int columns, bool last)
{
    char line[WATCH_LINE_BYTES], who[64];
    if (info->runner_pid != 0) {
        (void)snprintf(who, sizeof who, "process %" PRId64 " moves them", info->runner_pid);
    } else {
        (void)snprintf(who, sizeof who, "no program moves them: bcj2 run");
    }
    (void)snprintf(line, sizeof line, "%" PRIu64 " job%s, %" PRIu64 " to move; %s; queue %s",
                   info->jobs, info->jobs == 1 ? "" : "s", info->jobs_to_move, who, cli->queue);
    put(out_clean(line), columns, last);
}

bool watch_screen_draw(const struct cli *cli, struct roster *roster, const bcj2_manager_info *info,
                       bool *ret_rates)
{
    char line[WATCH_LINE_BYTES];
    size_t quota[RANKS], shown = 0;
    int lines, columns;
    size_of_terminal(&lines, &columns);
    columns--; /* the last one: terminals differ about what happens after it */
    size_t room = lines > OTHER_LINES ? (size_t)(lines - OTHER_LINES) : 0;
    room += lines >= OTHER_LINES && roster->count == room + 1; /* for the line "and 1 more" */
    share_out(roster, room, quota);
    (void)fputs(HOME, stdout);
    put_title(cli, info, columns, lines < 2);
    if (lines >= 2) {
        watch_row_head(columns, line);
        put(line, columns, lines < 3);
    }
    *ret_rates = false;
    for (size_t i = 0; i < roster->count; i++) {
        struct watch_row row;
        size_t *left = &quota[rank(roster->jobs[i].state)];
        if (*left > 0) {
            (*left)--;
            shown++;
            watch_row_fill(&row, &roster->jobs[i]);
            watch_row_format(&row, columns, line);
            *ret_rates = *ret_rates || row.rate > 0;
            put(line, columns, (int)shown + 2 == lines);
        }
    }
    if (shown < roster->count && lines >= OTHER_LINES) {
        (void)snprintf(line, sizeof line, "and %zu more", roster->count - shown);
        put(line, columns, true);
    }
    (void)fputs(END_ALL, stdout);
    return out_flush();
}
