/* SPDX-License-Identifier: MIT */
/* store: a job as JSON. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "store_fixture.h"

#include <cjson/cJSON.h>
#include "macro.h"

static const char *text_at(const cJSON *object, const char *group, const char *name)
{
    if (group != NULL) {
        object = cJSON_GetObjectItemCaseSensitive(object, group);
    }
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    ck_assert_msg(item != NULL, "%s.%s is missing", group == NULL ? "" : group, name);
    return cJSON_IsNull(item) ? NULL : cJSON_GetStringValue(item);
}

static double number_at(const cJSON *object, const char *group, const char *name)
{
    if (group != NULL) {
        object = cJSON_GetObjectItemCaseSensitive(object, group);
    }
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    ck_assert_msg(cJSON_IsNumber(item), "%s is no number", name);
    return item->valuedouble;
}

static cJSON *json_of(int64_t seq, char **ret_text)
{
    assert_status(bcj2__store_job_json(store, seq, "waiting \"here\"\n", ret_text), BCJ2_OK);
    cJSON *object = cJSON_Parse(*ret_text);
    ck_assert_ptr_nonnull(object);
    return object;
}

START_TEST(json_says_everything_but_secrets)
{
    static struct store_transfer t = {.bup = {.session_id = "{top-secret}"}, .get = {.offset = 7}};
    int64_t seq = add_job(BCJ2_JOB_STATE_SUSPENDED);
    struct store_job job;
    assert_status(bcj2__store_job_by_seq(store, seq, &job), BCJ2_OK);
    job.error_code = BCJ2_E_HTTP_ERROR_503;
    job.error_context = BCJ2_ERROR_CONTEXT_REMOTE_FILE;
    job.error_http_status = 503;
    job.error_count = UINT32_MAX;
    job.error_text = bcj2__mem_strdup("caf\xe9");
    job.next_attempt =
        (struct store_deadline){.set = true,
                                .boot_id = "b",
                                .wall = 116444736000000000u + 951782400u * (uint64_t)10000000u};
    job.reply_requested = true;
    job.reply_total = job.reply_transferred = UINT64_MAX - 1;
    begin();
    assert_status(bcj2__store_set_error(store, &job, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_retry(store, &job, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_reply(store, &job, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_transfer(store, seq, &t), BCJ2_OK);
    commit();
    char *text, id[BCJ2_GUID_TEXT_SIZE];
    cJSON *object = json_of(seq, &text);
    bcj2__guid_format(&job.id, id);
    ck_assert_str_eq(text_at(object, NULL, "id"), id);
    ck_assert_str_eq(text_at(object, NULL, "type"), "UPLOAD_REPLY");
    ck_assert_str_eq(text_at(object, NULL, "state"), "SUSPENDED");
    ck_assert_double_eq(number_at(object, NULL, "state_number"), 3);
    ck_assert_str_eq(text_at(object, NULL, "priority"), "NORMAL");
    ck_assert_str_eq(text_at(object, NULL, "owner"), "S-1-22-1-1000");
    ck_assert_str_eq(text_at(object, NULL, "status_text"), "waiting \"here\"\n");
    ck_assert_str_eq(text_at(object, "reply", "bytes_total"), "18446744073709551614");
    ck_assert_str_eq(text_at(object, "reply", "bytes_transferred"), "18446744073709551614");
    ck_assert_ptr_null(text_at(object, "reply", "file_name"));
    ck_assert_double_eq(number_at(object, "retry", "error_count"), UINT32_MAX);
    ck_assert_ptr_null(text_at(object, "retry", "next_attempt")); /* not in this state */
    ck_assert_ptr_null(text_at(object, NULL, "error"));
    ck_assert_str_eq(text_at(object, "progress", "bytes_total"), "1000");
    ck_assert_double_eq(number_at(object, "progress", "files_total"), 1);
    const cJSON *file = cJSON_GetArrayItem(cJSON_GetObjectItem(object, "files"), 0);
    ck_assert_str_eq(text_at(file, NULL, "remote_name"), "http://host/app");
    ck_assert_str_eq(text_at(file, NULL, "bytes_transferred"), "0");
    ck_assert_ptr_null(strstr(text, "secret"));
    cJSON_Delete(object);
    bcj2__mem_free(text);

    begin();
    assert_status(bcj2__store_set_state(store, seq, BCJ2_JOB_STATE_SUSPENDED,
                                        BCJ2_JOB_STATE_TRANSIENT_ERROR, NOW),
                  BCJ2_OK);
    struct store_file unknown = {.index = 0, .bytes_total = BCJ2_SIZE_UNKNOWN};
    assert_status(bcj2__store_set_file_progress(store, seq, &unknown, NOW), BCJ2_OK);
    commit();
    object = json_of(seq, &text);
    ck_assert_str_eq(text_at(object, "error", "code"), "0x801901F7");
    ck_assert_double_eq(number_at(object, "error", "http_status"), 503);
    ck_assert_str_eq(text_at(object, "error", "text"), "caf?");
    ck_assert_str_eq(text_at(cJSON_GetObjectItem(object, "retry"), "next_attempt", "utc"),
                     "2000-02-29T00:00:00.000Z");
    ck_assert_ptr_null(text_at(object, "progress", "bytes_total"));
    cJSON_Delete(object);
    bcj2__mem_free(text);
    bcj2__store_job_done(&job);
}
END_TEST

static const struct {
    uint64_t filetime;
    const char *utc;
} times[] = {
    {1, "1601-01-01T00:00:00.000Z"},
    {116444736000000000u, "1970-01-01T00:00:00.000Z"},
    {116444735999990000u, "1969-12-31T23:59:59.999Z"},
    {125911584000000000u, "2000-01-01T00:00:00.000Z"},
    {125963423999990000u, "2000-02-29T23:59:59.999Z"},
    {126227807999990000u, "2000-12-31T23:59:59.999Z"},
    {94354847999990000u, "1899-12-31T23:59:59.999Z"},
    {94405823999990000u, "1900-02-28T23:59:59.999Z"},
    {94405824000000000u, "1900-03-01T00:00:00.000Z"},
    {133536383991230000u, "2024-02-28T23:59:59.123Z"},
    {133537247990000000u, "2024-02-29T23:59:59.000Z"},
    {UINT64_MAX, "60056-05-28T05:36:10.955Z"},
};

START_TEST(json_writes_times)
{
    struct store_job job = plain_job(BCJ2_JOB_STATE_SUSPENDED);
    job.creation_time = times[_i].filetime;
    begin();
    assert_status(bcj2__store_job_insert(store, &job), BCJ2_OK);
    commit();
    char *text, number[24];
    cJSON *object = json_of(job.seq, &text);
    const cJSON *group = cJSON_GetObjectItem(object, "times");
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)times[_i].filetime);
    ck_assert_str_eq(text_at(group, "creation", "filetime"), number);
    ck_assert_str_eq(text_at(group, "creation", "utc"), times[_i].utc);
    ck_assert_ptr_null(text_at(group, NULL, "transfer_completion"));
    cJSON_Delete(object);
    bcj2__mem_free(text);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "json", 20);
    tcase_add_checked_fixture(tc, store_start, store_stop);
    tcase_add_test(tc, json_says_everything_but_secrets);
    tcase_add_loop_test(tc, json_writes_times, 0, ARRAY_LEN(times));
}

SUITE_MAIN("store_json", add_cases)
