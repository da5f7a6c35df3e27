/* SPDX-License-Identifier: MIT */
/* How downloads end: files in order, Complete in every state with what there is (job-semantics 3.4), names
   that cannot be given, Cancel, files that were added later. What servers may do on the way is in
   test_download.c, the longest time in test_download_time.c, kills in test_kill_download.c. */
#include "../support/http_script.h"
#include "../support/rig.h"
#include "os_syscall.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE 1000u /* of files that are small */

/* ---- files on a server, and jobs for them ---- */

static const char *at(const char *folder, const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof paths[0], "%s%s", folder, name);
    return path;
}

static const char *serve(const char *name, uint64_t bytes)
{
    const char *path = server_path(rig.server, at("root/in/", name));
    client_make_file(path, bytes, (uint32_t)bytes + (unsigned char)name[0]);
    return server_url(rig.server, at("/in/", name));
}

static const char *served(const char *name)
{
    return server_path(rig.server, at("root/in/", name));
}

static const char *local(const char *name)
{
    return rig_path(at("out/", name));
}

static bcj2_job *new_job(void)
{
    bcj2_job *job = NULL;
    bcj2_guid id;
    assert_status(bcj2_manager_create_job(rig.manager, "files", BCJ2_JOB_TYPE_DOWNLOAD, &id, &job),
                  BCJ2_OK);
    return job;
}

static void add_url(bcj2_job *job, const char *url, const char *name)
{
    assert_status(bcj2_add_file(job, url, local(name)), BCJ2_OK);
}

static void add(bcj2_job *job, const char *name)
{
    add_url(job, serve(name, SIZE), name);
}

static void resume(bcj2_job *job)
{
    assert_status(bcj2_resume(job), BCJ2_OK);
}

static void transfer(bcj2_job *job)
{
    resume(job);
    client_wait(job, STATE(TRANSFERRED));
}

static void assert_progress(bcj2_job *job, uint64_t total, uint64_t transferred, uint32_t files)
{
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    assert_status(bcj2_get_progress(job, &p), BCJ2_OK);
    ck_assert_uint_eq(p.bytes_total, total);
    ck_assert_uint_eq(p.bytes_transferred, transferred);
    ck_assert_uint_eq(p.files_transferred, files);
}

static bcj2_file *file_of(bcj2_job *job, uint32_t index)
{
    bcj2_file_enum *files = NULL;
    bcj2_file *file = NULL;
    assert_status(bcj2_enum_files(job, &files), BCJ2_OK);
    for (uint32_t i = 0; i <= index; i++) {
        (void)bcj2_file_unref(file);
        assert_status(bcj2_file_enum_next(files, &file), BCJ2_OK);
    }
    (void)bcj2_file_enum_unref(files);
    return file;
}

static bool completed(bcj2_job *job, uint32_t index)
{
    bcj2_file_progress p = BCJ2_FILE_PROGRESS_INIT;
    bcj2_file *file = file_of(job, index);
    assert_status(bcj2_file_get_progress(file, &p), BCJ2_OK);
    (void)bcj2_file_unref(file);
    return p.completed;
}

/* The job is over; these of its files are there, the others and all temporary ones are not. */
static void assert_ended(bcj2_job *job, const char *there, const char *not_there)
{
    char name[2] = "";
    ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_ACKNOWLEDGED);
    for (; *there != '\0'; there++) {
        name[0] = *there;
        client_assert_same(served(name), local(name));
    }
    for (; *not_there != '\0'; not_there++) {
        name[0] = *not_there;
        ck_assert_msg(!client_exists(local(name)), "%s is there", name);
    }
    assert_status(bcj2_complete(job), BCJ2_E_INVALID_STATE);
    rig_unref(job);
    rig_close(); /* a run that was stopped has let go of its file */
    rig_assert_no_temporary_here();
}

/* ---- in order ---- */

START_TEST(files_come_in_order)
{
    rig_start(NULL, RIG_FILES);
    bcj2_job *job = new_job();
    assert_progress(job, 0, 0, 0);
    add_url(job, serve("a", 300000), "a");
    add_url(job, serve("b", 0), "b");
    add_url(job, serve("c", 1), "c");
    assert_progress(job, BCJ2_SIZE_UNKNOWN, 0, 0);
    transfer(job);
    assert_progress(job, 300001, 300001, 3);
    for (uint32_t i = 0; i < 3; i++) {
        char *name = NULL;
        bcj2_file *file = file_of(job, i);
        assert_status(bcj2_file_get_temporary_name(file, &name), BCJ2_OK);
        client_assert_same(served(&"a\0b\0c"[2 * i]), name);
        bcj2_free(name);
        (void)bcj2_file_unref(file);
    }
    ck_assert(!client_exists(local("a")));
    assert_status(bcj2_complete(job), BCJ2_OK);
    assert_ended(job, "abc", "");
    rig_stop();
}
END_TEST

