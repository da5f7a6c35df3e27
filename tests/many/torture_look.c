/* SPDX-License-Identifier: MIT */
/* See torture_calls.h: the calls that look. What another process noted as done must be seen here at once. */
#include "torture_calls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What others noted before we ask, and what they may have done by the time we know the answer. */
struct span {
    bool was_completed, was_cancelled;
    unsigned described;
};

static struct span before(const struct known *k)
{
    return (struct span){k->completed > 0, k->cancelled > 0, k->described};
}

/* bcj2_free. */
static char *text_of(struct worker *w, struct known *k,
                     bcj2_status (*get)(bcj2_job *job, char **ret))
{
    char *text = NULL;
    call_begin(w, CALL_LOOK);
    bcj2_status s = get(k->handle, &text);
    call_end();
    worker_judge(w, CALL_LOOK, k, s);
    return text;
}

static void look_at_texts(struct worker *w, struct known *k, const struct span *b)
{
    char tag[TAG_SIZE] = "";
    unsigned described = 0;
    char *name = text_of(w, k, bcj2_get_display_name);
    char *description = text_of(w, k, bcj2_get_description);
    if (strcmp(name, k->tag) != 0) {
        worker_fail(w, "%s is called \"%s\"", k->tag, name);
    }
    if (description[0] != '\0' &&
        (sscanf(description, "%31s %u", tag, &described) != 2 || strcmp(tag, k->tag) != 0)) {
        worker_fail(w, "%s is described as \"%s\"", k->tag, description);
    }
    if (described < b->described) {
        worker_fail(w, "%s is described as \"%s\": %u had been set", k->tag, description,
                    b->described);
    }
    bcj2_free(name);
    bcj2_free(description);
    bcj2_free(text_of(w, k, bcj2_get_status_text));
    bcj2_free(text_of(w, k, bcj2_get_json));
}

static void look_at_state(struct worker *w, struct known *k, const struct span *b)
{
    bcj2_job_state state = -1;
    call_begin(w, CALL_LOOK);
    bcj2_status s = bcj2_get_state(k->handle, &state);
    call_end();
    worker_judge(w, CALL_LOOK, k, s);
    bool completed = state == BCJ2_JOB_STATE_ACKNOWLEDGED,
         cancelled = state == BCJ2_JOB_STATE_CANCELLED;
    if ((b->was_completed && !completed) || (b->was_cancelled && !cancelled)) {
        worker_fail(w, "%s has the state %d after it was %s", k->tag, (int)state,
                    b->was_completed ? "completed" : "cancelled");
    }
    if (completed || cancelled) {
        journal_read(&w->journal);
        if ((completed ? k->complete_asked : k->cancel_asked) == 0) {
            worker_fail(w, "%s has the state %d, and nobody asked for it", k->tag, (int)state);
        }
    }
    if (state == BCJ2_JOB_STATE_ERROR) {
        worker_fail(w, "%s: %s", k->tag, text_of(w, k, bcj2_get_status_text));
    }
}

static void look_at_numbers(struct worker *w, struct known *k)
{
    bcj2_job_progress progress = BCJ2_JOB_PROGRESS_INIT;
    bcj2_job_priority priority = -1;
    bcj2_error *error = NULL;
    call_begin(w, CALL_LOOK);
    bcj2_status s = bcj2_get_priority(k->handle, &priority);
    worker_judge(w, CALL_LOOK, k, s);
    s = bcj2_get_progress(k->handle, &progress);
    worker_judge(w, CALL_LOOK, k, s);
    s = bcj2_get_error(k->handle, &error);
    if (s != BCJ2_E_ERROR_INFORMATION_UNAVAILABLE) {
        worker_judge(w, CALL_LOOK, k, s);
    }
    call_end();
    (void)bcj2_error_unref(error);
    if (priority != BCJ2_JOB_PRIORITY_NORMAL && (k->priorities & 1u << priority) == 0) {
        journal_read(&w->journal);
        if ((k->priorities & 1u << priority) == 0) {
            worker_fail(w, "%s has priority %d, which nobody set", k->tag, (int)priority);
        }
    }
    if (progress.bytes_transferred > progress.bytes_total ||
        progress.files_total < (k->added > 0 ? 1u : 0u) || progress.files_total > 1) {
        worker_fail(w, "%s: %llu of %llu bytes of %u files", k->tag,
                    (unsigned long long)progress.bytes_transferred,
                    (unsigned long long)progress.bytes_total, (unsigned)progress.files_total);
    }
}

