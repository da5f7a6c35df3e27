/* SPDX-License-Identifier: MIT */
/* proto/bup: the rules of wire-protocol 2.2-2.11 as short scripts, each named by its rule. The table
   2.6 and the random walk are in test_bup_table.c. */
#include "../support/suite.h"
#include "../support/bup_player.h"

static const struct {
    const char *rule;
    bcj2_job_type type;
    uint64_t size;
    const char *script;
} rules[] = {
    {"2.1 what is saved, and when", REPLY, 300000,
     "start -> Create-Session | unsaved\n"
     "created -> Fragment 0-262143 | durable connected\n"
     "ok 262144 -> Fragment 262144-299999 | soft connected progress last\n"
     "ok 300000 reply r -> fetch r | durable progress\n"
     "stored -> done+Close-Session | durable"},
    {"2.2 plain upload", UPLOAD, 300000,
     OPEN "ok 262144 -> Fragment 262144-299999\nok 300000 -> Close-Session | durable\n"
          "ok -> done | durable connected"},
    {"2.2 a plain upload ignores the reply URL", UPLOAD, 7,
     "start -> Create-Session\ncreated -> Fragment 0-6 | last\nok 7 reply r -> Close-Session"},
    {"2.2 Ping after a host-id", UPLOAD, 300000, OPEN_H "ok 262144 -> Fragment 262144-299999 @h"},
    {"2.2 resume enters through Ping: SENDING", UPLOAD, 300000,
     OPEN "restart\nstart -> Ping | unsaved\nok -> Fragment 0-5119 | connected"},
    {"2.2 resume enters through Ping: REPLY", REPLY, 7,
     "start -> Create-Session\ncreated -> Fragment 0-6\nok 7 reply r -> fetch r\nrestart\n"
     "start -> Ping\nok -> fetch r\nstored -> done+Close-Session"},
    {"2.2 resume enters through Ping: CLOSING", UPLOAD, 7,
     "start -> Create-Session\ncreated -> Fragment 0-6\nok 7 -> Close-Session\nrestart\n"
     "start -> Ping\nok -> Close-Session\nok -> done"},
    {"2.2 resume before there is a session", UPLOAD, 7,
     "start -> Create-Session\nrestart\nstart -> Create-Session"},
    {"2.2 two immediate retries, then the delay", UPLOAD, 300000,
     OPEN "ok 262144 -> Fragment 262144-299999\n"
          "broke -> Ping | soft\nbroke -> Ping\nbroke -> fail transient 0x80072EFE 5\n"
          "start -> Ping\nok -> Fragment 262144-267263"},
    {"2.2 a probe that gets through does not end the interruption", UPLOAD, 300000,
     OPEN "broke -> Ping\nok -> Fragment 0-5119\nok 5120 -> Fragment 5120-136191\n"
          "broke -> Ping\nok -> Fragment 5120-10239\nok 10240 -> Fragment 10240-75775\n"
          "broke -> fail transient 0x80072EFE 5"},
    {"2.2 a whole fragment does", UPLOAD, 900000,
     OPEN "broke -> Ping\nbroke -> Ping\nok -> Fragment 0-5119\nok 5120 -> Fragment 5120-136191\n"
          "ok 136192 -> Fragment 136192-267263\nbroke -> Ping\nbroke -> Ping\n"
          "broke -> fail transient 0x80072EFE 5"},
    {"2.2 immediate retry of Create", UPLOAD, 7,
     "start -> Create-Session\nbroke -> Create-Session\nbroke -> Create-Session\n"
     "broke -> fail transient 0x80072EFE 5"},
    {"no-progress time-out 0: no immediate retry", UPLOAD, 7,
     "no retries\nstart -> Create-Session\nbroke -> fail transient 0x80072EFE 5"},
    {"only broken connections are tried again at once", UPLOAD, 7,
     "start -> Create-Session\ntimeout -> fail transient 0x80072EE2 5\n"
     "start -> Create-Session\nno connection -> fail transient 0x80072EFD 5\n"
     "start -> Create-Session\nno network -> fail transient 0x80200010 2\n"
     "start -> Create-Session\nbad certificate -> fail fatal 0x80072F8F 5"},
    {"2.3.2 a 200 wins forwards", UPLOAD, 900000,
     OPEN "ok 500000 -> Fragment 500000-762143 | soft progress"},
    {"2.3.2 a 200 wins backwards", UPLOAD, 900000,
     OPEN "ok 262144 -> Fragment 262144-524287\nok 1000 -> Fragment 1000-263143 | soft"},
    {"2.3.2 a 416 wins", UPLOAD, 900000,
     OPEN "416 500000 -> Fragment 500000-762143 | connected progress\n"
          "416 7 -> Fragment 7-262150 | connected"},
    {"2.3.2 a 201 is a 200", UPLOAD, 900000,
     OPEN "201/ BITS-Packet-Type: Ack -> Fragment 262144-524287"},
    {"2.3.3 session lost", UPLOAD, 300000,
     OPEN "ok 262144 -> Fragment 262144-299999\n"
          "500/ " SNF " -> Create-Session | durable lost connected\n"
          "created -> Fragment 0-262143"},
    {"2.3.3 the host is forgotten with it", UPLOAD, 300000,
     OPEN_H "500/ " SNF " -> Create-Session\ncreated -> Fragment 0-262143"},
    {"2.3.3 with any status", UPLOAD, 300000, OPEN "404/ " SNF " -> Create-Session | lost"},
    {"2.3.3 not for ever in one run", UPLOAD, 7,
     "start -> Create-Session\ncreated -> Fragment 0-6\n500/ " SNF " -> Create-Session\n"
     "created -> Fragment 0-6\n500/ " SNF " -> Create-Session\ncreated -> Fragment 0-6\n"
     "500/ " SNF " -> Create-Session\ncreated -> Fragment 0-6\n500/ " SNF " -> Create-Session\n"
     "created -> Fragment 0-6\n500/ " SNF " -> Create-Session\ncreated -> Fragment 0-6\n"
     "500/ " SNF " -> fail transient 0x8020001F 5 | durable lost\nstart -> Create-Session"},
    {"2.3.4 final Ack lost, a 416 tells: the last byte again", REPLY, 300000,
     OPEN "416 300000 -> Fragment 299999-299999 | soft last\nok 300000 reply r -> fetch r"},
    {"2.3.4 a duplicate tells", REPLY, 300000,
     OPEN "ok 300000 -> Fragment 299999-299999\nok 300000 reply r -> fetch r"},
    {"2.3.4 the URL comes with it at once", REPLY, 300000, OPEN "ok 300000 reply r -> fetch r"},
    {"2.3.4 asked again once: then there is no reply (D6)", REPLY, 300000,
     OPEN "416 300000 -> Fragment 299999-299999\n416 300000 -> done+Close-Session | durable"},
    {"2.3.4 the last byte itself: no reply", REPLY, 7,
     "start -> Create-Session\ncreated -> Fragment 0-6\nok 7 -> done+Close-Session"},
    {"2.3.4 goes on over a restart", REPLY, 300000,
     OPEN "416 300000 -> Fragment 299999-299999\nrestart\nstart -> Ping\n"
          "ok -> Fragment 299999-299999\nok 300000 -> done+Close-Session"},
    {"2.3.4 plain: nothing to ask", UPLOAD, 300000, OPEN "416 300000 -> Close-Session"},
    {"2.3.4 an empty URL is none", REPLY, 7,
     "start -> Create-Session\ncreated -> Fragment 0-6\n"
     "200/ BITS-Packet-Type: Ack/ BITS-Reply-URL:  -> done+Close-Session"},
    {"2.3.5 n > size", UPLOAD, 300000, OPEN "ok 300001 -> fail fatal 0x8020001B 5"},
    {"2.3.5 n > size in a 416", UPLOAD, 300000, OPEN "416 300001 -> fail fatal 0x8020001B 5"},
    {"2.3.5 200 without the header", UPLOAD, 300000,
     OPEN "ok -> Fragment 262144-299999 | progress"},
    {"2.3.5 416 without it: a new session once, then fatal", UPLOAD, 300000,
     OPEN "416 -> Create-Session | durable lost\ncreated -> Fragment 0-262143\nrestart\n"
          "start -> Ping\nok -> Fragment 0-5119\n416 -> fail fatal 0x8020001B 5"},
    {"2.3.5 five resyncs without gain", UPLOAD, 300000,
     OPEN "ok 262144 -> Fragment 262144-299999\n416 0 -> Fragment 0-262143\n"
          "416 0 -> Fragment 0-262143\nok 0 -> Fragment 0-262143\nok 0 -> Fragment 0-262143\n"
          "416 0 -> fail transient 0x8020001B 5"},
    {"2.3.5 a flapping offset is no gain", UPLOAD, 300000,
     OPEN "ok 262144 -> Fragment 262144-299999\n416 0 -> Fragment 0-262143\n"
          "ok 262144 -> Fragment 262144-299999\n416 0 -> Fragment 0-262143\n"
          "ok 262144 -> Fragment 262144-299999\n416 0 -> Fragment 0-262143\n"
          "ok 262144 -> Fragment 262144-299999\n416 0 -> Fragment 0-262143\n"
          "ok 262144 -> Fragment 262144-299999\n416 0 -> fail transient 0x8020001B 5"},
    {"2.3.5 gain starts the count anew; bytes sent again are no resync", UPLOAD, 2000000,
     OPEN "ok 262144 -> Fragment 262144-524287\nok 1 -> Fragment 1-262144\n"
          "ok 262145 -> Fragment 262145-524288 | progress\n416 1 -> Fragment 1-262144\n"
          "416 1 -> Fragment 1-262144\n416 1 -> Fragment 1-262144\n416 1 -> Fragment 1-262144\n"
          "ok 524289 -> Fragment 524289-786432 | progress\n416 1 -> Fragment 1-262144"},
    {"2.3.6 probe: at most 5 K, the last one may be less", UPLOAD, 265000,
     OPEN "ok 262144 -> Fragment 262144-264999\nrestart\nstart -> Ping\n"
          "ok -> Fragment 262144-264999\nok 265000 -> Close-Session"},
    {"2.3.6 a 416 to the probe", UPLOAD, 900000,
     OPEN "broke -> Ping\nok -> Fragment 0-5119\n416 200000 -> Fragment 200000-331071"},
    {"2.3 source changed: at START", UPLOAD, 300000,
     OPEN "restart\ntouch\nstart -> fail fatal 0x8020001D 4+Cancel-Session | durable lost\n"
          "restart\nstart -> Create-Session"},
    {"2.3 source changed: at an answer", UPLOAD, 300000,
     OPEN "grow\nok 262144 -> fail fatal 0x8020001D 4+Cancel-Session"},
    {"2.3 source changed: at the last answer", REPLY, 7,
     "start -> Create-Session\ncreated -> Fragment 0-6\ntouch\n"
     "ok 7 reply r -> fail fatal 0x8020001D 4+Cancel-Session"},
    {"2.3 source changed: it became shorter while it was read", UPLOAD, 300000,
     OPEN "short file -> fail fatal 0x8020001D 4+Cancel-Session"},
    {"2.3 source changed before the session: nothing was sent of it", UPLOAD, 7,
     "start -> Create-Session\ngrow\ncreated -> Fragment 0-7\nok 8 -> Close-Session"},
    {"2.3 source changed: not looked at once all is sent", REPLY, 7,
     "start -> Create-Session\ncreated -> Fragment 0-6\nok 7 reply r -> fetch r\ntouch\n"
     "restart\nstart -> Ping\nok -> fetch r"},
    {"5.3 local file unreadable, no Cancel", UPLOAD, 300000,
     OPEN "unreadable -> fail fatal 0x80070005 4\nstart -> Ping"},
    {"5.3 local file in use", UPLOAD, 300000, OPEN "locked -> fail transient 0x80070020 4"},
    {"2.4 doubled under a second, halved over ten", UPLOAD, 9000000,
     OPEN "elapsed 999\nok 262144 -> Fragment 262144-786431\nelapsed 1000\n"
          "ok 786432 -> Fragment 786432-1310719\nelapsed 10000\n"
          "ok 1310720 -> Fragment 1310720-1835007\nelapsed 10001\n"
          "ok 1835008 -> Fragment 1835008-2097151"},
    {"2.4 at most 13 M", UPLOAD, 90000000,
     "fragment 10000000\nstart -> Create-Session\ncreated -> Fragment 0-9999999\nelapsed 1\n"
     "ok 10000000 -> Fragment 10000000-23631487\nok 23631488 -> Fragment 23631488-37262975"},
    {"2.4 at least 5 K", UPLOAD, 900000,
     "fragment 6000\nelapsed 20000\nstart -> Create-Session\ncreated -> Fragment 0-5999\n"
     "ok 6000 -> Fragment 6000-11119\nok 11120 -> Fragment 11120-16239"},
    {"2.4 halved after an interruption, the probe's Ack doubles the saved size", UPLOAD, 900000,
     OPEN "broke -> Ping\nok -> Fragment 0-5119\nelapsed 1\nok 5120 -> Fragment 5120-267263"},
    {"2.4 suspended in a fragment: halved once", UPLOAD, 900000,
     OPEN "interrupt\ninterrupt\nrestart\nstart -> Ping\nok -> Fragment 0-5119\n"
          "ok 5120 -> Fragment 5120-136191"},
    {"2.4 a run that failed in a fragment: halved once", UPLOAD, 900000,
     OPEN "timeout -> fail transient 0x80072EE2 5\ninterrupt\nrestart\nstart -> Ping\n"
          "ok -> Fragment 0-5119\nok 5120 -> Fragment 5120-136191"},
    {"2.4 413 halves, and becomes the ceiling of the session", UPLOAD, 900000,
     OPEN "413 -> Fragment 0-131071 | soft connected\n413 -> Fragment 0-65535\nelapsed 1\n"
          "ok 65536 -> Fragment 65536-131071\nok 131072 -> Fragment 131072-196607"},
    {"2.4 413 down to 5 K, then fatal", UPLOAD, 900000,
     "fragment 20000\nstart -> Create-Session\ncreated -> Fragment 0-19999\n"
     "413 -> Fragment 0-9999\n413 -> Fragment 0-5119\n413 -> fail fatal 0x8019019D 5"},
    {"2.4 a new session has no ceiling", UPLOAD, 900000,
     OPEN "413 -> Fragment 0-131071\n500/ " SNF " -> Create-Session\ncreated -> Fragment 0-131071\n"
          "elapsed 1\nok 131072 -> Fragment 131072-393215"},
    {"2.5 the host stays away: back to the origin", UPLOAD, 300000,
     "no retries\n" OPEN_H "broke -> fail transient 0x80072EFE 5\nwait 30000\nfailing 30000\n"
     "start -> Ping @h\ntimeout -> fail transient 0x80072EE2 5\nwait 30000\nfailing 60000\n"
     "restart\nstart -> Ping\nok -> Fragment 0-5119\n500/ " SNF " -> Create-Session"},
    {"2.5 in one run", UPLOAD, 300000,
     OPEN_H "broke -> Ping @h\nwait 59999\nbroke -> Ping @h\nwait 1\nok -> Fragment 0-5119"},
    {"2.5 a Fragment's Ack resets the clock, a Ping does not", UPLOAD, 300000,
     OPEN_H "broke -> Ping @h\nwait 59999\nok -> Fragment 0-5119 @h\n"
            "ok 5120 -> Fragment 5120-136191 @h\nwait 60000\n"
            "ok 136192 -> Fragment 136192-267263 @h"},
    {"2.5 the clock does not run without a failure of the host", UPLOAD, 300000,
     OPEN_H "no network -> fail transient 0x80200010 2\nfailing 99999\nwait 99999\n"
            "start -> Ping @h"},
    {"2.5 no time-out: never", UPLOAD, 300000,
     "no retries\nstart -> Create-Session\n"
     "200/ BITS-Packet-Type: Ack/ " PROTOCOL "/ BITS-Session-Id: s1/ BITS-Host-Id: h -> Ping @h\n"
     "broke -> fail transient 0x80072EFE 5\nwait 99999999999\nfailing 99999999999\n"
     "start -> Ping @h"},
    {"1.3 a host-id that is none is ignored", UPLOAD, 300000,
     "start -> Create-Session\n200/ BITS-Packet-Type: Ack/ " PROTOCOL
     "/ BITS-Session-Id: s1/ BITS-Host-Id: http://h -> Fragment 0-262143"},
    {"2.6 bad answers: three are transient, the fourth is fatal", UPLOAD, 300000,
     OPEN "200 -> fail transient 0x8020001B 5\nrestart\nstart -> Ping\nok -> Fragment 0-5119\n"
          "200 -> fail transient 0x8020001B 5\nrestart\nstart -> Ping\nok -> Fragment 0-5119\n"
          "200 -> fail transient 0x8020001B 5\nrestart\nstart -> Ping\nok -> Fragment 0-5119\n"
          "200 -> fail fatal 0x8020001B 5"},
    {"2.6 a good one ends their row", UPLOAD, 300000,
     OPEN "200 -> fail transient 0x8020001B 5\nstart -> Ping\n200 -> fail transient 0x8020001B 5\n"
          "start -> Ping\nok -> Fragment 0-5119\nok 5120 -> Fragment 5120-267263\n"
          "200 -> fail transient 0x8020001B 5\nstart -> Ping\n200 -> fail transient 0x8020001B 5\n"
          "start -> Ping\n200 -> fail transient 0x8020001B 5\nstart -> Ping\n"
          "200 -> fail fatal 0x8020001B 5"},
    {"2.6 another session's answer", UPLOAD, 300000,
     OPEN "200/ BITS-Packet-Type: Ack/ BITS-Session-Id: s2 -> fail transient 0x8020001B 5"},
    {"2.6 contradicting fields", UPLOAD, 300000,
     OPEN "200/ BITS-Packet-Type: Ack/ BITS-Received-Content-Range: 1/ "
          "BITS-Received-Content-Range: 2 -> fail transient 0x8020001B 5"},
    {"2.6 an offset that is no number", UPLOAD, 300000,
     OPEN "200/ BITS-Packet-Type: Ack/ BITS-Received-Content-Range: x -> "
          "fail transient 0x8020001B 5\nstart -> Ping\nok -> Fragment 0-5119\n"
          "416/ BITS-Received-Content-Range: -1 -> fail transient 0x8020001B 5"},
    {"2.6 another success", UPLOAD, 300000,
     OPEN "204/ BITS-Packet-Type: Ack -> fail transient 0x8020001B 5"},
    {"2.6 Create: no session id", UPLOAD, 7,
     "start -> Create-Session\n200/ BITS-Packet-Type: Ack/ " PROTOCOL
     " -> fail transient 0x8020001B 5"},
    {"2.6 Create: no protocol", UPLOAD, 7,
     "start -> Create-Session\n200/ BITS-Packet-Type: Ack/ BITS-Session-Id: s -> "
     "fail transient 0x8020001B 5"},
    {"2.6 Create: no Ack, but a session", UPLOAD, 7,
     "start -> Create-Session\n200/ BITS-Session-Id: s/ " PROTOCOL
     " -> fail transient 0x8020001B 5"},
    {"2.6 Create: not a BITS server", UPLOAD, 7,
     "start -> Create-Session\n200/ Content-Type: text/html -> fail fatal 0x8020001B 5"},
    {"2.6 Create: unknown protocol", UPLOAD, 7,
     "start -> Create-Session\n200/ BITS-Packet-Type: Ack/ BITS-Session-Id: s/ "
     "BITS-Protocol: {00000000-0000-0000-0000-000000000000} -> fail fatal 0x80200022 5"},
    {"1.4 Create: the protocol's case and braces do not matter", UPLOAD, 7,
     "start -> Create-Session\n200/ BITS-Packet-Type: ACK/ BITS-Session-Id: s/ "
     "BITS-Protocol: 7DF0354D-249B-430F-820D-3D2A9BEF4931 -> Fragment 0-6"},
    {"1.4 Create: no unencoded data", UPLOAD, 7,
     "start -> Create-Session\n200/ BITS-Packet-Type: Ack/ BITS-Session-Id: s/ " PROTOCOL
     "/ Accept-Encoding: gzip -> fail transient 0x8020001B 5"},
    {"1.4 error fields on a 200 mean nothing", UPLOAD, 300000,
     OPEN "200/ BITS-Packet-Type: Ack/ BITS-Error-Code: 0x8020001F -> Fragment 262144-299999"},
    {"1.4 HTTP/1.0", UPLOAD, 7, "start -> Create-Session\n~200 -> fail fatal 0x80200012 5"},
    {"1.4 HTTP/1.0, to a Fragment", UPLOAD, 300000,
     OPEN "~200/ BITS-Packet-Type: Ack -> fail fatal 0x80200012 5"},
    {"2.7 the application's error", REPLY, 300000,
     OPEN "ok 262144 -> Fragment 262144-299999\n"
          "503/ BITS-Error-Code: 0x801901F7/ BITS-Error-Context: 0x7 -> "
          "fail transient 0x801901F7 7\nstart -> Ping\nok -> Fragment 262144-267263"},
    {"2.8 an empty file", REPLY, 0,
     "start -> Create-Session\ncreated -> Fragment empty | last\nok 0 reply r -> fetch r"},
    {"2.8 an empty file, last + 1", UPLOAD, 0,
     "start -> Create-Session\ncreated -> Fragment empty\nok 1 -> Close-Session"},
    {"2.8 an empty file, 416", UPLOAD, 0,
     "start -> Create-Session\ncreated -> Fragment empty\n416 0 -> Close-Session"},
    {"2.8 an empty file, 416 with last + 1, reply asked again", REPLY, 0,
     "start -> Create-Session\ncreated -> Fragment empty\n416 1 -> Fragment empty\n"
     "ok 0 -> done+Close-Session"},
    {"2.8 an empty file, more", UPLOAD, 0,
     "start -> Create-Session\ncreated -> Fragment empty\nok 2 -> fail fatal 0x8020001B 5"},
    {"2.8 an empty file, refused: the server's code, no Close", UPLOAD, 0,
     "start -> Create-Session\ncreated -> Fragment empty\n"
     "400/ BITS-Error-Code: 0x80070057 -> fail fatal 0x80070057 5"},
    {"2.10 Close fails for now: one more try, then a farewell", UPLOAD, 7,
     "start -> Create-Session\ncreated -> Fragment 0-6\nok 7 -> Close-Session\n"
     "503 -> fail transient 0x801901F7 5 | durable\nrestart\nstart -> Ping\nok -> Close-Session\n"
     "503 -> done+Close-Session | durable"},
    {"2.10 the Ping before it counts as the try", UPLOAD, 7,
     "start -> Create-Session\ncreated -> Fragment 0-6\nok 7 -> Close-Session\n"
     "timeout -> fail transient 0x80072EE2 5\nrestart\nstart -> Ping\n"
     "503 -> done+Close-Session"},
    {"2.10 a broken connection: at once, then so", UPLOAD, 7,
     "start -> Create-Session\ncreated -> Fragment 0-6\nok 7 -> Close-Session\nbroke -> Ping\n"
     "ok -> Close-Session\nbroke -> Ping\nok -> Close-Session\n"
     "broke -> fail transient 0x80072EFE 5\nstart -> Ping\nok -> Close-Session\nok -> done"},
    {"2.10 no error of Close is one of the job", UPLOAD, 7,
     "start -> Create-Session\ncreated -> Fragment 0-6\nok 7 -> Close-Session\n"
     "bad certificate -> done+Close-Session"},
    {"2.10 refused before Close was said", UPLOAD, 7,
     "start -> Create-Session\ncreated -> Fragment 0-6\nok 7 -> Close-Session\nrestart\n"
     "start -> Ping\n403 -> done+Close-Session"},
    {"2.10 somebody else's 200 is no answer to Close", UPLOAD, 7,
     "start -> Create-Session\ncreated -> Fragment 0-6\nok 7 -> Close-Session\n"
     "200 -> fail transient 0x8020001B 5\nstart -> Ping\nok -> Close-Session\n"
     "200/ BITS-Packet-Type: Ack/ BITS-Session-Id: s2 -> done+Close-Session"},
    {"2.10 started again after the end", UPLOAD, 7,
     "start -> Create-Session\ncreated -> Fragment 0-6\nok 7 -> Close-Session\nok -> done\n"
     "restart\nstart -> done"},
    {"2.10 started again after the end, Close owed", REPLY, 7,
     "start -> Create-Session\ncreated -> Fragment 0-6\nok 7 -> done+Close-Session\nrestart\n"
     "start -> done+Close-Session"},
    {"an event out of turn", UPLOAD, 7,
     "stored -> fail fatal 0x8000FFFF 2\nok -> fail fatal 0x8000FFFF 2\n"
     "broke -> fail fatal 0x8000FFFF 2"},
};

