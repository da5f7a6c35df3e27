/* SPDX-License-Identifier: MIT */
/* Whole jobs over a network that cuts, stalls, refuses and answers rubbish; servers that lose sessions,
   take small fragments only, or send the client to another host; goodbyes to a server that is away.
   Kills are in test_kill.c, answers that are errors in test_refusals.c, servers that lie in test_lies.c. */
#include "../support/rig.h"
#include "../support/trials.h"
#include "timeouts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB   ((uint64_t)1 << 20)
#define PROBE 5120u

/* ---- faults at seeded places ---- */

#define SOURCE      (3 * MIB)
#define ANSWER      (2 * MIB)
#define HEADS       1200u /* so much of what the client gets, at least, are answers to the upload */
#define FAULTS_MOST 3u

static struct fault_plan random_fault(uint32_t *random)
{
    static const enum fault_kind kinds[] = {FAULT_FIN, FAULT_RST, FAULT_STALL, FAULT_REFUSE,
                                            FAULT_RUBBISH};
    struct fault_plan plan = {.kind = kinds[client_random(random) % 5],
                              .direction = client_random(random) % 2 == 0 ? FAULT_TO_SERVER
                                                                          : FAULT_TO_CLIENT};
    uint64_t most = plan.direction == FAULT_TO_SERVER ? SOURCE + HEADS : ANSWER + HEADS;
    if (client_random(random) % 4 == 0) {
        most = HEADS; /* in and between heads, too */
    }
    if (plan.kind == FAULT_RUBBISH && plan.direction == FAULT_TO_CLIENT) {
        most = HEADS; /* in the body of the reply nobody could tell it from the reply */
    }
    plan.after = client_random(random) % most;
    plan.for_ms = plan.kind == FAULT_STALL ? 700 : 1 + client_random(random) % 40;
    return plan;
}

static void fault_anywhere(uint32_t seed)
{
    struct fault_plan plan[FAULTS_MOST];
    uint32_t random = trial_random(seed);
    size_t count = 1 + client_random(&random) % FAULTS_MOST;
    for (size_t i = 0; i < count; i++) {
        plan[i] = random_fault(&random);
    }
    rig_start(NULL, RIG_APPLICATION);
    bcj2__timeouts.send_stall_ms = 350;
    bcj2__timeouts.response_ms = 350;
    bcj2__timeouts.receive_stall_ms = 350;
    rig_make("source", SOURCE);
    rig_make("answer", ANSWER);
    rig_proxy();
    fault_proxy_plan(rig.proxy, plan, count);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    rig_finish(job);
    struct server_sums sums = server_sums(rig.server);
    struct fault_counts counts = fault_proxy_counts(rig.proxy);
    ck_assert_uint_ge(counts.faults, 1);
    ck_assert_uint_le(sums.fresh, SOURCE); /* one whose connection broke may be logged later */
    ck_assert_uint_le(sums.duplicate, (uint64_t)counts.connections * PROBE);
    rig_assert_no_temporary_here();
    rig_stop();
}

START_TEST(anywhere)
{
    trials("faults", "anywhere", fault_anywhere, 15, 50);
}
END_TEST

/* ---- servers ---- */

/* A job whose upload stands still after so many bytes. */
static bcj2_job *stalled_job(uint64_t after)
{
    const struct fault_plan plan = {.kind = FAULT_STALL,
                                    .direction = FAULT_TO_SERVER,
                                    .after = after};
    fault_proxy_plan(rig.proxy, &plan, 1);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    ck_assert(fault_proxy_wait_faults(rig.proxy, 1));
    return job;
}

START_TEST(session_lost)
{
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    uint32_t errors = 1;
    rig_start(NULL, RIG_APPLICATION);
    rig_make("source", SOURCE);
    rig_proxy();
    bcj2_job *job = stalled_job(2 * MIB);
    assert_status(bcj2_suspend(job), BCJ2_OK);
    server_kill(rig.server);
    folder_remove(server_path(rig.server, "root/in/BITS-Sessions"));
    server_restart(rig.server);
    fault_proxy_release(rig.proxy);
    assert_status(bcj2_get_progress(job, &p), BCJ2_OK);
    ck_assert_uint_gt(p.bytes_transferred, 0);
    assert_status(bcj2_resume(job), BCJ2_OK);
    rig_transferred(job);
    assert_status(bcj2_get_error_count(job, &errors), BCJ2_OK);
    ck_assert_uint_eq(errors, 0); /* no error of the job */
    rig_finish(job);
    ck_assert_uint_eq(server_logged(rig.server, "create {"), 2);
    ck_assert_uint_ge(server_sums(rig.server).fresh, SOURCE);
    rig_assert_clean();
    rig_stop();
}
END_TEST

