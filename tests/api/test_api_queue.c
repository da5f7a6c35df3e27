/* SPDX-License-Identifier: MIT */
/* What a queue directory may be, and what is said of one that may not: each time a clear status, a
   detail that names it, nothing changed in it, and no lock left behind. */
#include "../support/queue.h"
#include "../support/sqlite_fault.h"

#include "limit.h"
#include "macro.h"
#include "os.h"
#include "os_syscall.h"

#include <dirent.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif

static void start(void)
{
    sqlite_fault_install();
    queue_prepare();
}

static void stop(void)
{
    (void)sqlite_fault_clear();
    queue_close(); /* nothing else may run while the table of system calls changes */
    bcj2__os_syscall_reset();
    queue_stop();
}

static void refused(const char *directory, bcj2_status expected, const char *detail)
{
    bcj2_manager *m = NULL;
    assert_status(bcj2_manager_open(directory, NULL, &m), expected);
    ck_assert_ptr_null(m);
    assert_detail(detail);
}

/* ---- the directory ---- */

START_TEST(names_that_are_none)
{
    char long_name[LIMIT_PATH_BYTES + 2];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    refused("", BCJ2_E_INVALIDARG, "1 to 4095");
    refused("/tmp/\xff", BCJ2_E_INVALIDARG, "UTF-8");
    refused(long_name, BCJ2_E_INVALIDARG, "4095");
    refused(queue_path("up.bin"), BCJ2_E_PATH_NOT_FOUND, "up.bin");
    refused(queue_path("up.bin/queue"), BCJ2_E_PATH_NOT_FOUND, "up.bin");
}
END_TEST

