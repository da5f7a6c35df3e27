/* SPDX-License-Identifier: MIT */
/* See scenario.h. */
#include "scenario.h"

#include "../support/bits_server.h"
#include "../support/queue.h"
#include "os.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define UPLOAD_SIZE 20000u
#define REPLY_SIZE  1100000u /* enough for its space to be reserved beforehand */

#define TOKEN       "Sesame"
#define HEADERS     "X-Token: " TOKEN "\r\n"

struct planned_file {
    char url[600], path[512];
    uint32_t range_count;
};

/* What the calls of one run said; each only if those before it succeeded. */
struct run {
    bool opened, created, named, resumed, transferred, completed;
    unsigned added; /* files */
    bcj2_guid id;
    enum scenario scenario;
    bcj2_job_type type;
    struct planned_file files[2];
    unsigned file_count;
    char reply_path[512];
    struct bits_server *server;
    /* of the first call that failed */
    const char *failed;
    bcj2_status status;
    char detail[512];
};

static char upload[UPLOAD_SIZE], reply[REPLY_SIZE];
static const bcj2_file_range ranges[2] = {{100, 5000}, {REPLY_SIZE - 300000, BCJ2_LENGTH_TO_EOF}};
static const char *sweeping; /* for messages */
static unsigned sweeping_kth;

#define CHECK(condition, ...)                                                                \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            char why_[700];                                                                  \
            (void)snprintf(why_, sizeof why_, __VA_ARGS__);                                  \
            ck_abort_msg("%s at use %u: %s (%s)", sweeping, sweeping_kth, #condition, why_); \
        }                                                                                    \
    } while (0)

/* Leak checking after each run tells which fault leaks; only where the sanitizer is. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

/* ---- one run ---- */

/* Notes the first failure; true: go on. */
static bool said(struct run *r, const char *call, bcj2_status s)
{
    if (BCJ2_SUCCEEDED(s)) {
        return true;
    }
    r->failed = call;
    r->status = s;
    (void)snprintf(r->detail, sizeof r->detail, "%s", bcj2_last_detail());
    return false;
}

/* A job in ERROR is not a failed call: the fault hit the engine, and the job says so. */
static bool wait_for_transfer(struct run *r, bcj2_job *job)
{
    bcj2_job_state state = -1;
    bcj2_status s = bcj2_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), 20000, &state);
    if (!said(r, "wait", s)) {
        return false;
    }
    CHECK(s == BCJ2_OK, "the job hangs in state %d", (int)state);
    return state == BCJ2_JOB_STATE_TRANSFERRED;
}

/* Getters have nothing to lose, but must say when they fail. */
static void look(struct run *r, bcj2_job *job)
{
    char *text = NULL, *json = NULL;
    uint8_t *data = NULL;
    uint64_t length = 0;
    if (said(r, "get_status_text", bcj2_get_status_text(job, &text))) {
        CHECK(text != NULL, "no text");
    }
    if (said(r, "get_json", bcj2_get_json(job, &json))) {
        CHECK(json != NULL, "no text");
    }
    bcj2_status s = bcj2_get_reply_data(job, &data, &length);
    CHECK((s == BCJ2_E_TOO_LARGE) == (length == REPLY_SIZE) && data == NULL, "0x%08x", (unsigned)s);
    bcj2_free(text);
    bcj2_free(json);
}

/* The runner learns of it only from another manager if that is another. */
static bool resume(struct run *r, bcj2_manager *m)
{
    bcj2_job *job = NULL;
    bool resumed = said(r, "get_job", bcj2_manager_get_job(m, &r->id, &job)) &&
                   said(r, "resume", bcj2_resume(job));
    bcj2_job_unref(job);
    return resumed;
}

/* What the job has beside files. */
static bcj2_status prepare(const struct run *r, bcj2_job *job)
{
    switch (r->scenario) {
    case SCENARIO_UPLOAD_REPLY:
        return bcj2_set_reply_file_name(job, r->reply_path);
    case SCENARIO_DOWNLOAD:
        return bcj2_set_custom_headers(job, HEADERS);
    case SCENARIO_COPY:
        break;
    }
    return BCJ2_OK;
}