static const struct {
    unsigned above;
    uint64_t source;
    bool works;
} ladders[] = {
    {262143, 600000, true}, {40000, 300000, true}, {5120, 30000, true},
    {5119, 30000, false},   {5119, 5119, true},
};

START_TEST(ladder_of_413)
{
    char json[64];
    (void)snprintf(json, sizeof json, "{\"http_413_above\":%u}", ladders[_i].above);
    rig_start(json, RIG_APPLICATION);
    rig_make("source", ladders[_i].source);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    if (ladders[_i].works) {
        rig_finish(job);
        ck_assert_uint_eq(server_sums(rig.server).duplicate, 0);
        rig_assert_clean();
    } else {
        client_wait_error(job, BCJ2_JOB_STATE_ERROR, BCJ2_ERROR_CONTEXT_REMOTE_FILE,
                          BCJ2_E_HTTP_ERROR_413);
        rig_unref(job);
    }
    rig_stop();
}
END_TEST

/* Servers that answer an overlap with 416: cut in the middle, and where all bytes have arrived but the
   answer has not. */
static const struct fault_plan cuts[] = {
    {.kind = FAULT_RST, .direction = FAULT_TO_SERVER, .after = 2 * MIB},
    {.kind = FAULT_FIN, .direction = FAULT_TO_SERVER, .after = SOURCE / 2},
    {.kind = FAULT_RST, .direction = FAULT_TO_CLIENT, .after = 600},
    {.kind = FAULT_FIN, .direction = FAULT_TO_CLIENT, .after = 900},
};

START_TEST(strict_416)
{
    rig_start("{\"strict416\":true}", RIG_APPLICATION);
    rig_make("source", SOURCE);
    rig_proxy();
    fault_proxy_plan(rig.proxy, &cuts[_i], 1);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    rig_finish(job);
    ck_assert_uint_eq(fault_proxy_counts(rig.proxy).faults, 1);
    ck_assert_uint_eq(rig_runs(), 1);
    rig_assert_clean();
    rig_stop();
}
END_TEST

static const char *const reply_forms[] = {
    "{\"iis_style_reply_url\":true}",
    "{\"no_ranges\":true}",
    "{\"no_length\":true}",
    "{\"no_length\":true,\"no_ranges\":true,\"iis_style_reply_url\":true}",
};

/* Whatever form the reply's URL and answer have, whole or interrupted. */
START_TEST(forms_of_replies)
{
    const struct fault_plan cut = {.kind = FAULT_RST,
                                   .direction = FAULT_TO_CLIENT,
                                   .after = ANSWER / 2};
    rig_start(reply_forms[_i / 2], RIG_APPLICATION);
    rig_make("answer", ANSWER);
    rig_proxy();
    fault_proxy_plan(rig.proxy, &cut, (size_t)(_i % 2));
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    rig_finish(job);
    ck_assert_uint_eq(fault_proxy_counts(rig.proxy).faults, (unsigned)(_i % 2));
    rig_assert_clean();
    rig_stop();
}
END_TEST

/* ---- another host ---- */

/* The server sends the client to rig.proxy for everything behind Create; the job begins at the server. */
static bcj2_job *sent_to_the_proxy(unsigned fallback_s, bool resume)
{
    char json[128];
    struct fault_proxy *proxy = fault_proxy_start(1);
    (void)snprintf(json, sizeof json,
                   "{\"BITSHostId\":\"127.0.0.1:%u\",\"BITSHostIdFallbackTimeout\":%u}",
                   (unsigned)fault_proxy_port(proxy), fallback_s);
    rig_start(json, RIG_APPLICATION);
    rig_make("source", SOURCE);
    rig_make("answer", ANSWER);
    bcj2_job *job = rig_job(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    fault_proxy_target(proxy, server_port(rig.server));
    rig.proxy = proxy;
    if (resume) {
        assert_status(bcj2_resume(job), BCJ2_OK);
    }
    return job;
}

START_TEST(host_id)
{
    bcj2_job *job = sent_to_the_proxy(100, true);
    rig_finish(job);
    rig_assert_clean();
    struct fault_counts counts = fault_proxy_counts(rig.proxy);
    ck_assert_uint_ge(counts.to_server, SOURCE);
    ck_assert_uint_ge(counts.to_client, ANSWER);
    rig_stop();
}
END_TEST

/* The other host dies: in the upload, in the reply, or before anything. After its time all goes to the
   first one. */
static const struct fault_plan deaths[] = {
    {.kind = FAULT_REFUSE, .direction = FAULT_TO_SERVER, .after = 0},
    {.kind = FAULT_REFUSE, .direction = FAULT_TO_SERVER, .after = 2 * MIB},
    {.kind = FAULT_REFUSE, .direction = FAULT_TO_CLIENT, .after = ANSWER / 2},
};

START_TEST(host_that_dies)
{
    bcj2_job *job = sent_to_the_proxy((unsigned)(_i / 3), false);
    fault_proxy_plan(rig.proxy, &deaths[_i % 3], 1);
    assert_status(bcj2_resume(job), BCJ2_OK);
    rig_finish(job);
    ck_assert_uint_eq(fault_proxy_counts(rig.proxy).faults, 1);
    ck_assert_uint_eq(server_logged(rig.server, "create {"), 1);
    ck_assert_uint_le(server_sums(rig.server).duplicate, 2 * PROBE);
    rig_assert_no_temporary_here();
    rig_stop();
}
END_TEST

/* ---- goodbyes ---- */

/* Cancel does not wait for a dead server; it hears of it when it is back, also from the next process. */
START_TEST(cancel_for_a_dead_server)
{
    rig_start(NULL, RIG_APPLICATION);
    rig_make("source", SOURCE);
    rig_proxy();
    bcj2_job *job = stalled_job(2 * MIB);
    server_kill(rig.server);
    assert_status(bcj2_cancel(job), BCJ2_OK);
    ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_CANCELLED);
    rig_unref(job);
    fault_proxy_release(rig.proxy);
    if (_i == 1) {
        rig_close();
        rig_open();
    }
    server_restart(rig.server);
    server_wait_logged(rig.server, "cancel {", 1);
    rig_assert_clean();
    rig_stop();
}
END_TEST

