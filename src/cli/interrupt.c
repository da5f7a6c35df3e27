/* SPDX-License-Identifier: MIT */
/* See interrupt.h. */
#include "interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define INSISTING 3
#define WAKE_UP   SIGUSR1 /* from ourselves: the thread shall end. From others it ends the process. */

enum mode { MODE_DIE, MODE_HOLD, MODE_CLOSE };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    sigset_t set; /* not changed after the start, like the two that follow */
    pthread_t thread;
    bool started;
    enum mode mode;
    int number; /* the first signal that came; 0 = none */
    int count;  /* how many came */
    bool stopping;
    bool closing; /* the thread is inside bcj2_manager_close() */
    struct cli *cli;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

void interrupt_die(int number)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t set;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(number, &action, NULL);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, number);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    (void)raise(number);
    _Exit(128 + number); /* not reached: the default of these signals is to end the process */
}

/* Called with the lock held; the lock is open while the manager closes. */
static void close_manager(void)
{
    bcj2_manager *manager = state.cli->manager;
    state.cli->manager = NULL;
    state.cli->signal = state.number;
    state.closing = true;
    (void)pthread_mutex_unlock(&state.lock);
    (void)bcj2_manager_close(manager);
    (void)pthread_mutex_lock(&state.lock);
    state.closing = false;
    (void)pthread_cond_broadcast(&state.changed);
}

/* Called with the lock held. */
static void take(int number)
{
    bool first = ++state.count == 1;
    if ((first && state.mode == MODE_DIE) || state.count >= INSISTING || number == WAKE_UP) {
        interrupt_die(number);
    }
    if (first) {
        state.number = number;
    }
    if (first && state.mode == MODE_CLOSE) {
        close_manager();
    }
}

static void *wait_for_signals(void *unused)
{
    (void)unused;
    bool stopping = false;
    while (!stopping) {
        int number = 0;
        if (sigwait(&state.set, &number) != 0) {
            continue;
        }
        (void)pthread_mutex_lock(&state.lock);
        stopping = state.stopping;
        if (!stopping) {
            take(number);
        }
        (void)pthread_mutex_unlock(&state.lock);
    }
    return NULL;
}

bool interrupt_start(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    (void)sigemptyset(&state.set);
    (void)sigaddset(&state.set, WAKE_UP);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction now;
        if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN) {
            (void)sigaddset(&state.set, numbers[i]);
        }
    }
    state.started = pthread_sigmask(SIG_BLOCK, &state.set, NULL) == 0 &&
                    pthread_create(&state.thread, NULL, wait_for_signals, NULL) == 0;
    return state.started;
}

void interrupt_stop(void)
{
    if (state.started) {
        (void)pthread_mutex_lock(&state.lock);
        state.stopping = true;
        (void)pthread_mutex_unlock(&state.lock);
        (void)pthread_kill(state.thread, WAKE_UP);
        (void)pthread_join(state.thread, NULL);
        state.started = false;
    }
}

void interrupt_hold(void)
{
    (void)pthread_mutex_lock(&state.lock);
    state.mode = MODE_HOLD;
    (void)pthread_mutex_unlock(&state.lock);
}

void interrupt_close_on_signal(struct cli *cli)
{
    (void)pthread_mutex_lock(&state.lock);
    state.mode = MODE_CLOSE;
    state.cli = cli;
    if (state.number != 0 && cli->manager != NULL) {
        close_manager();
    }
    (void)pthread_mutex_unlock(&state.lock);
}

void interrupt_wait(void)
{
    (void)pthread_mutex_lock(&state.lock);
    while (state.number == 0 || state.closing) {
        (void)pthread_cond_wait(&state.changed, &state.lock);
    }
    (void)pthread_mutex_unlock(&state.lock);
}

void interrupt_end(struct cli *cli)
{
    (void)pthread_mutex_lock(&state.lock);
    while (state.closing) {
        (void)pthread_cond_wait(&state.changed, &state.lock);
    }
    state.mode = MODE_DIE;
    bool late = state.number != 0 && cli->signal == 0; /* it came while HOLD, with no manager */
    (void)pthread_mutex_unlock(&state.lock);
    if (late) {
        cli->signal = state.number;
    }
}