static bcj2_status add_file(bcj2_job *job, const struct planned_file *f)
{
    return f->range_count == 0
               ? bcj2_add_file(job, f->url, f->path)
               : bcj2_add_file_with_ranges(job, f->url, f->path, f->range_count, ranges);
}

static bool complete(struct run *r, bcj2_job *job)
{
    bcj2_status s = bcj2_complete(job);
    CHECK(s != BCJ2_S_PARTIAL_COMPLETE, "all of it was there");
    return said(r, "complete", s);
}

static void run_job(struct run *r, bcj2_job *job, bcj2_manager *resumer)
{
    r->named = said(r, "prepare", prepare(r, job));
    while (r->named && r->added < r->file_count &&
           said(r, "add_file", add_file(job, &r->files[r->added]))) {
        r->added++;
    }
    if (r->added == r->file_count &&
        said(r, "set_retry_delay", bcj2_set_minimum_retry_delay(job, 0))) {
        r->resumed = resume(r, resumer);
    }
    r->transferred = r->resumed && wait_for_transfer(r, job);
    look(r, job);
    r->completed = r->transferred && complete(r, job);
}

static void create_and_run(struct run *r, bcj2_manager *creator, bcj2_manager *resumer)
{
    bcj2_job *job = NULL;
    r->created =
        said(r, "create_job", bcj2_manager_create_job(creator, "swept", r->type, &r->id, &job));
    if (r->created) {
        run_job(r, job, resumer);
    }
    bcj2_job_unref(job);
}

static bcj2_manager *open_one(struct run *r, uint32_t flags)
{
    bcj2_manager *m = NULL;
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    options.flags = flags;
    r->opened = said(r, "open", bcj2_manager_open(queue_path("queue"), &options, &m));
    return m;
}

static void run_alone(struct run *r)
{
    bcj2_manager *m = open_one(r, 0);
    if (r->opened) {
        create_and_run(r, m, m);
    }
    bcj2_manager_close(m);
}

/* The runner was closed: the one that is left takes its place, whatever fails meanwhile. */
static void expect_takeover(bcj2_manager *m)
{
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    uint64_t until_ms = bcj2__os_now_ms() + 20000;
    do {
        (void)bcj2_manager_get_info(m, &info); /* may fail, once */
        CHECK(bcj2__os_now_ms() < until_ms, "nobody takes over");
    } while (info.is_runner == 0);
}

/* Three managers: one makes the job and waits for it, another resumes it, and a third runs it. They talk
   to each other as if they were in three processes. */
static void run_together(struct run *r)
{
    bcj2_manager *mover = NULL, *client = NULL;
    bcj2_manager *control = open_one(r, BCJ2_MANAGER_CONTROL_ONLY);
    if (r->opened) {
        mover = open_one(r, 0);
    }
    if (r->opened) {
        client = open_one(r, 0);
    }
    if (r->opened) {
        create_and_run(r, control, client);
    }
    bcj2_manager_close(mover);
    if (r->opened) {
        expect_takeover(client);
    }
    bcj2_manager_close(client);
    bcj2_manager_close(control);
}

static void run_with_fault(const struct fault *f, struct run *r)
{
    if (f->together) {
        run_together(r);
    } else {
        run_alone(r);
    }
}

/* ---- afterwards ---- */

static int whole(void *unused, int columns, char **values, char **names)
{
    CHECK(columns == 1 && strcmp(values[0], "ok") == 0, "%s", values[0]);
    return 0;
}

/* In a process of its own: nobody but SQLite may open the database where a queue is open. */
static void check_database(void *unused)
{
    sqlite3 *db = NULL;
    const char *path = queue_path("queue/queue.db");
    struct os_stat st = {0};
    if (BCJ2_FAILED(bcj2__os_stat(path, false, &st)) || !st.exists) {
        return; /* the very first open failed */
    }
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);
    CHECK(rc == SQLITE_OK, "%d", rc);
    rc = sqlite3_exec(db, "PRAGMA integrity_check", whole, NULL, NULL);
    CHECK(rc == SQLITE_OK, "%s", sqlite3_errmsg(db));
    rc = sqlite3_exec(db, "PRAGMA foreign_key_check", whole, NULL, NULL);
    CHECK(rc == SQLITE_OK, "%s", sqlite3_errmsg(db));
    (void)sqlite3_close(db);
}

