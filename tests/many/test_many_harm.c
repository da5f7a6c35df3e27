/* SPDX-License-Identifier: MIT */
/* Somebody of the same user does harm at the runner's socket, while a job is transferred: it comes to its end,
   every process hears of it, and afterwards the runner holds no more than before. */
#include "../support/rig.h"
#include "../support/sanitizer.h"
#include "many.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CROWD          1100
#define FRAME_BYTES    20
#define MAY_GROW_BYTES (UINT64_C(24) << 20)

/* Little patience with who does not read, and so few descriptors that a crowd could take them all. */
static const char *const as_runner[] = {"quick", "descriptors=256", NULL};

static struct many mover, client, late;
static int fds[CROWD];
static size_t fd_count;

/* ---- the peer ---- */

static void join(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length =
        snprintf(address.sun_path, sizeof address.sun_path, "%s", rig_path("queue/runner.sock"));
    ck_assert_msg(length > 0 && (size_t)length < sizeof address.sun_path,
                  "the path of TMPDIR is too long for this test");
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_SETFD, FD_CLOEXEC), 0);
    /* waits while too many others wait to be let in */
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    fds[fd_count++] = fd;
}

static void join_all(size_t count)
{
    while (fd_count < count) {
        join();
    }
}

static void leave(void)
{
    while (fd_count > 0) {
        (void)close(fds[--fd_count]);
    }
}

static void say(int fd, const void *data, size_t size)
{
    (void)!write(fd, data, size); /* it may have been thrown out */
}

/* "look into the store", in the link's own words. */
static void put_change(uint8_t frame[FRAME_BYTES], uint64_t change)
{
    static const uint8_t head[12] = {'B', 'J', '2', 'L', 1};
    memcpy(frame, head, sizeof head);
    for (int i = 0; i < 8; i++) {
        frame[12 + i] = (uint8_t)(change >> 8 * i);
    }
}

/* ---- the kinds of harm: each begins before the job and lasts until it is over ---- */

static void send_rubbish(const char *id)
{
    for (size_t i = 0; i < 200; i++) {
        join();
        say(fds[i], "GET / HTTP/1.1\r\nHost: runner\r\n\r\n", 32);
    }
}

static void send_halves(const char *id)
{
    join_all(100);
    for (size_t i = 0; i < fd_count; i++) {
        say(fds[i], "BJ2L\1\0\0\0\0\20", 10);
    }
}

/* There is more to tell them than fits in their sockets. */
static void never_read(const char *id)
{
    join_all(60);
    (void)many_do(&client, "write %s 1000 %s", id, rig_path("took"));
}

static void be_a_crowd(const char *id)
{
    join_all(CROWD);
}

static void come_and_go(const char *id)
{
    for (int i = 0; i < 20; i++) {
        join_all(100);
        leave();
    }
}

static atomic_bool flooding;

/* Two who say all the time that something has changed. */
static void *flood(void *unused)
{
    static uint8_t frames[1000][FRAME_BYTES];
    for (uint64_t change = 1; atomic_load(&flooding); change += 1000) {
        struct pollfd polls[2] = {{.fd = fds[0], .events = POLLOUT},
                                  {.fd = fds[1], .events = POLLOUT}};
        for (size_t i = 0; i < 1000; i++) {
            put_change(frames[i], (UINT64_C(1) << 40) + change + i);
        }
        for (size_t i = 0; i < 2; i++) {
            /* whole frames as a rule; half a one is rubbish, and then others must do it */
            say(fds[i], frames, sizeof frames);
        }
        (void)poll(polls, 2, 10);
    }
    return NULL;
}

static pthread_t flooder;

static void begin_flood(const char *id)
{
    join_all(2);
    atomic_store(&flooding, true);
    ck_assert_int_eq(pthread_create(&flooder, NULL, flood, NULL), 0);
}

static const struct {
    const char *name;
    void (*begin)(const char *id);
} harms[] = {
    {"rubbish", send_rubbish}, {"half frames", send_halves},      {"who never reads", never_read},
    {"a flood", begin_flood},  {"coming and going", come_and_go}, {"a crowd", be_a_crowd},
};

