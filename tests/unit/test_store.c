/* SPDX-License-Identifier: MIT */
/* store: every record comes back as it went in. Files are in test_store_file.c, HTTP options in
   test_store_http.c. Transactions and questions about many jobs are in
   test_store_queue.c, opening in test_store_open.c, failures and other processes in
   test_store_faults.c. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "store_fixture.h"

#include "macro.h"

/* ---- records ---- */

static char long_text[8193];

static const struct {
    const char *name;
    uint64_t number;
    uint32_t small;
    int32_t sign;
    const char *text;
    bool flag;
} extremes[] = {
    {"zeroes and empty texts", 0, 0, 0, "", false},
    {"the largest numbers, a long text", UINT64_MAX, UINT32_MAX, INT32_MIN, long_text, true},
    {"either side of the sign", (uint64_t)1 << 63, (uint32_t)1 << 31, -1,
     "\xc3\xa4 \xf0\x9f\x93\xa6", true},
};

static void fill_long_text(void)
{
    memset(long_text, 'x', sizeof long_text - 1);
}

static struct store_deadline deadline(uint64_t n, bool set)
{
    struct store_deadline d = {.set = set};
    if (set) {
        memcpy(d.boot_id, "0123456789abcdef0123456789abcdef-000000", sizeof d.boot_id);
        d.now_ms = n;
        d.wall = n ^ 1;
    }
    return d;
}

static void same_deadline(const struct store_deadline *a, const struct store_deadline *b)
{
    ck_assert_int_eq(a->set, b->set);
    ck_assert_str_eq(a->boot_id, b->boot_id);
    ck_assert_uint_eq(a->now_ms, b->now_ms);
    ck_assert_uint_eq(a->wall, b->wall);
}

static struct store_job extreme_job(int row, bcj2_guid id)
{
    char *text = (char *)(uintptr_t)extremes[row].text;
    uint64_t n = extremes[row].number;
    uint32_t small = extremes[row].small;
    bool flag = extremes[row].flag;
    return (struct store_job){
        .id = id,
        .owner_uid = small,
        .type = BCJ2_JOB_TYPE_UPLOAD_REPLY,
        .state = BCJ2_JOB_STATE_SUSPENDED,
        .priority = BCJ2_JOB_PRIORITY_LOW,
        .display_name = text,
        .description = text,
        .notify_flags = small,
        .retry_delay_s = small,
        .no_progress_s = small / 2,
        .creation_time = n,
        .modification_time = n / 3,
        .completion_time = n / 5,
        .queued_order = n / 7,
        .error_count = small / 3,
        .error_context = BCJ2_ERROR_CONTEXT_REMOTE_FILE,
        .error_code = extremes[row].sign,
        .error_http_status = small / 5,
        .error_has_file = flag,
        .error_has_protocol = !flag,
        .error_file = small / 11,
        .error_text = flag ? text : NULL,
        .next_attempt = deadline(n, flag),
        .series_start = deadline(n / 2, !flag),
        .reply_name = flag ? NULL : text,
        .reply_generated = flag,
        .reply_temp = flag ? text : NULL,
        .reply_requested = !flag,
        .reply_total = n,
        .completing = flag,
        .completing_device = n,
        .completing_inode = n / 11,
        .max_download_s = small / 7,
        .download_ms = n / 13,
        .resumed = !flag,
    };
}

