/* SPDX-License-Identifier: MIT */
/* link: the election and what is said, with all links in one process. Not here: other processes, their
   death, forks (test_link_processes.c), peers who break the rules (test_link_peers.c). */
#include "detail.h"
#include "limit.h"
#include "link_rig.h"
#include "macro.h"
#include "mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void read_text(const char *path, char *text, size_t size)
{
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(text, 1, size - 1, f);
    text[n] = '\0';
    (void)fclose(f);
}

static void expect_our_pid(void)
{
    char pid[32], text[32];
    (void)snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    read_text(rig_path("runner.lock"), text, sizeof text);
    ck_assert_str_eq(text, pid);
}

static bool is(const struct side *s, enum link_role role)
{
    return bcj2__link_role(s->l) == role;
}

/* Nothing to do by time: an idle process sleeps. */
static bool sleeps(const struct side *s)
{
    return bcj2__link_deadline(s->l) == UINT64_MAX;
}

/* ---- election ---- */

START_TEST(alone_it_is_the_runner_at_once)
{
    struct side *a = rig_open(false);
    struct stat st;
    ck_assert(is(a, LINK_RUNNER));
    ck_assert_int_eq(bcj2__link_runner_pid(a->l), getpid());
    expect_our_pid();
    ck_assert_int_eq(lstat(rig_path("runner.sock"), &st), 0);
    ck_assert(S_ISSOCK(st.st_mode));
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert_int_ne(access(rig_path("runner.sock.new"), F_OK), 0);
    rig_quiet();
    ck_assert_int_eq(a->runner, 1);
    ck_assert_int_eq(a->client + a->alone + a->changed, 0);
    ck_assert(sleeps(a));
    rig_close(a);
    ck_assert_int_ne(access(rig_path("runner.sock"), F_OK), 0);
    ck_assert_ptr_null(bcj2__link_close(NULL));
}
END_TEST

START_TEST(the_second_is_a_client)
{
    struct side *a = rig_open(false), *b = rig_open(false);
    until(b->client == 1);
    ck_assert(is(b, LINK_CLIENT));
    ck_assert_int_eq(bcj2__link_runner_pid(b->l), getpid());
    ck_assert_int_eq(b->runner + b->alone, 0);
    rig_quiet();
    ck_assert(sleeps(a) && sleeps(b));
    rig_close(b);
    until(a->gone == 1);
    ck_assert_uint_eq(a->gone_peer, 1);
}
END_TEST

#define MANY 24

static struct side *many[MANY];

static void open_many(void)
{
    for (int i = 0; i < MANY; i++) {
        many[i] = rig_open(false);
    }
    for (int i = 1; i < MANY; i++) {
        until(many[i]->client == 1);
    }
    rig_quiet();
}

/* Has each of those from `first` on found its role, one of them the runner? */
static bool elected(int first)
{
    int runners = 0, clients = 0;
    for (int i = first; i < MANY; i++) {
        runners += is(many[i], LINK_RUNNER);
        clients += is(many[i], LINK_CLIENT);
    }
    ck_assert_int_le(runners, 1);
    return runners == 1 && clients == MANY - first - 1;
}

START_TEST(when_the_runner_goes_another_is_elected)
{
    open_many();
    rig_close(many[0]);
    until(elected(1));
    rig_quiet();
    for (int i = 1; i < MANY; i++) {
        ck_assert_int_eq(many[i]->alone, 1);
        ck_assert_int_eq(many[i]->runner, is(many[i], LINK_RUNNER));
        ck_assert_int_eq(many[i]->client, is(many[i], LINK_RUNNER) ? 1 : 2);
        ck_assert(sleeps(many[i]));
    }
}
END_TEST

/* A socket file whose process died: nobody listens. */
static void make_stale_socket(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", rig_path(name));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    (void)close(fd);
}

START_TEST(what_a_dead_runner_left_is_replaced)
{
    make_stale_socket("runner.sock");
    make_stale_socket("runner.sock.new");
    struct side *control = rig_open(true);
    until(is(control, LINK_ALONE) && sleeps(control)); /* after a few tries */
    struct side *a = rig_open(false);
    ck_assert(is(a, LINK_RUNNER));
    until(control->client == 1);
}
END_TEST