static void expect_file(bcj2_file_enum *files, const struct planned_file *planned)
{
    bcj2_file *file = NULL;
    bcj2_file_range *got = NULL;
    uint32_t count = 0;
    char *url = NULL, *path = NULL;
    assert_status(bcj2_file_enum_next(files, &file), BCJ2_OK);
    assert_status(bcj2_file_get_remote_name(file, &url), BCJ2_OK);
    assert_status(bcj2_file_get_local_name(file, &path), BCJ2_OK);
    CHECK(BCJ2_SUCCEEDED(bcj2_file_get_ranges(file, &got, &count)), "%s", bcj2_last_detail());
    CHECK(strcmp(url, planned->url) == 0 && strcmp(path, planned->path) == 0, "%s %s", url, path);
    CHECK(count == planned->range_count, "%u ranges", (unsigned)count);
    bcj2_free(got);
    bcj2_free(url);
    bcj2_free(path);
    bcj2_file_unref(file);
}

static void expect_files(const struct run *r, bcj2_job *job)
{
    bcj2_file_enum *files = NULL;
    uint32_t count = 0;
    assert_status(bcj2_enum_files(job, &files), BCJ2_OK);
    assert_status(bcj2_file_enum_count(files, &count), BCJ2_OK);
    CHECK(count == r->added, "%u files", (unsigned)count);
    for (unsigned i = 0; i < count; i++) {
        expect_file(files, &r->files[i]);
    }
    bcj2_file_enum_unref(files);
}

static void expect_prepared(const struct run *r, bcj2_job *job)
{
    char *got = NULL;
    const char *expected = NULL;
    if (r->scenario == SCENARIO_UPLOAD_REPLY) {
        expected = r->reply_path;
        assert_status(bcj2_get_reply_file_name(job, &got), BCJ2_OK);
    } else if (r->scenario == SCENARIO_DOWNLOAD) {
        expected = HEADERS;
        CHECK(BCJ2_SUCCEEDED(bcj2_get_custom_headers(job, &got)), "%s", bcj2_last_detail());
    } else {
        return;
    }
    CHECK(r->named ? got != NULL && strcmp(got, expected) == 0 : got == NULL, "%s",
          got == NULL ? "none" : got);
    bcj2_free(got);
}

/* The job as the calls left it; NULL: it was completed. */
static bcj2_job *expect_job(struct run *r)
{
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    bcj2_job *job = NULL;
    bool there = r->created && !r->completed;
    assert_status(bcj2_manager_get_info(queue_manager, &info), BCJ2_OK);
    CHECK(info.jobs == (there ? 1 : 0), "%u jobs", (unsigned)info.jobs);
    bcj2_status s = r->created ? bcj2_manager_get_job(queue_manager, &r->id, &job) : BCJ2_OK;
    CHECK(s == (r->completed ? BCJ2_E_NOT_FOUND : BCJ2_OK), "0x%08x", (unsigned)s);
    if (job != NULL) {
        expect_prepared(r, job);
        expect_files(r, job);
        bool suspended = queue_state(job) == BCJ2_JOB_STATE_SUSPENDED;
        /* a Complete that failed may have stopped a download: it does that first */
        bool stopped = r->transferred && r->scenario != SCENARIO_UPLOAD_REPLY;
        CHECK(suspended == !r->resumed || stopped, "state %d", (int)queue_state(job));
    }
    return job;
}

/* Without faults every step that is left works. */
static void finish(const struct run *r, bcj2_job *job)
{
    if (!r->named) {
        assert_status(prepare(r, job), BCJ2_OK);
    }
    for (unsigned i = r->added; i < r->file_count; i++) {
        assert_status(add_file(job, &r->files[i]), BCJ2_OK);
    }
    if (queue_state(job) != BCJ2_JOB_STATE_TRANSFERRED) {
        bcj2_status s = bcj2_resume(job);
        CHECK(s == BCJ2_OK || s == BCJ2_E_EMPTY, "0x%08x", (unsigned)s); /* EMPTY: just done */
    }
    queue_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    assert_status(bcj2_complete(job), BCJ2_OK);
}

