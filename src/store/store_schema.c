/* SPDX-License-Identifier: MIT */
/* The schema, as the steps that lead to it. Scalars are columns; nothing is a memory image. A
   deadline is three columns: _boot (NULL: not set), _ms, _wall. Steps that were released are never
   edited: a change is a new step.

   To add a column: a step {"ALTER TABLE jobs ADD COLUMN … NOT NULL DEFAULT …;", false} at the end of
   the table below, STORE_VERSION one more, and the column in the lists of the file that reads and
   writes its table. The default must be what an older library means by not knowing the column: it
   goes on using the queue, inserts rows without it, and leaves it alone in rows that it changes. */
#include "store_schema.h"

#include <stdio.h>
#include "detail.h"

/* The partial indexes keep 100,000 waiting jobs from being scanned for the first of them. */
static const char version_1[] =
    "CREATE TABLE queue ("
    " one INTEGER PRIMARY KEY CHECK (one = 1),"
    " change_seq INTEGER NOT NULL,"    /* of the last transaction that changed a job */
    " queued_order INTEGER NOT NULL);" /* the last one given out */
    "INSERT INTO queue VALUES (1, 0, 0);"
    "CREATE TABLE jobs ("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id TEXT NOT NULL UNIQUE,"
    " owner_uid INTEGER NOT NULL,"
    " type INTEGER NOT NULL,"
    " state INTEGER NOT NULL,"
    " priority INTEGER NOT NULL,"
    " display_name TEXT NOT NULL,"
    " description TEXT NOT NULL,"
    " notify_flags INTEGER NOT NULL,"
    " retry_delay_s INTEGER NOT NULL,"
    " no_progress_s INTEGER NOT NULL,"
    " creation_time INTEGER NOT NULL,"
    " modification_time INTEGER NOT NULL,"
    " completion_time INTEGER NOT NULL,"
    " queued_order INTEGER NOT NULL,"
    " error_count INTEGER NOT NULL,"
    " error_context INTEGER NOT NULL,"
    " error_code INTEGER NOT NULL,"
    " error_http_status INTEGER NOT NULL,"
    " error_has_file INTEGER NOT NULL,"
    " error_has_protocol INTEGER NOT NULL,"
    " error_text TEXT,"
    " next_attempt_boot TEXT,"
    " next_attempt_ms INTEGER NOT NULL,"
    " next_attempt_wall INTEGER NOT NULL,"
    " series_start_boot TEXT,"
    " series_start_ms INTEGER NOT NULL,"
    " series_start_wall INTEGER NOT NULL,"
    " reply_name TEXT,"
    " reply_generated INTEGER NOT NULL,"
    " reply_temp TEXT,"
    " reply_requested INTEGER NOT NULL,"
    " reply_total INTEGER NOT NULL,"
    " reply_transferred INTEGER NOT NULL,"
    " completing INTEGER NOT NULL,"
    " completing_device INTEGER NOT NULL,"
    " completing_inode INTEGER NOT NULL,"
    " change_seq INTEGER NOT NULL);" /* of the transaction that changed it last */
    "CREATE INDEX jobs_change ON jobs (change_seq);"
    "CREATE INDEX jobs_state ON jobs (state);"
    "CREATE INDEX jobs_queued ON jobs (priority, queued_order) WHERE state = 0;"
    "CREATE INDEX jobs_retry ON jobs (next_attempt_boot, next_attempt_ms)"
    " WHERE state = 5 AND next_attempt_boot IS NOT NULL;"
    "CREATE INDEX jobs_retry_wall ON jobs (next_attempt_boot, next_attempt_wall)"
    " WHERE state = 5 AND next_attempt_boot IS NOT NULL;"
    "CREATE INDEX jobs_modified ON jobs (modification_time) WHERE state < 7;"
    "CREATE INDEX jobs_owner ON jobs (owner_uid) WHERE state < 7;"
    "CREATE TABLE files ("
    " job_seq INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,"
    " file_index INTEGER NOT NULL,"
    " remote_name TEXT NOT NULL,"
    " local_name TEXT NOT NULL,"
    " bytes_total INTEGER NOT NULL,"
    " bytes_transferred INTEGER NOT NULL,"
    " transferred INTEGER NOT NULL,"
    " PRIMARY KEY (job_seq, file_index)) WITHOUT ROWID;"
    "CREATE TABLE transfers ("
    " job_seq INTEGER PRIMARY KEY REFERENCES jobs (seq) ON DELETE CASCADE,"
    " up_phase INTEGER NOT NULL,"
    " up_source_size INTEGER NOT NULL,"
    " up_source_mtime_s INTEGER NOT NULL,"
    " up_source_mtime_ns INTEGER NOT NULL,"
    " up_session_id TEXT NOT NULL,"
    " up_host_id TEXT NOT NULL,"
    " up_fallback_s INTEGER NOT NULL,"
    " up_fallback_used_ms INTEGER NOT NULL,"
    " up_acked INTEGER NOT NULL,"
    " up_fragment INTEGER NOT NULL,"
    " up_ceiling INTEGER NOT NULL,"
    " up_reply_url TEXT NOT NULL,"
    " up_reply_host TEXT NOT NULL,"
    " up_close_tried INTEGER NOT NULL,"
    " up_new_session_tried INTEGER NOT NULL,"
    " up_bad_answers INTEGER NOT NULL,"
    " get_begun INTEGER NOT NULL,"
    " get_total_known INTEGER NOT NULL,"
    " get_total INTEGER NOT NULL,"
    " get_offset INTEGER NOT NULL,"
    " get_synced INTEGER NOT NULL,"
    " get_etag TEXT NOT NULL,"
    " get_last_modified TEXT NOT NULL,"
    " get_last_modified_strong INTEGER NOT NULL,"
    " get_restarts INTEGER NOT NULL,"
    " get_preconditions_failed INTEGER NOT NULL,"
    " get_plain_only INTEGER NOT NULL,"
    " get_origin_tried INTEGER NOT NULL,"
    " get_bad_answers INTEGER NOT NULL,"
    " get_boot_id TEXT NOT NULL);"
    "CREATE TABLE farewells ("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " packet INTEGER NOT NULL,"
    " url TEXT NOT NULL,"
    " session_id TEXT NOT NULL,"
    " retry_delay_s INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL,"
    " next_attempt_boot TEXT,"
    " next_attempt_ms INTEGER NOT NULL,"
    " next_attempt_wall INTEGER NOT NULL,"
    " give_up_boot TEXT,"
    " give_up_ms INTEGER NOT NULL,"
    " give_up_wall INTEGER NOT NULL);";

