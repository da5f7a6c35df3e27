/* SPDX-License-Identifier: MIT */
/* The files of a job, and the error object. A pointer that a failing call would have handed out is NULL.
   (job-semantics 2.3, 2.4) */
#ifndef BCJ2_FILE_H
#define BCJ2_FILE_H

#include <bcj2/types.h>

BCJ2_BEGIN_DECLS

/* One more reference / one less (returns NULL; NULL is fine). Any thread. */
BCJ2_API bcj2_file *bcj2_file_ref(bcj2_file *file);
BCJ2_API bcj2_file *bcj2_file_unref(bcj2_file *file);

/* The URL, and the path as it was given: also before Complete it is the final name. *ret_…:
   bcj2_free().
   BCJ2_OK; BCJ2_E_INVALIDARG (NULL); BCJ2_E_CLOSED; BCJ2_E_OUTOFMEMORY. Any thread.
   (IBackgroundCopyFile::GetRemoteName, GetLocalName) */
BCJ2_API bcj2_status bcj2_file_get_remote_name(bcj2_file *file, char **ret_url);
BCJ2_API bcj2_status bcj2_file_get_local_name(bcj2_file *file, char **ret_path);

/* Another URL for a file of a download job. It takes effect with the next bcj2_resume(), until then
   bcj2_file_get_remote_name() gives the old one. Rules of the URL as in bcj2_add_file(). A file that
   is transferred is not fetched again; one that is half done goes on if the new server's file is the
   same, else begins again.
   BCJ2_OK; BCJ2_E_NOTIMPL (not a download job); BCJ2_E_INVALIDARG (NULL, not valid, the file itself,
   a file of this machine for one with ranges); BCJ2_E_INVALID_STATE (completed or cancelled);
   BCJ2_E_NOT_FOUND (the job's row was purged); BCJ2_E_CLOSED; BCJ2_E_OUTOFMEMORY; a status of the
   store. Any thread. (IBackgroundCopyFile2::SetRemoteName) */
BCJ2_API bcj2_status bcj2_file_set_remote_name(bcj2_file *file, const char *url);

/* The ranges it was added with, in their order. *ret_ranges: bcj2_free(); NULL, and *ret_count 0, on
   failure and on BCJ2_S_FALSE.
   BCJ2_OK; BCJ2_S_FALSE (none: the whole file); BCJ2_E_INVALIDARG (NULL); BCJ2_E_NOT_FOUND (the
   job's row was purged); BCJ2_E_CLOSED; BCJ2_E_OUTOFMEMORY. Any thread.
   (IBackgroundCopyFile2::GetFileRanges) */
BCJ2_API bcj2_status bcj2_file_get_ranges(bcj2_file *file, bcj2_file_range **ret_ranges,
                                          uint32_t *ret_count);

/* The path of the temporary file that a download is written to, in the folder of its local name (of
   an upload to a file of this machine: in that one's folder); and the head of the last answer for it, lines ended by CR LF. *ret_…: bcj2_free(); NULL on failure
   and on BCJ2_S_FALSE.
   BCJ2_OK; BCJ2_S_FALSE (there is none: no answer yet, an upload to a server; the temporary file also once the
   file has its name, or the job is cancelled);
   BCJ2_E_INVALIDARG (NULL); BCJ2_E_NOT_FOUND (the job's row was purged); BCJ2_E_CLOSED;
   BCJ2_E_OUTOFMEMORY. Any thread.
   (IBackgroundCopyFile3::GetTemporaryName; IBackgroundCopyFile5::GetProperty) */
BCJ2_API bcj2_status bcj2_file_get_temporary_name(bcj2_file *file, char **ret_path);
BCJ2_API bcj2_status bcj2_file_get_response_headers(bcj2_file *file, char **ret_headers);

/* Live progress, in bytes.
   BCJ2_OK; BCJ2_E_INVALIDARG (NULL, struct_size); BCJ2_E_NOT_FOUND (the job's row was purged, a day
   after Complete or Cancel); BCJ2_E_CLOSED. Any thread. (IBackgroundCopyFile::GetProgress) */
BCJ2_API bcj2_status bcj2_file_get_progress(bcj2_file *file, bcj2_file_progress *ret_progress);

/* Enumerator of a job's files, in the order of adding; rules as for bcj2_job_enum.
   (IEnumBackgroundCopyFiles) */
BCJ2_API bcj2_status bcj2_file_enum_next(bcj2_file_enum *files, bcj2_file **ret_file);
BCJ2_API bcj2_status bcj2_file_enum_reset(bcj2_file_enum *files);
BCJ2_API bcj2_status bcj2_file_enum_skip(bcj2_file_enum *files, uint32_t n);
BCJ2_API bcj2_status bcj2_file_enum_clone(bcj2_file_enum *files, bcj2_file_enum **ret_files);
BCJ2_API bcj2_status bcj2_file_enum_count(bcj2_file_enum *files, uint32_t *ret_count);
BCJ2_API bcj2_file_enum *bcj2_file_enum_unref(bcj2_file_enum *files);

/* The error object: why a job is in ERROR or TRANSIENT_ERROR, as it was when it was asked for.
   One more reference / one less (returns NULL; NULL is fine). Any thread. */
BCJ2_API bcj2_error *bcj2_error_ref(bcj2_error *error);
BCJ2_API bcj2_error *bcj2_error_unref(bcj2_error *error);

/* Where it happened and the code. BCJ2_OK; BCJ2_E_INVALIDARG (NULL); BCJ2_E_CLOSED. Any thread.
   (IBackgroundCopyError::GetError) */
BCJ2_API bcj2_status bcj2_error_get(bcj2_error *error, bcj2_error_context *ret_context,
                                    bcj2_status *ret_code);

/* The file it is about (for a reply: the uploaded file); the caller's, to be unref'd.
   BCJ2_OK; BCJ2_E_FILE_NOT_AVAILABLE (none); BCJ2_E_INVALIDARG (NULL); BCJ2_E_CLOSED;
   BCJ2_E_OUTOFMEMORY. Any thread. (IBackgroundCopyError::GetFile) */
BCJ2_API bcj2_status bcj2_error_get_file(bcj2_error *error, bcj2_file **ret_file);

/* What went wrong, with names and numbers; and the place in words. *ret_text: bcj2_free().
   BCJ2_OK; BCJ2_E_INVALIDARG (NULL); BCJ2_E_CLOSED; BCJ2_E_OUTOFMEMORY. Any thread.
   (IBackgroundCopyError::GetErrorDescription, GetErrorContextDescription) */
BCJ2_API bcj2_status bcj2_error_get_description(bcj2_error *error, char **ret_text);
BCJ2_API bcj2_status bcj2_error_get_context_description(bcj2_error *error, char **ret_text);

/* "http" (for https too), or "file". *ret_protocol: bcj2_free().
   BCJ2_OK; BCJ2_E_PROTOCOL_NOT_AVAILABLE (the error is not about a transfer); BCJ2_E_INVALIDARG
   (NULL); BCJ2_E_CLOSED; BCJ2_E_OUTOFMEMORY. Any thread. (IBackgroundCopyError::GetProtocol) */
BCJ2_API bcj2_status bcj2_error_get_protocol(bcj2_error *error, char **ret_protocol);

/* The HTTP status that came, 100 to 599; 0 = none was received.
   BCJ2_OK; BCJ2_E_INVALIDARG (NULL); BCJ2_E_CLOSED. Any thread. */
BCJ2_API bcj2_status bcj2_error_get_http_status(bcj2_error *error, uint32_t *ret_status);

BCJ2_END_DECLS

#endif
