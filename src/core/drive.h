/* SPDX-License-Identifier: MIT */
/* One running job: its machines, its open files, its one request. A step of a machine is written into the
   turn's transaction here and carried out after the commit. Engine thread only.

   drive.c has the life of a drive, drive_upload.c the upload, drive_get.c the download of one resource
   into a temporary file and drive_flow.c what happens while its bytes come; that resource is the reply
   (drive_reply.c) or a file of a download (drive_file.c). drive_copy.c copies files that are on this
   machine. drive_end.c: how a drive ends (done, failed,
   stopped). */
#ifndef BCJ2_CORE_DRIVE_H
#define BCJ2_CORE_DRIVE_H

#include "engine_priv.h"
#include "bup.h"
#include "copy.h"
#include "get.h"
#include "http_options.h"

enum drive_act {
    DRIVE_ACT_NONE,
    DRIVE_ACT_SEND,   /* the upload's request */
    DRIVE_ACT_OPEN,   /* make or open the temporary file */
    DRIVE_ACT_GET,    /* the download's request */
    DRIVE_ACT_BODY,   /* let its body flow */
    DRIVE_ACT_IGNORE, /* throw an answer's body away */
    DRIVE_ACT_SYNC,   /* the temporary file is whole: to the disk with it */
    DRIVE_ACT_COPY,   /* the next piece of work of a copy */
};

enum drive_work {
    DRIVE_UPLOAD,
    DRIVE_GET,  /* a resource into a temporary file */
    DRIVE_COPY, /* a file of this machine, down or up */
};

struct drive {
    uint64_t token;
    int64_t seq;
    bcj2_guid id;
    bcj2_job_type type;
    bcj2_job_priority priority;
    bcj2_job_state believed; /* CONNECTING or TRANSFERRING, as we wrote it */
    enum drive_work work;
    uint64_t started_ms;
    uint64_t spent_ms;       /* in CONNECTING and TRANSFERRING before, since the last Resume */
    uint64_t counted_ms;     /* what comes to it is counted from here on */
    uint64_t spent_saved_ms; /* as the row has it, if no Resume came meanwhile */
    uint32_t max_download_s; /* how long it may, with this run */
    bool spent_anew;         /* a Resume came meanwhile: this run does not count any more */
    uint32_t retry_delay_s;
    uint32_t unclean_ends; /* as store_job has it, until there is progress */
    bool retries_allowed;  /* the no-progress time-out is not 0 */
    bool series;           /* a series of transient errors runs */
    uint64_t failing_ms;   /* how long, when it started; 0: not */
    bool ended;            /* nothing more is done but to free it */
    uint32_t disk_ops;     /* under way: our descriptors must stay open */
    enum drive_act act;    /* after the commit */
    uint32_t file_index;   /* the file that is transferred; of an upload 0 */
    char *remote_name, *local_name;
    struct http_options http;
    /* the upload */
    char content_name[LIMIT_CONTENT_NAME_BYTES + 1];
    int source_fd;
    uint64_t source_device, source_inode; /* of the file that is open */
    uint64_t bytes_total;                 /* of the source, as the getters show it */
    struct bup bup;
    struct bup_step step; /* the wish to carry out */
    bool asking;          /* its request is under way */
    uint64_t asked_ms;    /* since then */
    uint64_t in_flight;   /* bytes of the fragment that left us, as they were stored last */
    /* the download into a temporary file */
    struct get get;
    struct get_step get_step;
    char *temp, *get_url, *get_other_url; /* other: NULL if it would be the same */
    char get_boot_id[OS_BOOT_ID_SIZE];    /* of the boot in which get.saved.offset was written */
    int sink_fd;
    bool opened; /* the temporary file was opened in act: start the machine */
    bcj2_status open_status;
    char open_detail[256];           /* of a failure */
    bool flowing;                    /* the body is being written */
    uint64_t flow_offset;            /* where it began */
    uint64_t saved_offset, saved_ms; /* progress as it was last stored */
    uint64_t sync_asked, sync_ms;    /* the last sync: offset and time */
    struct get_range *ranges;        /* of a download's file; NULL: all of it */
    uint32_t range_count;
    char *reported_url;     /* where a redirect led, until it is stored; NULL: none */
    char *response_headers; /* of the last answer, until they are stored; NULL: none new */
    /* a copy: what is stored of it is get.saved */
    struct copy *copy;
    bcj2_status (*copy_work)(void *copy);
    bool discard; /* the job was cancelled: the temporary file, which may be new, goes */
    /* a request that could not even be started */
    bool not_started;
};

