/* SPDX-License-Identifier: MIT */
/* os: each system call replaced by one that fails, is interrupted or does half of the work. What the
   system does by itself is in test_os_file.c and test_os.c. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "detail.h"
#include "mem.h"
#include "os_fakes.h"
#include "os_syscall.h"

#include <fcntl.h>
#include <sys/wait.h>

/* ---- the table ---- */

START_TEST(the_table_is_walked_and_reset)
{
    int count = 0;
    for (const char *name = bcj2__os_syscall_next(NULL); name != NULL;
         name = bcj2__os_syscall_next(name)) {
        os_function real = bcj2__os_syscall_get(name);
        ck_assert(real != NULL);
        ck_assert(bcj2__os_syscall_set(name, fake(name)) == real);
        ck_assert(bcj2__os_syscall_get(name) == fake(name));
        ck_assert(bcj2__os_syscall_set(name, NULL) == fake(name));
        ck_assert(bcj2__os_syscall_get(name) == real);
        ck_assert(bcj2__os_syscall_set(name, fake(name)) == real);
        count++;
    }
    ck_assert_uint_eq((size_t)count, sizeof(struct os_calls) / sizeof(os_function));
    ck_assert(bcj2__os_calls.open == fake_open);
    bcj2__os_syscall_reset();
    ck_assert(bcj2__os_calls.open == real_calls.open);
    ck_assert(bcj2__os_syscall_set("ioctl", fake("open")) == NULL);
    ck_assert(bcj2__os_syscall_get("ioctl") == NULL);
    ck_assert_ptr_null(bcj2__os_syscall_next("ioctl"));
}
END_TEST

/* ---- one operation for each place that makes a call ---- */

static bcj2_status close_opened(bcj2_status status, int opened)
{
    ck_assert_int_eq(opened >= 0, status == BCJ2_OK);
    bcj2__os_close(opened);
    return status;
}

static bcj2_status do_open_source(void)
{
    int opened;
    struct os_stat s;
    bcj2_status status = bcj2__os_open_source(in_scratch("f"), &opened, &s);
    return close_opened(status, opened);
}

static bcj2_status do_reopen(void)
{
    int opened;
    struct os_stat s;
    bcj2_status status = bcj2__os_reopen(in_scratch("f"), &opened, &s);
    return close_opened(status, opened);
}

static bcj2_status do_open_read(void)
{
    int opened;
    bcj2_status status = bcj2__os_open_read(in_scratch("f"), &opened);
    return close_opened(status, opened);
}

static bcj2_status do_create(void)
{
    int opened;
    bcj2_status status = bcj2__os_create(in_scratch("new"), &opened);
    return close_opened(status, opened);
}

static bcj2_status do_lock_open(void)
{
    int opened;
    bcj2_status status = bcj2__os_lock_open(in_scratch("f"), &opened);
    return close_opened(status, opened);
}

static bcj2_status do_stat(void)
{
    struct os_stat s;
    return bcj2__os_stat(in_scratch("f"), true, &s);
}

static bcj2_status do_lstat(void)
{
    struct os_stat s;
    return bcj2__os_stat(in_scratch("f"), false, &s);
}

static bcj2_status do_fstat(void)
{
    struct os_stat s;
    return bcj2__os_fstat(fd, in_scratch("f"), &s);
}

static bcj2_status do_pread(void)
{
    char text[11] = "";
    size_t n;
    bcj2_status status = bcj2__os_pread(fd, text, 10, 0, &n);
    ck_assert_str_eq(text, status == BCJ2_OK ? "0123456789" : "");
    ck_assert_uint_eq(n, status == BCJ2_OK ? 10 : 0);
    return status;
}

static bcj2_status do_pwrite(void)
{
    return bcj2__os_pwrite(fd, "abc", 3, 4);
}

static bcj2_status do_truncate(void)
{
    return bcj2__os_truncate(fd, 3);
}

