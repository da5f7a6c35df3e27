/* SPDX-License-Identifier: MIT */
/* What the files of the engine share: engine.c (turns), engine_others.c (the other processes),
   engine_sleep.c and engine_timer.c (between turns), engine_gone.c (a queue that vanished), queue.c (who
   runs, timers), drive*.c (one running job), farewell.c (goodbyes), notify_command.c (programs that are
   told), notify_listeners.c (callbacks of processes that are gone). Engine thread only, but where stated. */
#ifndef BCJ2_CORE_ENGINE_PRIV_H
#define BCJ2_CORE_ENGINE_PRIV_H

#include "core.h"
#include "disk.h"
#include "engine.h"
#include "net.h"

struct drive;
struct bye;
struct command;

/* Who is queued again: nobody, who waits for the network, all that wait because of an error. */
enum engine_sweep { SWEEP_NONE, SWEEP_OFFLINE, SWEEP_ALL };

struct engine {
    struct core *core;
    struct os_thread *thread;
    struct net *net;
    struct disk *disk;
    struct disk *copies; /* threads for what may hang with a mount; NULL: not needed yet */
    atomic_bool woken, told, stopping; /* told: bcj2__engine_ring() */
    uint64_t next_token;
    struct drive **drives; /* running jobs; room for all slots */
    uint32_t drive_count, drive_room;
    int64_t *busy; /* jobs whose last run is not over: not to be started */
    size_t busy_count;
    struct bye *byes; /* goodbyes under way */
    uint32_t bye_count;
    struct command *commands; /* programs that are told of events (notify_command.h) */
    uint32_t command_count;
    uint32_t
        listener_looks; /* since there was a reason to look for dead ones (notify_listeners.h) */
    bool adopt;         /* what another process left running of programs is to be seen to */
    bool runner;        /* this process moves the bytes; the others' engines only listen */
    bool ring;          /* the others are to be told that the store changed */
    bool ring_newest;   /* of a change that others may have made, not only of our own */
    uint64_t ring_ms;   /* ring, and the number could not be read: again then */
    struct net_fd *fds; /* of the link and the network, as the last poll watched them */
    size_t fd_room;
    int netwatch_fd;  /* -1: nobody waits */
    uint64_t network; /* as it was seen last (bcj2__os_network) */
    enum engine_sweep sweeping;
    int64_t swept_seq;      /* so far */
    bool taken_over;        /* what the rows say is running was another process's, which is gone */
    bool heard;             /* one of these descriptors is ready, or that is not known */
    struct os_watch *watch; /* of the queue's folder, by the runner; NULL: it cannot be watched */
    bool look, gone;        /* whether the queue is still there is to be looked at; it is not */
    /* this turn */
    uint64_t now_ms;
    bool transaction, durable, failed;
    bool again;         /* there is more to do at once */
    bool schedule;      /* jobs may have to be started or stopped */
    bool look_byes;     /* goodbyes may be due */
    bool look_commands; /* programs may be due */
    /* when to wake up without being woken; UINT64_MAX: never */
    uint64_t retry_ms, house_ms, bye_ms, store_ms, slice_ms, network_ms, hosts_ms;
    uint64_t command_ms, listener_ms;
    int timer_fd;        /* for the earliest of them; -1: not needed yet, or no_timer */
    uint64_t timer_ms;   /* it is set to this; UINT64_MAX: never */
    bool no_timer;       /* it cannot be had */
    uint64_t stop_by_ms; /* stopping: the end of the goodbyes' time */
};

/* Opens the turn's transaction if it is not open. False: the store fails, the turn is lost. */
bool bcj2__engine_transaction(struct engine *e);
/* Notes a failed store call: the turn will be rolled back and everything starts again from what is
   stored. Gives back whether s is a success. */
bool bcj2__engine_check(struct engine *e, bcj2_status s);
/* The same for what was done to one job in the turn's transaction: if its rows cannot be read it goes to
   ERROR, and the others go on. False: it failed, or the store did. */
bool bcj2__engine_check_job(struct engine *e, int64_t seq, bcj2_status s);

/* Makes the threads for copies, once. */
bcj2_status bcj2__engine_copies(struct engine *e);
/* All that runs is dropped; it begins again from the rows, or not at all. */
void bcj2__engine_drop_everything(struct engine *e);
/* This process does not move the bytes any more. */
void bcj2__engine_rest(struct engine *e);

/* engine_others.c */
/* What the link has heard; woken: something asked for this turn. True: somebody changed the store. */
bool bcj2__engine_listen(struct engine *e, bool woken);
/* Tells the others the newest change, if they are to be told of one. */
void bcj2__engine_ring_others(struct engine *e);

/* engine_sleep.c */
/* Until a transfer, the disk, another thread or another process has something for us, or it is time. */
bcj2_status bcj2__engine_sleep(struct engine *e);
/* When that failed: no memory in libcurl, or more descriptors than may be polled. A moment, by time alone. */
void bcj2__engine_sleep_blindly(struct engine *e);

/* engine_gone.c */
void bcj2__engine_watch(struct engine *e); /* for the runner: from now on */
/* Has the queue been removed, moved or replaced? Then nothing runs any more. look: there is a reason to
   look at the disk. */
bool bcj2__engine_gone(struct engine *e, bool look);

/* engine_timer.c */
/* Before a sleep until due_ms (UINT64_MAX: for ever). Whether timer_fd is to be watched in it. */
bool bcj2__engine_timer(struct engine *e, uint64_t due_ms);
void bcj2__engine_timer_stop(struct engine *e);

/* queue.c */
void bcj2__queue_house(struct engine *e);    /* inactivity, old rows; outside the transaction */
void bcj2__queue_schedule(struct engine *e); /* retries that are due, then who runs */

/* farewell.c */
void bcj2__farewell_look(struct engine *e);
bool bcj2__farewell_event(struct engine *e,
                          const struct net_event *event); /* false: not one of ours */
void bcj2__farewell_act(struct engine *e);
void bcj2__farewell_drop_all(struct engine *e);

#endif