START_TEST(a_removed_lock_file_elects_nobody)
{
    struct side *a = rig_open(false), *b = rig_open(false);
    until(b->client == 1); /* b has the lock file open */
    ck_assert_int_eq(unlink(rig_path("runner.lock")), 0);
    rig_close(a);
    until(b->runner == 1);
    expect_our_pid();
    struct side *c = rig_open(false);
    until(c->client == 1);
}
END_TEST

START_TEST(a_removed_lock_file_makes_no_second_runner)
{
    struct side *a = rig_open(false);
    ck_assert_int_eq(unlink(rig_path("runner.lock")), 0);
    struct side *b = rig_open(false), *c = rig_open(false);
    until(b->client == 1 && c->client == 1);
    ck_assert(is(a, LINK_RUNNER));
    ck_assert_int_eq(b->runner + c->runner, 0);
    rig_close(a);
    until(b->runner + c->runner == 1 && b->client + c->client == 3);
}
END_TEST

static bool is_there(const char *name)
{
    return access(rig_path(name), F_OK) == 0;
}

START_TEST(the_runner_makes_its_names_again)
{
    struct side *a = rig_open(false);
    rig_quiet();
    ck_assert_int_eq(unlink(rig_path("runner.lock")), 0);
    ck_assert_int_eq(unlink(rig_path("runner.sock")), 0);
    bcj2__link_look(a->l);
    ck_assert(!is_there("runner.lock") && !is_there("runner.sock")); /* the folder may go, too */
    ck_assert(!sleeps(a));
    until(is_there("runner.lock") && is_there("runner.sock"));
    expect_our_pid();
    struct side *b = rig_open(false), *control = rig_open(true);
    until(b->client == 1 && control->client == 1);
    ck_assert(is(a, LINK_RUNNER));
    ck_assert_int_eq(a->alone + b->runner, 0);
    rig_quiet();
    bcj2__link_look(a->l);
    ck_assert(sleeps(a));
    rig_close(a); /* it knows that they are its own */
    until(b->runner == 1 && control->client == 2);
}
END_TEST

START_TEST(a_runner_whose_names_another_took_steps_down)
{
    struct side *a = rig_open(false), *client = rig_open(false);
    until(client->client == 1);
    ck_assert_int_eq(unlink(rig_path("runner.lock")), 0);
    ck_assert_int_eq(unlink(rig_path("runner.sock")), 0);
    struct side *b = rig_open(false);
    ck_assert(is(b, LINK_RUNNER));
    bcj2__link_look(a->l);
    ck_assert(is(a, LINK_ALONE));
    until(a->client == 1 && client->client == 2);
    ck_assert_int_eq(a->alone, 1);
    ck_assert(is(b, LINK_RUNNER));
    ck_assert(is_there("runner.sock"));
}
END_TEST

START_TEST(paths_of_any_length)
{
    char whole[FOLDER_PATH_SIZE];
    (void)snprintf(whole, sizeof whole, "%s", rig_folder);
    /* around the 104 and 108 bytes of an address, with and without "/runner.sock" and ".new" */
    for (size_t length = 84; length < 300; length += length < 112 ? 1 : 40) {
        size_t at = strlen(whole);
        while (at < length) { /* no component beyond 255 bytes */
            size_t part = MIN(length - at, (size_t)100);
            if (length - at - part == 1) {
                part--; /* else a lone slash would be left */
            }
            rig_folder[at] = '/';
            memset(rig_folder + at + 1, 'p', part - 1);
            rig_folder[at + part] = '\0';
            ck_assert(mkdir(rig_folder, 0700) == 0 || errno == EEXIST);
            at += part;
        }
        ck_assert_uint_eq(strlen(rig_folder), length);
        struct side *a = rig_open(false), *b = rig_open(true);
        until(a->runner == 1 && b->client == 1);
        bcj2__link_ring(b->l, 9);
        until(a->change == 9);
        rig_close(a);
        until(b->alone == 1);
        rig_close(b);
        rig_folder[strlen(whole)] = '\0';
    }
}
END_TEST

/* ---- the doorbell ---- */

