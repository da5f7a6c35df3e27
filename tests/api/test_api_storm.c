/* SPDX-License-Identifier: MIT */
/* Calls from many threads against running jobs, in a seeded order: whatever meets whatever, the engine
   never believes that the store is broken, each job still ends well, and no temporary file stays.
   Against the small server inside the test's process. */
#include "../support/bits_server.h"
#include "../support/queue.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS    4
#define JOBS       8
#define CALLS      1500
#define REPLY_SIZE (3u * 1024 * 1024) /* enough to be given space on the disk thread */
#define FINAL      (STATE_BIT(ACKNOWLEDGED) | STATE_BIT(CANCELLED))

static struct bits_server *server;
static bcj2_job *jobs[JOBS];
static atomic_uint errors;

static void count_errors(void *user, int32_t level, const char *line)
{
    (void)user;
    if (level <= 3) {
        atomic_fetch_add(&errors, 1);
        (void)fprintf(stderr, "%s\n", line);
    }
}

static uint32_t draw(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % below;
}

static void one_call(bcj2_job *job, uint32_t *seed)
{
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    bcj2_error *error = NULL;
    uint8_t *data = NULL;
    uint64_t length = 0;
    char *text = NULL;
    switch (draw(seed, 24)) {
    case 0: /* seldom: both are for good */
        if (draw(seed, 20) == 0) {
            (void)bcj2_cancel(job);
        }
        break;
    case 1:
        if (draw(seed, 10) == 0) {
            (void)bcj2_complete(job);
        }
        break;
    case 2:
    case 3:
        (void)bcj2_set_priority(job, (bcj2_job_priority)draw(seed, 4));
        break;
    case 4: /* the job is tried again at once */
        bits_server_fail(server, (enum bits_request)draw(seed, BITS_REQUESTS), 503, 1);
        break;
    case 5:
        (void)bcj2_get_progress(job, &p);
        break;
    case 6:
        (void)bcj2_get_error(job, &error);
        (void)bcj2_error_unref(error);
        break;
    case 7:
        (void)bcj2_get_reply_data(job, &data, &length);
        bcj2_free(data);
        break;
    case 8:
        if (bcj2_get_json(job, &text) == BCJ2_OK) {
            bcj2_free(text);
        }
        break;
    case 9:
    case 10:
        (void)bcj2_wait(job, STATE_BIT(TRANSFERRED), draw(seed, 30), NULL);
        break;
    case 11:
    case 12:
    case 13:
    case 14:
        (void)bcj2_suspend(job);
        break;
    default:
        (void)bcj2_resume(job);
    }
}

static void *call(void *argument)
{
    uint32_t seed = *(const uint32_t *)argument;
    for (int i = 0; i < CALLS; i++) {
        one_call(jobs[draw(&seed, JOBS)], &seed);
    }
    return NULL;
}

static void end_well(bcj2_job *job)
{
    bcj2_job_state state = queue_state(job);
    if ((FINAL & 1u << state) != 0) {
        return;
    }
    if (state != BCJ2_JOB_STATE_TRANSFERRED) {
        assert_status(bcj2_resume(job), BCJ2_OK);
    }
    queue_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    assert_status(bcj2_complete(job), BCJ2_OK);
}

static unsigned hidden_files(const char *folder)
{
    unsigned count = 0;
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        count += strstr(entry->d_name, ".bcj2-") != NULL;
    }
    (void)closedir(dir);
    return count;
}

START_TEST(calls_of_all_kinds_at_once)
{
    pthread_t threads[THREADS];
    uint32_t seeds[THREADS];
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    options.background_slots = 3;
    options.log = count_errors;
    queue_prepare();
    server = bits_server_start();
    char *reply = malloc(REPLY_SIZE);
    ck_assert_ptr_nonnull(reply);
    memset(reply, 'r', REPLY_SIZE);
    bits_server_set_reply(server, reply, REPLY_SIZE);
    free(reply);
    assert_status(bcj2_manager_open(queue_path("queue"), &options, &queue_manager), BCJ2_OK);
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD_REPLY, bits_server_url(server, "/a"));
        assert_status(bcj2_set_minimum_retry_delay(jobs[i], 0), BCJ2_OK);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        seeds[i] = (uint32_t)_i * THREADS + i + 1;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, call, &seeds[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    for (int i = 0; i < JOBS; i++) {
        end_well(jobs[i]);
        jobs[i] = bcj2_job_unref(jobs[i]);
    }
    queue_close();
    ck_assert_uint_eq(atomic_load(&errors), 0);
    ck_assert_uint_eq(hidden_files(queue_path("out")), 0);
    queue_stop();
    bits_server_stop(server);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "storm", 100);
    tcase_add_loop_test(tc, calls_of_all_kinds_at_once, 0, 4);
}

SUITE_MAIN("api_storm", add_cases)
