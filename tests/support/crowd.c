/* SPDX-License-Identifier: MIT */
/* See crowd.h. */
#include "crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "detail.h"
#include "filetime.h"
#include "guid.h"
#include "os.h"
#include "store.h"

static void must(bcj2_status status)
{
    if (BCJ2_FAILED(status)) {
        (void)fprintf(stderr, "adding jobs to a queue: %s\n", bcj2__detail_get());
        exit(EXIT_FAILURE);
    }
}

static struct store_deadline in_an_hour(void)
{
    struct store_deadline d = {.set = true, .now_ms = bcj2__os_now_ms() + 3600000};
    bcj2__os_boot_id(d.boot_id);
    d.wall = bcj2__os_wall() + 3600 * FILETIME_PER_S;
    return d;
}

static void add_one(struct store *store, const struct crowd *crowd, uint32_t number,
                    const struct store_job *sample, const struct store_file *file)
{
    char name[32], temp[64];
    struct store_job job = *sample;
    struct store_file its_file = *file;
    job.id = bcj2__guid_random();
    job.display_name = name;
    (void)snprintf(name, sizeof name, "job %u", (unsigned)number);
    (void)snprintf(temp, sizeof temp, "/nowhere/.bcj2-%u.tmp", (unsigned)number);
    if (crowd->state == BCJ2_JOB_STATE_TRANSFERRED) {
        its_file.transferred = true;
        its_file.temp_name = crowd->type == BCJ2_JOB_TYPE_DOWNLOAD ? temp : NULL;
        job.reply_temp = crowd->type == BCJ2_JOB_TYPE_UPLOAD_REPLY ? temp : NULL;
    }
    must(bcj2__store_job_insert(store, &job));
    must(bcj2__store_file_insert(store, job.seq, &its_file, job.modification_time));
}

void crowd_add(const char *directory, const struct crowd *crowd)
{
    struct store *store = NULL;
    char description[] = "", host[] = "127.0.0.1", url[1024], local_name[1024];
    bcj2_filetime time = crowd->modified == 0 ? bcj2__os_wall() : crowd->modified;
    struct store_job sample = {
        .owner_uid = bcj2__os_uid(),
        .type = crowd->type,
        .state = crowd->state,
        .priority = crowd->priority,
        .description = description,
        .notify_flags = 3,
        .retry_delay_s = 600,
        .no_progress_s = 1209600,
        .max_download_s = 7776000,
        .resumed = true,
        .host = host,
        .creation_time = time,
        .modification_time = time,
    };
    if (crowd->state == BCJ2_JOB_STATE_TRANSIENT_ERROR) {
        sample.next_attempt = in_an_hour();
    }
    (void)snprintf(url, sizeof url, "%s", crowd->url);
    (void)snprintf(local_name, sizeof local_name, "%s", crowd->local_name);
    const struct store_file file = {.remote_name = url,
                                    .local_name = local_name,
                                    .bytes_total = BCJ2_SIZE_UNKNOWN};
    must(bcj2__store_open(directory, NULL, &store));
    must(bcj2__store_begin(store, false));
    for (uint32_t i = 0; i < crowd->count; i++) {
        add_one(store, crowd, i, &sample, &file);
    }
    must(bcj2__store_commit(store, false));
    (void)bcj2__store_close(store);
}
