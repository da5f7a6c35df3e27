/* SPDX-License-Identifier: MIT */
/* Many processes on one queue, each a program of its own (many_program.c, named by BCJ2_TEST_MANY in the
   environment), told what to do through pipes. Whatever goes wrong here fails the test; when the test
   ends, they end. Not here: the link alone (tests/link). */
#ifndef BCJ2_TESTS_MANY_H
#define BCJ2_TESTS_MANY_H

#include <bcj2/bcj2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MANY_PATIENCE_MS 60000

struct many {
    pid_t pid; /* 0: none */
    int in, out;
    uint64_t runner_ns; /* when it said that it had taken over; 0: it has not */
    size_t length;      /* of what came of a line */
    char line[256];
};

/* words: options of the program, NULL at the end; or NULL. It has opened the queue when this returns. */
void many_start(struct many *m, const char *queue, const char *const words[]);
/* The same in two steps, so that several can start at a time. */
void many_launch(struct many *m, const char *queue, const char *const words[]);
void many_opened(struct many *m);
void many_stop(struct many *m); /* its input ends; it must end well. A process of pid 0 is fine. */
void many_kill(struct many *m); /* SIGKILL; gone when this returns */
void many_killed(struct many *m); /* waits until it has been killed by SIGKILL */
/* Asks until its runner_pid is this. */
void many_await_runner_pid(struct many *m, pid_t pid);

void many_order(struct many *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The next answer; kept until the next call for this process. */
const char *many_answer(struct many *m);

struct many_did {
    bcj2_status status;
    uint64_t began_ns, ended_ns;
    int state;
};
struct many_did many_did(struct many *m);
/* Orders, and expects BCJ2_OK. */
struct many_did many_do(struct many *m, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct many_info {
    int is_runner;
    long runner_pid;
    unsigned jobs;
};
struct many_info many_info(struct many *m);

/* "{…}" of a new job with a retry delay of 0; reply NULL: a plain upload. */
void many_create(struct many *m, const char *url, const char *source, const char *reply,
                 char ret_id[BCJ2_GUID_TEXT_SIZE]);

/* Waits until one of them says that it has taken over; which. Those of pid 0 are passed over. */
size_t many_next_runner(struct many *list, size_t count);

uint64_t many_now_ns(void);
/* One line: WHAT: median and maximum. Sorts the numbers. Returns the maximum. */
uint64_t many_print_ns(const char *what, uint64_t *ns, size_t count);

#endif