static bcj2_status do_preallocate(void)
{
    return bcj2__os_preallocate(fd, 4096);
}

static bcj2_status do_sync(void)
{
    return bcj2__os_sync(fd);
}

static bcj2_status do_sync_folder(void)
{
    return bcj2__os_sync_folder_of(in_scratch("f"));
}

static bcj2_status do_chmod(void)
{
    return bcj2__os_chmod_by_umask(fd);
}

static bcj2_status do_set_mtime(void)
{
    return bcj2__os_set_mtime(fd, 1000000000, 5000);
}

static bcj2_status do_rename(void)
{
    return bcj2__os_rename(in_scratch("f"), in_scratch("g"));
}

static bcj2_status do_link(void)
{
    return bcj2__os_link(in_scratch("f"), in_scratch("g"));
}

static bcj2_status do_unlink(void)
{
    return bcj2__os_unlink(in_scratch("f"));
}

static bcj2_status do_mkdirs(void)
{
    return bcj2__os_mkdirs(in_scratch("folder"));
}

static bcj2_status do_check_folder(void)
{
    return bcj2__os_check_folder(scratch);
}

static bcj2_status do_real_path(void)
{
    char *path;
    bcj2_status status = bcj2__os_real_path(scratch, &path);
    ck_assert_int_eq(path != NULL, status == BCJ2_OK);
    bcj2__mem_free(path);
    return status;
}

static bcj2_status do_lock(void)
{
    return bcj2__os_lock(fd, OS_LOCK_EXCLUSIVE, true);
}

static const struct {
    const char *call;
    bcj2_status (*operation)(void);
} places[] = {
    {"open", do_open_source},   {"open", do_reopen},           {"open", do_open_read},
    {"open", do_create},        {"open", do_lock_open},        {"open", do_sync_folder},
    {"stat", do_stat},          {"stat", do_open_source},      {"stat", do_mkdirs},
    {"stat", do_check_folder},  {"stat", do_real_path},        {"lstat", do_lstat},
    {"fstat", do_fstat},        {"fstat", do_open_source},     {"fstat", do_reopen},
    {"fstat", do_lock_open},    {"pread", do_pread},           {"pwrite", do_pwrite},
    {"ftruncate", do_truncate}, {"fallocate", do_preallocate}, {"fdatasync", do_sync},
    {"fchmod", do_chmod},       {"rename", do_rename},         {"link", do_link},
    {"unlink", do_unlink},      {"mkdir", do_mkdirs},          {"faccessat", do_check_folder},
    {"flock", do_lock},         {"futimens", do_set_mtime},
#ifdef __linux__
    {"fsync", do_sync_folder},  {"fsync", do_mkdirs},
#endif
};

START_TEST(a_failing_call_is_reported_with_the_path)
{
    static const struct {
        int errno_value;
        bcj2_status status;
        const char *words;
    } errors[] = {
        {EIO, BCJ2_E_IO_DEVICE, "nput/output error"},
        {ENOSPC, BCJ2_E_DISK_FULL, "No space left on device"},
        {ENOMEM, BCJ2_E_OUTOFMEMORY, "annot allocate memory"},
    };
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        plan_failure(places[_i].call, errors[i].errno_value, 1);
        bcj2_status status = places[_i].operation();
        ck_assert_int_ge(plan.calls, 1);
        assert_status(status, errors[i].status);
        ck_assert_msg(strstr(bcj2__detail_get(), scratch) != NULL &&
                          strstr(bcj2__detail_get(), errors[i].words) != NULL,
                      "%s: %s", places[_i].call, bcj2__detail_get());
        bcj2__os_syscall_reset();
        (void)bcj2__os_unlink(in_scratch("new"));
        (void)rmdir(in_scratch("folder"));
    }
}
END_TEST