START_TEST(rule)
{
    struct player p;
    player_begin(&p, rules[_i].rule, rules[_i].type, rules[_i].size);
    play(&p, rules[_i].script);
}
END_TEST

START_TEST(foreground_starts_larger_2_4)
{
    struct bup_saved nothing = {0};
    struct bup m;
    bcj2__bup_init(&m, UPLOAD, BCJ2_JOB_PRIORITY_FOREGROUND, &nothing);
    ck_assert_uint_eq(m.saved.fragment, 4u * 1024 * 1024);
    bcj2__bup_init(&m, UPLOAD, BCJ2_JOB_PRIORITY_HIGH, &nothing);
    ck_assert_uint_eq(m.saved.fragment, 256u * 1024);
    ck_assert_uint_eq(m.saved.ceiling, 13u * 1024 * 1024);
}
END_TEST

START_TEST(saved_state_that_cannot_be)
{
    struct player p;
    player_begin(&p, "no session id", UPLOAD, 7);
    struct bup_saved saved = {.phase = BUP_SENDING, .fragment = 1, .ceiling = UINT32_MAX};
    bcj2__bup_init(&p.m, UPLOAD, BCJ2_JOB_PRIORITY_NORMAL, &saved);
    ck_assert_uint_eq(p.m.saved.fragment, LIMIT_FRAGMENT_MIN);
    ck_assert_uint_eq(p.m.saved.ceiling, LIMIT_FRAGMENT_MAX);
    play(&p, "start -> Create-Session");
    saved = (struct bup_saved){.phase = BUP_PHASE_COUNT, .session_id = "s"};
    bcj2__bup_init(&p.m, UPLOAD, BCJ2_JOB_PRIORITY_NORMAL, &saved);
    play(&p, "start -> Create-Session");
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "bup", 10);
    tcase_add_loop_test(tc, rule, 0, ARRAY_LEN(rules));
    tcase_add_test(tc, foreground_starts_larger_2_4);
    tcase_add_test(tc, saved_state_that_cannot_be);
}

SUITE_MAIN("bup", add_cases)
