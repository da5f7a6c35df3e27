/* SPDX-License-Identifier: MIT */
/* See jobfsm.h. */
#include "jobfsm.h"
#include "detail.h"
#include "macro.h"
#include "status.h"

#include <stddef.h>
#include <stdint.h>

/* Cells: the next state plus one, so that what a row does not name is refused. */
#define TO(state)    ((int8_t)((state) + 1))
#define REFUSED      0
#define NO_FILE      (-1)

#define QUEUED       BCJ2_JOB_STATE_QUEUED
#define CONNECTING   BCJ2_JOB_STATE_CONNECTING
#define TRANSFERRING BCJ2_JOB_STATE_TRANSFERRING
#define SUSPENDED    BCJ2_JOB_STATE_SUSPENDED
#define ERROR        BCJ2_JOB_STATE_ERROR
#define TRANSIENT    BCJ2_JOB_STATE_TRANSIENT_ERROR
#define TRANSFERRED  BCJ2_JOB_STATE_TRANSFERRED
#define ACKNOWLEDGED BCJ2_JOB_STATE_ACKNOWLEDGED
#define CANCELLED    BCJ2_JOB_STATE_CANCELLED
#define STATE_COUNT  9

/* Final states have no row but for RESTART: they are never left. */
static const int8_t table[][JOB_EVENT_COUNT] = {
    [QUEUED] =
        {
            [JOB_EV_SUSPEND] = TO(SUSPENDED),
            [JOB_EV_RESUME] = TO(QUEUED),
            [JOB_EV_RESUME_EMPTY] = TO(QUEUED),
            [JOB_EV_CANCEL] = TO(CANCELLED),
            [JOB_EV_START] = TO(CONNECTING),
            [JOB_EV_TRANSIENT] = TO(TRANSIENT), /* the network went away (T14) */
            [JOB_EV_GIVE_UP] = TO(ERROR),       /* the same, with a no-progress time-out of 0 */
            [JOB_EV_RESTART] = TO(QUEUED),
        },
    [CONNECTING] =
        {
            [JOB_EV_SUSPEND] = TO(SUSPENDED),
            [JOB_EV_RESUME] = TO(CONNECTING),
            [JOB_EV_RESUME_EMPTY] = TO(CONNECTING),
            [JOB_EV_CANCEL] = TO(CANCELLED),
            [JOB_EV_CONNECTED] = TO(TRANSFERRING),
            [JOB_EV_YIELD] = TO(QUEUED),
            [JOB_EV_TRANSIENT] = TO(TRANSIENT),
            [JOB_EV_FATAL] = TO(ERROR),
            [JOB_EV_GIVE_UP] = TO(ERROR),
            [JOB_EV_DONE] = TO(TRANSFERRED), /* all was there when the run began */
            [JOB_EV_RESTART] = TO(QUEUED),
        },
    [TRANSFERRING] =
        {
            [JOB_EV_SUSPEND] = TO(SUSPENDED),
            [JOB_EV_RESUME] = TO(TRANSFERRING),
            [JOB_EV_RESUME_EMPTY] = TO(TRANSFERRING),
            [JOB_EV_CANCEL] = TO(CANCELLED),
            [JOB_EV_CONNECTED] = TO(TRANSFERRING),
            [JOB_EV_YIELD] = TO(QUEUED),
            [JOB_EV_TRANSIENT] = TO(TRANSIENT),
            [JOB_EV_FATAL] = TO(ERROR),
            [JOB_EV_GIVE_UP] = TO(ERROR),
            [JOB_EV_DONE] = TO(TRANSFERRED),
            [JOB_EV_RESTART] = TO(QUEUED),
        },
    [SUSPENDED] =
        {
            [JOB_EV_SUSPEND] = TO(SUSPENDED),
            [JOB_EV_RESUME] = TO(QUEUED),
            [JOB_EV_RESUME_EMPTY] = NO_FILE,
            [JOB_EV_CANCEL] = TO(CANCELLED),
            [JOB_EV_RESTART] = TO(SUSPENDED),
        },
    [ERROR] =
        {
            [JOB_EV_SUSPEND] = TO(ERROR),
            [JOB_EV_RESUME] = TO(QUEUED),
            [JOB_EV_RESUME_EMPTY] = NO_FILE,
            [JOB_EV_CANCEL] = TO(CANCELLED),
            [JOB_EV_RESTART] = TO(ERROR),
        },
    [TRANSIENT] =
        {
            [JOB_EV_SUSPEND] = TO(SUSPENDED),
            [JOB_EV_RESUME] = TO(QUEUED),
            [JOB_EV_RESUME_EMPTY] = NO_FILE,
            [JOB_EV_CANCEL] = TO(CANCELLED),
            [JOB_EV_RETRY] = TO(QUEUED),
            [JOB_EV_GIVE_UP] = TO(ERROR),
            [JOB_EV_RESTART] = TO(TRANSIENT),
        },
    [TRANSFERRED] =
        {
            [JOB_EV_SUSPEND] = TO(TRANSFERRED),
            [JOB_EV_RESUME] = TO(QUEUED), /* files were added since (T17) */
            [JOB_EV_RESUME_EMPTY] = NO_FILE,
            [JOB_EV_CANCEL] = TO(CANCELLED),
            [JOB_EV_COMPLETE] = TO(ACKNOWLEDGED),
            [JOB_EV_RESTART] = TO(TRANSFERRED),
        },
    [ACKNOWLEDGED] = {[JOB_EV_RESTART] = TO(ACKNOWLEDGED)},
    [CANCELLED] = {[JOB_EV_RESTART] = TO(CANCELLED)},
};
_Static_assert(ARRAY_LEN(table) == STATE_COUNT, "a row for each state");

