/* SPDX-License-Identifier: MIT */
/* See notify_program.h. */
#include "notify_program.h"

#include <stdatomic.h>
#include <string.h>
#include <bcj2/notify.h>
#include "argv.h"
#include "detail.h"
#include "guid.h"
#include "limit.h"
#include "mem.h"

#define VARIABLES 3

struct notify_program {
    atomic_uint refs; /* of the caller and of the thread that starts it */
    char *program, *input, *input_path;
    char *variables[VARIABLES + 1];
    char *texts; /* what arguments points to */
    const char **arguments;
    int lock;               /* the thread's */
    struct os_child *taken; /* the caller's: the child, once the start is over */
    bool over_seen;
    /* guarded by mutex */
    struct os_mutex *mutex;
    void (*wake)(void *user); /* NULL: nobody waits any more */
    void *user;
    bool over;
    bcj2_status status; /* of the start */
    char why[LIMIT_DETAIL_BYTES];
    struct os_child *child;
};

static void unref(struct notify_program *p)
{
    if (atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    bcj2__mem_free(p->program);
    bcj2__mem_free(p->input);
    bcj2__mem_free(p->input_path);
    for (size_t i = 0; i < VARIABLES; i++) {
        bcj2__mem_free(p->variables[i]);
    }
    bcj2__mem_free(p->texts);
    bcj2__mem_free(p->arguments);
    (void)bcj2__os_mutex_destroy(p->mutex);
    bcj2__mem_free(p);
}

/* ---- the thread that starts it ---- */

/* A file that lost its name at once. */
static bcj2_status open_input(const struct notify_program *p, int *ret_fd)
{
    *ret_fd = -1;
    bcj2_status s = bcj2__os_unlink(p->input_path); /* of one that was killed here */
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_create(p->input_path, ret_fd);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_unlink(p->input_path);
    }
    return BCJ2_SUCCEEDED(s) ? bcj2__os_pwrite(*ret_fd, p->input, strlen(p->input), 0) : s;
}

static bcj2_status spawn(const struct notify_program *p, struct os_child **ret)
{
    int input = -1;
    if (p->program[0] != '/') {
        return bcj2__detail(BCJ2_E_INVALIDARG, "starting \"%s\": that is not an absolute path",
                            p->program);
    }
    bcj2_status s = open_input(p, &input);
    if (BCJ2_SUCCEEDED(s)) {
        const struct os_spawn what = {
            .program = p->program,
            .arguments = p->arguments,
            .variables = (const char *const *)p->variables,
            .input = input,
            .lock = p->lock,
        };
        s = bcj2__os_spawn(&what, ret);
    }
    (void)bcj2__os_close(input);
    return s;
}

static void start(void *argument)
{
    struct notify_program *p = argument;
    struct os_child *child = NULL;
    bcj2_status s = spawn(p, &child);
    bcj2__os_close_own(p->lock); /* the program alone has it now */
    bcj2__os_mutex_lock(p->mutex);
    p->over = true;
    p->status = s;
    if (BCJ2_FAILED(s)) {
        bcj2__detail_keep(p->why);
    }
    if (p->wake != NULL) {
        p->child = TAKE(child);
        p->wake(p->user);
    }
    bcj2__os_mutex_unlock(p->mutex);
    (void)bcj2__os_child_close(child);
    unref(p);
}

/* ---- what it is started with ---- */

static bcj2_status split(struct notify_program *p, const char *parameters)
{
    size_t count = 0, length = parameters == NULL ? 0 : strlen(parameters);
    p->texts = bcj2__mem_alloc(length + 1);
    p->arguments = bcj2__mem_calloc(length / 2 + 2, sizeof *p->arguments);
    if (p->texts == NULL || p->arguments == NULL) {
        return bcj2__detail_no_memory();
    }
    if (length > 0 &&
        !bcj2__argv_split(parameters, p->texts, length + 1, p->arguments, length / 2 + 2, &count)) {
        return bcj2__detail(BCJ2_E_UNEXPECTED, "parameters that have too many parts");
    }
    if (count == 0) {
        p->arguments[0] = p->program;
        p->arguments[1] = NULL;
    }
    return BCJ2_OK;
}

