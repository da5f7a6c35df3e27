/* SPDX-License-Identifier: MIT */
/* What a forked child does until it is the program. Another thread may have held any lock at the fork, so
   everything here is async-signal-safe: no memory, no stdio, no lock, no detail. Not here: what comes
   before the fork (os_spawn.c). */
#include "os_spawn.h"
#include "os.h"
#include "os_calls.h"
#include "os_platform.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#define STARTER_FD  (OS_SPAWN_LOCK_FD + 1)
#define FIRST_OTHER (STARTER_FD + 1)
#define NOT_STARTED 127 /* what shells say; nobody looks at it */

#ifdef NSIG
#define SIGNALS NSIG
#else
#define SIGNALS 65
#endif

/* A handler would be gone by itself, but what is ignored stays ignored in the program. Some numbers are the
   C library's or cannot be set: no matter. */
static void forget_signals(void)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;
    (void)sigemptyset(&standard.sa_mask);
    for (int number = 1; number < SIGNALS; number++) {
        (void)sigaction(number, &standard, NULL);
    }
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Out of the way of the numbers that are going to be given. */
static bool move_up(int *fd)
{
    if (*fd < 0 || *fd >= FIRST_OTHER) {
        return true;
    }
    int higher = fcntl(*fd, F_DUPFD, FIRST_OTHER);
    if (higher < 0) {
        return false;
    }
    *fd = higher;
    return true;
}

static bool put(int fd, int number)
{
    int result;
    REPEAT_INTERRUPTED(result, bcj2__os_calls.dup2(fd, number));
    return result >= 0;
}

static bool arrange_descriptors(struct os_exec *e)
{
    if (!move_up(&e->input) || !move_up(&e->output) || !move_up(&e->lock) ||
        !move_up(&e->starter)) {
        return false;
    }
    if (!put(e->input < 0 ? e->output : e->input, STDIN_FILENO) || !put(e->output, STDOUT_FILENO) ||
        !put(e->output, STDERR_FILENO)) {
        return false;
    }
    if (e->lock < 0) {
        (void)close(OS_SPAWN_LOCK_FD);
    } else if (!put(e->lock, OS_SPAWN_LOCK_FD)) {
        return false;
    }
    if (!put(e->starter, STARTER_FD) || fcntl(STARTER_FD, F_SETFD, FD_CLOEXEC) != 0) {
        return false;
    }
    e->starter = STARTER_FD;
    if (bcj2__os_calls.close_from(FIRST_OTHER) != 0) {
        bcj2__os_platform_close_each(FIRST_OTHER);
    }
    return true;
}

/* Not before: what this process has inherited of other talks like its own would keep those from hanging up. */
static bool may_go(int starter)
{
    char go;
    ssize_t n;
    REPEAT_INTERRUPTED(n, read(starter, &go, sizeof go));
    return n == (ssize_t)sizeof go;
}

/* Returns only if it fails: at which step, and errno. */
static enum os_exec_step become_the_program(struct os_exec *e)
{
    if (!arrange_descriptors(e)) {
        return OS_EXEC_DESCRIPTORS;
    }
    if (bcj2__os_calls.setpgid(0, 0) != 0) {
        return OS_EXEC_GROUP;
    }
    if (bcj2__os_calls.chdir("/") != 0) {
        return OS_EXEC_FOLDER;
    }
    if (!may_go(e->starter)) {
        _exit(NOT_STARTED); /* nobody is there who wants to know */
    }
    forget_signals();
    (void)bcj2__os_calls.execve(e->program, e->arguments, e->environment);
    return OS_EXEC_PROGRAM;
}

void bcj2__os_exec(struct os_exec *e)
{
    struct os_exec_failure failure = {.step = become_the_program(e)};
    failure.errno_value = errno;
    ssize_t n;
    REPEAT_INTERRUPTED(n, write(e->starter, &failure, sizeof failure));
    _exit(NOT_STARTED);
}
