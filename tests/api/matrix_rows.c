/* SPDX-License-Identifier: MIT */
/* See matrix.h: the table. Letters: o BCJ2_OK, A the same for root only, F S_FALSE, P S_PARTIAL_COMPLETE,
   I INVALID_STATE, N NOTIMPL, U ERROR_INFORMATION_UNAVAILABLE, E EMPTY, M TOO_MANY_FILES,
   R READ_ONLY_PROPERTY_AFTER_RESUME. */
#include "matrix.h"

#include "macro.h"

#define URL   "http://127.0.0.1:1/b"
#define JOB   subject->job
#define FILE_ subject->file

/* ---- one function a method ---- */

#define CALL(method, ...)                                            \
    static bcj2_status call_##method(struct matrix_subject *subject) \
    {                                                                \
        return bcj2_##method(__VA_ARGS__);                           \
    }
#define GET_VALUE(method, of, type, init)                            \
    static bcj2_status call_##method(struct matrix_subject *subject) \
    {                                                                \
        type value = init;                                           \
        return bcj2_##method(of, &value);                            \
    }
#define GET_OBJECT(method, of, type, drop)                           \
    static bcj2_status call_##method(struct matrix_subject *subject) \
    {                                                                \
        type *value = NULL;                                          \
        bcj2_status s = bcj2_##method(of, &value);                   \
        ck_assert_int_eq(s == BCJ2_OK, value != NULL);               \
        (void)drop(value);                                           \
        return s;                                                    \
    }
#define GET_TEXT(method, of) GET_OBJECT(method, of, char, bcj2_free)

CALL(add_file, JOB, URL, queue_path("out/b"))
CALL(suspend, JOB)
CALL(resume, JOB)
CALL(cancel, JOB)
CALL(complete, JOB)
CALL(replace_remote_prefix, JOB, "http://127.0.0.1", "http://127.0.0.1")
CALL(set_display_name, JOB, "name")
CALL(set_description, JOB, "words")
CALL(set_priority, JOB, BCJ2_JOB_PRIORITY_NORMAL)
CALL(set_minimum_retry_delay, JOB, 600)
CALL(set_no_progress_timeout, JOB, 1209600)
CALL(set_maximum_download_time, JOB, 7776000)
CALL(take_ownership, JOB)
CALL(set_notify_flags, JOB, 3)
CALL(set_notify_callbacks, JOB, NULL)
CALL(set_notify_cmdline, JOB, "/bin/true", NULL)
CALL(set_custom_headers, JOB, "A: b")
CALL(make_custom_headers_write_only, JOB)
CALL(set_client_certificate, JOB, queue_path("up.bin"), NULL, NULL)
CALL(set_ca_file, JOB, queue_path("up.bin"))
CALL(set_pinned_public_key, JOB, queue_path("up.bin"))
CALL(set_security_flags, JOB, 0)
CALL(set_http_method, JOB, "GET")
CALL(set_tls_versions, JOB, BCJ2_TLS_VERSION_DEFAULT, BCJ2_TLS_VERSION_DEFAULT)
CALL(set_reply_file_name, JOB, queue_path("out/other"))
CALL(file_set_remote_name, FILE_, URL)