START_TEST(everybody_hears_of_a_change_but_who_made_it)
{
    open_many();
    bcj2__link_ring(many[5]->l, 41);
    rig_quiet();
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(many[i]->changed, i == 5 ? 0 : 1);
        ck_assert_uint_eq(many[i]->change, i == 5 ? 0 : 41);
    }
    bcj2__link_ring(many[0]->l, 42); /* the runner */
    rig_quiet();
    for (int i = 0; i < MANY; i++) {
        ck_assert_uint_eq(many[i]->change, i == 0 ? 41 : 42);
    }
}
END_TEST

START_TEST(who_does_not_look_hears_the_newest_only)
{
    struct side *a = rig_open(false), *b = rig_open(false);
    until(b->client == 1);
    rig_quiet();
    for (uint64_t n = 1; n <= 100000; n++) {
        bcj2__link_ring(a->l, n); /* far more than a socket holds */
    }
    ck_assert_int_eq(a->gone, 0);
    until(b->change == 100000);
    ck_assert_int_lt(b->changed, 5000);
    rig_quiet();
    ck_assert(is(b, LINK_CLIENT) && sleeps(a) && sleeps(b));
    ck_assert_int_eq(b->client, 1);
}
END_TEST

START_TEST(a_stopped_runner_is_waited_for)
{
    struct side *a = rig_open(false), *b = rig_open(false);
    until(b->client == 1);
    for (uint64_t n = 1; n <= 20000; n++) {
        bcj2__link_ring(b->l, n);
    }
    rig_step(b);
    ck_assert(is(b, LINK_CLIENT) && sleeps(b));
    until(a->change == 20000);
}
END_TEST

START_TEST(a_change_told_to_a_dead_runner_is_told_to_the_next)
{
    struct side *a = rig_open(false), *b = rig_open(false), *c = rig_open(false);
    until(b->client == 1 && c->client == 1);
    bcj2__link_ring(c->l, 7);
    rig_close(a); /* has not read it */
    until((b->runner == 1 && c->client == 2) || (c->runner == 1 && b->client == 2));
    if (b->runner == 1) {
        until(b->change == 7);
    }
}
END_TEST

/* A number out of the blue does not silence the true ones. */
START_TEST(numbers_may_jump)
{
    static const uint64_t numbers[] = {5, UINT64_C(1) << 63, 6, UINT64_C(1) << 40, 7, 8};
    struct side *a = rig_open(false), *b = rig_open(false), *c = rig_open(false);
    until(b->client == 1 && c->client == 1);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        bcj2__link_ring(b->l, numbers[i]);
        rig_quiet();
        ck_assert_uint_eq(a->change, numbers[i]);
        ck_assert_uint_eq(c->change, numbers[i]);
    }
    ck_assert_int_eq(c->changed, (int)ARRAY_LEN(numbers));
    bcj2__link_ring(b->l, 4); /* who heard of 8 has looked since */
    rig_quiet();
    ck_assert_int_eq(c->changed, (int)ARRAY_LEN(numbers));
}
END_TEST

/* ---- messages ---- */

START_TEST(messages_go_both_ways)
{
    static char large[LIMIT_LINK_DATA_BYTES];
    memset(large, 'x', sizeof large);
    struct side *a = rig_open(false), *b = rig_open(false), *c = rig_open(false);
    until(b->client == 1 && c->client == 1);
    assert_status(bcj2__link_send(c->l, 0, LINK_KIND_REGISTER, 77, "listen", 6), BCJ2_OK);
    until(a->messages == 1);
    uint64_t peer = a->last.peer;
    ck_assert_uint_ne(peer, 0);
    ck_assert_int_eq(a->last.kind, LINK_KIND_REGISTER);
    ck_assert_uint_eq(a->last.id, 77);
    ck_assert_str_eq(a->data, "listen");
    assert_status(bcj2__link_send(a->l, peer, LINK_KIND_DELIVER, UINT64_MAX, large, sizeof large),
                  BCJ2_OK);
    assert_status(bcj2__link_send(a->l, peer, LINK_KIND_DELIVER, 5, NULL, 0), BCJ2_OK);
    until(c->messages == 2);
    ck_assert_uint_eq(c->heard_bytes, sizeof large);
    ck_assert_uint_eq(c->last.peer, 0);
    ck_assert_uint_eq(c->last.id, 5);
    ck_assert_int_eq(b->messages, 0);
    rig_close(c);
    until(a->gone == 1);
    ck_assert_uint_eq(a->gone_peer, peer);
    assert_status(bcj2__link_send(a->l, peer, LINK_KIND_DELIVER, 6, NULL, 0), BCJ2_E_NOT_FOUND);
}
END_TEST

