/* SPDX-License-Identifier: MIT */
/* <bcj2/manager.h>: managers and the enumerator of jobs. */
#include "api.h"
#include "guid.h"
#include "listener.h"
#include "mem.h"
#include "status.h"

#include <string.h>

#define OPTIONS_SIZE_0_1 sizeof(bcj2_manager_options)
#define INFO_SIZE_0_1    sizeof(bcj2_manager_info)

bcj2_status bcj2_manager_open(const char *directory, const bcj2_manager_options *options,
                              bcj2_manager **ret_manager)
{
    bcj2_manager_options o = BCJ2_MANAGER_OPTIONS_INIT;
    REQUIRE_OUT(ret_manager);
    if (options != NULL) {
        REQUIRE_SIZE(options, OPTIONS_SIZE_0_1);
        o.struct_size = (uint32_t)sizeof o;
        bcj2__api_copy_out(&o, options, MIN(options->struct_size, sizeof o));
    }
    bcj2_manager *manager = bcj2__mem_calloc(1, sizeof *manager);
    if (manager == NULL) {
        return bcj2__detail_no_memory();
    }
    bcj2_status s = bcj2__core_open(directory, &o, &manager->core);
    if (BCJ2_FAILED(s)) {
        bcj2__mem_free(manager);
        return s;
    }
    *ret_manager = manager;
    return BCJ2_OK;
}

bcj2_manager *bcj2_manager_close(bcj2_manager *manager)
{
    if (manager != NULL && bcj2__listener_inside(manager->core)) {
        (void)bcj2__detail(
            BCJ2_E_INVALIDARG,
            "a manager cannot be closed inside one of its callbacks, which closing waits for");
        return manager;
    }
    if (manager != NULL) {
        bcj2__core_close(manager->core);
        bcj2__mem_free(manager);
    }
    return NULL;
}

static bcj2_status get_info(struct core *core, bcj2_manager_info *ret)
{
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    bcj2_status s = bcj2__core_info(core, &info);
    if (BCJ2_SUCCEEDED(s)) {
        bcj2__api_copy_out(ret, &info, sizeof info);
    }
    return s;
}

bcj2_status bcj2_manager_get_info(bcj2_manager *manager, bcj2_manager_info *ret_info)
{
    REQUIRE(manager);
    REQUIRE(ret_info);
    REQUIRE_SIZE(ret_info, INFO_SIZE_0_1);
    FORWARD(manager, get_info(core_, ret_info));
}

bcj2_status bcj2_manager_get_directory(bcj2_manager *manager, char **ret_directory)
{
    REQUIRE(manager);
    REQUIRE_OUT(ret_directory);
    FORWARD(manager, bcj2__api_copy_text(core_->directory, ret_directory));
}

static bcj2_status manager_wait(struct core *core, uint64_t *change, int64_t timeout_ms)
{
    uint64_t deadline = timeout_ms < 0 ? UINT64_MAX : bcj2__os_now_ms() + (uint64_t)timeout_ms;
    /* it may have changed since the caller last looked: nobody would tell him of it later */
    const int64_t told = atomic_load(&core->runner_told);
    for (;;) {
        uint64_t now = 0, seen = bcj2__core_change_count(core);
        if (bcj2__core_was_interrupted(core)) {
            return bcj2__detail(BCJ2_E_ABORT, "the wait was interrupted");
        }
        bcj2_status s = bcj2__store_change(core->store, &now);
        const int64_t runner = atomic_load(&core->runner);
        bool same = now == *change && (runner == told || timeout_ms == 0);
        if (BCJ2_SUCCEEDED(s) && same) {
            s = bcj2__core_wait_change(core, seen, deadline);
            if (s == BCJ2_OK) {
                continue;
            }
        } else if (BCJ2_SUCCEEDED(s)) {
            *change = now;
            atomic_store(&core->runner_told, runner);
        }
        return s;
    }
}

