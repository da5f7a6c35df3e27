/* SPDX-License-Identifier: MIT */
/* All jobs of the queue, look after look: which are new, which are still there, which have left. Not
   here: when to look (bcj2_manager_wait() says), and what is said about a job. */
#ifndef BCJ2_CLI_ROSTER_H
#define BCJ2_CLI_ROSTER_H

#include "cli.h"

struct roster_job {
    bcj2_job *job;
    bcj2_guid id;
    bcj2_filetime created;
    bcj2_job_state state; /* as of this look */
    /* the visitor's own; 0 in a new one */
    bcj2_job_state told;
    bool moved;
    uint64_t said; /* a digest of the line that was printed last */
    uint64_t done, since_ms;
    double rate;
};

struct roster {
    struct roster_job *jobs; /* in creation order */
    size_t count, room;
    bool looked;   /* once: from then on at what changed */
    uint64_t seen; /* the number of changes at that look */
    size_t *index; /* places in jobs by their ids, plus 1; 0: free */
    size_t index_size;
};

enum roster_event {
    ROSTER_NEW,  /* seen for the first time */
    ROSTER_KEPT, /* seen before, and changed since: its state may be another */
    ROSTER_GONE, /* completed or cancelled: forgotten after this visit */
};

typedef void (*roster_visit)(void *user, struct roster_job *job, enum roster_event event);

/* Looks at every job the first time, then at those that changed, and calls visit for each. change: the
   number that bcj2_manager_wait() gave last. After a failure the roster is empty, as at the
   beginning. */
bcj2_status roster_look(struct roster *roster, bcj2_manager *manager, uint64_t change,
                        roster_visit visit, void *user);
/* As of the last look; NULL: it is not in the queue. */
const struct roster_job *roster_find(const struct roster *roster, const bcj2_guid *id);
void roster_free(struct roster *roster);

#endif
