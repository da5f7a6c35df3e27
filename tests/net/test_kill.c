/* SPDX-License-Identifier: MIT */
/* kill -9 of either side at seeded moments of a 32 MiB upload with a 4 MiB reply, and of a small upload
   with a large reply. Whatever the moment: the job ends as it should, the application sees the file
   whole, nothing is sent twice but a probe a restart, and no byte of the reply comes twice that was on
   the disk.

   BCJ2_TEST_LONG=1: 100 of each (50 in the reply, 50 of both sides); BCJ2_TEST_SEED=N: this one only.
   Kills inside single calls are in test_kill_calls.c. */
#include "../support/rig.h"
#include "../support/trials.h"

#include <stdio.h>
#include <time.h>

#define PROBE      5120u
#define IN_BETWEEN 131072u /* heads, and what the proxy had read for a connection that is gone */

static uint64_t source_size, answer_size;
static uint64_t undisturbed_us; /* how long the whole takes when nobody is killed */

static void start(void)
{
    rig_start(NULL, RIG_APPLICATION);
    rig_close();
    rig_make("source", source_size);
    rig_make("answer", answer_size);
}

/* A job that waits in the queue for a process that moves bytes. */
static bcj2_guid queued_job(const char **ret_temporary)
{
    rig.manager = client_open_to_look(rig_path("queue"));
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    bcj2_guid id = client_id(job);
    *ret_temporary = rig_temporary(job);
    rig_unref(job);
    rig_close();
    return id;
}

static void assert_whole_and_clean(void)
{
    client_assert_same(rig_path("answer"), rig_path("out/reply"));
    client_assert_same(rig_path("source"), rig_path("seen"));
    ck_assert_uint_ge(rig_runs(), 1);
    rig_assert_no_temporary_here();
}

static void sleep_us(uint64_t us)
{
    const struct timespec moment = {.tv_sec = (time_t)(us / 1000000u),
                                    .tv_nsec = (long)(us % 1000000u) * 1000};
    (void)nanosleep(&moment, NULL); /* the seeded moment; nothing waits for anything here */
}

/* Looks into the queue after a kill: what calls had promised is there. False: the job had been completed,
   and then the reply is in place. */
static bool still_there(const bcj2_guid *id)
{
    bcj2_job *job = NULL;
    char *name = NULL;
    rig.manager = client_open_to_look(rig_path("queue"));
    bcj2_status s = bcj2_manager_get_job(rig.manager, id, &job);
    if (s == BCJ2_OK) {
        ck_assert_int_ne(client_state(job), BCJ2_JOB_STATE_SUSPENDED);
        ck_assert_int_ne(client_state(job), BCJ2_JOB_STATE_ERROR);
        assert_status(bcj2_get_reply_file_name(job, &name), BCJ2_OK);
        ck_assert_str_eq(name, rig_path("out/reply"));
        ck_assert(!client_exists(name) || client_state(job) == BCJ2_JOB_STATE_TRANSFERRED);
        bcj2_free(name);
        rig_unref(job);
    } else {
        assert_status(s, BCJ2_E_NOT_FOUND);
        client_assert_same(rig_path("answer"), rig_path("out/reply"));
    }
    rig_close();
    return s == BCJ2_OK;
}

/* ---- the client is killed ---- */

/* One life of the client: to its end (0 us) or to its kill. True: the job is done. Checks what it fetched
   of the reply. */
static bool live(const bcj2_guid *id, const char *temporary, uint32_t kill_us)
{
    uint64_t had = client_exists(temporary) ? client_size(temporary) : 0;
    uint64_t before = fault_proxy_counts(rig.proxy).to_client;
    bool over = true;
    pid_t pid = client_start_finish(rig_path("queue"), id);
    if (kill_us == 0) {
        client_wait_exit(pid);
    } else {
        over = client_kill_after(pid, kill_us) || !still_there(id);
    }
    ck_assert_uint_le(fault_proxy_counts(rig.proxy).to_client - before,
                      answer_size - had + IN_BETWEEN);
    return over;
}

