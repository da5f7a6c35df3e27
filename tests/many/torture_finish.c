/* SPDX-License-Identifier: MIT */
/* After the storm, each in a process of its own: what is left is brought to its end, and what the database
   says is printed. See torture_worker.h. */
#include "torture_worker.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUIET_MS 60000 /* so long may nothing change */

/* ---- the end of all jobs ---- */

/* A job whose maker was killed before it wrote the id down is known by its name. */
static struct known *known_of(struct worker *w, bcj2_job *job)
{
    char *name = NULL;
    bcj2_guid id;
    if (bcj2_get_display_name(job, &name) != BCJ2_OK || bcj2_get_id(job, &id) != BCJ2_OK) {
        worker_fail(w, "a listed job: %s", bcj2_last_detail());
    }
    struct known *k = journal_find(&w->journal, name);
    if (k == NULL) {
        worker_fail(w, "nobody made the job \"%s\"", name);
    }
    bcj2_guid_format(&id, k->id);
    bcj2_free(name);
    return k;
}

static void bring_on(struct worker *w, struct known *k)
{
    bcj2_job_state state = -1;
    worker_look(w, k); /* ERROR fails here */
    if (bcj2_get_state(k->handle, &state) != BCJ2_OK) {
        worker_fail(w, "%s: %s", k->tag, bcj2_last_detail());
    }
    if (state == BCJ2_JOB_STATE_TRANSFERRED) {
        worker_read_reply(w, k);
        (void)worker_change(w, k, CALL_COMPLETE, 0);
    } else if (state == BCJ2_JOB_STATE_SUSPENDED &&
               worker_change(w, k, CALL_RESUME, 0) == BCJ2_E_EMPTY) {
        (void)worker_change(w, k, CALL_CANCEL, 0);
    }
    k->handle = bcj2_job_unref(k->handle);
}

/* Gives back how many there were. */
static unsigned bring_all_on(struct worker *w)
{
    bcj2_job_enum *list = NULL;
    bcj2_job *job = NULL;
    unsigned count = 0;
    bcj2_status s = bcj2_manager_enum_jobs(w->manager, 0, &list);
    worker_judge(w, CALL_LIST, NULL, s);
    for (; bcj2_job_enum_next(list, &job) == BCJ2_OK; count++) {
        struct known *k = known_of(w, job);
        (void)bcj2_job_unref(job);
        bring_on(w, k);
    }
    (void)bcj2_job_enum_unref(list);
    return count;
}

int torture_finish(struct worker *w)
{
    uint64_t change = 0;
    journal_read(&w->journal);
    worker_open(w, 0);
    (void)worker_list(w); /* everything that was promised is there */
    for (;;) {
        bcj2_status s = bcj2_manager_wait(w->manager, &change, QUIET_MS);
        if (s != BCJ2_OK) {
            worker_fail(w, "nothing happens any more: %s", bcj2_status_name(s));
        }
        journal_read(&w->journal);
        if (bring_all_on(w) == 0) {
            break;
        }
    }
    worker_close(w);
    return EXIT_SUCCESS;
}

/* ---- the rows ---- */

static int print_row(void *user, int count, char **values, char **names)
{
    (void)user;
    (void)names;
    for (int i = 0; i < count; i++) {
        const char *value = values[i] == NULL || values[i][0] == '\0' ? "-" : values[i];
        (void)printf("%s%s", value, i + 1 < count ? " " : "\n");
    }
    return 0;
}

int torture_rows(struct worker *w)
{
    static const char jobs[] =
        "SELECT 'job', id, state, type, priority, display_name,"
        " substr(description, length(display_name) + 2), reply_name FROM jobs ORDER BY seq";
    static const char *const questions[] = {
        jobs,
        "SELECT 'farewells', count(*) FROM farewells",
        "SELECT 'integrity', integrity_check FROM pragma_integrity_check",
        "SELECT 'orphans', count(*) FROM files WHERE job_seq NOT IN (SELECT seq FROM jobs)",
        "SELECT 'transfers', count(*) FROM transfers",
    };
    sqlite3 *db = NULL;
    int result =
        sqlite3_open_v2(worker_path(w, "queue/queue.db"), &db, SQLITE_OPEN_READWRITE, NULL);
    for (size_t i = 0; i < sizeof questions / sizeof questions[0] && result == SQLITE_OK; i++) {
        result = sqlite3_exec(db, questions[i], print_row, NULL, NULL);
    }
    if (result != SQLITE_OK) {
        worker_fail(w, "the database: %s", sqlite3_errmsg(db));
    }
    (void)sqlite3_close(db);
    return EXIT_SUCCESS;
}
