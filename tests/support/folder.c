/* SPDX-License-Identifier: MIT */
/* See folder.h. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "folder.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void must(int ok, const char *path)
{
    if (!ok) {
        perror(path);
        exit(EXIT_FAILURE);
    }
}

void folder_in(char to[FOLDER_PATH_SIZE], const char *folder, const char *name)
{
    must(snprintf(to, FOLDER_PATH_SIZE, "%s/%s", folder, name) < FOLDER_PATH_SIZE, folder);
}

void folder_make(char path[FOLDER_PATH_SIZE])
{
    const char *base = getenv("TMPDIR");
    char made[FOLDER_PATH_SIZE];
    folder_in(made, base != NULL ? base : "/tmp", "bcj2-XXXXXX");
    must(mkdtemp(made) != NULL, made);
    char *real = realpath(made, NULL);
    must(real != NULL, made);
    must(snprintf(path, FOLDER_PATH_SIZE, "%s", real) < FOLDER_PATH_SIZE, real);
    free(real);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void folder_remove(const char *path)
{
    must(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0, path);
}

void folder_file(const char *path, uint64_t size)
{
    static uint64_t block[128 * 1024]; /* 1 MiB */
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    must(fd >= 0, path);
    uint64_t x = UINT64_C(0x9E3779B97F4A7C15);
    for (uint64_t at = 0; at < size;) {
        for (size_t i = 0; i < sizeof block / sizeof block[0]; i++) { /* xorshift64 */
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            block[i] = x;
        }
        size_t n = size - at < sizeof block ? (size_t)(size - at) : sizeof block;
        must(write(fd, block, n) == (ssize_t)n, path);
        at += n;
    }
    must(close(fd) == 0, path);
}
