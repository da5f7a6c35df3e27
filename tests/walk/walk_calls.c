/* SPDX-License-Identifier: MIT */
/* See walk.h: the calls. What a call may answer follows from the model of the moment before; a job that runs may
   have come further by the time of the call, so there are two answers then. */
#include "walk.h"

#include "macro.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOWNLOAD BCJ2_JOB_TYPE_DOWNLOAD

#define EXPECT(m, expression, expected)                                                \
    do {                                                                               \
        bcj2_status got_ = (expression);                                               \
        MODEL_CHECK(m, got_ == (expected), "%s: 0x%08x, expected 0x%08x", #expression, \
                    (unsigned)got_, (unsigned)(expected));                             \
    } while (0)

static bool is_final(const struct model_job *m)
{
    return m->phase == MODEL_FINAL;
}

/* Of every call that sets something. */
static bcj2_status if_not_final(const struct model_job *m)
{
    return is_final(m) ? BCJ2_E_INVALID_STATE : BCJ2_OK;
}

static bcj2_job_progress progress_of(const struct model_job *m)
{
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    EXPECT(m, bcj2_get_progress(m->job, &p), BCJ2_OK);
    MODEL_CHECK(m,
                p.files_total == m->file_count && p.files_transferred <= p.files_total &&
                    p.bytes_transferred <= p.bytes_total,
                "progress %u of %u files, %llu of %llu", (unsigned)p.files_transferred,
                (unsigned)p.files_total, (unsigned long long)p.bytes_transferred,
                (unsigned long long)p.bytes_total);
    return p;
}

/* ---- making ---- */

void walk_create(void)
{
    bcj2_guid id;
    bcj2_job *job = NULL;
    if (walk.count == WALK_JOBS) {
        return;
    }
    bcj2_job_type type = walk_random(3) > 0 ? DOWNLOAD : (bcj2_job_type)(1 + walk_random(2));
    ck_assert_int_eq(bcj2_manager_create_job(walk.manager, "walk", type, &id, &job), BCJ2_OK);
    struct model_job *m = &walk.jobs[walk.count++];
    model_init(m, job, &id, type);
    if (type == DOWNLOAD) {
        uint64_t size = walk_random(8) == 0 ? 1000 + walk_random(400000) : 1000 + walk_random(5000);
        m->resource = site_add(walk.site, size);
        m->mood = SITE_OK;
    } else {
        m->mood = walk.uploads;
    }
    walk.made++;
}

void walk_forget(struct model_job *m)
{
    bcj2_job *gone = NULL;
    EXPECT(m, bcj2_manager_get_job(walk.manager, &m->id, &gone), BCJ2_E_NOT_FOUND);
    bcj2_job_unref(m->job);
    *m = walk.jobs[--walk.count];
}

static const bcj2_file_range two_ranges[] = {{500, 300}, {0, 200}};

static bcj2_status add_download(struct model_job *m, struct model_file *f)
{
    static unsigned number;
    char name[64];
    (void)snprintf(name, sizeof name, "out/%u", number++);
    (void)snprintf(f->path, sizeof f->path, "%s", walk_path(name));
    f->ranged = walk_random(4) == 0;
    const char *url = site_url(walk.site, m->resource);
    return f->ranged ? bcj2_add_file_with_ranges(m->job, url, f->path, 2, two_ranges)
                     : bcj2_add_file(m->job, url, f->path);
}

void walk_add_file(struct model_job *m)
{
    struct model_file f = {.ranged = false};
    if (m->type == DOWNLOAD && m->file_count < MODEL_FILES) {
        EXPECT(m, add_download(m, &f), if_not_final(m));
    } else if (m->type != DOWNLOAD) {
        char name[64];
        (void)snprintf(name, sizeof name, "out/reply-%u", walk.made);
        (void)snprintf(f.path, sizeof f.path, "%s", walk_path(name));
        if (m->type == BCJ2_JOB_TYPE_UPLOAD_REPLY && m->file_count == 0) {
            EXPECT(m, bcj2_set_reply_file_name(m->job, f.path), if_not_final(m));
        }
        EXPECT(m, bcj2_add_file(m->job, bits_server_url(walk.bits, "/a"), walk_path("up.bin")),
               is_final(m)         ? BCJ2_E_INVALID_STATE
               : m->file_count > 0 ? BCJ2_E_TOO_MANY_FILES
                                   : BCJ2_OK);
        if (m->file_count > 0) {
            return;
        }
    } else {
        return;
    }
    if (!is_final(m)) {
        m->files[m->file_count++] = f;
    }
}

