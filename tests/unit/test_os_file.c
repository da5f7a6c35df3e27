/* SPDX-License-Identifier: MIT */
/* os: files and folders as the system really treats them. Failing calls are in test_os_syscall.c,
   locks and threads in test_os.c. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "detail.h"
#include "mem.h"
#include "os_scratch.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

START_TEST(a_file_is_made_written_read_and_removed)
{
    const char *path = in_scratch("f");
    int fd = scratch_file("f", "0123456789");
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);

    char text[16] = "";
    size_t n;
    assert_status(bcj2__os_pread(fd, text, 4, 3, &n), BCJ2_OK);
    ck_assert_uint_eq(n, 4);
    ck_assert_str_eq(text, "3456");
    assert_status(bcj2__os_pread(fd, text, sizeof text, 8, &n), BCJ2_OK);
    ck_assert_uint_eq(n, 2);
    assert_status(bcj2__os_pread(fd, text, sizeof text, 100, &n), BCJ2_OK);
    ck_assert_uint_eq(n, 0);

    assert_status(bcj2__os_truncate(fd, 5), BCJ2_OK);
    assert_status(bcj2__os_preallocate(fd, 100000), BCJ2_OK);
    assert_status(bcj2__os_preallocate(fd, 0), BCJ2_OK);
    assert_status(bcj2__os_sync(fd), BCJ2_OK);
    assert_status(bcj2__os_sync_folder_of(path), BCJ2_OK);

    struct os_stat s;
    assert_status(bcj2__os_fstat(fd, path, &s), BCJ2_OK);
    ck_assert(s.exists && s.is_regular && !s.is_directory && !s.is_symlink);
    ck_assert_uint_eq(s.size, 5);
    ck_assert_uint_eq(s.mode, 0600);
    ck_assert_uint_eq(s.links, 1);
    ck_assert_uint_eq(s.uid, bcj2__os_uid());
    struct os_stat by_path;
    assert_status(bcj2__os_stat(path, true, &by_path), BCJ2_OK);
    ck_assert_uint_eq(s.inode, by_path.inode);
    ck_assert_uint_eq(s.device, by_path.device);
    ck_assert_int_eq(s.mtime_s, by_path.mtime_s);
    ck_assert_int_eq(s.mtime_ns, by_path.mtime_ns);
    ck_assert(s.mtime_s >= time(NULL) - 60 && s.mtime_s <= time(NULL) + 2);

    assert_status(bcj2__os_unlink(path), BCJ2_OK);
    assert_status(bcj2__os_unlink(path), BCJ2_OK);
    assert_status(bcj2__os_unlink(in_scratch("none/at/all")), BCJ2_OK);
    assert_status(bcj2__os_stat(path, true, &by_path), BCJ2_OK);
    ck_assert(!by_path.exists);
    ck_assert_ptr_null(bcj2__os_close(fd));
    ck_assert_ptr_null(bcj2__os_close(-1));
}
END_TEST

START_TEST(offsets_that_no_file_has_are_refused)
{
    int fd = scratch_file("f", "x");
    char byte;
    size_t n;
    assert_status(bcj2__os_pread(fd, &byte, 1, UINT64_MAX, &n), BCJ2_E_INVALIDARG);
    assert_status(bcj2__os_pwrite(fd, &byte, 1, INT64_MAX), BCJ2_E_INVALIDARG);
    assert_status(bcj2__os_truncate(fd, UINT64_MAX), BCJ2_E_INVALIDARG);
    assert_status(bcj2__os_preallocate(fd, UINT64_MAX), BCJ2_E_INVALIDARG);
    bcj2__os_close(fd);
}
END_TEST

START_TEST(a_descriptor_without_a_path_is_named_by_its_number)
{
    assert_status(bcj2__os_sync(-1), BCJ2_E_FAIL);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), "syncing descriptor -1: "));
}
END_TEST

/* A file of each kind under a name. */
static void make_kinds(void)
{
    bcj2__os_close(scratch_file("regular", "x"));
    bcj2__os_close(scratch_file("two-links", "x"));
    assert_status(bcj2__os_link(in_scratch("two-links"), in_scratch("second-link")), BCJ2_OK);
    bcj2__os_close(scratch_file("open-to-all", "x"));
    ck_assert_int_eq(chmod(in_scratch("open-to-all"), 0666), 0);
    ck_assert_int_eq(mkdir(in_scratch("directory"), 0700), 0);
    ck_assert_int_eq(mkfifo(in_scratch("fifo"), 0600), 0);
    ck_assert_int_eq(symlink("regular", in_scratch("link")), 0);
    ck_assert_int_eq(symlink("none", in_scratch("dangling")), 0);
    ck_assert_int_eq(symlink("fifo", in_scratch("link-to-fifo")), 0);
    ck_assert_int_eq(symlink("loop", in_scratch("loop")), 0);
    ck_assert_int_eq(symlink("/dev/null", in_scratch("link-to-device")), 0);
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    ck_assert_int_lt(snprintf(name.sun_path, sizeof name.sun_path, "%s", in_scratch("socket")),
                     (int)sizeof name.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    ck_assert_int_eq(close(fd), 0);
}

static const struct {
    const char *name;
    bcj2_status source, reopen, create, lock_open, open_read;
} kinds[] = {
    {"regular", BCJ2_OK, BCJ2_OK, BCJ2_E_SHARING_VIOLATION, BCJ2_OK, BCJ2_OK},
    {"two-links", BCJ2_OK, BCJ2_E_ACCESSDENIED, BCJ2_E_SHARING_VIOLATION, BCJ2_OK, BCJ2_OK},
    {"open-to-all", BCJ2_OK, BCJ2_OK, BCJ2_E_SHARING_VIOLATION, BCJ2_OK, BCJ2_OK},
    {"directory", BCJ2_E_ACCESSDENIED, BCJ2_E_ACCESSDENIED, BCJ2_E_SHARING_VIOLATION,
     BCJ2_E_ACCESSDENIED, BCJ2_OK},
    {"fifo", BCJ2_E_ACCESSDENIED, BCJ2_E_ACCESSDENIED, BCJ2_E_SHARING_VIOLATION,
     BCJ2_E_ACCESSDENIED, BCJ2_OK},
    {"socket", BCJ2_E_ACCESSDENIED, BCJ2_E_ACCESSDENIED, BCJ2_E_SHARING_VIOLATION,
     BCJ2_E_ACCESSDENIED, BCJ2_E_FAIL},
    {"link", BCJ2_OK, BCJ2_E_ACCESSDENIED, BCJ2_E_SHARING_VIOLATION, BCJ2_E_ACCESSDENIED, BCJ2_OK},
    {"dangling", BCJ2_E_WIN32_FILE_NOT_FOUND, BCJ2_E_ACCESSDENIED, BCJ2_E_SHARING_VIOLATION,
     BCJ2_E_ACCESSDENIED, BCJ2_E_WIN32_FILE_NOT_FOUND},
    {"link-to-fifo", BCJ2_E_ACCESSDENIED, BCJ2_E_ACCESSDENIED, BCJ2_E_SHARING_VIOLATION,
     BCJ2_E_ACCESSDENIED, BCJ2_OK},
    {"link-to-device", BCJ2_E_ACCESSDENIED, BCJ2_E_ACCESSDENIED, BCJ2_E_SHARING_VIOLATION,
     BCJ2_E_ACCESSDENIED, BCJ2_OK},
    {"loop", BCJ2_E_ACCESSDENIED, BCJ2_E_ACCESSDENIED, BCJ2_E_SHARING_VIOLATION,
     BCJ2_E_ACCESSDENIED, BCJ2_E_ACCESSDENIED},
    {"none", BCJ2_E_WIN32_FILE_NOT_FOUND, BCJ2_E_WIN32_FILE_NOT_FOUND, BCJ2_OK, BCJ2_OK,
     BCJ2_E_WIN32_FILE_NOT_FOUND},
    {"regular/x", BCJ2_E_PATH_NOT_FOUND, BCJ2_E_PATH_NOT_FOUND, BCJ2_E_PATH_NOT_FOUND,
     BCJ2_E_PATH_NOT_FOUND, BCJ2_E_PATH_NOT_FOUND},
};

/* The status was as expected, the descriptor is -1 on failure, and the detail names the path. */
static void check_opened(const char *path, bcj2_status got, bcj2_status expected, const int *fd)
{
    ck_assert_msg(got == expected, "%s: 0x%08x, expected 0x%08x", path, (unsigned)got,
                  (unsigned)expected);
    ck_assert_int_eq(*fd >= 0, got == BCJ2_OK);
    if (got != BCJ2_OK) {
        ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), path));
    }
    bcj2__os_close(*fd);
}