/* Version 1 knew one process at a time, and could not be told by a queue whom it suits. */
static const char version_2[] =
    "ALTER TABLE queue ADD COLUMN needs_version INTEGER NOT NULL DEFAULT 1;";

/* Downloads: several files a job, each with a temporary file of its own; HTTP options. What was
   ever queued counts as resumed. Incompatible though it only adds: an older runner would take a
   download for an upload, and leave out the options. */
static const char version_3[] =
    "ALTER TABLE jobs ADD COLUMN max_download_s INTEGER NOT NULL DEFAULT 7776000;"
    "ALTER TABLE jobs ADD COLUMN download_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE jobs ADD COLUMN resumed INTEGER NOT NULL DEFAULT 0;"
    "UPDATE jobs SET resumed = 1 WHERE state <> 3 OR queued_order <> 0;"
    "ALTER TABLE jobs ADD COLUMN error_file INTEGER NOT NULL DEFAULT 0;"
    /* when it was last changed, by the clock of that boot: a calendar may be moved */
    "ALTER TABLE jobs ADD COLUMN touched_boot TEXT NOT NULL DEFAULT '-';"
    "ALTER TABLE jobs ADD COLUMN touched_ms INTEGER NOT NULL DEFAULT 0;"
    "UPDATE jobs SET touched_ms = modification_time / 10000;" /* their order */
    "DROP INDEX jobs_modified;"
    "CREATE INDEX jobs_touched ON jobs (touched_boot, touched_ms) WHERE state < 7;"
    "CREATE INDEX jobs_temporary ON jobs (seq) WHERE reply_temp IS NOT NULL;"
    "CREATE INDEX jobs_ended ON jobs (modification_time) WHERE state IN (7, 8);"
    "ALTER TABLE files ADD COLUMN ranges TEXT;"
    "ALTER TABLE files ADD COLUMN pending_remote_name TEXT;"
    "ALTER TABLE files ADD COLUMN temp_name TEXT;"
    "ALTER TABLE files ADD COLUMN response_headers TEXT;"
    "ALTER TABLE files ADD COLUMN has_mtime INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE files ADD COLUMN mtime_s INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE files ADD COLUMN mtime_ns INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE files ADD COLUMN completing INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE files ADD COLUMN completing_device INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE files ADD COLUMN completing_inode INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE files ADD COLUMN renamed INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX files_left ON files (job_seq, file_index) WHERE transferred = 0;"
    "CREATE INDEX files_unrenamed ON files (job_seq, file_index)"
    " WHERE transferred = 1 AND renamed = 0;"
    "CREATE INDEX files_temporary ON files (job_seq, file_index) WHERE temp_name IS NOT NULL;"
    "CREATE INDEX files_pending ON files (job_seq, file_index)"
    " WHERE pending_remote_name IS NOT NULL;"
    "ALTER TABLE farewells ADD COLUMN job_seq INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX farewells_job ON farewells (job_seq);"
    "ALTER TABLE transfers ADD COLUMN get_file INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE transfers ADD COLUMN get_remote_total INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE job_http ("
    " job_seq INTEGER PRIMARY KEY REFERENCES jobs (seq) ON DELETE CASCADE,"
    " method TEXT,"
    " security_flags INTEGER NOT NULL,"
    " ca_file TEXT,"
    " client_certificate TEXT,"
    " client_key TEXT,"
    " pinned_key TEXT,"
    " tls_min INTEGER NOT NULL,"
    " tls_max INTEGER NOT NULL,"
    " headers BLOB," /* sealed */
    " headers_write_only INTEGER NOT NULL,"
    " key_password BLOB);"; /* sealed */