START_TEST(an_interrupted_call_is_made_again)
{
    plan_failure(places[_i].call, EINTR, 3);
    assert_status(places[_i].operation(), BCJ2_OK);
    ck_assert_int_eq(plan.times, 0);
    ck_assert_int_ge(plan.calls, 4);
}
END_TEST

START_TEST(close_is_never_repeated)
{
    plan_failure("close", EINTR, 1);
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    bcj2__os_close(copy);
    ck_assert_int_eq(plan.calls, 1);
    ck_assert_int_eq(close(copy), 0); /* the fake did nothing */
}
END_TEST

/* ---- halves ---- */

START_TEST(short_reads_and_writes_are_continued)
{
    plan_failure("pwrite", 0, 0);
    plan.most = 3;
    assert_status(bcj2__os_pwrite(fd, "abcdefghijk", 11, 5), BCJ2_OK);
    ck_assert_int_eq(plan.calls, 4);
    plan_failure("pread", 0, 0);
    plan.most = 3;
    char text[32] = "";
    size_t n;
    assert_status(bcj2__os_pread(fd, text, 31, 2, &n), BCJ2_OK);
    ck_assert_int_eq(plan.calls, 6); /* 14 bytes in 5, and the end */
    ck_assert_uint_eq(n, 14);
    ck_assert_str_eq(text, "234abcdefghijk");
}
END_TEST

static ssize_t write_nothing(int to, const void *data, size_t size, off_t offset)
{
    return 0;
}

START_TEST(a_write_that_does_nothing_is_an_error)
{
    ck_assert(bcj2__os_syscall_set("pwrite", (os_function)write_nothing) != NULL);
    assert_status(do_pwrite(), BCJ2_E_IO_DEVICE);
}
END_TEST

START_TEST(what_was_read_before_a_failure_is_told)
{
    static char data[8];
    size_t n = 99;
    plan_failure("pread", EIO, 1);
    assert_status(bcj2__os_pread(fd, data, 4, 0, &n), BCJ2_E_IO_DEVICE);
    ck_assert_uint_eq(n, 0);
}
END_TEST

/* ---- where a system can less ---- */