static const char *const event_names[] = {
    [JOB_EV_SUSPEND] = "suspend",     [JOB_EV_RESUME] = "resume",
    [JOB_EV_RESUME_EMPTY] = "resume", [JOB_EV_CANCEL] = "cancel",
    [JOB_EV_COMPLETE] = "complete",   [JOB_EV_NOT_PLACED] = "failed complete",
    [JOB_EV_START] = "start",         [JOB_EV_CONNECTED] = "connected",
    [JOB_EV_YIELD] = "yield",         [JOB_EV_TRANSIENT] = "transient error",
    [JOB_EV_FATAL] = "fatal error",   [JOB_EV_RETRY] = "retry",
    [JOB_EV_GIVE_UP] = "give up",     [JOB_EV_DONE] = "done",
    [JOB_EV_RESTART] = "restart",
};
_Static_assert(ARRAY_LEN(event_names) == JOB_EVENT_COUNT, "a name for each event");

const char *bcj2__jobfsm_event_name(enum job_event event)
{
    return (size_t)event < JOB_EVENT_COUNT ? event_names[event] : "?";
}

bcj2_status bcj2__jobfsm_step(bcj2_job_type type, bcj2_job_state state, enum job_event event,
                              bcj2_job_state *ret_state)
{
    int8_t cell = REFUSED;
    if (state >= 0 && state < STATE_COUNT && (size_t)event < JOB_EVENT_COUNT) {
        cell = table[state][event];
    }
    /* a download may be completed with what it has (1.1, T18, T19) */
    if (type == BCJ2_JOB_TYPE_DOWNLOAD && state >= QUEUED && state <= TRANSFERRED) {
        cell = event == JOB_EV_COMPLETE     ? TO(ACKNOWLEDGED)
               : event == JOB_EV_NOT_PLACED ? TO(TRANSFERRED)
                                            : cell;
    }
    if (cell == NO_FILE) {
        return bcj2__detail(BCJ2_E_EMPTY, "the job has no file to transfer");
    }
    if (cell == REFUSED) {
        return bcj2__detail(BCJ2_E_INVALID_STATE, "%s is not possible: the job is %s",
                            bcj2__jobfsm_event_name(event), bcj2__status_state_name(state));
    }
    *ret_state = (bcj2_job_state)(cell - 1);
    return BCJ2_OK;
}