START_TEST(a_directory_is_made_with_its_parents)
{
    struct stat st;
    assert_status(bcj2_manager_open(queue_path("a/b/c"), NULL, &queue_manager), BCJ2_OK);
    ck_assert_int_eq(stat(queue_path("a/b/c"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
    ck_assert_int_eq(stat(queue_path("a/b/c/queue.db"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

static int entries(const char *directory)
{
    int count = 0;
    DIR *d = opendir(directory);
    ck_assert_ptr_nonnull(d);
    while (readdir(d) != NULL) {
        count++;
    }
    ck_assert_int_eq(closedir(d), 0);
    return count - 2; /* "." and ".." */
}

START_TEST(a_directory_of_somebody_else)
{
    if (geteuid() == 0) {
        ck_assert_int_eq(mkdir(queue_path("queue"), 0777), 0);
        ck_assert_int_eq(chown(queue_path("queue"), 65534, 65534), 0);
        refused(queue_path("queue"), BCJ2_E_ACCESSDENIED, "user 65534");
        assert_detail(queue_path("queue"));
        ck_assert_int_eq(entries(queue_path("queue")), 0);
    } else {
        refused("/", BCJ2_E_ACCESSDENIED, "user 0");
    }
}
END_TEST

static void read_only_in_child(void *unused)
{
    queue_become_plain_user();
    ck_assert_int_eq(mkdir(queue_path("queue"), 0500), 0);
    refused(queue_path("queue"), BCJ2_E_ACCESSDENIED, queue_path("queue"));
    ck_assert_int_eq(entries(queue_path("queue")), 0);
    refused(queue_path("queue/deeper"), BCJ2_E_ACCESSDENIED, "queue");
    ck_assert_int_eq(chmod(queue_path("queue"), 0700), 0);
    queue_open();
    bcj2_job_unref(queue_job(BCJ2_JOB_TYPE_UPLOAD));
    queue_close();
    ck_assert_int_eq(chmod(queue_path("queue"), 0500), 0);
    refused(queue_path("queue"), BCJ2_E_ACCESSDENIED, queue_path("queue"));
    ck_assert_int_eq(chmod(queue_path("queue"), 0700), 0);
    ck_assert_int_eq(chmod(queue_path("queue/queue.db"), 0400), 0);
    refused(queue_path("queue"), BCJ2_E_ACCESSDENIED, queue_path("queue"));
    ck_assert_int_eq(chmod(queue_path("queue/queue.db"), 0600), 0);
    queue_open();
    queue_close();
}

START_TEST(a_directory_that_is_read_only)
{
    queue_join(queue_fork(read_only_in_child, NULL));
}
END_TEST

static void of_nobody(const char *name)
{
    ck_assert_int_eq(chown(queue_path(name), 65534, 65534), 0);
}

/* Root could open it, and its owner could change it. */
START_TEST(a_database_of_somebody_else)
{
    queue_open();
    if (_i != 0) { /* the second process is refused as the first one is, which goes on */
        of_nobody("queue/queue.db");
        refused(queue_path("queue"), BCJ2_E_ACCESSDENIED, "user 65534");
        bcj2_job_unref(queue_job(BCJ2_JOB_TYPE_UPLOAD));
    }
    queue_close();
    of_nobody("queue/queue.db");
    refused(queue_path("queue"), BCJ2_E_ACCESSDENIED, "user 65534");
    assert_detail(queue_path("queue/queue.db"));
    ck_assert_int_eq(chown(queue_path("queue/queue.db"), geteuid(), getegid()), 0);
    queue_open();
}
END_TEST

static void second_in_child(void *which)
{
    static const char *const names[] = {"queue",
                                        "queue/queue.db",
                                        "queue/open.lock",
                                        "queue/writer.lock",
                                        "queue/settle.lock",
                                        "queue/runner.lock"};
    size_t i = (size_t) * (int *)which;
    mode_t mode = i == 0 ? 0700 : 0600;
    queue_become_plain_user();
    queue_open();
    ck_assert_int_eq(chmod(queue_path(names[i]), i == 0 ? 0500 : 0400), 0);
    refused(queue_path("queue"), BCJ2_E_ACCESSDENIED, queue_path(names[i]));
    bcj2_job_unref(queue_job(BCJ2_JOB_TYPE_UPLOAD)); /* the first one goes on */
    ck_assert_int_eq(chmod(queue_path(names[i]), mode), 0);
    bcj2_manager *second = NULL;
    assert_status(bcj2_manager_open(queue_path("queue"), NULL, &second), BCJ2_OK);
    (void)bcj2_manager_close(second);
    queue_close();
}

START_TEST(what_a_second_process_cannot_write)
{
    queue_join(queue_fork(second_in_child, &_i));
}
END_TEST

#ifdef __linux__
static int statfs_of_network(const char *path, struct statfs *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->f_type = 0x01021997; /* 9p */
    return 0;
}

START_TEST(a_network_file_system)
{
    bool second = _i != 0;
    if (second) {
        queue_open();
    } else {
        ck_assert_int_eq(mkdir(queue_path("queue"), 0700), 0);
    }
    ck_assert(bcj2__os_syscall_set("statfs", (os_function)statfs_of_network) != NULL);
    refused(queue_path("queue"), BCJ2_E_NOT_SUPPORTED, "9p");
    assert_detail(queue_path("queue"));
    if (second) {
        bcj2_job_unref(queue_job(BCJ2_JOB_TYPE_UPLOAD));
    } else {
        ck_assert_int_eq(entries(queue_path("queue")), 0);
    }
}
END_TEST
#endif

/* ---- the disk is full ---- */

static int jobs_there(void)
{
    bcj2_manager_info info = BCJ2_MANAGER_INFO_INIT;
    assert_status(bcj2_manager_get_info(queue_manager, &info), BCJ2_OK);
    return (int)info.jobs;
}

START_TEST(a_new_queue_on_a_full_disk)
{
    sqlite_fault_plan(SQLITE_CALL_WRITE, ENOSPC, 1, UINT32_MAX);
    refused(queue_path("queue"), BCJ2_E_DISK_FULL, queue_path("queue"));
    ck_assert(sqlite_fault_clear());
    queue_open();
    ck_assert_int_eq(jobs_there(), 0);
}
END_TEST

START_TEST(a_full_disk_under_an_open_queue)
{
    bcj2_guid id = {.data1 = 7};
    bcj2_job *none = NULL;
    queue_open();
    bcj2_job *job = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD_REPLY, NULL);
    char *before = queue_json(job);
    sqlite_fault_plan(SQLITE_CALL_WRITE, ENOSPC, 1, UINT32_MAX);
    assert_status(bcj2_manager_create_job(queue_manager, "x", BCJ2_JOB_TYPE_UPLOAD, &id, &none),
                  BCJ2_E_DISK_FULL);
    assert_detail(queue_path("queue"));
    ck_assert_ptr_null(none);
    ck_assert_uint_eq(id.data1, 7);
    assert_status(bcj2_set_description(job, "x"), BCJ2_E_DISK_FULL);
    assert_status(bcj2_set_priority(job, BCJ2_JOB_PRIORITY_LOW), BCJ2_E_DISK_FULL);
    assert_status(bcj2_resume(job), BCJ2_E_DISK_FULL);
    assert_status(bcj2_cancel(job), BCJ2_E_DISK_FULL);
    char *after = queue_json(job); /* reading still works */
    ck_assert_str_eq(after, before);
    ck_assert_int_eq(jobs_there(), 1);
    ck_assert(sqlite_fault_clear());
    assert_status(bcj2_set_description(job, "there is room again"), BCJ2_OK);
    bcj2_free(before);
    bcj2_free(after);
    bcj2_job_unref(job);
}
END_TEST

/* ---- the database ---- */

static char *content;
static size_t content_size;

static void remember_database(void)
{
    content = queue_read_file(queue_path("queue/queue.db"), &content_size);
}

static void database_unchanged(void)
{
    size_t size = 0;
    char *now = queue_read_file(queue_path("queue/queue.db"), &size);
    ck_assert_uint_eq(size, content_size);
    ck_assert_mem_eq(now, content, size);
    free(now);
    free(content);
}

static void make_queue(void)
{
    queue_open();
    bcj2_job_unref(queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD, NULL));
    queue_close();
}

/* With all of it written as the test wants it. */
static void write_database(const char *from, size_t size)
{
    queue_write_file("queue/queue.db", from, size);
}

static void garbage(void)
{
    char text[4096];
    memset(text, 'x', sizeof text);
    write_database(text, sizeof text);
}

static void empty_file(void)
{
    write_database("", 0);
}

static void cut(void)
{
    size_t size = 0;
    char *data = queue_read_file(queue_path("queue/queue.db"), &size);
    write_database(data, 700);
    free(data);
}

/* The header is whole, the first page behind it is not. */
static void scribbled(void)
{
    size_t size = 0;
    char *data = queue_read_file(queue_path("queue/queue.db"), &size);
    memset(data + 100, 0xEE, 2000);
    write_database(data, size);
    free(data);
}

static void run_sql(const char *sql)
{
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open(queue_path("queue/queue.db"), &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static void newer(void)
{
    run_sql("PRAGMA user_version = 1000; UPDATE queue SET needs_version = 1000");
}

static void of_another_program(void)
{
    ck_assert_int_eq(unlink(queue_path("queue/queue.db")), 0);
    run_sql("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)");
}

static const struct {
    void (*damage)(void);
    bcj2_status expected;
    const char *detail;
} databases[] = {
    {garbage, BCJ2_E_DATABASE_CORRUPT, "queue"},
    {empty_file, BCJ2_E_DATABASE_CORRUPT, "queue.db"},
    {cut, BCJ2_E_DATABASE_CORRUPT, "queue"},
    {scribbled, BCJ2_E_DATABASE_CORRUPT, "queue"},
    {of_another_program, BCJ2_E_DATABASE_CORRUPT, "queue.db"},
    {newer, BCJ2_E_NOT_SUPPORTED, "newer"},
};

START_TEST(a_database_that_cannot_be_used)
{
    make_queue();
    databases[_i].damage();
    remember_database();
    refused(queue_path("queue"), databases[_i].expected, databases[_i].detail);
    refused(queue_path("queue"), databases[_i].expected, queue_path("queue")); /* again: no lock */
    database_unchanged();
}
END_TEST

START_TEST(a_database_without_a_table)
{
    make_queue();
    run_sql("DROP TABLE files");
    refused(queue_path("queue"), BCJ2_E_DATABASE_CORRUPT, queue_path("queue"));
}
END_TEST

START_TEST(a_link_in_the_place_of_the_database)
{
    make_queue();
    ck_assert_int_eq(rename(queue_path("queue/queue.db"), queue_path("out/elsewhere.db")), 0);
    ck_assert_int_eq(symlink(queue_path("out/elsewhere.db"), queue_path("queue/queue.db")), 0);
    bcj2_manager *m = NULL;
    ck_assert(BCJ2_FAILED(bcj2_manager_open(queue_path("queue"), NULL, &m)));
    assert_detail(queue_path("queue"));
    ck_assert_ptr_null(m);
}
END_TEST

START_TEST(a_folder_in_the_place_of_the_database)
{
    ck_assert_int_eq(mkdir(queue_path("queue"), 0700), 0);
    ck_assert_int_eq(mkdir(queue_path("queue/queue.db"), 0700), 0);
    bcj2_manager *m = NULL;
    ck_assert(BCJ2_FAILED(bcj2_manager_open(queue_path("queue"), NULL, &m)));
    assert_detail(queue_path("queue"));
    ck_assert_ptr_null(m);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "queue directories", 30);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, names_that_are_none);
    tcase_add_test(tc, a_directory_is_made_with_its_parents);
    tcase_add_test(tc, a_directory_of_somebody_else);
    tcase_add_test(tc, a_directory_that_is_read_only);
    if (geteuid() == 0) {
        tcase_add_loop_test(tc, a_database_of_somebody_else, 0, 2);
    }
    tcase_add_loop_test(tc, what_a_second_process_cannot_write, 0, 6);
#ifdef __linux__
    tcase_add_loop_test(tc, a_network_file_system, 0, 2);
#endif
    tcase_add_test(tc, a_new_queue_on_a_full_disk);
    tcase_add_test(tc, a_full_disk_under_an_open_queue);
    tcase_add_loop_test(tc, a_database_that_cannot_be_used, 0, (int)ARRAY_LEN(databases));
    tcase_add_test(tc, a_database_without_a_table);
    tcase_add_test(tc, a_link_in_the_place_of_the_database);
    tcase_add_test(tc, a_folder_in_the_place_of_the_database);
}

SUITE_MAIN("api_queue", add_cases)
