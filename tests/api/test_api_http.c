/* SPDX-License-Identifier: MIT */
/* The HTTP options of a job, the maximum download time and the owner: what is accepted, what comes back,
   and that secrets are in no place where they could be read. What is done with them on the wire:
   tests/net. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "../support/queue.h"

#include "core.h"
#include "job.h"
#include "job_http.h"
#include "limit.h"
#include "macro.h"
#include "mem.h"
#include "os_syscall.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DOWNLOAD     BCJ2_JOB_TYPE_DOWNLOAD
#define UPLOAD       BCJ2_JOB_TYPE_UPLOAD
#define UPLOAD_REPLY BCJ2_JOB_TYPE_UPLOAD_REPLY
#define TYPES        3
#define SECRET       "s3cret-t0ken"
#define PIN          "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

typedef bcj2_status set_text(bcj2_job *job, const char *text);
typedef bcj2_status get_text(bcj2_job *job, char **ret);

static void assert_text(bcj2_job *job, get_text *get, const char *expected)
{
    char *got = (char *)job;
    assert_status(get(job, &got), expected == NULL ? BCJ2_S_FALSE : BCJ2_OK);
    ck_assert_pstr_eq(got, expected);
    bcj2_free(got);
}

/* ---- custom headers ---- */

static char longest_headers[LIMIT_CUSTOM_HEADERS + 2];

static const struct {
    const char *headers;
    bcj2_status expected;
    const char *detail;
} header_rows[] = {
    {"Authorization: Bearer " SECRET, BCJ2_OK, NULL},
    {"A: b\r\nC: d\r\n", BCJ2_OK, NULL},
    {"A: b\nC: d", BCJ2_OK, NULL},
    {"A: b\r\nC: d\n", BCJ2_OK, NULL},
    {"A:", BCJ2_OK, NULL},
    {"A:b\tc  \r\n", BCJ2_OK, NULL},
    {"A!#$%&'*+-.^_`|~1: \xc3\xa4", BCJ2_OK, NULL},
    {"", BCJ2_OK, NULL},
    {"Hostile: x\nRanges: y\nBITS: z\n", BCJ2_OK, NULL}, /* only look like ours */
    {"A", BCJ2_E_INVALIDARG, "line 1"},
    {": b", BCJ2_E_INVALIDARG, "line 1"},
    {"A : b", BCJ2_E_INVALIDARG, "line 1"},
    {"A b: c", BCJ2_E_INVALIDARG, "line 1"},
    {"A: b\r\n folded", BCJ2_E_INVALIDARG, "line 2"},
    {"A: b\r\n\r\nC: d", BCJ2_E_INVALIDARG, "line 2"},
    {"\r\nA: b", BCJ2_E_INVALIDARG, "line 1"},
    {"A: b\r\n\r\n", BCJ2_E_INVALIDARG, "line 2"},
    {"A: b\rC: " SECRET, BCJ2_E_INVALIDARG, "control"},
    {"A: b\r\r\n", BCJ2_E_INVALIDARG, "control"},
    {"A: \x01" SECRET, BCJ2_E_INVALIDARG, "control"},
    {"A: \x7f", BCJ2_E_INVALIDARG, "control"},
    {"A: \xff", BCJ2_E_INVALIDARG, "UTF-8"},
    {"\xc3\xa4: b", BCJ2_E_INVALIDARG, "line 1"},
    {"GET / HTTP/1.1\r\n", BCJ2_E_INVALIDARG, "line 1"},
    {longest_headers, BCJ2_E_STRING_TOO_LONG, "16384"},
};

START_TEST(headers)
{
    memset(longest_headers, 'x', LIMIT_CUSTOM_HEADERS + 1);
    memcpy(longest_headers, "X: ", 3);
    for (bcj2_job_type type = DOWNLOAD; type <= UPLOAD_REPLY; type++) {
        bcj2_job *job = queue_job(type);
        assert_text(job, bcj2_get_custom_headers, NULL);
        assert_status(bcj2_set_custom_headers(job, "Before: 1"), BCJ2_OK);
        bcj2_status s = bcj2_set_custom_headers(job, header_rows[_i].headers);
        ck_assert_msg(s == header_rows[_i].expected, "%s: 0x%08x", header_rows[_i].headers,
                      (unsigned)s);
        if (s == BCJ2_OK) {
            assert_text(job, bcj2_get_custom_headers, header_rows[_i].headers);
        } else {
            assert_detail(header_rows[_i].detail);
            ck_assert_ptr_null(strstr(bcj2_last_detail(), SECRET));
            assert_text(job, bcj2_get_custom_headers, "Before: 1");
        }
        assert_status(bcj2_set_custom_headers(job, NULL), BCJ2_OK);
        assert_text(job, bcj2_get_custom_headers, NULL);
        bcj2_job_unref(job);
    }
}
END_TEST

