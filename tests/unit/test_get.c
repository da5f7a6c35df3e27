/* SPDX-License-Identifier: MIT */
/* proto/get: the download of a reply, by the rules of wire-protocol 2.9 and, as far as it meets them,
   4.2-4.4 and 4.7, as short scripts named by their rule. Files of download jobs: test_get_file.c. */
#include "../support/suite.h"
#include "../support/get_player.h"

static const struct get_plan of_reply = {.reply = true};

/* ---- rules ---- */

#define IUS      " If-Unmodified-Since Tue, 03 Feb 2026 10:00:00 GMT"
#define TEN      "start -> GET\n200/ Content-Length: 10/ "
#define CUT_AT_4 " -> body 0\ncut 4 -> "

static const struct {
    const char *rule;
    bool alternative;
    const char *script;
} rules[] = {
    {"2.9 one plain GET", false,
     "start -> GET\n200/ Content-Length: 10 -> body 0\nbody 10 -> done"},
    {"2.9 an empty reply", false, "start -> GET\n200/ Content-Length: 0 -> body 0\nbody 0 -> done"},
    {"2.9 204 is an empty reply", false, "start -> GET\n204 -> body 0\nbody 0 -> done"},
    {"2.9 no length: ended by the connection or chunks", false,
     "start -> GET\n200 -> body 0\nbody 12345 -> done"},
    {"2.9 chunked, and a length that does not count", false,
     "start -> GET\n200/ Transfer-Encoding: chunked/ Content-Length: 3 -> body 0\nbody 5 -> done"},
    {"2.9 whole at the start: no request", false,
     "start -> GET\n200/ Content-Length: 10 -> body 0\nbody 10 -> done\nrestart\nstart -> done"},
    {"2.9 whole, but the connection broke", false,
     "start -> GET\n200/ Content-Length: 10 -> body 0\ncut 10 -> done"},
    {"2.9 the other host on 404, once", true,
     "start -> GET\n404 -> ignore\nbody 0 -> GET alternative\n404 -> fail fatal 0x80190194 5\n"
     "start -> GET"},
    {"2.9 the other host's reply", true,
     "start -> GET\n404 -> ignore\nbroke -> GET alternative\n200/ Content-Length: 1 -> body 0\n"
     "body 1 -> done"},
    {"2.9 the other host without a connection", true,
     "start -> GET\nno connection -> GET alternative\n200 -> body 0\nbody 1 -> done"},
    {"2.9 the other host without a name", true, "start -> GET\nno name -> GET alternative"},
    {"2.9 no connection, and the other host has nothing: the first one may come back", true,
     "start -> GET\nno connection -> GET alternative\n404 -> fail transient 0x80072EFD 5"},
    {"2.9 there is no other host", false, "start -> GET\n404 -> fail fatal 0x80190194 5"},
    {"2.9 no connection at all", false,
     "start -> GET\nno connection -> fail transient 0x80072EFD 5"},
    {"2.9 other errors do not change the host", true,
     "start -> GET\n403 -> fail fatal 0x80190193 5\nstart -> GET\n"
     "timeout -> fail transient 0x80072EE2 5"},
    {"2.7 the context is REMOTE_FILE", false,
     "start -> GET\n503/ BITS-Error-Context: 0x7 -> fail transient 0x801901F7 5"},
    {"5.1 401 and 407", false,
     "start -> GET\n401 -> fail fatal 0x80190191 5\nstart -> GET\n407 -> fail fatal 0x80190197 5"},
    {"4.2 short body: the bytes stay", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n"
                       "206/ Content-Range: bytes 4-9/10/ Content-Length: 6/ " ETAG
                       " -> body 4\nbody 6 -> done"},
    {"4.2 said to be complete, but short", false,
     TEN ETAG " -> body 0\nbody 4 -> GET 4- If-Range \"e\""},
    {"4.2 a shorter part than asked", false,
     TEN ETAG CUT_AT_4
     "GET 4- If-Range \"e\"\n206/ Content-Range: bytes 4-5/10/ " ETAG
     " -> body 4\nbody 2 -> GET 6- If-Range \"e\"\n206/ Content-Range: bytes 6-9/10/ " ETAG
     " -> body 6\nbody 4 -> done"},
    {"4.2 206 without Content-Range", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n206/ " ETAG " -> fail fatal 0x80200013 5"},
    {"4.2 another range", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n206/ Content-Range: bytes 3-9/10/ " ETAG
                       " -> fail fatal 0x80200013 5"},
    {"4.2 a length that is not the range's", false,
     TEN ETAG CUT_AT_4
     "GET 4- If-Range \"e\"\n206/ Content-Range: bytes 4-9/10/ Content-Length: 7/ " ETAG
     " -> fail fatal 0x80200013 5"},
    {"4.2 an endless range", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n"
                       "206/ Content-Range: bytes 4-18446744073709551615/*/ " ETAG
                       " -> fail fatal 0x80200013 5"},
    {"4.2 a part where the whole was asked", false,
     "start -> GET\n206/ Content-Range: bytes 0-9/10 -> fail transient 0x8020001B 5"},
    {"4.2 encoded", false,
     "start -> GET\n200/ Content-Encoding: gzip -> fail fatal 0x8020001B 5\nstart -> GET\n"
     "200/ Content-Encoding: Identity -> body 0"},
    {"4.2 a part, encoded", false,
     TEN ETAG CUT_AT_4
     "GET 4- If-Range \"e\"\n206/ Content-Range: bytes 4-9/10/ Content-Encoding: br/ " ETAG
     " -> fail fatal 0x8020001B 5"},
    {"4.2 total not said", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n206/ Content-Range: bytes 4-9/*/ " ETAG
                       " -> body 4\nbody 6 -> done"},
    {"a broken length: three are transient, the fourth is fatal", false,
     "start -> GET\n200/ Content-Length: x -> fail transient 0x8020001B 5\nrestart\nstart -> GET\n"
     "200/ Content-Length: 1/ Content-Length: 2 -> fail transient 0x8020001B 5\nrestart\n"
     "start -> GET\n203 -> fail transient 0x8020001B 5\nrestart\nstart -> GET\n"
     "202 -> fail fatal 0x8020001B 5"},
    {"4.3 200 for 206, unchanged: no ranges any more", false,
     TEN ETAG CUT_AT_4
     "GET 4- If-Range \"e\"\n200/ Content-Length: 10/ " ETAG
     " -> body 0 restarted\ncut 5 -> GET\nrestart\nstart -> GET\n200/ Content-Length: 10/ " ETAG
     " -> body 0 restarted\nbody 10 -> done"},
    {"4.3 200 for 206, changed: ranges again", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n200/ Content-Length: 12/ ETag: \"f\" -> "
                       "body 0 restarted\ncut 5 -> GET 5- If-Range \"f\""},
    {"4.4 another total", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n206/ Content-Range: bytes 4-10/11/ " ETAG
                       " -> ignore restarted\nbody 0 -> GET"},
    {"4.4 beyond the total", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n206/ Content-Range: bytes 4-10/*/ " ETAG
                       " -> ignore restarted\nbroke -> GET"},
    {"4.4 another entity tag", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n206/ Content-Range: bytes 4-9/10/ ETag: \"f\" -> "
                       "ignore restarted"},
    {"4.4 another Last-Modified", false,
     TEN LM CUT_AT_4 "GET 4-\n206/ Content-Range: bytes 4-9/10/ " LM2 " -> ignore restarted"},
    {"4.4 Last-Modified gone", false,
     TEN LM CUT_AT_4 "GET 4-\n206/ Content-Range: bytes 4-9/10 -> ignore restarted"},
    {"4.4 Last-Modified gone, but the entity tag is there", false,
     TEN LM "/ " ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n206/ Content-Range: bytes 4-9/10/ " ETAG
            " -> body 4"},
    {"4.4 only the size guards", false,
     "start -> GET\n200/ Content-Length: 10 -> body 0\ncut 4 -> GET 4-\n"
     "206/ Content-Range: bytes 4-9/10 -> body 4\nbody 6 -> done"},
    {"4.4 nothing guards: from 0", false,
     "start -> GET\n200 -> body 0\ncut 4 -> GET\n200 -> body 0 restarted\nbody 9 -> done"},
    {"4.4 a weak entity tag is none", false,
     TEN "ETag: W/\"e\"" CUT_AT_4
         "GET 4-\n206/ Content-Range: bytes 4-9/10/ ETag: W/\"e\" -> body 4"},
    {"4.4 If-Unmodified-Since for a Last-Modified 60 s old", false,
     TEN LM "/ " DATE CUT_AT_4 "GET 4-" IUS},
    {"4.4 no condition for a younger one", false, TEN LM2 "/ " DATE CUT_AT_4 "GET 4-"},
    {"4.4 the strong tag goes first", false,
     TEN LM "/ " ETAG "/ " DATE CUT_AT_4 "GET 4- If-Range \"e\""},
    {"4.4 412: from 0", false,
     TEN LM "/ " DATE CUT_AT_4 "GET 4-" IUS "\n412 -> ignore restarted\n"
            "body 0 -> GET\n200/ Content-Length: 3/ " LM2 " -> body 0\n"
            "body 3 -> done"},
    {"4.4 412 twice to the same Last-Modified: no more conditions", false,
     TEN LM
     "/ " DATE CUT_AT_4 "GET 4-" IUS "\n412 -> ignore restarted\nbody 0 -> GET\n"
     "200/ Content-Length: 10/ " LM "/ " DATE CUT_AT_4 "GET 4-" IUS
     "\n412 -> ignore restarted\nbody 0 -> GET\n200/ Content-Length: 10/ " LM "/ " DATE
     " -> body 0\nno retries\ncut 4 -> fail transient 0x80072EFE 5\nrestart\nstart -> GET 4-\n"
     "206/ Content-Range: bytes 4-9/10/ " LM " -> body 4\nbody 6 -> done"},
    {"4.4 412 to one that had changed counts anew", false,
     TEN LM
     "/ " DATE CUT_AT_4 "GET 4-" IUS "\n412 -> ignore restarted\nbody 0 -> GET\n"
     "200/ Content-Length: 10/ Last-Modified: Tue, 03 Feb 2026 09:00:00 GMT/ " DATE CUT_AT_4
     "GET 4- If-Unmodified-Since Tue, 03 Feb 2026 09:00:00 GMT\n412 -> ignore restarted\n"
     "body 0 -> GET\n200/ Content-Length: 10/ Last-Modified: Tue, 03 Feb 2026 09:00:00 GMT/ " DATE
     " -> body 0\nno retries\ncut 4 -> fail transient 0x80072EFE 5\nstart -> "
     "GET 4- If-Unmodified-Since Tue, 03 Feb 2026 09:00:00 GMT"},
    {"412 that nobody asked for", false, "start -> GET\n412 -> fail fatal 0x8019019C 5"},
    {"4.4 416, and we have it all", false,
     "start -> GET\n200/ " ETAG " -> body 0\ncut 10 -> GET 10- If-Range \"e\"\n"
     "416/ Content-Range: bytes */10 -> ignore\nbody 0 -> done"},
    {"4.4 416, and there is less", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n416/ Content-Range: bytes */3 -> ignore restarted\n"
                       "body 0 -> GET"},
    {"4.4 416 that says nothing", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\n416 -> ignore restarted\nbody 0 -> GET"},
    {"4.4 416 to a plain GET", false, "start -> GET\n416 -> fail fatal 0x801901A0 5"},
    {"two immediate retries", false,
     TEN ETAG CUT_AT_4 "GET 4- If-Range \"e\"\nbroke -> GET 4- If-Range \"e\"\n"
                       "broke -> fail transient 0x80072EFE 5\nstart -> GET 4- If-Range \"e\""},
    {"5 K end an interruption", false,
     "start -> GET\n200/ Content-Length: 99999/ " ETAG " -> body 0\n"
     "cut 5120 -> GET 5120- If-Range \"e\"\nbroke -> GET 5120- If-Range \"e\"\n"
     "206/ Content-Range: bytes 5120-99998/99999/ " ETAG " -> body 5120\n"
     "cut 5119 -> fail transient 0x80072EFE 5\nstart -> GET 10239- If-Range \"e\"\n"
     "206/ Content-Range: bytes 10239-99998/99999/ " ETAG " -> body 10239\n"
     "cut 1 -> GET 10240- If-Range \"e\"\nbroke -> GET 10240- If-Range \"e\"\n"
     "206/ Content-Range: bytes 10240-99998/99999/ " ETAG " -> body 10240\n"
     "cut 5120 -> GET 15360- If-Range \"e\""},
    {"no immediate retry", false, "no retries\nstart -> GET\nbroke -> fail transient 0x80072EFE 5"},
    {"4.7 a refused redirect", false, "start -> GET\nredirect refused -> fail fatal 0x8020001B 5"},
    {"5.3 TLS", false, "start -> GET\nbad certificate -> fail fatal 0x80072F8F 5"},
    {"5.3 disk full: Resume goes on from what is there", false,
     TEN ETAG
     " -> body 0\ncut 4 -> GET 4- If-Range \"e\"\n206/ Content-Range: bytes 4-9/10/ " ETAG
     " -> body 4\ndisk full -> fail fatal 0x80070070 4\nrestart\nstart -> GET 4- If-Range \"e\""},
    {"an event out of turn", false, "200 -> fail fatal 0x8000FFFF 2"},
};

START_TEST(rule)
{
    const struct get_plan plan = {.reply = true, .has_alternative = rules[_i].alternative};
    struct player p;
    player_init(&p, rules[_i].rule, &plan, NULL);
    play(&p, rules[_i].script);
}
END_TEST

START_TEST(too_many_changes_4_4)
{
    struct player p;
    player_init(&p, "more than 5 restarts", &of_reply, NULL);
    play(&p, "no retries\nstart -> GET");
    for (int i = 0; i < 5; i++) {
        play(&p,
             "200/ Content-Length: 10/ " ETAG " -> body 0\ncut 4 -> fail transient 0x80072EFE 5\n"
             "restart\nstart -> GET 4- If-Range \"e\"\n"
             "206/ Content-Range: bytes 4-9/10/ ETag: \"f\" -> ignore restarted\n"
             "body 0 -> GET");
    }
    play(&p, "200/ Content-Length: 10/ " ETAG " -> body 0\ncut 4 -> fail transient 0x80072EFE 5\n"
             "restart\nstart -> GET 4- If-Range \"e\"\n"
             "206/ Content-Range: bytes 4-9/10/ ETag: \"f\" -> "
             "fail transient 0x80200073 5 restarted\nrestart\nstart -> GET");
}
END_TEST

START_TEST(offset_that_cannot_be)
{
    const struct get_saved saved = {.begun = true, .total_known = true, .total = 5, .offset = 6};
    struct player p;
    player_init(&p, "more bytes than there are", &of_reply, &saved);
    play(&p, "start -> GET restarted");
}
END_TEST

START_TEST(validators_too_long_are_none)
{
    char head[LIMIT_VALIDATOR_BYTES + 100], tag[LIMIT_VALIDATOR_BYTES];
    struct player p;
    memset(tag, 'x', sizeof tag - 1);
    tag[sizeof tag - 1] = '\0';
    player_init(&p, "long validators", &of_reply, NULL);
    play(&p, "start -> GET");
    /* 511 characters and two quotes: one more than fits */
    (void)snprintf(head, sizeof head, "200/ Content-Length: 10/ ETag: \"%s\" -> body 0", tag);
    play(&p, head);
    play(&p, "cut 4 -> GET 4-");
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "get", 10);
    tcase_add_loop_test(tc, rule, 0, ARRAY_LEN(rules));
    tcase_add_test(tc, too_many_changes_4_4);
    tcase_add_test(tc, offset_that_cannot_be);
    tcase_add_test(tc, validators_too_long_are_none);
}

SUITE_MAIN("get", add_cases)
