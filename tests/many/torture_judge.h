/* SPDX-License-Identifier: MIT */
/* What must be true after a storm: the journal against the database, the files, the server. Whatever is not
   fails the test. */
#ifndef BCJ2_TESTS_TORTURE_JUDGE_H
#define BCJ2_TESTS_TORTURE_JUDGE_H

#include <stdint.h>

struct verdict {
    unsigned jobs, completed, cancelled;
    unsigned doubled;   /* jobs for which the application ran more than once */
    unsigned suspended; /* calls of Suspend that were announced */
    uint64_t lines;     /* of the journal */
};

/* folder: "journal", "rows" (what torture_worker rows printed), "runs", "source-N", "out", "queue". */
struct verdict torture_judge(const char *folder);

#endif