void walk_add_bad(struct model_job *m)
{
    const bcj2_file_range over[] = {{0, 10}, {5, 10}};
    const char *url = "http://127.0.0.1:1/x";
    switch (walk_random(5)) {
    case 0:
        EXPECT(m, bcj2_add_file(m->job, url, "relative"), BCJ2_E_INVALIDARG);
        break;
    case 1:
        EXPECT(m, bcj2_add_file(m->job, "ftp://127.0.0.1/x", walk_path("out/x")),
               BCJ2_E_INVALIDARG);
        break;
    case 2:
        EXPECT(m, bcj2_add_file(m->job, NULL, NULL), BCJ2_E_INVALIDARG);
        break;
    case 3:
        EXPECT(m, bcj2_add_file_with_ranges(m->job, url, walk_path("out/x"), 2, over),
               m->type == DOWNLOAD ? BCJ2_E_OVERLAPPING_RANGES : BCJ2_E_NOTIMPL);
        break;
    default:
        EXPECT(m, bcj2_add_file_set(m->job, 0, NULL), BCJ2_E_INVALIDARG);
        break;
    }
    (void)progress_of(m); /* none was added */
}

/* ---- properties ---- */

void walk_set(struct model_job *m)
{
    static const uint32_t delays[] = {0, 5, 100, 600, 3600};
    static const uint32_t timeouts[] = {0, 50, 600, 2000, 1209600};
    static const uint32_t times[] = {1000, 7776000};
    bcj2_status expected = if_not_final(m);
    uint32_t v = 0;
    switch (walk_random(5)) {
    case 0:
        v = delays[walk_random(ARRAY_LEN(delays))];
        EXPECT(m, bcj2_set_minimum_retry_delay(m->job, v), expected);
        m->delay_s = is_final(m) ? m->delay_s : MAX(v, 5);
        break;
    case 1:
        v = timeouts[walk_random(ARRAY_LEN(timeouts))];
        EXPECT(m, bcj2_set_no_progress_timeout(m->job, v), expected);
        m->no_progress_s = is_final(m) ? m->no_progress_s : v;
        break;
    case 2:
        v = times[walk_random(ARRAY_LEN(times))];
        EXPECT(m, bcj2_set_maximum_download_time(m->job, v), expected);
        m->max_download_s = is_final(m) ? m->max_download_s : v;
        break;
    case 3:
        v = walk_random(4);
        EXPECT(m, bcj2_set_priority(m->job, (bcj2_job_priority)v), expected);
        m->priority = is_final(m) ? m->priority : (bcj2_job_priority)v;
        break;
    default: {
        char text[32];
        (void)snprintf(text, sizeof text, "words %u", (unsigned)walk_random(1000));
        EXPECT(m, bcj2_set_description(m->job, text), expected);
        memcpy(m->description, is_final(m) ? m->description : text, sizeof text);
        break;
    }
    }
    model_properties_changed(m);
}

void walk_set_bad(struct model_job *m)
{
    static char long_text[1026];
    memset(long_text, 'x', sizeof long_text - 1);
    switch (walk_random(6)) {
    case 0:
        EXPECT(m, bcj2_set_priority(m->job, 4), BCJ2_E_NOTIMPL);
        break;
    case 1:
        EXPECT(m, bcj2_set_description(m->job, long_text), BCJ2_E_STRING_TOO_LONG);
        break;
    case 2:
        EXPECT(m, bcj2_set_display_name(m->job, NULL), BCJ2_E_INVALIDARG);
        break;
    case 3:
        EXPECT(m, bcj2_set_custom_headers(m->job, "A: b\r\n\r\nGET /"), BCJ2_E_INVALIDARG);
        break;
    case 4:
        EXPECT(m, bcj2_set_security_flags(m->job, 0x300), BCJ2_E_NOTIMPL);
        break;
    default:
        EXPECT(m, bcj2_set_reply_file_name(m->job, "relative"),
               m->type == BCJ2_JOB_TYPE_UPLOAD_REPLY ? BCJ2_E_INVALIDARG : BCJ2_E_NOTIMPL);
        break;
    }
}

