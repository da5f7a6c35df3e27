/* SPDX-License-Identifier: MIT */
/* See every_call.h. */
#include "every_call.h"

#include "../support/queue.h"
#include "macro.h"

#include <string.h>

static struct {
    bcj2_job *job;
    bcj2_file *file;
    bcj2_error *error;
    bcj2_job_enum *jobs;
    bcj2_file_enum *files;
    bcj2_guid id;
} have;

/* Where results go; a call that succeeds leaves something of ours here: NULL tests do not get there. */
static struct {
    bcj2_manager *manager;
    bcj2_job *job;
    bcj2_file *file;
    bcj2_error *error;
    bcj2_job_enum *jobs;
    bcj2_file_enum *files;
    bcj2_guid id;
    bcj2_job_state state;
    bcj2_job_type type;
    bcj2_job_priority priority;
    bcj2_error_context context;
    bcj2_status status;
    bcj2_filetime time;
    uint32_t number;
    uint64_t length, change;
    uint8_t *buffer;
    bcj2_file_range *ranges;
    bcj2_tls_version tls;
    char *text, *more;
} ret;

static bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
static bcj2_job_progress job_progress = BCJ2_JOB_PROGRESS_INIT;
static bcj2_reply_progress reply_progress = BCJ2_REPLY_PROGRESS_INIT;
static bcj2_file_progress file_progress = BCJ2_FILE_PROGRESS_INIT;
static bcj2_job_times times = BCJ2_JOB_TIMES_INIT;
static bcj2_notify_callbacks callbacks = BCJ2_NOTIFY_CALLBACKS_INIT;
static bcj2_event event = BCJ2_EVENT_INIT;

#define URL     "http://127.0.0.1:1/"
#define P(i, p) (null_at == (i) ? NULL : (p))

static const bcj2_file_info file_info = {URL, "/tmp/x"};
static const bcj2_file_range file_range = {0, 1};