/* Starts the first waiting job of a level, unless it does not wait any more. */
void bcj2__drive_start(struct engine *e, int64_t seq);
void bcj2__drive_net_event(struct engine *e, struct drive *d, const struct net_event *event);
void bcj2__drive_disk_event(struct engine *e, struct drive *d, const struct disk_op *op);
/* What came up in the last act (opened files, requests that did not start), and progress to store. */
void bcj2__drive_turn(struct engine *e, struct drive *d);
void bcj2__drive_act(struct engine *e, struct drive *d);
/* Looks whether the job was given another priority or longest time, or its time began anew. */
void bcj2__drive_look(struct engine *e, struct drive *d);
/* Looks whether somebody else moved the job: then stops. */
void bcj2__drive_reconcile(struct engine *e, struct drive *d);
/* Back to QUEUED: pre-empted, or the manager closes. */
void bcj2__drive_yield(struct engine *e, struct drive *d);
/* Frees it; its request is aborted. Not while disk_ops > 0. */
void bcj2__drive_free(struct engine *e, struct drive *d);
/* When progress wants to be stored; UINT64_MAX: not by time. */
uint64_t bcj2__drive_deadline(const struct engine *e, const struct drive *d);
#define DRIVE_SAVE_EVERY_MS 500u /* progress that no answer has confirmed yet */

/* ---- between the drive's own files ---- */

/* Is the job still where we believe it to be? If not the drive ends and false comes back. */
bool bcj2__drive_ours(struct engine *e, struct drive *d);
bool bcj2__drive_save(struct engine *e,
                      struct drive *d); /* the transfer row and the file's progress */
bool bcj2__drive_connected(struct engine *e, struct drive *d);
bool bcj2__drive_progressed(struct engine *e, struct drive *d); /* ends the retry series */
void bcj2__drive_done(struct engine *e, struct drive *d, enum bup_packet farewell);
void bcj2__drive_fail(struct engine *e, struct drive *d, const struct failure *f,
                      enum bup_packet farewell, const char *detail);
/* A failure of the file system; after bcj2__drive_ours(). */
void bcj2__drive_fail_locally(struct engine *e, struct drive *d, bcj2_status status,
                              const char *what, const char *detail);

/* the upload */
void bcj2__drive_upload_begin(struct engine *e, struct drive *d);
void bcj2__drive_bup(struct engine *e, struct drive *d, const struct bup_event *event);
void bcj2__drive_upload_event(struct engine *e, struct drive *d, const struct net_event *event);
void bcj2__drive_upload_failed_to_start(struct engine *e, struct drive *d);
void bcj2__drive_upload_progress(struct engine *e, struct drive *d);
uint64_t bcj2__drive_upload_deadline(const struct engine *e, const struct drive *d);
void bcj2__drive_upload_act(struct engine *e, struct drive *d);

/* the download of one resource: begins with DRIVE_ACT_OPEN, when names and URLs are set and stored */
void bcj2__drive_get_opened(struct engine *e, struct drive *d);
void bcj2__drive_get_event(struct engine *e, struct drive *d, const struct net_event *event);
void bcj2__drive_get_failed_to_start(struct engine *e, struct drive *d);
bcj2_status bcj2__drive_get_send(struct engine *e, struct drive *d);
bool bcj2__drive_get_save(struct engine *e, struct drive *d);
void bcj2__drive_flow_progress(struct engine *e, struct drive *d);
uint64_t bcj2__drive_flow_deadline(const struct engine *e, const struct drive *d);
void bcj2__drive_flow_act(struct engine *e, struct drive *d);

/* Is a temporary file that has its bytes up to offset to be synced now? Not while a disk thread has it. */
bool bcj2__drive_sync_due(const struct engine *e, const struct drive *d, uint64_t offset);
/* How much of a temporary file is believed, after what is stored of it. */
uint64_t bcj2__drive_get_believed(const struct get_saved *saved, uint64_t size, bool same_boot);

/* the copy; begins when names are set and stored */
void bcj2__drive_copy_begin(struct engine *e, struct drive *d);
void bcj2__drive_copy_upload(struct engine *e, struct drive *d);
void bcj2__drive_copy_event(struct engine *e, struct drive *d, const struct disk_op *op);
void bcj2__drive_copy_act(struct engine *e, struct drive *d);

/* what is downloaded: each has its way there, its row, and what comes when it is whole and synced */
void bcj2__drive_reply_begin(struct engine *e, struct drive *d);
bool bcj2__drive_reply_save(struct engine *e, struct drive *d);
void bcj2__drive_reply_stored(struct engine *e, struct drive *d);
/* The first file that is not transferred; none: the job is done. In the transaction. */
void bcj2__drive_next_file(struct engine *e, struct drive *d);
bool bcj2__drive_file_save(struct engine *e, struct drive *d);
/* An answer to a request for the file: what is kept of its head. Before the machine sees it. */
void bcj2__drive_file_head(struct engine *e, struct drive *d, const struct net_event *event);
void bcj2__drive_file_stored(struct engine *e, struct drive *d);

#endif