GET_VALUE(get_id, JOB, bcj2_guid, {0})
GET_VALUE(get_type, JOB, bcj2_job_type, 0)
GET_VALUE(get_progress, JOB, bcj2_job_progress, BCJ2_JOB_PROGRESS_INIT)
GET_VALUE(get_times, JOB, bcj2_job_times, BCJ2_JOB_TIMES_INIT)
GET_VALUE(get_state, JOB, bcj2_job_state, 0)
GET_VALUE(get_priority, JOB, bcj2_job_priority, 0)
GET_VALUE(get_minimum_retry_delay, JOB, uint32_t, 0)
GET_VALUE(get_no_progress_timeout, JOB, uint32_t, 0)
GET_VALUE(get_maximum_download_time, JOB, uint32_t, 0)
GET_VALUE(get_error_count, JOB, uint32_t, 0)
GET_VALUE(get_notify_flags, JOB, bcj2_notify_flags, 0)
GET_VALUE(get_notify_callbacks, JOB, bcj2_notify_callbacks, BCJ2_NOTIFY_CALLBACKS_INIT)
GET_VALUE(get_security_flags, JOB, uint32_t, 0)
GET_VALUE(get_next_attempt, JOB, bcj2_filetime, 0)
GET_VALUE(get_reply_progress, JOB, bcj2_reply_progress, BCJ2_REPLY_PROGRESS_INIT)
GET_VALUE(file_get_progress, FILE_, bcj2_file_progress, BCJ2_FILE_PROGRESS_INIT)
GET_TEXT(get_owner, JOB)
GET_TEXT(get_display_name, JOB)
GET_TEXT(get_description, JOB)
GET_TEXT(get_custom_headers, JOB)
GET_TEXT(get_ca_file, JOB)
GET_TEXT(get_pinned_public_key, JOB)
GET_TEXT(get_http_method, JOB)
GET_TEXT(get_status_text, JOB)
GET_TEXT(get_json, JOB)
GET_TEXT(get_reply_file_name, JOB)
GET_TEXT(file_get_remote_name, FILE_)
GET_TEXT(file_get_local_name, FILE_)
GET_TEXT(file_get_temporary_name, FILE_)
GET_TEXT(file_get_response_headers, FILE_)
GET_OBJECT(get_error, JOB, bcj2_error, bcj2_error_unref)
GET_OBJECT(enum_files, JOB, bcj2_file_enum, bcj2_file_enum_unref)

static bcj2_status call_add_file_set(struct matrix_subject *subject)
{
    const bcj2_file_info files[] = {{URL, queue_path("out/c")}};
    return bcj2_add_file_set(JOB, 1, files);
}

static bcj2_status call_add_file_with_ranges(struct matrix_subject *subject)
{
    const bcj2_file_range range = {0, 1};
    return bcj2_add_file_with_ranges(JOB, URL, queue_path("out/d"), 1, &range);
}

static bcj2_status call_get_client_certificate(struct matrix_subject *subject)
{
    char *certificate = NULL, *key = NULL;
    bcj2_status s = bcj2_get_client_certificate(JOB, &certificate, &key);
    bcj2_free(certificate);
    bcj2_free(key);
    return s;
}

static bcj2_status call_get_tls_versions(struct matrix_subject *subject)
{
    bcj2_tls_version min = 0, max = 0;
    return bcj2_get_tls_versions(JOB, &min, &max);
}

static bcj2_status call_get_reply_data(struct matrix_subject *subject)
{
    uint8_t *data = NULL;
    uint64_t length = 0;
    bcj2_status s = bcj2_get_reply_data(JOB, &data, &length);
    ck_assert_uint_eq(length, s == BCJ2_OK ? 9 : 0);
    bcj2_free(data);
    return s;
}

/* For the state it is in. For one it is not in: the next row. */
static bcj2_status call_wait(struct matrix_subject *subject)
{
    bcj2_job_state state = -1;
    bcj2_status s = bcj2_wait(JOB, 1u << subject->state, -1, &state);
    ck_assert_int_eq(state, subject->state);
    return s;
}

static bcj2_status call_wait_for_another(struct matrix_subject *subject)
{
    uint32_t all = (1u << MATRIX_STATES) - 1;
    return bcj2_wait(JOB, all & ~(1u << subject->state), 0, NULL);
}

static bcj2_status call_file_get_ranges(struct matrix_subject *subject)
{
    bcj2_file_range *ranges = NULL;
    uint32_t count = 1;
    bcj2_status s = bcj2_file_get_ranges(FILE_, &ranges, &count);
    ck_assert_uint_eq(count, 0);
    return s;
}

/* ---- enumerators and error objects are of a job in a state, too ---- */

#define WITH_FILES(method, expression)                                         \
    static bcj2_status call_file_enum_##method(struct matrix_subject *subject) \
    {                                                                          \
        bcj2_file_enum *files = NULL, *other = NULL;                           \
        bcj2_file *file = NULL;                                                \
        uint32_t count = 0;                                                    \
        assert_status(bcj2_enum_files(JOB, &files), BCJ2_OK);                  \
        bcj2_status s = (expression);                                          \
        (void)count;                                                           \
        bcj2_file_unref(file);                                                 \
        bcj2_file_enum_unref(other);                                           \
        bcj2_file_enum_unref(files);                                           \
        return s;                                                              \
    }
