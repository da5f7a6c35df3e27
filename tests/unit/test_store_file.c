/* SPDX-License-Identifier: MIT */
/* store: the files of a job: rows, ranges, who is next, pending names, sums. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "store_fixture.h"

#include "macro.h"
#include "store_db.h"

static char url[] = "https://host/a?b=c", other_url[] = "https://mirror/a", path[] = "/d/a";
static char temporary[] = "/d/.a.tmp", head[] = "HTTP/1.1 200 OK\r\nETag: \"x\"\r\n";

static struct store_range two_ranges[] = {{UINT64_MAX - 1, 1}, {0, BCJ2_SIZE_UNKNOWN}};

static const struct {
    const char *name;
    struct store_file file;
} rows[] = {
    {"bare", {.remote_name = url, .local_name = path}},
    {"everything at its largest",
     {.remote_name = url,
      .local_name = path,
      .ranges = two_ranges,
      .range_count = 2,
      .pending_remote_name = other_url,
      .bytes_total = BCJ2_SIZE_UNKNOWN,
      .bytes_transferred = UINT64_MAX - 1,
      .transferred = true,
      .temp_name = temporary,
      .response_headers = head,
      .has_mtime = true,
      .mtime_s = INT64_MIN,
      .mtime_ns = 999999999,
      .completing = true,
      .completing_device = UINT64_MAX,
      .completing_inode = (uint64_t)1 << 63,
      .renamed = true}},
    {"every other one",
     {.remote_name = url,
      .local_name = path,
      .ranges = two_ranges,
      .range_count = 1,
      .bytes_total = (uint64_t)1 << 63,
      .transferred = true,
      .response_headers = head,
      .mtime_s = INT64_MAX,
      .completing_inode = 3}},
};

static void same_progress(const struct store_file *a, const struct store_file *b)
{
    ck_assert_uint_eq(a->bytes_total, b->bytes_total);
    ck_assert_uint_eq(a->bytes_transferred, b->bytes_transferred);
    ck_assert_int_eq(a->transferred, b->transferred);
    ck_assert_pstr_eq(a->temp_name, b->temp_name);
    ck_assert_pstr_eq(a->response_headers, b->response_headers);
    ck_assert_int_eq(a->has_mtime, b->has_mtime);
    ck_assert_int_eq(a->mtime_s, b->mtime_s);
    ck_assert_int_eq(a->mtime_ns, b->mtime_ns);
    ck_assert_int_eq(a->completing, b->completing);
    ck_assert_uint_eq(a->completing_device, b->completing_device);
    ck_assert_uint_eq(a->completing_inode, b->completing_inode);
    ck_assert_int_eq(a->renamed, b->renamed);
}

static void same_names(const struct store_file *a, const struct store_file *b)
{
    ck_assert_uint_eq(a->index, b->index);
    ck_assert_str_eq(a->remote_name, b->remote_name);
    ck_assert_str_eq(a->local_name, b->local_name);
    ck_assert_pstr_eq(a->pending_remote_name, b->pending_remote_name);
    ck_assert_uint_eq(a->range_count, b->range_count);
    ck_assert_int_eq(a->ranges == NULL, b->range_count == 0);
    for (uint32_t i = 0; i < a->range_count; i++) {
        ck_assert_uint_eq(a->ranges[i].offset, b->ranges[i].offset);
        ck_assert_uint_eq(a->ranges[i].length, b->ranges[i].length);
    }
}

static void add_file(int64_t seq, const struct store_file *file)
{
    begin();
    assert_status(bcj2__store_file_insert(store, seq, file, NOW), BCJ2_OK);
    commit();
}

START_TEST(a_file_comes_back_as_it_went_in)
{
    int64_t seq = add_job(BCJ2_JOB_STATE_SUSPENDED);
    struct store_file file = rows[_i].file, got;
    file.index = 7;
    add_file(seq, &file);
    assert_status(bcj2__store_file(store, seq, 7, &got), BCJ2_OK);
    same_names(&got, &file);
    same_progress(&got, &file);
    bcj2__store_file_done(&got);

    /* an update leaves the names and the ranges */
    struct store_file changed = rows[((size_t)_i + 1) % ARRAY_LEN(rows)].file;
    changed.index = 7;
    uint64_t change = change_number();
    begin();
    assert_status(bcj2__store_update_file(store, seq, &changed, NOW + 1), BCJ2_OK);
    commit();
    ck_assert_uint_eq(change_number(), change + 1);
    assert_status(bcj2__store_file(store, seq, 7, &got), BCJ2_OK);
    same_names(&got, &file);
    same_progress(&got, &changed);
    bcj2__store_file_done(&got);

    /* the short form leaves the rest too */
    struct store_file progress = {.index = 7, .bytes_total = 9, .bytes_transferred = 5};
    begin();
    assert_status(bcj2__store_set_file_progress(store, seq, &progress, NOW + 2), BCJ2_OK);
    commit();
    changed.bytes_total = 9;
    changed.bytes_transferred = 5;
    changed.transferred = false;
    assert_status(bcj2__store_file(store, seq, 7, &got), BCJ2_OK);
    same_progress(&got, &changed);
    bcj2__store_file_done(&got);

    struct store_job job;
    assert_status(bcj2__store_job_by_seq(store, seq, &job), BCJ2_OK);
    ck_assert_uint_eq(job.modification_time, NOW + 2);
    bcj2__store_job_done(&job);
    uint32_t count;
    assert_status(bcj2__store_file_count(store, seq, &count), BCJ2_OK);
    ck_assert_uint_eq(count, 2);
}
END_TEST

