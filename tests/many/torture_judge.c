/* SPDX-License-Identifier: MIT */
/* See torture_judge.h. */
#include "torture_judge.h"
#include "../support/client.h"
#include "../support/folder.h"
#include "torture_journal.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A row of the database, "-" where there is nothing. */
struct row {
    char id[BCJ2_GUID_TEXT_SIZE];
    int state, type, priority;
    char tag[TAG_SIZE];
    char described[16];
    char reply[FOLDER_PATH_SIZE];
};

struct judge {
    const char *folder;
    struct journal journal;
    struct verdict verdict;
    bool *rows_seen; /* by the job's place in the journal */
    unsigned *runs;  /* likewise */
};

static size_t place_of(const struct judge *j, const char *tag)
{
    for (size_t i = 0; i < j->journal.count; i++) {
        if (strcmp(j->journal.jobs[i]->tag, tag) == 0) {
            return i;
        }
    }
    ck_abort_msg("nobody made the job \"%s\"", tag);
    return 0;
}

static FILE *open_in(const struct judge *j, const char *name)
{
    char path[FOLDER_PATH_SIZE];
    folder_in(path, j->folder, name);
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
    return f;
}

/* ---- what ran at the server ---- */

static void judge_runs(struct judge *j)
{
    char line[64], tag[TAG_SIZE], how[8];
    FILE *f = open_in(j, "runs");
    while (fgets(line, sizeof line, f) != NULL) {
        ck_assert_int_eq(sscanf(line, "%31s %7s", tag, how), 2);
        ck_assert_msg(strcmp(how, "whole") == 0, "the application saw a broken file of %s", tag);
        size_t i = place_of(j, tag);
        j->verdict.doubled += ++j->runs[i] == 2;
    }
    (void)fclose(f);
}

/* ---- files ---- */

/* The reply as the application gave it: a line with the tag, then the source. */
static void judge_reply(const struct judge *j, const struct known *k, const char *path)
{
    char head[TAG_SIZE + 16], line[TAG_SIZE + 16] = "", name[32], a[4096], b[4096];
    (void)snprintf(head, sizeof head, "reply to %s\n", k->tag);
    (void)snprintf(name, sizeof name, "source-%u", known_source(k));
    FILE *reply = fopen(path, "rb"), *source = open_in(j, name);
    ck_assert_msg(reply != NULL, "the reply of %s, %s: %s", k->tag, path, strerror(errno));
    ck_assert_msg(fgets(line, sizeof line, reply) != NULL && strcmp(line, head) == 0,
                  "the reply of %s begins with \"%s\"", k->tag, line);
    size_t n = 0, m = 0;
    do {
        n = fread(a, 1, sizeof a, reply);
        m = fread(b, 1, sizeof b, source);
        ck_assert_msg(n == m && memcmp(a, b, n) == 0, "the reply of %s is not what was uploaded",
                      k->tag);
    } while (n > 0);
    (void)fclose(reply);
    (void)fclose(source);
}

static void judge_no_temporary(const struct judge *j, const char *name)
{
    char path[FOLDER_PATH_SIZE];
    folder_in(path, j->folder, name);
    DIR *d = opendir(path);
    ck_assert_msg(d != NULL, "%s: %s", path, strerror(errno));
    const struct dirent *e = NULL;
    while ((e = readdir(d)) != NULL) {
        ck_assert_msg(strstr(e->d_name, ".tmp") == NULL, "%s/%s stays", path, e->d_name);
    }
    (void)closedir(d);
}

/* ---- one job ---- */

static void judge_end(const struct judge *j, const struct known *k, const struct row *r)
{
    bool completed = r->state == BCJ2_JOB_STATE_ACKNOWLEDGED;
    ck_assert_msg(k->completed + k->cancelled <= 1, "%s was completed %u and cancelled %u times",
                  k->tag, k->completed, k->cancelled);
    ck_assert_msg(completed || r->state == BCJ2_JOB_STATE_CANCELLED, "%s is in state %d at the end",
                  k->tag, r->state);
    ck_assert_msg(completed ? k->cancelled == 0 : k->completed == 0,
                  "%s has state %d, and was %s before", k->tag, r->state,
                  completed ? "cancelled" : "completed");
    ck_assert_msg((completed ? k->complete_asked : k->cancel_asked) > 0,
                  "%s has state %d, which nobody asked for", k->tag, r->state);
    if (!completed) {
        /* a Complete that was killed may have got as far as the rename before the Cancel came */
        bool killed = k->complete_asked > k->completed + k->refused_completes;
        ck_assert_msg(strcmp(r->reply, "-") == 0 || killed || !client_exists(r->reply),
                      "%s was cancelled, and %s is there", k->tag, r->reply);
        return;
    }
    ck_assert_msg(j->runs[place_of(j, k->tag)] > 0,
                  "%s was completed, and the application never saw it", k->tag);
    if (known_has_reply(k)) {
        judge_reply(j, k, r->reply);
    }
}

