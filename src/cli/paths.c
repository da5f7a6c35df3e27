/* SPDX-License-Identifier: MIT */
/* See paths.h. */
#include "paths.h"
#include "find.h"
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than the longest path the library takes. */
#define PATH_BYTES 8192

/* folder + "/" + name */
static char *join(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path != NULL) {
        const char *slash = folder[0] != '\0' && folder[strlen(folder) - 1] == '/' ? "" : "/";
        (void)snprintf(path, size, "%s%s%s", folder, slash, name);
    }
    return path;
}

char *paths_absolute(const char *path)
{
    char folder[PATH_BYTES];
    while (strncmp(path, "./", 2) == 0) {
        path += 2 + strspn(path + 2, "/");
    }
    if (path[0] == '\0') {
        errno = ENOENT;
        return NULL;
    }
    if (path[0] == '/') {
        return strdup(path);
    }
    return getcwd(folder, sizeof folder) == NULL ? NULL : join(folder, path);
}

int paths_check_source(struct cli *cli, const char *path)
{
    struct stat st;
    /* O_NONBLOCK: a FIFO without a writer would stop us here */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        int number = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return out_bad(cli, "cannot read %s: %s", path, strerror(number));
    }
    (void)close(fd);
    if (!S_ISREG(st.st_mode)) {
        return out_bad(cli, "cannot upload %s: it is %s, not a file", path,
                       S_ISDIR(st.st_mode) ? "a folder" : "a pipe or a device");
    }
    return EXIT_DONE;
}

int paths_check_output(struct cli *cli, const char *path)
{
    char folder[PATH_BYTES];
    struct stat st;
    size_t length = (size_t)(strrchr(path, '/') - path);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return out_bad(cli, "cannot write %s: it is a folder", path);
    }
    if (length >= sizeof folder) {
        return out_bad(cli, "cannot write %s: %s", path, strerror(ENAMETOOLONG));
    }
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(length == 0 ? 1 : length), path);
    if (access(folder, W_OK | X_OK) != 0) {
        return out_bad(cli, "cannot write into the folder %s: %s", folder, strerror(errno));
    }
    return EXIT_DONE;
}

static void unnamed_name(bcj2_job *job, char name[64])
{
    char id[BCJ2_GUID_TEXT_SIZE];
    find_format_job(job, id);
    (void)snprintf(name, 64, "reply-%s", id);
}

char *paths_unnamed_reply(const struct cli *cli, bcj2_job *job)
{
    char name[64];
    unnamed_name(job, name);
    return join(cli->queue, name);
}

bool paths_same_name(const char *one, const char *other)
{
    char folder[PATH_BYTES];
    struct stat st[2];
    const char *paths[2] = {one, other}, *names[2];
    for (int i = 0; i < 2; i++) {
        names[i] = strrchr(paths[i], '/') + 1;
        if (names[i] - paths[i] >= PATH_BYTES) {
            return false;
        }
        (void)snprintf(folder, sizeof folder, "%.*s", (int)(names[i] - paths[i]), paths[i]);
        if (stat(folder, &st[i]) != 0) {
            return false;
        }
    }
    return strcmp(names[0], names[1]) == 0 && st[0].st_dev == st[1].st_dev &&
           st[0].st_ino == st[1].st_ino;
}

bool paths_is_unnamed_reply(const struct cli *cli, bcj2_job *job, const char *path)
{
    char name[64];
    unnamed_name(job, name);
    char *unnamed = join(cli->queue, name);
    bool same = unnamed != NULL && strrchr(path, '/') != NULL && paths_same_name(path, unnamed);
    free(unnamed);
    return same;
}
