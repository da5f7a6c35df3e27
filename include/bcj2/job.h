/* SPDX-License-Identifier: MIT */
/* Jobs: the methods of IBackgroundCopyJob and IBackgroundCopyJob2, some of the later interfaces, and
   what we add to them.

   Every call here may also return BCJ2_E_CLOSED (the manager was closed, or this is a forked
   child), BCJ2_E_NOT_FOUND (the job's row was purged, a day after Complete or Cancel),
   BCJ2_E_OUTOFMEMORY, BCJ2_E_DISK_FULL, BCJ2_E_DATABASE_CORRUPT and BCJ2_E_IO_DEVICE (the queue's
   database). What a call that changes something returned BCJ2_OK for survives a crash and a power
   cut. A failing call changes nothing; a pointer that it would have handed out is NULL. NULL where a
   pointer is required is BCJ2_E_INVALIDARG. Every function may be called from any thread. Returned
   strings and buffers are the caller's: bcj2_free(). */
#ifndef BCJ2_JOB_H
#define BCJ2_JOB_H

#include <bcj2/types.h>

BCJ2_BEGIN_DECLS

/* One more reference / one less (returns NULL; NULL is fine). The last unref neither cancels nor
   suspends the job: the queue owns it. */
BCJ2_API bcj2_job *bcj2_job_ref(bcj2_job *job);
BCJ2_API bcj2_job *bcj2_job_unref(bcj2_job *job);

/* Adds a file. remote_url: http or https, with a host, at most 8,192 bytes, only characters that
   are legal in a URL (nothing is escaped), without a user name; for downloads and uploads also the
   name of a file on this machine, such as a mounted share: an absolute path or file:///path.
   local_name: an absolute UTF-8 path of at most 4,095 bytes. The file to upload is looked at when it
   is transferred, and is the job's error then if it cannot be read; so is the remote file. Where a
   download goes, the folder must exist and be writable now; a file there is replaced by Complete (a
   symbolic link too, it is not followed). Nothing touches the network and the state stays: a
   TRANSFERRED, SUSPENDED or ERROR job needs a Resume. Files are transferred in the order of adding;
   none can be taken out again.
   BCJ2_OK; BCJ2_E_INVALIDARG (name or URL not valid, a download's folder missing, its local_name a
   folder, source and destination the same file); BCJ2_E_TOO_MANY_FILES (an upload job has one
   already); BCJ2_E_TOO_MANY_FILES_IN_JOB (over max_files_per_job); BCJ2_E_ACCESSDENIED (the folder
   of a download, or of an upload-reply job's reply without a name, is not writable);
   BCJ2_E_INVALID_STATE (completed or cancelled). (IBackgroundCopyJob::AddFile) */
BCJ2_API bcj2_status bcj2_add_file(bcj2_job *job, const char *remote_url, const char *local_name);

/* Adds count files in the order of the array, all of them or none. The names are copied.
   As bcj2_add_file(); BCJ2_E_INVALIDARG also for a count of 0 and for a name that is NULL;
   BCJ2_E_TOO_MANY_FILES for more than one file in an upload job.
   (IBackgroundCopyJob::AddFileSet) */
BCJ2_API bcj2_status bcj2_add_file_set(bcj2_job *job, uint32_t count, const bcj2_file_info *files);

/* Adds parts of a remote file to a download job: the ranges are written one after another, in the
   order given, into local_name. http and https only. Whether the file has them is seen at transfer
   time. The array is copied.
   As bcj2_add_file(); BCJ2_E_NOTIMPL (not a download job); BCJ2_E_INVALIDARG (a count of 0; the name
   of a file on this machine); BCJ2_E_INVALID_RANGE (an initial_offset of BCJ2_LENGTH_TO_EOF, a
   length of 0, an end beyond 64 bits); BCJ2_E_OVERLAPPING_RANGES; BCJ2_E_TOO_MANY_RANGES_IN_FILE
   (over max_ranges_per_file, or over 10,000); BCJ2_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD.
   (IBackgroundCopyJob3::AddFileWithRanges) */
BCJ2_API bcj2_status bcj2_add_file_with_ranges(bcj2_job *job, const char *remote_url,
                                               const char *local_name, uint32_t count,
                                               const bcj2_file_range *ranges);

