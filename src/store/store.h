/* SPDX-License-Identifier: MIT */
/* The durable truth about all jobs: one SQLite database in the queue directory. One connection per
   store, used by any thread: every function takes the store's lock (recursive), a transaction keeps
   it from begin to end. Getters outside a transaction read the last committed state.

   Durable transactions are on the disk when bcj2__store_commit() returns; soft ones survive a crash
   of the process and may be lost in a power cut, from the end backwards. SQLite must know which it
   will be at the start (PRAGMA synchronous does not change inside a transaction), so
   bcj2__store_begin() is told; a soft one may still be made durable at its commit.

   Not here: what a change means (core); SQL outside this folder. */
#ifndef BCJ2_STORE_H
#define BCJ2_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <bcj2/types.h>
#include "bup.h"
#include "get.h"
#include "log.h"

struct store;

/* A moment that survives a restart and, as well as wall clocks allow, a reboot. */
struct store_deadline {
    bool set;
    char boot_id[40];   /* of the boot that now_ms belongs to */
    uint64_t now_ms;    /* on that boot's clock (bcj2__os_now_ms) */
    bcj2_filetime wall; /* the same moment on the wall clock */
};

struct store_job {
    int64_t seq; /* creation order; never reused */
    bcj2_guid id;
    uint32_t owner_uid;
    bcj2_job_type type;
    bcj2_job_state state;
    bcj2_job_priority priority;
    char *display_name, *description;
    uint32_t notify_flags;
    uint32_t retry_delay_s, no_progress_s;
    uint32_t max_download_s; /* the longest time in CONNECTING and TRANSFERRING */
    uint64_t download_ms;    /* the time it spent there since the last Resume */
    bool resumed;            /* it was resumed at least once */
    bcj2_filetime creation_time, modification_time, completion_time;
    char *host;            /* "host:port" of the next file when it became QUEUED; "": none */
    uint32_t unclean_ends; /* runs in a row that ended with their runner, not in order */
    uint64_t queued_order; /* when it became QUEUED, among all jobs: first in, first out */
    uint32_t error_count;
    /* the error of states ERROR and TRANSIENT_ERROR */
    bcj2_error_context error_context;
    bcj2_status error_code;
    uint32_t error_http_status;
    bool error_has_file, error_has_protocol;
    uint32_t error_file; /* its index, if error_has_file */
    char *error_text;    /* NULL: none */
    /* retries */
    struct store_deadline next_attempt; /* TRANSIENT_ERROR; not set: waits for the network */
    struct store_deadline series_start; /* the no-progress clock */
    /* the reply (upload-reply) */
    char *reply_name;     /* NULL: none yet */
    bool reply_generated; /* reply_name was made by the library */
    char *reply_temp;     /* the temporary file's path; NULL: not made yet */
    bool reply_requested; /* its transfer has begun: reply_total is "known" (0 while it is not) */
    uint64_t reply_total, reply_transferred;
    /* Complete under way: the temporary file that is being renamed */
    bool completing;
    uint64_t completing_device, completing_inode;
    /* who is told (store_event.h writes these) */
    char *notify_program, *notify_parameters; /* NULL: none */
    uint64_t listener;           /* who has callbacks for it (core/listener.h); 0: nobody */
    uint32_t listener_callbacks; /* for these kinds of events */
};

struct store_range {
    uint64_t offset, length; /* length BCJ2_SIZE_UNKNOWN: to the end of the file */
};

struct store_file {
    uint32_t index; /* from 0, in the order of adding */
    char *remote_name, *local_name;
    struct store_range *ranges; /* of the remote file, in the order wanted; NULL: all of it */
    uint32_t range_count;
    char *pending_remote_name; /* takes the place of remote_name at the next Resume; NULL: none */
    uint64_t bytes_total;      /* BCJ2_SIZE_UNKNOWN */
    uint64_t bytes_transferred;
    bool transferred;
    /* downloads */
    char *temp_name; /* the temporary file's path; NULL: not made yet, or not there any more */
    char *response_headers; /* the head of the last answer; NULL: none */
    bool has_mtime;         /* the remote file's, for the local one at Complete */
    int64_t mtime_s;
    int32_t mtime_ns;
    bool completing; /* Complete under way: its temporary file is being renamed */
    uint64_t completing_device, completing_inode;
    bool renamed;   /* Complete gave it its name */
    bool completed; /* read only: what the application is told. A download's file: renamed; else
                       transferred */
};

