/* SPDX-License-Identifier: MIT */
/* kill -9 of the client while nginx sends it files: what is on this side is not fetched again (nginx's log
   counts), files that are whole stay, and in the end every file is right and nothing is left over. Killed
   when so many bytes have come, and at seeded moments.

   BCJ2_TEST_LONG=1: 60 seeded moments; BCJ2_TEST_SEED=N: this one only. */
#include "../support/nginx.h"
#include "../support/trials.h"
#include "download_rig.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FILES 4u
#define BYTES 1500000u
/* nginx sends the bytes of one second at once, and more at that rate */
#define AT(rate) "server { listen 127.0.0.1:PORT1; root FOLDER/www; limit_rate 3m; " rate " }"
#define QUICK    AT("")
#define SLOW     AT("location /2 { limit_rate 250k; }")

static struct nginx *nginx;

static const char *served(uint32_t i)
{
    char relative[16];
    (void)snprintf(relative, sizeof relative, "www/%u", (unsigned)i);
    return nginx_path(nginx, relative);
}

static const char *local(uint32_t i)
{
    char name[16];
    (void)snprintf(name, sizeof name, "%u", (unsigned)i);
    return download_path(name);
}

static void start(const char *config)
{
    rig_prepare();
    rig_close();
    nginx = nginx_new();
    for (uint32_t i = 0; i < FILES; i++) {
        client_make_file(served(i), BYTES, i + 1);
    }
    nginx_run(nginx, config);
}

static void stop(void)
{
    for (uint32_t i = 0; i < FILES; i++) {
        client_assert_same(served(i), local(i));
    }
    rig_assert_no_temporary_here();
    nginx_stop(nginx);
    folder_remove(rig.folder);
}

/* Waits in the queue for a process that moves bytes. */
static bcj2_guid queued_job(bcj2_job_priority priority)
{
    rig.manager = client_open_to_look(rig_path("queue"));
    bcj2_job *job = download_job();
    assert_status(bcj2_set_priority(job, priority), BCJ2_OK);
    for (uint32_t i = 0; i < FILES; i++) {
        char url[16], name[16];
        (void)snprintf(url, sizeof url, "/%u", (unsigned)i);
        (void)snprintf(name, sizeof name, "%u", (unsigned)i);
        download_add(job, nginx_url(nginx, 1, url), name);
    }
    assert_status(bcj2_resume(job), BCJ2_OK);
    bcj2_guid id = client_id(job);
    rig_unref(job);
    rig_close();
    return id;
}

/* Where the temporary file of a job's file is, or will be. */
static void temporary_name(const bcj2_guid *id, uint32_t i, char path[FOLDER_PATH_SIZE])
{
    char text[BCJ2_GUID_TEXT_SIZE], name[128];
    bcj2_guid_format(id, text);
    (void)snprintf(name, sizeof name, ".bcj2-%.36s-%u.tmp", text + 1, (unsigned)i);
    (void)snprintf(path, FOLDER_PATH_SIZE, "%s", download_path(name));
}

static uint64_t size_of(const char *path)
{
    return client_exists(path) ? client_size(path) : 0;
}

/* Lets the client fetch until a file has so many bytes, then kills it. Returns how many it has. */
static uint64_t kill_at(const bcj2_guid *id, const char *temporary, uint64_t bytes)
{
    int status = 0;
    pid_t pid = client_start_finish(rig_path("queue"), id);
    while (size_of(temporary) < bytes) {
        ck_assert_int_eq(waitpid(pid, &status, WNOHANG), 0);
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return size_of(temporary);
}

/* The bytes of file 2 come in five lives of the client, each of them once. */
START_TEST(each_byte_once)
{
    char temporary[FOLDER_PATH_SIZE];
    start(SLOW);
    bcj2_guid id = queued_job(BCJ2_JOB_PRIORITY_FOREGROUND);
    temporary_name(&id, 2, temporary);
    for (uint64_t at = 300000; at <= 700000; at += 400000) {
        char asked[64];
        uint64_t had = kill_at(&id, temporary, at);
        (void)snprintf(asked, sizeof asked, "range=bytes=%llu-%u if-range=\\x22",
                       (unsigned long long)had, BYTES - 1);
        ck_assert_uint_lt(had, BYTES);
        (void)kill_at(&id, temporary, had + 1);
        nginx_wait_logged(nginx, asked, 1);
    }
    client_wait_exit(client_start_finish(rig_path("queue"), &id));
    ck_assert_uint_eq(nginx_logged(nginx, "HEAD /2"), 1);
    ck_assert_uint_eq(nginx_logged(nginx, "GET /2 200"), 1);
    ck_assert_uint_eq(nginx_logged(nginx, "GET /0"), 1); /* they were whole before the first kill */
    ck_assert_uint_eq(nginx_logged(nginx, "GET /1"), 1);
    stop();
}
END_TEST

static void kill_sometime(uint32_t seed)
{
    uint32_t random = trial_random(seed);
    start(QUICK);
    bcj2_guid id = queued_job(client_random(&random) % 2 == 0 ? BCJ2_JOB_PRIORITY_FOREGROUND
                                                              : BCJ2_JOB_PRIORITY_NORMAL);
    bool over = false;
    for (uint32_t left = 1 + client_random(&random) % 4; left > 0 && !over; left--) {
        over = client_kill_after(client_start_finish(rig_path("queue"), &id),
                                 1 + client_random(&random) % 1000000u);
    }
    if (!over) {
        /* killed between Complete's end and its own: then there is no such job any more */
        bcj2_job *job = NULL;
        rig.manager = client_open_to_look(rig_path("queue"));
        bcj2_status s = bcj2_manager_get_job(rig.manager, &id, &job);
        bool there = s == BCJ2_OK && client_state(job) != BCJ2_JOB_STATE_ACKNOWLEDGED;
        if (s == BCJ2_OK) {
            rig_unref(job);
        } else {
            assert_status(s, BCJ2_E_NOT_FOUND);
        }
        rig_close();
        if (there) {
            client_wait_exit(client_start_finish(rig_path("queue"), &id));
        }
    }
    stop();
}

START_TEST(at_seeded_moments)
{
    trials("kill_download", "kills of a download", kill_sometime, 8, 60);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "kills", client_long() ? 1200 : 120);
    tcase_add_test(tc, each_byte_once);
    tcase_add_test(tc, at_seeded_moments);
}

SUITE_MAIN("kills of downloads", add_cases)
