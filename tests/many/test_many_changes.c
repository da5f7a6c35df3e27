/* SPDX-License-Identifier: MIT */
/* What one process does, the others see at once: the runner acts on it, those who wait wake up; with a
   runner and without, and also when the one who did it is killed before it could say so. How long it takes
   is printed, not judged. */
#include "../support/rig.h"
#include "many.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS 15

/* Who takes part; not all do in each test. */
static struct many mover, client, second, control, watcher;

static const char *const as_control[] = {"control", NULL};
static const char *const dies_at_send[] = {"dies-at-send", NULL};
static const char *const control_dies_at_send[] = {"control", "dies-at-send", NULL};

static void start(struct many *m, const char *const words[])
{
    many_start(m, rig_path("queue"), words);
}

static void prepare(void)
{
    mover = client = second = control = watcher = (struct many){.pid = 0};
    rig_prepare();
    rig_close();
    rig_make("source", 100000);
}

static void finish(void)
{
    many_stop(&watcher);
    many_stop(&control);
    many_stop(&second);
    many_stop(&client);
    many_stop(&mover);
    folder_remove(rig.folder);
}

/* ---- a server that never answers ---- */

static int listener;
static char url[2][64]; /* of two files there */

static void listen_somewhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(listener, 0);
    ck_assert_int_eq(fcntl(listener, F_SETFD, FD_CLOEXEC), 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 16), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(url[i], sizeof url[i], "http://127.0.0.1:%u/file%d",
                       (unsigned)ntohs(address.sin_port), i);
    }
}

static void await_readable(int fd, const char *what)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    ck_assert_msg(poll(&p, 1, MANY_PATIENCE_MS) == 1, "%s", what);
}

/* The next connection; it must ask for this file. */
static int accept_request(int file, uint64_t *ret_ns)
{
    char head[4096], path[32];
    size_t length = 0;
    await_readable(listener, "the runner does not connect");
    int fd = accept(listener, NULL, NULL);
    *ret_ns = many_now_ns();
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_SETFD, FD_CLOEXEC), 0);
    head[0] = '\0';
    while (strstr(head, "\r\n\r\n") == NULL) {
        await_readable(fd, "the runner sends no request");
        ssize_t n = recv(fd, head + length, sizeof head - 1 - length, 0);
        ck_assert_int_gt(n, 0);
        length += (size_t)n;
        head[length] = '\0';
    }
    (void)snprintf(path, sizeof path, " /file%d ", file);
    ck_assert_msg(strstr(head, path) != NULL, "not%sis asked for: %s", path, head);
    return fd;
}

/* Waits until the runner lets go of the connection. */
static uint64_t await_end(int fd)
{
    char byte;
    await_readable(fd, "the runner goes on");
    uint64_t at = many_now_ns();
    ck_assert_int_le(recv(fd, &byte, 1, 0), 0);
    (void)close(fd);
    return at;
}

/* ---- the runner acts ---- */

static const struct {
    const char *name;
    const char *const *words;
} callers[] = {{"another process", NULL}, {"a control-only process", as_control}};

START_TEST(the_runner_stops_and_starts_what_others_say)
{
    char what[96], id[BCJ2_GUID_TEXT_SIZE];
    uint64_t resumed[ROUNDS], suspended[ROUNDS], at;
    listen_somewhere();
    start(&mover, NULL);
    start(&client, callers[_i].words);
    many_create(&client, url[0], rig_path("source"), NULL, id);
    for (int i = 0; i < ROUNDS; i++) {
        struct many_did d = many_do(&client, "resume %s", id);
        int fd = accept_request(0, &at);
        resumed[i] = at - d.began_ns;
        d = many_do(&client, "suspend %s", id);
        suspended[i] = await_end(fd) - d.began_ns;
    }
    (void)snprintf(what, sizeof what, "resume in %s to the runner's connection", callers[_i].name);
    (void)many_print_ns(what, resumed, ROUNDS);
    (void)snprintf(what, sizeof what, "suspend in %s to the transfer's end", callers[_i].name);
    (void)many_print_ns(what, suspended, ROUNDS);
    (void)close(listener);
}
END_TEST

START_TEST(the_runner_follows_priorities_and_cancels)
{
    char one[BCJ2_GUID_TEXT_SIZE], two[BCJ2_GUID_TEXT_SIZE];
    uint64_t at;
    listen_somewhere();
    start(&mover, NULL);
    start(&client, callers[_i].words);
    many_create(&client, url[0], rig_path("source"), NULL, one);
    many_create(&mover, url[1], rig_path("source"), NULL, two);
    (void)many_do(&client, "priority %s %d", two, (int)BCJ2_JOB_PRIORITY_LOW);
    (void)many_do(&client, "resume %s", one);
    int first = accept_request(0, &at);
    (void)many_do(&client, "resume %s", two); /* waits: there is one place in the background */
    (void)many_do(&client, "priority %s %d", two, (int)BCJ2_JOB_PRIORITY_HIGH);
    (void)await_end(first);
    int next = accept_request(1, &at);
    (void)many_do(&client, "cancel %s", two);
    (void)await_end(next);
    first = accept_request(0, &at); /* its turn again */
    (void)many_do(&client, "cancel %s", one);
    (void)await_end(first);
    ck_assert_uint_eq(many_info(&mover).jobs, 0);
    (void)close(listener);
}
END_TEST

