/* SPDX-License-Identifier: MIT */
/* Whole jobs against servers that break the protocol, from a script: the job ends in the error that says
   so, or has what the server said in the end; never in a wrong reply, and never in a loop. */
#include "../support/http_script.h"
#include "../support/rig.h"
#include "timeouts.h"

#include <stdio.h>
#include <string.h>

#define SID      "{11111111-2222-3333-4444-555555555555}"
#define OTHER    "{11111111-2222-3333-4444-666666666666}"
#define PROTOCOL "BITS-Protocol: {7df0354d-249b-430f-820d-3d2a9bef4931}\r\n"
#define OK       "HTTP/1.1 200 OK\r\n"
#define NO_ACK   "Content-Length: 0\r\n"
#define ACK      "BITS-Packet-Type: Ack\r\n" NO_ACK
#define SESSION  "BITS-Session-Id: " SID "\r\n"
#define AT(n)    "BITS-Received-Content-Range: " #n "\r\n"
#define REPLY    "BITS-Reply-URL: /reply\r\n"
#define TAG      "ETag: \"x\"\r\n"

#define CHUNKED_PART \
    "HTTP/1.1 206 P\r\nTransfer-Encoding: chunked\r\nContent-Range: bytes 5-9/10\r\n" TAG

/* One request and its answer. */
#define TELL(answer) ASK, SAY(answer "\r\n")
#define CREATED      TELL(OK ACK PROTOCOL SESSION)
#define PINGED       TELL(OK ACK)
#define UPLOADED     TELL(OK ACK SESSION AT(10) REPLY)
#define CLOSED       TELL(OK ACK SESSION)
#define ROUND        TELL("HTTP/1.1 302 Found\r\nLocation: /reply\r\n" NO_ACK)
/* Four runs of a job whose fragment is answered badly. */
#define FOUR_TIMES(bad) CREATED, bad, PINGED, bad, PINGED, bad, PINGED, bad

struct lie {
    const char *name;
    struct http_step steps[34]; /* of the first connection */
    struct http_step after[12]; /* of each later one */
    bool final;                 /* no retries: the first transient error is the last */
    bcj2_status code;           /* BCJ2_OK: TRANSFERRED with this reply */
    const char *reply;
};

