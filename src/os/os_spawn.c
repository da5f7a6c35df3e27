/* SPDX-License-Identifier: MIT */
/* Starting a program: what is prepared before the fork, and the talk with the forked child until it is the
   program. See os.h. The child waits for a byte before it does anything, and the stream it comes by hangs up
   when it is the program: so a program runs only if it is watched, and what kept it from running is known
   here. If this process is killed meanwhile, the child's byte does not come, and it ends. Not here: the child's part (os_exec.c), watching and reaping (os_child.c). */
#include "os_spawn.h"
#include "detail.h"
#include "mem.h"
#include "os.h"
#include "os_calls.h"
#include "os_fail.h"
#include "os_fork.h"
#include "os_platform.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* the sockets themselves were told */
#endif

static const char *const steps[] = {
    [OS_EXEC_DESCRIPTORS] = "arranging its descriptors",
    [OS_EXEC_GROUP] = "giving it a process group",
    [OS_EXEC_FOLDER] = "changing to the folder /",
};

static size_t count_of(const char *const *list)
{
    size_t n = 0;
    while (list != NULL && list[n] != NULL) {
        n++;
    }
    return n;
}

static bool is_replaced(const char *entry, const char *const *variables)
{
    for (size_t i = 0; variables != NULL && variables[i] != NULL; i++) {
        size_t length = strcspn(variables[i], "=") + 1; /* the '=' as well */
        if (strncmp(entry, variables[i], length) == 0) {
            return true;
        }
    }
    return false;
}

/* The strings stay where they are: an environment holds secrets, of which there should not be copies.
   NULL: no memory. */
static const char **environment_with(const char *const *variables)
{
    const char *const *current = (const char *const *)bcj2__os_platform_environment();
    size_t own = count_of(current), added = count_of(variables), n = 0;
    const char **list = bcj2__mem_calloc(own + added + 1, sizeof *list);
    if (list == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < own && current[i] != NULL; i++) {
        if (!is_replaced(current[i], variables)) {
            list[n++] = current[i];
        }
    }
    for (size_t i = 0; i < added; i++) {
        list[n++] = variables[i];
    }
    return list;
}

/* For what it prints, and to read from if it is given nothing else. */
static bcj2_status open_null(int *ret_fd)
{
    REPEAT_INTERRUPTED(*ret_fd, bcj2__os_calls.open("/dev/null", O_RDWR | O_CLOEXEC, 0));
    *ret_fd = bcj2__os_above_standard(*ret_fd);
    return *ret_fd >= 0 ? BCJ2_OK : bcj2__os_fail(errno, "opening /dev/null");
}

/* Signals stay blocked in the child until no handler of this process's program is left in it. */
static pid_t fork_without_signals(struct os_exec *e)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = bcj2__os_fork_to_exec();
    if (pid == 0) {
        bcj2__os_exec(e);
    }
    int error = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return pid;
}

/* What the program's file has to do with it. */
static bcj2_status not_executed(const char *program, int errno_value)
{
    struct os_stat s;
    bool there = (errno_value == ENOENT || errno_value == EACCES) &&
                 bcj2__os_stat(program, true, &s) == BCJ2_OK && s.exists;
    if (there && errno_value == ENOENT) {
        return bcj2__os_fail(ENOENT, "starting %s: the interpreter it needs", program);
    }
    if (there && s.is_directory) {
        return bcj2__os_fail(EISDIR, "starting %s", program);
    }
    if (errno_value == ENOEXEC) {
        return bcj2__os_fail(ENOEXEC, "starting %s: no program, nor a script with #!", program);
    }
    return bcj2__os_fail(errno_value, "starting %s", program);
}

/* Lets the child go on, and hears what became of it. */
static bcj2_status talk(const char *program, int stream)
{
    static const char go = 1;
    ssize_t n;
    REPEAT_INTERRUPTED(n, bcj2__os_calls.send(stream, &go, sizeof go, MSG_NOSIGNAL));
    int not_sent = n == (ssize_t)sizeof go ? 0 : errno;
    (void)shutdown(stream, SHUT_WR); /* a child that still waits for the byte sees the end */
    struct os_exec_failure failure;
    REPEAT_INTERRUPTED(n, bcj2__os_calls.recv(stream, &failure, sizeof failure, MSG_WAITALL));
    if (n == (ssize_t)sizeof failure) {
        return failure.step == OS_EXEC_PROGRAM
                   ? not_executed(program, failure.errno_value)
                   : bcj2__os_fail(failure.errno_value, "starting %s: %s", program,
                                   steps[failure.step]);
    }
    /* It hung up, which is success. So is what cannot be heard: that nothing ran may be said only if it is
       certain, and how it ended will be seen. */
    return not_sent == 0 ? BCJ2_OK : bcj2__os_fail(not_sent, "starting %s", program);
}

/* near: this process's end of the stream. */
static bcj2_status fork_and_talk(struct os_exec *e, int *near, struct os_child *c)
{
    pid_t pid = fork_without_signals(e);
    if (pid < 0) {
        int error = errno;
        /* EAGAIN: the limit of processes */
        return bcj2__os_fail_as(BCJ2_E_OUTOFMEMORY, error, "starting %s: fork", e->program);
    }
    bcj2__os_close_own(e->starter);
    e->starter = -1;
    bcj2_status status = bcj2__os_child_begin(c, pid);
    if (status == BCJ2_OK) {
        status = talk(e->program, *near);
    }
    (void)shutdown(*near,
                   SHUT_RDWR); /* a close is not seen while a forked child has the other copy */
    bcj2__os_close_own(*near);
    *near = -1;
    return status;
}

bcj2_status bcj2__os_spawn(const struct os_spawn *what, struct os_child **ret)
{
    *ret = NULL;
    bcj2__os_child_sweep();
    struct os_child *c = bcj2__os_child_new();
    const char **environment = environment_with(what->variables);
    struct os_exec e = {
        .program = what->program,
        .arguments = (char *const *)what->arguments,
        .environment = (char *const *)environment,
        .input = what->input,
        .output = -1,
        .lock = what->lock,
        .starter = -1,
    };
    int ends[2] = {-1, -1};
    bcj2_status status =
        c == NULL || environment == NULL ? bcj2__detail_no_memory() : open_null(&e.output);
    if (status == BCJ2_OK) {
        status = bcj2__os_pair_own(ends, what->program);
    }
    if (status == BCJ2_OK) {
        e.starter = ends[1];
        status = fork_and_talk(&e, &ends[0], c);
    }
    bcj2__os_close_own(ends[0]);
    bcj2__os_close_own(e.starter);
    bcj2__os_close(e.output);
    bcj2__mem_free(environment);
    if (status != BCJ2_OK) {
        bcj2__os_child_drop(c);
        return status;
    }
    *ret = c;
    return BCJ2_OK;
}
