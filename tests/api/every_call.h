/* SPDX-License-Identifier: MIT */
/* Every function of the API that returns a status, with arguments that are good: one table, so that
   what holds for all of them (NULL, closed, forked child) is tested for all of them. A test compares
   it with the headers. */
#ifndef BCJ2_TESTS_EVERY_CALL_H
#define BCJ2_TESTS_EVERY_CALL_H

#include <bcj2/bcj2.h>
#include <stdbool.h>
#include <stddef.h>

#define NO_NULL (-1)

struct every_call {
    const char *name;
    /* Pointer number null_at, counted from 0, is NULL. */
    bcj2_status (*call)(int null_at);
    int pointers;  /* that must not be NULL */
    bool manager;  /* the first one is the manager */
    bool no_queue; /* works without one */
};

extern const struct every_call every_call[];
extern const size_t every_call_count;

/* An upload job in ERROR (its file is missing) and handles of everything, in the test's queue. */
void every_call_prepare(void);
/* Every pointer that a call could hand out becomes a wrong one; how many of them are NULL now. */
void every_call_spoil(void);
int every_call_cleared(void);
/* Lets go of the handles. */
void every_call_done(void);

#endif
