/* SPDX-License-Identifier: MIT */
/* Callbacks that note what they are told, answer as a test says, and may do something meanwhile or wait to
   be let go. Awaiting one dispatches if the manager is one that wants that. And jobs that need no server:
   copies of a file of this machine. Not here: what must come of it. */
#ifndef BCJ2_TESTS_EAR_H
#define BCJ2_TESTS_EAR_H

#include "../support/queue.h"

#include <bcj2/bcj2.h>
#include <pthread.h>

#define EAR_MOST 64
#define ALL_KINDS                                                                         \
    (BCJ2_NOTIFY_JOB_TRANSFERRED | BCJ2_NOTIFY_JOB_ERROR | BCJ2_NOTIFY_JOB_MODIFICATION | \
     BCJ2_NOTIFY_FILE_TRANSFERRED)

struct ear {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned count, ended, destroyed; /* calls that began, that have returned */
    struct ear_told {
        uint32_t kind;
        uint32_t index;   /* FILE_TRANSFERRED: from the file's name, out/fN */
        bcj2_status code; /* JOB_ERROR */
        bcj2_guid job;
        pthread_t thread;
    } told[EAR_MOST];
    bcj2_status answers[EAR_MOST]; /* of the calls in their order; BCJ2_OK where nothing is said */
    /* called without the lock in each call; NULL: nothing */
    void (*meanwhile)(struct ear *ear, bcj2_job *job, uint32_t kind);
    void (*at_end)(struct ear *ear); /* in destroy */
    bcj2_job *other;                 /* for these two */
    bcj2_status got[EAR_MOST];       /* by them */
    unsigned got_count;
    bool held; /* calls wait until ear_let_go() */
};

void ear_make(struct ear *ear);
/* Callbacks for these kinds. */
bcj2_notify_callbacks ear_callbacks(struct ear *ear, uint32_t kinds);
void ear_set(struct ear *ear, bcj2_job *job, uint32_t kinds);
void ear_got(struct ear *ear, bcj2_status status);
void ear_hold(struct ear *ear);
void ear_let_go(struct ear *ear);
unsigned ear_count(struct ear *ear);
unsigned ear_destroyed(struct ear *ear);
/* Waits until so many calls began (ended, destroyed), 20 s at most; not more. */
void ear_await(struct ear *ear, unsigned count);
void ear_await_ended(struct ear *ear, unsigned count);
void ear_await_destroyed(struct ear *ear, unsigned count);
/* What it was told, as letters: T transferred, E error, M modification, F file. Until the next call. */
const char *ear_heard(struct ear *ear);

/* The test's manager again, with BCJ2_MANAGER_DISPATCH. */
void ear_open_to_dispatch(void);
/* All that happened so far was looked at, and told if it was to be: another job went through all of it.
   Only with dispatch. */
void ear_settle(void);

/* A download job of that many files "out/f0", … that are copies of one of this machine; not resumed. */
bcj2_job *ear_job(unsigned files);
bcj2_job *ear_job_transferred(void);
bcj2_job *ear_job_failing(void); /* it goes to ERROR when resumed */
void ear_resume(bcj2_job *job, bcj2_job_state until);
/* The queue's n-th event, from 1; fails the test if there is none. */
bcj2_event ear_event(uint64_t n);

#endif
