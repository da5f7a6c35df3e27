/* SPDX-License-Identifier: MIT */
/* See bench.h. */
#include "bench.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

double bench_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void bench_must(bcj2_status status, const char *what)
{
    if (BCJ2_FAILED(status)) {
        (void)fprintf(stderr, "%s: %s: %s\n", what, bcj2_status_name(status), bcj2_last_detail());
        exit(EXIT_FAILURE);
    }
}

void bench_check(int ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "%s: not as it should be\n", what);
        exit(EXIT_FAILURE);
    }
}

/* The processor's name; only Linux tells it in a file. */
static void processor(char *to, size_t size)
{
    char line[256];
    (void)snprintf(to, size, "processor not known");
    FILE *info = fopen("/proc/cpuinfo", "r");
    while (info != NULL && fgets(line, sizeof line, info) != NULL) {
        const char *value = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && value != NULL) {
            (void)snprintf(to, size, "%.*s", (int)strcspn(value + 2, "\n"), value + 2);
            break;
        }
    }
    if (info != NULL) {
        (void)fclose(info);
    }
}

void bench_title(const char *what, const char *folder)
{
    char name[128], when[32];
    struct utsname u;
    time_t now = time(NULL);
    struct tm utc;
    processor(name, sizeof name);
    bench_check(uname(&u) >= 0 && gmtime_r(&now, &utc) != NULL, "uname");
    (void)strftime(when, sizeof when, "%Y-%m-%d %H:%M UTC", &utc);
    (void)printf("%s\n  %s; %s, %ld processors; %s %s; in %s\n", what, when, name,
                 sysconf(_SC_NPROCESSORS_ONLN), u.sysname, u.release, folder);
    (void)fflush(stdout);
}

void bench_memory_folder(char to[FOLDER_PATH_SIZE], uint64_t bytes, const char *otherwise)
{
    static const char memory[] = "/dev/shm";
    struct statvfs room;
    bool fits = access(memory, W_OK) == 0 && statvfs(memory, &room) == 0 &&
                (uint64_t)room.f_bavail * room.f_frsize >= bytes;
    folder_in(to, fits ? memory : otherwise, "bcj2-XXXXXX");
    bench_check(mkdtemp(to) != NULL, to);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

void bench_pairs(const char *unit, double units, double (*bare)(void *user, int round),
                 double (*ours)(void *user, int round), void *user)
{
    double ratios[BENCH_PAIRS];
    for (int round = 0; round <= BENCH_PAIRS; round++) {
        double b = bare(user, round), o = ours(user, round);
        if (round == 0) {
            continue;
        }
        ratios[round - 1] = b / o;
        (void)printf("  pair %d: bare %9.1f %s/s (%.3f s), ours %9.1f %s/s (%.3f s), ratio %.3f\n",
                     round, units / b, unit, b, units / o, unit, o, b / o);
        (void)fflush(stdout);
    }
    qsort(ratios, BENCH_PAIRS, sizeof ratios[0], by_size);
    (void)printf("  median ratio %.3f, from %.3f to %.3f\n", ratios[BENCH_PAIRS / 2], ratios[0],
                 ratios[BENCH_PAIRS - 1]);
}
