/* SPDX-License-Identifier: MIT */
/* Download jobs against servers that break the protocol, from a script: the job ends in the error that
   says so, or has what the server said in the end; never a wrong file, and never in a loop. Good
   servers: test_download_nginx.c. */
#include "../support/http_script.h"
#include "download_rig.h"

#include <stdio.h>
#include <string.h>

#define OK       "HTTP/1.1 200 OK\r\n"
#define PART     "HTTP/1.1 206 P\r\n"
#define LEN(n)   "Content-Length: " #n "\r\n"
#define RANGE(r) "Content-Range: bytes " r "\r\n"
#define TAG      "ETag: \"x\"\r\n"
#define OTHER    "ETag: \"y\"\r\n"
#define CHUNKED  "Transfer-Encoding: chunked\r\n"
#define NOTHING  LEN(0)

/* One request and the head of its answer. */
#define TELL(answer) ASK, SAY(answer "\r\n")
#define TEN          TELL(OK LEN(10) TAG) /* to HEAD */
#define DIGITS       SAY("0123456789")
#define WHOLE        TELL(OK LEN(10) TAG), DIGITS
#define CUT_AT_4     TEN, TELL(OK LEN(10) TAG), SAY("0123"), END
#define ROUND        TELL("HTTP/1.1 302 Found\r\nLocation: /file\r\n" NOTHING)
#define ROUNDS       ROUND, ROUND, ROUND, ROUND, ROUND
#define FAILS(n)     TELL("HTTP/1.1 " #n " X\r\n" NOTHING)

static const bcj2_file_range two[] = {{6, 3}, {1, 2}};
#define TWO .ranges = two, .range_count = 2

struct script {
    const char *name;
    struct http_step steps[34]; /* of the first connection */
    struct http_step after[16]; /* of each later one */
    bool foreground;
    bool final; /* no retries: the first transient error is the last */
    const bcj2_file_range *ranges;
    uint32_t range_count;
    bcj2_status code; /* BCJ2_OK: TRANSFERRED with this file */
    const char *file;
    const char *asks;  /* if not NULL: stands in what the first connection asked */
    const char *later; /* the second */
};