static void kill_client(uint32_t seed)
{
    uint32_t random = trial_random(seed), kills = 0;
    const char *temporary = NULL;
    start();
    rig_proxy();
    bcj2_guid id = queued_job(&temporary);
    bool over = false;
    for (uint32_t left = 1 + client_random(&random) % 3; left > 0 && !over; left--) {
        over = live(&id, temporary, 1 + client_random(&random) % (uint32_t)undisturbed_us);
        kills++;
    }
    if (!over) {
        (void)live(&id, temporary, 0);
    }
    assert_whole_and_clean();
    struct server_sums sums = server_sums(rig.server);
    ck_assert_uint_eq(sums.fresh, source_size); /* never begun anew */
    ck_assert_uint_le(sums.duplicate, (uint64_t)kills * PROBE);
    rig_stop();
}

static void measure(void)
{
    const char *temporary = NULL;
    start();
    rig_proxy();
    bcj2_guid id = queued_job(&temporary);
    uint64_t before = client_now_us();
    (void)live(&id, temporary, 0);
    undisturbed_us = client_now_us() - before;
    assert_whole_and_clean();
    ck_assert_uint_eq(server_sums(rig.server).duplicate, 0);
    ck_assert_uint_eq(rig_runs(), 1);
    rig_stop();
}

static void set_sizes(uint32_t source_mib, uint32_t answer_mib)
{
    source_size = source_mib == 0 ? 1000 : (uint64_t)source_mib << 20;
    answer_size = (uint64_t)answer_mib << 20;
    undisturbed_us = trial_measure(measure, &undisturbed_us);
}

START_TEST(client_killed)
{
    set_sizes(32, 4);
    trials("kill", "client_killed", kill_client, 8, 100);
}
END_TEST

/* Here, more of the moments are in the reply. */
START_TEST(client_killed_in_the_reply)
{
    set_sizes(0, 32);
    trials("kill", "client_killed_in_the_reply", kill_client, 4, 50);
}
END_TEST

/* ---- the server is killed ---- */

static void kill_server(uint32_t seed)
{
    uint32_t random = trial_random(seed), kills = 1 + client_random(&random) % 2;
    start();
    rig_open();
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    for (uint32_t left = kills; left > 0; left--) {
        sleep_us(client_random(&random) % undisturbed_us);
        server_kill(rig.server);
        sleep_us(client_random(&random) % 20000);
        server_restart(rig.server);
    }
    rig_finish(job);
    assert_whole_and_clean();
    ck_assert_uint_le(server_sums(rig.server).duplicate, (uint64_t)kills * PROBE);
    rig_assert_clean_but(kills);
    rig_stop();
}

START_TEST(server_killed)
{
    set_sizes(32, 4);
    trials("kill", "server_killed", kill_server, 5, 100);
}
END_TEST

START_TEST(server_killed_in_the_reply)
{
    set_sizes(0, 32);
    trials("kill", "server_killed_in_the_reply", kill_server, 3, 50);
}
END_TEST

/* ---- both ---- */

static void kill_both(uint32_t seed)
{
    uint32_t random = trial_random(seed), kills = 0;
    const char *temporary = NULL;
    bool over = false;
    start();
    bcj2_guid id = queued_job(&temporary);
    for (int round = 0; round < 4 && !over; round++) {
        uint32_t who = client_random(&random) % 3;
        pid_t pid = client_start_finish(rig_path("queue"), &id);
        if (who != 0) {
            sleep_us(client_random(&random) % undisturbed_us);
            server_kill(rig.server);
            kills++;
        }
        if (who == 2) { /* a client that has to do with a dead server, then with the new one */
            sleep_us(client_random(&random) % 10000);
            server_restart(rig.server);
        }
        over = client_kill_after(pid, client_random(&random) % (uint32_t)undisturbed_us) ||
               !still_there(&id);
        kills++;
        if (who == 1) {
            server_restart(rig.server);
        }
    }
    if (!over) {
        client_wait_exit(client_start_finish(rig_path("queue"), &id));
    }
    assert_whole_and_clean();
    ck_assert_uint_le(server_sums(rig.server).duplicate, (uint64_t)kills * PROBE);
    rig_stop();
}

START_TEST(both_killed)
{
    set_sizes(32, 4);
    trials("kill", "both_killed", kill_both, 3, 50);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "kill", 1700);
    tcase_add_test(tc, client_killed);
    tcase_add_test(tc, client_killed_in_the_reply);
    tcase_add_test(tc, server_killed);
    tcase_add_test(tc, server_killed_in_the_reply);
    tcase_add_test(tc, both_killed);
}

SUITE_MAIN("kill", add_cases)