static void same_job(const struct store_job *a, const struct store_job *b)
{
    ck_assert(bcj2__guid_equal(&a->id, &b->id));
    ck_assert_int_eq(a->seq, b->seq);
    ck_assert_uint_eq(a->owner_uid, b->owner_uid);
    ck_assert_int_eq(a->type, b->type);
    ck_assert_int_eq(a->state, b->state);
    ck_assert_int_eq(a->priority, b->priority);
    ck_assert_str_eq(a->display_name, b->display_name);
    ck_assert_str_eq(a->description, b->description);
    ck_assert_uint_eq(a->notify_flags, b->notify_flags);
    ck_assert_uint_eq(a->retry_delay_s, b->retry_delay_s);
    ck_assert_uint_eq(a->no_progress_s, b->no_progress_s);
    ck_assert_uint_eq(a->creation_time, b->creation_time);
    ck_assert_uint_eq(a->modification_time, b->modification_time);
    ck_assert_uint_eq(a->completion_time, b->completion_time);
    ck_assert_uint_eq(a->queued_order, b->queued_order);
    ck_assert_uint_eq(a->error_count, b->error_count);
    ck_assert_int_eq(a->error_context, b->error_context);
    ck_assert_int_eq(a->error_code, b->error_code);
    ck_assert_uint_eq(a->error_http_status, b->error_http_status);
    ck_assert_int_eq(a->error_has_file, b->error_has_file);
    ck_assert_int_eq(a->error_has_protocol, b->error_has_protocol);
    ck_assert_uint_eq(a->error_file, b->error_file);
    ck_assert_pstr_eq(a->error_text, b->error_text);
    same_deadline(&a->next_attempt, &b->next_attempt);
    same_deadline(&a->series_start, &b->series_start);
    ck_assert_pstr_eq(a->reply_name, b->reply_name);
    ck_assert_int_eq(a->reply_generated, b->reply_generated);
    ck_assert_pstr_eq(a->reply_temp, b->reply_temp);
    ck_assert_int_eq(a->reply_requested, b->reply_requested);
    ck_assert_uint_eq(a->reply_total, b->reply_total);
    ck_assert_int_eq(a->completing, b->completing);
    ck_assert_uint_eq(a->completing_device, b->completing_device);
    ck_assert_uint_eq(a->completing_inode, b->completing_inode);
    ck_assert_uint_eq(a->max_download_s, b->max_download_s);
    ck_assert_uint_eq(a->download_ms, b->download_ms);
    ck_assert_int_eq(a->resumed, b->resumed);
}

START_TEST(a_job_comes_back_as_it_went_in)
{
    struct store_job job = extreme_job(_i, bcj2__guid_random()), got;
    begin();
    assert_status(bcj2__store_job_insert(store, &job), BCJ2_OK);
    commit();
    assert_status(bcj2__store_job_by_id(store, &job.id, &got), BCJ2_OK);
    same_job(&got, &job);
    bcj2__store_job_done(&got);
    ck_assert_ptr_null(got.display_name);
    reopen();
    assert_status(bcj2__store_job_by_seq(store, job.seq, &got), BCJ2_OK);
    same_job(&got, &job);
    bcj2__store_job_done(&got);
}
END_TEST

START_TEST(groups_of_a_job_are_set_and_nothing_else)
{
    struct store_job want = plain_job(BCJ2_JOB_STATE_SUSPENDED), got;
    begin();
    assert_status(bcj2__store_job_insert(store, &want), BCJ2_OK);
    commit();
    struct store_job extreme = extreme_job(_i, want.id);
    extreme.seq = want.seq;
    uint64_t change = change_number();

    begin();
    assert_status(bcj2__store_set_display_name(store, want.seq, extremes[_i].text, NOW + 1),
                  BCJ2_OK);
    assert_status(bcj2__store_set_description(store, want.seq, extremes[_i].text, NOW + 2),
                  BCJ2_OK);
    assert_status(bcj2__store_set_priority(store, want.seq, extreme.priority, NOW + 3), BCJ2_OK);
    assert_status(bcj2__store_set_retry_delay(store, want.seq, extreme.retry_delay_s, NOW + 4),
                  BCJ2_OK);
    assert_status(bcj2__store_set_no_progress(store, want.seq, extreme.no_progress_s, NOW + 5),
                  BCJ2_OK);
    assert_status(bcj2__store_set_max_download(store, want.seq, extreme.max_download_s, NOW + 5),
                  BCJ2_OK);
    assert_status(bcj2__store_set_download_ms(store, want.seq, want.download_ms,
                                              extreme.download_ms, NOW + 5),
                  BCJ2_OK);
    assert_status(bcj2__store_set_owner(store, want.seq, extreme.owner_uid, NOW + 5), BCJ2_OK);
    commit();
    want.display_name = want.description = extreme.display_name;
    want.priority = extreme.priority;
    want.retry_delay_s = extreme.retry_delay_s;
    want.no_progress_s = extreme.no_progress_s;
    want.max_download_s = extreme.max_download_s;
    want.download_ms = extreme.download_ms;
    want.owner_uid = extreme.owner_uid;
    want.modification_time = NOW + 5;
    assert_status(bcj2__store_job_by_seq(store, want.seq, &got), BCJ2_OK);
    same_job(&got, &want);
    bcj2__store_job_done(&got);
    ck_assert_uint_eq(change_number(), change + 1);

    begin();
    assert_status(bcj2__store_set_error(store, &extreme, NOW + 6), BCJ2_OK);
    assert_status(bcj2__store_set_retry(store, &extreme, NOW + 7), BCJ2_OK);
    assert_status(bcj2__store_set_reply(store, &extreme, NOW + 8), BCJ2_OK);
    assert_status(bcj2__store_set_completing(store, &extreme, NOW + 8), BCJ2_OK);
    assert_status(bcj2__store_set_resumed(store, want.seq, NOW + 9), BCJ2_OK);
    commit();
    extreme.resumed = true;
    extreme.download_ms = 0;
    extreme.owner_uid = want.owner_uid;
    extreme.state = want.state;
    extreme.notify_flags = want.notify_flags;
    extreme.creation_time = want.creation_time;
    extreme.completion_time = want.completion_time;
    extreme.queued_order = want.queued_order;
    extreme.modification_time = NOW + 9;
    assert_status(bcj2__store_job_by_seq(store, want.seq, &got), BCJ2_OK);
    same_job(&got, &extreme);
    bcj2__store_job_done(&got);

    begin();
    assert_status(bcj2__store_set_reply_name(store, want.seq, NULL, true, NOW), BCJ2_OK);
    commit();
    assert_status(bcj2__store_job_by_seq(store, want.seq, &got), BCJ2_OK);
    ck_assert_ptr_null(got.reply_name);
    ck_assert(got.reply_generated);
    bcj2__store_job_done(&got);
}
END_TEST

