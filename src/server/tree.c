/* SPDX-License-Identifier: MIT */
/* See tree.h. Paths as text are in tree_path.c. */
#include "tree.h"
#include "limit.h"
#include "macro.h"
#include "mem.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

bool tree_open_root(struct tree *tree, const char *path)
{
    mode_t mask = umask(0);
    (void)umask(mask);
    tree->public_mode = 0666 & ~mask;
    tree->path = NULL;
    tree->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return tree->root >= 0 && BCJ2_SUCCEEDED(bcj2__os_real_path(path, &tree->path));
}

void tree_close_root(struct tree *tree)
{
    if (tree->root >= 0) {
        (void)close(tree->root);
    }
    tree->root = -1;
    bcj2__mem_free(tree->path);
    tree->path = NULL;
}

/* Goes one component down; the folder's descriptor is used up. */
static int descend(int folder, const char *name, size_t length, bool make)
{
    char component[LIMIT_SERVER_NAME_BYTES + 1];
    int next = -1;
    if (length > LIMIT_SERVER_NAME_BYTES) {
        errno = ENAMETOOLONG;
    } else {
        memcpy(component, name, length);
        component[length] = '\0';
        next = openat(folder, component, FOLDER_FLAGS);
        if (next < 0 && errno == ENOENT && make &&
            (mkdirat(folder, component, 0700) == 0 || errno == EEXIST)) {
            next = openat(folder, component, FOLDER_FLAGS);
        }
    }
    int error = errno;
    (void)close(folder);
    errno = error;
    return next;
}

static int walk(int folder, const char *path, size_t length, bool make)
{
    const char *end = path + length;
    while (folder >= 0 && path < end) {
        const char *slash = memchr(path, '/', (size_t)(end - path));
        const char *stop = slash == NULL ? end : slash;
        if (stop > path) {
            folder = descend(folder, path, (size_t)(stop - path), make);
        }
        path = stop + 1;
    }
    return folder;
}

int tree_open_folder(const struct tree *tree, const char *path, size_t length)
{
    return walk(openat(tree->root, ".", FOLDER_FLAGS), path, length, false);
}

int tree_open_below(int folder, const char *relative, bool make)
{
    return walk(openat(folder, ".", FOLDER_FLAGS), relative, strlen(relative), make);
}

int tree_open_file(const struct tree *tree, const char *path, struct stat *ret_stat)
{
    size_t folder_length = 0;
    const char *name = tree_name(path, &folder_length);
    int folder = tree_open_folder(tree, path, folder_length);
    if (folder < 0) {
        return -1;
    }
    /* non-blocking: a FIFO would hang us */
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    (void)close(folder);
    if (fd >= 0 && (fstat(fd, ret_stat) != 0 || !S_ISREG(ret_stat->st_mode))) {
        (void)close(fd);
        errno = ENOENT;
        return -1;
    }
    return fd;
}

static bool write_all(int fd, const char *data, size_t length)
{
    return tree_pwrite(fd, data, length, 0) == (ssize_t)length;
}

int tree_replace_file(int folder, const char *name, const char *data, size_t length, bool sync)
{
    char temporary[LIMIT_SERVER_NAME_BYTES + 1];
    if (snprintf(temporary, sizeof temporary, "%s.new", name) >= (int)sizeof temporary) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -1;
    }
    bool ok = write_all(fd, data, length) && (!sync || fsync(fd) == 0);
    int error = errno;
    ok = close(fd) == 0 && ok;
    errno = error;
    ok = ok && renameat(folder, temporary, folder, name) == 0 && (!sync || fsync(folder) == 0);
    return ok ? 0 : -1;
}

ssize_t tree_pread(int fd, void *data, size_t length, off_t offset)
{
    size_t done = 0;
    while (done < length) {
        ssize_t n = pread(fd, (char *)data + done, length - done, offset + (off_t)done);
        if (n == 0 || (n < 0 && errno != EINTR)) {
            return done > 0 || n == 0 ? (ssize_t)done : -1;
        }
        done += n < 0 ? 0 : (size_t)n;
    }
    return (ssize_t)done;
}

ssize_t tree_pwrite(int fd, const void *data, size_t length, off_t offset)
{
    size_t done = 0;
    while (done < length) {
        ssize_t n = pwrite(fd, (const char *)data + done, length - done, offset + (off_t)done);
        if (n < 0 && errno != EINTR) {
            return done > 0 ? (ssize_t)done : -1;
        }
        done += n < 0 ? 0 : (size_t)n;
    }
    return (ssize_t)done;
}
