/* SPDX-License-Identifier: MIT */
/* Changes that the runner has not heard of yet: another process commits first and tells afterwards, and
   may be killed in between. What the runner does meanwhile must be right. The other process is played by
   a second store in this one, which tells nobody. */
#include "../support/http_script.h"
#include "../support/rig.h"
#include "store.h"

static const struct http_step held[] = {ASK, HOLD, END};
static const struct http_step refused[] = {
    ASK, HOLD, SAY("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"), END};

static bcj2_job *begin_at(struct http_script *server)
{
    bcj2_job *job = client_job(rig.manager, rig_path("source"),
                               http_script_url(server, "/in/a.bin"), rig_path("out/reply"));
    assert_status(bcj2_set_priority(job, BCJ2_JOB_PRIORITY_FOREGROUND), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    ck_assert(http_script_wait_received(server, 0, 1));
    return job;
}

static void move(struct store *store, int64_t seq, bcj2_job_state from, bcj2_job_state to)
{
    assert_status(bcj2__store_begin(store, true), BCJ2_OK);
    assert_status(bcj2__store_set_state(store, seq, from, to, 1), BCJ2_OK);
    assert_status(bcj2__store_commit(store, true), BCJ2_OK);
}

static void suspend_and_resume_unheard(bcj2_job *job)
{
    struct store *store = NULL;
    struct store_job row = {0};
    const bcj2_guid id = client_id(job);
    assert_status(bcj2__store_open(rig_path("queue"), NULL, &store), BCJ2_OK);
    assert_status(bcj2__store_job_by_id(store, &id, &row), BCJ2_OK);
    move(store, row.seq, BCJ2_JOB_STATE_CONNECTING, BCJ2_JOB_STATE_SUSPENDED);
    move(store, row.seq, BCJ2_JOB_STATE_SUSPENDED, BCJ2_JOB_STATE_QUEUED);
    bcj2__store_job_done(&row);
    (void)bcj2__store_close(store);
}

/* The end of another job makes the runner look who is next, and finds a job QUEUED that it still runs. The
   old run must end: two of them would each open a session, and one would be forgotten. */
START_TEST(runs_once)
{
    const struct http_step *held_lists[] = {held}, *refused_lists[] = {refused};
    rig_prepare();
    rig_make("source", 1000);
    struct http_script *server = http_script_start(held_lists, 1);
    struct http_script *other_server = http_script_start(refused_lists, 1);
    bcj2_job *job = begin_at(server), *other = begin_at(other_server);
    suspend_and_resume_unheard(job);
    http_script_release(other_server);
    client_wait(other, STATE(ERROR));
    ck_assert(http_script_wait_received(server, 1, 1)); /* the job runs again */
    ck_assert(http_script_wait_closed(server, 0));      /* and not twice */
    rig_unref(job);
    rig_unref(other);
    http_script_stop(server);
    http_script_stop(other_server);
    rig_stop();
}
END_TEST

static void add_cases(Suite *suite)
{
    tcase_add_test(suite_case(suite, "unheard", 60), runs_once);
}

SUITE_MAIN("unheard", add_cases)
