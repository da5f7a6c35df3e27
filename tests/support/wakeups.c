/* SPDX-License-Identifier: MIT */
/* See wakeups.h. */
#define _POSIX_C_SOURCE 200809L
#include "wakeups.h"
#include "sanitizer.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define PATH_SIZE  128
#define SETTLED_MS 250 /* without a switch for so long: what was begun is done */
#define SETTLE_WITHIN_MS \
    20000 /* a loaded machine may need some time to let a thread end its work */

bool wakeups_are_counted(void)
{
    if (access("/proc/self/task", R_OK) != 0) {
        (void)printf("not checked: only Linux counts the context switches of another process's "
                     "threads in /proc\n");
        return false;
    }
    if (SANITIZER[0] != '\0') {
        (void)printf("not checked: %s may have a thread of its own that wakes up\n", SANITIZER);
        return false;
    }
    return true;
}

static void add_thread(struct wakeups *w, const char *tasks, const char *id)
{
    char path[PATH_SIZE], line[256];
    unsigned long long n = 0;
    (void)snprintf(path, sizeof path, "%s/%.32s/status", tasks, id);
    FILE *status = fopen(path, "r");
    ck_assert_msg(status != NULL, "%s cannot be read", path);
    while (fgets(line, sizeof line, status) != NULL) {
        if (sscanf(line, "voluntary_ctxt_switches: %llu", &n) == 1 ||
            sscanf(line, "nonvoluntary_ctxt_switches: %llu", &n) == 1) {
            w->switches += n;
        }
    }
    (void)fclose(status);
    w->threads++;
}

struct wakeups wakeups_of(const pid_t pids[], size_t count)
{
    struct wakeups w = {0};
    for (size_t i = 0; i < count; i++) {
        char tasks[64];
        (void)snprintf(tasks, sizeof tasks, "/proc/%ld/task", (long)pids[i]);
        DIR *dir = opendir(tasks);
        ck_assert_ptr_nonnull(dir);
        for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
            if (entry->d_name[0] != '.') {
                add_thread(&w, tasks, entry->d_name);
            }
        }
        (void)closedir(dir);
    }
    return w;
}

void wakeups_pass(long milliseconds)
{
    const struct timespec t = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

struct wakeups wakeups_settled(const pid_t pids[], size_t count)
{
    struct wakeups before = wakeups_of(pids, count);
    for (int ms = 0; ms < SETTLE_WITHIN_MS; ms += SETTLED_MS) {
        wakeups_pass(SETTLED_MS);
        struct wakeups now = wakeups_of(pids, count);
        if (now.switches == before.switches && now.threads == before.threads) {
            return now;
        }
        before = now;
    }
    ck_abort_msg("the processes did not come to rest within %d ms", SETTLE_WITHIN_MS);
    return before;
}