/* Replaces the beginning of every URL of a download job that begins with old_prefix, byte by byte
   and case by case; URLs that wait for a Resume (bcj2_file_set_remote_name()) too. All of them or
   none. Files that are transferred are not fetched again; one that is half done goes on if the new
   server's file is the same, else begins again. A running transfer ends with the URL it began with.
   BCJ2_OK; BCJ2_S_FALSE (no URL begins so); BCJ2_E_NOTIMPL (not a download job); BCJ2_E_INVALIDARG
   (a prefix is empty, or a resulting URL not valid); BCJ2_E_INVALID_STATE (completed or cancelled).
   (IBackgroundCopyJob3::ReplaceRemotePrefix) */
BCJ2_API bcj2_status bcj2_replace_remote_prefix(bcj2_job *job, const char *old_prefix,
                                                const char *new_prefix);

/* A snapshot of the job's files. *ret_files: bcj2_file_enum_unref(). BCJ2_OK.
   (IBackgroundCopyJob::EnumFiles) */
BCJ2_API bcj2_status bcj2_enum_files(bcj2_job *job, bcj2_file_enum **ret_files);

/* Stops the job; what was transferred is kept. It does not wait for the network. A job that is
   SUSPENDED, ERROR or TRANSFERRED stays as it is.
   BCJ2_OK; BCJ2_E_INVALID_STATE (completed or cancelled). (IBackgroundCopyJob::Suspend) */
BCJ2_API bcj2_status bcj2_suspend(bcj2_job *job);

/* Lets the job run, and at once: a pending retry delay is dropped, the no-progress clock and the
   time that counts for the maximum download time start anew, URLs given by
   bcj2_file_set_remote_name() take effect. A TRANSFERRED job goes on if files were added since.
   BCJ2_OK; BCJ2_E_EMPTY (no file, or nothing left to transfer); BCJ2_E_INVALID_STATE
   (completed or cancelled). (IBackgroundCopyJob::Resume) */
BCJ2_API bcj2_status bcj2_resume(bcj2_job *job);

/* Drops the job for good: what was downloaded, and a partial reply, is deleted (files that a failed
   Complete gave their names stay); the server of an upload is told in the background (for up to 24
   hours if it is away). A file that the server has whole stays there. BCJ2_OK;
   BCJ2_S_UNABLE_TO_DELETE_FILES (cancelled, a temporary file stayed); BCJ2_E_INVALID_STATE (completed
   or cancelled). (IBackgroundCopyJob::Cancel) */
BCJ2_API bcj2_status bcj2_cancel(bcj2_job *job);

/* Ends the job with what there is; it leaves the queue. A download, in any state but the final ones:
   each file that is transferred gets its name, in the order of adding (an existing file is replaced; a
   symbolic link there is replaced, not followed), and the server's time of change if it told one; what
   is half done is deleted. An upload, TRANSFERRED only: an upload-reply job's reply gets its name in
   the same way, without a reply an empty file is made. The files belong to the caller, by his umask.
   BCJ2_OK; BCJ2_S_PARTIAL_COMPLETE (ended, not all files of the download were transferred);
   BCJ2_S_UNABLE_TO_DELETE_FILES (ended, a temporary file stayed; also when it is partial);
   BCJ2_E_INVALID_STATE (completed or cancelled; an upload that is not TRANSFERRED); the status of a
   failed rename (BCJ2_E_ACCESSDENIED, BCJ2_E_DISK_FULL, BCJ2_E_PATH_NOT_FOUND, …): the job is
   TRANSFERRED then, files that got their names keep them, and Complete may be called again.
   (IBackgroundCopyJob::Complete) */
BCJ2_API bcj2_status bcj2_complete(bcj2_job *job);

/* Getters; all allowed in all states. BCJ2_OK; BCJ2_E_INVALIDARG (NULL, struct_size). */
BCJ2_API bcj2_status bcj2_get_id(bcj2_job *job, bcj2_guid *ret_id);
BCJ2_API bcj2_status bcj2_get_type(bcj2_job *job, bcj2_job_type *ret_type);
BCJ2_API bcj2_status bcj2_get_progress(bcj2_job *job, bcj2_job_progress *ret_progress);
BCJ2_API bcj2_status bcj2_get_times(bcj2_job *job, bcj2_job_times *ret_times);
BCJ2_API bcj2_status bcj2_get_state(bcj2_job *job, bcj2_job_state *ret_state);

