/* SPDX-License-Identifier: MIT */
/* --app-exec: a program for each upload, without a shell, in its own process group, the upload as
   its standard input and the reply's file as its standard output. */
#include "application.h"
#include "mem.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_TRY_LATER 75 /* EX_TEMPFAIL */
#define EXIT_FORBIDDEN 77 /* EX_NOPERM */
#define URL_VARIABLE   "BITS_ORIGINAL_REQUEST_URL"

extern char **environ;

/* One that runs. Its process id is its own until it is waited for, so it is killed only under the
   lock and before that. */
struct child {
    struct child *next, **link; /* of all, to end them when the server stops */
    pid_t pid;
    bool ended, timed_out;
    struct timer_entry limit;
};

static pthread_mutex_t children_lock = PTHREAD_MUTEX_INITIALIZER;
static struct child *children;

void application_failed(struct application *a, uint32_t status)
{
    a->status = status;
    a->code = BCJ2_E_HTTP_ERROR(status);
    a->context = 7;
}

void application_timed_out(struct application *a)
{
    application_failed(a, 408);
    a->code = BCJ2_E_TIMEOUT;
}

static void time_is_over(void *argument)
{
    struct child *child = argument;
    (void)pthread_mutex_lock(&children_lock);
    if (!child->ended) {
        child->timed_out = true;
        (void)kill(-child->pid, SIGKILL);
    }
    (void)pthread_mutex_unlock(&children_lock);
}

void application_exec_stop(struct server *server)
{
    (void)server;
    (void)pthread_mutex_lock(&children_lock);
    for (struct child *child = children; child != NULL; child = child->next) {
        if (!child->ended) {
            (void)kill(-child->pid, SIGKILL);
        }
    }
    (void)pthread_mutex_unlock(&children_lock);
}

static void enlist(struct child *child)
{
    child->next = children;
    child->link = &children;
    if (children != NULL) {
        children->link = &child->next;
    }
    children = child;
}

static void delist(struct child *child)
{
    *child->link = child->next;
    if (child->next != NULL) {
        child->next->link = child->link;
    }
}

/* The environment with the URL in it. */
static char **make_environment(char *url)
{
    size_t count = 0, n = 0;
    while (environ[count] != NULL) {
        count++;
    }
    char **env = bcj2__mem_calloc(count + 2, sizeof *env);
    for (size_t i = 0; env != NULL && i < count; i++) {
        if (strncmp(environ[i], URL_VARIABLE "=", sizeof URL_VARIABLE) != 0) {
            env[n++] = environ[i];
        }
    }
    if (env != NULL) {
        env[n] = url;
    }
    return env;
}

/* errno of the start; 0. */
static int spawn(struct application *a, int reply, char **env, pid_t *ret)
{
    char *argv[] = {a->server->config.app_exec, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int error = posix_spawn_file_actions_init(&files);
    if (error != 0) {
        return error;
    }
    if ((error = posix_spawnattr_init(&attributes)) != 0) {
        (void)posix_spawn_file_actions_destroy(&files);
        return error;
    }
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF);
    (void)posix_spawnattr_setpgroup(&attributes, 0);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    (void)posix_spawn_file_actions_adddup2(&files, a->upload, STDIN_FILENO);
    (void)posix_spawn_file_actions_adddup2(&files, reply, STDOUT_FILENO);
    error = posix_spawnp(ret, argv[0], &files, &attributes, argv, env);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&files);
    return error;
}

/* Waits for its end. Returns the wait status. */
static int watch(struct application *a, struct child *child)
{
    siginfo_t info;
    int status = 0;
    child->limit = (struct timer_entry){.fire = time_is_over, .argument = child};
    timer_set(&a->server->timer, &child->limit,
              bcj2__os_now_ms() + a->server->config.application_timeout_ms);
    while (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
    }
    timer_cancel(&a->server->timer, &child->limit);
    (void)pthread_mutex_lock(&children_lock);
    child->ended = true;
    delist(child);
    (void)pthread_mutex_unlock(&children_lock);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static void judge(struct application *a, const struct child *child, int status)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (code == 0) {
        a->status = 200;
    } else if (code == EXIT_TRY_LATER || (code < 0 && server_is_stopping(a->server))) {
        application_failed(a, 503);
    } else if (child->timed_out) {
        application_timed_out(a);
    } else {
        application_failed(a, code == EXIT_FORBIDDEN ? 403 : 500);
    }
}

static void run_with(struct application *a, int reply, char **env)
{
    struct child child = {.pid = 0};
    int error = spawn(a, reply, env, &child.pid);
    if (error != 0) {
        application_failed(a, 500);
        event(&a->server->log, "error %s cannot be run: %s", a->server->config.app_exec,
              strerror(error));
        return;
    }
    (void)pthread_mutex_lock(&children_lock);
    enlist(&child);
    (void)pthread_mutex_unlock(&children_lock);
    if (server_is_stopping(a->server)) { /* application_exec_stop() may have missed it */
        application_exec_stop(a->server);
    }
    judge(a, &child, watch(a, &child));
}

void application_exec(struct application *a)
{
    char *url = bcj2__mem_printf(URL_VARIABLE "=%s", a->session->url);
    char **env = url == NULL ? NULL : make_environment(url);
    int reply = openat(a->replies, SESSION_REPLY_FILE,
                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (env == NULL || reply < 0) {
        application_failed(a, 500);
    } else {
        run_with(a, reply, env);
    }
    if (reply >= 0) {
        (void)close(reply);
    }
    bcj2__mem_free(env);
    bcj2__mem_free_secret(url);
}