/* An upload's session and the download of its reply or of a file, one row per job that ever ran. */
struct store_transfer {
    bool exists;
    struct bup_saved bup;
    struct get_saved get;
    char get_boot_id[40]; /* the boot in which get.offset was written */
    uint32_t get_file;    /* a download job's file that .get is about */
};

/* All files of a job together. */
struct store_progress {
    uint64_t bytes_total; /* BCJ2_SIZE_UNKNOWN if one is, or if the sum is out of range */
    uint64_t bytes_transferred;
    uint32_t files_total, files_transferred;
};

/* The HTTP options of a job. What is sealed is opaque here. */
struct store_http {
    char *method;            /* NULL: the type's default */
    uint32_t security_flags; /* BCJ2_SSL_…, BCJ2_HTTP_REDIRECT_POLICY_… */
    char *ca_file, *client_certificate, *client_key, *pinned_key; /* NULL: not set */
    int32_t tls_min, tls_max;                                     /* bcj2_tls_version */
    uint8_t *headers;                                             /* sealed; NULL: none */
    size_t headers_size;
    bool headers_write_only;
    uint8_t *key_password; /* sealed; NULL: none */
    size_t key_password_size;
};

/* A Close or Cancel that outlives its job. */
struct store_farewell {
    int64_t seq;
    int64_t job_seq; /* its row, for the HTTP options, stays as long as the farewell */
    enum bup_packet packet;
    char *url; /* the job's remote name, with the host already replaced */
    char *session_id;
    uint32_t retry_delay_s;
    uint32_t attempts;
    struct store_deadline next_attempt, give_up;
};

/* The moment on this boot's clock: its own number, or, if it belongs to another boot, what the wall
   clock makes of it. Negative: before this boot began. */
int64_t bcj2__store_deadline_ms(const struct store_deadline *d);

void bcj2__store_job_done(struct store_job *job); /* frees what it holds; zeroes it */
void bcj2__store_file_done(struct store_file *file);
void bcj2__store_http_done(struct store_http *http);
void bcj2__store_farewell_done(struct store_farewell *farewell);

/* ---- opening ---- */

/* Opens (or makes) the database in directory, which must exist and be ours: checked are the owner
   (BCJ2_E_ACCESSDENIED), that it can be written (BCJ2_E_ACCESSDENIED), the file system
   (BCJ2_E_NOT_SUPPORTED), the schema (newer: BCJ2_E_NOT_SUPPORTED; corrupt or not ours:
   BCJ2_E_DATABASE_CORRUPT, nothing is recreated), the space (BCJ2_E_DISK_FULL). Keeps a shared lock
   on open.lock. Rows of completed and cancelled jobs (STORE_PURGE_MOST of them)
   are purged if nobody else has the queue open.
   BCJ2_E_CLOSED in a child that was forked while its parent had any store open. */
bcj2_status bcj2__store_open(const char *directory, const struct log *log, struct store **ret);
/* Returns NULL; NULL is fine. In a forked child it does nothing: all of the store stays the
   parent's. */
void *bcj2__store_close(struct store *s);
/* BCJ2_E_PATH_NOT_FOUND if the directory, the database or its log was removed, moved or replaced since
   it was opened: then for good. Each write transaction begins with it; readers go on seeing what was
   there. Takes no lock. */
bcj2_status bcj2__store_present(struct store *s);
bool bcj2__store_vanished(const struct store *s); /* was that found out? */
/* Grows by one with every committed transaction that changed (or forgot) a job, whoever made it, and
   never goes back, but in a power cut with the soft ones that it loses. */
bcj2_status bcj2__store_change(struct store *s, uint64_t *ret);
/* The number of the last change that was made by this store, without asking the database or waiting for
   anybody; 0: none. */
uint64_t bcj2__store_committed(const struct store *s);

/* ---- transactions ---- */

/* Writers queue on writer.lock. Keeps the store's lock until commit or rollback. No nesting.
   durable: it will be synced before anybody can see it. BCJ2_E_PATH_NOT_FOUND: bcj2__store_present();
   BCJ2_E_NOT_SUPPORTED: a newer version changed the schema. */