/* Why the job is in ERROR or TRANSIENT_ERROR. *ret_error: bcj2_error_unref().
   BCJ2_OK; BCJ2_E_ERROR_INFORMATION_UNAVAILABLE (any other state; *ret_error is set to NULL).
   (IBackgroundCopyJob::GetError) */
BCJ2_API bcj2_status bcj2_get_error(bcj2_job *job, bcj2_error **ret_error);

/* "S-1-22-1-UID". BCJ2_OK. (IBackgroundCopyJob::GetOwner) */
BCJ2_API bcj2_status bcj2_get_owner(bcj2_job *job, char **ret_owner);

/* The name people see: UTF-8, at most 256 UTF-16 units. Set: BCJ2_OK; BCJ2_E_INVALIDARG (NULL, not
   UTF-8); BCJ2_E_STRING_TOO_LONG; BCJ2_E_INVALID_STATE (completed or cancelled). Get: BCJ2_OK. */
BCJ2_API bcj2_status bcj2_set_display_name(bcj2_job *job, const char *name);
BCJ2_API bcj2_status bcj2_get_display_name(bcj2_job *job, char **ret_name);

/* Likewise, at most 1,024 UTF-16 units; "" in a new job. */
BCJ2_API bcj2_status bcj2_set_description(bcj2_job *job, const char *description);
BCJ2_API bcj2_status bcj2_get_description(bcj2_job *job, char **ret_description);

/* Foreground jobs run together; of the background ones a higher level goes first. NORMAL in a new
   job. A job with an HTTP method of its own stays a foreground job. Set: BCJ2_OK; BCJ2_E_NOTIMPL
   (not one of the four); BCJ2_E_INVALID_STATE; BCJ2_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD. Get:
   BCJ2_OK. */
BCJ2_API bcj2_status bcj2_set_priority(bcj2_job *job, bcj2_job_priority priority);
BCJ2_API bcj2_status bcj2_get_priority(bcj2_job *job, bcj2_job_priority *ret_priority);

/* Seconds between a transient error and the next attempt; less than 5 is raised to 5; 600 in a new
   job. Longer than the no-progress timeout: no retry, the first transient error is final. It counts
   from the next transient error on. Set: BCJ2_OK; BCJ2_E_INVALID_STATE. Get: BCJ2_OK. */
BCJ2_API bcj2_status bcj2_set_minimum_retry_delay(bcj2_job *job, uint32_t seconds);
BCJ2_API bcj2_status bcj2_get_minimum_retry_delay(bcj2_job *job, uint32_t *ret_seconds);

/* Seconds without a byte of progress, from the first transient error of a series, after which the
   job goes to ERROR; 0: every transient error is final; 1,209,600 (14 days) in a new job. Set:
   BCJ2_OK; BCJ2_E_INVALID_STATE. Get: BCJ2_OK. */
BCJ2_API bcj2_status bcj2_set_no_progress_timeout(bcj2_job *job, uint32_t seconds);
BCJ2_API bcj2_status bcj2_get_no_progress_timeout(bcj2_job *job, uint32_t *ret_seconds);

/* Seconds that the job may spend CONNECTING and TRANSFERRING since its last Resume; more than that
   is the job's error, BCJ2_E_MAXDOWNLOAD_TIMEOUT; 7,776,000 (90 days) in a new job. Set: BCJ2_OK;
   BCJ2_E_INVALID_STATE. Get: BCJ2_OK. (IBackgroundCopyJob4::SetMaximumDownloadTime) */
BCJ2_API bcj2_status bcj2_set_maximum_download_time(bcj2_job *job, uint32_t seconds);
BCJ2_API bcj2_status bcj2_get_maximum_download_time(bcj2_job *job, uint32_t *ret_seconds);