static void expect_content(const char *what, const void *got, size_t size, const void *expected,
                           size_t expected_size)
{
    CHECK(size == expected_size, "%s: %zu bytes", what, size);
    CHECK(memcmp(got, expected, size) == 0, "%s differs", what);
}

static void expect_reply(const struct run *r)
{
    size_t size = 0;
    char *got = queue_read_file(r->reply_path, &size);
    expect_content("the reply", got, size, reply, sizeof reply);
    free(got);
}

static void expect_download(const struct planned_file *f)
{
    size_t size = 0;
    const size_t first = (size_t)ranges[0].length, from = (size_t)ranges[1].initial_offset;
    char *got = queue_read_file(f->path, &size);
    if (f->range_count == 0) {
        expect_content(f->path, got, size, reply, sizeof reply);
    } else {
        CHECK(size == first + sizeof reply - from, "%s: %zu bytes", f->path, size);
        expect_content(f->path, got, first, reply + ranges[0].initial_offset, first);
        expect_content(f->path, got + first, size - first, reply + from, sizeof reply - from);
    }
    free(got);
}

/* Byte for byte. */
static void expect_results(const struct run *r)
{
    if (r->scenario == SCENARIO_UPLOAD_REPLY) {
        expect_reply(r);
        return;
    }
    for (unsigned i = 0; i < r->file_count; i++) {
        expect_download(&r->files[i]);
    }
}

/* No temporary file was left behind. */
static void expect_tidy(const struct run *r)
{
    unsigned count = 0;
    DIR *d = opendir(queue_path("out"));
    for (struct dirent *entry = readdir(d); entry != NULL; entry = readdir(d)) {
        bool is_dots = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        CHECK(strncmp(entry->d_name, ".bcj2-", 6) != 0, "%s", entry->d_name);
        count += !is_dots;
    }
    (void)closedir(d);
    CHECK(count == r->file_count, "%u files", count); /* a reply, or the files */
}

static void expect_upload(const struct run *r)
{
    size_t size = 0;
    uint8_t *got = bits_server_upload(r->server, &size);
    CHECK(got != NULL, "nothing came");
    expect_content("the upload", got, size, upload, sizeof upload);
    free(got);
}

static void verify(struct run *r)
{
    queue_join(queue_fork(check_database, NULL));
    if (r->completed) {
        expect_results(r);
    }
    queue_open();
    bcj2_job *job = expect_job(r);
    if (!r->created) {
        job = queue_job(r->type);
        assert_status(bcj2_set_minimum_retry_delay(job, 0), BCJ2_OK);
    }
    if (job != NULL) {
        finish(r, job);
        expect_results(r);
    }
    bcj2_job_unref(job);
    queue_close();
    expect_tidy(r);
    if (r->scenario == SCENARIO_UPLOAD_REPLY) {
        expect_upload(r);
    }
    queue_join(queue_fork(check_database, NULL));
}

/* ---- the sweep ---- */

static void plan_file(struct run *r, const char *url, const char *path, uint32_t range_count)
{
    struct planned_file *f = &r->files[r->file_count++];
    (void)snprintf(f->url, sizeof f->url, "%s", url);
    (void)snprintf(f->path, sizeof f->path, "%s", path);
    f->range_count = range_count;
}

static void plan_files(struct run *r)
{
    char url[600];
    switch (r->scenario) {
    case SCENARIO_UPLOAD_REPLY:
        plan_file(r, bits_server_url(r->server, "/inbox/up.bin"), queue_path("up.bin"), 0);
        break;
    case SCENARIO_DOWNLOAD:
        bits_server_ask_token(r->server, TOKEN);
        plan_file(r, bits_server_url(r->server, "/moved"), queue_path("out/whole"), 0);
        plan_file(r, bits_server_url(r->server, "/reply"), queue_path("out/parts"), 2);
        break;
    case SCENARIO_COPY:
        queue_write_file("source", reply, sizeof reply);
        (void)snprintf(url, sizeof url, "file://%s", queue_path("source"));
        plan_file(r, url, queue_path("out/one"), 0);
        plan_file(r, queue_path("source"), queue_path("out/other"), 0);
        break;
    }
}

