/* SPDX-License-Identifier: MIT */
/* What the tests of the os floor share: a folder of their own, removed after each test. A test file
   defines _GNU_SOURCE (or _DARWIN_C_SOURCE) before it includes this. */
#ifndef BCJ2_TESTS_OS_SCRATCH_H
#define BCJ2_TESTS_OS_SCRATCH_H

#include "../support/suite.h"
#include "os.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char scratch[256];

static void scratch_make(void)
{
    const char *base = bcj2__os_env("TMPDIR");
    (void)snprintf(scratch, sizeof scratch, "%s/bcj2-os-XXXXXX", base != NULL ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(scratch));
    char *path = realpath(scratch, NULL); /* as error texts have it */
    ck_assert_ptr_nonnull(path);
    ck_assert_int_lt(snprintf(scratch, sizeof scratch, "%s", path), (int)sizeof scratch);
    free(path);
}

static int scratch_remove_one(const char *path, const struct stat *s, int type, struct FTW *at)
{
    return remove(path);
}

static void scratch_remove(void)
{
    ck_assert_int_eq(nftw(scratch, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* The path of name in the folder; good for the next 63 calls. */
static const char *in_scratch(const char *name)
{
    static char paths[64][512];
    static unsigned turn;
    char *path = paths[turn++ % 64];
    (void)snprintf(path, sizeof paths[0], "%s/%s", scratch, name);
    return path;
}

/* A new file with that content; its descriptor. */
static inline int scratch_file(const char *name, const char *content)
{
    int fd;
    assert_status(bcj2__os_create(in_scratch(name), &fd), BCJ2_OK);
    assert_status(bcj2__os_pwrite(fd, content, strlen(content), 0), BCJ2_OK);
    return fd;
}

#endif