bcj2_status bcj2__store_begin(struct store *s, bool durable);
/* On failure it is rolled back; bcj2__store_rollback() is not needed then, but does no harm.
   durable makes a transaction durable that began as a soft one (and with it all soft ones before):
   for whoever learns only on the way that it matters. Two things are weaker then: other processes
   can see it some milliseconds before it is on the disk, and if nothing but that sync fails
   (BCJ2_E_IO_DEVICE) it is not rolled back. A transaction that began durable is durable whatever is
   said here. */
bcj2_status bcj2__store_commit(struct store *s, bool durable);
void bcj2__store_rollback(struct store *s); /* without a transaction: does nothing */
/* The end of a transaction whose work ended with status: committed, or rolled back if that is a failure.
   Gives back the first failure, else status. */
bcj2_status bcj2__store_end(struct store *s, bool durable, bcj2_status status);
/* Takes and gives back the store's lock, for a few reads that belong together: they see one
   snapshot, unless a transaction of this thread comes between them. */
void bcj2__store_lock(struct store *s);
void bcj2__store_unlock(struct store *s);

/* ---- reading (inside or outside a transaction) ---- */

bcj2_status bcj2__store_job_by_id(struct store *s, const bcj2_guid *id, struct store_job *ret);
bcj2_status bcj2__store_job_by_seq(struct store *s, int64_t seq, struct store_job *ret);
/* BCJ2_E_NOT_FOUND if there is no such row. Cheaper than the whole row: */
bcj2_status bcj2__store_job_state(struct store *s, int64_t seq, bcj2_job_state *ret);
bcj2_status bcj2__store_job_id(struct store *s, int64_t seq, bcj2_guid *ret);
/* seqs of jobs that are not final, in creation order; owner_uid UINT32_MAX: all. mem_free. */
bcj2_status bcj2__store_job_seqs(struct store *s, uint32_t owner_uid, int64_t **ret_seqs,
                                 uint32_t *ret_count);
/* seqs of all jobs, final ones too, whose last change is newer than that number
   (bcj2__store_change()), the oldest change first. mem_free. */
bcj2_status bcj2__store_changed_since(struct store *s, uint64_t change, int64_t **ret_seqs,
                                      uint32_t *ret_count);
bcj2_status bcj2__store_job_count(struct store *s, uint32_t owner_uid, uint64_t *ret);
/* The first waiting (QUEUED) job of a priority, by queued_order, that is not avoided, mostly because of
   its host (NULL: none is); BCJ2_S_FALSE: none. However many jobs of avoided hosts come first, it looks at each host once, by
   an index. Suspects are left out. */
typedef bool (*store_avoids)(void *user, int64_t seq, const char *host);
bcj2_status bcj2__store_first_queued(struct store *s, bcj2_job_priority priority,
                                     store_avoids avoids, void *user, int64_t *ret_seq);
/* A suspect is a job with more than STORE_UNCLEAN_ENDS unclean ends in a row: the first QUEUED one, of
   any priority; BCJ2_S_FALSE: none. Uses an index. */
#define STORE_UNCLEAN_ENDS 3u
bcj2_status bcj2__store_first_suspect(struct store *s, int64_t *ret_seq);
/* By seq, after after_seq: a job in TRANSIENT_ERROR; offline: only one that waits for the network.
   BCJ2_S_FALSE: none. Uses an index. */
bcj2_status bcj2__store_next_transient(struct store *s, bool offline, int64_t after_seq,
                                       int64_t *ret_seq);
/* By seq, after after_seq: a job that was completed or cancelled and still names a temporary file.
   BCJ2_S_FALSE: none. Uses indexes. */
bcj2_status bcj2__store_next_leftover(struct store *s, int64_t after_seq, int64_t *ret_seq);
/* How many jobs are in these states (a bit mask of 1u << state). */
bcj2_status bcj2__store_count_states(struct store *s, uint32_t state_mask, uint64_t *ret);
/* The job in TRANSIENT_ERROR whose next attempt is set and comes first. Deadlines of this boot are
   compared by now_ms, those of other boots by what bcj2__store_deadline_ms() makes of them at this
   moment; so is the winner given back: *ret belongs to this boot whatever was stored, now_ms (0 at
   least) is what to wait for, only wall is as stored. BCJ2_S_FALSE: none. */
