/* SPDX-License-Identifier: MIT */
/* What is done to jobs: the handle, the rules of every property (limits, states, order of faults) and
   the transaction each call is. The API floor checks pointers and forwards here.
   Complete and Cancel are in settle.h, waiting in job_wait.c, upload_reply in job_upload.c. */
#ifndef BCJ2_CORE_JOB_H
#define BCJ2_CORE_JOB_H

#include <bcj2/job.h>
#include <bcj2/file.h>
#include "core.h"

struct bcj2_job {
    atomic_uint refs;
    struct core *core;
    int64_t seq;
    bcj2_guid id;
};

struct bcj2_file {
    atomic_uint refs;
    struct core *core;
    int64_t seq; /* of its job */
    uint32_t index;
    char *remote_name, *local_name; /* as they were when the handle was made */
};

struct bcj2_error {
    atomic_uint refs;
    struct core *core;
    int64_t seq;
    bcj2_error_context context;
    bcj2_status code;
    uint32_t http_status;
    bool has_file, has_protocol;
    uint32_t file_index;   /* if has_file */
    bool is_file_protocol; /* if has_protocol */
    char *text;
};

/* handles; unref returns NULL, NULL is fine */
void *bcj2__job_unref(bcj2_job *job);
void *bcj2__job_file_unref(bcj2_file *file);
void *bcj2__job_error_unref(bcj2_error *error);
bcj2_status bcj2__job_handle(struct core *c, int64_t seq, const bcj2_guid *id, bcj2_job **ret);
bcj2_status bcj2__job_create(struct core *c, const char *display_name, bcj2_job_type type,
                             bcj2_guid *ret_id, bcj2_job **ret);
bcj2_status bcj2__job_find(struct core *c, const bcj2_guid *id, bcj2_job **ret);
bcj2_status bcj2__job_file(struct core *c, int64_t seq, uint32_t index, bcj2_file **ret);
bcj2_status bcj2__job_error(bcj2_job *job, bcj2_error **ret);

/* changes */
bcj2_status bcj2__job_add_files(bcj2_job *job, uint32_t count, const bcj2_file_info *files);
bcj2_status bcj2__job_add_ranges(bcj2_job *job, const bcj2_file_info *file, uint32_t count,
                                 const bcj2_file_range *ranges);
bcj2_status bcj2__job_file_set_remote_name(bcj2_file *file, const char *url);
bcj2_status bcj2__job_replace_prefix(bcj2_job *job, const char *from, const char *to);
bcj2_status bcj2__job_suspend(bcj2_job *job);
bcj2_status bcj2__job_resume(bcj2_job *job);
bcj2_status bcj2__job_set_display_name(bcj2_job *job, const char *name);
bcj2_status bcj2__job_set_description(bcj2_job *job, const char *description);
bcj2_status bcj2__job_set_priority(bcj2_job *job, bcj2_job_priority priority);
bcj2_status bcj2__job_set_retry_delay(bcj2_job *job, uint32_t seconds);
bcj2_status bcj2__job_set_no_progress(bcj2_job *job, uint32_t seconds);
bcj2_status bcj2__job_set_max_download(bcj2_job *job, uint32_t seconds);
bcj2_status bcj2__job_set_reply_name(bcj2_job *job, const char *path); /* NULL, "": generated */
bcj2_status bcj2__job_take_ownership(bcj2_job *job);
bcj2_status bcj2__job_set_notify_flags(bcj2_job *job, uint32_t flags);
/* both NULL: none any more */
bcj2_status bcj2__job_set_notify_cmdline(bcj2_job *job, const char *program,
                                         const char *parameters);
/* HTTP options; a NULL text removes */
bcj2_status bcj2__job_set_headers(bcj2_job *job, const char *headers);
bcj2_status bcj2__job_set_headers_write_only(bcj2_job *job);
bcj2_status bcj2__job_set_client_certificate(bcj2_job *job, const char *certificate,
                                             const char *key, const char *password);
bcj2_status bcj2__job_set_ca_file(bcj2_job *job, const char *path);
bcj2_status bcj2__job_set_pinned_key(bcj2_job *job, const char *pinned);
bcj2_status bcj2__job_set_security_flags(bcj2_job *job, uint32_t flags);
bcj2_status bcj2__job_set_tls_versions(bcj2_job *job, bcj2_tls_version min, bcj2_tls_version max);
bcj2_status bcj2__job_set_method(bcj2_job *job, const char *method);

/* reading */
bcj2_status bcj2__job_load(bcj2_job *job, struct store_job *ret);
bcj2_status bcj2__job_load_row(struct core *c, int64_t seq, struct store_job *ret);
bcj2_status bcj2__job_load_file(const bcj2_file *file, struct store_file *ret);
bcj2_status bcj2__job_http(bcj2_job *job, struct store_http *ret);
bcj2_status bcj2__job_headers(bcj2_job *job, char **ret); /* as they were set; BCJ2_S_FALSE: none */
bcj2_status bcj2__job_method(bcj2_job *job, char **ret);
bcj2_status bcj2__job_progress(bcj2_job *job, bcj2_job_progress *ret);
bcj2_status bcj2__job_reply_progress(bcj2_job *job, bcj2_reply_progress *ret);
bcj2_status bcj2__job_reply_data(bcj2_job *job, uint8_t **ret_buffer, uint64_t *ret_length);
bcj2_status bcj2__job_status_text(bcj2_job *job, char **ret);
bcj2_status bcj2__job_json(bcj2_job *job, char **ret);
bcj2_status bcj2__job_next_attempt(bcj2_job *job, bcj2_filetime *ret);
bcj2_status bcj2__job_wait(bcj2_job *job, uint32_t state_mask, int64_t timeout_ms,
                           bcj2_job_state *ret);

/* When, on this boot's clock (what is past may be 0); UINT64_MAX: not set. */
uint64_t bcj2__job_deadline_ms(const struct store_deadline *d);
/* How long ago it was; 0: not set, or still to come. Also for moments before this boot. */
uint64_t bcj2__job_since_ms(const struct store_deadline *d, uint64_t now_ms);
struct store_deadline bcj2__job_deadline_at(uint64_t at_ms, uint64_t now_ms);

#endif
