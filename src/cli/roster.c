/* SPDX-License-Identifier: MIT */
/* See roster.h. In a queue of 100,000 jobs a look at all of them takes seconds: after the first one only
   what changed is looked at, and found by its id in a table. */
#include "roster.h"

#include <stdlib.h>
#include <string.h>

void roster_free(struct roster *roster)
{
    for (size_t i = 0; i < roster->count; i++) {
        (void)bcj2_job_unref(roster->jobs[i].job);
    }
    free(roster->jobs);
    free(roster->index);
    *roster = (struct roster){0};
}

/* ---- the table ---- */

/* Where the id stands or belongs; ids are random. */
static size_t *place_of(const struct roster *roster, const bcj2_guid *id)
{
    size_t at = 0;
    memcpy(&at, id, sizeof at < sizeof *id ? sizeof at : sizeof *id);
    for (;; at++) {
        size_t *place = &roster->index[at & (roster->index_size - 1)];
        if (*place == 0 || memcmp(&roster->jobs[*place - 1].id, id, sizeof *id) == 0) {
            return place;
        }
    }
}

/* Of all jobs anew, at most half full. */
static bool make_index(struct roster *roster)
{
    size_t size = 64;
    while (size < 2 * (roster->room + 1)) {
        size *= 2;
    }
    size_t *index = calloc(size, sizeof *index);
    if (index == NULL) {
        return false;
    }
    free(roster->index);
    roster->index = index;
    roster->index_size = size;
    for (size_t i = 0; i < roster->count; i++) {
        *place_of(roster, &roster->jobs[i].id) = i + 1;
    }
    return true;
}

static bool make_room(struct roster *roster, size_t more)
{
    if (roster->index != NULL && roster->room - roster->count >= more) {
        return true;
    }
    size_t room = 2 * roster->count + more;
    struct roster_job *jobs = realloc(roster->jobs, (room + 1) * sizeof *jobs);
    if (jobs == NULL) {
        return false;
    }
    roster->jobs = jobs;
    roster->room = room;
    return make_index(roster);
}

/* ---- looking ---- */

/* Takes the handle. */
static bcj2_status look_at(struct roster *roster, bcj2_job *handle, roster_visit visit, void *user)
{
    struct roster_job now = {.job = handle};
    bcj2_job_times times = BCJ2_JOB_TIMES_INIT;
    bcj2_status status = bcj2_get_id(handle, &now.id);
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_get_state(handle, &now.state);
    }
    if (status == BCJ2_E_NOT_FOUND) {
        now.state = BCJ2_JOB_STATE_CANCELLED; /* its row is purged: it ended long ago */
        status = BCJ2_OK;
    }
    bool final = now.state >= BCJ2_JOB_STATE_ACKNOWLEDGED;
    size_t *place = BCJ2_FAILED(status) ? NULL : place_of(roster, &now.id);
    if (place == NULL || (*place == 0 && final)) {
        (void)bcj2_job_unref(handle);
        return status;
    }
    bool known = *place != 0;
    if (known) {
        (void)bcj2_job_unref(handle);
        roster->jobs[*place - 1].state = now.state;
    } else {
        (void)bcj2_get_times(handle, &times);
        now.created = times.creation_time;
        roster->jobs[roster->count] = now;
        *place = ++roster->count;
    }
    visit(user, &roster->jobs[*place - 1], final ? ROSTER_GONE : known ? ROSTER_KEPT : ROSTER_NEW);
    return BCJ2_OK;
}

/* What was added stands in the order of its changes. False: no memory for the table. */
static bool tidy(struct roster *roster, size_t before)
{
    size_t kept = 0;
    bool moved = false;
    for (size_t i = 0; i < roster->count; i++) {
        struct roster_job job = roster->jobs[i];
        if (job.state >= BCJ2_JOB_STATE_ACKNOWLEDGED) {
            (void)bcj2_job_unref(job.job);
            moved = true;
            continue;
        }
        size_t at = kept++;
        for (; i >= before && at > 0 && roster->jobs[at - 1].created > job.created; at--) {
            roster->jobs[at] = roster->jobs[at - 1];
            moved = true;
        }
        roster->jobs[at] = job;
    }
    roster->count = kept;
    return !moved || make_index(roster);
}

bcj2_status roster_look(struct roster *roster, bcj2_manager *manager, uint64_t change,
                        roster_visit visit, void *user)
{
    bcj2_job_enum *jobs = NULL;
    bcj2_job *job;
    uint32_t total = 0;
    size_t before = roster->count;
    bcj2_status status = roster->looked
                             ? bcj2_manager_enum_changed(manager, roster->seen, &jobs)
                             : bcj2_manager_enum_jobs(manager, BCJ2_JOB_ENUM_ALL_USERS, &jobs);
    if (BCJ2_SUCCEEDED(status)) {
        status = bcj2_job_enum_count(jobs, &total);
    }
    if (BCJ2_SUCCEEDED(status) && !make_room(roster, total)) {
        status = BCJ2_E_OUTOFMEMORY;
    }
    while (BCJ2_SUCCEEDED(status) && (status = bcj2_job_enum_next(jobs, &job)) == BCJ2_OK) {
        status = look_at(roster, job, visit, user);
    }
    (void)bcj2_job_enum_unref(jobs);
    if (BCJ2_SUCCEEDED(status) && !tidy(roster, roster->looked ? before : SIZE_MAX)) {
        status = BCJ2_E_OUTOFMEMORY;
    }
    if (BCJ2_FAILED(status)) {
        roster_free(roster);
        return status;
    }
    roster->looked = true;
    roster->seen = change;
    return BCJ2_OK;
}

const struct roster_job *roster_find(const struct roster *roster, const bcj2_guid *id)
{
    size_t place = roster->index == NULL ? 0 : *place_of(roster, id);
    return place == 0 ? NULL : &roster->jobs[place - 1];
}