START_TEST(mode_and_time_of_a_file)
{
    struct stat remote, here;
    rig_start(NULL, RIG_FILES);
    (void)umask(027);
    bcj2_job *job = new_job();
    add(job, "a");
    const struct timespec times[2] = {{.tv_sec = 784111777}, {.tv_sec = 784111777}};
    ck_assert_int_eq(utimensat(-1, served("a"), times, 0), 0);
    transfer(job);
    assert_status(bcj2_complete(job), BCJ2_OK);
    ck_assert_int_eq(stat(served("a"), &remote), 0);
    ck_assert_int_eq(stat(local("a"), &here), 0);
    ck_assert_int_eq(here.st_mtime, remote.st_mtime);
    ck_assert_int_eq(here.st_mode & 0777, 0640);
    assert_ended(job, "a", "");
    rig_stop();
}
END_TEST

START_TEST(more_files_than_one_batch_of_complete)
{
    rig_start(NULL, RIG_FILES);
    bcj2_job *job = new_job();
    for (int i = 0; i < 70; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "f%d", i);
        add_url(job, serve(name, (uint64_t)i), name);
    }
    transfer(job);
    assert_status(bcj2_complete(job), BCJ2_OK);
    for (int i = 0; i < 70; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "f%d", i);
        client_assert_same(served(name), local(name));
    }
    assert_ended(job, "", "");
    rig_stop();
}
END_TEST

/* ---- Complete with what there is ---- */

/* It has a file whose bytes stop coming after 20,000. */
static struct http_script *slow_server(void)
{
    static const struct http_step slow[] = {
        ASK,
        SAY("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"), /* HEAD */
        ASK,
        SAY("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"),
        SAY_N("0123456789", 2000),
        HOLD,
        END,
    };
    static const struct http_step rest[] = {
        ASK,
        SAY("HTTP/1.1 206 Partial Content\r\nContent-Length: 80000\r\n"
            "Content-Range: bytes 20000-99999/100000\r\n\r\n0123456789"),
        HOLD,
        END,
    };
    static const struct http_step *const lists[] = {slow, rest};
    return http_script_start(lists, 2);
}

static void until_transferring_third(bcj2_job *job)
{
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    do {
        assert_status(bcj2_get_progress(job, &p), BCJ2_OK);
    } while (p.files_transferred < 2 || p.bytes_transferred == 2 * SIZE);
}

START_TEST(complete_while_the_third_is_transferred)
{
    rig_start(NULL, RIG_FILES);
    struct http_script *slow = slow_server();
    bcj2_job *job = new_job();
    add(job, "a");
    add(job, "b");
    add_url(job, http_script_url(slow, "/c"), "c");
    add(job, "d");
    add(job, "e");
    resume(job);
    until_transferring_third(job);
    if (_i == 1) {
        assert_status(bcj2_suspend(job), BCJ2_OK);
    }
    assert_status(bcj2_complete(job), BCJ2_S_PARTIAL_COMPLETE);
    assert_ended(job, "ab", "cde");
    http_script_stop(slow);
    rig_stop();
}
END_TEST

static void third_answers(int status, bcj2_job_state state)
{
    char answer[64];
    (void)snprintf(answer, sizeof answer, "HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n", status);
    const struct http_step refuses[] = {ASK, SAY(answer), AGAIN};
    const struct http_step *const lists[] = {refuses};
    rig_start(NULL, RIG_FILES);
    struct http_script *server = http_script_start(lists, 1);
    bcj2_job *job = new_job();
    add(job, "a");
    add(job, "b");
    add_url(job, http_script_url(server, "/c"), "c");
    add(job, "d");
    resume(job);
    client_wait(job, 1u << state);
    bcj2_error *error = NULL;
    bcj2_file *file = NULL;
    char *name = NULL;
    assert_status(bcj2_get_error(job, &error), BCJ2_OK);
    assert_status(bcj2_error_get_file(error, &file), BCJ2_OK);
    assert_status(bcj2_file_get_local_name(file, &name), BCJ2_OK);
    ck_assert_str_eq(name, local("c"));
    bcj2_free(name);
    (void)bcj2_file_unref(file);
    (void)bcj2_error_unref(error);
    assert_progress(job, BCJ2_SIZE_UNKNOWN, 2 * SIZE, 2);
    assert_status(bcj2_complete(job), BCJ2_S_PARTIAL_COMPLETE);
    assert_ended(job, "ab", "cd");
    http_script_stop(server);
    rig_stop();
}