static void begin(const struct fault *f, struct run *r)
{
    *r = (struct run){.server = bits_server_start(), .scenario = f->scenario};
    r->type =
        f->scenario == SCENARIO_UPLOAD_REPLY ? BCJ2_JOB_TYPE_UPLOAD_REPLY : BCJ2_JOB_TYPE_DOWNLOAD;
    queue_prepare();
    queue_write_file("up.bin", upload, sizeof upload);
    bits_server_set_reply(r->server, reply, sizeof reply);
    (void)snprintf(r->reply_path, sizeof r->reply_path, "%s", queue_path("out/reply"));
    plan_files(r);
}

static void end(struct run *r)
{
    queue_stop();
    bits_server_stop(r->server);
    if (__lsan_do_recoverable_leak_check != NULL) {
        CHECK(__lsan_do_recoverable_leak_check() == 0, "see the report");
    }
}

/* A failing call says what happened, in words too. */
static void expect_clear_failure(const struct fault *f, const struct run *r)
{
    if (r->failed == NULL) {
        return;
    }
    CHECK(f->expected == BCJ2_OK || r->status == f->expected, "%s: 0x%08x: %s", r->failed,
          (unsigned)r->status, r->detail);
    bool damaged = r->status == BCJ2_E_DATABASE_CORRUPT;
    CHECK(r->status != BCJ2_E_UNEXPECTED && (!damaged || f->looks_damaged), "%s: 0x%08x: %s",
          r->failed, (unsigned)r->status, r->detail);
    CHECK(r->detail[0] != '\0', "%s", r->failed);
}

/* False: the kth use did not come any more. */
static bool fail_one(const struct fault *f, unsigned kth)
{
    struct run r;
    sweeping_kth = kth;
    begin(f, &r);
    f->plan(f, kth);
    run_with_fault(f, &r);
    bool fired = f->clear();
    CHECK(fired || r.completed, "%s failed without a fault: 0x%08x %s", r.failed,
          (unsigned)r.status, r.detail);
    expect_clear_failure(f, &r);
    verify(&r);
    end(&r);
    return fired;
}

static unsigned count_uses(const struct fault *f)
{
    struct run r;
    sweeping_kth = 0;
    begin(f, &r);
    f->plan(f, 0);
    run_with_fault(f, &r);
    unsigned uses = f->uses();
    (void)f->clear();
    CHECK(r.completed, "%s: 0x%08x %s", r.failed, (unsigned)r.status, r.detail);
    verify(&r);
    end(&r);
    return uses;
}

static void fill(char *data, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1103515245u + 12345u;
        data[i] = (char)(seed >> 16);
    }
}

/* Where in its first step a sample begins: another seed takes other uses. */
static unsigned seeded_start(unsigned step)
{
    const char *text = getenv("BCJ2_TEST_SEED");
    unsigned long seed = text == NULL ? 1 : strtoul(text, NULL, 10);
    return 1 + (unsigned)(seed % step);
}

void scenario_sweep(const struct fault *f)
{
    sweeping = f->name;
    fill(upload, sizeof upload, 1);
    fill(reply, sizeof reply, 2);
    bool all = getenv("BCJ2_TEST_LONG") != NULL;
    unsigned uses = count_uses(f), failed = 0;
    if (uses == 0 && f->may_be_unused) {
        return;
    }
    CHECK(uses > 0, "the scenario does not use it");
    unsigned step = all ? 1 : (uses + f->samples - 1) / f->samples;
    /* runs differ a little: all of them means until nothing fails any more */
    for (unsigned kth = seeded_start(step); (all || kth <= uses) && fail_one(f, kth); kth += step) {
        failed++;
    }
    if (failed == 0) { /* a call made as time goes: this run came to it less often than the first */
        failed += fail_one(f, 1) ? 1 : 0;
    }
    CHECK(failed > 0, "nothing failed");
    printf("%s: %u uses, %u made to fail\n", f->name, uses, failed);
}