WITH_FILES(next, bcj2_file_enum_next(files, &file))
WITH_FILES(reset, bcj2_file_enum_reset(files))
WITH_FILES(skip, bcj2_file_enum_skip(files, 1))
WITH_FILES(clone, bcj2_file_enum_clone(files, &other))
WITH_FILES(count, bcj2_file_enum_count(files, &count))

#define WITH_ERROR(method, expression)                                     \
    static bcj2_status call_error_##method(struct matrix_subject *subject) \
    {                                                                      \
        bcj2_error *error = NULL;                                          \
        bcj2_file *file = NULL;                                            \
        char *text = NULL;                                                 \
        bcj2_status s = bcj2_get_error(JOB, &error);                       \
        if (s == BCJ2_OK) {                                                \
            s = (expression);                                              \
        }                                                                  \
        bcj2_free(text);                                                   \
        bcj2_file_unref(file);                                             \
        bcj2_error_unref(error);                                           \
        return s;                                                          \
    }

static bcj2_status error_code(const struct matrix_subject *subject, bcj2_error *error)
{
    bcj2_error_context context = 0;
    bcj2_status code = 0, s = bcj2_error_get(error, &context, &code);
    bool failed = subject->state == BCJ2_JOB_STATE_ERROR;
    ck_assert_int_eq(context, BCJ2_ERROR_CONTEXT_REMOTE_FILE);
    ck_assert_uint_eq((uint32_t)code, failed ? 0x80190194u : 0x801901f7u);
    return s;
}

static bcj2_status error_http(const struct matrix_subject *subject, bcj2_error *error)
{
    uint32_t status = 0;
    bcj2_status s = bcj2_error_get_http_status(error, &status);
    ck_assert_uint_eq(status, subject->state == BCJ2_JOB_STATE_ERROR ? 404 : 503);
    return s;
}

WITH_ERROR(get, error_code(subject, error))
WITH_ERROR(get_file, bcj2_error_get_file(error, &file))
WITH_ERROR(get_description, bcj2_error_get_description(error, &text))
WITH_ERROR(get_context_description, bcj2_error_get_context_description(error, &text))
WITH_ERROR(get_protocol, bcj2_error_get_protocol(error, &text))
WITH_ERROR(get_http_status, error_http(subject, error))

/* ---- the table ---- */

/* states: 0 QUEUED, 1 CONNECTING, 2 TRANSFERRING, 3 SUSPENDED, 4 ERROR, 5 TRANSIENT_ERROR, 6 TRANSFERRED,
   7 ACKNOWLEDGED, 8 CANCELLED */
#define GETTER  "ooooooooo"
#define SETTER  "oooooooII"
#define NEVER   "NNNNNNNNN"
#define FAILED_ "UUUUooUUU"
#define NONE    "FFFFFFFFF"

static bcj2_status call_get_notify_cmdline(struct matrix_subject *subject)
{
    char *program = NULL, *parameters = NULL;
    bcj2_status s = bcj2_get_notify_cmdline(JOB, &program, &parameters);
    ck_assert_int_eq(s == BCJ2_OK, program != NULL && parameters != NULL);
    bcj2_free(program);
    bcj2_free(parameters);
    return s;
}

static const char *const suspended[] = {"333343678", "333343678", "333343678"};
static const char *const resumed[] = {"012000678", "012000678", "012000678"};
static const char *const cancelled[] = {"888888878", "888888878", "888888878"};
static const char *const completed[] = {"777777778", "012345778", "012345778"};

#define ROW(method, download, upload, reply)                                                    \
    {                                                                                           \
        .name = "bcj2_" #method, .call = call_##method, .expected = { download, upload, reply } \
    }
#define MOVES(method, download, upload, reply, states)                                         \
    {                                                                                          \
        .name = "bcj2_" #method, .call = call_##method, .expected = {download, upload, reply}, \
        .after = (states)                                                                      \
    }
#define SAME(method, all) ROW(method, all, all, all)

