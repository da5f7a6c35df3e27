/* SPDX-License-Identifier: MIT */
/* What the tests of the store share: a queue in a folder of its own, and jobs to put into it. A
   test file defines _GNU_SOURCE (or _DARWIN_C_SOURCE) before it includes this. */
#ifndef BCJ2_TESTS_STORE_FIXTURE_H
#define BCJ2_TESTS_STORE_FIXTURE_H

#include "os_scratch.h"
#include "detail.h"
#include "guid.h"
#include "mem.h"
#include "store.h"

#define NOW ((bcj2_filetime)133500000000000000u)

static struct store *store;

static inline void store_start(void)
{
    scratch_make();
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
}

static inline void store_stop(void)
{
    store = bcj2__store_close(store);
    scratch_remove();
}

static inline void reopen(void)
{
    bcj2__store_close(store);
    assert_status(bcj2__store_open(scratch, NULL, &store), BCJ2_OK);
}

static inline void begin(void)
{
    assert_status(bcj2__store_begin(store, false), BCJ2_OK);
}

static inline void commit(void)
{
    assert_status(bcj2__store_commit(store, false), BCJ2_OK);
}

/* A plain job in that state; its texts are constants: not for bcj2__store_job_done(). */
static inline struct store_job plain_job(bcj2_job_state state)
{
    static char name[] = "report", description[] = "of the year";
    return (struct store_job){
        .id = bcj2__guid_random(),
        .owner_uid = 1000,
        .type = BCJ2_JOB_TYPE_UPLOAD_REPLY,
        .state = state,
        .priority = BCJ2_JOB_PRIORITY_NORMAL,
        .display_name = name,
        .description = description,
        .retry_delay_s = 600,
        .no_progress_s = 1209600,
        .creation_time = NOW,
        .modification_time = NOW,
    };
}

/* Inserted in a transaction of its own, with one file. */
static inline int64_t add_job(bcj2_job_state state)
{
    static char url[] = "http://host/app?token=secret", path[] = "/home/me/report.txt";
    struct store_job job = plain_job(state);
    struct store_file file = {.remote_name = url, .local_name = path, .bytes_total = 1000};
    begin();
    assert_status(bcj2__store_job_insert(store, &job), BCJ2_OK);
    assert_status(bcj2__store_file_insert(store, job.seq, &file, NOW), BCJ2_OK);
    commit();
    return job.seq;
}

static inline uint64_t change_number(void)
{
    uint64_t change = 0;
    assert_status(bcj2__store_change(store, &change), BCJ2_OK);
    return change;
}

#endif
