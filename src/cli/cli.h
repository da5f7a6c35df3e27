/* SPDX-License-Identifier: MIT */
/* What the files of the program bcj2 share: the run's context and the commands. The program sees
   the public API and cJSON, nothing of the library's inside but how a command line is split and a time is
   written (src/cli/meson.build).

   Every command returns an exit status: EXIT_DONE, EXIT_FAILED (a job or a call failed), EXIT_BAD
   (usage, or an argument that cannot be used) or EXIT_PARTIAL (a download was completed without some of
   its files). */
#ifndef BCJ2_CLI_H
#define BCJ2_CLI_H

#include <bcj2/bcj2.h>
#include <cjson/cJSON.h>
#include "options.h"

#define EXIT_DONE    0
#define EXIT_FAILED  1
#define EXIT_BAD     2
#define EXIT_PARTIAL 3

struct cli {
    struct options options;
    char *queue; /* the queue directory's real path; NULL before cli_open() */
    bcj2_manager *manager;
    cJSON *document; /* --json: what main prints at the end */
    bool lines;      /* --json: one line for each document */
    bool stdin_used; /* something was read from it */
    int signal;      /* the signal that ended a wait; 0 = none */
};

/* Opens the queue; flags as in bcj2_manager_options. Says what is wrong if it cannot. */
int cli_open(struct cli *cli, uint32_t flags);
/* Closes it (goodbyes to servers get their 2 seconds). */
void cli_close(struct cli *cli);
/* The process that moves the bytes of the open queue; 0: none does, nor becomes the one that does while
   this waits for a moment. */
int64_t cli_runner(struct cli *cli);

/* cmd_*.c */
int cmd_upload_reply(struct cli *cli);
int cmd_upload(struct cli *cli);
int cmd_download(struct cli *cli);
int cmd_set(struct cli *cli);
int cmd_list(struct cli *cli);
int cmd_show(struct cli *cli);
int cmd_suspend(struct cli *cli);
int cmd_resume(struct cli *cli);
int cmd_cancel(struct cli *cli);
int cmd_complete(struct cli *cli);
int cmd_run(struct cli *cli);
int cmd_watch(struct cli *cli);
int cmd_events(struct cli *cli);

#endif
