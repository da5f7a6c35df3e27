/* SPDX-License-Identifier: MIT */
/* Seeded trials: each in a process of its own, so that one that fails says how to repeat it. Call these
   from a process without other threads. */
#ifndef BCJ2_TESTS_TRIALS_H
#define BCJ2_TESTS_TRIALS_H

#include "client.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* The start of a trial's random numbers. */
static inline uint32_t trial_random(uint32_t seed)
{
    uint32_t state = seed * 2654435761u | 1u;
    for (int i = 0; i < 8; i++) { /* near seeds are far from each other now */
        (void)client_random(&state);
    }
    return state;
}

static inline bool trial_join(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        ck_assert_int_eq(errno, EINTR);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Runs the function in a child that leaves a number in *number; returns it. */
static inline uint64_t trial_measure(void (*run)(void), const uint64_t *number)
{
    int ends[2];
    uint64_t result = 0;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        run();
        _exit(write(ends[1], number, sizeof *number) == (ssize_t)sizeof *number ? 0 : 1);
    }
    (void)close(ends[1]);
    if (!trial_join(pid) || read(ends[0], &result, sizeof result) != (ssize_t)sizeof result) {
        _exit(1); /* the child has said why */
    }
    (void)close(ends[0]);
    return result;
}

/* One trial for each of the seeds 1 … few (many with BCJ2_TEST_LONG=1), or BCJ2_TEST_SEED alone.
   module: what meson calls the test. */
static inline void trials(const char *module, const char *test, void (*run)(uint32_t seed),
                          uint32_t few, uint32_t many)
{
    uint32_t only = client_only_seed();
    uint32_t last = only != 0 ? only : client_long() ? many : few;
    for (uint32_t seed = only != 0 ? only : 1; seed <= last; seed++) {
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
            run(seed);
            _exit(0);
        }
        if (!trial_join(pid)) {
            (void)fprintf(
                stderr, "%s failed with seed %u; again: BCJ2_TEST_SEED=%u meson test -C build %s\n",
                test, (unsigned)seed, (unsigned)seed, module);
            _exit(1); /* the child has said what failed */
        }
    }
}

#endif