void walk_get(struct model_job *m)
{
    uint32_t delay = 0, no_progress = 0, max_download = 0;
    bcj2_job_priority priority = 0;
    bcj2_job_type type = 0;
    bcj2_guid id;
    char *text = NULL, *json = NULL;
    EXPECT(m, bcj2_get_minimum_retry_delay(m->job, &delay), BCJ2_OK);
    EXPECT(m, bcj2_get_no_progress_timeout(m->job, &no_progress), BCJ2_OK);
    EXPECT(m, bcj2_get_maximum_download_time(m->job, &max_download), BCJ2_OK);
    EXPECT(m, bcj2_get_priority(m->job, &priority), BCJ2_OK);
    EXPECT(m, bcj2_get_type(m->job, &type), BCJ2_OK);
    EXPECT(m, bcj2_get_id(m->job, &id), BCJ2_OK);
    EXPECT(m, bcj2_get_description(m->job, &text), BCJ2_OK);
    EXPECT(m, bcj2_get_json(m->job, &json), BCJ2_OK);
    MODEL_CHECK(m,
                delay == m->delay_s && no_progress == m->no_progress_s &&
                    max_download == m->max_download_s && priority == m->priority &&
                    type == m->type && memcmp(&id, &m->id, sizeof id) == 0 &&
                    strcmp(text, m->description) == 0,
                "a property is not what was set: %u %u %u %d %s", (unsigned)delay,
                (unsigned)no_progress, (unsigned)max_download, (int)priority, text);
    bcj2_free(text);
    bcj2_free(json);
    (void)progress_of(m);
}

/* ---- moving it ---- */

void walk_suspend(struct model_job *m)
{
    EXPECT(m, bcj2_suspend(m->job), if_not_final(m));
    if (m->phase == MODEL_ACTIVE || m->phase == MODEL_WAITING) {
        bcj2_job_state state = -1;
        EXPECT(m, bcj2_get_state(m->job, &state), BCJ2_OK);
        if (state == BCJ2_JOB_STATE_SUSPENDED) {
            model_rests(m, state);
        } else { /* it had ended before */
            model_observe(m);
            MODEL_CHECK(m, m->phase == MODEL_RESTS, "suspended, it is %d", (int)state);
        }
    }
}

/* Files that a Resume could transfer. */
static bool has_work(const struct model_job *m)
{
    bcj2_job_progress p = progress_of(m);
    return p.files_transferred < p.files_total;
}

void walk_resume(struct model_job *m)
{
    int64_t now_ms = fake_clock_now_ms();
    bool transferred = m->phase == MODEL_RESTS && m->state == BCJ2_JOB_STATE_TRANSFERRED;
    bool work = m->file_count > 0 && (!transferred || has_work(m));
    bcj2_status s = bcj2_resume(m->job);
    if (is_final(m)) {
        MODEL_CHECK(m, s == BCJ2_E_INVALID_STATE, "resume: 0x%08x", (unsigned)s);
    } else if (!work) {
        MODEL_CHECK(m, s == BCJ2_E_EMPTY, "resume: 0x%08x", (unsigned)s);
    } else if (s == BCJ2_E_EMPTY) { /* it is transferred by now */
        MODEL_CHECK(m, m->phase == MODEL_ACTIVE || m->phase == MODEL_WAITING, "nothing to resume");
        model_observe(m);
        MODEL_CHECK(m, m->state == BCJ2_JOB_STATE_TRANSFERRED, "resume: nothing to do");
    } else {
        MODEL_CHECK(m, s == BCJ2_OK, "resume: 0x%08x", (unsigned)s);
        model_resumed(m, now_ms);
    }
}