/* name, number of pointers that must not be NULL, flags, arguments */
#define CALLS(X)                                                                              \
    X(bcj2_guid_parse, 2, N, (P(0, "6b29fc40-ca47-1067-b31d-00dd010662da"), P(1, &ret.id)))   \
    X(bcj2_manager_open, 1, N, (queue_path("other"), NULL, P(0, &ret.manager)))               \
    X(bcj2_manager_get_info, 2, M, (P(0, queue_manager), P(1, &info)))                        \
    X(bcj2_manager_create_job, 4, M,                                                          \
      (P(0, queue_manager), P(1, "x"), BCJ2_JOB_TYPE_UPLOAD, P(2, &ret.id), P(3, &ret.job)))  \
    X(bcj2_manager_get_job, 3, M, (P(0, queue_manager), P(1, &have.id), P(2, &ret.job)))      \
    X(bcj2_manager_enum_changed, 2, M, (P(0, queue_manager), 0, P(1, &ret.jobs)))             \
    X(bcj2_manager_enum_jobs, 2, M, (P(0, queue_manager), 0, P(1, &ret.jobs)))                \
    X(bcj2_manager_get_error_description, 2, M, (P(0, queue_manager), 0, P(1, &ret.text)))    \
    X(bcj2_job_enum_next, 2, 0, (P(0, have.jobs), P(1, &ret.job)))                            \
    X(bcj2_job_enum_reset, 1, 0, (P(0, have.jobs)))                                           \
    X(bcj2_job_enum_skip, 1, 0, (P(0, have.jobs), 1))                                         \
    X(bcj2_job_enum_clone, 2, 0, (P(0, have.jobs), P(1, &ret.jobs)))                          \
    X(bcj2_job_enum_count, 2, 0, (P(0, have.jobs), P(1, &ret.number)))                        \
    X(bcj2_manager_wait, 2, M, (P(0, queue_manager), P(1, &ret.change), 0))                   \
    X(bcj2_manager_get_directory, 2, M, (P(0, queue_manager), P(1, &ret.text)))               \
    X(bcj2_manager_interrupt, 1, M, (P(0, queue_manager)))                                    \
    X(bcj2_manager_dispatch, 1, M, (P(0, queue_manager)))                                     \
    X(bcj2_add_file, 3, 0, (P(0, have.job), P(1, URL), P(2, "/tmp/x")))                       \
    X(bcj2_add_file_set, 2, 0, (P(0, have.job), 1, P(1, &file_info)))                         \
    X(bcj2_add_file_with_ranges, 4, 0,                                                        \
      (P(0, have.job), P(1, URL), P(2, "/tmp/x"), 1, P(3, &file_range)))                      \
    X(bcj2_replace_remote_prefix, 3, 0, (P(0, have.job), P(1, "http://a"), P(2, "http://b"))) \
    X(bcj2_enum_files, 2, 0, (P(0, have.job), P(1, &ret.files)))                              \
    X(bcj2_suspend, 1, 0, (P(0, have.job)))                                                   \
    X(bcj2_resume, 1, 0, (P(0, have.job)))                                                    \
    X(bcj2_cancel, 1, 0, (P(0, have.job)))                                                    \
    X(bcj2_complete, 1, 0, (P(0, have.job)))                                                  \
    X(bcj2_get_id, 2, 0, (P(0, have.job), P(1, &ret.id)))                                     \
    X(bcj2_get_type, 2, 0, (P(0, have.job), P(1, &ret.type)))                                 \
    X(bcj2_get_progress, 2, 0, (P(0, have.job), P(1, &job_progress)))                         \
    X(bcj2_get_times, 2, 0, (P(0, have.job), P(1, &times)))                                   \
    X(bcj2_get_state, 2, 0, (P(0, have.job), P(1, &ret.state)))                               \
    X(bcj2_get_error, 2, 0, (P(0, have.job), P(1, &ret.error)))                               \
    X(bcj2_get_owner, 2, 0, (P(0, have.job), P(1, &ret.text)))                                \
    X(bcj2_set_display_name, 2, 0, (P(0, have.job), P(1, "x")))                               \
    X(bcj2_get_display_name, 2, 0, (P(0, have.job), P(1, &ret.text)))                         \
    X(bcj2_set_description, 2, 0, (P(0, have.job), P(1, "x")))                                \
    X(bcj2_get_description, 2, 0, (P(0, have.job), P(1, &ret.text)))                          \
    X(bcj2_set_notify_flags, 1, 0, (P(0, have.job), 3))                                       \
    X(bcj2_get_notify_flags, 2, 0, (P(0, have.job), P(1, &ret.number)))                       \
    X(bcj2_set_notify_callbacks, 1, 0, (P(0, have.job), NULL))                                \
    X(bcj2_get_notify_callbacks, 2, 0, (P(0, have.job), P(1, &callbacks)))                    \
    X(bcj2_set_notify_cmdline, 1, 0, (P(0, have.job), NULL, NULL))                            \
    X(bcj2_get_notify_cmdline, 3, 0, (P(0, have.job), P(1, &ret.text), P(2, &ret.more)))      \
    X(bcj2_manager_get_event, 2, M, (P(0, queue_manager), 0, P(1, &event)))                   \
    X(bcj2_set_priority, 1, 0, (P(0, have.job), BCJ2_JOB_PRIORITY_LOW))                       \
    X(bcj2_get_priority, 2, 0, (P(0, have.job), P(1, &ret.priority)))                         \
    X(bcj2_set_minimum_retry_delay, 1, 0, (P(0, have.job), 5))                                \
    X(bcj2_get_minimum_retry_delay, 2, 0, (P(0, have.job), P(1, &ret.number)))                \
    X(bcj2_set_no_progress_timeout, 1, 0, (P(0, have.job), 5))                                \
    X(bcj2_get_no_progress_timeout, 2, 0, (P(0, have.job), P(1, &ret.number)))                \
    X(bcj2_set_maximum_download_time, 1, 0, (P(0, have.job), 5))                              \
    X(bcj2_get_maximum_download_time, 2, 0, (P(0, have.job), P(1, &ret.number)))              \
    X(bcj2_take_ownership, 1, 0, (P(0, have.job)))                                            \
    X(bcj2_set_custom_headers, 1, 0, (P(0, have.job), NULL))                                  \
    X(bcj2_get_custom_headers, 2, 0, (P(0, have.job), P(1, &ret.text)))                       \
    X(bcj2_make_custom_headers_write_only, 1, 0, (P(0, have.job)))                            \
    X(bcj2_set_client_certificate, 1, 0, (P(0, have.job), NULL, NULL, NULL))                  \
    X(bcj2_get_client_certificate, 3, 0, (P(0, have.job), P(1, &ret.text), P(2, &ret.text)))  \
    X(bcj2_set_ca_file, 1, 0, (P(0, have.job), NULL))                                         \
    X(bcj2_get_ca_file, 2, 0, (P(0, have.job), P(1, &ret.text)))                              \
    X(bcj2_set_pinned_public_key, 1, 0, (P(0, have.job), NULL))                               \
    X(bcj2_get_pinned_public_key, 2, 0, (P(0, have.job), P(1, &ret.text)))                    \
    X(bcj2_set_security_flags, 1, 0, (P(0, have.job), 0))                                     \
    X(bcj2_get_security_flags, 2, 0, (P(0, have.job), P(1, &ret.number)))                     \
    X(bcj2_set_http_method, 2, 0, (P(0, have.job), P(1, "BITS_POST")))                        \
    X(bcj2_get_http_method, 2, 0, (P(0, have.job), P(1, &ret.text)))                          \
    X(bcj2_set_tls_versions, 1, 0, (P(0, have.job), 0, 0))                                    \
    X(bcj2_get_tls_versions, 3, 0, (P(0, have.job), P(1, &ret.tls), P(2, &ret.tls)))          \
    X(bcj2_get_error_count, 2, 0, (P(0, have.job), P(1, &ret.number)))                        \
    X(bcj2_get_reply_progress, 2, 0, (P(0, have.job), P(1, &reply_progress)))                 \
    X(bcj2_get_reply_data, 3, 0, (P(0, have.job), P(1, &ret.buffer), P(2, &ret.length)))      \
    X(bcj2_set_reply_file_name, 1, 0, (P(0, have.job), NULL))                                 \
    X(bcj2_get_reply_file_name, 2, 0, (P(0, have.job), P(1, &ret.text)))                      \
    X(bcj2_wait, 1, 0, (P(0, have.job), STATE_BIT(ERROR), 0, NULL))                           \
    X(bcj2_get_status_text, 2, 0, (P(0, have.job), P(1, &ret.text)))                          \
    X(bcj2_get_json, 2, 0, (P(0, have.job), P(1, &ret.text)))                                 \
    X(bcj2_get_next_attempt, 2, 0, (P(0, have.job), P(1, &ret.time)))                         \
    X(bcj2_upload_reply, 3, M,                                                                \
      (P(0, queue_manager), P(1, "/tmp/x"), P(2, URL), NULL, NULL, NULL, NULL))               \
    X(bcj2_file_get_remote_name, 2, 0, (P(0, have.file), P(1, &ret.text)))                    \
    X(bcj2_file_get_local_name, 2, 0, (P(0, have.file), P(1, &ret.text)))                     \
    X(bcj2_file_set_remote_name, 2, 0, (P(0, have.file), P(1, URL)))                          \
    X(bcj2_file_get_ranges, 3, 0, (P(0, have.file), P(1, &ret.ranges), P(2, &ret.number)))    \
    X(bcj2_file_get_temporary_name, 2, 0, (P(0, have.file), P(1, &ret.text)))                 \
    X(bcj2_file_get_response_headers, 2, 0, (P(0, have.file), P(1, &ret.text)))               \
    X(bcj2_file_get_progress, 2, 0, (P(0, have.file), P(1, &file_progress)))                  \
    X(bcj2_file_enum_next, 2, 0, (P(0, have.files), P(1, &ret.file)))                         \
    X(bcj2_file_enum_reset, 1, 0, (P(0, have.files)))                                         \
    X(bcj2_file_enum_skip, 1, 0, (P(0, have.files), 1))                                       \
    X(bcj2_file_enum_clone, 2, 0, (P(0, have.files), P(1, &ret.files)))                       \
    X(bcj2_file_enum_count, 2, 0, (P(0, have.files), P(1, &ret.number)))                      \
    X(bcj2_error_get, 3, 0, (P(0, have.error), P(1, &ret.context), P(2, &ret.status)))        \
    X(bcj2_error_get_file, 2, 0, (P(0, have.error), P(1, &ret.file)))                         \
    X(bcj2_error_get_description, 2, 0, (P(0, have.error), P(1, &ret.text)))                  \
    X(bcj2_error_get_context_description, 2, 0, (P(0, have.error), P(1, &ret.text)))          \
    X(bcj2_error_get_protocol, 2, 0, (P(0, have.error), P(1, &ret.text)))                     \
    X(bcj2_error_get_http_status, 2, 0, (P(0, have.error), P(1, &ret.number)))

