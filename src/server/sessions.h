/* SPDX-License-Identifier: MIT */
/* The sessions in memory and their time-out. On disk a session is
       FOLDER/BITS-Sessions/Requests/{id}/requestfile.bin    what was received
                                         session.json        the record (record.h)
       FOLDER/BITS-Sessions/Replies/{id}/responsefile.bin    the application's reply
   where FOLDER holds the file that is uploaded. All are read when the server starts.

   Lock order: a session's lock, then the table's. */
#ifndef BCJ2_SERVER_SESSIONS_H
#define BCJ2_SERVER_SESSIONS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <bcj2/types.h>
#include "bup_srv.h"
#include "timer.h"

#define SESSION_REQUEST_FILE "requestfile.bin"
#define SESSION_REPLY_FILE   "responsefile.bin"
#define SESSION_RECORD_FILE  "session.json"
#define SESSION_BUCKETS      4096

struct server;
struct request;

struct session {
    bcj2_guid id;
    char id_text[BCJ2_GUID_TEXT_SIZE];
    char *path;             /* what is uploaded to, decoded */
    char *url;              /* the same as the client called it at Create, absolute */
    uint64_t device, inode; /* of the request file */

    /* under the table's lock */
    struct session *in_bucket, *older, *newer;
    uint32_t refs;       /* one is the table's */
    uint64_t expires_ms; /* its last message and the time-out; by the clock of all waiting */

    pthread_mutex_t lock;
    /* under it */
    bool gone; /* closed, cancelled or expired: whoever still holds it leaves it alone */
    struct bup_srv_session m;
    bool moved;          /* the file is at its destination */
    bool has_reply_file; /* made by the application */
    char *reply_url;     /* m.cached.reply_url */
    bool total_recorded;
    uint64_t synced; /* so many bytes are on the disk for sure */
    bool syncing;
    struct request *stalled; /* suspended until that sync is done */
    uint64_t records_made;
    struct request *writer;  /* the request whose body is being stored */
    struct request *waiters; /* requests that wait for the end of the application */

    /* Records are written without the session's lock (a sync may take long), one at a time, a newer
       one never before an older. Taken after the session's lock. */
    pthread_mutex_t record_lock;
    uint64_t record_written; /* number of the newest; UINT64_MAX: no more, it is deleted */
};

struct sessions {
    struct server *server;
    pthread_mutex_t lock;
    struct session *buckets[SESSION_BUCKETS];
    uint32_t count;
    struct session *oldest, *newest; /* by expires_ms: the time-out is the same for all */
    struct timer_entry expiry;
};

bool sessions_start(struct sessions *s, struct server *server); /* reads those on disk */
void sessions_stop(struct sessions *s);

/* The session, held, if it is the path's; NULL. */
struct session *sessions_find(struct sessions *s, const bcj2_guid *id, const char *path);
/* The session of any path; for its reply. */
struct session *sessions_find_by_id(struct sessions *s, const bcj2_guid *id);
/* A new one with its folder, files and record on disk, held. NULL (errno): EAGAIN means
   too many. */
struct session *sessions_create(struct sessions *s, const char *path, const char *url);
void session_release(struct server *server, struct session *session);
/* Its time-out, if it has been idle so long. */
uint64_t session_expiry(const struct server *server, uint64_t idle_ms);
/* A message was processed with success: the time-out starts anew. */
void session_touch(struct server *server, struct session *session);
/* With its lock held: deletes it from disk and table. */
void session_end(struct server *server, struct session *session, const char *why);
/* Its table entry is made by the reader of records. */
struct session *session_new(const bcj2_guid *id, const char *path, const char *url);
void session_free(struct session *session);

/* ---- its files (session_files.c) ---- */

/* The folder of Requests or Replies; -1 (errno). */
int session_open_folder(const struct server *server, const struct session *session,
                        const char *kind, bool make);
/* flags: O_RDONLY or O_RDWR */
int session_open_request(const struct server *server, const struct session *session, int flags);
/* That folder and those above it, up to the upload's: each holds the name of the next. errno. */
bool session_sync_folders(const struct server *server, const struct session *session,
                          const char *kind);
bool session_make_files(struct server *server, struct session *session);
void session_delete_files(struct server *server, const struct session *session);
/* Its record as it is now, with the session's lock held (no sync). errno. */
bool session_save(struct server *server, struct session *session);
/* The same in two steps: the text is made under the lock, written (and synced) without it. NULL, or
   false: errno. */
struct session_record;
struct session_record *session_record_make(struct server *server, struct session *session);
bool session_record_write(struct server *server, struct session *session,
                          struct session_record *record, bool sync); /* frees record */
/* Reads one from its folder (a descriptor). NULL: there is none that can be used. */
struct session *session_load(struct server *server, int folder, const bcj2_guid *id,
                             const char *upload_folder);
/* Walks the tree for sessions and hands each to add(). */
void session_scan(struct server *server, void (*add)(struct server *, struct session *));

#endif