START_TEST(complete_after_an_error)
{
    third_answers(404, BCJ2_JOB_STATE_ERROR);
}
END_TEST

START_TEST(complete_between_two_tries)
{
    third_answers(503, BCJ2_JOB_STATE_TRANSIENT_ERROR);
}
END_TEST

START_TEST(complete_of_nothing)
{
    rig_start(NULL, RIG_FILES);
    bcj2_job *job = new_job();
    if (_i == 0) {
        assert_status(bcj2_complete(job), BCJ2_OK);
        assert_ended(job, "", "");
    } else {
        add(job, "a");
        assert_status(bcj2_complete(job), BCJ2_S_PARTIAL_COMPLETE);
        assert_ended(job, "", "a");
    }
    rig_stop();
}
END_TEST

START_TEST(complete_of_a_job_that_waits)
{
    rig_start(NULL, RIG_FILES);
    const char *url = serve("a", SIZE);
    rig_close();
    rig.manager = client_open_to_look(rig_path("queue"));
    bcj2_job *job = new_job();
    add_url(job, url, "a");
    resume(job);
    ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_QUEUED);
    assert_status(bcj2_complete(job), BCJ2_S_PARTIAL_COMPLETE);
    assert_ended(job, "", "a");
    rig_stop();
}
END_TEST

/* ---- files that are added later (T17) ---- */

static bcj2_filetime completion(bcj2_job *job)
{
    bcj2_job_times times = BCJ2_JOB_TIMES_INIT;
    assert_status(bcj2_get_times(job, &times), BCJ2_OK);
    return times.transfer_completion_time;
}

START_TEST(files_added_to_a_transferred_job)
{
    rig_start(NULL, RIG_FILES);
    bcj2_job *job = new_job();
    add(job, "a");
    ck_assert_uint_eq(completion(job), 0);
    transfer(job);
    bcj2_filetime first = completion(job);
    ck_assert_uint_ne(first, 0);
    assert_status(bcj2_resume(job), BCJ2_E_EMPTY);
    add(job, "b");
    ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_TRANSFERRED);
    if (_i == 0) {
        assert_status(bcj2_complete(job), BCJ2_S_PARTIAL_COMPLETE);
        assert_ended(job, "a", "b");
    } else {
        transfer(job);
        ck_assert_uint_gt(completion(job), first);
        assert_progress(job, 2 * SIZE, 2 * SIZE, 2);
        assert_status(bcj2_complete(job), BCJ2_OK);
        assert_ended(job, "ab", "");
    }
    rig_stop();
}
END_TEST

START_TEST(a_file_added_to_a_running_job)
{
    rig_start(NULL, RIG_FILES);
    struct http_script *slow = slow_server();
    bcj2_job *job = new_job();
    add_url(job, http_script_url(slow, "/x"), "x");
    resume(job);
    bcj2_job_progress p = BCJ2_JOB_PROGRESS_INIT;
    do {
        assert_status(bcj2_get_progress(job, &p), BCJ2_OK);
    } while (p.bytes_transferred == 0);
    add(job, "a");
    ck_assert(!completed(job, 1));
    bcj2_file *file = file_of(job, 0);
    assert_status(bcj2_file_set_remote_name(file, serve("b", SIZE)), BCJ2_OK);
    bcj2_file_unref(file);
    assert_status(bcj2_suspend(job), BCJ2_OK);
    transfer(job);
    assert_status(bcj2_complete(job), BCJ2_OK);
    client_assert_same(served("b"), local("x"));
    assert_ended(job, "a", "");
    http_script_stop(slow);
    rig_stop();
}
END_TEST

/* ---- names that cannot be given ---- */

