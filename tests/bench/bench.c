/* SPDX-License-Identifier: MIT */
/* See bench.h. */
#include "bench.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

static void copy_file(const char *from, const char *to)
{
    static char block[65536];
    ssize_t n = 0;
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_EXCL, 0600);
    bench_check(in >= 0 && out >= 0, to);
    while ((n = read(in, block, sizeof block)) > 0) {
        bench_check(write(out, block, (size_t)n) == n, to);
    }
    bench_check(n == 0 && fsync(out) == 0, from);
    (void)close(in);
    (void)close(out);
}

void bench_copy_folder(const char *from, const char *to)
{
    struct stat st;
    char in[FOLDER_PATH_SIZE], out[FOLDER_PATH_SIZE];
    bench_check(mkdir(to, 0700) == 0, to);
    DIR *dir = opendir(from);
    bench_check(dir != NULL, from);
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        folder_in(in, from, e->d_name);
        folder_in(out, to, e->d_name);
        if (stat(in, &st) == 0 && S_ISREG(st.st_mode)) {
            copy_file(in, out);
        }
    }
    (void)closedir(dir);
}

void bench_put_away(const char *path)
{
    static unsigned number;
    char to[FOLDER_PATH_SIZE];
    bench_check(snprintf(to, sizeof to, "%s-%u", path, number++) < (int)sizeof to, path);
    bench_check(rename(path, to) == 0, path);
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