bcj2_status bcj2__store_next_retry(struct store *s, int64_t *ret_seq, struct store_deadline *ret);
/* The job that is not final and was changed longest ago (inactivity), and when: by the clock of the boot
   in which it was, so that a calendar that is moved ages no job. BCJ2_S_FALSE: none. */
bcj2_status bcj2__store_oldest_touched(struct store *s, int64_t *ret_seq,
                                       struct store_deadline *ret);
/* seqs of all jobs in these states, in creation order; mem_free. */
bcj2_status bcj2__store_jobs_in(struct store *s, uint32_t state_mask, int64_t **ret_seqs,
                                uint32_t *ret_count);
bcj2_status bcj2__store_file_count(struct store *s, int64_t seq, uint32_t *ret);
bcj2_status bcj2__store_file(struct store *s, int64_t seq, uint32_t index, struct store_file *ret);
/* The first file from an index on that is not transferred; BCJ2_S_FALSE: none. Uses an index. */
bcj2_status bcj2__store_next_file(struct store *s, int64_t seq, uint32_t from_index,
                                  struct store_file *ret);
/* The same for a file that is transferred and does not have its name yet; for one that has a
   temporary file, in whatever state. */
bcj2_status bcj2__store_next_unrenamed(struct store *s, int64_t seq, uint32_t from_index,
                                       struct store_file *ret);
bcj2_status bcj2__store_next_temporary(struct store *s, int64_t seq, uint32_t from_index,
                                       struct store_file *ret);
/* Zeroes if the job has no file (or there is no such job). One pass over its files. */
bcj2_status bcj2__store_progress(struct store *s, int64_t seq, struct store_progress *ret);
bcj2_status bcj2__store_transfer(struct store *s, int64_t seq, struct store_transfer *ret);
/* All zero if nothing was ever set (or there is no such job). */
bcj2_status bcj2__store_http(struct store *s, int64_t seq, struct store_http *ret);
/* By seq, after after_seq; BCJ2_S_FALSE: none. */
bcj2_status bcj2__store_farewells_untried(struct store *s, uint64_t *ret);
bcj2_status bcj2__store_next_farewell(struct store *s, int64_t after_seq,
                                      struct store_farewell *ret);

/* ---- writing (inside a transaction only) ---- */

/* Inserts; seq is given back, and queued_order if it is QUEUED. NULL names are "". */
bcj2_status bcj2__store_job_insert(struct store *s, struct store_job *job);
/* Forgets jobs that were completed or cancelled before a moment, with all that belongs to them; not those
   that still name a temporary file, their own or a file's (it has to be deleted first), nor those that
   still have a farewell to say. STORE_PURGE_MOST at most, the oldest first: it may have to be called
   again, in a transaction of its own, so that other writers get their turn. */
#define STORE_PURGE_MOST 250u
bcj2_status bcj2__store_purge(struct store *s, bcj2_filetime before, uint32_t *ret_count);
/* The only way to another state: compare-and-set. BCJ2_S_FALSE: the job is not in state `from` (any
   more), nothing was written. QUEUED gives it a new queued_order and its host, TRANSFERRED its completion
   time; one that leaves CONNECTING or TRANSFERRING has no unclean ends any more. */
bcj2_status bcj2__store_set_state(struct store *s, int64_t seq, bcj2_job_state from,
                                  bcj2_job_state to, bcj2_filetime now);
/* A row that cannot be read any more: to ERROR with this, whatever else it holds and whatever state it
   has but a final one. BCJ2_E_NOT_FOUND: there is no such job. */
bcj2_status bcj2__store_poison(struct store *s, int64_t seq, bcj2_error_context context,
                               bcj2_status code, const char *text, bcj2_filetime now);
bcj2_status bcj2__store_set_unclean_ends(struct store *s, int64_t seq, uint32_t v,
                                         bcj2_filetime now);
/* Each of the following also sets the modification time to now and counts as a change.
   BCJ2_E_NOT_FOUND: there is no such job (or file). */
bcj2_status bcj2__store_set_display_name(struct store *s, int64_t seq, const char *v,
                                         bcj2_filetime now);
bcj2_status bcj2__store_set_description(struct store *s, int64_t seq, const char *v,
                                        bcj2_filetime now);
bcj2_status bcj2__store_set_priority(struct store *s, int64_t seq, bcj2_job_priority v,
                                     bcj2_filetime now);
