/* SPDX-License-Identifier: MIT */
/* What a getter costs: there is no copy of a job in memory, each call asks the database. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

#define CALLS 100000

static double get_state(bcj2_job *job)
{
    bcj2_job_state state = 0;
    double start = bench_seconds();
    for (int i = 0; i < CALLS; i++) {
        bench_must(bcj2_get_state(job, &state), "state");
    }
    return bench_seconds() - start;
}

static double get_progress(bcj2_job *job)
{
    bcj2_job_progress progress = BCJ2_JOB_PROGRESS_INIT;
    double start = bench_seconds();
    for (int i = 0; i < CALLS; i++) {
        bench_must(bcj2_get_progress(job, &progress), "progress");
    }
    return bench_seconds() - start;
}

static void measure(const char *name, double (*call)(bcj2_job *job), bcj2_job *job)
{
    (void)call(job);
    double best = call(job), worst = best;
    for (int i = 1; i < BENCH_PAIRS; i++) {
        double seconds = call(job);
        best = seconds < best ? seconds : best;
        worst = seconds > worst ? seconds : worst;
    }
    (void)printf("  %-18s %.2f us, at worst %.2f us (mean of %d calls, %d times)\n", name,
                 best / CALLS * 1e6, worst / CALLS * 1e6, CALLS, BENCH_PAIRS);
}

int main(void)
{
    char folder[FOLDER_PATH_SIZE], queue[FOLDER_PATH_SIZE], source[FOLDER_PATH_SIZE];
    bcj2_guid id;
    bcj2_manager *manager = NULL;
    bcj2_job *job = NULL;
    folder_make(folder);
    folder_in(queue, folder, "queue");
    folder_in(source, folder, "source");
    bench_title("Getters", folder);
    bench_must(bcj2_manager_open(queue, NULL, &manager), "open");
    bench_must(bcj2_manager_create_job(manager, "bench", BCJ2_JOB_TYPE_UPLOAD, &id, &job),
               "create");
    bench_must(bcj2_add_file(job, "http://127.0.0.1/up", source), "add file");
    measure("bcj2_get_state", get_state, job);
    measure("bcj2_get_progress", get_progress, job);
    (void)bcj2_job_unref(job);
    (void)bcj2_manager_close(manager);
    folder_remove(folder);
    return EXIT_SUCCESS;
}