/* Every byte of the text fields and every number gets a value of its own. */
static void fill_transfer(struct store_transfer *t, int row)
{
    const char *text = extremes[row].text;
    uint64_t n = extremes[row].number;
    uint32_t small = extremes[row].small;
    bool flag = extremes[row].flag;
    *t = (struct store_transfer){.exists = true};
    t->bup.phase = row == 0 ? BUP_NONE : BUP_DONE;
    t->bup.source = (struct bup_source){n, (int64_t)(n / 3), extremes[row].sign};
    (void)snprintf(t->bup.session_id, sizeof t->bup.session_id, "%s", text);
    (void)snprintf(t->bup.host_id, sizeof t->bup.host_id, "%s", text);
    (void)snprintf(t->bup.reply_url, sizeof t->bup.reply_url, "%s", text);
    (void)snprintf(t->bup.reply_host, sizeof t->bup.reply_host, "%s", text);
    t->bup.fallback_s = small;
    t->bup.fallback_used_ms = n / 5;
    t->bup.acked = n / 7;
    t->bup.fragment = small / 3;
    t->bup.ceiling = small / 5;
    t->bup.close_tried = flag;
    t->bup.bad_answers = flag ? UINT32_MAX : 0;
    t->bup.new_session_tried = !flag;
    t->get.begun = flag;
    t->get.total_known = !flag;
    t->get.total = n / 11;
    t->get.offset = n / 13;
    t->get.synced = n / 17;
    (void)snprintf(t->get.etag, sizeof t->get.etag, "%s", text);
    (void)snprintf(t->get.last_modified, sizeof t->get.last_modified, "%s", text);
    t->get.last_modified_strong = flag;
    t->get.restarts = small / 7;
    t->get.preconditions_failed = small / 11;
    t->get.plain_only = !flag;
    t->get.origin_tried = flag;
    t->get.bad_answers = flag ? UINT32_MAX : 0;
    (void)snprintf(t->get_boot_id, sizeof t->get_boot_id, "%s", text);
    t->get_file = small / 13;
    t->get.remote_total = n / 17;
}