START_TEST(messages_keep_their_order_and_none_is_lost)
{
    char text[3000];
    struct side *a = rig_open(false), *b = rig_open(false);
    until(b->client == 1);
    for (int i = 1; i <= 500; i++) {
        size_t length = (size_t)i * 37 % sizeof text;
        memset(text, 'a' + i % 26, sizeof text);
        assert_status(bcj2__link_send(b->l, 0, LINK_KIND_ACKNOWLEDGE, (uint64_t)i, text, length),
                      BCJ2_OK);
        bcj2__link_ring(b->l, (uint64_t)i);
        until(a->messages + i % 20 >= i); /* sometimes all, sometimes 19 on the way */
        ck_assert_uint_eq(a->last.id, (uint64_t)a->messages);
    }
    until(a->messages == 500 && a->change == 500);
    ck_assert_uint_eq(a->last.id, 500);
    ck_assert_uint_eq(strlen(a->data), 500 * 37 % sizeof text);
}
END_TEST

START_TEST(what_was_said_before_a_hang_up_is_heard)
{
    struct side *a = rig_open(false), *b = rig_open(false);
    until(b->client == 1);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_status(bcj2__link_send(b->l, 0, LINK_KIND_ACKNOWLEDGE, i, "", 0), BCJ2_OK);
    }
    rig_close(b);
    until(a->gone == 1);
    ck_assert_int_eq(a->messages, 3);
}
END_TEST

START_TEST(what_cannot_be_sent_is_refused)
{
    static char large[LIMIT_LINK_DATA_BYTES + 1];
    struct side *a = rig_open(false), *control = rig_open(true);
    assert_status(bcj2__link_send(a->l, 0, LINK_KIND_DELIVER, 1, "", 0), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__link_send(a->l, 99, LINK_KIND_DELIVER, 1, "", 0), BCJ2_E_NOT_FOUND);
    until(control->client == 1);
    struct link *l = control->l;
    assert_status(bcj2__link_send(l, 1, LINK_KIND_DELIVER, 1, "", 0), BCJ2_E_NOT_FOUND);
    assert_status(bcj2__link_send(l, 0, LINK_KIND_HELLO, 1, "", 0), BCJ2_E_INVALIDARG);
    assert_status(bcj2__link_send(l, 0, LINK_KIND_CHANGED, 1, "", 0), BCJ2_E_INVALIDARG);
    assert_status(bcj2__link_send(l, 0, LINK_KIND_COUNT, 1, "", 0), BCJ2_E_INVALIDARG);
    assert_status(bcj2__link_send(l, 0, LINK_KIND_DELIVER, 1, large, sizeof large),
                  BCJ2_E_TOO_LARGE);
    rig_close(a);
    until(control->alone == 1);
    assert_status(bcj2__link_send(l, 0, LINK_KIND_DELIVER, 1, "", 0), BCJ2_E_NOT_FOUND);
}
END_TEST

/* ---- control only ---- */

START_TEST(without_a_runner_the_bell_tells)
{
    struct side *a = rig_open(true), *b = rig_open(true);
    rig_quiet();
    ck_assert(is(a, LINK_ALONE) && sleeps(a));
    ck_assert_int_eq(a->changed + a->runner + a->client + a->alone, 0);
    ck_assert_int_eq(bcj2__link_runner_pid(a->l), 0);
    for (int i = 1; i <= 3; i++) {
        bcj2__link_ring(b->l, (uint64_t)i);
        until(a->changed >= i);
        rig_quiet();
        ck_assert(sleeps(a));
    }
    ck_assert_uint_eq(a->change, 0);          /* the bell carries no number */
    folder_file(rig_path("queue.db-wal"), 1); /* what else happens in the folder is nothing */
    int before = a->changed;
    rig_quiet();
#ifdef __linux__
    ck_assert_int_eq(a->changed, before);
#else
    ck_assert_int_ge(a->changed, before);
#endif
}
END_TEST

