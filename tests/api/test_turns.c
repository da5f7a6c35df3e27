/* SPDX-License-Identifier: MIT */
/* Who runs when, seen from outside (job-semantics 7.7): background jobs of one level take turns, a higher
   level pre-empts a lower one, foreground jobs run beside both; and each goes on from where it was, as its
   server saw it. With a clock that the test moves. Not here: the rules one by one (unit/test_sched.c). */
#include "../support/bits_server.h"
#include "../support/fake_clock.h"
#include "../support/http_script.h"
#include "../support/queue.h"

#include "limit.h"
#include "timeouts.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"e\"\r\n\r\n"
#define REST(length, first)                                                                      \
    "HTTP/1.1 206 x\r\nETag: \"e\"\r\nContent-Length: " length "\r\nContent-Range: bytes " first \
    "-9/10\r\n\r\n"
#define SLICE_S (LIMIT_SLICE_MS / 1000)
#define MARGIN  10 /* seconds that a slow machine may take between two looks */
#define ENDED   (STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR) | STATE_BIT(TRANSIENT_ERROR))
#define RUNS    (STATE_BIT(TRANSFERRING) | ENDED)

/* A connection each; a server that holds still lets go when the client hangs up, or is told to. */
static const struct http_step whole[] = {ASK, SAY(HEAD), ASK, SAY(HEAD "0123456789"), AGAIN};
static const struct http_step four[] = {ASK,  SAY(HEAD),     ASK, SAY(HEAD "0123"),
                                        HOLD, SAY("456789"), END};
static const struct http_step two_more[] = {ASK, SAY(REST("6", "4") "45"), HOLD, END};
static const struct http_step all_from_4[] = {ASK, SAY(REST("6", "4") "456789"), END};
static const struct http_step all_from_6[] = {ASK, SAY(REST("4", "6") "6789"), END};

static const struct http_step *const in_three[] = {four, two_more, all_from_6};
static const struct http_step *const in_two[] = {four, all_from_4};
static const struct http_step *const at_once[] = {whole};

static struct fake_clock fake;
static struct http_script *probe_server;

/* A download of ten bytes from a server of its own. */
struct side {
    struct http_script *server;
    bcj2_job *job;
    char path[256];
};

static void start(void)
{
    fake_clock_install(&fake);
    queue_start();
    bcj2__timeouts.receive_stall_ms = UINT32_MAX; /* a server that holds still is no failure here */
    probe_server = http_script_start(at_once, 1);
}

static void stop(void)
{
    queue_stop();
    http_script_stop(probe_server);
}

static void set_up(struct side *side, const char *name, struct http_script *server,
                   bcj2_job_priority priority)
{
    side->server = server;
    side->job = queue_job(BCJ2_JOB_TYPE_DOWNLOAD);
    (void)snprintf(side->path, sizeof side->path, "%s/%s", queue_path("out"), name);
    assert_status(bcj2_set_priority(side->job, priority), BCJ2_OK);
    assert_status(bcj2_add_file(side->job, http_script_url(server, "/a"), side->path), BCJ2_OK);
}

#define SIDE(side, name, lists, priority) \
    set_up(side, name, http_script_start(lists, sizeof(lists) / sizeof *(lists)), priority)

static void resume(const struct side *side)
{
    assert_status(bcj2_resume(side->job), BCJ2_OK);
}

