/* SPDX-License-Identifier: MIT */
/* store: a job as JSON. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "store_event.h"
#include "store_fixture.h"

#include <bcj2/notify.h>
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

static uint8_t sealed[] = {1, 2, 3};
static char pem[] = "/etc/ssl/me.pem", pin[] = "sha256//x", method[] = "POST";

/* What a download job can have, and that what is sealed is only said to be there. */
START_TEST(json_says_options_and_files_of_a_download)
{
    static char url[] = "/mnt/a?b#c", web[] = "https://h/a?key=secret",
                other[] = "http://m/?secret";
    static char temp[] = "/d/.tmp", path[] = "/d/a";
    static struct store_range ranges[] = {{UINT64_MAX - 1, 1}, {5, BCJ2_SIZE_UNKNOWN}};
    struct store_job job = plain_job(BCJ2_JOB_STATE_ERROR);
    job.type = BCJ2_JOB_TYPE_DOWNLOAD;
    job.max_download_s = UINT32_MAX;
    job.download_ms = 61999;
    job.error_code = BCJ2_E_HTTP_ERROR_404;
    job.error_has_file = true;
    job.error_file = 1;
    struct store_file files[] = {
        {.index = 0, .remote_name = url, .local_name = path, .bytes_total = 7, .transferred = true},
        {.index = 1,
         .remote_name = web,
         .local_name = path,
         .pending_remote_name = other,
         .bytes_total = 9,
         .bytes_transferred = 4,
         .temp_name = temp,
         .ranges = ranges,
         .range_count = 2},
    };
    const struct store_http options = {.method = method,
                                       .security_flags = 0x101,
                                       .client_certificate = pem,
                                       .pinned_key = pin,
                                       .tls_max = 12,
                                       .headers = sealed,
                                       .headers_size = sizeof sealed,
                                       .key_password = sealed,
                                       .key_password_size = sizeof sealed};
    begin();
    assert_status(bcj2__store_job_insert(store, &job), BCJ2_OK);
    assert_status(bcj2__store_file_insert(store, job.seq, &files[0], NOW), BCJ2_OK);
    assert_status(bcj2__store_file_insert(store, job.seq, &files[1], NOW), BCJ2_OK);
    assert_status(bcj2__store_set_http(store, job.seq, &options, NOW), BCJ2_OK);
    commit();
    char *text;
    cJSON *object = json_of(job.seq, &text);
    ck_assert_double_eq(number_at(object, NULL, "maximum_download_time_s"), UINT32_MAX);
    ck_assert_double_eq(number_at(object, NULL, "download_time_s"), 61);
    ck_assert_str_eq(text_at(object, "http", "method"), "POST");
    ck_assert_double_eq(number_at(object, "http", "security_flags"), 0x101);
    ck_assert_str_eq(text_at(object, "http", "client_certificate"), pem);
    ck_assert_str_eq(text_at(object, "http", "pinned_public_key"), pin);
    ck_assert_ptr_null(text_at(object, "http", "ca_file"));
    ck_assert_ptr_null(text_at(object, "http", "client_key"));
    ck_assert_double_eq(number_at(object, "http", "tls_max"), 12);
    const cJSON *http = cJSON_GetObjectItem(object, "http");
    ck_assert(cJSON_IsTrue(cJSON_GetObjectItem(http, "custom_headers")));
    ck_assert(cJSON_IsTrue(cJSON_GetObjectItem(http, "client_key_password")));
    ck_assert(cJSON_IsFalse(cJSON_GetObjectItem(http, "custom_headers_write_only")));
    ck_assert_double_eq(number_at(object, "error", "file_index"), 1);
    ck_assert_str_eq(text_at(object, "progress", "bytes_total"), "16");
    const cJSON *list = cJSON_GetObjectItem(object, "files");
    const cJSON *file = cJSON_GetArrayItem(list, 0);
    ck_assert_str_eq(text_at(file, NULL, "remote_name"), url); /* a path has no query */
    ck_assert_ptr_null(text_at(file, NULL, "ranges"));
    ck_assert_ptr_null(text_at(file, NULL, "temporary_name"));
    file = cJSON_GetArrayItem(list, 1);
    ck_assert_str_eq(text_at(file, NULL, "remote_name"), "https://h/a");
    ck_assert_str_eq(text_at(file, NULL, "new_remote_name"), "http://m/");
    ck_assert_str_eq(text_at(file, NULL, "temporary_name"), temp);
    const cJSON *range = cJSON_GetArrayItem(cJSON_GetObjectItem(file, "ranges"), 0);
    ck_assert_str_eq(text_at(range, NULL, "initial_offset"), "18446744073709551614");
    ck_assert_str_eq(text_at(range, NULL, "length"), "1");
    range = cJSON_GetArrayItem(cJSON_GetObjectItem(file, "ranges"), 1);
    ck_assert_ptr_null(text_at(range, NULL, "length"));
    ck_assert_ptr_null(strstr(text, "secret"));
    cJSON_Delete(object);
    bcj2__mem_free(text);
}
END_TEST

