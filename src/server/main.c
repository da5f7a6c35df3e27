/* SPDX-License-Identifier: MIT */
/* bcj2-server: receives files by the BITS upload protocol and serves replies. Order of life: options,
   root, sessions, listening; SIGTERM or SIGINT; everything back. */
#include "config.h"
#include "detail.h"
#include "guid.h"
#include "http.h"
#include "os.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <curl/curl.h>

static struct server server; /* large: not on the stack */

/* As many descriptors as the system lets us have: a connection each, and two while it uploads. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* In all threads that are made from here on; main waits for them. */
static void block_signals(sigset_t *ret_ends)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
    /* ignored, as it may be inherited, it would take an application's exit status from us */
    struct sigaction usual = {.sa_handler = SIG_DFL};
    (void)sigaction(SIGCHLD, &usual, NULL);
    (void)sigemptyset(ret_ends);
    (void)sigaddset(ret_ends, SIGTERM);
    (void)sigaddset(ret_ends, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, ret_ends, NULL);
}

static int fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "bcj2-server: %s%s%s\n", what, why[0] == '\0' ? "" : ": ", why);
    return EXIT_FAILURE;
}

static int serve(const sigset_t *ends)
{
    char url[128] = "", problem[256] = "";
    int signal_number = 0;
    if (!http_start(&server, url, problem)) {
        timer_stop(&server.timer);
        return fail(problem, "");
    }
    if (printf("listening on %s\n", url) < 0 || fflush(stdout) != 0) {
        (void)fail("standard output", strerror(errno)); /* nobody reads it: serve all the same */
    }
    while (sigwait(ends, &signal_number) != 0) {
    }
    http_stop(&server);
    return EXIT_SUCCESS;
}

/* One server a root: a second one would clear what it takes for leftovers of the first. The lock goes
   with the process. A root that cannot be written needs none: nothing is received there. False: it is
   taken. */
static bool lock_root(const struct server *s)
{
    int folder = tree_open_below(s->tree.root, TREE_SESSIONS, true);
    int fd =
        folder < 0 ? -1 : openat(folder, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (folder >= 0) {
        (void)close(folder);
    }
    return fd < 0 || bcj2__os_lock(fd, OS_LOCK_EXCLUSIVE, false) != BCJ2_E_LOCK_VIOLATION;
}

static int run(const sigset_t *ends)
{
    struct server *s = &server;
    bcj2__os_boot_id(s->boot_id);
    if (!tree_open_root(&s->tree, s->config.root)) {
        return fail(s->config.root, strerror(errno));
    }
    if (!lock_root(s)) {
        return fail(s->config.root, "in use by another bcj2-server");
    }
    if (!event_log_open(&s->log, s->config.log_path)) {
        return fail(s->config.log_path, strerror(errno));
    }
    if (pthread_mutex_init(&s->pause_lock, NULL) != 0 ||
        pthread_cond_init(&s->pause_ended, NULL) != 0 || !workers_start(&s->workers) ||
        !timer_start(&s->timer) || !linger_start(&s->linger) || !sessions_start(&s->sessions, s)) {
        return fail("cannot start", bcj2__detail_get());
    }
    int status = serve(ends);
    workers_stop(&s->workers);
    linger_stop(&s->linger);
    sessions_stop(&s->sessions);
    event_log_close(&s->log);
    tree_close_root(&s->tree);
    return status;
}

int main(int argc, char **argv)
{
    sigset_t ends;
    int said = config_read(&server.config, argc, argv);
    if (said != 0) {
        config_done(&server.config);
        return said - 1;
    }
    (void)bcj2__guid_random(); /* opens the source of random bits, while there is one thread */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return fail("the libraries cannot be started", "");
    }
    raise_descriptor_limit();
    block_signals(&ends);
    int status = run(&ends);
    config_done(&server.config);
    curl_global_cleanup();
    return status;
}
