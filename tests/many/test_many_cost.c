/* SPDX-License-Identifier: MIT */
/* What many processes on one queue cost: nothing while nobody does anything, and little waiting while all of
   them write. Times are printed, not judged. */
#include "../support/rig.h"
#include "../support/sanitizer.h"
#include "../support/wakeups.h"
#include "many.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const as_control[] = {"control", NULL};

static void prepare(void)
{
    rig_prepare();
    rig_close();
    rig_make("source", 1000);
}

static void clean_up(void)
{
    folder_remove(rig.folder);
}

/* ---- idle ---- */

#define PROCESSES      16
#define SUSPENDED_JOBS 50
#define RETRYING_JOBS  5
#define IDLE_MS        5000

/* A port that refuses connections for as long as the descriptor is open: bound, not listening. */
static int refusing_port(char url[64])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    (void)snprintf(url, 64, "http://127.0.0.1:%u/a", (unsigned)ntohs(address.sin_port));
    return fd;
}

/* Each process makes some: jobs that nobody has resumed, and jobs that wait long for their next attempt. */
static void fill_queue(struct many *list, int ports[RETRYING_JOBS])
{
    char id[BCJ2_GUID_TEXT_SIZE], url[64];
    for (int i = 0; i < RETRYING_JOBS; i++) {
        struct many *m = &list[i % PROCESSES];
        ports[i] = refusing_port(
            url); /* each its own: others of a dead server would wait for their turn */
        many_create(m, url, rig_path("source"), NULL, id);
        (void)many_do(m, "retry %s 3600", id);
        (void)many_do(m, "resume %s", id);
        (void)many_do(m, "wait %s %u -1", id, STATE(TRANSIENT_ERROR));
    }
    for (int i = 0; i < SUSPENDED_JOBS; i++) {
        many_create(&list[i % PROCESSES], url, rig_path("source"), NULL, id);
    }
}

/* With a runner among them, and with none. */
START_TEST(idle_processes_are_not_woken)
{
    struct many list[PROCESSES];
    pid_t pids[PROCESSES];
    int ports[RETRYING_JOBS];
    if (!wakeups_are_counted()) {
        return;
    }
    bool with_runner = _i == 0;
    for (int i = 0; i < PROCESSES; i++) {
        many_start(&list[i], rig_path("queue"), i % 5 == 4 || !with_runner ? as_control : NULL);
        pids[i] = list[i].pid;
    }
    if (with_runner) {
        fill_queue(list, ports);
    }
    for (int i = 1; i < PROCESSES; i += 4) {
        (void)many_do(&list[i], "look");
        many_order(&list[i], "change -1"); /* some wait for something to happen */
    }
    struct wakeups before = wakeups_settled(pids, PROCESSES);
    wakeups_pass(with_runner ? IDLE_MS : IDLE_MS / 5);
    struct wakeups after = wakeups_of(pids, PROCESSES);
    ck_assert_uint_ge(before.threads, (uint64_t)PROCESSES * 2); /* all their engines were there */
    ck_assert_msg(after.switches == before.switches, "%llu wake-ups in %d idle processes",
                  (unsigned long long)(after.switches - before.switches), PROCESSES);
    char id[BCJ2_GUID_TEXT_SIZE];
    many_create(&list[0], "http://127.0.0.1:1/", rig_path("source"), NULL,
                id); /* and all wake up when there is */
    for (int i = 1; i < PROCESSES; i += 4) {
        assert_status(many_did(&list[i]).status, BCJ2_OK);
    }
    for (int i = 0; i < PROCESSES; i++) {
        many_stop(&list[i]);
    }
    for (int i = 0; with_runner && i < RETRYING_JOBS; i++) {
        (void)close(ports[i]);
    }
}
END_TEST

/* ---- all of them write ---- */

#define WRITERS    8
#define WRITING_MS (client_long() ? 30000 : 2000)
#define MOST_CALLS ((size_t)4 << 20)

static size_t read_numbers(const char *path, uint64_t *to, size_t room)
{
    uint32_t us;
    size_t count = 0;
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    while (count < room && fread(&us, sizeof us, 1, f) == 1) {
        to[count++] = (uint64_t)us * 1000u;
    }
    (void)fclose(f);
    return count;
}

START_TEST(all_writers_get_their_turn)
{
    struct many list[WRITERS];
    char id[WRITERS][BCJ2_GUID_TEXT_SIZE], name[16], what[64];
    uint64_t *took = malloc(MOST_CALLS * sizeof *took);
    size_t count = 0, fewest = SIZE_MAX;
    ck_assert_ptr_nonnull(took);
    for (int i = 0; i < WRITERS; i++) {
        many_start(&list[i], rig_path("queue"), i % 4 == 3 ? as_control : NULL);
        many_create(&list[i], "http://127.0.0.1:1/", rig_path("source"), NULL, id[i]);
    }
    for (int i = 0; i < WRITERS; i++) {
        (void)snprintf(name, sizeof name, "took%d", i);
        many_order(&list[i], "write %s %d %s", id[i], WRITING_MS, rig_path(name));
    }
    for (int i = 0; i < WRITERS; i++) {
        struct many_did d = many_did(&list[i]);
        ck_assert_msg(d.status == BCJ2_OK, "a writer failed: %s", bcj2_status_name(d.status));
        (void)snprintf(name, sizeof name, "took%d", i);
        size_t calls = read_numbers(rig_path(name), took + count, MOST_CALLS - count);
        fewest = calls < fewest ? calls : fewest;
        count += calls;
    }
    ck_assert_uint_gt(fewest, 0);
    (void)snprintf(what, sizeof what, "a call among %d writers (the slowest made %zu)", WRITERS,
                   fewest);
    (void)many_print_ns(what, took, count);
    for (int i = 0; i < WRITERS; i++) {
        many_stop(&list[i]);
    }
    free(took);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "cost", 300);
    tcase_add_checked_fixture(tc, prepare, clean_up);
    tcase_add_loop_test(tc, idle_processes_are_not_woken, 0, 2);
    tcase_add_test(tc, all_writers_get_their_turn);
}

SUITE_MAIN("many_cost", add_cases)