bcj2_status bcj2__store_set_retry_delay(struct store *s, int64_t seq, uint32_t v,
                                        bcj2_filetime now);
bcj2_status bcj2__store_set_no_progress(struct store *s, int64_t seq, uint32_t v,
                                        bcj2_filetime now);
bcj2_status bcj2__store_set_max_download(struct store *s, int64_t seq, uint32_t v,
                                         bcj2_filetime now);
/* Unless it is not `was` any more: a Resume came between, and has the last word. */
bcj2_status bcj2__store_set_download_ms(struct store *s, int64_t seq, uint64_t was, uint64_t v,
                                        bcj2_filetime now);
bcj2_status bcj2__store_set_owner(struct store *s, int64_t seq, uint32_t uid, bcj2_filetime now);
/* What a Resume leaves whatever else it does: resumed, and download_ms begins again. */
bcj2_status bcj2__store_set_resumed(struct store *s, int64_t seq, bcj2_filetime now);
bcj2_status bcj2__store_set_reply_name(struct store *s, int64_t seq, const char *name,
                                       bool generated, bcj2_filetime now);
/* Error, retry and reply groups of *job as they stand there, by job->seq. */
bcj2_status bcj2__store_set_error(struct store *s, const struct store_job *job, bcj2_filetime now);
bcj2_status bcj2__store_set_retry(struct store *s, const struct store_job *job, bcj2_filetime now);
bcj2_status bcj2__store_set_reply(struct store *s, const struct store_job *job, bcj2_filetime now);
bcj2_status bcj2__store_set_completing(struct store *s, const struct store_job *job,
                                       bcj2_filetime now);
bcj2_status bcj2__store_file_insert(struct store *s, int64_t seq, const struct store_file *file,
                                    bcj2_filetime now);
bcj2_status bcj2__store_set_file_progress(struct store *s, int64_t seq,
                                          const struct store_file *file, bcj2_filetime now);
/* Everything of a file but its names (the temporary one it does write) and its ranges. */
bcj2_status bcj2__store_update_file(struct store *s, int64_t seq, const struct store_file *file,
                                    bcj2_filetime now);
/* The URL that the next Resume gives to a file; NULL: none after all. */
bcj2_status bcj2__store_set_pending_remote_name(struct store *s, int64_t seq, uint32_t index,
                                                const char *url, bcj2_filetime now);
/* The file is to come from another place. What is there of it is only gone on with if its time can tell that
   both are the same: size and entity tag alone say nothing of two places. */
bcj2_status bcj2__store_doubt_bytes(struct store *s, int64_t seq, uint32_t index);
/* At Resume: the same, and pending URLs become the URLs of their files. No file has one: not a change. */
bcj2_status bcj2__store_apply_remote_names(struct store *s, int64_t seq, bcj2_filetime now);
/* At once (a redirect that is to be reported, a new prefix); a pending one stays. */
bcj2_status bcj2__store_set_remote_name(struct store *s, int64_t seq, uint32_t index,
                                        const char *url, bcj2_filetime now);
/* A QUEUED job waits for no host's rest, until it is QUEUED the next time. */
bcj2_status bcj2__store_forget_host(struct store *s, int64_t seq, bcj2_filetime now);
/* Replaces them all. One that says nothing leaves no row. */
bcj2_status bcj2__store_set_http(struct store *s, int64_t seq, const struct store_http *http,
                                 bcj2_filetime now);
/* Writes the whole row; t->exists is not looked at. A change, but leaves the modification time. */
bcj2_status bcj2__store_set_transfer(struct store *s, int64_t seq, const struct store_transfer *t);
/* After Complete and Cancel: forgets the transfer row (sessions are capabilities). */
bcj2_status bcj2__store_forget_transfer(struct store *s, int64_t seq);
bcj2_status bcj2__store_farewell_insert(struct store *s, const struct store_farewell *f);
bcj2_status bcj2__store_farewell_update(struct store *s, const struct store_farewell *f);
bcj2_status bcj2__store_farewell_delete(struct store *s, int64_t seq);

/* ---- the snapshot of a job as JSON (bcj2_get_json); mem_free ---- */
bcj2_status bcj2__store_job_json(struct store *s, int64_t seq, const char *status_text, char **ret);

#endif