bcj2_status bcj2_manager_wait(bcj2_manager *manager, uint64_t *change, int64_t timeout_ms)
{
    REQUIRE(manager);
    REQUIRE(change);
    FORWARD(manager, manager_wait(core_, change, timeout_ms));
}

bcj2_status bcj2_manager_interrupt(bcj2_manager *manager)
{
    REQUIRE(manager);
    FORWARD(manager, (bcj2__core_interrupt(core_), BCJ2_OK));
}

static int get_fd(struct core *core)
{
    int fd = -1;
    if (BCJ2_SUCCEEDED(bcj2__core_enter(core))) {
        fd = bcj2__listener_fd(core);
        bcj2__core_leave(core);
    }
    return fd;
}

int bcj2_manager_get_fd(bcj2_manager *manager)
{
    return manager != NULL ? get_fd(manager->core) : -1;
}

bcj2_status bcj2_manager_dispatch(bcj2_manager *manager)
{
    REQUIRE(manager);
    FORWARD(manager, bcj2__listener_dispatch(core_));
}

bcj2_status bcj2_manager_create_job(bcj2_manager *manager, const char *display_name,
                                    bcj2_job_type type, bcj2_guid *ret_id, bcj2_job **ret_job)
{
    REQUIRE(manager);
    REQUIRE(display_name);
    REQUIRE(ret_id);
    REQUIRE_OUT(ret_job);
    FORWARD(manager, bcj2__job_create(core_, display_name, type, ret_id, ret_job));
}

bcj2_status bcj2_manager_get_job(bcj2_manager *manager, const bcj2_guid *id, bcj2_job **ret_job)
{
    REQUIRE(manager);
    REQUIRE(id);
    REQUIRE_OUT(ret_job);
    FORWARD(manager, bcj2__job_find(core_, id, ret_job));
}

bcj2_status bcj2_manager_get_error_description(bcj2_manager *manager, bcj2_status status,
                                               char **ret_text)
{
    REQUIRE(manager);
    REQUIRE_OUT(ret_text);
    FORWARD(manager, bcj2__api_copy_text(bcj2__status_text(status), ret_text));
}

/* ---- the enumerator ---- */

struct bcj2_job_enum {
    struct core *core;
    int64_t *seqs; /* never given to another job */
    uint32_t count, position;
};

/* Takes seqs. */
static bcj2_status new_enum(struct core *core, int64_t *seqs, uint32_t count, uint32_t position,
                            bcj2_job_enum **ret)
{
    bcj2_job_enum *jobs = bcj2__mem_calloc(1, sizeof *jobs);
    if (jobs == NULL) {
        bcj2__mem_free(seqs);
        return bcj2__detail_no_memory();
    }
    *jobs = (bcj2_job_enum){
        .core = bcj2__core_ref(core), .seqs = seqs, .count = count, .position = position};
    *ret = jobs;
    return BCJ2_OK;
}

static bcj2_status enum_jobs(struct core *core, uint32_t flags, bcj2_job_enum **ret)
{
    int64_t *seqs = NULL;
    uint32_t count = 0;
    if ((flags & ~BCJ2_JOB_ENUM_ALL_USERS) != 0) {
        return bcj2__detail(BCJ2_E_NOTIMPL, "unknown flags 0x%x", (unsigned)flags);
    }
    uint32_t owner = (flags & BCJ2_JOB_ENUM_ALL_USERS) != 0 ? UINT32_MAX : core->uid;
    bcj2_status s = bcj2__store_job_seqs(core->store, owner, &seqs, &count);
    return BCJ2_SUCCEEDED(s) ? new_enum(core, seqs, count, 0, ret) : s;
}

bcj2_status bcj2_manager_enum_jobs(bcj2_manager *manager, uint32_t flags, bcj2_job_enum **ret_jobs)
{
    REQUIRE(manager);
    REQUIRE_OUT(ret_jobs);
    FORWARD(manager, enum_jobs(core_, flags, ret_jobs));
}