/* ---- killed before it could say so ---- */

static const char *const *const mortals[] = {dies_at_send, control_dies_at_send};

START_TEST(a_change_counts_though_its_author_was_killed)
{
    char id[BCJ2_GUID_TEXT_SIZE];
    uint64_t at;
    listen_somewhere();
    start(&mover, NULL);
    start(&watcher, NULL);
    many_create(&mover, url[0], rig_path("source"), NULL, id);
    /* to start it, and to stop it */
    start(&client, mortals[_i]);
    many_order(&client, "arm %s", id);
    ck_assert_str_eq(many_answer(&client), "armed");
    many_order(&client, "resume %s", id);
    many_killed(&client);
    int fd = accept_request(0, &at);
    start(&client, mortals[_i]);
    many_order(&client, "arm %s", id);
    ck_assert_str_eq(many_answer(&client), "armed");
    many_order(&watcher, "wait %s %u -1", id, STATE(SUSPENDED));
    many_order(&client, "suspend %s", id);
    many_killed(&client);
    (void)await_end(fd);
    struct many_did d = many_did(&watcher); /* others hear of it, too */
    assert_status(d.status, BCJ2_OK);
    (void)close(listener);
}
END_TEST

/* ---- those who wait wake up ---- */

static void measure(const char *what, struct many *from, struct many *to, const char *id)
{
    uint64_t took[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        (void)many_do(to, "look");
        many_order(to, "change -1");
        struct many_did made = many_do(from, "describe %s text%d", id, i);
        struct many_did heard = many_did(to);
        assert_status(heard.status, BCJ2_OK);
        took[i] = heard.ended_ns > made.ended_ns ? heard.ended_ns - made.ended_ns : 0;
    }
    (void)many_print_ns(what, took, ROUNDS);
}

START_TEST(who_waits_hears_of_changes_elsewhere)
{
    char id[BCJ2_GUID_TEXT_SIZE];
    start(&mover, NULL);
    start(&client, NULL);
    start(&second, NULL);
    start(&control, as_control);
    many_create(&mover, "http://127.0.0.1:1/", rig_path("source"), NULL, id);
    measure("a change in the runner, heard by another process", &mover, &client, id);
    measure("a change in another process, heard by the runner", &client, &mover, id);
    measure("a change in one other process, heard by another", &client, &second, id);
    measure("a change in a control-only process, heard by another", &control, &client, id);
    measure("a change in another process, heard by a control-only one", &client, &control, id);
    /* nothing more happens: nobody is told of anything */
    (void)many_do(&second, "look");
    many_order(&second, "change 100");
    assert_status(many_did(&second).status, BCJ2_S_FALSE);
}
END_TEST

START_TEST(who_waits_hears_of_changes_without_a_runner)
{
    char id[BCJ2_GUID_TEXT_SIZE];
    start(&control, as_control);
    start(&watcher, as_control);
    many_create(&control, "http://127.0.0.1:1/", rig_path("source"), NULL, id);
    measure("without a runner: a change, heard by another process", &control, &watcher, id);
    /* the last runner has gone meanwhile, and it is the same again */
    start(&mover, NULL);
    many_await_runner_pid(&watcher, mover.pid);
    many_await_runner_pid(&control, mover.pid);
    measure("with a runner: a change, heard by another process", &control, &watcher, id);
    many_kill(&mover);
    many_await_runner_pid(&watcher, 0);
    measure("after its end: a change, heard by another process", &watcher, &control, id);
}
END_TEST

/* ---- a job that one process made, another ran and a third completes ---- */

