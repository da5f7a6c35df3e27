/* SPDX-License-Identifier: MIT */
/* The random walk: one episode's world and what may be done in it. test_walk.c chooses; walk_world.c has the
   servers, the processes and the clock, walk_calls.c the calls and what each may answer. */
#ifndef BCJ2_TESTS_WALK_H
#define BCJ2_TESTS_WALK_H

#include "walk_model.h"

#include "../support/bits_server.h"
#include "../support/client.h"
#include "../support/fake_clock.h"
#include "../support/folder.h"

#define WALK_JOBS 24

struct walk {
    uint32_t random;
    char folder[FOLDER_PATH_SIZE];
    struct fake_clock *clock;
    struct site *site;
    struct bits_server *bits;
    enum site_mood uploads; /* what the uploads' server does */
    bcj2_manager *manager;  /* ours, which moves no bytes */
    bcj2_job *bell;         /* a job that is only there to be changed */
    pid_t runner;           /* 0: none */
    int runner_in;
    struct model_job jobs[WALK_JOBS];
    unsigned count;
    unsigned made; /* jobs so far, for names */
};
extern struct walk walk;

uint32_t walk_random(uint32_t below);
const char *walk_path(const char *name); /* in the folder; kept for the next 7 calls */

/* Now and then the runner gets some time between two things: the model must hold wherever that is. */
void walk_hesitate(void);

/* ---- the world ---- */
void walk_begin(uint32_t seed);
void walk_end(void);
void walk_start_runner(void);
void walk_kill_runner(void);
void walk_reopen(void); /* our manager; handles are found again, final jobs forgotten */
/* The runner has looked at the clock. */
void walk_ring(void);
void walk_pass(int64_t seconds);     /* time goes by */
void walk_set_wall(int64_t seconds); /* the calendar is moved */
void walk_set_uploads(enum site_mood mood);
void walk_set_mood(struct model_job *m, enum site_mood mood);
void walk_settle(void); /* all of them; a runner is there afterwards */

/* ---- the calls, each checked against the model ---- */
void walk_create(void);
void walk_forget(struct model_job *m); /* one that is final */
void walk_forget_final(void);
void walk_add_file(struct model_job *m);
void walk_add_bad(struct model_job *m);
void walk_set(struct model_job *m);
void walk_set_bad(struct model_job *m);
void walk_get(struct model_job *m);
void walk_suspend(struct model_job *m);
void walk_resume(struct model_job *m);
void walk_cancel(struct model_job *m);
void walk_complete(struct model_job *m);

#endif