START_TEST(each_kind_of_file_is_taken_or_refused)
{
    make_kinds();
    const char *path = in_scratch(kinds[_i].name);
    struct os_stat s;
    int fd = -2;
    check_opened(path, bcj2__os_open_source(path, &fd, &s), kinds[_i].source, &fd);
    check_opened(path, bcj2__os_reopen(path, &fd, &s), kinds[_i].reopen, &fd);
    check_opened(path, bcj2__os_open_read(path, &fd), kinds[_i].open_read, &fd);
    check_opened(path, bcj2__os_create(path, &fd), kinds[_i].create, &fd);
    check_opened(path, bcj2__os_lock_open(path, &fd), kinds[_i].lock_open, &fd);
    assert_status(bcj2__os_stat(in_scratch("dangling"), false, &s), BCJ2_OK);
    ck_assert(s.exists && s.is_symlink);
}
END_TEST

START_TEST(a_device_is_no_source)
{
    int fd;
    struct os_stat s;
    assert_status(bcj2__os_open_source("/dev/zero", &fd, &s), BCJ2_E_ACCESSDENIED);
    ck_assert_str_eq(bcj2__detail_get(),
                     "/dev/zero is a device, FIFO or socket, not a regular file");
}
END_TEST

/* Files of the user are out of reach for these calls: as root by being somebody else. */
START_TEST(what_may_not_be_touched_is_access_denied)
{
    const char *path = in_scratch("f"), *other = in_scratch("g");
    bcj2__os_close(scratch_file("f", "x"));
    ck_assert_int_eq(chmod(path, 0), 0);
    ck_assert_int_eq(chmod(scratch, 0555), 0);
    bool root = geteuid() == 0;
    ck_assert(!root || seteuid(65534) == 0);
    int fd;
    struct os_stat s;
    bcj2_status got[] = {
        bcj2__os_open_source(path, &fd, &s), bcj2__os_reopen(path, &fd, &s),
        bcj2__os_open_read(path, &fd),       bcj2__os_create(other, &fd),
        bcj2__os_lock_open(other, &fd),      bcj2__os_rename(path, other),
        bcj2__os_link(path, other),          bcj2__os_unlink(path),
        bcj2__os_mkdirs(in_scratch("a/b")),  bcj2__os_check_folder(scratch),
    };
    ck_assert(!root || seteuid(0) == 0);
    ck_assert_int_eq(chmod(scratch, 0700), 0);
    for (size_t i = 0; i < ARRAY_LEN(got); i++) {
        ck_assert_msg(got[i] == BCJ2_E_ACCESSDENIED, "call %zu: 0x%08x", i, (unsigned)got[i]);
    }
}
END_TEST

