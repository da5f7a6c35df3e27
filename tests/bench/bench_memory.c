/* SPDX-License-Identifier: MIT */
/* The most memory that a client takes, for a small and a large file: a process for each. That the two
   are the same is a test, too (tests/net/test_memory.c). */
#include "../support/job_process.h"
#include "bench.h"
#include "server_process.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void measure(const char *folder, const char *data, const char *name, bcj2_job_type type,
                    const char *application)
{
    static const uint64_t sizes[] = {UINT64_C(1) << 20, UINT64_C(1) << 30};
    char root[FOLDER_PATH_SIZE], queue[FOLDER_PATH_SIZE], source[FOLDER_PATH_SIZE];
    char reply[FOLDER_PATH_SIZE], url[FOLDER_PATH_SIZE];
    folder_in(queue, folder, "queue");
    folder_in(root, data, "root");
    folder_in(source, data, "source");
    folder_in(reply, data, "reply");
    bench_check(mkdir(root, 0700) == 0, root);
    struct server_process server =
        server_process_start(root, application, "{\"BITSAllowOverwrites\": true}");
    (void)snprintf(url, sizeof url, "%sup", server.url);
    (void)printf("  %-13s", name);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        folder_file(source, sizes[i]);
        uint64_t peak = job_process_peak(queue, type, source, url, reply);
        (void)printf("  %" PRIu64 " MiB: %.1f MiB of memory", sizes[i] >> 20, (double)peak / 1024);
        bench_check(unlink(source) == 0, source);
        (void)unlink(reply);
        folder_remove(queue);
    }
    (void)printf("\n");
    server_process_stop(&server);
    folder_remove(root);
}

int main(void)
{
    char folder[FOLDER_PATH_SIZE], data[FOLDER_PATH_SIZE];
    folder_make(folder);
    bench_memory_folder(data, UINT64_C(5) << 30, folder);
    bench_title("Peak memory of the client, the program included", folder);
    measure(folder, data, "upload", BCJ2_JOB_TYPE_UPLOAD, NULL);
    measure(folder, data, "upload-reply", BCJ2_JOB_TYPE_UPLOAD_REPLY, "/bin/cat");
    folder_remove(data);
    folder_remove(folder);
    return EXIT_SUCCESS;
}