/* Scheduling round a dead host, and behind all others what ended its runner again and again; who
   waits for the network. */
static const char version_4[] =
    "ALTER TABLE jobs ADD COLUMN host TEXT NOT NULL DEFAULT '';" /* of the next file; see store.h */
    "ALTER TABLE jobs ADD COLUMN unclean_ends INTEGER NOT NULL DEFAULT 0;"
    "DROP INDEX jobs_queued;"
    "CREATE INDEX jobs_queued ON jobs (priority, queued_order)"
    " WHERE state = 0 AND unclean_ends <= 3;"
    "CREATE INDEX jobs_queued_host ON jobs (priority, host, queued_order)"
    " WHERE state = 0 AND unclean_ends <= 3;"
    "CREATE INDEX jobs_suspect ON jobs (queued_order) WHERE state = 0 AND unclean_ends > 3;"
    "CREATE INDEX jobs_offline ON jobs (seq) WHERE state = 5 AND next_attempt_boot IS NULL;";

/* Events, and who is told of them. Incompatible: an older runner would note none. What already waits for
   its application was never told. */
static const char version_5[] =
    "ALTER TABLE jobs ADD COLUMN notify_program TEXT;"
    "ALTER TABLE jobs ADD COLUMN notify_parameters TEXT;"
    "ALTER TABLE jobs ADD COLUMN listener INTEGER NOT NULL DEFAULT 0;" /* 0: no callbacks */
    "ALTER TABLE jobs ADD COLUMN listener_callbacks INTEGER NOT NULL DEFAULT 0;" /* their kinds */
    "CREATE INDEX jobs_listener ON jobs (listener, seq) WHERE listener > 0 AND state < 7;"
    "CREATE TABLE events ("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " job_seq INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,"
    " kind INTEGER NOT NULL,"
    " file_index INTEGER NOT NULL,"
    " time INTEGER NOT NULL,"
    " result INTEGER NOT NULL," /* 0 owed, 1 delivered, 2 dropped */
    " turn INTEGER NOT NULL,"   /* enum notify_turn */
    " running INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL,"
    " next_boot TEXT,"
    " next_ms INTEGER NOT NULL,"
    " next_wall INTEGER NOT NULL);"
    "CREATE INDEX events_job ON events (job_seq);" /* for the end of a job */
    "CREATE INDEX events_owed ON events (job_seq, kind, seq) WHERE result = 0;"
    "CREATE INDEX events_command ON events (running, next_boot, next_ms)"
    " WHERE result = 0 AND turn = 2;"
    "CREATE INDEX events_running ON events (seq) WHERE running = 1;"
    "CREATE INDEX events_over ON events (time) WHERE result > 0;"
    "INSERT INTO events (job_seq, kind, file_index, time, result, turn, running, attempts, next_ms,"
    " next_wall) SELECT seq, CASE state WHEN 4 THEN 2 ELSE 1 END, 0, modification_time, 0, 0, 0, 0,"
    " 0, 0 FROM jobs WHERE state IN (4, 6) ORDER BY seq;";

const struct store_step bcj2__store_steps[STORE_VERSION] = {
    {version_1, false}, {version_2, true}, {version_3, true}, {version_4, false}, {version_5, true},
};

static bcj2_status set_number(struct store *s, sqlite3 *db, const char *what, size_t number)
{
    char sql[64];
    (void)snprintf(sql, sizeof sql, "%s = %zu", what, number);
    return bcj2__store_exec(s, db, sql, "changing the schema of");
}

bcj2_status bcj2__store_migrate(struct store *s, sqlite3 *db, const struct store_step *steps,
                                size_t count, size_t version)
{
    size_t needs = 0;
    bcj2_status status = BCJ2_OK;
    for (size_t i = version; i < count && status == BCJ2_OK; i++) {
        /* a database without a version is still being made */
        if (steps[i].incompatible && version > 0 && !s->alone) {
            return bcj2__detail(BCJ2_E_SHARING_VIOLATION,
                                "the queue in %s is in use by an older version", s->directory);
        }
        needs = steps[i].incompatible ? i + 1 : needs;
        status = bcj2__store_exec(s, db, steps[i].sql, "changing the schema of");
    }
    if (status == BCJ2_OK && needs > 0) {
        status = set_number(s, db, "UPDATE queue SET needs_version", needs);
    }
    return status == BCJ2_OK ? set_number(s, db, "PRAGMA user_version", count) : status;
}
