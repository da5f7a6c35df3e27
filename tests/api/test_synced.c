/* SPDX-License-Identifier: MIT */
/* What is on the disk when: a file before it gets its name, the folder after that, and the store's rows
   before and after them, so that a power cut at any moment leaves what can be gone on with. No power is cut
   here: the library's calls are watched, and SQLite's syncs are counted. Not here: kills, after which the
   kernel still has everything (net/test_kill_calls.c). */
#include "../support/bits_server.h"
#include "../support/fake_clock.h"
#include "../support/http_script.h"
#include "../support/queue.h"
#include "../support/sqlite_fault.h"

#include "limit.h"
#include "os_calls.h"
#include "os_syscall.h"
#include "timeouts.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"e\"\r\n\r\n"
#define MISSING "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n"
#define ENDED   (STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR) | STATE_BIT(TRANSIENT_ERROR))

static const struct http_step file_of_ten[] = {ASK, SAY(HEAD), ASK, SAY(HEAD "0123456789"), AGAIN};
static const struct http_step missing[] = {ASK, HOLD, SAY(MISSING), END};

/* ---- what is watched ---- */

struct seen {
    bool named;         /* a file got a name; else something was synced */
    ino_t file, folder; /* folder: of the name */
    unsigned stored;    /* how often SQLite had synced before */
};

static struct {
    pthread_mutex_t lock;
    struct seen list[256];
    size_t count;
} log_ = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct os_calls real;
static struct fake_clock fake;

static void see(struct seen one)
{
    one.stored = sqlite_fault_uses();
    (void)pthread_mutex_lock(&log_.lock);
    ck_assert_uint_lt(log_.count, sizeof log_.list / sizeof log_.list[0]);
    log_.list[log_.count++] = one;
    (void)pthread_mutex_unlock(&log_.lock);
}

static ino_t inode_of(const char *path)
{
    struct stat st = {0};
    return lstat(path, &st) == 0 ? st.st_ino : 0;
}

static ino_t folder_of(const char *path)
{
    char folder[512];
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    return inode_of(folder);
}

static int synced(int result, int fd)
{
    struct stat st = {0};
    if (result == 0 && fstat(fd, &st) == 0) {
        see((struct seen){.file = st.st_ino});
    }
    return result;
}

static int watched_fsync(int fd)
{
    return synced(real.fsync(fd), fd);
}

static int watched_fdatasync(int fd)
{
    return synced(real.fdatasync(fd), fd);
}

static int watched_rename(const char *from, const char *to)
{
    see((struct seen){.named = true, .file = inode_of(from), .folder = folder_of(to)});
    return real.rename(from, to);
}

static int watched_link(const char *from, const char *to)
{
    see((struct seen){.named = true, .file = inode_of(from), .folder = folder_of(to)});
    return real.link(from, to);
}

static void start(void)
{
    fake_clock_install(&fake);
    sqlite_fault_install();
    sqlite_fault_plan(SQLITE_CALL_SYNC, 0, UINT_MAX, 0); /* none fails; they are counted */
    queue_start();
    real = bcj2__os_calls;
    (void)bcj2__os_syscall_set("fsync", (os_function)watched_fsync);
    (void)bcj2__os_syscall_set("fdatasync", (os_function)watched_fdatasync);
    (void)bcj2__os_syscall_set("rename", (os_function)watched_rename);
    (void)bcj2__os_syscall_set("link", (os_function)watched_link);
}

static void stop(void)
{
    queue_stop();
    bcj2__os_syscall_reset();
}

/* The last time something was synced before entry number `end`; NULL: never. */
static const struct seen *last_sync(ino_t file, size_t end)
{
    const struct seen *found = NULL;
    (void)pthread_mutex_lock(&log_.lock);
    for (size_t i = end < log_.count ? end : log_.count; i > 0 && found == NULL; i--) {
        const struct seen *s = &log_.list[i - 1];
        found = !s->named && s->file == file ? s : NULL;
    }
    (void)pthread_mutex_unlock(&log_.lock);
    return found;
}