static bcj2_status fill(struct notify_program *p, const struct notify_program_what *what)
{
    char id[BCJ2_GUID_TEXT_SIZE];
    bcj2__guid_format(&what->job->id, id);
    const char *program = what->job->notify_program == NULL ? "" : what->job->notify_program;
    p->program = bcj2__mem_strdup(program);
    p->input = bcj2__mem_strdup(what->input);
    p->input_path = bcj2__mem_strdup(what->input_path);
    p->variables[0] = bcj2__mem_printf("BCJ2_JOB_ID=%s", id);
    p->variables[1] =
        bcj2__mem_printf("BCJ2_EVENT=%s",
                         what->kind == BCJ2_NOTIFY_JOB_ERROR ? "error" : "transferred");
    p->variables[2] = bcj2__mem_printf("BCJ2_QUEUE=%s", what->directory);
    p->mutex = bcj2__os_mutex_create();
    bool whole =
        p->program != NULL && p->input != NULL && p->input_path != NULL && p->mutex != NULL;
    for (size_t i = 0; i < VARIABLES; i++) {
        whole = whole && p->variables[i] != NULL;
    }
    return whole ? split(p, what->job->notify_parameters) : bcj2__detail_no_memory();
}

bcj2_status bcj2__notify_program_start(const struct notify_program_what *what,
                                       struct notify_program **ret)
{
    struct notify_program *p = bcj2__mem_calloc(1, sizeof *p);
    bcj2_status s = p == NULL ? bcj2__detail_no_memory() : BCJ2_OK;
    if (p != NULL) {
        atomic_init(&p->refs, 2);
        p->lock = what->lock;
        p->wake = what->wake;
        p->user = what->user;
        s = fill(p, what);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__os_thread_start_alone("bcj2-program", start, p);
    }
    if (BCJ2_FAILED(s)) {
        bcj2__os_close_own(what->lock);
        if (p != NULL) {
            atomic_store(&p->refs, 1);
            unref(p);
        }
        return s;
    }
    *ret = p;
    return BCJ2_OK;
}

/* ---- the caller's side ---- */

enum notify_program_state bcj2__notify_program_look(struct notify_program *p,
                                                    struct os_ended *ret_ended)
{
    if (!p->over_seen) {
        bcj2__os_mutex_lock(p->mutex);
        p->over_seen = p->over;
        p->taken = TAKE(p->child);
        bcj2__os_mutex_unlock(p->mutex);
    }
    if (!p->over_seen) {
        return NOTIFY_PROGRAM_LIVES;
    }
    if (p->taken == NULL) {
        (void)bcj2__detail(p->status, "%s", p->why);
        return NOTIFY_PROGRAM_NOT_STARTED;
    }
    bcj2_status s = bcj2__os_child_reap(p->taken, ret_ended);
    if (BCJ2_FAILED(s)) { /* nobody will ever know */
        *ret_ended = (struct os_ended){.how = OS_ENDED_STOLEN};
    }
    return s == BCJ2_S_FALSE ? NOTIFY_PROGRAM_LIVES : NOTIFY_PROGRAM_ENDED;
}

int bcj2__notify_program_fd(const struct notify_program *p)
{
    return p->taken == NULL ? -1 : bcj2__os_child_fd(p->taken);
}

void *bcj2__notify_program_leave(struct notify_program *p)
{
    bcj2__os_mutex_lock(p->mutex);
    p->wake = NULL;
    struct os_child *child = TAKE(p->child);
    bcj2__os_mutex_unlock(p->mutex);
    (void)bcj2__os_child_close(child);
    (void)bcj2__os_child_close(p->taken);
    p->taken = NULL;
    unref(p);
    return NULL;
}
