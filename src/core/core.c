/* SPDX-License-Identifier: MIT */
/* Opening and closing a queue, and the accounting of calls. See core.h. Any number of
   processes may have a queue open; which of them moves the bytes is the link's affair (link.h). */
#include "core.h"
#include "detail.h"
#include "engine.h"
#include "hosts.h"
#include "job_state.h"
#include "limit.h"
#include "listener.h"
#include "mem.h"
#include "notify_files.h"
#include "settle.h"
#include "store_event.h"
#include "str.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The directory to use: as given, or the default of this system and user. mem_free. */
static bcj2_status choose_directory(const char *given, char **ret)
{
    const char *value = given != NULL ? given : bcj2__os_env("BCJ2_QUEUE");
    if (value != NULL) {
        if (value[0] == '\0' || strlen(value) > LIMIT_PATH_BYTES || !bcj2__str_utf8(value, NULL)) {
            return bcj2__detail(BCJ2_E_INVALIDARG,
                                "the queue directory must be a UTF-8 path of 1 to %d bytes",
                                LIMIT_PATH_BYTES);
        }
        *ret = bcj2__mem_strdup(value);
        return *ret == NULL ? bcj2__detail_no_memory() : BCJ2_OK;
    }
    *ret = bcj2__os_default_queue();
    return *ret == NULL
               ? bcj2__detail(BCJ2_E_INVALIDARG,
                              "no queue directory: none was given and this user has no home")
               : BCJ2_OK;
}

static bcj2_status check_options(const bcj2_manager_options *o)
{
    if ((o->flags & ~(BCJ2_MANAGER_CONTROL_ONLY | BCJ2_MANAGER_DISPATCH)) != 0) {
        return bcj2__detail(BCJ2_E_INVALIDARG, "unknown manager flags 0x%x", (unsigned)o->flags);
    }
    if (o->background_slots > LIMIT_SLOTS || o->foreground_slots > LIMIT_SLOTS) {
        return bcj2__detail(BCJ2_E_INVALIDARG, "at most %d slots, %u and %u were asked for",
                            LIMIT_SLOTS, (unsigned)o->background_slots,
                            (unsigned)o->foreground_slots);
    }
    return BCJ2_OK;
}

static void free_core(struct core *c)
{
    bcj2__mem_free(c->directory);
    (void)bcj2__hosts_destroy(c->hosts);
    (void)bcj2__os_cond_destroy(c->changed);
    (void)bcj2__os_mutex_destroy(c->lock);
    (void)bcj2__os_mutex_destroy(c->settle);
    bcj2__mem_free(c);
}