/* The file got its name once: it was synced before, the folder after, and then the store. Gives back how
   often the store had been synced when it got it. */
static unsigned assert_named(const char *path)
{
    ino_t file = inode_of(path), folder = folder_of(path);
    for (size_t i = 0; i < log_.count; i++) {
        const struct seen *s = &log_.list[i];
        if (s->named && s->file == file && s->folder == folder) {
            const struct seen *after = last_sync(folder, log_.count);
            ck_assert_msg(last_sync(file, i) != NULL, "%s was not synced before", path);
            ck_assert_msg(after != NULL && after > s, "the folder of %s was not synced", path);
            ck_assert_msg(sqlite_fault_uses() > after->stored, "%s is not stored", path);
            return s->stored;
        }
    }
    ck_abort_msg("%s got its name some other way", path);
    return 0;
}

static void transfer(bcj2_job *job)
{
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
}

/* ---- the tests ---- */

/* Several folders, in turns; and more files than Complete moves at a time. */
START_TEST(complete_of_a_download)
{
    static const struct http_step *const lists[] = {file_of_ten};
    static const char *const folders[] = {"out", "out/x", "out/y"};
    struct http_script *server = http_script_start(lists, 1);
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_DOWNLOAD);
    char names[40][16];
    ck_assert_int_eq(mkdir(queue_path(folders[1]), 0700), 0);
    ck_assert_int_eq(mkdir(queue_path(folders[2]), 0700), 0);
    for (int i = 0; i < 40; i++) {
        (void)snprintf(names[i], sizeof names[i], "%s/%d", folders[(i + 1) % 3], i);
        assert_status(bcj2_add_file(job, http_script_url(server, "/a"), queue_path(names[i])),
                      BCJ2_OK);
    }
    transfer(job);
    unsigned before = sqlite_fault_uses();
    assert_status(bcj2_complete(job), BCJ2_OK);
    for (int i = 0; i < 40; i++) { /* that it is about to move is stored, too */
        ck_assert_uint_gt(assert_named(queue_path(names[i])), before);
    }
    bcj2_job_unref(job);
    http_script_stop(server);
}
END_TEST

/* Before it gets its name: the whole file, and that it is in its folder. */
START_TEST(the_end_of_a_download)
{
    static const struct http_step *const lists[] = {file_of_ten};
    struct http_script *server = http_script_start(lists, 1);
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_DOWNLOAD);
    assert_status(bcj2_add_file(job, _i == 0 ? http_script_url(server, "/a") : queue_path("up.bin"),
                                queue_path("out/a")),
                  BCJ2_OK);
    transfer(job);
    const struct seen *folder = last_sync(folder_of(queue_path("out/a")), log_.count);
    size_t count = log_.count;
    ck_assert_ptr_nonnull(folder);
    ck_assert_uint_gt(sqlite_fault_uses(), folder->stored);
    assert_status(bcj2_complete(job), BCJ2_OK);
    const struct seen *file = last_sync(inode_of(queue_path("out/a")), count);
    ck_assert_ptr_nonnull(file);
    bcj2_job_unref(job);
    http_script_stop(server);
}
END_TEST

static ino_t temporary_of(bcj2_job *job, off_t *ret_size)
{
    struct stat st = {0};
    bcj2_file_enum *files = NULL;
    bcj2_file *file = NULL;
    char *path = NULL;
    assert_status(bcj2_enum_files(job, &files), BCJ2_OK);
    assert_status(bcj2_file_enum_next(files, &file), BCJ2_OK);
    if (bcj2_file_get_temporary_name(file, &path) != BCJ2_OK || stat(path, &st) != 0) {
        st.st_size = 0; /* it has not begun */
    }
    bcj2_free(path);
    bcj2_file_unref(file);
    bcj2_file_enum_unref(files);
    *ret_size = st.st_size;
    return st.st_ino;
}