START_TEST(headers_at_the_limit)
{
    memset(longest_headers, 'x', LIMIT_CUSTOM_HEADERS);
    memcpy(longest_headers, "X: ", 3);
    longest_headers[LIMIT_CUSTOM_HEADERS] = '\0';
    bcj2_job *job = queue_job(DOWNLOAD);
    assert_status(bcj2_set_custom_headers(job, longest_headers), BCJ2_OK);
    assert_text(job, bcj2_get_custom_headers, longest_headers);
    bcj2_job_unref(job);
}
END_TEST

static const char *const ours[] = {
    "Host",
    "Content-Length",
    "Transfer-Encoding",
    "Connection",
    "Range",
    "Content-Range",
    "If-Range",
    "If-Unmodified-Since",
    "BITS-",
    "BITS-Packet-Type",
    "bits-anything",
    "hOST",
    "Accept-Encoding",
    "If-Match",
    "Expect",
    "TE",
    "Upgrade",
    "Content-Name",
    "Proxy-Connection",
};

START_TEST(headers_that_are_the_librarys)
{
    bcj2_job *job = queue_job(UPLOAD_REPLY);
    for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "Fine: 1\r\n%s: " SECRET "\r\n", ours[i]);
        assert_status(bcj2_set_custom_headers(job, text), BCJ2_E_INVALIDARG);
        assert_detail(ours[i]);
        ck_assert_ptr_null(strstr(bcj2_last_detail(), SECRET));
    }
    assert_text(job, bcj2_get_custom_headers, NULL);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(headers_can_be_made_write_only)
{
    bcj2_job *job = queue_job(DOWNLOAD);
    char *got = (char *)job;
    assert_status(bcj2_make_custom_headers_write_only(job), BCJ2_OK);
    assert_status(bcj2_make_custom_headers_write_only(job), BCJ2_OK);
    assert_status(bcj2_get_custom_headers(job, &got), BCJ2_E_ACCESSDENIED);
    ck_assert_ptr_null(got);
    assert_status(bcj2_set_custom_headers(job, "A: " SECRET), BCJ2_OK);
    assert_status(bcj2_get_custom_headers(job, &got), BCJ2_E_ACCESSDENIED);
    assert_status(bcj2_set_custom_headers(job, NULL), BCJ2_OK); /* there is no way back */
    assert_status(bcj2_get_custom_headers(job, &got), BCJ2_E_ACCESSDENIED);
    assert_detail("write-only");
    bcj2_job_unref(job);
}
END_TEST

/* ---- what is written down ---- */

static bool file_holds(const char *path, const char *text)
{
    size_t size = 0;
    char *data = queue_read_file(path, &size);
    bool found = memmem(data, size, text, strlen(text)) != NULL;
    free(data);
    return found;
}

/* In a process of its own: closing a database that is open here would drop SQLite's locks. */
static void no_file_holds_it(void *folder_path)
{
    DIR *folder = opendir(folder_path);
    ck_assert_ptr_nonnull(folder);
    unsigned files = 0;
    for (struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        char path[4200];
        struct stat st;
        (void)snprintf(path, sizeof path, "%s/%s", (char *)folder_path, e->d_name);
        if (lstat(path, &st) == 0 && S_ISREG(st.st_mode)) {
            files++;
            ck_assert_msg(!file_holds(path, SECRET), "%s holds it", path);
        }
    }
    closedir(folder);
    ck_assert_uint_ge(files, 3);
}