#define FUNCTION(name, pointers, flags, arguments) \
    static bcj2_status call_##name(int null_at)    \
    {                                              \
        return name arguments;                     \
    }
CALLS(FUNCTION)

enum { M = 1, N = 2 };
#define ROW(name, count, flags, arguments) {#name, call_##name, count, (flags) == M, (flags) == N},
const struct every_call every_call[] = {CALLS(ROW)};
const size_t every_call_count = ARRAY_LEN(every_call);

void every_call_prepare(void)
{
    have.job = queue_job(BCJ2_JOB_TYPE_UPLOAD);
    assert_status(bcj2_get_id(have.job, &have.id), BCJ2_OK);
    assert_status(bcj2_add_file(have.job, URL, queue_path("missing")), BCJ2_OK);
    assert_status(bcj2_resume(have.job), BCJ2_OK);
    queue_wait(have.job, STATE_BIT(ERROR), BCJ2_JOB_STATE_ERROR);
    assert_status(bcj2_get_error(have.job, &have.error), BCJ2_OK);
    assert_status(bcj2_error_get_file(have.error, &have.file), BCJ2_OK);
    assert_status(bcj2_enum_files(have.job, &have.files), BCJ2_OK);
    assert_status(bcj2_manager_enum_jobs(queue_manager, 0, &have.jobs), BCJ2_OK);
}

/* All pointers among the results. */
#define POINTERS(X) X(manager) X(job) X(file) X(error) X(jobs) X(files) X(buffer) X(ranges) X(text)

void every_call_spoil(void)
{
#define SPOIL(name) ret.name = (void *)&ret;
    POINTERS(SPOIL)
}

int every_call_cleared(void)
{
#define CLEARED(name) +(ret.name == NULL)
    return 0 POINTERS(CLEARED);
}

void every_call_done(void)
{
    ck_assert_ptr_null(bcj2_job_unref(have.job));
    ck_assert_ptr_null(bcj2_error_unref(have.error));
    ck_assert_ptr_null(bcj2_file_unref(have.file));
    ck_assert_ptr_null(bcj2_file_enum_unref(have.files));
    ck_assert_ptr_null(bcj2_job_enum_unref(have.jobs));
}