/* Makes the calling user the owner. What the old owner entrusted to the job goes: the client
   certificate and the custom headers.
   BCJ2_OK; BCJ2_E_INVALID_STATE (completed or cancelled); BCJ2_E_ACCESSDENIED (not root, also for
   the owner). (IBackgroundCopyJob::TakeOwnership) */
BCJ2_API bcj2_status bcj2_take_ownership(bcj2_job *job);

/* How often the job failed while transferring or retrying; never reset. BCJ2_OK. */
BCJ2_API bcj2_status bcj2_get_error_count(bcj2_job *job, uint32_t *ret_count);

/* ---- HTTP options (IBackgroundCopyJobHttpOptions) ----

   Set in any state but the final ones (BCJ2_E_INVALID_STATE), for every type of job if nothing else
   is said. They count from the job's next attempt on. */

/* Lines "Name: value", each ended by CR LF or LF (the last need not be), sent with every request to
   the host of the file's URL, and to no other. At most 16,383 bytes of UTF-8. Kept sealed: readable
   only with the file secret.key in the queue directory. NULL removes. Get: exactly what was set.
   Set: BCJ2_OK; BCJ2_E_STRING_TOO_LONG; BCJ2_E_INVALIDARG (a line that is no header, a control
   character, or one that is the library's to send: Host, Content-Length, Transfer-Encoding,
   Connection, Range and conditions, Accept-Encoding, BITS-…); BCJ2_E_INVALID_STATE;
   BCJ2_E_ACCESSDENIED, BCJ2_E_DECRYPTION_FAILED (secret.key is not for its owner only, or damaged).
   Get: BCJ2_OK; BCJ2_S_FALSE (none); BCJ2_E_ACCESSDENIED (write-only, or the same);
   BCJ2_E_DECRYPTION_FAILED (secret.key is missing or another one). On failure and on BCJ2_S_FALSE
   *ret_headers is NULL. */
BCJ2_API bcj2_status bcj2_set_custom_headers(bcj2_job *job, const char *headers);
BCJ2_API bcj2_status bcj2_get_custom_headers(bcj2_job *job, char **ret_headers);

/* From now on nobody can ask for the custom headers any more; they can still be set. There is no
   way back. BCJ2_OK; BCJ2_E_INVALID_STATE. */
BCJ2_API bcj2_status bcj2_make_custom_headers_write_only(bcj2_job *job);

/* The certificate that is shown to a server that asks for one: absolute paths of PEM files that can
   be read now, and again at each attempt. key_file NULL: the key is in the certificate's file.
   key_password NULL: it has none; at most 65,536 UTF-16 units, kept sealed. certificate_file NULL
   (and the others): removes. Only the host of the file's URL gets to see it.
   Set: BCJ2_OK; BCJ2_S_FALSE (nothing to remove); BCJ2_E_INVALIDARG (path, text, a key without a
   certificate); BCJ2_E_PASSWORD_TOO_LARGE; BCJ2_E_INVALID_STATE; BCJ2_E_WIN32_FILE_NOT_FOUND,
   BCJ2_E_ACCESSDENIED and others (a file cannot be read, or the seal: as for custom headers).
   Get: BCJ2_OK; BCJ2_S_FALSE (none). What there is not is NULL; the password never comes back. */
BCJ2_API bcj2_status bcj2_set_client_certificate(bcj2_job *job, const char *certificate_file,
                                                 const char *key_file, const char *key_password);
BCJ2_API bcj2_status bcj2_get_client_certificate(bcj2_job *job, char **ret_certificate_file,
                                                 char **ret_key_file);

/* The PEM file with the authorities that may sign servers' certificates, instead of the system's;
   an absolute path that can be read now. NULL: the system's.
   Set: BCJ2_OK; BCJ2_E_INVALIDARG; BCJ2_E_INVALID_STATE; BCJ2_E_WIN32_FILE_NOT_FOUND,
   BCJ2_E_ACCESSDENIED and others. Get: BCJ2_OK; BCJ2_S_FALSE and NULL (none was set). */
BCJ2_API bcj2_status bcj2_set_ca_file(bcj2_job *job, const char *ca_file);
BCJ2_API bcj2_status bcj2_get_ca_file(bcj2_job *job, char **ret_ca_file);