START_TEST(standard_descriptors_are_left_to_the_program)
{
    int kept = fcntl(0, F_DUPFD_CLOEXEC, 10);
    ck_assert_int_eq(close(0), 0);
    int fd = scratch_file("f", "x");
    ck_assert_int_gt(fd, 2);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_eq(fcntl(0, F_GETFD), -1);
    bcj2__os_close(fd);
    if (kept >= 0) {
        ck_assert_int_eq(dup2(kept, 0), 0);
        ck_assert_int_eq(close(kept), 0);
    }
}
END_TEST

START_TEST(renaming_replaces_files_and_links_but_no_folder)
{
    make_kinds();
    const char *from = in_scratch("new");
    int fd = scratch_file("new", "content");
    struct os_stat s, target;
    assert_status(bcj2__os_fstat(fd, from, &s), BCJ2_OK);
    assert_status(bcj2__os_rename(from, in_scratch("directory")), BCJ2_E_ACCESSDENIED);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), in_scratch("directory")));
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), "irectory"));
    assert_status(bcj2__os_rename(from, in_scratch("link")), BCJ2_OK);
    assert_status(bcj2__os_stat(in_scratch("link"), false, &target), BCJ2_OK);
    ck_assert(target.is_regular && target.inode == s.inode);
    assert_status(bcj2__os_stat(in_scratch("regular"), false, &target), BCJ2_OK);
    ck_assert_uint_eq(target.size, 1);
    assert_status(bcj2__os_rename(in_scratch("link"), in_scratch("regular")), BCJ2_OK);
    assert_status(bcj2__os_rename(from, in_scratch("x")), BCJ2_E_WIN32_FILE_NOT_FOUND);
    assert_status(bcj2__os_link(in_scratch("regular"), in_scratch("fifo")),
                  BCJ2_E_SHARING_VIOLATION);
    assert_status(bcj2__os_link(in_scratch("regular"), in_scratch("dangling")),
                  BCJ2_E_SHARING_VIOLATION);
    bcj2__os_close(fd);
}
END_TEST