/* Flags as names, and the event that is owed with whose turn it is. */
START_TEST(json_says_who_is_to_be_told)
{
    struct store_job job = plain_job(BCJ2_JOB_STATE_TRANSFERRED);
    char *text;
    begin();
    assert_status(bcj2__store_job_insert(store, &job), BCJ2_OK);
    assert_status(bcj2__store_set_notify_flags(store, job.seq, 0, NOW), BCJ2_OK);
    commit();
    cJSON *object = json_of(job.seq, &text);
    const cJSON *notify = cJSON_GetObjectItem(object, "notify");
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(notify, "flags")), 0);
    ck_assert_double_eq(number_at(notify, NULL, "flags_number"), 0);
    ck_assert_ptr_null(text_at(notify, NULL, "program"));
    ck_assert_ptr_null(text_at(notify, NULL, "parameters"));
    ck_assert_ptr_null(text_at(notify, NULL, "event"));
    cJSON_Delete(object);
    bcj2__mem_free(text);

    struct store_event file = {.job_seq = job.seq, .kind = BCJ2_NOTIFY_FILE_TRANSFERRED};
    struct store_event event = {
        .job_seq = job.seq,
        .kind = BCJ2_NOTIFY_JOB_ERROR,
        .time = 116444736000000000u,
        .turn = NOTIFY_COMMAND,
        .running = true,
        .attempts = UINT32_MAX,
        .next = {.set = true, .boot_id = "b", .wall = 125911584000000000u},
    };
    begin();
    assert_status(bcj2__store_set_notify_flags(store, job.seq, 0x3F, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_notify_command(store, job.seq, "/bin/\"x\"", "x\n\"y\"", NOW),
                  BCJ2_OK);
    assert_status(bcj2__store_event_insert(store, &file), BCJ2_OK);
    assert_status(bcj2__store_event_insert(store, &event), BCJ2_OK);
    commit();
    object = json_of(job.seq, &text);
    notify = cJSON_GetObjectItem(object, "notify");
    const cJSON *flags = cJSON_GetObjectItem(notify, "flags");
    ck_assert_int_eq(cJSON_GetArraySize(flags), 6);
    ck_assert_str_eq(cJSON_GetArrayItem(flags, 0)->valuestring, "JOB_TRANSFERRED");
    ck_assert_str_eq(cJSON_GetArrayItem(flags, 5)->valuestring, "FILE_RANGES_TRANSFERRED");
    ck_assert_double_eq(number_at(notify, NULL, "flags_number"), 0x3F);
    ck_assert_str_eq(text_at(notify, NULL, "program"), "/bin/\"x\"");
    ck_assert_str_eq(text_at(notify, NULL, "parameters"), "x\n\"y\"");
    ck_assert_str_eq(text_at(notify, "event", "name"), "error"); /* not the file's */
    ck_assert_str_eq(text_at(notify, "event", "number"), "2");
    ck_assert_str_eq(text_at(notify, "event", "turn"), "command");
    ck_assert_double_eq(number_at(notify, "event", "attempts"), UINT32_MAX);
    const cJSON *owed = cJSON_GetObjectItem(notify, "event");
    ck_assert(cJSON_IsTrue(cJSON_GetObjectItem(owed, "running")));
    ck_assert_str_eq(text_at(owed, "time", "utc"), "1970-01-01T00:00:00.000Z");
    ck_assert_str_eq(text_at(owed, "next_attempt", "utc"), "2000-01-01T00:00:00.000Z");
    cJSON_Delete(object);
    bcj2__mem_free(text);

    begin();
    event.result = BCJ2_EVENT_DELIVERED;
    assert_status(bcj2__store_event_update(store, &event), BCJ2_OK);
    commit();
    object = json_of(job.seq, &text);
    ck_assert_ptr_null(text_at(object, "notify", "event"));
    cJSON_Delete(object);
    bcj2__mem_free(text);
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
    tcase_add_test(tc, json_says_options_and_files_of_a_download);
    tcase_add_test(tc, json_says_who_is_to_be_told);
    tcase_add_loop_test(tc, json_writes_times, 0, ARRAY_LEN(times));
}

SUITE_MAIN("store_json", add_cases)