START_TEST(secrets_are_sealed)
{
    bcj2_job *job = queue_job(DOWNLOAD);
    assert_status(bcj2_set_custom_headers(job, "Authorization: " SECRET), BCJ2_OK);
    assert_status(bcj2_set_client_certificate(job, queue_path("up.bin"), NULL, SECRET), BCJ2_OK);
    char *json = queue_json(job);
    ck_assert_ptr_null(strstr(json, SECRET));
    ck_assert_ptr_nonnull(strstr(json, "custom_headers"));
    bcj2_free(json);
    struct stat st;
    ck_assert_int_eq(stat(queue_path("queue/secret.key"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(no_file_of_the_queue_holds_a_secret)
{
    bcj2_job *job = queue_job(DOWNLOAD);
    assert_status(bcj2_set_custom_headers(job, "Authorization: " SECRET), BCJ2_OK);
    assert_status(bcj2_set_client_certificate(job, queue_path("up.bin"), NULL, SECRET), BCJ2_OK);
    queue_join(queue_fork(no_file_holds_it, (void *)(uintptr_t)queue_path("queue")));
    bcj2_job_unref(job);
    queue_close();
    queue_join(queue_fork(no_file_holds_it, (void *)(uintptr_t)queue_path("queue")));
}
END_TEST

/* What a transfer gets: lines as they go on the wire, and the password. */
START_TEST(options_are_opened_for_transfers)
{
    bcj2_job *job = queue_job(UPLOAD);
    struct store_http http;
    char *headers_, *password;
    assert_status(bcj2__job_http_open(job->core, job->seq, &http, &headers_, &password), BCJ2_OK);
    ck_assert_ptr_null(headers_);
    ck_assert_ptr_null(password);
    bcj2__store_http_done(&http);
    assert_status(bcj2_set_custom_headers(job, "A: b\nC:\r\nD: " SECRET), BCJ2_OK);
    assert_status(bcj2_set_client_certificate(job, queue_path("up.bin"), queue_path("up.bin"), ""),
                  BCJ2_OK);
    assert_status(bcj2_set_security_flags(job, BCJ2_SSL_ENABLE_CRL_CHECK), BCJ2_OK);
    queue_close();
    bcj2_guid id = job->id;
    bcj2_job_unref(job);
    queue_open(); /* another process, as far as the key goes */
    assert_status(bcj2_manager_get_job(queue_manager, &id, &job), BCJ2_OK);
    assert_status(bcj2__job_http_open(job->core, job->seq, &http, &headers_, &password), BCJ2_OK);
    ck_assert_str_eq(headers_, "A: b\r\nC:\r\nD: " SECRET "\r\n");
    ck_assert_str_eq(password, "");
    ck_assert_str_eq(http.client_key, queue_path("up.bin"));
    ck_assert_uint_eq(http.security_flags, 1);
    bcj2__mem_free_secret(headers_);
    bcj2__mem_free_secret(password);
    bcj2__store_http_done(&http);

    /* without the key nothing is opened, and nothing is left half */
    char *got = (char *)job;
    ck_assert_int_eq(rename(queue_path("queue/secret.key"), queue_path("kept")), 0);
    assert_status(bcj2__job_http_open(job->core, job->seq, &http, &headers_, &password),
                  BCJ2_E_DECRYPTION_FAILED);
    assert_detail("secret.key");
    ck_assert_ptr_null(headers_);
    ck_assert_ptr_null(password);
    ck_assert_ptr_null(http.client_key);
    assert_status(bcj2_get_custom_headers(job, &got), BCJ2_E_DECRYPTION_FAILED);
    ck_assert_ptr_null(got);
    ck_assert_int_eq(rename(queue_path("kept"), queue_path("queue/secret.key")), 0);
    assert_text(job, bcj2_get_custom_headers, "A: b\nC:\r\nD: " SECRET);
    bcj2_job_unref(job);
}
END_TEST

/* Nothing goes out without what the job was told to send. */
START_TEST(a_job_whose_key_is_lost_fails)
{
    bcj2_job *job = queue_job_with_file((bcj2_job_type)_i, NULL);
    bcj2_error *error = NULL;
    bcj2_error_context context = -1;
    bcj2_status code = BCJ2_OK;
    char *description = NULL;
    assert_status(bcj2_set_custom_headers(job, "Authorization: " SECRET), BCJ2_OK);
    ck_assert_int_eq(rename(queue_path("queue/secret.key"), queue_path("kept")), 0);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, STATE_BIT(ERROR) | STATE_BIT(TRANSIENT_ERROR), BCJ2_JOB_STATE_ERROR);
    assert_status(bcj2_get_error(job, &error), BCJ2_OK);
    assert_status(bcj2_error_get(error, &context, &code), BCJ2_OK);
    assert_status(code, BCJ2_E_DECRYPTION_FAILED);
    ck_assert_int_eq(context, BCJ2_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER);
    assert_status(bcj2_error_get_description(error, &description), BCJ2_OK);
    ck_assert_ptr_nonnull(strstr(description, "secret.key"));
    ck_assert_ptr_null(strstr(description, SECRET));
    bcj2_free(description);
    bcj2_error_unref(error);
    /* with the key back it is tried as any other: nobody listens there */
    ck_assert_int_eq(rename(queue_path("kept"), queue_path("queue/secret.key")), 0);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, STATE_BIT(ERROR) | STATE_BIT(TRANSIENT_ERROR), BCJ2_JOB_STATE_TRANSIENT_ERROR);
    bcj2_job_unref(job);
}
END_TEST

static ssize_t pread_but_no_key(int fd, void *to, size_t size, off_t offset)
{
    struct stat file, key;
    if (fstat(fd, &file) == 0 && stat(queue_path("queue/secret.key"), &key) == 0 &&
        file.st_ino == key.st_ino) {
        errno = EIO;
        return -1;
    }
    return pread(fd, to, size, offset);
}

/* A key that cannot be read just now is the trouble of the jobs that need it, and of no other. */
START_TEST(a_key_that_cannot_be_read_stops_nobody_else)
{
    bcj2_job *job = queue_job_with_file(UPLOAD, NULL), *other = queue_job_with_file(UPLOAD, NULL);
    char *text = NULL;
    assert_status(bcj2_set_custom_headers(job, "Authorization: " SECRET), BCJ2_OK);
    (void)bcj2__os_syscall_set("pread", (os_function)pread_but_no_key);
    assert_status(bcj2_resume(job), BCJ2_OK);
    assert_status(bcj2_resume(other), BCJ2_OK);
    queue_wait(job, STATE_BIT(ERROR) | STATE_BIT(TRANSIENT_ERROR), BCJ2_JOB_STATE_TRANSIENT_ERROR);
    queue_wait(other, STATE_BIT(ERROR) | STATE_BIT(TRANSIENT_ERROR),
               BCJ2_JOB_STATE_TRANSIENT_ERROR); /* nobody listens there */
    assert_status(bcj2_get_status_text(job, &text), BCJ2_OK);
    ck_assert_msg(strstr(text, "secret.key") != NULL && strstr(text, SECRET) == NULL, "%s", text);
    bcj2_free(text);
    queue_close();
    bcj2__os_syscall_reset();
    bcj2_job_unref(job);
    bcj2_job_unref(other);
}
END_TEST

/* ---- files of TLS ---- */

static bcj2_status set_certificate(bcj2_job *job, const char *path)
{
    return bcj2_set_client_certificate(job, path, NULL, NULL);
}

static bcj2_status set_key(bcj2_job *job, const char *path)
{
    return bcj2_set_client_certificate(job, queue_path("up.bin"), path, NULL);
}

static bcj2_status get_certificate(bcj2_job *job, char **ret)
{
    char *key = (char *)job;
    bcj2_status s = bcj2_get_client_certificate(job, ret, &key);
    ck_assert_ptr_null(key);
    return s;
}

static bcj2_status get_key(bcj2_job *job, char **ret)
{
    char *certificate = (char *)job;
    bcj2_status s = bcj2_get_client_certificate(job, &certificate, ret);
    bcj2_free(certificate);
    return s;
}

static const struct {
    const char *name;
    set_text *set;
    get_text *get;
    bool key; /* there is a certificate beside it */
} file_options[] = {
    {"certificate", set_certificate, get_certificate, false},
    {"key", set_key, get_key, true},
    {"CA", bcj2_set_ca_file, bcj2_get_ca_file, false},
    {"pinned key", bcj2_set_pinned_public_key, bcj2_get_pinned_public_key, false},
};

START_TEST(files_of_options)
{
    char too_long[LIMIT_PATH_BYTES + 2];
    memset(too_long, 'x', sizeof too_long - 1);
    too_long[0] = '/';
    too_long[sizeof too_long - 1] = '\0';
    const struct {
        const char *path;
        bcj2_status expected;
    } bad[] = {
        {"relative.pem", BCJ2_E_INVALIDARG},
        {"", BCJ2_E_INVALIDARG},
        {"/tmp/\xff", BCJ2_E_INVALIDARG},
        {too_long, BCJ2_E_INVALIDARG},
        {queue_path("out/"), BCJ2_E_INVALIDARG},
        {queue_path("missing"), BCJ2_E_WIN32_FILE_NOT_FOUND},
        {queue_path("out"), BCJ2_E_ACCESSDENIED},
    };
    const char *good = queue_path("up.bin");
    for (bcj2_job_type type = DOWNLOAD; type <= UPLOAD_REPLY; type++) {
        bcj2_job *job = queue_job(type);
        assert_text(job, file_options[_i].get, NULL);
        assert_status(file_options[_i].set(job, good), BCJ2_OK);
        assert_text(job, file_options[_i].get, good);
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
            bcj2_status s = file_options[_i].set(job, bad[i].path);
            ck_assert_msg(s == bad[i].expected, "%s %.40s: 0x%08x", file_options[_i].name,
                          bad[i].path, (unsigned)s);
            assert_text(job, file_options[_i].get, good);
        }
        if (!file_options[_i].key) {
            assert_status(file_options[_i].set(job, NULL), BCJ2_OK);
            assert_text(job, file_options[_i].get, NULL);
        }
        bcj2_job_unref(job);
    }
}
END_TEST

START_TEST(certificates)
{
    bcj2_job *job = queue_job(DOWNLOAD);
    const char *pem = queue_path("up.bin");
    char *password = calloc(1, LIMIT_PASSWORD_UTF16 + 2);
    memset(password, 'p', LIMIT_PASSWORD_UTF16);
    assert_status(bcj2_set_client_certificate(job, NULL, NULL, NULL), BCJ2_S_FALSE);
    assert_status(bcj2_set_client_certificate(job, NULL, pem, NULL), BCJ2_E_INVALIDARG);
    assert_status(bcj2_set_client_certificate(job, NULL, NULL, "p"), BCJ2_E_INVALIDARG);
    assert_status(bcj2_set_client_certificate(job, pem, NULL, "\xff"), BCJ2_E_INVALIDARG);
    assert_status(bcj2_set_client_certificate(job, pem, NULL, password), BCJ2_OK);
    password[LIMIT_PASSWORD_UTF16] = 'p';
    assert_status(bcj2_set_client_certificate(job, pem, NULL, password), BCJ2_E_PASSWORD_TOO_LARGE);
    assert_status(bcj2_set_client_certificate(job, NULL, NULL, NULL), BCJ2_OK);
    assert_status(bcj2_set_client_certificate(job, NULL, NULL, NULL), BCJ2_S_FALSE);
    free(password);
    bcj2_job_unref(job);
}
END_TEST

static const struct {
    const char *pinned;
    bcj2_status expected;
} pins[] = {
    {PIN, BCJ2_OK},
    {PIN ";" PIN, BCJ2_OK},
    {"sha256//+/09azAZAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", BCJ2_OK},
    {PIN ";", BCJ2_E_INVALIDARG},
    {";" PIN, BCJ2_E_INVALIDARG},
    {PIN " ;" PIN, BCJ2_E_INVALIDARG},
    {"sha256//", BCJ2_E_INVALIDARG},
    {"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", BCJ2_E_INVALIDARG},
    {"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-", BCJ2_E_INVALIDARG},
    {"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\nA=", BCJ2_E_INVALIDARG},
    {"SHA256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", BCJ2_E_INVALIDARG},
    {"sha1//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", BCJ2_E_INVALIDARG},
    {"key.pem", BCJ2_E_INVALIDARG},
    {"", BCJ2_E_INVALIDARG},
};

START_TEST(pinned_keys)
{
    bcj2_job *job = queue_job(DOWNLOAD);
    bcj2_status s = bcj2_set_pinned_public_key(job, pins[_i].pinned);
    ck_assert_msg(s == pins[_i].expected, "%s: 0x%08x", pins[_i].pinned, (unsigned)s);
    assert_text(job, bcj2_get_pinned_public_key, s == BCJ2_OK ? pins[_i].pinned : NULL);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(pinned_keys_at_the_limit)
{
    enum { ONE = sizeof PIN }; /* with its ';' */
    static char many[LIMIT_PINNED_KEY_BYTES + ONE + 1];
    bcj2_job *job = queue_job(DOWNLOAD);
    size_t count = (LIMIT_PINNED_KEY_BYTES + 1) / ONE;
    for (size_t i = 0; i <= count; i++) {
        memcpy(many + i * ONE, PIN ";", ONE);
    }
    many[(count + 1) * ONE - 1] = '\0';
    assert_status(bcj2_set_pinned_public_key(job, many), BCJ2_E_STRING_TOO_LONG);
    many[count * ONE - 1] = '\0';
    assert_status(bcj2_set_pinned_public_key(job, many), BCJ2_OK);
    bcj2_job_unref(job);
}
END_TEST

/* ---- numbers ---- */

static const struct {
    uint32_t flags;
    bcj2_status expected;
} flag_rows[] = {
    {0, BCJ2_OK},
    {1, BCJ2_OK},
    {2, BCJ2_OK},
    {8, BCJ2_OK},
    {0x100, BCJ2_OK},
    {0x200, BCJ2_OK},
    {0x800, BCJ2_OK},
    {0x90b, BCJ2_OK},
    {4, BCJ2_E_NOTIMPL},
    {0x10, BCJ2_E_NOTIMPL},
    {0x1f, BCJ2_E_NOTIMPL},
    {0x20, BCJ2_E_NOTIMPL},
    {0x300, BCJ2_E_NOTIMPL},
    {0x400, BCJ2_E_NOTIMPL},
    {0x700, BCJ2_E_NOTIMPL},
    {0x1000, BCJ2_E_NOTIMPL},
    {UINT32_MAX, BCJ2_E_NOTIMPL},
};

START_TEST(security_flags)
{
    bcj2_job *job = queue_job(_i % TYPES);
    uint32_t got = 7;
    assert_status(bcj2_get_security_flags(job, &got), BCJ2_OK);
    ck_assert_uint_eq(got, 0);
    for (size_t i = 0; i < ARRAY_LEN(flag_rows); i++) {
        uint32_t before = got;
        bcj2_status s = bcj2_set_security_flags(job, flag_rows[i].flags);
        ck_assert_msg(s == flag_rows[i].expected, "0x%x: 0x%08x", (unsigned)flag_rows[i].flags,
                      (unsigned)s);
        assert_status(bcj2_get_security_flags(job, &got), BCJ2_OK);
        ck_assert_uint_eq(got, s == BCJ2_OK ? flag_rows[i].flags : before);
    }
    bcj2_job_unref(job);
}
END_TEST

static const struct {
    bcj2_tls_version min, max;
    bcj2_status expected;
} tls_rows[] = {
    {0, 0, BCJ2_OK},
    {10, 13, BCJ2_OK},
    {12, 0, BCJ2_OK},
    {0, 12, BCJ2_OK},
    {13, 13, BCJ2_OK},
    {13, 12, BCJ2_E_INVALIDARG},
    {9, 13, BCJ2_E_NOTIMPL},
    {12, 14, BCJ2_E_NOTIMPL},
    {-1, 0, BCJ2_E_NOTIMPL},
    {1, 0, BCJ2_E_NOTIMPL},
    {INT32_MAX, INT32_MIN, BCJ2_E_NOTIMPL},
};

START_TEST(tls_versions)
{
    bcj2_job *job = queue_job(_i % TYPES);
    bcj2_tls_version min = 7, max = 7;
    assert_status(bcj2_get_tls_versions(job, &min, &max), BCJ2_OK);
    ck_assert(min == 0 && max == 0);
    for (size_t i = 0; i < ARRAY_LEN(tls_rows); i++) {
        bcj2_tls_version old_min = min, old_max = max;
        bcj2_status s = bcj2_set_tls_versions(job, tls_rows[i].min, tls_rows[i].max);
        ck_assert_msg(s == tls_rows[i].expected, "%d to %d: 0x%08x", (int)tls_rows[i].min,
                      (int)tls_rows[i].max, (unsigned)s);
        assert_status(bcj2_get_tls_versions(job, &min, &max), BCJ2_OK);
        ck_assert_int_eq(min, s == BCJ2_OK ? tls_rows[i].min : old_min);
        ck_assert_int_eq(max, s == BCJ2_OK ? tls_rows[i].max : old_max);
    }
    bcj2_job_unref(job);
}
END_TEST

START_TEST(maximum_download_time)
{
    static const uint32_t values[] = {0, 1, 7776000, UINT32_MAX};
    bcj2_job *job = queue_job(_i % TYPES);
    uint32_t got = 0;
    assert_status(bcj2_get_maximum_download_time(job, &got), BCJ2_OK);
    ck_assert_uint_eq(got, 7776000);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        assert_status(bcj2_set_maximum_download_time(job, values[i]), BCJ2_OK);
        assert_status(bcj2_get_maximum_download_time(job, &got), BCJ2_OK);
        ck_assert_uint_eq(got, values[i]);
    }
    bcj2_job_unref(job);
}
END_TEST

/* ---- the method ---- */

START_TEST(methods)
{
    char too_long[LIMIT_HTTP_METHOD + 2];
    memset(too_long, 'X', sizeof too_long - 1);
    too_long[sizeof too_long - 1] = '\0';
    static const char *const bad[] = {"",     "GE T",    "GET\r\n", "G\xc3\xa4T",
                                      "HEAD", "CONNECT", "a/b"};
    bcj2_job *job = queue_job(DOWNLOAD);
    bcj2_job_priority priority = -1;
    assert_text(job, bcj2_get_http_method, "GET");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_status(bcj2_set_http_method(job, bad[i]), BCJ2_E_INVALIDARG);
    }
    assert_status(bcj2_set_http_method(job, too_long), BCJ2_E_STRING_TOO_LONG);
    assert_status(bcj2_set_http_method(job, "GET"), BCJ2_OK);
    assert_status(bcj2_get_priority(job, &priority), BCJ2_OK);
    ck_assert_int_eq(priority, BCJ2_JOB_PRIORITY_NORMAL); /* the default changes nothing */
    too_long[LIMIT_HTTP_METHOD] = '\0';
    assert_status(bcj2_set_http_method(job, too_long), BCJ2_OK);
    assert_status(bcj2_set_http_method(job, "POST"), BCJ2_OK);
    assert_text(job, bcj2_get_http_method, "POST");
    assert_status(bcj2_get_priority(job, &priority), BCJ2_OK);
    ck_assert_int_eq(priority, BCJ2_JOB_PRIORITY_FOREGROUND);
    assert_status(bcj2_set_priority(job, BCJ2_JOB_PRIORITY_HIGH),
                  BCJ2_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD);
    assert_detail("POST");
    assert_status(bcj2_set_priority(job, BCJ2_JOB_PRIORITY_FOREGROUND), BCJ2_OK);
    bcj2_file_range range = {0, 1};
    assert_status(bcj2_add_file_with_ranges(job, "http://h/", queue_path("out/a"), 1, &range),
                  BCJ2_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD);
    assert_status(bcj2_set_http_method(job, "GET"), BCJ2_OK);
    assert_status(bcj2_set_priority(job, BCJ2_JOB_PRIORITY_LOW), BCJ2_OK);
    assert_status(bcj2_add_file_with_ranges(job, "http://127.0.0.1:1/", queue_path("out/a"), 1,
                                            &range),
                  BCJ2_OK);
    assert_status(bcj2_set_http_method(job, "POST"), BCJ2_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD);
    assert_detail("ranges");
    assert_status(bcj2_resume(job), BCJ2_OK);
    assert_status(bcj2_suspend(job), BCJ2_OK);
    assert_status(bcj2_set_http_method(job, "GET"), BCJ2_E_READ_ONLY_PROPERTY_AFTER_RESUME);
    assert_status(bcj2_set_http_method(job, "PUT"), BCJ2_E_READ_ONLY_PROPERTY_AFTER_RESUME);
    bcj2_job_unref(job);
}
END_TEST

