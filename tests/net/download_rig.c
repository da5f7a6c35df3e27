/* SPDX-License-Identifier: MIT */
/* See download_rig.h. */
#include "download_rig.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define PATIENCE 4000 /* looks, 5 ms apart */

bcj2_job *download_job(void)
{
    bcj2_job *job = NULL;
    bcj2_guid id;
    assert_status(bcj2_manager_create_job(rig.manager, "download", BCJ2_JOB_TYPE_DOWNLOAD, &id,
                                          &job),
                  BCJ2_OK);
    assert_status(bcj2_set_minimum_retry_delay(job, 0), BCJ2_OK);
    return job;
}

bcj2_job *download_foreground_job(void)
{
    bcj2_job *job = download_job();
    assert_status(bcj2_set_priority(job, BCJ2_JOB_PRIORITY_FOREGROUND), BCJ2_OK);
    return job;
}

const char *download_path(const char *name)
{
    char relative[128];
    (void)snprintf(relative, sizeof relative, "out/%s", name);
    return rig_path(relative);
}

void download_add(bcj2_job *job, const char *url, const char *name)
{
    bcj2_status s = bcj2_add_file(job, url, download_path(name));
    ck_assert_msg(s == BCJ2_OK, "add %s: %s", url, bcj2_last_detail());
}

void download_add_ranges(bcj2_job *job, const char *url, const char *name, uint32_t count,
                         const bcj2_file_range *ranges)
{
    bcj2_status s = bcj2_add_file_with_ranges(job, url, download_path(name), count, ranges);
    ck_assert_msg(s == BCJ2_OK, "add %s: %s", url, bcj2_last_detail());
}

bcj2_file *download_file(bcj2_job *job, uint32_t index)
{
    bcj2_file_enum *files = NULL;
    bcj2_file *file = NULL;
    assert_status(bcj2_enum_files(job, &files), BCJ2_OK);
    if (index > 0) {
        assert_status(bcj2_file_enum_skip(files, index), BCJ2_OK);
    }
    assert_status(bcj2_file_enum_next(files, &file), BCJ2_OK);
    (void)bcj2_file_enum_unref(files);
    return file;
}

bcj2_file_progress download_progress(bcj2_job *job, uint32_t index)
{
    bcj2_file_progress progress = BCJ2_FILE_PROGRESS_INIT;
    bcj2_file *file = download_file(job, index);
    assert_status(bcj2_file_get_progress(file, &progress), BCJ2_OK);
    (void)bcj2_file_unref(file);
    return progress;
}

const char *download_temporary(bcj2_job *job, uint32_t index)
{
    static char path[FOLDER_PATH_SIZE];
    char *text = NULL;
    bcj2_file *file = download_file(job, index);
    assert_status(bcj2_file_get_temporary_name(file, &text), BCJ2_OK);
    (void)snprintf(path, sizeof path, "%s", text);
    bcj2_free(text);
    (void)bcj2_file_unref(file);
    return path;
}

void download_wait_bytes(bcj2_job *job, uint32_t index, uint64_t bytes)
{
    for (int look = 0; look < PATIENCE; look++) {
        if (download_progress(job, index).bytes_transferred >= bytes) {
            return;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    char *text = NULL;
    (void)bcj2_get_status_text(job, &text);
    ck_abort_msg("file %u does not reach %llu bytes: %s", (unsigned)index,
                 (unsigned long long)bytes, text);
}

void download_finish(bcj2_job *job)
{
    assert_status(bcj2_resume(job), BCJ2_OK);
    client_wait(job, STATE(TRANSFERRED));
    assert_status(bcj2_complete(job), BCJ2_OK);
}

uint32_t download_error_file(bcj2_job *job)
{
    bcj2_error *error = NULL;
    bcj2_file *file = NULL;
    char *local = NULL;
    uint32_t index = 0;
    assert_status(bcj2_get_error(job, &error), BCJ2_OK);
    assert_status(bcj2_error_get_file(error, &file), BCJ2_OK);
    assert_status(bcj2_file_get_local_name(file, &local), BCJ2_OK);
    for (bool found = false; !found; index++) {
        char *name = NULL;
        bcj2_file *candidate = download_file(job, index);
        assert_status(bcj2_file_get_local_name(candidate, &name), BCJ2_OK);
        found = strcmp(name, local) == 0;
        bcj2_free(name);
        (void)bcj2_file_unref(candidate);
    }
    bcj2_free(local);
    (void)bcj2_file_unref(file);
    (void)bcj2_error_unref(error);
    return index - 1;
}

void download_assert_text(const char *name, const char *text)
{
    rig_write("expected", text);
    client_assert_same(rig_path("expected"), download_path(name));
}
