/* SPDX-License-Identifier: MIT */
/* What tests of the public API share: a folder of their own, a queue in it, jobs of every kind, and
   child processes. One manager at a time. Not here: servers. */
#ifndef BCJ2_TESTS_QUEUE_H
#define BCJ2_TESTS_QUEUE_H

#include "suite.h"

#include <bcj2/bcj2.h>
#include <stdbool.h>
#include <stddef.h>

#define STATE_BIT(name) (1u << BCJ2_JOB_STATE_##name)

extern bcj2_manager *queue_manager;

/* A folder "…" with the folders "queue" (not made yet) and "out", and a file "up.bin" of 10 bytes;
   makes the time-outs of the library short. Without opening the queue: */
void queue_prepare(void);
void queue_start(void); /* the same, and opens the queue */
void queue_stop(void);  /* closes it if it is open, removes the folder */
void queue_open(void);
void queue_close(void);

/* The path of name in the test's folder; kept for the next 63 calls. */
const char *queue_path(const char *name);
void queue_write_file(const char *name, const void *data, size_t size);
/* All of a file, to be free()d. The test fails if it cannot be read. */
char *queue_read_file(const char *path, size_t *ret_size);

/* A new job; with the URL (or, for NULL, one where nobody listens) and "up.bin", reply "out/reply". */
bcj2_job *queue_job(bcj2_job_type type);
bcj2_job *queue_job_with_file(bcj2_job_type type, const char *url);
bcj2_job_state queue_state(bcj2_job *job);
/* Waits 20 s at most until the job is in one of these states; it is then in `expected`. */
void queue_wait(bcj2_job *job, uint32_t mask, bcj2_job_state expected);
/* The job's snapshot; bcj2_free(). */
char *queue_json(bcj2_job *job);
/* The detail of the last failed call names it. */
#define assert_detail(part)                                                              \
    ck_assert_msg(strstr(bcj2_last_detail(), (part)) != NULL, "\"%s\" does not name %s", \
                  bcj2_last_detail(), (part))

/* A child process that runs the function and ends; each assertion in it counts. */
int queue_fork(void (*run)(void *), void *argument);
void queue_join(int pid); /* it must have ended well */
/* Gives up root's powers for good, keeping the test's folder usable; nothing if there are none. */
void queue_become_plain_user(void);
/* The same, but seteuid() brings root back. */
void queue_lend_to_plain_user(void);

/* Two processes in step. */
struct queue_signal {
    int ends[2];
};
void queue_signal_make(struct queue_signal *signal);
void queue_signal_give(const struct queue_signal *signal);
void queue_signal_await(const struct queue_signal *signal);

#endif
