/* SPDX-License-Identifier: MIT */
/* See roster.h. Both the last look and the queue are in creation order, so that one walk over the two
   finds what is new and what is gone. */
#include "roster.h"

#include <stdlib.h>
#include <string.h>

void roster_free(struct roster *roster)
{
    for (size_t i = 0; i < roster->count; i++) {
        (void)bcj2_job_unref(roster->jobs[i].job);
    }
    free(roster->jobs);
    *roster = (struct roster){0};
}

static void drop(struct roster_job *job, roster_visit visit, void *user)
{
    if (BCJ2_FAILED(bcj2_get_state(job->job, &job->state))) {
        job->state = BCJ2_JOB_STATE_CANCELLED; /* its row is purged: it ended long ago */
    }
    visit(user, job, ROSTER_GONE);
    job->job = bcj2_job_unref(job->job);
}

/* The job after those of the last look that *old counts; takes the handle. */
static bcj2_status add(struct roster *next, struct roster *last, size_t *old, bcj2_job *handle,
                       roster_visit visit, void *user)
{
    struct roster_job now = {.job = handle};
    bcj2_status status = bcj2_get_id(handle, &now.id);
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_get_state(handle, &now.state);
    }
    if (BCJ2_FAILED(status) || now.state >= BCJ2_JOB_STATE_ACKNOWLEDGED) {
        (void)bcj2_job_unref(handle); /* it leaves just now: the next look tells */
        return status == BCJ2_E_NOT_FOUND ? BCJ2_OK : status;
    }
    while (*old < last->count && memcmp(&last->jobs[*old].id, &now.id, sizeof now.id) != 0) {
        drop(&last->jobs[(*old)++], visit, user);
    }
    bool known = *old < last->count;
    if (known) {
        struct roster_job *before = &last->jobs[(*old)++];
        bcj2_job_state state = now.state;
        (void)bcj2_job_unref(handle);
        now = *before;
        now.state = state;
        before->job = NULL;
    }
    next->jobs[next->count] = now;
    visit(user, &next->jobs[next->count++], known ? ROSTER_KEPT : ROSTER_NEW);
    return BCJ2_OK;
}

bcj2_status roster_look(struct roster *roster, bcj2_manager *manager, roster_visit visit,
                        void *user)
{
    struct roster next = {0};
    bcj2_job_enum *jobs = NULL;
    bcj2_job *job;
    uint32_t total = 0;
    size_t old = 0;
    bcj2_status status = bcj2_manager_enum_jobs(manager, BCJ2_JOB_ENUM_ALL_USERS, &jobs);
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_job_enum_count(jobs, &total);
    }
    next.jobs = calloc((size_t)total + 1, sizeof *next.jobs);
    if (BCJ2_SUCCEEDED(status) && next.jobs == NULL) {
        status = BCJ2_E_OUTOFMEMORY;
    }
    while (BCJ2_SUCCEEDED(status) && (status = bcj2_job_enum_next(jobs, &job)) == BCJ2_OK) {
        status = add(&next, roster, &old, job, visit, user);
    }
    for (; BCJ2_SUCCEEDED(status) && old < roster->count; old++) {
        drop(&roster->jobs[old], visit, user);
    }
    (void)bcj2_job_enum_unref(jobs);
    roster_free(roster); /* what is left of it: the handles that went over are NULL */
    if (BCJ2_FAILED(status)) {
        roster_free(&next);
        return status;
    }
    *roster = next;
    return BCJ2_OK;
}
