/* SPDX-License-Identifier: MIT */
/* <bcj2/notify.h>. */
#include "api.h"
#include "listener.h"
#include "mem.h"
#include "store_event.h"

#define EVENT_SIZE_0_1            sizeof(bcj2_event)
#define NOTIFY_CALLBACKS_SIZE_0_1 sizeof(bcj2_notify_callbacks)

bcj2_status bcj2_set_notify_flags(bcj2_job *job, bcj2_notify_flags flags)
{
    REQUIRE(job);
    FORWARD(job, bcj2__job_set_notify_flags(job, flags));
}

static bcj2_status get_flags(bcj2_job *job, bcj2_notify_flags *ret)
{
    struct store_job row = {0};
    bcj2_status s = bcj2__job_load(job, &row);
    if (BCJ2_SUCCEEDED(s)) {
        *ret = row.notify_flags;
    }
    bcj2__store_job_done(&row);
    return s;
}

bcj2_status bcj2_get_notify_flags(bcj2_job *job, bcj2_notify_flags *ret_flags)
{
    REQUIRE(job);
    REQUIRE(ret_flags);
    FORWARD(job, get_flags(job, ret_flags));
}

static bcj2_status set_callbacks(bcj2_job *job, const bcj2_notify_callbacks *given)
{
    bcj2_notify_callbacks callbacks = BCJ2_NOTIFY_CALLBACKS_INIT;
    if (given == NULL) {
        return bcj2__listener_set(job, NULL);
    }
    bcj2__api_copy_out(&callbacks, given, MIN(given->struct_size, sizeof callbacks));
    return bcj2__listener_set(job, &callbacks);
}

bcj2_status bcj2_set_notify_callbacks(bcj2_job *job, const bcj2_notify_callbacks *callbacks)
{
    REQUIRE(job);
    if (callbacks != NULL) {
        REQUIRE_SIZE(callbacks, NOTIFY_CALLBACKS_SIZE_0_1);
    }
    FORWARD(job, set_callbacks(job, callbacks));
}

static bcj2_status get_callbacks(bcj2_job *job, bcj2_notify_callbacks *ret)
{
    bcj2_notify_callbacks callbacks = BCJ2_NOTIFY_CALLBACKS_INIT;
    bcj2_status s = bcj2__listener_get(job, &callbacks);
    if (BCJ2_SUCCEEDED(s)) {
        bcj2__api_copy_out(ret, &callbacks, sizeof callbacks);
    }
    return s;
}

bcj2_status bcj2_get_notify_callbacks(bcj2_job *job, bcj2_notify_callbacks *ret_callbacks)
{
    REQUIRE(job);
    REQUIRE(ret_callbacks);
    REQUIRE_SIZE(ret_callbacks, NOTIFY_CALLBACKS_SIZE_0_1);
    FORWARD(job, get_callbacks(job, ret_callbacks));
}

bcj2_status bcj2_set_notify_cmdline(bcj2_job *job, const char *program, const char *parameters)
{
    REQUIRE(job);
    FORWARD(job, bcj2__job_set_notify_cmdline(job, program, parameters));
}

static bcj2_status get_cmdline(bcj2_job *job, char **ret_program, char **ret_parameters)
{
    struct store_job row = {0};
    bcj2_status s = bcj2__job_load(job, &row);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__api_copy_text(row.notify_program != NULL ? row.notify_program : "", ret_program);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__api_copy_text(row.notify_parameters != NULL ? row.notify_parameters : "",
                                ret_parameters);
    }
    if (BCJ2_FAILED(s)) {
        bcj2__mem_free(*ret_program);
        *ret_program = NULL;
    }
    bcj2__store_job_done(&row);
    return s;
}

bcj2_status bcj2_get_notify_cmdline(bcj2_job *job, char **ret_program, char **ret_parameters)
{
    REQUIRE(job);
    REQUIRE_OUT(ret_program);
    REQUIRE_OUT(ret_parameters);
    FORWARD(job, get_cmdline(job, ret_program, ret_parameters));
}

static bcj2_status get_event(struct core *core, uint64_t after, bcj2_event *ret)
{
    struct store_event row;
    bcj2_event event = BCJ2_EVENT_INIT;
    int64_t after_seq = after > INT64_MAX ? INT64_MAX : (int64_t)after;
    bcj2__store_lock(core->store); /* the event and its job are of one moment */
    bcj2_status s = bcj2__store_next_event(core->store, after_seq, &row);
    if (s == BCJ2_OK) {
        s = bcj2__store_job_id(core->store, row.job_seq, &event.job);
    }
    bcj2__store_unlock(core->store);
    if (s == BCJ2_OK) {
        event.kind = row.kind;
        event.number = (uint64_t)row.seq;
        event.time = row.time;
        event.file_index = row.file_index;
        event.result = row.result;
        event.attempts = row.attempts;
        bcj2__api_copy_out(ret, &event, sizeof event);
    }
    return s;
}

bcj2_status bcj2_manager_get_event(bcj2_manager *manager, uint64_t after, bcj2_event *ret_event)
{
    REQUIRE(manager);
    REQUIRE(ret_event);
    REQUIRE_SIZE(ret_event, EVENT_SIZE_0_1);
    FORWARD(manager, get_event(core_, after, ret_event));
}