static bcj2_status enum_changed(struct core *core, uint64_t since, bcj2_job_enum **ret)
{
    int64_t *seqs = NULL;
    uint32_t count = 0;
    bcj2_status s = bcj2__store_changed_since(core->store, since, &seqs, &count);
    return BCJ2_SUCCEEDED(s) ? new_enum(core, seqs, count, 0, ret) : s;
}

bcj2_status bcj2_manager_enum_changed(bcj2_manager *manager, uint64_t since,
                                      bcj2_job_enum **ret_jobs)
{
    REQUIRE(manager);
    REQUIRE_OUT(ret_jobs);
    FORWARD(manager, enum_changed(core_, since, ret_jobs));
}

/* Jobs that left the queue meanwhile are still given; one whose row is purged is passed over. */
static bcj2_status enum_next(bcj2_job_enum *jobs, bcj2_job **ret)
{
    while (jobs->position < jobs->count) {
        bcj2_guid id;
        int64_t seq = jobs->seqs[jobs->position];
        bcj2_status s = bcj2__store_job_id(jobs->core->store, seq, &id);
        if (BCJ2_SUCCEEDED(s)) {
            s = bcj2__job_handle(jobs->core, seq, &id, ret);
        }
        if (BCJ2_SUCCEEDED(s) || s == BCJ2_E_NOT_FOUND) {
            jobs->position++;
        }
        if (s != BCJ2_E_NOT_FOUND) {
            return s;
        }
    }
    *ret = NULL;
    return BCJ2_S_FALSE;
}

bcj2_status bcj2_job_enum_next(bcj2_job_enum *jobs, bcj2_job **ret_job)
{
    REQUIRE(jobs);
    REQUIRE_OUT(ret_job);
    FORWARD(jobs, enum_next(jobs, ret_job));
}

bcj2_status bcj2_job_enum_reset(bcj2_job_enum *jobs)
{
    REQUIRE(jobs);
    FORWARD(jobs, (jobs->position = 0, BCJ2_OK));
}

static bcj2_status skip(uint32_t *position, uint32_t count, uint32_t n)
{
    bool enough = n <= count - *position;
    *position = enough ? *position + n : count;
    return enough ? BCJ2_OK : BCJ2_S_FALSE;
}

bcj2_status bcj2_job_enum_skip(bcj2_job_enum *jobs, uint32_t n)
{
    REQUIRE(jobs);
    FORWARD(jobs, skip(&jobs->position, jobs->count, n));
}

static bcj2_status clone(const bcj2_job_enum *jobs, bcj2_job_enum **ret)
{
    int64_t *seqs = bcj2__mem_calloc(jobs->count, sizeof *seqs);
    if (seqs == NULL) {
        return bcj2__detail_no_memory();
    }
    if (jobs->count > 0) {
        memcpy(seqs, jobs->seqs, jobs->count * sizeof *seqs);
    }
    return new_enum(jobs->core, seqs, jobs->count, jobs->position, ret);
}

bcj2_status bcj2_job_enum_clone(bcj2_job_enum *jobs, bcj2_job_enum **ret_jobs)
{
    REQUIRE(jobs);
    REQUIRE_OUT(ret_jobs);
    FORWARD(jobs, clone(jobs, ret_jobs));
}

bcj2_status bcj2_job_enum_count(bcj2_job_enum *jobs, uint32_t *ret_count)
{
    REQUIRE(jobs);
    REQUIRE(ret_count);
    FORWARD(jobs, (*ret_count = jobs->count, BCJ2_OK));
}

bcj2_job_enum *bcj2_job_enum_unref(bcj2_job_enum *jobs)
{
    if (jobs != NULL) {
        (void)bcj2__core_unref(jobs->core);
        bcj2__mem_free(jobs->seqs);
        bcj2__mem_free(jobs);
    }
    return NULL;
}
