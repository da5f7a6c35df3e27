/* SPDX-License-Identifier: MIT */
/* See job_change.h. */
#include "job_change.h"
#include "detail.h"
#include "status.h"

static bcj2_status begin(struct core *c, int64_t seq, struct change *ret)
{
    *ret = (struct change){.core = c};
    bcj2_status s = bcj2__store_begin(c->store, true);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = bcj2__job_load_row(c, seq, &ret->row);
    ret->from = ret->row.state;
    if (BCJ2_FAILED(s)) {
        bcj2__store_rollback(c->store);
    }
    return s;
}

bcj2_status bcj2__change_begin(bcj2_job *job, struct change *ret)
{
    return begin(job->core, job->seq, ret);
}

bcj2_status bcj2__change_begin_file(const bcj2_file *file, struct change *ret)
{
    return begin(file->core, file->seq, ret);
}

bcj2_status bcj2__change_not_final(const struct change *change)
{
    bcj2_job_state state = change->row.state;
    if (state == BCJ2_JOB_STATE_ACKNOWLEDGED || state == BCJ2_JOB_STATE_CANCELLED) {
        return bcj2__detail(BCJ2_E_INVALID_STATE, "the job is %s: nothing can be changed any more",
                            bcj2__status_state_name(state));
    }
    return BCJ2_OK;
}

bcj2_status bcj2__change_begin_set(bcj2_job *job, struct change *ret)
{
    bcj2_status s = bcj2__change_begin(job, ret);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = bcj2__change_not_final(ret);
    return BCJ2_FAILED(s) ? bcj2__change_end(ret, s) : s;
}

bcj2_status bcj2__change_end(struct change *change, bcj2_status s)
{
    s = bcj2__store_end(change->core->store, true, s);
    bool idle = change->from == BCJ2_JOB_STATE_SUSPENDED && change->row.state == change->from;
    bcj2__store_job_done(&change->row);
    if (BCJ2_SUCCEEDED(s) && idle) {
        bcj2__core_changed_idly(change->core);
    } else if (BCJ2_SUCCEEDED(s)) {
        bcj2__core_changed(change->core);
    }
    return s;
}