START_TEST(space_that_cannot_be_reserved_is_no_error)
{
    static const struct {
        int errno_value;
        bcj2_status status;
    } errors[] = {
        {EOPNOTSUPP, BCJ2_OK}, {ENOTSUP, BCJ2_OK},         {ENOSYS, BCJ2_OK},
        {EINVAL, BCJ2_OK},     {ENOSPC, BCJ2_E_DISK_FULL}, {EDQUOT, BCJ2_E_DISK_FULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        plan_failure("fallocate", errors[i].errno_value, 1);
        assert_status(do_preallocate(), errors[i].status);
        ck_assert_int_eq(plan.calls, 1);
    }
    plan_failure("fallocate", EIO, 1);
    assert_status(bcj2__os_preallocate(fd, 0), BCJ2_OK);
    ck_assert_int_eq(plan.calls, 0);
}
END_TEST

static int no_fdatasync(int of)
{
    errno = ENOTSUP;
    return -1;
}

START_TEST(where_there_is_no_fdatasync_there_is_fsync)
{
    plan_failure("fsync", EIO, 1);
    ck_assert(bcj2__os_syscall_set("fdatasync", (os_function)no_fdatasync) != NULL);
    assert_status(do_sync(), BCJ2_E_IO_DEVICE);
    assert_status(do_sync(), BCJ2_OK);
    ck_assert_int_eq(plan.calls, 2);
}
END_TEST

/* A disk's error is not tried away: after a failed sync the next one succeeds without the data. */
START_TEST(a_failed_sync_is_not_repeated)
{
    plan_failure("fsync", 0, 0);
    ck_assert(bcj2__os_syscall_set("fdatasync", fake("fdatasync")) != NULL);
    plan.errno_value = EIO;
    plan.times = 1;
    assert_status(do_sync(), BCJ2_E_IO_DEVICE);
    ck_assert_int_eq(plan.calls, 1);
}
END_TEST

START_TEST(a_folder_that_cannot_be_synced_is_no_error)
{
    ck_assert(bcj2__os_syscall_set("fdatasync", (os_function)no_fdatasync) != NULL);
    plan_failure("fsync", EINVAL, 1);
    assert_status(do_sync_folder(), BCJ2_OK);
    ck_assert_int_eq(plan.calls, 1);
}
END_TEST

START_TEST(a_folder_may_be_made_where_the_upper_one_is_not_readable)
{
    plan_failure("open", EACCES, 1);
    assert_status(do_mkdirs(), BCJ2_OK);
    ck_assert_int_eq(plan.times, 0);
}
END_TEST

/* Another process makes the folder between our look and our mkdir. */
static int mkdir_too_late(const char *path, mode_t mode)
{
    ck_assert_int_eq(real_calls.mkdir(path, mode), 0);
    errno = EEXIST;
    return -1;
}

START_TEST(two_may_make_the_same_folder)
{
    ck_assert(bcj2__os_syscall_set("mkdir", (os_function)mkdir_too_late) != NULL);
    assert_status(do_mkdirs(), BCJ2_OK);
}
END_TEST

START_TEST(without_proc_the_mask_is_found_all_the_same)
{
    mode_t before = umask(027);
    plan_failure("open", ENOENT, 1);
    bcj2_status status = do_chmod();
    mode_t after = umask(before);
    struct os_stat s;
    assert_status(status, BCJ2_OK);
    ck_assert_uint_eq(after, 027);
    assert_status(bcj2__os_fstat(fd, "f", &s), BCJ2_OK);
    ck_assert_uint_eq(s.mode, 0640);
}
END_TEST

#ifdef __linux__
/* In a child: the boot id is found once a process, and here perhaps already. */
START_TEST(without_proc_there_is_a_boot_id)
{
    pid_t pid = fork();
    if (pid == 0) {
        char a[OS_BOOT_ID_SIZE], b[OS_BOOT_ID_SIZE];
        plan_failure("open", ENOENT, 1);
        bcj2__os_boot_id(a);
        bcj2__os_boot_id(b);
        _exit(strlen(a) > 30 && strcmp(a, b) == 0 ? 0 : 1);
    }
    int status = -1;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST
#endif

/* ---- whose file ---- */

static int fstat_of_another_user(int of, struct stat *ret)
{
    int result = real_calls.fstat(of, ret);
    ret->st_uid = geteuid() + 1;
    return result;
}

START_TEST(the_file_of_another_user_is_refused)
{
    ck_assert(bcj2__os_syscall_set("fstat", (os_function)fstat_of_another_user) != NULL);
    assert_status(do_reopen(), BCJ2_E_ACCESSDENIED);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), "belongs to user"));
    assert_status(do_open_source(), BCJ2_OK);
}
END_TEST

/* A FIFO takes the file's place between the look and the opening. */
static int stat_before_the_swap(const char *path, struct stat *ret)
{
    int result = real_calls.stat(path, ret);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    return result;
}

START_TEST(a_source_that_becomes_a_fifo_neither_hangs_nor_passes)
{
    ck_assert(bcj2__os_syscall_set("stat", (os_function)stat_before_the_swap) != NULL);
    assert_status(do_open_source(), BCJ2_E_ACCESSDENIED);
}
END_TEST

/* ---- the rest ---- */

static void do_nothing(void *argument)
{
}

START_TEST(a_thread_that_cannot_start_is_out_of_memory)
{
    struct os_thread *thread;
    plan_failure("pthread_create", EAGAIN, 1);
    assert_status(bcj2__os_thread_start("bcj2-x", do_nothing, NULL, &thread), BCJ2_E_OUTOFMEMORY);
    ck_assert_ptr_null(thread);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), "starting the thread bcj2-x: "));
    assert_status(bcj2__os_thread_start("bcj2-x", do_nothing, NULL, &thread), BCJ2_OK);
    bcj2__os_thread_join(thread);
}
END_TEST