/* The server goes away between the reply and Close: the job is TRANSFERRED and can be completed. */
START_TEST(close_for_a_dead_server)
{
    const struct fault_plan in_the_reply = {.kind = FAULT_STALL,
                                            .direction = FAULT_TO_CLIENT,
                                            .after = ANSWER / 2};
    const struct fault_plan no_close = {.kind = FAULT_REFUSE, .direction = FAULT_TO_SERVER};
    rig_start(NULL, RIG_APPLICATION);
    rig_make("answer", ANSWER);
    rig_proxy();
    fault_proxy_plan(rig.proxy, &in_the_reply, 1);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    ck_assert(fault_proxy_wait_faults(rig.proxy, 1));
    fault_proxy_plan(rig.proxy, &no_close, 1);
    fault_proxy_release(rig.proxy);
    ck_assert(fault_proxy_wait_faults(rig.proxy, 2));
    rig_finish(job);
    ck_assert_uint_eq(server_logged(rig.server, "close {"), 0);
    if (_i == 1) {
        rig_close();
        rig_open();
    }
    fault_proxy_release(rig.proxy);
    server_wait_logged(rig.server, "close {", 1);
    rig_assert_clean();
    rig_stop();
}
END_TEST

/* A plain upload whose Close meets a dead server: one retry, then TRANSFERRED all the same. */
START_TEST(plain_upload_without_close)
{
    const struct fault_plan last_answer = {.kind = FAULT_STALL,
                                           .direction = FAULT_TO_CLIENT,
                                           .after = 300};
    const struct fault_plan no_close = {.kind = FAULT_REFUSE, .direction = FAULT_TO_SERVER};
    rig_start(NULL, RIG_FILES);
    rig_proxy();
    fault_proxy_plan(rig.proxy, &last_answer, 1);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD);
    ck_assert(fault_proxy_wait_faults(rig.proxy, 1));
    server_wait_logged(rig.server, "status 200", 1);
    fault_proxy_plan(rig.proxy, &no_close, 1);
    fault_proxy_release(rig.proxy);
    rig_finish(job);
    ck_assert_uint_eq(server_logged(rig.server, "close {"), 0);
    fault_proxy_release(rig.proxy);
    server_wait_logged(rig.server, "close {", 1);
    rig_assert_clean();
    rig_stop();
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "faults", 600);
    tcase_add_test(tc, anywhere);
    tcase_add_test(tc, session_lost);
    tcase_add_loop_test(tc, ladder_of_413, 0, COUNT(ladders));
    tcase_add_loop_test(tc, strict_416, 0, COUNT(cuts));
    tcase_add_loop_test(tc, forms_of_replies, 0, 2 * COUNT(reply_forms));
    tcase_add_test(tc, host_id);
    tcase_add_loop_test(tc, host_that_dies, 0, 2 * COUNT(deaths));
    tcase_add_loop_test(tc, cancel_for_a_dead_server, 0, 2);
    tcase_add_loop_test(tc, close_for_a_dead_server, 0, 2);
    tcase_add_test(tc, plain_upload_without_close);
}

SUITE_MAIN("faults", add_cases)
