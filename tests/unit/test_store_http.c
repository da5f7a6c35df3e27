/* SPDX-License-Identifier: MIT */
/* store: the HTTP options of a job. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "store_fixture.h"

#include "macro.h"
#include "store_db.h"

static char text[] = "/etc/\xc3\xa4.pem";
static uint8_t sealed[] = {0, 1, 0xFF, 0, 7};

/* Each says one thing only, the last everything. */
static const struct store_http options[] = {
    {.method = text},
    {.security_flags = UINT32_MAX},
    {.ca_file = text},
    {.client_certificate = text},
    {.client_key = text},
    {.pinned_key = text},
    {.tls_min = INT32_MIN},
    {.tls_max = INT32_MAX},
    {.headers = sealed, .headers_size = sizeof sealed},
    {.headers_write_only = true},
    {.key_password = sealed, .key_password_size = 1},
    {.method = text,
     .security_flags = 1,
     .ca_file = text,
     .client_certificate = text,
     .client_key = text,
     .pinned_key = text,
     .tls_min = 1,
     .tls_max = 2,
     .headers = sealed,
     .headers_size = 3,
     .headers_write_only = true,
     .key_password = sealed,
     .key_password_size = 4},
};

static void same_bytes(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    ck_assert_int_eq(a == NULL, b == NULL);
    ck_assert_uint_eq(a_size, b_size);
    if (b_size > 0) {
        ck_assert_mem_eq(a, b, b_size);
    }
}

static void assert_http(int64_t seq, const struct store_http *want)
{
    struct store_http got;
    assert_status(bcj2__store_http(store, seq, &got), BCJ2_OK);
    ck_assert_pstr_eq(got.method, want->method);
    ck_assert_uint_eq(got.security_flags, want->security_flags);
    ck_assert_pstr_eq(got.ca_file, want->ca_file);
    ck_assert_pstr_eq(got.client_certificate, want->client_certificate);
    ck_assert_pstr_eq(got.client_key, want->client_key);
    ck_assert_pstr_eq(got.pinned_key, want->pinned_key);
    ck_assert_int_eq(got.tls_min, want->tls_min);
    ck_assert_int_eq(got.tls_max, want->tls_max);
    same_bytes(got.headers, got.headers_size, want->headers, want->headers_size);
    ck_assert_int_eq(got.headers_write_only, want->headers_write_only);
    same_bytes(got.key_password, got.key_password_size, want->key_password,
               want->key_password_size);
    bcj2__store_http_done(&got);
    ck_assert_ptr_null(got.ca_file);
}

static int row_count(void)
{
    sqlite3_stmt *statement;
    ck_assert_int_eq(sqlite3_prepare_v2(store->db, "SELECT count(*) FROM job_http", -1, &statement,
                                        NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    int count = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return count;
}

static void set(int64_t seq, const struct store_http *http, bcj2_filetime now)
{
    begin();
    assert_status(bcj2__store_set_http(store, seq, http, now), BCJ2_OK);
    commit();
}

START_TEST(options_come_back_as_they_went_in)
{
    static const struct store_http none = {0};
    int64_t other = add_job(BCJ2_JOB_STATE_SUSPENDED), seq = add_job(BCJ2_JOB_STATE_SUSPENDED);
    assert_http(seq, &none);
    ck_assert_int_eq(row_count(), 0);
    uint64_t change = change_number();
    set(seq, &options[_i], NOW + 1);
    ck_assert_uint_eq(change_number(), change + 1);
    reopen();
    assert_http(seq, &options[_i]);
    assert_http(other, &none);
    const struct store_http *second = &options[((size_t)_i + 1) % ARRAY_LEN(options)];
    set(seq, second, NOW + 2);
    assert_http(seq, second);
    struct store_job job;
    assert_status(bcj2__store_job_by_seq(store, seq, &job), BCJ2_OK);
    ck_assert_uint_eq(job.modification_time, NOW + 2);
    bcj2__store_job_done(&job);
    ck_assert_int_eq(row_count(), 1);
    set(seq, &none, NOW + 3);
    assert_http(seq, &none);
    ck_assert_int_eq(row_count(), 0);
}
END_TEST

START_TEST(options_go_with_their_job)
{
    int64_t seq = add_job(BCJ2_JOB_STATE_CANCELLED);
    uint32_t count;
    set(seq, &options[0], NOW);
    begin();
    assert_status(bcj2__store_set_http(store, 99, &options[0], NOW), BCJ2_E_NOT_FOUND);
    bcj2__store_rollback(store);
    assert_status(bcj2__store_set_http(store, seq, &options[0], NOW), BCJ2_E_UNEXPECTED);
    begin();
    assert_status(bcj2__store_purge(store, NOW + 10, &count), BCJ2_OK);
    commit();
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(row_count(), 0);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "http options", 20);
    tcase_add_checked_fixture(tc, store_start, store_stop);
    tcase_add_loop_test(tc, options_come_back_as_they_went_in, 0, ARRAY_LEN(options));
    tcase_add_test(tc, options_go_with_their_job);
}

SUITE_MAIN("store_http", add_cases)