START_TEST(a_folder_in_the_way)
{
    rig_start(NULL, RIG_FILES);
    bcj2_job *job = new_job();
    add(job, "a");
    add(job, "b");
    add(job, "c");
    transfer(job);
    ck_assert_int_eq(mkdir(local("b"), 0700), 0);
    for (int i = 0; i < 2; i++) {
        assert_status(bcj2_complete(job), BCJ2_E_ACCESSDENIED);
        ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_TRANSFERRED);
        client_assert_same(served("a"), local("a"));
        ck_assert(!client_exists(local("c")));
        ck_assert(completed(job, 0) && !completed(job, 1) && !completed(job, 2));
    }
    if (_i == 0) {
        ck_assert_int_eq(rmdir(local("b")), 0);
        assert_status(bcj2_complete(job), BCJ2_OK);
        assert_ended(job, "abc", "");
    } else { /* what has its name stays */
        assert_status(bcj2_cancel(job), BCJ2_OK);
        client_assert_same(served("a"), local("a"));
        ck_assert(!client_exists(local("c")));
        rig_assert_no_temporary_here();
        rig_unref(job);
    }
    rig_stop();
}
END_TEST

/* From another state: TRANSFERRED with what could be done (T19). */
START_TEST(a_folder_in_the_way_of_a_suspended_job)
{
    rig_start(NULL, RIG_FILES);
    struct http_script *slow = slow_server();
    bcj2_job *job = new_job();
    add(job, "a");
    add(job, "b");
    add_url(job, http_script_url(slow, "/c"), "c");
    resume(job);
    until_transferring_third(job);
    ck_assert_int_eq(mkdir(local("b"), 0700), 0);
    assert_status(bcj2_complete(job), BCJ2_E_ACCESSDENIED);
    ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_TRANSFERRED);
    client_assert_same(served("a"), local("a"));
    ck_assert_int_eq(rmdir(local("b")), 0);
    assert_status(bcj2_complete(job), BCJ2_S_PARTIAL_COMPLETE);
    assert_ended(job, "ab", "c");
    http_script_stop(slow);
    rig_stop();
}
END_TEST

START_TEST(a_link_is_replaced)
{
    rig_start(NULL, RIG_FILES);
    rig_make("elsewhere", 77);
    bcj2_job *job = new_job();
    add(job, "a");
    ck_assert_int_eq(symlink(rig_path("elsewhere"), local("a")), 0);
    transfer(job);
    assert_status(bcj2_complete(job), BCJ2_OK);
    struct stat st;
    ck_assert_int_eq(lstat(local("a"), &st), 0);
    ck_assert(S_ISREG(st.st_mode));
    ck_assert_uint_eq(client_size(rig_path("elsewhere")), 77);
    assert_ended(job, "a", "");
    rig_stop();
}
END_TEST

START_TEST(a_temporary_file_that_somebody_cut)
{
    rig_start(NULL, RIG_FILES);
    bcj2_job *job = new_job();
    add(job, "a");
    transfer(job);
    char *name = NULL;
    bcj2_file *file = file_of(job, 0);
    assert_status(bcj2_file_get_temporary_name(file, &name), BCJ2_OK);
    ck_assert_int_eq(truncate(name, 10), 0);
    assert_status(bcj2_complete(job), BCJ2_E_FAIL);
    ck_assert(!client_exists(local("a")));
    ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_TRANSFERRED);
    assert_status(bcj2_cancel(job), BCJ2_OK);
    ck_assert(!client_exists(name));
    bcj2_free(name);
    (void)bcj2_file_unref(file);
    rig_unref(job);
    rig_stop();
}
END_TEST

/* ---- Cancel ---- */

static atomic_bool unlink_refused;

static int unlink_sometimes(const char *path)
{
    if (atomic_load(&unlink_refused) && strstr(path, ".bcj2-") != NULL) {
        errno = EACCES;
        return -1;
    }
    return unlink(path);
}

/* Temporary files that cannot be deleted are deleted when the queue is opened again. */
START_TEST(temporaries_that_stay)
{
    (void)bcj2__os_syscall_set("unlink", (os_function)unlink_sometimes);
    rig_start(NULL, RIG_FILES);
    struct http_script *slow = slow_server();
    bcj2_job *job = new_job();
    add(job, "a");
    add(job, "b");
    add_url(job, http_script_url(slow, "/c"), "c");
    resume(job);
    until_transferring_third(job);
    assert_status(bcj2_suspend(job), BCJ2_OK);
    bcj2_guid id = client_id(job);
    rig_unref(job);
    rig_close();
    rig.manager = client_open_to_look(rig_path("queue"));
    assert_status(bcj2_manager_get_job(rig.manager, &id, &job), BCJ2_OK);
    atomic_store(&unlink_refused, true);
    assert_status(_i == 0 ? bcj2_cancel(job) : bcj2_complete(job), BCJ2_S_UNABLE_TO_DELETE_FILES);
    atomic_store(&unlink_refused, false);
    ck_assert_int_eq(client_state(job),
                     _i == 0 ? BCJ2_JOB_STATE_CANCELLED : BCJ2_JOB_STATE_ACKNOWLEDGED);
    rig_unref(job);
    rig_close();
    rig_open();
    rig_assert_no_temporary_here();
    ck_assert_int_eq(client_exists(local("a")), _i == 1);
    ck_assert(!client_exists(local("c")));
    http_script_stop(slow);
    rig_stop();
    bcj2__os_syscall_reset();
}
END_TEST