static void end_harm(void)
{
    if (atomic_exchange(&flooding, false)) {
        ck_assert_int_eq(pthread_join(flooder, NULL), 0);
    }
    leave();
}

/* ---- what the runner holds ---- */

/* 0: this system does not say. */
static unsigned open_descriptors(pid_t pid)
{
    char path[64];
    unsigned count = 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/fd", (long)pid);
    DIR *d = opendir(path);
    while (d != NULL && readdir(d) != NULL) {
        count++;
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    return count;
}

static uint64_t memory_of(pid_t pid)
{
    char path[64], line[128];
    unsigned long long kib = 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        (void)sscanf(line, "VmRSS: %llu", &kib);
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return kib * 1024;
}

static void expect_no_more(unsigned descriptors, uint64_t memory)
{
    uint64_t began = many_now_ns();
    while (open_descriptors(mover.pid) > descriptors) {
        ck_assert_msg(many_now_ns() - began < UINT64_C(20000000000),
                      "the runner has %u descriptors, it had %u", open_descriptors(mover.pid),
                      descriptors);
        (void)poll(NULL, 0, 5);
    }
    if (SANITIZER[0] == '\0') {
        ck_assert_uint_le(memory_of(mover.pid), memory + MAY_GROW_BYTES);
    }
}

/* ---- */

static void prepare(void)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < 2 * CROWD) {
        limit.rlim_cur = limit.rlim_max < 2 * CROWD ? limit.rlim_max : 2 * CROWD;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    mover = client = late = (struct many){.pid = 0};
    rig_start(NULL, RIG_APPLICATION);
    rig_close();
    rig_make("source", 3000000);
    rig_make("answer", 200000);
    many_start(&mover, rig_path("queue"), as_runner);
    many_start(&client, rig_path("queue"), NULL);
}

static void finish(void)
{
    many_stop(&late);
    many_stop(&client);
    many_stop(&mover);
    rig_stop();
}

/* Made by one process, seen through by the runner, completed by the first. */
static void transfer(struct many *m, const char *id)
{
    (void)many_do(m, "resume %s", id);
    struct many_did d = many_do(m, "wait %s %u -1", id, STATE(TRANSFERRED) | STATE(ERROR));
    ck_assert_int_eq(d.state, BCJ2_JOB_STATE_TRANSFERRED);
    (void)many_do(m, "complete %s", id);
    client_assert_same(rig_path("answer"), rig_path("out/reply"));
    ck_assert_int_eq(unlink(rig_path("out/reply")), 0);
}

static void create(struct many *m, char id[BCJ2_GUID_TEXT_SIZE])
{
    many_create(m, rig_url(), rig_path("source"), rig_path("out/reply"), id);
}

START_TEST(transfers_go_on)
{
    char id[BCJ2_GUID_TEXT_SIZE], other[BCJ2_GUID_TEXT_SIZE];
    create(&client, id);
    transfer(&client, id); /* what is made once is there now */
    unsigned descriptors = open_descriptors(mover.pid);
    uint64_t memory = memory_of(mover.pid);
    create(&client, id);
    create(&client, other);
    harms[_i].begin(other);
    transfer(&client, id);
    /* who comes now is heard too, and hears */
    many_start(&late, rig_path("queue"), NULL);
    ck_assert_int_eq(many_info(&late).runner_pid, (long)mover.pid);
    uint64_t began = many_now_ns();
    create(&late, id);
    transfer(&late, id);
    printf("%s: a job of a process that came later took %.0f ms\n", harms[_i].name,
           (double)(many_now_ns() - began) / 1e6);
    ck_assert_int_eq(many_info(&mover).is_runner, 1);
    end_harm();
    many_stop(&late);
    expect_no_more(descriptors, memory);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "harm", 200);
    tcase_add_checked_fixture(tc, prepare, finish);
    tcase_add_loop_test(tc, transfers_go_on, 0, (int)(sizeof harms / sizeof harms[0]));
}

SUITE_MAIN("many_harm", add_cases)