/* The server's public key must be one of these, whoever signed its certificate: "sha256//" and the
   base64 of the SHA-256 of the key, several with ';' between; or the absolute path of a PEM or DER
   file with the key. At most 4,095 bytes. NULL: any key.
   Set: BCJ2_OK; BCJ2_E_INVALIDARG; BCJ2_E_STRING_TOO_LONG; BCJ2_E_INVALID_STATE;
   BCJ2_E_WIN32_FILE_NOT_FOUND, BCJ2_E_ACCESSDENIED and others. Get: BCJ2_OK; BCJ2_S_FALSE and NULL
   (none was set). */
BCJ2_API bcj2_status bcj2_set_pinned_public_key(bcj2_job *job, const char *pinned_key);
BCJ2_API bcj2_status bcj2_get_pinned_public_key(bcj2_job *job, char **ret_pinned_key);

/* BCJ2_SSL_… and one BCJ2_HTTP_REDIRECT_POLICY_…; 0 in a new job. Set: BCJ2_OK; BCJ2_E_NOTIMPL
   (unknown ones, 4 and 0x10); BCJ2_E_INVALID_STATE. Get: BCJ2_OK. */
BCJ2_API bcj2_status bcj2_set_security_flags(bcj2_job *job, uint32_t flags);
BCJ2_API bcj2_status bcj2_get_security_flags(bcj2_job *job, uint32_t *ret_flags);

/* The method that fetches a download job's files: an HTTP token of at most 64 bytes, in a new job
   "GET" ("BITS_POST" for the upload types, where nothing else can be set). Another than GET cannot
   be resumed: the job becomes a foreground job and stays one, its files cannot have ranges, and an
   interruption begins the file again or is the job's error.
   Set: BCJ2_OK; BCJ2_E_NOTIMPL (an upload type); BCJ2_E_INVALIDARG (not a token, HEAD, CONNECT);
   BCJ2_E_STRING_TOO_LONG; BCJ2_E_INVALID_STATE; BCJ2_E_READ_ONLY_PROPERTY_AFTER_RESUME (the job was
   resumed before); BCJ2_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD (a file has ranges). Get: BCJ2_OK.
   (IBackgroundCopyJobHttpOptions2::SetHttpMethod) */
BCJ2_API bcj2_status bcj2_set_http_method(bcj2_job *job, const char *method);
BCJ2_API bcj2_status bcj2_get_http_method(bcj2_job *job, char **ret_method);

/* The oldest and the newest TLS version to speak; BCJ2_TLS_VERSION_DEFAULT leaves either to libcurl,
   as in a new job. Whether the TLS library has them is seen at transfer time. Set: BCJ2_OK;
   BCJ2_E_NOTIMPL (not one of the values); BCJ2_E_INVALIDARG (min above max); BCJ2_E_INVALID_STATE.
   Get: BCJ2_OK. */
BCJ2_API bcj2_status bcj2_set_tls_versions(bcj2_job *job, bcj2_tls_version min,
                                           bcj2_tls_version max);
BCJ2_API bcj2_status bcj2_get_tls_versions(bcj2_job *job, bcj2_tls_version *ret_min,
                                           bcj2_tls_version *ret_max);

/* ---- IBackgroundCopyJob2: the reply of an upload-reply job; BCJ2_E_NOTIMPL for other types ----
 */

/* bytes_total is BCJ2_SIZE_UNKNOWN until the reply is requested, 0 while its size is not known and
   when there is none. BCJ2_OK; BCJ2_E_NOTIMPL; BCJ2_E_INVALIDARG (NULL, struct_size). */
BCJ2_API bcj2_status bcj2_get_reply_progress(bcj2_job *job, bcj2_reply_progress *ret_progress);

/* The reply in memory, before or after Complete; not NUL-terminated. No or an empty reply: BCJ2_OK,
   NULL and 0.
   BCJ2_OK; BCJ2_E_TOO_LARGE (more than 1,048,576 bytes: *ret_buffer NULL, *ret_length the size);
   BCJ2_E_NOTIMPL (type); BCJ2_E_INVALID_STATE (neither TRANSFERRED nor ACKNOWLEDGED);
   BCJ2_E_WIN32_FILE_NOT_FOUND and others (the file cannot be read). On failure *ret_buffer is NULL,
   *ret_length 0 unless stated. */