static void same_transfer(const struct store_transfer *a, const struct store_transfer *b)
{
    ck_assert_int_eq(a->exists, b->exists);
    ck_assert_int_eq(a->bup.phase, b->bup.phase);
    ck_assert_uint_eq(a->bup.source.size, b->bup.source.size);
    ck_assert_int_eq(a->bup.source.mtime_s, b->bup.source.mtime_s);
    ck_assert_int_eq(a->bup.source.mtime_ns, b->bup.source.mtime_ns);
    ck_assert_str_eq(a->bup.session_id, b->bup.session_id);
    ck_assert_str_eq(a->bup.host_id, b->bup.host_id);
    ck_assert_uint_eq(a->bup.fallback_s, b->bup.fallback_s);
    ck_assert_uint_eq(a->bup.fallback_used_ms, b->bup.fallback_used_ms);
    ck_assert_uint_eq(a->bup.acked, b->bup.acked);
    ck_assert_uint_eq(a->bup.fragment, b->bup.fragment);
    ck_assert_uint_eq(a->bup.ceiling, b->bup.ceiling);
    ck_assert_str_eq(a->bup.reply_url, b->bup.reply_url);
    ck_assert_str_eq(a->bup.reply_host, b->bup.reply_host);
    ck_assert_int_eq(a->bup.close_tried, b->bup.close_tried);
    ck_assert_uint_eq(a->bup.bad_answers, b->bup.bad_answers);
    ck_assert_int_eq(a->bup.new_session_tried, b->bup.new_session_tried);
    ck_assert_int_eq(a->get.begun, b->get.begun);
    ck_assert_int_eq(a->get.total_known, b->get.total_known);
    ck_assert_uint_eq(a->get.total, b->get.total);
    ck_assert_uint_eq(a->get.offset, b->get.offset);
    ck_assert_uint_eq(a->get.synced, b->get.synced);
    ck_assert_str_eq(a->get.etag, b->get.etag);
    ck_assert_str_eq(a->get.last_modified, b->get.last_modified);
    ck_assert_int_eq(a->get.last_modified_strong, b->get.last_modified_strong);
    ck_assert_uint_eq(a->get.restarts, b->get.restarts);
    ck_assert_uint_eq(a->get.preconditions_failed, b->get.preconditions_failed);
    ck_assert_int_eq(a->get.plain_only, b->get.plain_only);
    ck_assert_int_eq(a->get.origin_tried, b->get.origin_tried);
    ck_assert_uint_eq(a->get.bad_answers, b->get.bad_answers);
    ck_assert_str_eq(a->get_boot_id, b->get_boot_id);
    ck_assert_uint_eq(a->get_file, b->get_file);
    ck_assert_uint_eq(a->get.remote_total, b->get.remote_total);
}

START_TEST(a_transfer_comes_back_as_it_went_in)
{
    static struct store_transfer want, got;
    int64_t seq = add_job(BCJ2_JOB_STATE_TRANSFERRING);
    assert_status(bcj2__store_transfer(store, seq, &got), BCJ2_OK);
    ck_assert(!got.exists);
    uint64_t change = change_number();
    for (int round = 0; round < 2; round++) { /* the second replaces the first */
        fill_transfer(&want, (_i + round) % (int)ARRAY_LEN(extremes));
        begin();
        assert_status(bcj2__store_set_transfer(store, seq, &want), BCJ2_OK);
        commit();
        assert_status(bcj2__store_transfer(store, seq, &got), BCJ2_OK);
        same_transfer(&got, &want);
    }
    ck_assert_uint_eq(change_number(), change + 2);
    begin();
    assert_status(bcj2__store_forget_transfer(store, seq), BCJ2_OK);
    assert_status(bcj2__store_forget_transfer(store, seq), BCJ2_OK);
    commit();
    assert_status(bcj2__store_transfer(store, seq, &got), BCJ2_OK);
    ck_assert(!got.exists);
}
END_TEST

static struct store_farewell extreme_farewell(int row)
{
    char *text = (char *)(uintptr_t)extremes[row].text;
    return (struct store_farewell){
        .job_seq = row + 1,
        .packet = row == 0 ? BUP_PACKET_CLOSE : BUP_PACKET_CANCEL,
        .url = text,
        .session_id = text,
        .retry_delay_s = extremes[row].small,
        .attempts = extremes[row].small / 3,
        .next_attempt = deadline(extremes[row].number, extremes[row].flag),
        .give_up = deadline(extremes[row].number / 3, true),
    };
}

static void same_farewell(const struct store_farewell *a, const struct store_farewell *b)
{
    ck_assert_int_eq(a->job_seq, b->job_seq);
    ck_assert_int_eq(a->packet, b->packet);
    ck_assert_str_eq(a->url, b->url);
    ck_assert_str_eq(a->session_id, b->session_id);
    ck_assert_uint_eq(a->retry_delay_s, b->retry_delay_s);
    ck_assert_uint_eq(a->attempts, b->attempts);
    same_deadline(&a->next_attempt, &b->next_attempt);
    same_deadline(&a->give_up, &b->give_up);
}

