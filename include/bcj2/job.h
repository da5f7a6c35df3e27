/* SPDX-License-Identifier: MIT */
/* Jobs: the methods of IBackgroundCopyJob and IBackgroundCopyJob2, and what we add to them.

   Every call here may also return BCJ2_E_CLOSED (the manager was closed, or this is a forked
   child), BCJ2_E_NOT_FOUND (the job's row was purged, a day after Complete or Cancel),
   BCJ2_E_OUTOFMEMORY, BCJ2_E_DISK_FULL, BCJ2_E_DATABASE_CORRUPT and BCJ2_E_IO_DEVICE (the queue's
   database). What a call that changes something returned BCJ2_OK for survives a crash and a power
   cut. A failing call changes nothing. NULL where a pointer is required is BCJ2_E_INVALIDARG. Every
   function may be called from any thread. Returned strings and buffers are the caller's:
   bcj2_free(). */
#ifndef BCJ2_JOB_H
#define BCJ2_JOB_H

#include <bcj2/types.h>

BCJ2_BEGIN_DECLS

/* One more reference / one less (returns NULL; NULL is fine). The last unref neither cancels nor
   suspends the job: the queue owns it. */
BCJ2_API bcj2_job *bcj2_job_ref(bcj2_job *job);
BCJ2_API bcj2_job *bcj2_job_unref(bcj2_job *job);

/* Adds the file to upload. remote_url: http or https, with a host, at most 8,192 bytes, only
   characters that are legal in a URL (nothing is escaped), without a user name. local_name: an
   absolute UTF-8 path of at most 4,095 bytes; that it exists and can be read is seen at transfer
   time, and is the job's error then. Nothing touches the network and the state stays. BCJ2_OK;
   BCJ2_E_INVALIDARG (name or URL not valid); BCJ2_E_TOO_MANY_FILES (an upload job has one already);
   BCJ2_E_ACCESSDENIED (upload-reply without a reply name: the folder of local_name, where the reply
   will go, is not writable); BCJ2_E_INVALID_STATE (completed or cancelled).
   (IBackgroundCopyJob::AddFile) */
BCJ2_API bcj2_status bcj2_add_file(bcj2_job *job, const char *remote_url, const char *local_name);

/* A snapshot of the job's files. *ret_files: bcj2_file_enum_unref(). BCJ2_OK.
   (IBackgroundCopyJob::EnumFiles) */
BCJ2_API bcj2_status bcj2_enum_files(bcj2_job *job, bcj2_file_enum **ret_files);

/* Stops the job; what was transferred is kept. It does not wait for the network. A job that is
   SUSPENDED, ERROR or TRANSFERRED stays as it is.
   BCJ2_OK; BCJ2_E_INVALID_STATE (completed or cancelled). (IBackgroundCopyJob::Suspend) */
BCJ2_API bcj2_status bcj2_suspend(bcj2_job *job);

/* Lets the job run, and at once: a pending retry delay is dropped, the no-progress clock starts
   anew. BCJ2_OK; BCJ2_E_EMPTY (no file, or nothing left to transfer); BCJ2_E_INVALID_STATE
   (completed or cancelled). (IBackgroundCopyJob::Resume) */
BCJ2_API bcj2_status bcj2_resume(bcj2_job *job);

/* Drops the job for good: a partial reply is deleted, the server is told in the background (for up
   to 24 hours if it is away). A file that the server has whole stays there. BCJ2_OK;
   BCJ2_S_UNABLE_TO_DELETE_FILES (cancelled, a temporary file stayed); BCJ2_E_INVALID_STATE
   (completed or cancelled). (IBackgroundCopyJob::Cancel) */
BCJ2_API bcj2_status bcj2_cancel(bcj2_job *job);

/* Ends a TRANSFERRED job: the reply gets its name (an existing file is replaced; a symbolic link
   there is replaced, not followed; without a reply an empty file is made), the job leaves the
   queue. BCJ2_OK; BCJ2_E_INVALID_STATE (not TRANSFERRED); the status of a failed rename
   (BCJ2_E_ACCESSDENIED, BCJ2_E_DISK_FULL, BCJ2_E_PATH_NOT_FOUND, …): the job stays TRANSFERRED and
   Complete may be called again. (IBackgroundCopyJob::Complete) */
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
   job. Set: BCJ2_OK; BCJ2_E_NOTIMPL (not one of the four); BCJ2_E_INVALID_STATE. Get: BCJ2_OK. */
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

/* How often the job failed while transferring or retrying; never reset. BCJ2_OK. */
BCJ2_API bcj2_status bcj2_get_error_count(bcj2_job *job, uint32_t *ret_count);

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