/* Those that read stand before those that set what they read. */
const struct matrix_row matrix_rows[] = {
    SAME(get_id, GETTER),
    SAME(get_type, GETTER),
    SAME(get_progress, GETTER),
    SAME(get_times, GETTER),
    SAME(get_state, GETTER),
    SAME(get_error, FAILED_),
    SAME(error_get, FAILED_),
    SAME(error_get_file, FAILED_),
    SAME(error_get_description, FAILED_),
    SAME(error_get_context_description, FAILED_),
    SAME(error_get_protocol, FAILED_),
    SAME(error_get_http_status, FAILED_),
    SAME(get_owner, GETTER),
    SAME(get_display_name, GETTER),
    SAME(get_description, GETTER),
    SAME(get_priority, GETTER),
    SAME(get_minimum_retry_delay, GETTER),
    SAME(get_no_progress_timeout, GETTER),
    SAME(get_maximum_download_time, GETTER),
    SAME(get_error_count, GETTER),
    SAME(get_notify_flags, GETTER),
    SAME(get_notify_callbacks, NONE),
    SAME(get_notify_cmdline, GETTER),
    SAME(get_custom_headers, NONE),
    SAME(get_client_certificate, NONE),
    SAME(get_ca_file, NONE),
    SAME(get_pinned_public_key, NONE),
    SAME(get_security_flags, GETTER),
    SAME(get_http_method, GETTER),
    SAME(get_tls_versions, GETTER),
    SAME(get_status_text, GETTER),
    SAME(get_json, GETTER),
    SAME(get_next_attempt, GETTER),
    SAME(wait, GETTER),
    {.name = "bcj2_wait (another state)",
     .call = call_wait_for_another,
     .expected = {"FFFFFFFII", "FFFFFFFII", "FFFFFFFII"}},
    ROW(get_reply_progress, NEVER, NEVER, GETTER),
    ROW(get_reply_data, NEVER, NEVER, "IIIIIIooI"),
    ROW(get_reply_file_name, NEVER, NEVER, GETTER),
    SAME(enum_files, GETTER),
    SAME(file_enum_next, GETTER),
    SAME(file_enum_reset, GETTER),
    SAME(file_enum_skip, GETTER),
    SAME(file_enum_clone, GETTER),
    SAME(file_enum_count, GETTER),
    SAME(file_get_remote_name, GETTER),
    SAME(file_get_local_name, GETTER),
    SAME(file_get_progress, GETTER),
    SAME(file_get_ranges, NONE),
    ROW(file_get_temporary_name, "FooFoooFF", NONE, NONE),
    ROW(file_get_response_headers, "FFoFooooF", NONE, NONE),

    MOVES(suspend, SETTER, SETTER, SETTER, suspended),
    MOVES(resume, "ooooooEII", "ooooooEII", "ooooooEII", resumed),
    MOVES(cancel, SETTER, SETTER, SETTER, cancelled),
    MOVES(complete, "PPPPPPoII", "IIIIIIoII", "IIIIIIoII", completed),

    SAME(set_display_name, SETTER),
    SAME(set_description, SETTER),
    SAME(set_priority, SETTER),
    SAME(set_minimum_retry_delay, SETTER),
    SAME(set_no_progress_timeout, SETTER),
    SAME(set_maximum_download_time, SETTER),
    SAME(take_ownership, "AAAAAAAII"),
    SAME(set_notify_flags, SETTER),
    SAME(set_notify_callbacks, SETTER),
    SAME(set_notify_cmdline, SETTER),
    SAME(set_custom_headers, SETTER),
    SAME(make_custom_headers_write_only, SETTER),
    SAME(set_client_certificate, SETTER),
    SAME(set_ca_file, SETTER),
    SAME(set_pinned_public_key, SETTER),
    SAME(set_security_flags, SETTER),
    SAME(set_tls_versions, SETTER),
    ROW(set_http_method, "RRRoRRRII", NEVER, NEVER),
    ROW(set_reply_file_name, NEVER, NEVER, "ooooooIII"),
    ROW(replace_remote_prefix, SETTER, NEVER, NEVER),
    ROW(file_set_remote_name, SETTER, NEVER, NEVER),
    ROW(add_file, SETTER, "MMMMMMMII", "MMMMMMMII"),
    ROW(add_file_set, SETTER, "MMMMMMMII", "MMMMMMMII"),
    ROW(add_file_with_ranges, SETTER, NEVER, NEVER),
};
const size_t matrix_row_count = ARRAY_LEN(matrix_rows);
