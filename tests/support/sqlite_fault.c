/* SPDX-License-Identifier: MIT */
/* See sqlite_fault.h. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "sqlite_fault.h"

#include <check.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/types.h>

typedef sqlite3_syscall_ptr function;

static struct {
    atomic_int call, errno_value; /* call: SQLITE_CALLS is none */
    atomic_uint kth, times, uses;
    atomic_bool fired;
} plan = {.call = SQLITE_CALLS};

static bool fails(enum sqlite_call call)
{
    if (atomic_load(&plan.call) != (int)call) {
        return false;
    }
    unsigned use = atomic_fetch_add(&plan.uses, 1) + 1, kth = atomic_load(&plan.kth);
    if (use < kth || use - kth >= atomic_load(&plan.times)) {
        return false;
    }
    atomic_store(&plan.fired, true);
    errno = atomic_load(&plan.errno_value);
    return true;
}

/* ---- system calls ---- */

/* The real one, and a fake of the same type that asks the plan first. */
#define FAKE(name, type, failure, call, parameters, arguments)  \
    static type(*real_##name) parameters;                       \
    static type fake_##name parameters                          \
    {                                                           \
        return fails(call) ? (failure) : real_##name arguments; \
    }

FAKE(open, int, -1, SQLITE_CALL_OPEN, (const char *path, int flags, int mode), (path, flags, mode))
FAKE(read, ssize_t, -1, SQLITE_CALL_READ, (int fd, void *data, size_t size), (fd, data, size))
FAKE(pread, ssize_t, -1, SQLITE_CALL_READ, (int fd, void *data, size_t size, off_t at),
     (fd, data, size, at))
FAKE(write, ssize_t, -1, SQLITE_CALL_WRITE, (int fd, const void *data, size_t size),
     (fd, data, size))
FAKE(pwrite, ssize_t, -1, SQLITE_CALL_WRITE, (int fd, const void *data, size_t size, off_t at),
     (fd, data, size, at))
FAKE(ftruncate, int, -1, SQLITE_CALL_TRUNCATE, (int fd, off_t size), (fd, size))
FAKE(unlink, int, -1, SQLITE_CALL_UNLINK, (const char *path), (path))
FAKE(mmap, void *, (void *)-1, SQLITE_CALL_MAP,
     (void *at, size_t size, int protection, int flags, int fd, off_t offset),
     (at, size, protection, flags, fd, offset))
#ifdef __linux__
FAKE(pread64, ssize_t, -1, SQLITE_CALL_READ, (int fd, void *data, size_t size, off64_t at),
     (fd, data, size, at))
FAKE(pwrite64, ssize_t, -1, SQLITE_CALL_WRITE, (int fd, const void *data, size_t size, off64_t at),
     (fd, data, size, at))
#endif

/* One that this SQLite was built without stays out. */
#define REPLACE(name)                                                                            \
    do {                                                                                         \
        function was_ = vfs->xGetSystemCall(vfs, #name);                                         \
        if (was_ != NULL) {                                                                      \
            memcpy(&real_##name, &was_, sizeof was_);                                            \
            ck_assert_int_eq(vfs->xSetSystemCall(vfs, #name, (function)fake_##name), SQLITE_OK); \
        }                                                                                        \
    } while (0)

static void replace_all(sqlite3_vfs *vfs)
{
    REPLACE(open);
    REPLACE(read);
    REPLACE(pread);
    REPLACE(write);
    REPLACE(pwrite);
    REPLACE(ftruncate);
    REPLACE(unlink);
    REPLACE(mmap);
#ifdef __linux__
    REPLACE(pread64);
    REPLACE(pwrite64);
#endif
}

/* ---- syncing ---- */

static sqlite3_vfs *usual;
static sqlite3_vfs faulty;

/* SQLite has a table of methods for each kind of file (the database, its log): copies, with one changed. */
static struct kind {
    sqlite3_io_methods methods; /* first: a file points here */
    const sqlite3_io_methods *usual;
} kinds[4];
static atomic_flag kinds_lock = ATOMIC_FLAG_INIT;

static int faulty_sync(sqlite3_file *file, int flags)
{
    const struct kind *kind = (const struct kind *)file->pMethods;
    return fails(SQLITE_CALL_SYNC) ? SQLITE_IOERR_FSYNC : kind->usual->xSync(file, flags);
}

static const sqlite3_io_methods *kind_of(const sqlite3_io_methods *methods)
{
    struct kind *kind = kinds;
    while (atomic_flag_test_and_set(&kinds_lock)) {
    }
    while (kind->usual != NULL && kind->usual != methods) {
        kind++;
        ck_assert(kind < kinds + sizeof kinds / sizeof kinds[0]);
    }
    if (kind->usual == NULL) {
        kind->methods = *methods;
        kind->methods.xSync = faulty_sync;
        kind->usual = methods;
    }
    atomic_flag_clear(&kinds_lock);
    return &kind->methods;
}

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret)
{
    int rc = usual->xOpen(usual, name, file, flags, ret);
    if (rc == SQLITE_OK && file->pMethods != NULL) {
        file->pMethods = kind_of(file->pMethods);
    }
    return rc;
}

void sqlite_fault_install(void)
{
    if (usual != NULL) {
        return;
    }
    usual = sqlite3_vfs_find(NULL);
    ck_assert_ptr_nonnull(usual);
    replace_all(usual);
    faulty = *usual;
    faulty.pNext = NULL;
    faulty.zName = "faulty";
    faulty.xOpen = faulty_open;
    ck_assert_int_eq(sqlite3_vfs_register(&faulty, 1), SQLITE_OK);
}

/* ---- the plan ---- */

const char *sqlite_fault_name(enum sqlite_call call)
{
    static const char *const names[] = {"open",   "read", "write", "truncate",
                                        "unlink", "map",  "sync"};
    _Static_assert(sizeof names / sizeof names[0] == SQLITE_CALLS, "a name for each call");
    return names[call];
}

void sqlite_fault_plan(enum sqlite_call call, int errno_value, unsigned kth, unsigned times)
{
    atomic_store(&plan.call, SQLITE_CALLS);
    atomic_store(&plan.errno_value, errno_value);
    atomic_store(&plan.kth, kth);
    atomic_store(&plan.times, times);
    atomic_store(&plan.uses, 0);
    atomic_store(&plan.fired, false);
    atomic_store(&plan.call, (int)call);
}

bool sqlite_fault_clear(void)
{
    atomic_store(&plan.call, SQLITE_CALLS);
    return atomic_load(&plan.fired);
}

unsigned sqlite_fault_uses(void)
{
    return atomic_load(&plan.uses);
}