static atomic_bool unlink_breaks_locks, locks_are_broken;

static int unlink_that_breaks_locks(const char *path)
{
    atomic_store(&locks_are_broken, atomic_load(&unlink_breaks_locks));
    return unlink(path);
}

static int flock_that_breaks(int fd, int operation)
{
    if (atomic_load(&locks_are_broken) && (operation & LOCK_UN) == 0) {
        errno = EIO;
        return -1;
    }
    return flock(fd, operation);
}

/* That one of them is gone cannot be noted: the others are deleted all the same. */
START_TEST(temporaries_go_though_it_is_not_noted)
{
    (void)bcj2__os_syscall_set("unlink", (os_function)unlink_that_breaks_locks);
    (void)bcj2__os_syscall_set("flock", (os_function)flock_that_breaks);
    rig_start(NULL, RIG_FILES);
    struct http_script *slow = slow_server();
    bcj2_job *job = new_job();
    add(job, "a");
    add(job, "b");
    add_url(job, http_script_url(slow, "/c"), "c");
    resume(job);
    until_transferring_third(job);
    assert_status(bcj2_suspend(job), BCJ2_OK);
    bcj2_guid id = client_id(job);
    rig_unref(job);
    rig_close();
    rig.manager = client_open_to_look(rig_path("queue"));
    assert_status(bcj2_manager_get_job(rig.manager, &id, &job), BCJ2_OK);
    atomic_store(&unlink_breaks_locks, true);
    assert_status(bcj2_cancel(job), BCJ2_OK);
    atomic_store(&unlink_breaks_locks, false);
    ck_assert(atomic_load(&locks_are_broken));
    rig_assert_no_temporary_here();
    atomic_store(&locks_are_broken, false);
    rig_unref(job);
    http_script_stop(slow);
    rig_stop();
    bcj2__os_syscall_reset();
}
END_TEST

START_TEST(cancel_leaves_what_was_there)
{
    rig_start(NULL, RIG_FILES);
    struct http_script *slow = slow_server();
    rig_make("out/a", 55);
    bcj2_job *job = new_job();
    add(job, "a");
    add(job, "b");
    add_url(job, http_script_url(slow, "/c"), "c");
    resume(job);
    until_transferring_third(job);
    assert_status(bcj2_cancel(job), BCJ2_OK);
    rig_unref(job);
    rig_close();
    rig_assert_no_temporary_here();
    ck_assert_uint_eq(client_size(local("a")), 55);
    ck_assert(!client_exists(local("b")));
    http_script_stop(slow);
    rig_stop();
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "ends of downloads", 20);
    tcase_add_test(tc, files_come_in_order);
    tcase_add_test(tc, mode_and_time_of_a_file);
    tcase_add_test(tc, more_files_than_one_batch_of_complete);
    tcase_add_loop_test(tc, complete_while_the_third_is_transferred, 0, 2);
    tcase_add_test(tc, complete_after_an_error);
    tcase_add_test(tc, complete_between_two_tries);
    tcase_add_loop_test(tc, complete_of_nothing, 0, 2);
    tcase_add_test(tc, complete_of_a_job_that_waits);
    tcase_add_loop_test(tc, files_added_to_a_transferred_job, 0, 2);
    tcase_add_test(tc, a_file_added_to_a_running_job);
    tcase_add_loop_test(tc, a_folder_in_the_way, 0, 2);
    tcase_add_test(tc, a_folder_in_the_way_of_a_suspended_job);
    tcase_add_test(tc, a_link_is_replaced);
    tcase_add_test(tc, a_temporary_file_that_somebody_cut);
    tcase_add_loop_test(tc, temporaries_that_stay, 0, 2);
    tcase_add_test(tc, temporaries_go_though_it_is_not_noted);
    tcase_add_test(tc, cancel_leaves_what_was_there);
}

SUITE_MAIN("ends of downloads", add_cases)
