/* SPDX-License-Identifier: MIT */
/* One process of a storm: its manager, its journal, and calls that are judged as they return. A call that
   gives what no race explains, or does not return within a minute, ends the process with a message. Not
   here: what is called when (torture_worker.c, torture_finish.c). */
#ifndef BCJ2_TESTS_TORTURE_CALLS_H
#define BCJ2_TESTS_TORTURE_CALLS_H

#include "torture_journal.h"

#define PATH_BYTES 600

struct worker {
    bcj2_manager *manager;
    struct journal journal;
    char folder[512]; /* holds "queue", "journal", "out", "source-N" */
    char url[128];    /* of the server's folder for uploads, without a slash at its end */
    uint32_t random;
    unsigned life, made, described;
};

enum call {
    CALL_CREATE,
    CALL_NAME,
    CALL_ADD,
    CALL_DESCRIBE,
    CALL_PRIORITY,
    CALL_RESUME,
    CALL_SUSPEND,
    CALL_CANCEL,
    CALL_COMPLETE,
    CALL_LAST_CHANGE = CALL_COMPLETE, /* those before are in the journal */
    CALL_GET_JOB,
    CALL_LOOK,
    CALL_WAIT,
    CALL_REPLY,
    CALL_RETRY,
    CALL_LIST,
    CALL_OPEN,
    CALL_CLOSE,
    CALL_INFO,
    CALL_MANAGER_WAIT,
};

/* Never returns. */
_Noreturn void worker_fail(const struct worker *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Around each call: whose minute it is. */
void call_begin(struct worker *w, enum call call);
void call_end(void);
const char *call_name(enum call call);

void worker_open(struct worker *w, uint32_t flags);
void worker_close(struct worker *w); /* and every handle */
/* Absolute path of a name in the folder, kept until the eighth call after this. */
const char *worker_path(const struct worker *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
uint32_t worker_random(struct worker *w, uint32_t below);

/* A handle of the job; NULL: it has left the queue, and somebody announced that. */
bcj2_job *worker_job(struct worker *w, struct known *k);
/* Fails unless the table says that this call may end so. */
void worker_judge(struct worker *w, enum call call, struct known *k, bcj2_status s);
/* One call that changes the job, journalled and judged. */
bcj2_status worker_change(struct worker *w, struct known *k, enum call call, unsigned value);
void worker_create(struct worker *w, unsigned sources);

/* Looks at everything about a job that there are promises about. */
void worker_look(struct worker *w, struct known *k);
/* The reply in memory: if it is given, it is the right one. */
void worker_read_reply(struct worker *w, struct known *k);
/* What is known to be in the queue is in the list, once. Gives back how many are listed. */
size_t worker_list(struct worker *w);

#endif
