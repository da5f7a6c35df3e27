/* SPDX-License-Identifier: MIT */
/* The queue that the first version left (tests/fixtures/queue-v1), as a copy in the test's folder. */
#ifndef BCJ2_TESTS_QUEUE_V1_H
#define BCJ2_TESTS_QUEUE_V1_H

#include "suite.h"

#include <stdio.h>

#define QUEUE_V1_FOLDER BCJ2_SOURCE_ROOT "/tests/fixtures/queue-v1/"

static inline void queue_v1_copy_file(const char *from, const char *to)
{
    static char data[1 << 17];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    ck_assert_msg(in != NULL && out != NULL, "%s cannot be copied to %s", from, to);
    size_t size = fread(data, 1, sizeof data, in);
    ck_assert_uint_lt(size, sizeof data);
    ck_assert_uint_eq(fwrite(data, 1, size, out), size);
    ck_assert_int_eq(fclose(in), 0);
    ck_assert_int_eq(fclose(out), 0);
}

/* folder must be there; killed: with the log that a killed process left, instead of none. */
static inline void queue_v1_copy(const char *folder, bool killed)
{
    char to[512];
    (void)snprintf(to, sizeof to, "%s/queue.db", folder);
    queue_v1_copy_file(QUEUE_V1_FOLDER "queue.db", to);
    (void)snprintf(to, sizeof to, "%s/queue.db-wal", folder);
    (void)remove(to);
    if (killed) {
        queue_v1_copy_file(QUEUE_V1_FOLDER "queue.db-wal", to);
    }
    (void)snprintf(to, sizeof to, "%s/queue.db-shm", folder);
    (void)remove(to);
}

#endif
