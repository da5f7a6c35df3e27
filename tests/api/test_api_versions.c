/* SPDX-License-Identifier: MIT */
/* A queue that the library's first version left: today's library shows each property of each job as that
   version did. What no getter shows, and migrations that fail: tests/unit/test_store_versions.c. */
#include "../support/queue.h"
#include "../support/queue_v1.h"

#include <cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bcj2_manager *manager;
static cJSON *expected; /* jobs.json */

static void start(void)
{
    size_t size = 0;
    queue_prepare();
    ck_assert_int_eq(mkdir(queue_path("queue"), 0700), 0);
    queue_v1_copy(queue_path("queue"), true);
    char *text = queue_read_file(QUEUE_V1_FOLDER "jobs.json", &size);
    expected = cJSON_Parse(text);
    ck_assert(cJSON_IsArray(expected));
    free(text);
    bcj2_manager_options o = BCJ2_MANAGER_OPTIONS_INIT;
    o.flags = BCJ2_MANAGER_CONTROL_ONLY; /* the jobs' hosts do not exist */
    assert_status(bcj2_manager_open(queue_path("queue"), &o, &manager), BCJ2_OK);
}

static void stop(void)
{
    manager = bcj2_manager_close(manager);
    cJSON_Delete(expected);
    queue_stop();
}

/* All that the first version said is said; there may be more. */
static void check_says(const cJSON *now, const cJSON *then, const char *name)
{
    ck_assert_msg(now != NULL && (now->type & 0xff) == (then->type & 0xff), "%s is another thing",
                  name);
    if (cJSON_IsArray(then)) {
        ck_assert_int_eq(cJSON_GetArraySize(now), cJSON_GetArraySize(then));
    }
    int i = 0;
    const cJSON *member;
    cJSON_ArrayForEach(member, then)
    {
        bool named = cJSON_IsObject(then);
        check_says(named ? cJSON_GetObjectItemCaseSensitive(now, member->string)
                         : cJSON_GetArrayItem(now, i),
                   member, named ? member->string : name);
        i++;
    }
    if (i == 0) {
        ck_assert_msg(cJSON_Compare(now, then, true), "%s is not what it was", name);
    }
}

static bcj2_job *job_number(unsigned n)
{
    const bcj2_guid id = {0xb1000000u + n, 0x1234, 0x4567, {0x89, 1, 2, 3, 4, 5, 6, 7}};
    bcj2_job *job = NULL;
    assert_status(bcj2_manager_get_job(manager, &id, &job), BCJ2_OK);
    return job;
}

static const char *text_of(const cJSON *job, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(job, name));
}

START_TEST(each_job_says_what_it_said_then)
{
    const cJSON *then;
    int jobs = 0;
    cJSON_ArrayForEach(then, expected)
    {
        unsigned n = 0;
        ck_assert_int_eq(sscanf(text_of(then, "id"), "{b10000%2x", &n), 1);
        if (strcmp(text_of(then, "state"), "CANCELLED") == 0) {
            continue; /* in no list any more */
        }
        bcj2_job *job = job_number(n);
        char *text = queue_json(job);
        cJSON *now = cJSON_Parse(text);
        check_says(now, then, text_of(then, "display_name"));
        cJSON_Delete(now);
        bcj2_free(text);
        bcj2_job_unref(job);
        jobs++;
    }
    ck_assert_int_eq(jobs, 10);
}
END_TEST

START_TEST(the_list_is_complete_and_in_order)
{
    bcj2_job_enum *jobs = NULL;
    bcj2_job *job = NULL;
    uint32_t count = 0;
    bcj2_guid id;
    assert_status(bcj2_manager_enum_jobs(manager, BCJ2_JOB_ENUM_ALL_USERS, &jobs), BCJ2_OK);
    assert_status(bcj2_job_enum_count(jobs, &count), BCJ2_OK);
    ck_assert_uint_eq(count, 10);
    static const unsigned order[] = {1, 2, 3, 4, 5, 6, 7, 8, 11, 12};
    for (uint32_t i = 0; i < count; i++) {
        assert_status(bcj2_job_enum_next(jobs, &job), BCJ2_OK);
        assert_status(bcj2_get_id(job, &id), BCJ2_OK);
        ck_assert_uint_eq(id.data1, 0xb1000000u + order[i]);
        bcj2_job_unref(job);
    }
    bcj2_job_enum_unref(jobs);
}
END_TEST