static const char *const damaged_ranges[] = {
    "",
    "{}",
    "[]",
    "[1]",
    "[[]]",
    "[[\"1\"]]",
    "[[1,2]]",
    "[[\"1\",\"2\",\"3\"]]",
    "[\"a\"",
    "[[\"1\",\"\"]]",
    "[[\"-1\",\"2\"]]",
    "[[\"1\",\"18446744073709551616\"]]",
};

START_TEST(ranges_that_cannot_be_ours_are_damage)
{
    int64_t seq = add_job(BCJ2_JOB_STATE_SUSPENDED);
    char *sql = sqlite3_mprintf("UPDATE files SET ranges = %Q", damaged_ranges[_i]);
    ck_assert_int_eq(sqlite3_exec(store->db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_free(sql);
    struct store_file got;
    assert_status(bcj2__store_file(store, seq, 0, &got), BCJ2_E_DATABASE_CORRUPT);
    ck_assert_ptr_null(got.remote_name);
}
END_TEST

/* The index of the file that a question gives, or -1. */
static int next(bcj2_status (*question)(struct store *, int64_t, uint32_t, struct store_file *),
                int64_t seq, uint32_t from)
{
    struct store_file got;
    bcj2_status status = question(store, seq, from, &got);
    if (status == BCJ2_S_FALSE) {
        return -1;
    }
    assert_status(status, BCJ2_OK);
    int index = (int)got.index;
    bcj2__store_file_done(&got);
    return index;
}

START_TEST(the_next_file_is_found)
{
    int64_t other = add_job(BCJ2_JOB_STATE_QUEUED), seq = add_job(BCJ2_JOB_STATE_QUEUED);
    static const struct {
        bool transferred, renamed, temporary;
    } states[] = {{true, true, false}, {true, false, true}, {false, false, true}, {false}};
    begin();
    for (uint32_t i = 0; i < ARRAY_LEN(states); i++) {
        struct store_file file = {.index = i + 1,
                                  .remote_name = url,
                                  .local_name = path,
                                  .transferred = states[i].transferred,
                                  .renamed = states[i].renamed,
                                  .temp_name = states[i].temporary ? temporary : NULL};
        assert_status(bcj2__store_file_insert(store, seq, &file, NOW), BCJ2_OK);
    }
    struct store_file first = {.index = 0, .transferred = true, .renamed = true};
    assert_status(bcj2__store_update_file(store, seq, &first, NOW), BCJ2_OK);
    commit();
    ck_assert_int_eq(next(bcj2__store_next_file, seq, 0), 3);
    ck_assert_int_eq(next(bcj2__store_next_file, seq, 4), 4);
    ck_assert_int_eq(next(bcj2__store_next_file, seq, 5), -1);
    ck_assert_int_eq(next(bcj2__store_next_file, other, 0), 0);
    ck_assert_int_eq(next(bcj2__store_next_file, 99, 0), -1);
    ck_assert_int_eq(next(bcj2__store_next_unrenamed, seq, 0), 2);
    ck_assert_int_eq(next(bcj2__store_next_unrenamed, seq, 3), -1);
    ck_assert_int_eq(next(bcj2__store_next_temporary, seq, 0), 2);
    ck_assert_int_eq(next(bcj2__store_next_temporary, seq, 3), 3);
    ck_assert_int_eq(next(bcj2__store_next_temporary, other, 0), -1);
}
END_TEST

static void assert_url(int64_t seq, uint32_t index, const char *want, const char *want_pending)
{
    struct store_file got;
    assert_status(bcj2__store_file(store, seq, index, &got), BCJ2_OK);
    ck_assert_str_eq(got.remote_name, want);
    ck_assert_pstr_eq(got.pending_remote_name, want_pending);
    bcj2__store_file_done(&got);
}

START_TEST(remote_names_wait_for_the_resume)
{
    int64_t other = add_job(BCJ2_JOB_STATE_SUSPENDED), seq = add_job(BCJ2_JOB_STATE_SUSPENDED);
    struct store_file file = rows[0].file;
    file.index = 1;
    add_file(seq, &file);
    uint64_t change = change_number();
    begin();
    assert_status(bcj2__store_apply_remote_names(store, seq, NOW), BCJ2_OK);
    commit();
    ck_assert_uint_eq(change_number(), change);
    begin();
    assert_status(bcj2__store_set_pending_remote_name(store, other, 0, "http://x/", NOW), BCJ2_OK);
    assert_status(bcj2__store_set_pending_remote_name(store, seq, 1, other_url, NOW), BCJ2_OK);
    assert_status(bcj2__store_set_remote_name(store, seq, 0, "http://now/", NOW), BCJ2_OK);
    assert_status(bcj2__store_set_pending_remote_name(store, seq, 9, url, NOW), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__store_set_remote_name(store, 99, 0, url, NOW), BCJ2_E_NOT_FOUND);
    commit();
    assert_url(seq, 0, "http://now/", NULL);
    assert_url(seq, 1, url, other_url);
    begin();
    assert_status(bcj2__store_apply_remote_names(store, seq, NOW + 5), BCJ2_OK);
    commit();
    assert_url(seq, 0, "http://now/", NULL);
    assert_url(seq, 1, other_url, NULL);
    assert_url(other, 0, "http://host/app?token=secret", "http://x/");
    ck_assert_uint_eq(change_number(), change + 2);
}
END_TEST

/* Which bytes a new URL leaves believed: those whose time the new place can confirm. */
START_TEST(bytes_of_another_place_are_doubted)
{
    static const struct {
        const char *modified, *pending;
        uint32_t file;
        bool begun;
    } cases[] = {
        {"", "http://x/", 0, false},
        {"Tue, 03 Feb 2026 10:00:00 GMT", "http://x/", 0, true},
        {"", NULL, 0, true},
        {"", "http://host/app?token=secret", 0, true}, /* the same place */
        {"", "http://x/", 1, true},                    /* the bytes are another file's */
    };
    int64_t seq = add_job(BCJ2_JOB_STATE_SUSPENDED);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct store_transfer row = {.exists = true, .get = {.begun = true, .etag = "\"e\""}};
        (void)snprintf(row.get.last_modified, sizeof row.get.last_modified, "%s",
                       cases[i].modified);
        row.get_file = cases[i].file;
        begin();
        assert_status(bcj2__store_set_remote_name(store, seq, 0, "http://host/app?token=secret",
                                                  NOW),
                      BCJ2_OK);
        assert_status(bcj2__store_set_transfer(store, seq, &row), BCJ2_OK);
        assert_status(bcj2__store_set_pending_remote_name(store, seq, 0, cases[i].pending, NOW),
                      BCJ2_OK);
        assert_status(bcj2__store_apply_remote_names(store, seq, NOW), BCJ2_OK);
        commit();
        assert_status(bcj2__store_transfer(store, seq, &row), BCJ2_OK);
        ck_assert_msg(row.get.begun == cases[i].begun, "case %zu", i);
        if (!cases[i].begun) {
            continue;
        }
        begin();
        assert_status(bcj2__store_doubt_bytes(store, seq, cases[i].file), BCJ2_OK);
        commit();
        assert_status(bcj2__store_transfer(store, seq, &row), BCJ2_OK);
        ck_assert_int_eq(row.get.begun, cases[i].modified[0] != '\0');
    }
}
END_TEST

static const struct {
    const char *name;
    uint64_t total[3], transferred[3];
    uint64_t want_total, want_transferred;
} sums[] = {
    {"small", {1, 2, 3}, {1, 2, 0}, 6, 3},
    {"one unknown", {1, BCJ2_SIZE_UNKNOWN, 3}, {1, 5, 0}, BCJ2_SIZE_UNKNOWN, 6},
    {"over 32 bits", {UINT32_MAX, UINT32_MAX, 2}, {UINT32_MAX, 1, 0}, 8589934592u, 4294967296u},
    {"over 63 bits",
     {(uint64_t)1 << 63, 5, 0},
     {INT64_MAX, 1, 4},
     ((uint64_t)1 << 63) + 5,
     ((uint64_t)1 << 63) + 4},
    {"over 64 bits",
     {UINT64_MAX - 1, UINT64_MAX - 1, 7},
     {UINT64_MAX - 1, UINT64_MAX - 1, 7},
     BCJ2_SIZE_UNKNOWN,
     UINT64_MAX},
};

START_TEST(progress_is_the_sum_of_the_files)
{
    struct store_job job = plain_job(BCJ2_JOB_STATE_SUSPENDED);
    begin();
    assert_status(bcj2__store_job_insert(store, &job), BCJ2_OK);
    commit();
    struct store_progress got = {.files_total = 9};
    assert_status(bcj2__store_progress(store, job.seq, &got), BCJ2_OK);
    ck_assert_uint_eq(got.files_total + got.files_transferred, 0);
    ck_assert_uint_eq(got.bytes_total, 0);
    ck_assert_uint_eq(got.bytes_transferred, 0);
    for (uint32_t i = 0; i < 3; i++) {
        struct store_file file = rows[0].file;
        file.index = i;
        file.bytes_total = sums[_i].total[i];
        file.bytes_transferred = sums[_i].transferred[i];
        file.transferred = i == 0;
        add_file(job.seq, &file);
    }
    assert_status(bcj2__store_progress(store, job.seq, &got), BCJ2_OK);
    ck_assert_uint_eq(got.files_total, 3);
    ck_assert_uint_eq(got.files_transferred, 1);
    ck_assert_uint_eq(got.bytes_total, sums[_i].want_total);
    ck_assert_uint_eq(got.bytes_transferred, sums[_i].want_transferred);
}
END_TEST

START_TEST(a_job_with_a_temporary_file_is_not_forgotten)
{
    int64_t seq = add_job(BCJ2_JOB_STATE_CANCELLED);
    struct store_file file = {.index = 0, .temp_name = temporary};
    uint32_t count;
    begin();
    assert_status(bcj2__store_update_file(store, seq, &file, NOW), BCJ2_OK);
    assert_status(bcj2__store_purge(store, NOW + 10, &count), BCJ2_OK);
    ck_assert_uint_eq(count, 0);
    file.temp_name = NULL;
    assert_status(bcj2__store_update_file(store, seq, &file, NOW), BCJ2_OK);
    assert_status(bcj2__store_purge(store, NOW + 10, &count), BCJ2_OK);
    ck_assert_uint_eq(count, 1);
    commit();
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "files", 20);
    tcase_add_checked_fixture(tc, store_start, store_stop);
    tcase_add_loop_test(tc, a_file_comes_back_as_it_went_in, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(tc, ranges_that_cannot_be_ours_are_damage, 0, ARRAY_LEN(damaged_ranges));
    tcase_add_test(tc, the_next_file_is_found);
    tcase_add_test(tc, remote_names_wait_for_the_resume);
    tcase_add_test(tc, bytes_of_another_place_are_doubted);
    tcase_add_loop_test(tc, progress_is_the_sum_of_the_files, 0, ARRAY_LEN(sums));
    tcase_add_test(tc, a_job_with_a_temporary_file_is_not_forgotten);
}

SUITE_MAIN("store_file", add_cases)