/* What has come is synced now and then, however little it is. */
START_TEST(what_comes_slowly)
{
    static const struct http_step four[] = {ASK, SAY(HEAD), ASK, SAY(HEAD "0123"), HOLD, END};
    static const struct http_step *const lists[] = {four};
    struct http_script *server = http_script_start(lists, 1);
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_DOWNLOAD);
    ino_t file = 0;
    off_t size = 0;
    bcj2__timeouts.receive_stall_ms = UINT32_MAX;
    assert_status(bcj2_add_file(job, http_script_url(server, "/a"), queue_path("out/a")), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    for (int i = 0; i < 1000 && size < 4; i++) {
        file = temporary_of(job, &size);
        assert_status(bcj2_wait(job, ENDED, 10, NULL), BCJ2_S_FALSE);
    }
    ck_assert_ptr_null(last_sync(file, SIZE_MAX));
    fake_clock_pass(LIMIT_SYNC_EVERY_MS / 1000 + 1);
    for (int i = 0; i < 1000 && last_sync(file, SIZE_MAX) == NULL; i++) {
        assert_status(bcj2_set_description(job, "so that the engine looks"), BCJ2_OK);
        assert_status(bcj2_wait(job, ENDED, 10, NULL), BCJ2_S_FALSE);
    }
    ck_assert_ptr_nonnull(last_sync(file, SIZE_MAX));
    bcj2_job_unref(job);
    http_script_stop(server);
}
END_TEST

START_TEST(replies)
{
    struct bits_server *bits = bits_server_start();
    bits_server_set_reply(bits, "0123456789", 10);
    bcj2_job *job = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD_REPLY, bits_server_url(bits, "/a"));
    transfer(job);
    unsigned transferred = sqlite_fault_uses();
    size_t count = log_.count;
    assert_status(bcj2_complete(job), BCJ2_OK);
    const struct seen *file = last_sync(inode_of(queue_path("out/reply")), count);
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_gt(transferred, file->stored);
    ck_assert_uint_gt(assert_named(queue_path("out/reply")), transferred);
    bcj2_job_unref(job);
    bits_server_stop(bits);
}
END_TEST

/* Gets its name before Complete. */
START_TEST(an_upload_to_a_file)
{
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_UPLOAD);
    assert_status(bcj2_add_file(job, queue_path("out/target"), queue_path("up.bin")), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    unsigned before = sqlite_fault_uses();
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    ck_assert_uint_gt(assert_named(queue_path("out/target")), before);
    const struct seen *first = NULL;
    for (size_t i = 0; i < log_.count && !log_.list[i].named; i++) {
        first = log_.list[i].file == inode_of(queue_path("out")) ? &log_.list[i] : first;
    }
    ck_assert_ptr_nonnull(first); /* that the temporary file is there */
    bcj2_job_unref(job);
}
END_TEST

START_TEST(an_error)
{
    static const struct http_step *const lists[] = {missing};
    struct http_script *server = http_script_start(lists, 1);
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_DOWNLOAD);
    assert_status(bcj2_add_file(job, http_script_url(server, "/a"), queue_path("out/a")), BCJ2_OK);
    assert_status(bcj2_resume(job), BCJ2_OK);
    ck_assert(http_script_wait_received(server, 0, 4));
    unsigned before = sqlite_fault_uses();
    http_script_release(server);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_ERROR);
    ck_assert_uint_gt(sqlite_fault_uses(), before);
    bcj2_job_unref(job);
    http_script_stop(server);
}
END_TEST

/* Nothing that was sealed with it is on the disk before it. */
START_TEST(the_key_of_secrets)
{
    bcj2_job *job = queue_job(BCJ2_JOB_TYPE_DOWNLOAD);
    assert_status(bcj2_set_custom_headers(job, "A: b"), BCJ2_OK);
    (void)assert_named(queue_path("queue/secret.key"));
    bcj2_job_unref(job);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "synced", 60);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, complete_of_a_download);
    tcase_add_loop_test(tc, the_end_of_a_download, 0, 2);
    tcase_add_test(tc, what_comes_slowly);
    tcase_add_test(tc, replies);
    tcase_add_test(tc, an_upload_to_a_file);
    tcase_add_test(tc, an_error);
    tcase_add_test(tc, the_key_of_secrets);
}

SUITE_MAIN("synced", add_cases)
