/* SPDX-License-Identifier: MIT */
/* Download jobs in the rig's folder and queue, for suites that bring their own server. Whatever goes
   wrong here fails the test. */
#ifndef BCJ2_TESTS_DOWNLOAD_RIG_H
#define BCJ2_TESTS_DOWNLOAD_RIG_H

#include "../support/rig.h"

/* A download job, retry delay 0. */
bcj2_job *download_job(void);
bcj2_job *download_foreground_job(void);
const char *
download_path(const char *name); /* "out/NAME" in the rig's folder; kept as rig_path()'s */
void download_add(bcj2_job *job, const char *url, const char *name);
void download_add_ranges(bcj2_job *job, const char *url, const char *name, uint32_t count,
                         const bcj2_file_range *ranges);

bcj2_file *download_file(bcj2_job *job, uint32_t index); /* bcj2_file_unref() */
bcj2_file_progress download_progress(bcj2_job *job, uint32_t index);
/* The temporary file of a job's file; kept until the next call. */
const char *download_temporary(bcj2_job *job, uint32_t index);
/* Waits until a file of the job has so many bytes on this side. */
void download_wait_bytes(bcj2_job *job, uint32_t index, uint64_t bytes);

/* Resumes, waits for TRANSFERRED, completes. */
void download_finish(bcj2_job *job);
/* Says which index the error is about; the job is in ERROR or TRANSIENT_ERROR. */
uint32_t download_error_file(bcj2_job *job);
/* Is what lies at out/NAME these bytes? */
void download_assert_text(const char *name, const char *text);

#endif