START_TEST(methods_of_uploads)
{
    bcj2_job *job = queue_job(_i == 0 ? UPLOAD : UPLOAD_REPLY);
    assert_text(job, bcj2_get_http_method, "BITS_POST");
    assert_status(bcj2_set_http_method(job, "BITS_POST"), BCJ2_OK);
    assert_status(bcj2_set_http_method(job, "GET"), BCJ2_E_NOTIMPL);
    assert_status(bcj2_set_http_method(job, "no token"), BCJ2_E_NOTIMPL); /* the type first */
    bcj2_job_unref(job);
}
END_TEST

/* ---- ownership, states ---- */

START_TEST(ownership)
{
    bcj2_job *job = queue_job(DOWNLOAD);
    const char *pem = queue_path("up.bin");
    char *owner = NULL, expected[32];
    assert_status(bcj2_set_custom_headers(job, "A: b"), BCJ2_OK);
    assert_status(bcj2_set_client_certificate(job, pem, pem, "p"), BCJ2_OK);
    assert_status(bcj2_set_ca_file(job, pem), BCJ2_OK);
    bcj2_status s = bcj2_take_ownership(job);
    if (geteuid() != 0) {
        assert_status(s, BCJ2_E_ACCESSDENIED);
        assert_text(job, bcj2_get_custom_headers, "A: b");
    } else {
        assert_status(s, BCJ2_OK);
        assert_text(job, bcj2_get_custom_headers, NULL);
        assert_text(job, get_certificate, NULL);
        struct store_http http;
        char *lines, *password;
        assert_status(bcj2__job_http_open(job->core, job->seq, &http, &lines, &password), BCJ2_OK);
        ck_assert_ptr_null(password);
        bcj2__store_http_done(&http);
    }
    assert_text(job, bcj2_get_ca_file, pem); /* no secret, and stays */
    (void)snprintf(expected, sizeof expected, "S-1-22-1-%u", (unsigned)geteuid());
    assert_status(bcj2_get_owner(job, &owner), BCJ2_OK);
    ck_assert_str_eq(owner, expected);
    bcj2_free(owner);
    bcj2_job_unref(job);
}
END_TEST

