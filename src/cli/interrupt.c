/* SPDX-License-Identifier: MIT */
/* See interrupt.h. */
#include "interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define INSISTING 3
#define WAKE_UP   SIGUSR1 /* from ourselves: the thread shall end. From others it ends the process. */

enum mode { MODE_DIE, MODE_HOLD, MODE_CLOSE, MODE_TELL };

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
    bool closing;  /* the thread is inside bcj2_manager_close() */
    unsigned news; /* INTERRUPT_… */
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
static void tell(unsigned what)
{
    state.news |= what;
    if (state.mode == MODE_TELL) {
        (void)bcj2_manager_interrupt(state.cli->manager);
    }
    (void)pthread_cond_broadcast(&state.changed);
}

/* Called with the lock held. */
static void take(int number)
{
    if (number == SIGWINCH || number == SIGTSTP) {
        tell(number == SIGWINCH ? INTERRUPT_RESIZED : INTERRUPT_STOP);
        return;
    }
    bool first = ++state.count == 1;
    if ((first && state.mode == MODE_DIE) || state.count >= INSISTING || number == WAKE_UP) {
        interrupt_die(number);
    }
    if (first) {
        state.number = number;
    }
    if (first && state.mode == MODE_CLOSE) {
        close_manager();
    } else if (first) {
        tell(INTERRUPT_END);
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

/* Into the set, unless it is ignored. */
static void add(int number)
{
    struct sigaction now;
    if (sigaction(number, NULL, &now) == 0 && now.sa_handler != SIG_IGN) {
        (void)sigaddset(&state.set, number);
    }
}

/* Never runs: the signal is blocked in all threads. But one whose default is to be ignored may not
   even become pending. */
static void no_handler(int number)
{
    (void)number;
}

bool interrupt_start(bool drawing)
{
    struct sigaction action = {.sa_handler = no_handler};
    (void)sigemptyset(&state.set);
    (void)sigemptyset(&action.sa_mask);
    (void)sigaddset(&state.set, WAKE_UP);
    add(SIGINT);
    add(SIGTERM);
    add(SIGHUP);
    if (drawing) {
        add(SIGTSTP);
        (void)sigaddset(&state.set, SIGWINCH);
    }
    bool blocked = pthread_sigmask(SIG_BLOCK, &state.set, NULL) == 0;
    if (drawing) {
        (void)sigaction(SIGWINCH, &action, NULL);
    }
    state.started = blocked && pthread_create(&state.thread, NULL, wait_for_signals, NULL) == 0;
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

void interrupt_tell(struct cli *cli)
{
    (void)pthread_mutex_lock(&state.lock);
    state.mode = MODE_TELL;
    state.cli = cli;
    if (state.number != 0) {
        tell(INTERRUPT_END);
    }
    (void)pthread_mutex_unlock(&state.lock);
}

unsigned interrupt_news(void)
{
    (void)pthread_mutex_lock(&state.lock);
    unsigned news = state.news;
    state.news &= INTERRUPT_END;
    (void)pthread_mutex_unlock(&state.lock);
    return news;
}

void interrupt_rest(unsigned ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until); /* the one that a condition knows everywhere */
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&state.lock);
    while (state.news == 0 && pthread_cond_timedwait(&state.changed, &state.lock, &until) == 0) {
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