static const struct script scripts[] = {
    {"all is well", {TEN, WHOLE, END}, .file = "0123456789", .asks = "HEAD /file HTTP/1.1\r\n"},
    {"GET without Range if it covers the file",
     {TEN, WHOLE, END},
     .file = "0123456789",
     .asks = "GET /file HTTP/1.1\r\n"},
    {"identity is asked for",
     {TEN, WHOLE, END},
     .file = "0123456789",
     .asks = "\r\nAccept-Encoding: identity\r\n"},
    {"any type", {TEN, WHOLE, END}, .file = "0123456789", .asks = "\r\nAccept: */*\r\n"},
    {"nothing: no GET", {TELL(OK LEN(0) TAG), HOLD, END}, .file = ""},
    {"HTTP/1.0",
     {TELL("HTTP/1.0 200 OK\r\n" LEN(10)), END},
     {TELL("HTTP/1.0 200 OK\r\n" LEN(10)), DIGITS, END},
     .file = "0123456789"},
    /* HEAD */
    {"no HEAD",
     {FAILS(405), TELL(PART LEN(1) RANGE("0-0/10") TAG), SAY("0"), WHOLE, END},
     .file = "0123456789",
     .asks = "\r\nRange: bytes=0-0\r\n"},
    {"no HEAD, no ranges", {FAILS(501), WHOLE, END}, .file = "0123456789"},
    {"no HEAD, nothing",
     {FAILS(400), TELL("HTTP/1.1 416 X\r\n" NOTHING RANGE("*/0")), END},
     .file = ""},
    {"no HEAD, not allowed", {FAILS(403), FAILS(403), END}, .code = BCJ2_E_HTTP_ERROR(403)},
    {"a body behind HEAD", {TEN, DIGITS, END}, {WHOLE, END}, .file = "0123456789"},
    {"HEAD without a length", {TELL(OK TAG), END}, .code = BCJ2_E_MISSING_FILE_SIZE},
    {"HEAD, chunked", {TELL(OK CHUNKED TAG), END}, .code = BCJ2_E_MISSING_FILE_SIZE},
    {"GET without a length", {TEN, TELL(OK TAG), DIGITS, END}, .code = BCJ2_E_MISSING_FILE_SIZE},
    {"GET, chunked",
     {TEN, TELL(OK CHUNKED TAG), SAY("a\r\n0123456789\r\n0\r\n\r\n"), END},
     .code = BCJ2_E_MISSING_FILE_SIZE},
    {"an endless head",
     {ASK, SAY(OK), SAY_N("X-Pad: aaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 100000), END},
     .final = true,
     .code = BCJ2_E_WINHTTP_INVALID_SERVER_RESPONSE},
    {"an endless head, to GET",
     {TEN, ASK, SAY(OK), SAY_N("X-Pad: aaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 100000), END},
     {END},
     .final = true,
     .code = BCJ2_E_WINHTTP_INVALID_SERVER_RESPONSE},
    {"no HTTP",
     {ASK, SAY("hello\r\n\r\n"), END},
     .final = true,
     .code = BCJ2_E_WINHTTP_INVALID_SERVER_RESPONSE},
    {"nothing at all", {ASK, END}, .final = true, .code = BCJ2_E_WINHTTP_CONNECTION_ERROR},
    /* lengths */
    {"longer than said",
     {TEN, TELL(OK LEN(10) TAG), SAY("0123456789and more"), END},
     .file = "0123456789"},
    {"shorter than said, the rest when asked",
     {CUT_AT_4},
     {TELL(PART LEN(6) RANGE("4-9/10") TAG), SAY("456789"), END},
     .file = "0123456789",
     .later = "\r\nRange: bytes=4-9\r\nIf-Range: \"x\"\r\n"},
    {"a shorter part, and the rest of it",
     {CUT_AT_4},
     {TELL(PART LEN(2) RANGE("4-5/10") TAG), SAY("45"), TELL(PART LEN(4) RANGE("6-9/10") TAG),
      SAY("6789"), END},
     .file = "0123456789",
     .later = "\r\nRange: bytes=6-9\r\n"},
    {"a longer part than said",
     {CUT_AT_4},
     {TELL(PART CHUNKED RANGE("4-9/10") TAG), SAY("9\r\n456789...\r\n0\r\n\r\n"), END},
     .file = "0123456789"},
    {"an endless part",
     {CUT_AT_4},
     {TELL(PART CHUNKED RANGE("4-9/10") TAG), SAY("6\r\n456789\r\n"), SAY_N("5\r\n.....\r\n", 1000),
      HOLD, END},
     .file = "0123456789"},
    {"two lengths",
     {TELL(OK LEN(10) LEN(11)), END},
     .final = true,
     .code = BCJ2_E_INVALID_SERVER_RESPONSE},
    {"GET has another length than HEAD, and then not",
     {TEN, TELL(OK LEN(11) TAG), SAY("0123456789a"), TEN, WHOLE, END},
     {TEN, WHOLE, END},
     .file = "0123456789"},
    /* ranges */
    {"the wrong part",
     {CUT_AT_4},
     {TELL(PART LEN(6) RANGE("3-8/10") TAG), SAY("345678"), END},
     .code = BCJ2_E_INSUFFICIENT_RANGE_SUPPORT},
    {"a part that is not named",
     {CUT_AT_4},
     {TELL(PART LEN(6) TAG), SAY("456789"), END},
     .code = BCJ2_E_INSUFFICIENT_RANGE_SUPPORT},
    {"a part longer than asked",
     {CUT_AT_4},
     {TELL(PART LEN(7) RANGE("4-10/11") TAG), END},
     .code = BCJ2_E_INSUFFICIENT_RANGE_SUPPORT},
    {"a part nobody asked for",
     {TEN, TELL(PART LEN(10) RANGE("0-9/10") TAG), DIGITS, END},
     {END},
     .final = true,
     .code = BCJ2_E_INVALID_SERVER_RESPONSE},
    {"the whole for the rest, background",
     {CUT_AT_4},
     {WHOLE, END},
     .code = BCJ2_E_INSUFFICIENT_RANGE_SUPPORT},
    {"the whole for the rest, foreground",
     {CUT_AT_4},
     {WHOLE, END},
     .foreground = true,
     .file = "0123456789"},
    {"416 for what must be there",
     {CUT_AT_4},
     {TELL("HTTP/1.1 416 X\r\n" NOTHING RANGE("*/10")), TEN, END},
     .code = BCJ2_E_INSUFFICIENT_RANGE_SUPPORT},
    {"416 because it became shorter",
     {CUT_AT_4},
     {TELL("HTTP/1.1 416 X\r\n" NOTHING RANGE("*/3")), TELL(OK LEN(3) OTHER), TELL(OK LEN(3) OTHER),
      SAY("new"), END},
     .file = "new"},
    /* changes */
    {"changed: 200", {CUT_AT_4}, {TELL(OK LEN(3) OTHER), SAY("new"), END}, .file = "new"},
    {"changed: another tag",
     {CUT_AT_4},
     {TELL(PART LEN(6) RANGE("4-9/10") OTHER), SAY("efghij"), TELL(OK LEN(3) OTHER),
      TELL(OK LEN(3) OTHER), SAY("new"), END},
     .file = "new"},
    {"changed: another total, and then stays",
     {CUT_AT_4},
     {TELL(PART LEN(6) RANGE("4-9/11") OTHER), SAY("efghij"), TELL(OK LEN(3) OTHER),
      TELL(OK LEN(3) OTHER), SAY("new"), AGAIN},
     .file = "new"},
    {"changed: 412",
     {TELL(OK LEN(10) "Last-Modified: Tue, 03 Feb 2026 10:00:00 GMT\r\n"
                      "Date: Tue, 03 Feb 2026 10:02:00 GMT\r\n"),
      TELL(OK LEN(10) "Last-Modified: Tue, 03 Feb 2026 10:00:00 GMT\r\n"
                      "Date: Tue, 03 Feb 2026 10:02:00 GMT\r\n"),
      SAY("0123"), END},
     {FAILS(412), TELL(OK LEN(3)), TELL(OK LEN(3)), SAY("new"), END},
     .file = "new",
     .later = "\r\nIf-Unmodified-Since: Tue, 03 Feb 2026 10:00:00 GMT\r\n"},
    {"another one each time",
     {TEN, TELL(OK LEN(11) TAG), SAY("0123456789a"), AGAIN},
     {TEN, TELL(OK LEN(11) TAG), SAY("0123456789a"), AGAIN},
     .final = true,
     .code = BCJ2_E_REMOTE_FILE_CHANGED},
    /* encoded, elsewhere */
    {"packed, HEAD",
     {TELL(OK LEN(10) "Content-Encoding: gzip\r\n"), END},
     .code = BCJ2_E_INVALID_SERVER_RESPONSE},
    {"packed, GET",
     {TEN, TELL(OK LEN(10) "Content-Encoding: gzip\r\n"), DIGITS, END},
     .code = BCJ2_E_INVALID_SERVER_RESPONSE},
    {"round in circles", {ROUNDS, ROUNDS, ROUND, END}, .code = BCJ2_E_HTTP_ERROR(302)},
    {"a place that is none",
     {TELL("HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1/x\r\n" NOTHING), END},
     .code = BCJ2_E_HTTP_ERROR(302)},
    {"a redirect without a place",
     {TELL("HTTP/1.1 301 Moved\r\n" NOTHING), END},
     .code = BCJ2_E_HTTP_ERROR(301)},
    {"a success of another kind",
     {TELL("HTTP/1.1 202 Later\r\n" NOTHING), END},
     .final = true,
     .code = BCJ2_E_INVALID_SERVER_RESPONSE},
    {"gone", {FAILS(410), END}, .code = BCJ2_E_HTTP_ERROR(410)},
    {"gone after HEAD", {TEN, FAILS(404), END}, .code = BCJ2_E_HTTP_ERROR(404)},
    /* lists of ranges */
    {"two ranges",
     {TEN, TELL(PART LEN(3) RANGE("6-8/10") TAG), SAY("678"), TELL(PART LEN(2) RANGE("1-2/10") TAG),
      SAY("12"), END},
     TWO,
     .file = "67812",
     .asks = "\r\nRange: bytes=6-8\r\n"},
    {"the second is asked for under a condition",
     {TEN, TELL(PART LEN(3) RANGE("6-8/10") TAG), SAY("678"), TELL(PART LEN(2) RANGE("1-2/10") TAG),
      SAY("12"), END},
     TWO,
     .file = "67812",
     .asks = "\r\nRange: bytes=1-2\r\nIf-Range: \"x\"\r\n"},
    {"outside", {TELL(OK LEN(8) TAG), END}, TWO, .code = BCJ2_E_INVALID_RANGE},
    {"merged",
     {TEN, TELL(PART LEN(8) RANGE("1-8/10") TAG), SAY("12345678"), END},
     TWO,
     .code = BCJ2_E_INSUFFICIENT_RANGE_SUPPORT},
    {"in another order",
     {TEN, TELL(PART LEN(2) RANGE("1-2/10") TAG), SAY("12"), END},
     TWO,
     .code = BCJ2_E_INSUFFICIENT_RANGE_SUPPORT},
    {"several in one",
     {TEN, TELL(PART LEN(9) "Content-Type: multipart/byteranges; boundary=b\r\n" TAG), END},
     TWO,
     .code = BCJ2_E_INSUFFICIENT_RANGE_SUPPORT},
    {"the whole instead", {TEN, WHOLE, END}, TWO, .code = BCJ2_E_INSUFFICIENT_RANGE_SUPPORT},
    {"416 for one of them",
     {TEN, TELL("HTTP/1.1 416 X\r\n" NOTHING RANGE("*/10")), TEN, END},
     TWO,
     .code = BCJ2_E_INVALID_RANGE},
    {"changed between them",
     {TEN, TELL(PART LEN(3) RANGE("6-8/10") TAG), SAY("678"), TELL(OK LEN(9) OTHER),
      SAY("abcdefghi"), END},
     {TELL(OK LEN(9) OTHER), TELL(PART LEN(3) RANGE("6-8/9") OTHER), SAY("ghi"),
      TELL(PART LEN(2) RANGE("1-2/9") OTHER), SAY("bc"), END},
     TWO,
     .file = "ghibc"},
};

static void assert_asked(struct http_script *server, size_t connection, const char *text)
{
    if (text != NULL) {
        char *received = http_script_received(server, connection, NULL);
        ck_assert_msg(strstr(received, text) != NULL, "connection %zu asked \"%s\", not \"%s\"",
                      connection, received, text);
        free(received);
    }
}

START_TEST(script)
{
    const struct script *t = &scripts[_i];
    const struct http_step *const lists[] = {t->steps, t->after};
    struct http_script *server = http_script_start(lists, 2);
    rig_prepare();
    bcj2_job *job = t->foreground ? download_foreground_job() : download_job();
    const char *url = http_script_url(server, "/file");
    if (t->range_count > 0) {
        download_add_ranges(job, url, "file", t->range_count, t->ranges);
    } else {
        download_add(job, url, "file");
    }
    if (t->final) {
        assert_status(bcj2_set_no_progress_timeout(job, 0), BCJ2_OK);
    }
    if (t->code == BCJ2_OK) {
        download_finish(job);
        download_assert_text("file", t->file);
    } else {
        assert_status(bcj2_resume(job), BCJ2_OK);
        client_wait_error(job, BCJ2_JOB_STATE_ERROR, BCJ2_ERROR_CONTEXT_REMOTE_FILE, t->code);
        ck_assert_uint_eq(download_error_file(job), 0);
        ck_assert(!client_exists(download_path("file")));
        assert_status(bcj2_cancel(job), BCJ2_OK);
    }
    assert_asked(server, 0, t->asks);
    assert_asked(server, 1, t->later);
    rig_unref(job);
    rig_assert_no_temporary_here();
    rig_close();
    http_script_stop(server);
    folder_remove(rig.folder);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "scripts", 60);
    tcase_add_loop_test(tc, script, 0, (int)(sizeof scripts / sizeof scripts[0]));
}

SUITE_MAIN("downloads from servers that lie", add_cases)