/* R-SET and R-GET: nothing can be set in a final state, everything can be asked. */
START_TEST(final_states)
{
    bcj2_job *job = queue_job(DOWNLOAD);
    uint32_t number = 7;
    bcj2_tls_version min, max;
    assert_status(bcj2_set_custom_headers(job, "A: b"), BCJ2_OK);
    assert_status(bcj2_set_ca_file(job, queue_path("up.bin")), BCJ2_OK);
    assert_status(bcj2_cancel(job), BCJ2_OK);
    assert_status(bcj2_set_custom_headers(job, "A: c"), BCJ2_E_INVALID_STATE);
    assert_status(bcj2_set_custom_headers(job, NULL), BCJ2_E_INVALID_STATE);
    assert_status(bcj2_make_custom_headers_write_only(job), BCJ2_E_INVALID_STATE);
    assert_status(bcj2_set_client_certificate(job, NULL, NULL, NULL), BCJ2_E_INVALID_STATE);
    assert_status(bcj2_set_ca_file(job, queue_path("missing")), BCJ2_E_INVALID_STATE);
    assert_status(bcj2_set_pinned_public_key(job, PIN), BCJ2_E_INVALID_STATE);
    assert_status(bcj2_set_security_flags(job, 0), BCJ2_E_INVALID_STATE);
    assert_status(bcj2_set_http_method(job, "GET"), BCJ2_E_INVALID_STATE);
    assert_status(bcj2_set_tls_versions(job, 0, 0), BCJ2_E_INVALID_STATE);
    assert_status(bcj2_set_maximum_download_time(job, 1), BCJ2_E_INVALID_STATE);
    assert_status(bcj2_take_ownership(job), BCJ2_E_INVALID_STATE);
    /* values before the state */
    assert_status(bcj2_set_security_flags(job, 4), BCJ2_E_NOTIMPL);
    assert_status(bcj2_set_custom_headers(job, "Host: x"), BCJ2_E_INVALIDARG);
    assert_status(bcj2_set_http_method(job, "HEAD"), BCJ2_E_INVALIDARG);
    assert_text(job, bcj2_get_custom_headers, "A: b");
    assert_text(job, bcj2_get_ca_file, queue_path("up.bin"));
    assert_text(job, bcj2_get_http_method, "GET");
    assert_text(job, bcj2_get_pinned_public_key, NULL);
    assert_status(bcj2_get_security_flags(job, &number), BCJ2_OK);
    assert_status(bcj2_get_maximum_download_time(job, &number), BCJ2_OK);
    assert_status(bcj2_get_tls_versions(job, &min, &max), BCJ2_OK);
    bcj2_job_unref(job);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "custom headers", 20);
    tcase_add_checked_fixture(tc, queue_start, queue_stop);
    tcase_add_loop_test(tc, headers, 0, ARRAY_LEN(header_rows));
    tcase_add_test(tc, headers_at_the_limit);
    tcase_add_test(tc, headers_that_are_the_librarys);
    tcase_add_test(tc, headers_can_be_made_write_only);
    tc = suite_case(suite, "secrets", 20);
    tcase_add_checked_fixture(tc, queue_start, queue_stop);
    tcase_add_test(tc, secrets_are_sealed);
    tcase_add_test(tc, no_file_of_the_queue_holds_a_secret);
    tcase_add_test(tc, options_are_opened_for_transfers);
    tcase_add_loop_test(tc, a_job_whose_key_is_lost_fails, 0, TYPES);
    tcase_add_test(tc, a_key_that_cannot_be_read_stops_nobody_else);
    tc = suite_case(suite, "TLS", 20);
    tcase_add_checked_fixture(tc, queue_start, queue_stop);
    tcase_add_loop_test(tc, files_of_options, 0, ARRAY_LEN(file_options));
    tcase_add_test(tc, certificates);
    tcase_add_loop_test(tc, pinned_keys, 0, ARRAY_LEN(pins));
    tcase_add_test(tc, pinned_keys_at_the_limit);
    tcase_add_loop_test(tc, security_flags, 0, TYPES);
    tcase_add_loop_test(tc, tls_versions, 0, TYPES);
    tc = suite_case(suite, "the rest", 20);
    tcase_add_checked_fixture(tc, queue_start, queue_stop);
    tcase_add_loop_test(tc, maximum_download_time, 0, TYPES);
    tcase_add_test(tc, methods);
    tcase_add_loop_test(tc, methods_of_uploads, 0, 2);
    tcase_add_test(tc, ownership);
    tcase_add_test(tc, final_states);
}

SUITE_MAIN("api_http", add_cases)