START_TEST(a_path_that_does_not_resolve_is_reported)
{
    plan_failure("realpath", EIO, 1);
    assert_status(do_real_path(), BCJ2_E_IO_DEVICE);
    plan_failure("realpath", ENOENT, 1);
    assert_status(do_real_path(), BCJ2_E_PATH_NOT_FOUND);
}
END_TEST

static const struct {
    uint32_t magic;
    const char *type, *name; /* magic on Linux, type on macOS; name NULL: locks are good */
} file_systems[] = {
    {0x6969, "nfs", "nfs"},       {0x517B, "smbfs", "smb"},      {0xFE534D42, "smbfs", "smb"},
    {0xFF534D42, "cifs", "cifs"}, {0x01021997, "9p", "9p"},      {0x5346414F, "afs", "afs"},
    {0xEF53, "apfs", NULL},       {0x65735546, "macfuse", NULL}, {0x01021994, "hfs", NULL},
};
static size_t file_system;

static int statfs_of_table(const char *path, struct statfs *ret)
{
    memset(ret, 0, sizeof *ret);
#ifdef __APPLE__
    (void)snprintf(ret->f_fstypename, sizeof ret->f_fstypename, "%s",
                   file_systems[file_system].type);
#else
    memcpy(&ret->f_type, &(long){(long)file_systems[file_system].magic}, sizeof ret->f_type);
#endif
    return 0;
}

START_TEST(network_file_systems_are_known)
{
    file_system = (size_t)_i;
    ck_assert(bcj2__os_syscall_set("statfs", (os_function)statfs_of_table) != NULL);
    const char *name = bcj2__os_network_file_system(scratch);
    ck_assert_pstr_eq(name, file_systems[_i].name);
    plan_failure("statfs", EIO, 1);
    ck_assert_ptr_null(bcj2__os_network_file_system(scratch));
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "failing calls", 20);
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, the_table_is_walked_and_reset);
    tcase_add_loop_test(tc, a_failing_call_is_reported_with_the_path, 0, ARRAY_LEN(places));
    tcase_add_loop_test(tc, an_interrupted_call_is_made_again, 0, ARRAY_LEN(places));
    tcase_add_test(tc, close_is_never_repeated);
    tcase_add_test(tc, short_reads_and_writes_are_continued);
    tcase_add_test(tc, a_write_that_does_nothing_is_an_error);
    tcase_add_test(tc, what_was_read_before_a_failure_is_told);

    tc = suite_case(suite, "poorer systems", 20);
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, space_that_cannot_be_reserved_is_no_error);
    tcase_add_test(tc, where_there_is_no_fdatasync_there_is_fsync);
    tcase_add_test(tc, a_failed_sync_is_not_repeated);
    tcase_add_test(tc, a_folder_that_cannot_be_synced_is_no_error);
    tcase_add_test(tc, a_folder_may_be_made_where_the_upper_one_is_not_readable);
    tcase_add_test(tc, two_may_make_the_same_folder);
    tcase_add_test(tc, without_proc_the_mask_is_found_all_the_same);
#ifdef __linux__
    tcase_add_test(tc, without_proc_there_is_a_boot_id);
#endif

    tc = suite_case(suite, "whose file, and the rest", 20);
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, the_file_of_another_user_is_refused);
    tcase_add_test(tc, a_source_that_becomes_a_fifo_neither_hangs_nor_passes);
    tcase_add_test(tc, a_thread_that_cannot_start_is_out_of_memory);
    tcase_add_test(tc, a_path_that_does_not_resolve_is_reported);
    tcase_add_loop_test(tc, network_file_systems_are_known, 0, ARRAY_LEN(file_systems));
}

SUITE_MAIN("os_syscall", add_cases)