START_TEST(farewells_are_walked_changed_and_deleted)
{
    struct store_farewell want[ARRAY_LEN(extremes)], got;
    uint64_t untried = 99, change = change_number(), expected = 0;
    assert_status(bcj2__store_next_farewell(store, 0, &got), BCJ2_S_FALSE);
    assert_status(bcj2__store_farewells_untried(store, &untried), BCJ2_OK);
    ck_assert_uint_eq(untried, 0);
    begin();
    for (int i = 0; i < (int)ARRAY_LEN(extremes); i++) {
        expected += extreme_farewell(i).attempts == 0;
        want[i] = extreme_farewell(i);
        assert_status(bcj2__store_farewell_insert(store, &want[i]), BCJ2_OK);
    }
    commit();
    ck_assert_uint_gt(change_number(), change);
    assert_status(bcj2__store_farewells_untried(store, &untried), BCJ2_OK);
    ck_assert_uint_eq(untried, expected);
    ck_assert_uint_gt(expected, 0);
    int64_t after = 0, seqs[ARRAY_LEN(extremes)];
    for (size_t i = 0; i < ARRAY_LEN(extremes); i++) {
        assert_status(bcj2__store_next_farewell(store, after, &got), BCJ2_OK);
        same_farewell(&got, &want[i]);
        ck_assert_int_gt(got.seq, after);
        after = seqs[i] = got.seq;
        bcj2__store_farewell_done(&got);
    }
    assert_status(bcj2__store_next_farewell(store, after, &got), BCJ2_S_FALSE);

    want[1] = extreme_farewell(2);
    want[1].seq = seqs[1];
    change = change_number();
    begin();
    assert_status(bcj2__store_farewell_update(store, &want[1]), BCJ2_OK);
    assert_status(bcj2__store_farewell_delete(store, seqs[0]), BCJ2_OK);
    assert_status(bcj2__store_farewell_delete(store, seqs[0]), BCJ2_E_NOT_FOUND);
    want[0].seq = seqs[0];
    assert_status(bcj2__store_farewell_update(store, &want[0]), BCJ2_E_NOT_FOUND);
    commit();
    ck_assert_uint_gt(change_number(), change);
    assert_status(bcj2__store_next_farewell(store, 0, &got), BCJ2_OK);
    ck_assert_int_eq(got.seq, seqs[1]);
    same_farewell(&got, &want[1]);
    bcj2__store_farewell_done(&got);
}
END_TEST

START_TEST(what_is_not_there_is_not_found)
{
    bcj2_guid id = bcj2__guid_random();
    struct store_job job, none = {.seq = 99};
    struct store_file file, no_file = {.index = 3};
    static struct store_transfer t;
    bcj2_job_state state;
    char *json;
    assert_status(bcj2__store_job_by_id(store, &id, &job), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__store_job_by_seq(store, 99, &job), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__store_job_state(store, 99, &state), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__store_file(store, 99, 0, &file), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__store_job_json(store, 99, "", &json), BCJ2_E_NOT_FOUND);
    int64_t seq = add_job(BCJ2_JOB_STATE_SUSPENDED);
    uint64_t change = change_number();
    begin();
    assert_status(bcj2__store_set_display_name(store, 99, "", NOW), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__store_set_priority(store, 99, 0, NOW), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__store_set_reply_name(store, 99, "", false, NOW), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__store_set_error(store, &none, NOW), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__store_set_retry(store, &none, NOW), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__store_set_reply(store, &none, NOW), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__store_set_completing(store, &none, NOW), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__store_file_insert(store, 99, &no_file, NOW), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__store_set_file_progress(store, 99, &no_file, NOW), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__store_set_transfer(store, 99, &t), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__store_forget_transfer(store, 99), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__store_set_state(store, 99, 0, 1, NOW), BCJ2_S_FALSE);
    commit();
    ck_assert_uint_eq(change_number(), change);
    begin();
    assert_status(bcj2__store_set_file_progress(store, seq, &no_file, NOW), BCJ2_E_NOT_FOUND);
    bcj2__store_rollback(store);
}
END_TEST

static void add_cases(Suite *suite)
{
    fill_long_text();
    TCase *tc = suite_case(suite, "records", 20);
    tcase_add_checked_fixture(tc, store_start, store_stop);
    tcase_add_loop_test(tc, a_job_comes_back_as_it_went_in, 0, ARRAY_LEN(extremes));
    tcase_add_loop_test(tc, groups_of_a_job_are_set_and_nothing_else, 0, ARRAY_LEN(extremes));
    tcase_add_loop_test(tc, a_transfer_comes_back_as_it_went_in, 0, ARRAY_LEN(extremes));
    tcase_add_test(tc, farewells_are_walked_changed_and_deleted);
    tcase_add_test(tc, what_is_not_there_is_not_found);
}

SUITE_MAIN("store", add_cases)