static const struct lie lies[] = {
    {"all is well",
     {CREATED, UPLOADED, TELL(OK "Content-Length: 5\r\n" TAG), SAY("hello"), CLOSED, END},
     .reply = "hello"},
    /* the upload */
    {"no BITS server",
     {TELL(OK "Content-Length: 0\r\n"), END},
     .code = BCJ2_E_INVALID_SERVER_RESPONSE},
    {"a page instead",
     {TELL(OK "Content-Type: text/html\r\nContent-Length: 3\r\n"), SAY("<p>"), END},
     .code = BCJ2_E_INVALID_SERVER_RESPONSE},
    {"another protocol",
     {TELL(OK ACK SESSION "BITS-Protocol: {00000000-0000-0000-0000-000000000001}\r\n"), END},
     .code = BCJ2_E_CLIENT_SERVER_PROTOCOL_MISMATCH},
    {"HTTP/1.0",
     {TELL("HTTP/1.0 200 OK\r\n" ACK PROTOCOL SESSION), END},
     .code = BCJ2_E_INSUFFICIENT_HTTP_SUPPORT},
    {"another session",
     {FOUR_TIMES(TELL(OK ACK AT(10) "BITS-Session-Id: " OTHER "\r\n")), END},
     .code = BCJ2_E_INVALID_SERVER_RESPONSE},
    {"no Ack",
     {FOUR_TIMES(TELL(OK SESSION AT(10) NO_ACK)), END},
     .code = BCJ2_E_INVALID_SERVER_RESPONSE},
    {"no number",
     {FOUR_TIMES(TELL(OK ACK SESSION AT(ten))), END},
     .code = BCJ2_E_INVALID_SERVER_RESPONSE},
    {"two offsets",
     {FOUR_TIMES(TELL(OK ACK SESSION AT(10) AT(5))), END},
     .code = BCJ2_E_INVALID_SERVER_RESPONSE},
    {"two sessions",
     {FOUR_TIMES(TELL(OK ACK SESSION AT(10) "BITS-Session-Id: " OTHER "\r\n")), END},
     .code = BCJ2_E_INVALID_SERVER_RESPONSE},
    {"beyond the end",
     {CREATED, TELL(OK ACK SESSION AT(11)), END},
     .code = BCJ2_E_INVALID_SERVER_RESPONSE},
    {"beyond all numbers",
     {FOUR_TIMES(TELL(OK ACK SESSION AT(18446744073709551616))), END},
     .code = BCJ2_E_INVALID_SERVER_RESPONSE},
    {"a success of another kind",
     {FOUR_TIMES(TELL("HTTP/1.1 204 No\r\n" ACK SESSION AT(10))), END},
     .code = BCJ2_E_INVALID_SERVER_RESPONSE},
    {"the same byte for ever",
     {CREATED, TELL(OK ACK SESSION AT(1)), TELL(OK ACK SESSION AT(0)), TELL(OK ACK SESSION AT(1)),
      TELL(OK ACK SESSION AT(0)), TELL(OK ACK SESSION AT(1)), TELL(OK ACK SESSION AT(0)), END},
     .final = true,
     .code = BCJ2_E_INVALID_SERVER_RESPONSE},
    {"an endless head",
     {ASK, SAY(OK), SAY_N("X-Pad: aaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 100000), END},
     .final = true,
     .code = BCJ2_E_WINHTTP_INVALID_SERVER_RESPONSE},
    {"no HTTP",
     {ASK, SAY("hello\r\n\r\n"), END},
     .final = true,
     .code = BCJ2_E_WINHTTP_INVALID_SERVER_RESPONSE},
    {"nothing", {ASK, END}, .final = true, .code = BCJ2_E_WINHTTP_CONNECTION_ERROR},
    {"another place",
     {TELL("HTTP/1.1 302 Found\r\nLocation: /x\r\n" NO_ACK), END},
     .code = BCJ2_E_HTTP_ERROR(302)},
    /* where the reply is */
    {"a reply that is no URL",
     {CREATED, TELL(OK ACK SESSION AT(10) "BITS-Reply-URL: ftp://127.0.0.1/x\r\n"), END},
     .code = BCJ2_E_INVALID_SERVER_RESPONSE},
    {"two replies",
     {FOUR_TIMES(TELL(OK ACK SESSION AT(10) REPLY "BITS-Reply-URL: /other\r\n")), END},
     .code = BCJ2_E_INVALID_SERVER_RESPONSE},
    /* the reply */
    {"longer than said",
     {CREATED, UPLOADED, TELL(OK "Content-Length: 5\r\n" TAG), SAY("hello, world"), END},
     {CLOSED, END},
     .reply = "hello"},
    {"shorter than said, the rest when asked",
     {CREATED, UPLOADED, TELL(OK "Content-Length: 10\r\n" TAG), SAY("hello"), END},
     {TELL("HTTP/1.1 206 P\r\nContent-Length: 5\r\nContent-Range: bytes 5-9/10\r\n" TAG),
      SAY("again"), CLOSED, END},
     .reply = "helloagain"},
    {"shorter than said, then changed",
     {CREATED, UPLOADED, TELL(OK "Content-Length: 10\r\n" TAG), SAY("hello"), END},
     {TELL(OK "Content-Length: 3\r\nETag: \"y\"\r\n"), SAY("new"), CLOSED, END},
     .reply = "new"},
    {"a longer part than said",
     {CREATED, UPLOADED, TELL(OK "Content-Length: 10\r\n" TAG), SAY("hello"), END},
     {TELL(CHUNKED_PART), SAY("8\r\nagain...\r\n0\r\n\r\n"), CLOSED, END},
     .reply = "helloagain"},
    {"an endless part",
     {CREATED, UPLOADED, TELL(OK "Content-Length: 10\r\n" TAG), SAY("hello"), END},
     {TELL(CHUNKED_PART), SAY("5\r\nagain\r\n"), SAY_N("5\r\n.....\r\n", 1000), HOLD, END},
     .reply = "helloagain"},
    {"the wrong part",
     {CREATED, UPLOADED, TELL(OK "Content-Length: 10\r\n" TAG), SAY("hello"), END},
     {TELL("HTTP/1.1 206 P\r\nContent-Length: 5\r\nContent-Range: bytes 4-8/10\r\n" TAG),
      SAY("again"), END},
     .code = BCJ2_E_INSUFFICIENT_RANGE_SUPPORT},
    {"a part that is not named",
     {CREATED, UPLOADED, TELL(OK "Content-Length: 10\r\n" TAG), SAY("hello"), END},
     {TELL("HTTP/1.1 206 P\r\nContent-Length: 5\r\n" TAG), SAY("again"), END},
     .code = BCJ2_E_INSUFFICIENT_RANGE_SUPPORT},
    {"two lengths",
     {CREATED, UPLOADED, TELL(OK "Content-Length: 5\r\nContent-Length: 6\r\n"), SAY("hello"), END},
     .final = true,
     .code = BCJ2_E_INVALID_SERVER_RESPONSE},
    {"packed",
     {CREATED, UPLOADED, TELL(OK "Content-Length: 5\r\nContent-Encoding: gzip\r\n"), SAY("hello"),
      END},
     .code = BCJ2_E_INVALID_SERVER_RESPONSE},
    {"no length, to the end",
     {CREATED, UPLOADED, TELL(OK), SAY("hello"), END},
     {CLOSED, END},
     .reply = "hello"},
    {"broken chunks",
     {CREATED, UPLOADED, TELL(OK "Transfer-Encoding: chunked\r\n"), SAY("5\r\nhello\r\nxyz\r\n"),
      END},
     {PINGED, TELL(OK "Content-Length: 4\r\n"), SAY("good"), CLOSED, END},
     .reply = "good"},
    {"round in circles",
     {CREATED, UPLOADED, ROUND, ROUND, ROUND, ROUND, ROUND, ROUND, ROUND, ROUND, ROUND, ROUND,
      ROUND, END},
     .code = BCJ2_E_HTTP_ERROR(302)},
};

START_TEST(lie)
{
    const struct lie *l = &lies[_i];
    const struct http_step *const lists[] = {l->steps, l->after};
    struct http_script *server = http_script_start(lists, l->after[0].what == HTTP_END ? 1 : 2);
    rig_prepare();
    client_make_file(rig_path("source"), 10, 1);
    bcj2_job *job = client_job(rig.manager, rig_path("source"), http_script_url(server, "/up"),
                               rig_path("out/reply"));
    if (l->final) {
        assert_status(bcj2_set_no_progress_timeout(job, 0), BCJ2_OK);
    }
    assert_status(bcj2_resume(job), BCJ2_OK);
    if (l->code == BCJ2_OK) {
        client_wait(job, STATE(TRANSFERRED));
        assert_status(bcj2_complete(job), BCJ2_OK);
        rig_write("expected", l->reply);
        client_assert_same(rig_path("expected"), rig_path("out/reply"));
    } else {
        client_wait_error(job, BCJ2_JOB_STATE_ERROR, BCJ2_ERROR_CONTEXT_REMOTE_FILE, l->code);
        ck_assert(!client_exists(rig_path("out/reply")));
        assert_status(bcj2_cancel(job), BCJ2_OK);
    }
    rig_unref(job);
    rig_assert_no_temporary_here();
    bcj2__timeouts.close_farewell_ms = 0; /* the server has nothing more to say */
    rig_close();
    http_script_stop(server);
    folder_remove(rig.folder);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "lies", 60);
    tcase_add_loop_test(tc, lie, 0, (int)(sizeof lies / sizeof lies[0]));
}

SUITE_MAIN("servers that lie", add_cases)
