/* SPDX-License-Identifier: MIT */
/* One job from open to close, in one manager or in several, run while something fails, and what must hold afterwards: what a call
   said BCJ2_OK to is there, what it refused is not, the database is whole, and without the fault the
   job comes to its end. Not here: what fails (the three sweeps). */
#ifndef BCJ2_TESTS_SCENARIO_H
#define BCJ2_TESTS_SCENARIO_H

#include <bcj2/bcj2.h>
#include <stdbool.h>

enum scenario {
    SCENARIO_UPLOAD_REPLY,
    SCENARIO_DOWNLOAD, /* two files over HTTP: one behind a redirect, of one two ranges; with a sealed header */
    SCENARIO_COPY, /* the same file twice, by file: URL and by path */
};

/* What fails: `plan` lets the kth use fail (0: only counts); `clear` ends that and says whether it did. */
struct fault {
    const char *name;
    void (*plan)(const struct fault *f, unsigned kth);
    bool (*clear)(void);
    unsigned (*uses)(void);
    const void *what; /* for plan */
    enum scenario scenario;
    bcj2_status expected; /* what a call that fails says; BCJ2_OK: anything that is clear */
    bool looks_damaged;   /* SQLite takes a file that it cannot read for a damaged one */
    bool together;      /* three managers on one queue, which talk to each other, instead of one */
    bool may_be_unused; /* by that scenario: nothing to sweep, then */
    unsigned samples;   /* of the short form */
};

/* Counts the uses in a run without faults, then fails one after the other: all of them with
   BCJ2_TEST_LONG in the environment, else `samples`, spread evenly from a place that the number in
   BCJ2_TEST_SEED chooses. */
void scenario_sweep(const struct fault *f);

#endif
