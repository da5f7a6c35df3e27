/* SPDX-License-Identifier: MIT */
/* What the benchmarks share: the clock, what machine this is, and how pairs of measurements are
   printed. A benchmark prints plain lines; it fails when something did not work, never because it was
   slow. The figures and how to read them: docs/performance.md. */
#ifndef BCJ2_BENCH_H
#define BCJ2_BENCH_H

#include <bcj2/bcj2.h>
#include "../support/folder.h"

#define BENCH_PAIRS 5

double bench_seconds(void); /* monotonic */

/* Ends the process with a message if the call failed. */
void bench_must(bcj2_status status, const char *what);
void bench_check(int ok, const char *what);

/* The first lines: what is measured, when, on what machine and in which folder. */
void bench_title(const char *what, const char *folder);

/* A new folder in memory (/dev/shm) with room for so many bytes, or, where there is none, in `otherwise`.
   What lies there is not measured: the server's disk, for one. */
void bench_memory_folder(char to[FOLDER_PATH_SIZE], uint64_t bytes, const char *otherwise);

/* A new folder with copies of the files of another, synced; of a queue only while no manager has it open. */
void bench_copy_folder(const char *from, const char *to);

/* Gives a folder a name that nobody uses; it is removed with the folder it lies in. Not removed at once:
   ext4 looks for an inode longer the more of them were freed a moment ago. */
void bench_put_away(const char *path);

/* Alternates bare() and ours(), each once as a warm-up, then in pairs; each gives back a duration in
   seconds. Prints each pair in units (bytes, jobs, …) a second, then the median and the spread of
   ours relative to bare. round: 0 for the warm-up, then 1 to BENCH_PAIRS. */
void bench_pairs(const char *unit, double units, double (*bare)(void *user, int round),
                 double (*ours)(void *user, int round), void *user);

#endif
