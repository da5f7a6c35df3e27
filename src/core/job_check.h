/* SPDX-License-Identifier: MIT */
/* Are a caller's values good? Each check sets the detail, with what was given and the limit. Lengths
   and syntax first; what the file system says is asked separately, because it comes last (R-ORDER).
   Not here: the order itself, which each call has (job_set.c and its sisters). */
#ifndef BCJ2_CORE_JOB_CHECK_H
#define BCJ2_CORE_JOB_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <bcj2/types.h>

/* ---- values, lengths, syntax ---- */

/* UTF-8 of at most `limit` UTF-16 units; longer: too_long. */
bcj2_status bcj2__check_text(const char *text, const char *what, size_t limit,
                             bcj2_status too_long);
/* An absolute UTF-8 path of a file (not "…/", "…/.", "…/.."), at most 4,095 bytes. */
bcj2_status bcj2__check_path(const char *path, const char *what);
/* A URL that a job of this type may have: http, https, and but for upload-reply a file's name. */
bcj2_status bcj2__check_remote(bcj2_job_type type, const char *url);
/* Ranges of one file: each possible, no two overlapping. */
bcj2_status bcj2__check_ranges(uint32_t count, const bcj2_file_range *ranges);
/* Lines "Name: value", ended by CR LF or LF, that the library does not own. */
bcj2_status bcj2__check_headers(const char *headers);
/* A token that can fetch something. */
bcj2_status bcj2__check_method(const char *method);
/* "sha256//BASE64[;sha256//BASE64…]", or a path: then *ret_is_path. */
bcj2_status bcj2__check_pinned_key(const char *pinned, bool *ret_is_path);
bcj2_status bcj2__check_security_flags(uint32_t flags);
bcj2_status bcj2__check_tls_versions(bcj2_tls_version min, bcj2_tls_version max);

/* ---- what the file system says ---- */

/* The folder that holds path: missing is BCJ2_E_INVALIDARG, not writable BCJ2_E_ACCESSDENIED. */
bcj2_status bcj2__check_folder_of(const char *path);
/* Where a download goes: the same, and path is no folder. */
bcj2_status bcj2__check_destination(const char *path);
/* For a URL that names a file: it is not the local one. */
bcj2_status bcj2__check_not_same(const char *url, const char *path);
/* A file that will be read later. */
bcj2_status bcj2__check_readable(const char *path);

#endif