struct core *bcj2__core_ref(struct core *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void *bcj2__core_unref(struct core *c)
{
    if (c != NULL && atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1) {
        free_core(c);
    }
    return NULL;
}

static char *settle_lock_path(const struct core *c)
{
    return bcj2__mem_printf("%s/settle.lock", c->directory);
}

static bcj2_status open_settle_lock(struct core *c)
{
    CLEANUP_FREE char *path = settle_lock_path(c);
    return path == NULL ? bcj2__detail_no_memory() : bcj2__os_lock_open_own(path, &c->settle_fd);
}

static void close_settle_lock(struct core *c)
{
    (void)bcj2__os_close_own(c->settle_fd);
    c->settle_fd = -1;
}

/* If somebody removed the file, a lock on it keeps out nobody who opened the queue later. */
static bcj2_status lock_settle_lock(struct core *c, const char *path)
{
    for (;;) {
        bool named = false;
        bcj2_status s = c->settle_fd >= 0 ? BCJ2_OK : bcj2__os_lock_open_own(path, &c->settle_fd);
        if (BCJ2_SUCCEEDED(s)) {
            s = bcj2__os_lock(c->settle_fd, OS_LOCK_EXCLUSIVE, true);
        }
        if (BCJ2_SUCCEEDED(s)) {
            s = bcj2__os_has_name(c->settle_fd, path, &named);
        }
        /* in a queue that is gone there is nobody to be kept out; what follows says so */
        if (BCJ2_SUCCEEDED(s) && (named || BCJ2_FAILED(bcj2__store_present(c->store)))) {
            return BCJ2_OK;
        }
        close_settle_lock(c); /* and unlocks it */
        if (BCJ2_FAILED(s)) {
            return s;
        }
    }
}

bcj2_status bcj2__core_settle_begin(struct core *c)
{
    CLEANUP_FREE char *path = settle_lock_path(c);
    if (path == NULL) {
        return bcj2__detail_no_memory();
    }
    bcj2__os_mutex_lock(c->settle);
    bcj2_status s = lock_settle_lock(c, path);
    if (BCJ2_FAILED(s)) {
        bcj2__os_mutex_unlock(c->settle);
    }
    return s;
}

void bcj2__core_settle_end(struct core *c)
{
    bcj2__os_unlock(c->settle_fd);
    bcj2__os_mutex_unlock(c->settle);
}

/* Whether it may be a queue is the store's to say, before anything is made in it. */
static bcj2_status prepare_directory(struct core *c, const char *directory)
{
    bcj2_status s = bcj2__os_mkdirs(directory);
    return BCJ2_SUCCEEDED(s) ? bcj2__os_real_path(directory, &c->directory) : s;
}

static bcj2_status fill_core(struct core *c, const bcj2_manager_options *o)
{
    c->fork_generation = bcj2__os_fork_generation();
    c->uid = bcj2__os_uid();
    c->control_only = (o->flags & BCJ2_MANAGER_CONTROL_ONLY) != 0;
    c->background_slots =
        o->background_slots == 0 ? LIMIT_DEFAULT_BACKGROUND_SLOTS : o->background_slots;
    c->foreground_slots =
        o->foreground_slots == 0 ? LIMIT_DEFAULT_FOREGROUND_SLOTS : o->foreground_slots;
    c->max_jobs = o->max_jobs;
    c->max_jobs_per_user = o->max_jobs_per_user;
    c->max_files_per_job = o->max_files_per_job;
    c->max_ranges_per_file = o->max_ranges_per_file;
    c->inactivity_s =
        o->job_inactivity_timeout == 0 ? LIMIT_INACTIVITY_DEFAULT_S : o->job_inactivity_timeout;
    c->log = (struct log){.callback = o->log, .user = o->log_user};
    c->lock = bcj2__os_mutex_create();
    c->settle = bcj2__os_mutex_create();
    c->changed = bcj2__os_cond_create();
    c->hosts = bcj2__hosts_create();
    bool whole = c->lock != NULL && c->settle != NULL && c->changed != NULL && c->hosts != NULL;
    return whole ? bcj2__listener_create(c, (o->flags & BCJ2_MANAGER_DISPATCH) != 0, &c->listener)
                 : bcj2__detail_no_memory();
}

/* The runner sees to it that what the last one left running is queued again before anybody looks. */
static bcj2_status begin(struct core *c)
{
    bcj2_status s = BCJ2_OK;
    struct engine *engine = NULL;
    (void)bcj2__core_note_runner(c);
    atomic_store(&c->runner_told, atomic_load(&c->runner));
    if (bcj2__link_role(c->link) == LINK_RUNNER) {
        s = bcj2__job_state_restart(c, true);
        bcj2__settle_leftovers(c);
        bcj2__listener_bury_all(c);
        bcj2__notify_files_sweep(c);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__engine_start(c, &engine);
    }
    bcj2__os_mutex_lock(c->lock); /* its thread runs already, and may find the queue gone */
    c->engine = engine;
    bcj2__os_mutex_unlock(c->lock);
    return s;
}

bcj2_status bcj2__core_open(const char *directory, const bcj2_manager_options *options,
                            struct core **ret)
{
    CLEANUP_FREE char *chosen = NULL;
    bcj2_status s = check_options(options);
    if (BCJ2_SUCCEEDED(s)) {
        s = choose_directory(directory, &chosen);
    }
    if (BCJ2_FAILED(s)) {
        return s;
    }
    struct core *c = bcj2__mem_calloc(1, sizeof *c);
    if (c == NULL) {
        return bcj2__detail_no_memory();
    }
    atomic_init(&c->refs, 1);
    atomic_init(&c->runner, 0);
    atomic_init(&c->runner_told, 0);
    c->settle_fd = -1;
    s = fill_core(c, options);
    if (BCJ2_SUCCEEDED(s)) {
        s = prepare_directory(c, chosen);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_open(c->directory, &c->log, &c->store);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = open_settle_lock(c);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__link_open(c->directory, c->control_only, &c->log, &c->link);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = begin(c);
    }
    if (BCJ2_FAILED(s)) {
        c->link = bcj2__link_close(c->link);
        c->store = bcj2__store_close(c->store);
        close_settle_lock(c);
        c->listener = bcj2__listener_destroy(c->listener);
        (void)bcj2__core_unref(c);
        return s;
    }
    *ret = c;
    return BCJ2_OK;
}

void bcj2__core_close(struct core *c)
{
    if (c->fork_generation != bcj2__os_fork_generation()) {
        /* A forked child: locks may be held by threads that do not exist here, the descriptors of the
           locks are closed already. The memory is all that may be let go of, and only what is ours. */
        return;
    }
    bcj2__os_mutex_lock(c->lock);
    c->waits_end = true; /* a callback may wait */
    bcj2__os_cond_broadcast(c->changed);
    bcj2__os_mutex_unlock(c->lock);
    bcj2__listener_stop(c->listener);
    bcj2__os_mutex_lock(c->lock);
    c->closing = true;
    while (c->calls > 0) {
        bcj2__os_cond_wait(c->changed, c->lock);
    }
    bcj2__os_mutex_unlock(c->lock);
    bcj2__listener_leave(c->listener);
    bcj2__os_mutex_lock(c->lock);
    struct engine *engine = c->engine;
    c->engine = NULL;
    bcj2__os_mutex_unlock(c->lock);
    bcj2__engine_stop(engine);
    c->listener = bcj2__listener_destroy(c->listener);
    c->link = bcj2__link_close(c->link);
    c->store = bcj2__store_close(c->store);
    close_settle_lock(c);
    (void)bcj2__core_unref(c);
}

bcj2_status bcj2__core_enter(struct core *c)
{
    if (c->fork_generation != bcj2__os_fork_generation()) {
        return bcj2__detail(BCJ2_E_CLOSED,
                            "this process is a fork of the one that opened the queue");
    }
    bcj2__os_mutex_lock(c->lock);
    bool closing = c->closing;
    c->calls += closing ? 0 : 1;
    bcj2__os_mutex_unlock(c->lock);
    return closing ? bcj2__detail(BCJ2_E_CLOSED, "the manager is closed") : BCJ2_OK;
}

void bcj2__core_leave(struct core *c)
{
    if (bcj2__store_vanished(c->store)) {
        bcj2__core_gone(c);
    }
    bcj2__os_mutex_lock(c->lock);
    c->calls--;
    if (c->closing && c->calls == 0) {
        bcj2__os_cond_broadcast(c->changed);
    }
    bcj2__os_mutex_unlock(c->lock);
}

void bcj2__core_tell(struct core *c)
{
    bcj2__os_mutex_lock(c->lock);
    c->change_count++;
    bcj2__os_cond_broadcast(c->changed);
    bcj2__os_mutex_unlock(c->lock);
}

static void tell_engine(struct core *c, void (*tell)(struct engine *e))
{
    bcj2__core_tell(c);
    bcj2__os_mutex_lock(c->lock);
    if (c->engine != NULL) {
        tell(c->engine);
    }
    bcj2__os_mutex_unlock(c->lock);
}

void bcj2__core_changed(struct core *c)
{
    tell_engine(c, bcj2__engine_wake);
}

void bcj2__core_changed_idly(struct core *c)
{
    tell_engine(c, bcj2__engine_ring);
}

void bcj2__core_poke(struct core *c)
{
    bcj2__os_mutex_lock(c->lock);
    if (c->engine != NULL) {
        bcj2__engine_poke(c->engine);
    }
    bcj2__os_mutex_unlock(c->lock);
}

void bcj2__core_gone(struct core *c)
{
    if (!atomic_exchange(&c->gone, true)) {
        bcj2__log(&c->log, LOG_ERROR,
                  "the queue in %s was removed, moved or replaced: nothing runs in it any more",
                  c->directory);
        bcj2__core_changed(c);
    }
}

uint64_t bcj2__core_change_count(struct core *c)
{
    bcj2__os_mutex_lock(c->lock);
    uint64_t count = c->change_count;
    bcj2__os_mutex_unlock(c->lock);
    return count;
}

void bcj2__core_interrupt(struct core *c)
{
    bcj2__os_mutex_lock(c->lock);
    c->interrupted = true;
    c->change_count++;
    bcj2__os_cond_broadcast(c->changed);
    bcj2__os_mutex_unlock(c->lock);
}

bool bcj2__core_was_interrupted(struct core *c)
{
    bcj2__os_mutex_lock(c->lock);
    bool was = c->interrupted;
    c->interrupted = false;
    bcj2__os_mutex_unlock(c->lock);
    return was;
}

bcj2_status bcj2__core_wait_change(struct core *c, uint64_t seen, uint64_t deadline_ms)
{
    bcj2_status s = bcj2__store_present(c->store);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    bcj2__os_mutex_lock(c->lock);
    while (c->change_count == seen && !c->waits_end && !atomic_load(&c->gone) && s == BCJ2_OK) {
        if (deadline_ms == UINT64_MAX) {
            bcj2__os_cond_wait(c->changed, c->lock);
        } else if (!bcj2__os_cond_wait_until(c->changed, c->lock, deadline_ms)) {
            s = BCJ2_S_FALSE;
        }
    }
    bool closing = c->waits_end;
    if (closing) {
        s = bcj2__detail(BCJ2_E_CLOSED, "the manager was closed while this call waited");
    }
    bcj2__os_mutex_unlock(c->lock);
    return atomic_load(&c->gone) && !closing ? bcj2__store_present(c->store) : s;
}

bool bcj2__core_note_runner(struct core *c)
{
    int64_t pid = bcj2__link_runner_pid(c->link);
    int64_t runner = bcj2__link_role(c->link) == LINK_RUNNER ? -pid : pid;
    return atomic_exchange(&c->runner, runner) != runner;
}

bcj2_status bcj2__core_info(struct core *c, bcj2_manager_info *ret)
{
    const uint32_t to_move = 1u << BCJ2_JOB_STATE_QUEUED | 1u << BCJ2_JOB_STATE_CONNECTING |
                             1u << BCJ2_JOB_STATE_TRANSFERRING |
                             1u << BCJ2_JOB_STATE_TRANSIENT_ERROR;
    int64_t runner = atomic_load(&c->runner);
    atomic_store(&c->runner_told, runner);
    ret->is_runner = runner < 0;
    ret->runner_pid = runner < 0 ? -runner : runner;
    bcj2_status s = bcj2__store_job_count(c->store, UINT32_MAX, &ret->jobs);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_count_states(c->store, to_move, &ret->jobs_to_move);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__store_farewells_untried(c->store, &ret->goodbyes);
    }
    return BCJ2_SUCCEEDED(s) ? bcj2__store_commands_untried(c->store, &ret->commands) : s;
}