START_TEST(a_job_is_everybodys)
{
    char id[BCJ2_GUID_TEXT_SIZE];
    const struct fault_plan stall = {.kind = FAULT_STALL,
                                     .direction = FAULT_TO_SERVER,
                                     .after = 1000000};
    struct many *all[] = {&mover, &client, &control};
    folder_remove(rig.folder); /* one with a server instead */
    rig_start(NULL, RIG_APPLICATION);
    rig_close();
    rig_proxy();
    rig_make("source", 2000000);
    rig_make("answer", 70000);
    fault_proxy_plan(rig.proxy, &stall, 1);
    start(&mover, NULL);
    start(&client, NULL);
    start(&control, as_control);
    many_create(&client, rig_url(), rig_path("source"), rig_path("out/reply"), id);
    (void)many_do(&control, "resume %s", id);
    ck_assert(fault_proxy_wait_faults(rig.proxy, 1));
    for (int i = 0; i < 3; i++) {
        unsigned long long uploaded = 0;
        while (uploaded == 0) {
            many_order(all[i], "progress %s", id);
            ck_assert_int_eq(sscanf(many_answer(all[i]), "progress %llu", &uploaded), 1);
        }
        ck_assert_uint_le(uploaded, 1000000);
        ck_assert_int_eq(many_do(all[i], "wait %s %u 0", id, STATE(TRANSFERRING)).state,
                         BCJ2_JOB_STATE_TRANSFERRING);
        many_order(all[i], "wait %s %u -1", id, STATE(TRANSFERRED) | STATE(ERROR));
    }
    fault_proxy_release(rig.proxy);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(many_did(all[i]).state, BCJ2_JOB_STATE_TRANSFERRED);
    }
    many_order(&mover, "wait %s %u -1", id, STATE(ACKNOWLEDGED));
    many_order(&client, "wait %s %u -1", id, STATE(ACKNOWLEDGED));
    (void)many_do(&control, "complete %s", id);
    client_assert_same(rig_path("answer"), rig_path("out/reply"));
    assert_status(many_did(&mover).status, BCJ2_OK);
    assert_status(many_did(&client).status, BCJ2_OK);
    rig_assert_clean();
    fault_proxy_stop(rig.proxy);
    server_stop(rig.server);
}
END_TEST

/* ---- who is it ---- */

static void expect_info(struct many *m, pid_t pid)
{
    struct many_info info = many_info(m);
    ck_assert_int_eq(info.runner_pid, (long)pid);
    ck_assert_int_eq(info.is_runner, m->pid == pid);
}

START_TEST(all_know_who_moves_the_bytes)
{
    start(&control, as_control);
    expect_info(&control, 0);
    start(&mover, NULL);
    expect_info(&mover, mover.pid); /* at once, as are the next */
    start(&client, NULL);
    expect_info(&client, mover.pid);
    start(&watcher, as_control);
    expect_info(&watcher, mover.pid);
    many_await_runner_pid(&control, mover.pid);
    many_kill(&mover);
    many_await_runner_pid(&client, client.pid);
    expect_info(&client, client.pid);
    many_await_runner_pid(&control, client.pid);
    many_await_runner_pid(&watcher, client.pid);
    many_stop(&client); /* in order, this time */
    many_await_runner_pid(&control, 0);
    many_await_runner_pid(&watcher, 0);
    expect_info(&watcher, 0);
}
END_TEST

/* ---- fork without exec ---- */

static struct many *const parents[] = {&mover, &client, &control};

START_TEST(a_forked_child_harms_nobody)
{
    char id[BCJ2_GUID_TEXT_SIZE];
    long child = 0;
    int outcome = -1;
    struct many *parent = parents[_i];
    start(&mover, NULL);
    start(&client, NULL);
    start(&control, as_control);
    start(&second, NULL);
    many_create(&mover, "http://127.0.0.1:1/", rig_path("source"), NULL, id);
    many_order(parent, "fork %s", id);
    ck_assert_int_eq(sscanf(many_answer(parent), "child %ld %d", &child, &outcome), 2);
    ck_assert_msg(outcome == 0, "call %d of the child did not say BCJ2_E_CLOSED", outcome);
    /* the parent goes on, in both directions */
    measure("a change in a process that has forked", parent, &second, id);
    measure("a change, heard by a process that has forked", &second, parent, id);
    expect_info(parent, mover.pid);
    /* and its death is seen, and its locks are free, though the child lives */
    int in = fcntl(parent->in, F_DUPFD_CLOEXEC, 0), out = fcntl(parent->out, F_DUPFD_CLOEXEC, 0);
    ck_assert(in >= 0 && out >= 0);
    many_kill(parent);
    struct many *next = parent == &mover ? NULL : &mover;
    if (next == NULL) {
        struct many list[] = {client, second};
        next = many_next_runner(list, 2) == 0 ? &client : &second;
    }
    many_await_runner_pid(&second, next->pid);
    (void)many_do(&second, "suspend %s", id);
    start(parent, parent == &control ? as_control : NULL);
    expect_info(parent, next->pid);
    struct pollfd lives = {.fd = out, .events = POLLIN};
    ck_assert_int_eq(poll(&lives, 1, 0), 0);
    (void)close(in); /* the child's sign to end */
    await_readable(out, "the child does not end");
    (void)close(out);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "changes", 120);
    tcase_add_checked_fixture(tc, prepare, finish);
    tcase_add_loop_test(tc, the_runner_stops_and_starts_what_others_say, 0, 2);
    tcase_add_loop_test(tc, the_runner_follows_priorities_and_cancels, 0, 2);
    tcase_add_loop_test(tc, a_change_counts_though_its_author_was_killed, 0, 2);
    tcase_add_test(tc, who_waits_hears_of_changes_elsewhere);
    tcase_add_test(tc, who_waits_hears_of_changes_without_a_runner);
    tcase_add_test(tc, a_job_is_everybodys);
    tcase_add_test(tc, all_know_who_moves_the_bytes);
    tcase_add_loop_test(tc, a_forked_child_harms_nobody, 0, 3);
}

SUITE_MAIN("many_changes", add_cases)
