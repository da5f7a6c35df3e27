/* SPDX-License-Identifier: MIT */
/* The processes of a storm, the folder they share and the server they talk to. One storm a process; whatever
   goes wrong here fails the test. Not here: who is killed when (test_torture.c). */
#ifndef BCJ2_TESTS_TORTURE_STORM_H
#define BCJ2_TESTS_TORTURE_STORM_H

#include "../support/folder.h"
#include "../support/servers.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define MOST_PROCESSES 8
#define HEIRS          2

struct storm {
    char folder[FOLDER_PATH_SIZE];
    struct test_server *server;
    char url[128];
    uint32_t random;
    pid_t workers[MOST_PROCESSES]; /* 0: none */
    unsigned life[MOST_PROCESSES]; /* the number by which the journal knows it */
    pid_t heirs[HEIRS];
    unsigned processes, lives, kills, runner_kills;
    int stop; /* writing end of the workers' standard input: closed, they end */
    int stdin_of_workers;
    int stop_heirs, stdin_of_heirs; /* likewise */
    pid_t scout;
    FILE *ask, *answer;
};
extern struct storm storm;

/* The server with an application that replies with what it got, and the files to upload. */
void storm_prepare(uint32_t seed, unsigned processes);
void storm_stop(void); /* the server and the folder */

void storm_start_worker(unsigned i);
/* It answers storm_runner(), and keeps the queue open from before the first worker to after the last. */
void storm_start_scout(void);
void storm_start_heirs(void); /* two that only have the queue open */
/* The process that moves the bytes, as the scout is told; 0: nobody. */
pid_t storm_runner(void);
void storm_kill(pid_t *pid); /* -9, gone when it returns; it must have lived until then */
void storm_assert_all_live(void);
void storm_join_well(pid_t pid, const char *who); /* it must exit with 0 */
/* Runs one to its end, which must be a good one; output: a name in the folder, or NULL. */
void storm_run(const char *what, const char *output);

#endif
