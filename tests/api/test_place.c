/* SPDX-License-Identifier: MIT */
/* Complete where a name cannot be given: the folder went away, is read-only, or the name is a folder's or,
   in a folder as /tmp, another user's file. It says so, loses nothing, and works once that was mended. And
   where it only seems so: a process that knows nothing of the queue has the file open. The library works as
   an ordinary user, for root may do nearly everything. Not here: what Complete does in other states
   (net/test_download_ends.c), kills on its way (net/test_kill_calls.c). */
#include "../support/bits_server.h"
#include "../support/http_script.h"
#include "../support/queue.h"
#include "../support/sanitizer.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILES "abc"
#define ENDED (STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR) | STATE_BIT(TRANSIENT_ERROR))
#define HEAD  "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"e\"\r\n\r\n"

static const struct http_step file_of_ten[] = {ASK, SAY(HEAD), ASK, SAY(HEAD "0123456789"), AGAIN};
static const struct http_step *const lists[] = {file_of_ten};
static struct http_script *server;
static struct bits_server *bits;
static uid_t tester;

static void start(void)
{
    tester = geteuid();
    server = http_script_start(lists, 1);
    bits = bits_server_start();
    bits_server_set_reply(bits, "0123456789", 10);
    queue_prepare();
    queue_lend_to_plain_user();
    queue_open();
}

static void stop(void)
{
    queue_close();
    ck_assert_int_eq(seteuid(tester), 0);
    queue_stop();
    bits_server_stop(bits);
    http_script_stop(server);
}

static const char *out(const char *name)
{
    char path[64];
    (void)snprintf(path, sizeof path, "out/%s", name);
    return queue_path(path);
}

static void assert_content(const char *name, const char *expected)
{
    size_t size = 0;
    char *content = queue_read_file(out(name), &size);
    ck_assert_msg(strcmp(content, expected) == 0, "%s is: %s", name, content);
    free(content);
}

/* ---- what is in the way ---- */

static void take_folder_away(void)
{
    ck_assert_int_eq(rename(queue_path("out"), queue_path("away")), 0);
}

static void bring_folder_back(void)
{
    ck_assert_int_eq(rename(queue_path("away"), queue_path("out")), 0);
}

static void make_read_only(void)
{
    ck_assert_int_eq(chmod(queue_path("out"), 0500), 0);
}

static void make_writable(void)
{
    ck_assert_int_eq(chmod(queue_path("out"), 0700), 0);
}

static void make_folder(void)
{
    ck_assert_int_eq(mkdir(out("b"), 0700), 0);
}

static void remove_folder(void)
{
    ck_assert_int_eq(rmdir(out("b")), 0);
}

/* Nobody but its owner may replace what lies in a sticky folder; root owns both. */
static void put_file_of_another(void)
{
    uid_t plain = geteuid();
    ck_assert_int_eq(seteuid(tester), 0);
    queue_write_file("out/b", "theirs", 6);
    ck_assert_int_eq(chown(queue_path("out"), tester, (gid_t)-1), 0);
    ck_assert_int_eq(chmod(queue_path("out"), 01777), 0);
    ck_assert_int_eq(seteuid(plain), 0);
}

static void remove_file_of_another(void)
{
    uid_t plain = geteuid();
    assert_content("b", "theirs");
    ck_assert_int_eq(seteuid(tester), 0);
    ck_assert_int_eq(unlink(out("b")), 0);
    ck_assert_int_eq(seteuid(plain), 0);
}

static const struct obstacle {
    void (*put)(void);
    void (*mend)(void);
    bcj2_status expected;
    bool at_b; /* only there: "a" gets its name all the same */
    bool needs_root;
} obstacles[] = {
    {take_folder_away, bring_folder_back, BCJ2_E_WIN32_FILE_NOT_FOUND, false, false},
    {make_read_only, make_writable, BCJ2_E_ACCESSDENIED, false, false},
    {make_folder, remove_folder, BCJ2_E_ACCESSDENIED, true, false},
    {put_file_of_another, remove_file_of_another, BCJ2_E_ACCESSDENIED, true, true},
};
#define OBSTACLES ((int)(sizeof obstacles / sizeof obstacles[0]))