/* One getter each, for a job that has everything and one of another type. */
START_TEST(getters_say_what_was_set_then)
{
    static const unsigned numbers[] = {3, 12};
    unsigned n = numbers[_i];
    bool both_ways = n == 3;
    bcj2_job *job = job_number(n);
    bcj2_job_type type;
    bcj2_job_priority priority;
    bcj2_job_progress progress = BCJ2_JOB_PROGRESS_INIT;
    bcj2_job_times times = BCJ2_JOB_TIMES_INIT;
    uint32_t delay, timeout, errors;
    char *name, *description, *owner, *reply = NULL, wanted[64];
    assert_status(bcj2_get_type(job, &type), BCJ2_OK);
    assert_status(bcj2_get_priority(job, &priority), BCJ2_OK);
    assert_status(bcj2_get_progress(job, &progress), BCJ2_OK);
    assert_status(bcj2_get_times(job, &times), BCJ2_OK);
    assert_status(bcj2_get_minimum_retry_delay(job, &delay), BCJ2_OK);
    assert_status(bcj2_get_no_progress_timeout(job, &timeout), BCJ2_OK);
    assert_status(bcj2_get_error_count(job, &errors), BCJ2_OK);
    assert_status(bcj2_get_display_name(job, &name), BCJ2_OK);
    assert_status(bcj2_get_description(job, &description), BCJ2_OK);
    assert_status(bcj2_get_owner(job, &owner), BCJ2_OK);
    assert_status(bcj2_get_reply_file_name(job, &reply), both_ways ? BCJ2_OK : BCJ2_E_NOTIMPL);
    ck_assert_int_eq(queue_state(job),
                     both_ways ? BCJ2_JOB_STATE_TRANSFERRING : BCJ2_JOB_STATE_TRANSFERRED);
    ck_assert_int_eq(type, both_ways ? BCJ2_JOB_TYPE_UPLOAD_REPLY : BCJ2_JOB_TYPE_UPLOAD);
    ck_assert_int_eq(priority, (bcj2_job_priority)(n % 4));
    ck_assert_uint_eq(progress.bytes_total, UINT64_C(0x100000000) + n);
    ck_assert_uint_eq(progress.bytes_transferred, both_ways ? 5000 : UINT64_C(0x10000000c));
    ck_assert_uint_eq(times.creation_time, UINT64_C(133400000000000000) + n);
    ck_assert_uint_eq(times.modification_time, UINT64_C(133400000000000100) + n);
    ck_assert_uint_eq(times.transfer_completion_time, both_ways ? 0 : UINT64_C(133400000000000212));
    ck_assert_uint_eq(delay, 600 + n);
    ck_assert_uint_eq(timeout, 1209600 + n);
    ck_assert_uint_eq(errors, n);
    (void)snprintf(wanted, sizeof wanted, "Auftrag %u \xe2\x82\xac", n);
    ck_assert_str_eq(name, wanted);
    (void)snprintf(wanted, sizeof wanted, "the job number %u", n);
    ck_assert_str_eq(description, wanted);
    (void)snprintf(wanted, sizeof wanted, "S-1-22-1-%u", 1000 + n);
    ck_assert_str_eq(owner, wanted);
    if (both_ways) {
        ck_assert_str_eq(reply, "/nonexistent/bcj2/reply-3");
    }
    bcj2_free(name);
    bcj2_free(description);
    bcj2_free(owner);
    bcj2_free(reply);
    bcj2_job_unref(job);
}
END_TEST

/* They are jobs like others: they can be changed, stopped, and dropped. */
START_TEST(jobs_of_then_take_calls_of_now)
{
    bcj2_job *running = job_number(3), *waiting = job_number(4);
    assert_status(bcj2_set_display_name(running, "renamed"), BCJ2_OK);
    assert_status(bcj2_suspend(running), BCJ2_OK);
    ck_assert_int_eq(queue_state(running), BCJ2_JOB_STATE_SUSPENDED);
    assert_status(bcj2_resume(running), BCJ2_OK);
    ck_assert_int_eq(queue_state(running), BCJ2_JOB_STATE_QUEUED);
    assert_status(bcj2_cancel(waiting), BCJ2_OK);
    ck_assert_int_eq(queue_state(waiting), BCJ2_JOB_STATE_CANCELLED);
    bcj2_job_unref(running);
    bcj2_job_unref(waiting);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "the first version", 30);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, each_job_says_what_it_said_then);
    tcase_add_test(tc, the_list_is_complete_and_in_order);
    tcase_add_loop_test(tc, getters_say_what_was_set_then, 0, 2);
    tcase_add_test(tc, jobs_of_then_take_calls_of_now);
}

SUITE_MAIN("api_versions", add_cases)