void worker_look(struct worker *w, struct known *k)
{
    struct span b = before(k);
    if (worker_job(w, k) == NULL) {
        return;
    }
    look_at_texts(w, k, &b);
    look_at_numbers(w, k);
    look_at_state(w, k, &b);
}

/* The application's reply: a line with the tag, then what was uploaded. */
static bool is_reply(const struct worker *w, const struct known *k, const uint8_t *data,
                     uint64_t length)
{
    char line[TAG_SIZE + 16], block[4096];
    size_t head = (size_t)snprintf(line, sizeof line, "reply to %s\n", k->tag);
    FILE *f = fopen(worker_path(w, "source-%u", known_source(k)), "rb");
    if (f == NULL) {
        worker_fail(w, "source-%u: %s", known_source(k), strerror(errno));
    }
    bool same = length >= head && memcmp(data, line, head) == 0;
    for (uint64_t at = head; same;) {
        size_t n = fread(block, 1, sizeof block, f);
        if (n == 0) {
            same = at == length;
            break;
        }
        same = length - at >= n && memcmp(data + at, block, n) == 0;
        at += n;
    }
    (void)fclose(f);
    return same;
}

void worker_read_reply(struct worker *w, struct known *k)
{
    uint8_t *data = NULL;
    uint64_t length = 0;
    if (!known_has_reply(k) || worker_job(w, k) == NULL) {
        return;
    }
    call_begin(w, CALL_REPLY);
    bcj2_status s = bcj2_get_reply_data(k->handle, &data, &length);
    call_end();
    worker_judge(w, CALL_REPLY, k, s);
    if (s == BCJ2_OK && !is_reply(w, k, data, length)) {
        worker_fail(w, "%s: the reply in memory is not the application's", k->tag);
    }
    bcj2_free(data);
}

/* ---- the list ---- */

static void note_listed(struct worker *w, bcj2_job *job, char (*ids)[BCJ2_GUID_TEXT_SIZE], size_t n)
{
    bcj2_guid id;
    if (bcj2_get_id(job, &id) != BCJ2_OK) {
        worker_fail(w, "get_id: %s", bcj2_last_detail());
    }
    bcj2_guid_format(&id, ids[n]);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(ids[i], ids[n]) == 0) {
            worker_fail(w, "%s is listed twice", ids[n]);
        }
    }
}

static bool is_listed(const char *id, char (*ids)[BCJ2_GUID_TEXT_SIZE], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(ids[i], id) == 0) {
            return true;
        }
    }
    return false;
}

/* Those that must be in a list that is asked for now, unless somebody ends them. */
static struct known **live(struct worker *w, size_t *ret_count)
{
    struct known **jobs = calloc(w->journal.count + 1, sizeof(struct known *));
    *ret_count = 0;
    for (size_t i = 0; i < w->journal.count; i++) {
        struct known *k = w->journal.jobs[i];
        if (k->made && !known_may_be_over(k)) {
            jobs[(*ret_count)++] = k;
        }
    }
    return jobs;
}

size_t worker_list(struct worker *w)
{
    bcj2_job_enum *list = NULL;
    bcj2_job *job = NULL;
    uint32_t listed = 0;
    size_t expected = 0, n = 0;
    struct known **jobs = live(w, &expected);
    call_begin(w, CALL_LIST);
    bcj2_status s = bcj2_manager_enum_jobs(w->manager, 0, &list);
    worker_judge(w, CALL_LIST, NULL, s);
    s = bcj2_job_enum_count(list, &listed);
    worker_judge(w, CALL_LIST, NULL, s);
    char(*ids)[BCJ2_GUID_TEXT_SIZE] = calloc((size_t)listed + 1, sizeof *ids);
    while (bcj2_job_enum_next(list, &job) == BCJ2_OK && n <= listed) {
        note_listed(w, job, ids, n++);
        (void)bcj2_job_unref(job);
    }
    (void)bcj2_job_enum_unref(list);
    call_end();
    if (n != listed) {
        worker_fail(w, "the list says it has %u jobs, it has %zu", (unsigned)listed, n);
    }
    journal_read(&w->journal);
    for (size_t i = 0; i < expected; i++) {
        if (!is_listed(jobs[i]->id, ids, n) && !known_may_be_over(jobs[i])) {
            worker_fail(w, "%s is not in the list", jobs[i]->tag);
        }
    }
    free(jobs);
    free(ids);
    return n;
}
