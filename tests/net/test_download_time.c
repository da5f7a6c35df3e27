/* SPDX-License-Identifier: MIT */
/* The longest time that a transfer may take, with a clock that can be ahead: what counts, what begins anew,
   what is kept over a restart. */
#include "../support/fake_clock.h"
#include "../support/http_script.h"
#include "../support/rig.h"
#include "timeouts.h"

static bcj2_job *new_job(void)
{
    bcj2_job *job = NULL;
    bcj2_guid id;
    assert_status(bcj2_manager_create_job(rig.manager, "time", BCJ2_JOB_TYPE_DOWNLOAD, &id, &job),
                  BCJ2_OK);
    return job;
}

static void resume(bcj2_job *job)
{
    assert_status(bcj2_resume(job), BCJ2_OK);
}

/* It has a file whose bytes stop coming after 20,000. */
static struct http_script *slow_server(void)
{
    static const struct http_step slow[] = {
        ASK,
        SAY("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"), /* HEAD */
        ASK,
        SAY("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"),
        SAY_N("0123456789", 2000),
        HOLD,
        END,
    };
    static const struct http_step rest[] = {
        ASK,
        SAY("HTTP/1.1 206 Partial Content\r\nContent-Length: 80000\r\n"
            "Content-Range: bytes 20000-99999/100000\r\n\r\n0123456789"),
        HOLD,
        END,
    };
    static const struct http_step *const lists[] = {slow, rest};
    return http_script_start(lists, 2);
}

static struct fake_clock clocks;

static void wait_time_is_over(bcj2_job *job)
{
    client_wait_error(job, BCJ2_JOB_STATE_ERROR, BCJ2_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER,
                      BCJ2_E_MAXDOWNLOAD_TIMEOUT);
}

static bcj2_job *transferring_for_100_s_at_most(struct http_script *slow)
{
    bcj2_job *job = new_job();
    bcj2__timeouts.receive_stall_ms = bcj2__timeouts.response_ms = UINT32_MAX;
    assert_status(bcj2_add_file(job, http_script_url(slow, "/a"), rig_path("out/a")), BCJ2_OK);
    assert_status(bcj2_set_maximum_download_time(job, 100), BCJ2_OK);
    resume(job);
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    do {
        assert_status(bcj2_get_progress(job, &p), BCJ2_OK);
    } while (p.bytes_transferred < 20000);
    return job;
}

/* Any call wakes the engine. */
static void let_pass(bcj2_job *job, uint64_t ms)
{
    atomic_fetch_add(&clocks.boot_ms, (int64_t)ms);
    assert_status(bcj2_set_description(job, "later"), BCJ2_OK);
}

START_TEST(the_time_of_a_transfer_is_limited)
{
    fake_clock_install(&clocks);
    rig_prepare();
    struct http_script *slow = slow_server();
    bcj2_job *job = transferring_for_100_s_at_most(slow);
    let_pass(job, 99000);
    assert_status(bcj2_suspend(job), BCJ2_OK); /* and again: a Resume begins anew */
    let_pass(job, 1000000);
    resume(job);
    client_wait(job, STATE(TRANSFERRING));
    let_pass(job, 99000);
    ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_TRANSFERRING);
    if (_i == 0) {
        let_pass(job, 1000);
    } else {
        assert_status(bcj2_set_maximum_download_time(job, 99), BCJ2_OK);
    }
    wait_time_is_over(job);
    rig_unref(job);
    http_script_stop(slow);
    rig_stop();
}
END_TEST

/* A Resume of a job that runs changes nothing but this. */
START_TEST(resume_begins_the_time_anew)
{
    fake_clock_install(&clocks);
    rig_prepare();
    struct http_script *slow = slow_server();
    bcj2_job *job = transferring_for_100_s_at_most(slow);
    let_pass(job, 60000);
    resume(job);
    let_pass(job, 60000);
    assert_status(bcj2_wait(job, STATE(ERROR), 300, NULL), BCJ2_S_FALSE);
    let_pass(job, 101000);
    wait_time_is_over(job);
    rig_unref(job);
    http_script_stop(slow);
    rig_stop();
}
END_TEST

/* The time before a restart counts, the time between does not. */
START_TEST(the_time_is_kept_over_a_restart)
{
    fake_clock_install(&clocks);
    rig_prepare();
    struct http_script *slow = slow_server();
    bcj2_job *job = transferring_for_100_s_at_most(slow);
    bcj2_guid id = client_id(job);
    let_pass(job, 60000);
    rig_unref(job);
    rig_close();
    atomic_fetch_add(&clocks.boot_ms, 1000000);
    rig_open();
    assert_status(bcj2_manager_get_job(rig.manager, &id, &job), BCJ2_OK);
    client_wait(job, STATE(TRANSFERRING));
    let_pass(job, 30000);
    ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_TRANSFERRING);
    let_pass(job, 11000);
    wait_time_is_over(job);
    rig_unref(job);
    http_script_stop(slow);
    rig_stop();
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "time", 20);
    tcase_add_loop_test(tc, the_time_of_a_transfer_is_limited, 0, 2);
    tcase_add_test(tc, resume_begins_the_time_anew);
    tcase_add_test(tc, the_time_is_kept_over_a_restart);
}

SUITE_MAIN("time of downloads", add_cases)