START_TEST(a_new_runner_is_seen)
{
    struct side *control[3];
    for (int i = 0; i < 3; i++) {
        control[i] = rig_open(true);
    }
    for (int round = 1; round <= 3; round++) {
        rig_quiet();
        struct side *a = rig_open(false);
        until(control[0]->client == round && control[1]->client == round &&
              control[2]->client == round);
        bcj2__link_ring(control[1]->l, (uint64_t)round);
        until(a->change == (uint64_t)round && control[2]->change == (uint64_t)round);
        rig_close(a);
        until(control[0]->alone == round && control[1]->alone == round &&
              control[2]->alone == round);
        for (int i = 0; i < 3; i++) {
            until(is(control[i], LINK_ALONE) && sleeps(control[i]));
        }
    }
}
END_TEST

START_TEST(a_change_told_to_a_dead_runner_rings_the_bell)
{
    struct side *a = rig_open(false), *b = rig_open(true), *c = rig_open(true);
    until(b->client == 1 && c->client == 1);
    bcj2__link_ring(c->l, 7);
    rig_close(a);
    until(b->alone == 1 && c->alone == 1 && b->changed >= 1);
    until(sleeps(b) && sleeps(c));
}
END_TEST

/* ---- the folder ---- */

START_TEST(a_folder_that_vanishes_is_an_error_and_may_come_back)
{
    struct side *a = rig_open(false), *b = rig_open(_i != 0);
    until(b->client == 1);
    folder_remove(rig_folder);
    rig_close(a);
    until(BCJ2_FAILED(b->status));
    ck_assert_int_eq(b->alone, 1);
    ck_assert(is(b, LINK_ALONE));
    assert_status(b->status, BCJ2_E_PATH_NOT_FOUND);
    ck_assert_msg(strstr(b->detail, rig_folder) != NULL, "%s", b->detail);
    ck_assert_ptr_nonnull(strstr(rig_log, rig_folder));
    ck_assert_int_eq(mkdir(rig_folder, 0700), 0);
    until(BCJ2_SUCCEEDED(b->status));
    struct side *c = _i == 0 ? b : rig_open(false);
    until(c->runner == 1 && (_i == 0 || b->client == 2));
}
END_TEST

START_TEST(the_watched_folder_vanishes)
{
    struct side *control = rig_open(true);
    rig_quiet();
    folder_remove(rig_folder);
    until(BCJ2_FAILED(control->status));
    assert_status(control->status, BCJ2_E_PATH_NOT_FOUND);
    ck_assert(bcj2__link_deadline(control->l) != UINT64_MAX);
}
END_TEST

START_TEST(no_folder_no_link)
{
    struct link *l = NULL;
    assert_status(bcj2__link_open(rig_path("none"), _i != 0, &rig_log_to, &l),
                  BCJ2_E_PATH_NOT_FOUND);
    ck_assert_ptr_null(l);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), rig_path("none")));
}
END_TEST

/* ---- memory ---- */

/* A runner, a client, a message and a bell; the nth allocation fails. False: it was never reached. */
static bool run_without_memory(uint64_t nth)
{
    struct link *l[3] = {NULL, NULL, NULL};
    bool failed = false;
    bcj2__mem_fail_at(nth);
    for (int i = 0; i < 3; i++) {
        bcj2_status s = bcj2__link_open(rig_folder, i == 0, &rig_log_to, &l[i]);
        ck_assert_int_eq(l[i] != NULL, BCJ2_SUCCEEDED(s));
        ck_assert(s == BCJ2_OK || s == BCJ2_E_OUTOFMEMORY);
        for (int j = 0; j <= i; j++) {
            struct link_event e;
            if (l[j] != NULL) {
                bcj2__link_ring(l[j], (uint64_t)(10 * i + j));
                s = bcj2__link_step(l[j]);
                ck_assert(s == BCJ2_OK || s == BCJ2_E_OUTOFMEMORY);
                while (bcj2__link_next(l[j], &e)) {
                }
                s = bcj2__link_send(l[j], 0, LINK_KIND_REGISTER, 1, "text", 4);
                ck_assert(s == BCJ2_OK || s == BCJ2_E_NOT_FOUND || s == BCJ2_E_OUTOFMEMORY);
            }
        }
    }
    failed = bcj2__mem_fail_left() == 0;
    bcj2__mem_fail_at(0);
    for (int i = 2; i >= 0; i--) {
        l[i] = bcj2__link_close(l[i]);
    }
    return failed;
}

