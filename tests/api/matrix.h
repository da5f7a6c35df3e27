/* SPDX-License-Identifier: MIT */
/* The parts of test_matrix.c: jobs in every state (matrix_reach.c), and the table (matrix_rows.c). */
#ifndef BCJ2_TESTS_MATRIX_H
#define BCJ2_TESTS_MATRIX_H

#include "../support/queue.h"

#define MATRIX_STATES 9

struct matrix_subject {
    bcj2_job *job, *blocker; /* blocker: has the background slot; NULL: none */
    bcj2_file *file;         /* the job's one */
    bcj2_job_type type;
    bcj2_job_state state; /* the one that was reached */
};

struct matrix_row {
    const char *name; /* of the function */
    bcj2_status (*call)(struct matrix_subject *subject);
    const char *expected[3];  /* by type; a letter for each state */
    const char *const *after; /* likewise, the state's digit; NULL: never changes */
};

extern const struct matrix_row matrix_rows[];
extern const size_t matrix_row_count;

/* Servers and a queue. */
void matrix_start(void);
void matrix_stop(void);

/* A job of one file, in that state. */
void matrix_reach(struct matrix_subject *subject, bcj2_job_type type, bcj2_job_state state);
/* Another job takes the background slot, unless this one has it. */
void matrix_take_slot(struct matrix_subject *subject);
void matrix_done(struct matrix_subject *subject);

#endif
