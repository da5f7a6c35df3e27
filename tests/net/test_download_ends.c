/* SPDX-License-Identifier: MIT */
/* How downloads end: files in order, Complete in every state with what there is, names that cannot be
   given, Cancel, files that were added later. What servers may do wrong on the way is in test_download.c,
   kills are in test_kill_download.c. */
#include "../support/rig.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file on the server, and its URL. */
static const char *serve(const char *name, uint64_t bytes)
{
    char path[256];
    (void)snprintf(path, sizeof path, "root/in/%s", name);
    uint32_t seed = (uint32_t)bytes + (unsigned char)name[0];
    client_make_file(server_path(rig.server, path), bytes, seed);
    (void)snprintf(path, sizeof path, "/in/%s", name);
    return server_url(rig.server, path);
}

static const char *served(const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "root/in/%s", name);
    return server_path(rig.server, path);
}

static const char *local(const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "out/%s", name);
    return rig_path(path);
}

static bcj2_job *new_job(void)
{
    bcj2_job *job = NULL;
    bcj2_guid id;
    assert_status(bcj2_manager_create_job(rig.manager, "files", BCJ2_JOB_TYPE_DOWNLOAD, &id, &job),
                  BCJ2_OK);
    assert_status(bcj2_set_minimum_retry_delay(job, 0), BCJ2_OK);
    return job;
}

static void add(bcj2_job *job, const char *name, uint64_t bytes)
{
    assert_status(bcj2_add_file(job, serve(name, bytes), local(name)), BCJ2_OK);
}

static void transfer(bcj2_job *job)
{
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait(job, STATE(TRANSFERRED));
}

START_TEST(one_file)
{
    rig_start(NULL, RIG_FILES);
    bcj2_job *job = new_job();
    add(job, "a", 300000);
    transfer(job);
    ck_assert(!client_exists(local("a")));
    assert_status(bcj2_complete(job), BCJ2_OK);
    client_assert_same(served("a"), local("a"));
    ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_ACKNOWLEDGED);
    rig_unref(job);
    rig_assert_clean();
    rig_stop();
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "ends of downloads", 60);
    tcase_add_test(tc, one_file);
}

SUITE_MAIN("ends of downloads", add_cases)