/* What is in place is whole and of one version; what is not transferred is not there. */
static void check_files(const struct model_job *m, bool cancelled)
{
    bcj2_file_enum *files = NULL;
    bcj2_file *file = NULL;
    EXPECT(m, bcj2_enum_files(m->job, &files), BCJ2_OK);
    for (uint32_t i = 0; bcj2_file_enum_next(files, &file) == BCJ2_OK; i++) {
        const struct model_file *f = &m->files[i];
        bcj2_file_progress p = BCJ2_FILE_PROGRESS_INIT;
        EXPECT(m, bcj2_file_get_progress(file, &p), BCJ2_OK);
        bcj2_file_unref(file);
        bool there = m->type == DOWNLOAD && p.completed != 0 && !cancelled;
        if (m->type == DOWNLOAD) {
            MODEL_CHECK(m, client_exists(f->path) == there, "%s is %s", f->path,
                        there ? "missing" : "there");
        }
        MODEL_CHECK(m,
                    !there || site_has_version(walk.site, m->resource, f->path, two_ranges,
                                               f->ranged ? 2 : 0),
                    "%s is no version of its resource", f->path);
        if (there) {
            (void)remove(f->path);
        }
    }
    bcj2_file_enum_unref(files);
}

static void check_reply(const struct model_job *m)
{
    char text[16] = "";
    FILE *f = fopen(m->files[0].path, "rb");
    MODEL_CHECK(m, f != NULL, "no reply in %s", m->files[0].path);
    size_t n = fread(text, 1, sizeof text, f);
    (void)fclose(f);
    MODEL_CHECK(m, n == 9 && memcmp(text, "the reply", 9) == 0, "another reply");
    (void)remove(m->files[0].path);
}

void walk_cancel(struct model_job *m)
{
    EXPECT(m, bcj2_cancel(m->job), if_not_final(m));
    if (!is_final(m)) {
        model_final(m, BCJ2_JOB_STATE_CANCELLED);
        check_files(m, true);
    }
}

static bcj2_status complete_download(struct model_job *m)
{
    bool runs = m->phase == MODEL_ACTIVE || m->phase == MODEL_WAITING;
    bcj2_status s = bcj2_complete(m->job);
    bcj2_job_progress p = progress_of(m);
    bool all = p.files_transferred == p.files_total;
    MODEL_CHECK(m, s == (all ? BCJ2_OK : BCJ2_S_PARTIAL_COMPLETE), "complete: 0x%08x, %u of %u",
                (unsigned)s, (unsigned)p.files_transferred, (unsigned)p.files_total);
    MODEL_CHECK(m,
                !runs || !all || p.files_total == 0 ||
                    model_may_end_in(m, BCJ2_JOB_STATE_TRANSFERRED) || m->moods == 0,
                "all was transferred by a server that gives nothing");
    return s;
}

void walk_complete(struct model_job *m)
{
    bcj2_status s = BCJ2_OK;
    if (is_final(m)) {
        EXPECT(m, bcj2_complete(m->job), BCJ2_E_INVALID_STATE);
        return;
    }
    if (m->type == DOWNLOAD) {
        s = complete_download(m);
    } else {
        bool may = m->phase == MODEL_RESTS ? m->state == BCJ2_JOB_STATE_TRANSFERRED
                                           : model_may_end_in(m, BCJ2_JOB_STATE_TRANSFERRED) ||
                                                 m->phase == MODEL_WAITING;
        bool must = m->phase == MODEL_RESTS && may;
        s = bcj2_complete(m->job);
        MODEL_CHECK(m, s == BCJ2_OK ? may : s == BCJ2_E_INVALID_STATE && !must, "complete: 0x%08x",
                    (unsigned)s);
    }
    if (BCJ2_FAILED(s)) {
        return;
    }
    model_final(m, BCJ2_JOB_STATE_ACKNOWLEDGED);
    if (m->type == BCJ2_JOB_TYPE_UPLOAD_REPLY) {
        check_reply(m);
    }
    check_files(m, false);
}