static const struct obstacle *obstacle(int i)
{
    const struct obstacle *o = &obstacles[i % OBSTACLES];
    if (o->needs_root && tester != 0) {
        (void)printf("not checked: only root can make a file of another user\n");
        return NULL;
    }
    return o;
}

/* ---- the tests ---- */

static bcj2_job *resumed(bcj2_job *job)
{
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    return job;
}

/* Another manager, as after a restart; a handle does not outlive the first. */
static bcj2_job *reopened(bcj2_job *job)
{
    bcj2_guid id;
    assert_status(bcj2_get_id(job, &id), BCJ2_OK);
    bcj2_job_unref(job);
    queue_close();
    queue_open();
    assert_status(bcj2_manager_get_job(queue_manager, &id, &job), BCJ2_OK);
    return job;
}

static void assert_refused(bcj2_job *job, const struct obstacle *o)
{
    assert_status(bcj2_complete(job), o->expected);
    assert_detail(queue_path("out"));
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_TRANSFERRED);
}

/* Nothing but these lies in the folder. */
static void assert_entries(size_t expected)
{
    struct dirent *entry;
    size_t count = 0;
    DIR *folder = opendir(queue_path("out"));
    ck_assert_ptr_nonnull(folder);
    while ((entry = readdir(folder)) != NULL) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 ? 1 : 0;
    }
    ck_assert_int_eq(closedir(folder), 0);
    ck_assert_uint_eq(count, expected);
}

/* How many have their names; the others have temporary ones. */
static uint32_t files_completed(bcj2_job *job)
{
    uint32_t count = 0;
    bcj2_file_enum *files = NULL;
    bcj2_file *file = NULL;
    assert_status(bcj2_enum_files(job, &files), BCJ2_OK);
    while (bcj2_file_enum_next(files, &file) == BCJ2_OK) {
        bcj2_file_progress progress = BCJ2_FILE_PROGRESS_INIT;
        assert_status(bcj2_file_get_progress(file, &progress), BCJ2_OK);
        char *temporary = NULL;
        assert_status(bcj2_file_get_temporary_name(file, &temporary),
                      progress.completed ? BCJ2_S_FALSE : BCJ2_OK);
        bcj2_free(temporary);
        count += progress.completed ? 1 : 0;
        bcj2_file_unref(file);
    }
    bcj2_file_enum_unref(files);
    return count;
}

START_TEST(downloads)
{
    const struct obstacle *o = obstacle(_i);
    if (o == NULL) {
        return;
    }
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_DOWNLOAD);
    for (const char *c = FILES; *c != '\0'; c++) {
        const char name[] = {*c, '\0'};
        assert_status(bcj2_add_file(job, http_script_url(server, "/x"), out(name)), BCJ2_OK);
    }
    job = resumed(job);
    o->put();
    assert_refused(job, o);
    job = _i < OBSTACLES ? job : reopened(job);
    assert_refused(job, o);
    ck_assert_uint_eq(files_completed(job), o->at_b ? 1 : 0);
    o->mend();
    assert_status(bcj2_complete(job), BCJ2_OK);
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_ACKNOWLEDGED);
    for (const char *c = FILES; *c != '\0'; c++) {
        const char name[] = {*c, '\0'};
        assert_content(name, "0123456789");
    }
    assert_entries(strlen(FILES));
    bcj2_job_unref(job);
}
END_TEST

