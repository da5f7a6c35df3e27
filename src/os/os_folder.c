/* SPDX-License-Identifier: MIT */
/* Folders, and paths as text. */
#include "detail.h"
#include "mem.h"
#include "os.h"
#include "os_calls.h"
#include "os_fail.h"
#include "os_platform.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The length of path without the slashes at its end, "/" excepted. */
static size_t length_without_slashes(const char *path, size_t length)
{
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    return length;
}

char *bcj2__os_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL
               ? bcj2__mem_strdup(".")
               : bcj2__mem_strndup(path, length_without_slashes(path, (size_t)(slash - path) + 1));
}

const char *bcj2__os_base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* path: without a slash at its end. */
static bcj2_status make_folder(const char *path)
{
    int result;
    REPEAT_INTERRUPTED(result, bcj2__os_calls.mkdir(path, 0700));
    if (result == 0) {
        /* Who may not read the folder above cannot sync it, and can still use this one. */
        bcj2_status status = bcj2__os_sync_folder_of(path);
        return status == BCJ2_E_ACCESSDENIED ? BCJ2_OK : status;
    }
    int error = errno;
    struct os_stat s;
    bcj2_status status = bcj2__os_stat(path, true, &s);
    if (status == BCJ2_OK && s.is_directory) {
        return BCJ2_OK; /* another process was faster */
    }
    if (error == EEXIST) {
        return bcj2__detail(BCJ2_E_PATH_NOT_FOUND, "%s exists and is not a folder", path);
    }
    return bcj2__os_fail(error, "making the folder %s", path);
}

bcj2_status bcj2__os_mkdirs(const char *path)
{
    CLEANUP_FREE char *part = bcj2__mem_strndup(path, length_without_slashes(path, strlen(path)));
    if (part == NULL) {
        return bcj2__detail_no_memory();
    }
    struct os_stat s;
    bcj2_status status = bcj2__os_stat(part, true, &s);
    if (status != BCJ2_OK || s.is_directory) {
        return status;
    }
    /* from the top, each part that is not there yet */
    char *end = part;
    do {
        end += strspn(end, "/");
        end += strcspn(end, "/");
        char separator = *end;
        *end = '\0';
        status = bcj2__os_stat(part, true, &s);
        if (status == BCJ2_OK && !s.is_directory) {
            status = make_folder(part);
        }
        *end = separator;
    } while (status == BCJ2_OK && *end != '\0');
    return status;
}

static bcj2_status no_such_folder(const char *folder, bool exists)
{
    return bcj2__detail(BCJ2_E_PATH_NOT_FOUND,
                        exists ? "%s is not a folder" : "there is no folder %s", folder);
}

bcj2_status bcj2__os_check_folder(const char *folder)
{
    struct os_stat s;
    bcj2_status status = bcj2__os_stat(folder, true, &s);
    if (status != BCJ2_OK) {
        return status;
    }
    if (!s.is_directory) {
        return no_such_folder(folder, s.exists);
    }
    int result;
    REPEAT_INTERRUPTED(result, bcj2__os_calls.faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS));
    return result == 0 ? BCJ2_OK : bcj2__os_fail(errno, "making files in %s", folder);
}

bcj2_status bcj2__os_real_path(const char *path, char **ret)
{
    *ret = NULL;
    char *resolved = bcj2__os_calls.realpath(path, NULL);
    if (resolved == NULL) {
        int error = errno;
        if (error == ENOENT || error == ENOTDIR) {
            return bcj2__os_fail_as(BCJ2_E_PATH_NOT_FOUND, error, "finding the folder %s", path);
        }
        return bcj2__os_fail(error, "finding the folder %s", path);
    }
    CLEANUP_FREE char *copy = bcj2__mem_strdup(resolved);
    bcj2__mem_free(resolved); /* malloc's, as base/mem's own is */
    if (copy == NULL) {
        return bcj2__detail_no_memory();
    }
    struct os_stat s;
    bcj2_status status = bcj2__os_stat(copy, true, &s);
    if (status == BCJ2_OK && !s.is_directory) {
        status = no_such_folder(copy, s.exists);
    }
    if (status == BCJ2_OK) {
        *ret = TAKE(copy);
    }
    return status;
}

const char *bcj2__os_network_file_system(const char *folder)
{
    struct statfs s;
    int result;
    REPEAT_INTERRUPTED(result, bcj2__os_calls.statfs(folder, &s));
    return result == 0 ? bcj2__os_platform_network_name(&s) : NULL;
}

bcj2_status bcj2__os_each_name(const char *folder, void (*each)(void *user, const char *name),
                               void *user)
{
    int fd = -1;
    bcj2_status status = bcj2__os_open_read(folder, &fd);
    if (status != BCJ2_OK) {
        return status;
    }
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        status = bcj2__os_fail(errno, "reading the folder %s", folder);
        (void)bcj2__os_close(fd);
        return status;
    }
    const struct dirent *entry;
    while (errno = 0, (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            each(user, entry->d_name);
        }
    }
    if (errno != 0) {
        status = bcj2__os_fail(errno, "reading the folder %s", folder);
    }
    (void)closedir(dir);
    return status;
}