START_TEST(any_allocation_may_fail)
{
    uint64_t nth = 1;
    while (run_without_memory(nth)) {
        struct side *a = rig_open(false), *b = rig_open(true); /* nothing was left behind */
        until(a->runner == 1 && b->client == 1);
        rig_close(a);
        rig_close(b);
        nth++;
    }
    ck_assert_uint_gt(nth, 20);
}
END_TEST

/* The same while links that are open go on: they come back by themselves. */
START_TEST(links_survive_a_failed_allocation)
{
    bool reached = true;
    for (uint64_t nth = 1; reached; nth++) {
        struct side *a = rig_open(false), *b = rig_open(false), *control = rig_open(true);
        until(b->client == 1 && control->client == 1);
        bcj2__mem_fail_at(nth);
        bcj2__link_ring(a->l, 1);
        bcj2__link_ring(b->l, 2);
        (void)bcj2__link_send(b->l, 0, LINK_KIND_REGISTER, 1, "text", 4);
        rig_quiet();
        rig_close(a);
        for (int i = 0; i < 5; i++) {
            rig_turn(5);
        }
        bcj2__link_ring(control->l, 3);
        until(is(b, LINK_RUNNER) && is(control, LINK_CLIENT));
        until(b->changed > 0);
        reached = bcj2__mem_fail_left() == 0;
        bcj2__mem_fail_at(0);
        rig_close(b);
        rig_close(control);
    }
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "election", 60);
    tcase_add_checked_fixture(tc, rig_begin, rig_end);
    tcase_add_test(tc, alone_it_is_the_runner_at_once);
    tcase_add_test(tc, the_second_is_a_client);
    tcase_add_test(tc, when_the_runner_goes_another_is_elected);
    tcase_add_test(tc, what_a_dead_runner_left_is_replaced);
    tcase_add_test(tc, a_removed_lock_file_elects_nobody);
    tcase_add_test(tc, a_removed_lock_file_makes_no_second_runner);
    tcase_add_test(tc, the_runner_makes_its_names_again);
    tcase_add_test(tc, a_runner_whose_names_another_took_steps_down);
    tcase_add_test(tc, paths_of_any_length);

    tc = suite_case(suite, "doorbell", 60);
    tcase_add_checked_fixture(tc, rig_begin, rig_end);
    tcase_add_test(tc, everybody_hears_of_a_change_but_who_made_it);
    tcase_add_test(tc, who_does_not_look_hears_the_newest_only);
    tcase_add_test(tc, a_stopped_runner_is_waited_for);
    tcase_add_test(tc, a_change_told_to_a_dead_runner_is_told_to_the_next);
    tcase_add_test(tc, numbers_may_jump);

    tc = suite_case(suite, "messages", 60);
    tcase_add_checked_fixture(tc, rig_begin, rig_end);
    tcase_add_test(tc, messages_go_both_ways);
    tcase_add_test(tc, messages_keep_their_order_and_none_is_lost);
    tcase_add_test(tc, what_was_said_before_a_hang_up_is_heard);
    tcase_add_test(tc, what_cannot_be_sent_is_refused);

    tc = suite_case(suite, "control only", 60);
    tcase_add_checked_fixture(tc, rig_begin, rig_end);
    tcase_add_test(tc, without_a_runner_the_bell_tells);
    tcase_add_test(tc, a_new_runner_is_seen);
    tcase_add_test(tc, a_change_told_to_a_dead_runner_rings_the_bell);

    tc = suite_case(suite, "folder and memory", 60);
    tcase_add_checked_fixture(tc, rig_begin, rig_end);
    tcase_add_loop_test(tc, a_folder_that_vanishes_is_an_error_and_may_come_back, 0, 2);
    tcase_add_test(tc, the_watched_folder_vanishes);
    tcase_add_loop_test(tc, no_folder_no_link, 0, 2);
    tcase_add_test(tc, any_allocation_may_fail);
    tcase_add_test(tc, links_survive_a_failed_allocation);
}

SUITE_MAIN("link", add_cases)