START_TEST(the_final_mode_is_the_umasks)
{
    static const mode_t masks[] = {022, 027, 077, 0, 0777};
    mode_t before = umask(masks[_i]);
    int fd = -1;
    struct os_stat s;
    bcj2_status made = bcj2__os_create(in_scratch("f"), &fd);
    bcj2_status status = bcj2__os_chmod_by_umask(fd);
    mode_t after = umask(before);
    assert_status(made, BCJ2_OK);
    assert_status(status, BCJ2_OK);
    assert_status(bcj2__os_fstat(fd, "f", &s), BCJ2_OK);
    ck_assert_uint_eq(s.mode, 0666 & ~masks[_i]);
    ck_assert_uint_eq(after, masks[_i]);
    bcj2__os_close(fd);
}
END_TEST

static const struct {
    const char *path, *folder, *base;
} paths[] = {
    {"/a/b/c", "/a/b", "c"}, {"/a", "/", "a"},      {"/", "/", ""},    {"//a", "/", "a"},
    {"/a//b", "/a", "b"},    {"/a/b/", "/a/b", ""}, {"a/b", "a", "b"}, {"a", ".", "a"},
};

START_TEST(the_time_of_the_last_change_is_set)
{
    struct os_stat before, after;
    int fd = scratch_file("f", "text");
    assert_status(bcj2__os_fstat(fd, "f", &before), BCJ2_OK);
    assert_status(bcj2__os_set_mtime(fd, 784111777, 5000), BCJ2_OK);
    assert_status(bcj2__os_fstat(fd, "f", &after), BCJ2_OK);
    ck_assert_int_eq(after.mtime_s, 784111777);
    ck_assert_int_eq(after.mtime_ns, 5000);
    ck_assert_uint_eq(after.size, before.size);
    bcj2__os_close(fd);
}
END_TEST

START_TEST(paths_are_split)
{
    char *folder = bcj2__os_folder_of(paths[_i].path);
    ck_assert_str_eq(folder, paths[_i].folder);
    bcj2__mem_free(folder);
    ck_assert_str_eq(bcj2__os_base_of(paths[_i].path), paths[_i].base);
}
END_TEST

START_TEST(folders_are_made_with_their_parents)
{
    make_kinds();
    mode_t before = umask(0);
    bcj2_status made = bcj2__os_mkdirs(in_scratch("a/b//c/"));
    (void)umask(before);
    assert_status(made, BCJ2_OK);
    struct os_stat s;
    assert_status(bcj2__os_stat(in_scratch("a"), false, &s), BCJ2_OK);
    ck_assert(s.is_directory && s.mode == 0700);
    assert_status(bcj2__os_stat(in_scratch("a/b/c"), false, &s), BCJ2_OK);
    ck_assert(s.is_directory && s.mode == 0700);
    assert_status(bcj2__os_mkdirs(in_scratch("a/b/c")), BCJ2_OK);
    assert_status(bcj2__os_mkdirs("/"), BCJ2_OK);
    assert_status(bcj2__os_mkdirs(in_scratch("regular")), BCJ2_E_PATH_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), "regular exists and is not a folder"));
    assert_status(bcj2__os_mkdirs(in_scratch("regular/x/y")), BCJ2_E_PATH_NOT_FOUND);
    assert_status(bcj2__os_mkdirs(in_scratch("dangling")), BCJ2_E_PATH_NOT_FOUND);
    assert_status(bcj2__os_stat(in_scratch("none"), false, &s), BCJ2_OK);
    ck_assert(!s.exists);
    char *long_name = bcj2__mem_printf("%s/%0300d", scratch, 0);
    assert_status(bcj2__os_mkdirs(long_name), BCJ2_E_FILENAME_EXCED_RANGE);
    bcj2__mem_free(long_name);
}
END_TEST

START_TEST(folders_are_checked)
{
    make_kinds();
    assert_status(bcj2__os_check_folder(scratch), BCJ2_OK);
    assert_status(bcj2__os_check_folder(in_scratch("none")), BCJ2_E_PATH_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), "there is no folder /"));
    assert_status(bcj2__os_check_folder(in_scratch("regular")), BCJ2_E_PATH_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), "regular is not a folder"));
    assert_status(bcj2__os_check_folder(in_scratch("regular/x")), BCJ2_E_PATH_NOT_FOUND);
}
END_TEST