START_TEST(replies)
{
    uint8_t *data = NULL;
    uint64_t length = 0;
    const struct obstacle *o = obstacle(_i);
    if (o == NULL) {
        return;
    }
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    assert_status(bcj2_set_reply_file_name(job, out("b")), BCJ2_OK);
    assert_status(bcj2_add_file(job, bits_server_url(bits, "/a"), queue_path("up.bin")), BCJ2_OK);
    job = resumed(job);
    o->put();
    assert_refused(job, o);
    job = _i < OBSTACLES ? job : reopened(job);
    assert_refused(job, o);
    o->mend();
    assert_status(bcj2_get_reply_data(job, &data, &length), BCJ2_OK);
    ck_assert_uint_eq(length, 10);
    bcj2_free(data);
    assert_status(bcj2_complete(job), BCJ2_OK);
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_ACKNOWLEDGED);
    assert_content("b", "0123456789");
    assert_entries(1);
    bcj2_job_unref(job);
}
END_TEST

/* ---- somebody still has the file ---- */

static struct queue_signal begun, over;

/* The process that moves the bytes, until it is killed; it has a child that knows nothing of the queue. */
static void begin_and_fork(void *url)
{
    struct stat st = {0};
    bcj2_file_enum *files = NULL;
    bcj2_file *file = NULL;
    char *path = NULL, byte;
    queue_open();
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_DOWNLOAD);
    assert_status(bcj2_add_file(job, url, out("a")), BCJ2_OK);
    assert_status(bcj2_enum_files(job, &files), BCJ2_OK);
    assert_status(bcj2_file_enum_next(files, &file), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    while (bcj2_file_get_temporary_name(file, &path) != BCJ2_OK || stat(path, &st) != 0 ||
           st.st_size < 4) {
        assert_status(bcj2_wait(job, ENDED, 10, NULL), BCJ2_S_FALSE);
        bcj2_free(path);
    }
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    (void)close(over.ends[1]);
    if (pid == 0) { /* the fork is over for it, too: what is closed in a child is closed */
        queue_signal_give(&begun);
    }
    (void)!read(over.ends[0], &byte, 1); /* until the test is over */
}

/* The locks on its files end with the runner, though a child of it lives on. */
START_TEST(a_killed_runner_has_left_a_child)
{
    static const struct http_step four[] = {ASK, SAY(HEAD), ASK, SAY(HEAD "0123"), HOLD, END};
    static const struct http_step others[] = {
        ASK,
        SAY("HTTP/1.1 206 x\r\nETag: \"e\"\r\nContent-Length: 6\r\n"
            "Content-Range: bytes 4-9/10\r\n\r\n456789"),
        END};
    static const struct http_step *const in_two[] = {four, others};
    struct http_script *slow = http_script_start(in_two, 2);
    char url[128];
    bcj2_job_enum *jobs = NULL;
    bcj2_job *job = NULL;
#ifdef SANITIZER_THREAD
    (void)printf("not checked: ThreadSanitizer lets no forked process have threads\n");
    http_script_stop(slow);
    return;
#endif
    queue_close();
    (void)snprintf(url, sizeof url, "%s", http_script_url(slow, "/a"));
    queue_signal_make(&begun);
    queue_signal_make(&over);
    int runner = queue_fork(begin_and_fork, url);
    queue_signal_await(&begun);
    ck_assert_int_eq(kill(runner, SIGKILL), 0);
    ck_assert_int_eq(waitpid(runner, NULL, 0), runner);
    queue_open();
    assert_status(bcj2_manager_enum_jobs(queue_manager, 0, &jobs), BCJ2_OK);
    assert_status(bcj2_job_enum_next(jobs, &job), BCJ2_OK);
    bcj2_job_enum_unref(jobs);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    ck_assert_msg(bcj2_complete(job) == BCJ2_OK, "%s", bcj2_last_detail());
    assert_content("a", "0123456789");
    bcj2_job_unref(job);
    ck_assert_int_eq(close(over.ends[1]), 0);
    http_script_stop(slow);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "place", 60);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_loop_test(tc, downloads, 0, 2 * OBSTACLES);
    tcase_add_loop_test(tc, replies, 0, 2 * OBSTACLES);
    tcase_add_test(tc, a_killed_runner_has_left_a_child);
}

SUITE_MAIN("place", add_cases)