/* Its file is whole. */
static void finish(struct side *side)
{
    size_t size = 0;
    queue_wait(side->job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    assert_status(bcj2_complete(side->job), BCJ2_OK);
    char *content = queue_read_file(side->path, &size);
    ck_assert_str_eq(content, "0123456789");
    free(content);
    bcj2_job_unref(side->job);
    http_script_stop(side->server);
}

/* The engine has looked at the clock since it was moved: another job has gone through it. That is a
   foreground job, which takes nobody's turn. */
static void look(void)
{
    struct side probe;
    set_up(&probe, "probe", probe_server, BCJ2_JOB_PRIORITY_FOREGROUND);
    resume(&probe);
    queue_wait(probe.job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    assert_status(bcj2_complete(probe.job), BCJ2_OK);
    bcj2_job_unref(probe.job);
}

static void pass(int64_t seconds)
{
    fake_clock_pass(seconds);
    look();
}

static off_t written(const struct side *side)
{
    struct stat st = {0};
    bcj2_file_enum *files = NULL;
    bcj2_file *file = NULL;
    char *path = NULL;
    assert_status(bcj2_enum_files(side->job, &files), BCJ2_OK);
    assert_status(bcj2_file_enum_next(files, &file), BCJ2_OK);
    if (bcj2_file_get_temporary_name(file, &path) != BCJ2_OK || stat(path, &st) != 0) {
        st.st_size = 0; /* it has not begun */
    }
    bcj2_free(path);
    bcj2_file_unref(file);
    bcj2_file_enum_unref(files);
    return st.st_size;
}

/* Until that much has come, and the engine knows it. */
static void await_bytes(const struct side *side, off_t bytes)
{
    while (written(side) < bytes) {
        look();
    }
    ck_assert_int_eq(written(side), bytes);
    look();
}

/* What the server was asked for on one connection, and that it was asked for nothing else. */
static void assert_asked(const struct side *side, size_t connection, const char *range)
{
    char field[64];
    size_t length = 0;
    char *text = http_script_received(side->server, connection, &length);
    (void)snprintf(field, sizeof field, "\r\nRange: bytes=%s\r\n", range);
    ck_assert_msg(strncmp(text, "GET /a ", 7) == 0 && strstr(text, field) != NULL,
                  "not asked for bytes %s: %s", range, text);
    ck_assert_ptr_eq(strstr(text, "\r\n\r\n"), text + length - 4);
    free(text);
}

/* ---- turns ---- */

static void assert_runs(const struct side *runs, const struct side *waits)
{
    queue_wait(runs->job, RUNS, BCJ2_JOB_STATE_TRANSFERRING);
    ck_assert_int_eq(queue_state(waits->job), BCJ2_JOB_STATE_QUEUED);
}

/* Its turn: it gets so many bytes, and goes on until the slice is over. */
static void turn(const struct side *runs, off_t bytes, const struct side *waits)
{
    assert_runs(runs, waits);
    await_bytes(runs, bytes);
    size_t before = http_script_connections(waits->server);
    pass(SLICE_S - MARGIN);
    assert_runs(runs, waits);
    ck_assert_uint_eq(http_script_connections(waits->server), before);
    pass(MARGIN);
}

START_TEST(jobs_of_one_level_take_turns)
{
    static const bcj2_job_priority levels[] = {BCJ2_JOB_PRIORITY_HIGH, BCJ2_JOB_PRIORITY_NORMAL,
                                               BCJ2_JOB_PRIORITY_LOW};
    struct side a, b;
    SIDE(&a, "a", in_three, levels[_i]);
    SIDE(&b, "b", in_three, levels[_i]);
    resume(&a);
    queue_wait(a.job, RUNS, BCJ2_JOB_STATE_TRANSFERRING);
    resume(&b);
    turn(&a, 4, &b);
    turn(&b, 4, &a);
    turn(&a, 6, &b);
    turn(&b, 6, &a);
    /* no time goes by: who has ended lets the other one in at once */
    queue_wait(a.job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    queue_wait(b.job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    const struct side *const both[] = {&a, &b};
    for (size_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(http_script_connections(both[i]->server), 3);
        assert_asked(both[i], 1, "4-9");
        assert_asked(both[i], 2, "6-9");
    }
    finish(&a);
    finish(&b);
}
END_TEST

/* Nor has one that is alone to stop for its slice. */
START_TEST(a_lower_level_gets_no_turn)
{
    struct side higher, lower;
    SIDE(&higher, "higher", in_two, BCJ2_JOB_PRIORITY_NORMAL);
    SIDE(&lower, "lower", at_once, BCJ2_JOB_PRIORITY_LOW);
    resume(&higher);
    await_bytes(&higher, 4);
    pass(3 * SLICE_S);
    resume(&lower);
    pass(3 * SLICE_S);
    pass(3 * SLICE_S);
    assert_runs(&higher, &lower);
    ck_assert_uint_eq(http_script_connections(lower.server), 0);
    http_script_release(higher.server);
    queue_wait(lower.job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    ck_assert_uint_eq(http_script_connections(higher.server), 1);
    finish(&higher);
    finish(&lower);
}
END_TEST

/* ---- levels ---- */

START_TEST(a_higher_level_pre_empts)
{
    struct side front, normal, high;
    SIDE(&front, "front", in_two, BCJ2_JOB_PRIORITY_FOREGROUND);
    SIDE(&normal, "normal", in_two, BCJ2_JOB_PRIORITY_NORMAL);
    SIDE(&high, "high", in_two, _i == 0 ? BCJ2_JOB_PRIORITY_HIGH : BCJ2_JOB_PRIORITY_NORMAL);
    resume(&front);
    resume(&normal);
    await_bytes(&front, 4);
    await_bytes(&normal, 4);
    resume(&high);
    if (_i != 0) { /* one that waits is promoted */
        look();
        assert_runs(&normal, &high);
        assert_status(bcj2_set_priority(high.job, BCJ2_JOB_PRIORITY_HIGH), BCJ2_OK);
    }
    await_bytes(&high, 4);
    assert_runs(&high, &normal);
    ck_assert(http_script_wait_closed(normal.server, 0));
    pass(3 * SLICE_S); /* it takes no turns with a lower level */
    assert_runs(&high, &normal);
    ck_assert_uint_eq(http_script_connections(normal.server), 1);
    http_script_release(high.server);
    queue_wait(high.job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    queue_wait(normal.job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    ck_assert_uint_eq(http_script_connections(normal.server), 2);
    assert_asked(&normal, 1, "4-9");
    ck_assert_int_eq(queue_state(front.job), BCJ2_JOB_STATE_TRANSFERRING);
    http_script_release(front.server);
    queue_wait(front.job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    ck_assert_uint_eq(http_script_connections(front.server), 1);
    ck_assert_uint_eq(http_script_connections(high.server), 1);
    finish(&front);
    finish(&normal);
    finish(&high);
}
END_TEST

/* The server keeps the session, and has the file in the end. */
START_TEST(an_upload_keeps_its_session)
{
    struct bits_server *bits = bits_server_start();
    struct side high;
    size_t size = 0;
    SIDE(&high, "high", in_two, BCJ2_JOB_PRIORITY_HIGH);
    bcj2_job *upload = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD, bits_server_url(bits, "/up"));
    bits_server_hold(bits, BITS_FRAGMENT);
    assert_status(bcj2_resume(upload), BCJ2_OK);
    ck_assert(bits_server_wait_held(bits));
    resume(&high);
    await_bytes(&high, 4);
    ck_assert_int_eq(queue_state(upload), BCJ2_JOB_STATE_QUEUED);
    bits_server_release(bits);
    http_script_release(high.server);
    finish(&high);
    queue_wait(upload, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    ck_assert_uint_eq(bits_server_count(bits, BITS_CREATE), 1);
    uint8_t *file = bits_server_upload(bits, &size);
    ck_assert_uint_eq(size, 10);
    ck_assert_mem_eq(file, "0123456789", 10);
    free(file);
    bcj2_job_unref(upload);
    bits_server_stop(bits);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "turns", 60);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_loop_test(tc, jobs_of_one_level_take_turns, 0, 3);
    tcase_add_test(tc, a_lower_level_gets_no_turn);
    tc = suite_case(suite, "levels", 60);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_loop_test(tc, a_higher_level_pre_empts, 0, 2);
    tcase_add_test(tc, an_upload_keeps_its_session);
}

SUITE_MAIN("turns", add_cases)