START_TEST(a_real_path_has_no_links)
{
    make_kinds();
    ck_assert_int_eq(symlink("directory", in_scratch("folder-link")), 0);
    char *straight, *linked, *none;
    assert_status(bcj2__os_real_path(in_scratch("directory"), &straight), BCJ2_OK);
    assert_status(bcj2__os_real_path(in_scratch("a/../folder-link"), &none), BCJ2_E_PATH_NOT_FOUND);
    ck_assert_ptr_null(none);
    assert_status(bcj2__os_real_path(in_scratch("./folder-link/"), &linked), BCJ2_OK);
    ck_assert_str_eq(straight, linked);
    ck_assert_str_eq(bcj2__os_base_of(linked), "directory");
    ck_assert_int_eq(linked[0], '/');
    assert_status(bcj2__os_real_path(in_scratch("regular"), &none), BCJ2_E_PATH_NOT_FOUND);
    assert_status(bcj2__os_real_path(in_scratch("loop"), &none), BCJ2_E_ACCESSDENIED);
    bcj2__mem_free(straight);
    bcj2__mem_free(linked);
}
END_TEST

START_TEST(without_memory_calls_fail_and_say_so)
{
    char *path;
    bcj2__mem_fail_at(1);
    assert_status(bcj2__os_mkdirs(in_scratch("a")), BCJ2_E_OUTOFMEMORY);
    bcj2__mem_fail_at(1);
    assert_status(bcj2__os_sync_folder_of(in_scratch("a")), BCJ2_E_OUTOFMEMORY);
    bcj2__mem_fail_at(1);
    assert_status(bcj2__os_real_path(scratch, &path), BCJ2_E_OUTOFMEMORY);
    bcj2__mem_fail_at(1);
    ck_assert_ptr_null(bcj2__os_folder_of(scratch));
    bcj2__mem_fail_at(0);
}
END_TEST

static void note_and_remove(void *names, const char *name)
{
    char *all = names;
    (void)strcat(strcat(all, name), " ");
    assert_status(bcj2__os_unlink(in_scratch(name)), BCJ2_OK);
}

START_TEST(the_names_in_a_folder_can_be_removed_as_they_are_told)
{
    char names[256] = "";
    int fd = -1;
    assert_status(bcj2__os_create(in_scratch("one"), &fd), BCJ2_OK);
    (void)bcj2__os_close(fd);
    assert_status(bcj2__os_create(in_scratch(".two"), &fd), BCJ2_OK);
    (void)bcj2__os_close(fd);
    assert_status(bcj2__os_each_name(scratch, note_and_remove, names), BCJ2_OK);
    ck_assert_msg(strcmp(names, "one .two ") == 0 || strcmp(names, ".two one ") == 0, "%s", names);
    names[0] = '\0';
    assert_status(bcj2__os_each_name(scratch, note_and_remove, names), BCJ2_OK);
    ck_assert_str_eq(names, "");
    ck_assert(BCJ2_FAILED(bcj2__os_each_name(in_scratch("none"), note_and_remove, names)));
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "files and folders", 20);
    tcase_add_checked_fixture(tc, scratch_make, scratch_remove);
    tcase_add_test(tc, a_file_is_made_written_read_and_removed);
    tcase_add_test(tc, offsets_that_no_file_has_are_refused);
    tcase_add_test(tc, a_descriptor_without_a_path_is_named_by_its_number);
    tcase_add_loop_test(tc, each_kind_of_file_is_taken_or_refused, 0, ARRAY_LEN(kinds));
    tcase_add_test(tc, a_device_is_no_source);
    tcase_add_test(tc, what_may_not_be_touched_is_access_denied);
    tcase_add_test(tc, standard_descriptors_are_left_to_the_program);
    tcase_add_test(tc, renaming_replaces_files_and_links_but_no_folder);
    tcase_add_loop_test(tc, the_final_mode_is_the_umasks, 0, 5);
    tcase_add_test(tc, the_time_of_the_last_change_is_set);
    tcase_add_loop_test(tc, paths_are_split, 0, ARRAY_LEN(paths));
    tcase_add_test(tc, folders_are_made_with_their_parents);
    tcase_add_test(tc, folders_are_checked);
    tcase_add_test(tc, a_real_path_has_no_links);
    tcase_add_test(tc, the_names_in_a_folder_can_be_removed_as_they_are_told);
    tcase_add_test(tc, without_memory_calls_fail_and_say_so);
}

SUITE_MAIN("os_file", add_cases)