/* Only its maker describes a job. A priority is one of those that were set. */
static void judge_setters(const struct judge *j, const struct known *k, const struct row *r)
{
    char named[FOLDER_PATH_SIZE], name[TAG_SIZE + 8];
    unsigned described = (unsigned)strtoul(r->described, NULL, 10);
    ck_assert_msg(described == k->described || described == k->describe_asked,
                  "%s is described as \"%s\", it was %u and at last perhaps %u", k->tag,
                  r->described, k->described, k->describe_asked);
    ck_assert_msg((k->priorities & 1u << r->priority) != 0 ||
                      (k->priority_set == 0 && r->priority == BCJ2_JOB_PRIORITY_NORMAL),
                  "%s has priority %d, which was not set", k->tag, r->priority);
    ck_assert_int_eq(r->type == BCJ2_JOB_TYPE_UPLOAD_REPLY, known_has_reply(k));
    (void)snprintf(name, sizeof name, "out/%s", k->tag);
    folder_in(named, j->folder, name);
    ck_assert_msg(strcmp(r->reply, named) == 0 || k->named == 0,
                  "the reply of %s was to be %s, it is %s", k->tag, named, r->reply);
    ck_assert_msg(k->added <= 1, "%u files were added to %s", k->added, k->tag);
}

static void judge_row(struct judge *j, const struct row *r)
{
    size_t i = place_of(j, r->tag);
    const struct known *k = j->journal.jobs[i];
    ck_assert_msg(!j->rows_seen[i], "%s is there twice", k->tag);
    ck_assert_msg(k->id[0] == '\0' || strncmp(k->id + 1, r->id + (r->id[0] == '{'), 36) == 0,
                  "%s has the id %s, it was made as %s", k->tag, r->id, k->id);
    j->rows_seen[i] = true;
    judge_end(j, k, r);
    judge_setters(j, k, r);
    j->verdict.jobs++;
    j->verdict.completed += r->state == BCJ2_JOB_STATE_ACKNOWLEDGED;
    j->verdict.cancelled += r->state == BCJ2_JOB_STATE_CANCELLED;
}

/* ---- all of them ---- */

static void judge_rows(struct judge *j)
{
    char line[1024];
    unsigned sound = 0;
    FILE *f = open_in(j, "rows");
    while (fgets(line, sizeof line, f) != NULL) {
        struct row r;
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "job %38s %d %d %d %31s %15s %511s", r.id, &r.state, &r.type, &r.priority,
                   r.tag, r.described, r.reply) == 7) {
            judge_row(j, &r);
        } else {
            bool good = strcmp(line, "integrity ok") == 0 || strcmp(line, "farewells 0") == 0 ||
                        strcmp(line, "orphans 0") == 0 || strcmp(line, "transfers 0") == 0;
            ck_assert_msg(good, "the database says: %s", line);
            sound++;
        }
    }
    (void)fclose(f);
    ck_assert_uint_eq(sound, 4);
    for (size_t i = 0; i < j->journal.count; i++) {
        ck_assert_msg(j->rows_seen[i] || !j->journal.jobs[i]->made, "%s is lost",
                      j->journal.jobs[i]->tag);
    }
}

struct verdict torture_judge(const char *folder)
{
    char path[FOLDER_PATH_SIZE];
    struct judge j = {.folder = folder};
    folder_in(path, folder, "journal");
    journal_open(&j.journal, path, "judge");
    journal_read(&j.journal);
    j.rows_seen = calloc(j.journal.count + 1, sizeof *j.rows_seen);
    j.runs = calloc(j.journal.count + 1, sizeof *j.runs);
    ck_assert(j.rows_seen != NULL && j.runs != NULL);
    judge_runs(&j);
    judge_rows(&j);
    judge_no_temporary(&j, ".");
    judge_no_temporary(&j, "out");
    j.verdict.lines = j.journal.lines;
    for (size_t i = 0; i < j.journal.count; i++) {
        j.verdict.suspended += j.journal.jobs[i]->suspend_asked;
    }
    free(j.rows_seen);
    free(j.runs);
    journal_close(&j.journal);
    return j.verdict;
}
