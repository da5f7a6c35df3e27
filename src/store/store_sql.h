/* SPDX-License-Identifier: MIT */
/* One run of one statement: parameters in order, rows, columns in order. Statements are prepared
   once for the life of the connection. A failure sticks, so a chain of calls is checked once:

       struct sql q = bcj2__sql(s, "SELECT state FROM jobs WHERE seq = ?");
       bcj2__sql_bind_i64(&q, seq);
       if (bcj2__sql_row(&q)) {
           *ret = (bcj2_job_state)bcj2__sql_i64(&q);
       }
       return bcj2__sql_end(&q);   BCJ2_S_FALSE if there was no (further) row

   64-bit values without a sign are kept as the signed value with the same bits (SQLite has no
   others): equality holds over the whole range, order below 2^63. */
#ifndef BCJ2_STORE_SQL_H
#define BCJ2_STORE_SQL_H

#include "store_db.h"

struct sql {
    struct store *store;
    sqlite3_stmt *statement; /* NULL: could not be prepared */
    int parameter, column;   /* of the last one bound, of the next one read */
    bcj2_status status;
};

/* text must be a string constant. */
struct sql bcj2__sql(struct store *s, const char *text);

/* The same of a statement that writes: without a write transaction it is not run, and its end says so. */
struct sql bcj2__sql_writing(struct store *s, const char *text);

void bcj2__sql_bind_i64(struct sql *q, int64_t value);
void bcj2__sql_bind_u64(struct sql *q, uint64_t value);
void bcj2__sql_bind_text(struct sql *q, const char *text); /* NULL: NULL; used until the end */
void bcj2__sql_bind_blob(struct sql *q, const uint8_t *bytes, size_t size); /* as a text */
void bcj2__sql_bind_guid(struct sql *q, const bcj2_guid *id);
void bcj2__sql_bind_deadline(struct sql *q, const struct store_deadline *d); /* three columns */

bool bcj2__sql_row(struct sql *q); /* is there a (next) row? */

int64_t bcj2__sql_i64(struct sql *q);
uint64_t bcj2__sql_u64(struct sql *q);
uint32_t bcj2__sql_u32(struct sql *q);
bool bcj2__sql_bool(struct sql *q);
char *bcj2__sql_text(struct sql *q);                      /* mem_free; NULL for NULL */
uint8_t *bcj2__sql_blob(struct sql *q, size_t *ret_size); /* mem_free; NULL and 0 for NULL */
/* Into a fixed array; one that does not fit is a damaged database. */
void bcj2__sql_text_into(struct sql *q, char *to, size_t size);
bcj2_guid bcj2__sql_guid(struct sql *q);
struct store_deadline bcj2__sql_deadline(struct sql *q);

/* Ends the run, whatever became of it. BCJ2_S_FALSE: the last bcj2__sql_row() found none. */
bcj2_status bcj2__sql_end(struct sql *q);
/* For writing: runs to the end. BCJ2_S_FALSE: no row was touched. */
bcj2_status bcj2__sql_run(struct sql *q);

/* A change of one job: `text` is STORE_TOUCH, what else is set, which the caller
   binds, and " WHERE seq = ?" last, which bcj2__store_updated() binds before it runs the statement.
   BCJ2_E_NOT_FOUND: there is no such job. */
#define STORE_TOUCH \
    "UPDATE jobs SET modification_time = ?, touched_boot = ?, touched_ms = ?, change_seq = ?"
struct sql bcj2__store_update(struct store *s, const char *text, bcj2_filetime now);
bcj2_status bcj2__store_updated(struct sql *q, int64_t seq);

bcj2_status bcj2__store_no_such_job(void); /* sets the detail */

/* The number of its change only: not each change modifies the job. BCJ2_E_NOT_FOUND: there is no such job. */
bcj2_status bcj2__store_job_changed(struct store *s, int64_t seq);
/* The job of a file or a group changes with it. BCJ2_E_NOT_FOUND: there is no such job. */
bcj2_status bcj2__store_touch_job(struct store *s, int64_t seq, bcj2_filetime now);
/* After a change of URLs, in its transaction: a job that is QUEUED waits for the host that it will
   really talk to. (Others get theirs when they become QUEUED.) */
bcj2_status bcj2__store_renew_host(struct store *s, int64_t seq);

/* Finalizes all statements. */
void bcj2__sql_forget(struct store *s);

#endif