BCJ2_API bcj2_status bcj2_get_reply_data(bcj2_job *job, uint8_t **ret_buffer, uint64_t *ret_length);

/* Where the reply goes: an absolute UTF-8 path of at most 4,095 bytes in an existing, writable
   folder. NULL or "": a name made by the library in the folder of the uploaded file. Legal until
   the reply's transfer begins. Set: BCJ2_OK; BCJ2_E_NOTIMPL (type); BCJ2_E_INVALIDARG (path);
   BCJ2_E_ACCESSDENIED (folder not writable); BCJ2_E_INVALID_STATE. Get: BCJ2_OK; *ret_local_name is
   NULL if there is neither an explicit name nor a file yet; BCJ2_E_NOTIMPL. */
BCJ2_API bcj2_status bcj2_set_reply_file_name(bcj2_job *job, const char *local_name);
BCJ2_API bcj2_status bcj2_get_reply_file_name(bcj2_job *job, char **ret_local_name);

/* ---- ours ---- */

/* Waits until the job is in one of the states of the mask (1u << state). timeout_ms < 0: for ever.
   *ret_state (may be NULL) gets the last state seen, also on BCJ2_S_FALSE and on INVALID_STATE.
   BCJ2_OK; BCJ2_S_FALSE (time is over); BCJ2_E_INVALID_STATE (a final state that is not in the
   mask); BCJ2_E_INVALIDARG (mask empty or with unknown states); BCJ2_E_CLOSED;
   BCJ2_E_PATH_NOT_FOUND (as bcj2_manager_wait). */
BCJ2_API bcj2_status bcj2_wait(bcj2_job *job, uint32_t state_mask, int64_t timeout_ms,
                               bcj2_job_state *ret_state);

/* Why the job is where it is, in one sentence: "waiting 9 min 12 s to retry: host not found".
   BCJ2_OK. */
BCJ2_API bcj2_status bcj2_get_status_text(bcj2_job *job, char **ret_text);

/* Everything about the job but secrets, as one JSON object; 64-bit numbers are strings. BCJ2_OK. */
BCJ2_API bcj2_status bcj2_get_json(bcj2_job *job, char **ret_text);

/* When the job will be tried again; 0 = nothing is planned. BCJ2_OK. */
BCJ2_API bcj2_status bcj2_get_next_attempt(bcj2_job *job, bcj2_filetime *ret_time);

typedef int32_t bcj2_phase;
#define BCJ2_PHASE_UPLOAD ((bcj2_phase)0) /* the file is on its way */
#define BCJ2_PHASE_SERVER ((bcj2_phase)1) /* the server application works on it */
#define BCJ2_PHASE_REPLY  ((bcj2_phase)2) /* the reply is on its way */

/* Told at each change and each second; total is BCJ2_SIZE_UNKNOWN while unknown. Runs on the thread
   that called bcj2_upload_reply(). Non-zero: stop waiting and leave the job in the queue. */
typedef int32_t (*bcj2_progress_callback)(void *user, int32_t phase, uint64_t done, uint64_t total);

/* One call for the whole: create, set the reply's name, add, resume, wait, complete. reply_name may
   be NULL (a generated name, see bcj2_get_reply_file_name()); progress may be NULL. *ret_job (may
   be NULL) is set whenever the job was created, and is the caller's, to be unref'd. BCJ2_OK;
   BCJ2_E_ABORT (progress said stop; the job stays in the queue and goes on); the job's code if it
   ends in ERROR (it stays in the queue: look at it with bcj2_get_error(), then resume or cancel
   it); BCJ2_E_INVALID_STATE (somebody suspended for good, cancelled or completed it meanwhile); a
   failed call's status: if the job could not even be started it is cancelled again. */
BCJ2_API bcj2_status bcj2_upload_reply(bcj2_manager *manager, const char *local_name,
                                       const char *remote_url, const char *reply_name,
                                       bcj2_progress_callback progress, void *user,
                                       bcj2_job **ret_job);

BCJ2_END_DECLS

#endif
