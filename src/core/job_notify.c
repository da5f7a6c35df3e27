/* SPDX-License-Identifier: MIT */
/* The calls that say what is told of a job, and to which program. See job.h. Callbacks: listener.h; the
   events themselves: notify_store.h. */
#include "job_change.h"
#include "detail.h"
#include "job_check.h"
#include "limit.h"
#include "notify_store.h"

#include <bcj2/notify.h>

#define ALL_FLAGS 0x3Fu

bcj2_status bcj2__job_set_notify_flags(bcj2_job *job, uint32_t flags)
{
    struct change change;
    if ((flags & ~ALL_FLAGS) != 0) {
        return bcj2__detail(BCJ2_E_NOTIMPL, "notify flags 0x%x: there are none above 0x%x",
                            (unsigned)flags, ALL_FLAGS);
    }
    bcj2_status s = bcj2__change_begin_set(job, &change);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = bcj2__store_set_notify_flags(job->core->store, job->seq, flags, bcj2__os_wall());
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__notify_channels_changed(job->core, job->seq);
    }
    return bcj2__change_end(&change, s);
}

static bcj2_status check_cmdline(const char *program, const char *parameters)
{
    if (program == NULL && parameters != NULL) {
        return bcj2__detail(BCJ2_E_INVALIDARG, "there are parameters, but no program");
    }
    bcj2_status s = program == NULL
                        ? BCJ2_OK
                        : bcj2__check_text(program, "program's path", LIMIT_NOTIFY_PROGRAM_UNITS,
                                           BCJ2_E_STRING_TOO_LONG);
    if (BCJ2_SUCCEEDED(s) && parameters != NULL) {
        s = bcj2__check_text(parameters, "command line", LIMIT_NOTIFY_PARAMETERS_UNITS,
                             BCJ2_E_STRING_TOO_LONG);
    }
    return s;
}

bcj2_status bcj2__job_set_notify_cmdline(bcj2_job *job, const char *program, const char *parameters)
{
    struct change change;
    bcj2_status s = check_cmdline(program, parameters);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__change_begin_set(job, &change);
    }
    if (BCJ2_FAILED(s)) {
        return s;
    }
    s = bcj2__store_set_notify_command(job->core->store, job->seq, program, parameters,
                                       bcj2__os_wall());
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__notify_channels_changed(job->core, job->seq);
    }
    return bcj2__change_end(&change, s);
}
