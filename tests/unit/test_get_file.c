/* SPDX-License-Identifier: MIT */
/* proto/get: a file of a download job, by the rules of wire-protocol 4.1-4.5 and 4.7, as short scripts
   named by their rule. Replies: test_get.c. */
#include "../support/suite.h"
#include "../support/get_player.h"

#define LEN(n)                   "/ Content-Length: " #n
#define E                        "/ " ETAG
#define F                        "/ ETag: \"f\""
#define PART(first, last, total) "206/ Content-Range: bytes " #first "-" #last "/" #total
#define IUS                      " If-Unmodified-Since Tue, 03 Feb 2026 10:00:00 GMT"
#define IF_RANGE                 " If-Range \"e\""

/* HEAD told 10 bytes (300000: more than the first fragment) and an entity tag. */
#define TEN     "start -> HEAD\n200" LEN(10) E " -> ignore\nbody 0 -> GET\n"
#define TEN_CUT TEN "200" LEN(10) E " -> body 0\ncut 4 -> GET 4-9" IF_RANGE "\n"
#define BIG     "start -> HEAD\n200" LEN(300000) E " -> ignore\nbody 0 -> GET 0-262143\n"
#define BIG_CUT \
    BIG PART(0, 262143, 300000) E " -> body 0\ncut 65536 -> GET 65536-196607" IF_RANGE "\n"
#define WHOLE_CUT                                                    \
    "start -> HEAD\n200" LEN(300000) E " -> ignore\nbody 0 -> GET\n" \
                                       "200" LEN(300000) E           \
        " -> body 0\ncut 6000 -> GET 6000-299999" IF_RANGE "\n"

#define FRONT .foreground = true

static const struct get_range three[] = {{100, 100}, {1000, 100}, {200, 100}};
static const struct get_range to_end[] = {{900, 50}, {100, GET_TO_END}};
static const struct get_range all[] = {{0, GET_TO_END}};
static const struct get_range all_by_number[] = {{0, 10}};
static const struct get_range empty_one[] = {{5, 0}, {2, 3}};
static const struct get_range far_away[] = {{UINT64_MAX - 5, 5}};

#define RANGES(r) .ranges = (r), .range_count = ARRAY_LEN(r)
#define THREE     "start -> HEAD\n200" LEN(1100) E " -> ignore\nbody 0 -> GET 100-199\n"

static const struct {
    const char *rule;
    struct get_plan plan;
    const char *script;
} rules[] = {
    /* 4.1 */
    {"4.1 HEAD, then one GET without Range if it covers the file",
     {0},
     TEN "200" LEN(10) E " -> body 0\nbody 10 -> done"},
    {"4.1 fragments",
     {0},
     BIG PART(0, 262143, 300000)
         E LEN(262144) " -> body 0\n"
                       "took 20000\nbody 262144 -> GET 262144-299999" IF_RANGE
                       "\n" PART(262144, 299999, 300000) E " -> body 262144\nbody 37856 -> done"},
    {"4.1 a fragment takes five seconds: slower",
     {0},
     "start -> HEAD\n200" LEN(999999) " -> ignore\nbody 0 -> GET 0-262143\ntook 10000\n" PART(
         0, 262143, 999999) " -> body 0\nbody 262144 -> GET 262144-393215"},
    {"4.1 faster",
     {0},
     "start -> HEAD\n200" LEN(9999999) " -> ignore\nbody 0 -> GET 0-262143\ntook 2500\n" PART(
         0, 262143, 9999999) " -> body 0\nbody 262144 -> GET 262144-786431"},
    {"4.1 64 K at least",
     {0},
     "start -> HEAD\n200" LEN(999999) " -> ignore\nbody 0 -> GET 0-262143\ntook 4000000\n" PART(
         0, 262143, 999999) " -> body 0\nbody 262144 -> GET 262144-327679"},
    {"4.1 13 M at most, and no time at all",
     {0},
     "start -> HEAD\n200" LEN(99999999) " -> ignore\nbody 0 -> GET 0-262143\ntook 0\n" PART(
         0, 262143, 99999999) " -> body 0\nbody 262144 -> GET 262144-13893631"},
    {"4.1 the size that another file found",
     {.fragment = 100000},
     "start -> HEAD\n200" LEN(999999) " -> ignore\nbody 0 -> GET 0-99999"},
    {"4.1 one that cannot be",
     {.fragment = 1},
     "start -> HEAD\n200" LEN(999999) " -> ignore\nbody 0 -> GET 0-65535"},
    {"4.1 foreground: the rest in one request",
     {FRONT},
     WHOLE_CUT PART(6000, 299999, 300000) E " -> body 6000\nbody 294000 -> done"},
    {"4.1 no HEAD if the size is known from before",
     {0},
     BIG PART(0, 262143, 300000) E
     " -> body 0\nno retries\ncut 70000 -> "
     "fail transient 0x80072EFE 5\nrestart\nstart -> GET 70000-299999" IF_RANGE},
    {"4.1 nor if only HEAD was answered",
     {0},
     "no retries\n" BIG "broke -> fail transient 0x80072EFE 5\nrestart\nstart -> GET 0-262143"},
    {"whole at the start: no request",
     {0},
     TEN "200" LEN(10) " -> body 0\nbody 10 -> done\nrestart\nstart -> done"},
    /* 4.2 */
    {"4.2 HEAD without a length", {0}, "start -> HEAD\n200" E " -> fail fatal 0x80200011 5"},
    {"4.2 HEAD, chunked",
     {0},
     "start -> HEAD\n200/ Transfer-Encoding: chunked" LEN(5) " -> fail fatal 0x80200011 5"},
    {"4.2 HEAD, a length that is none",
     {0},
     "start -> HEAD\n200/ Content-Length: -1 -> fail transient 0x8020001B 5"},
    {"4.2 HEAD, another success",
     {0},
     "start -> HEAD\n204 -> fail transient 0x8020001B 5\nstart -> HEAD\n"
     "206" LEN(5) " -> fail transient 0x8020001B 5"},
    {"4.2 HEAD 404", {0}, "start -> HEAD\n404 -> fail fatal 0x80190194 5"},
    {"4.2 HEAD 503", {0}, "start -> HEAD\n503 -> fail transient 0x801901F7 5"},
    {"4.2 no HEAD: 405",
     {0},
     "start -> HEAD\n405 -> ignore\nbody 0 -> GET 0-0\n" PART(0, 0, 300000)
         E LEN(1) " -> ignore\nbroke -> GET 0-262143\n" PART(0, 262143, 300000) E " -> body 0"},
    {"4.2 no HEAD: 501", {0}, "start -> HEAD\n501 -> ignore\nbroke -> GET 0-0"},
    {"4.2 no HEAD: 400", {0}, "start -> HEAD\n400 -> ignore\nbody 0 -> GET 0-0"},
    {"4.2 no HEAD: 403",
     {0},
     "start -> HEAD\n403 -> ignore\nbody 0 -> GET 0-0\n403 -> fail fatal 0x80190193 5\n"
     "restart\nstart -> HEAD"},
    {"4.2 no HEAD, no ranges: the whole is taken",
     {0},
     "start -> HEAD\n405 -> ignore\nbody 0 -> GET 0-0\n200" LEN(300000) E
     " -> body 0\nbody 300000 -> done"},
    {"4.2 no HEAD, no ranges, no length",
     {0},
     "start -> HEAD\n405 -> ignore\nbody 0 -> GET 0-0\n200 -> fail fatal 0x80200011 5"},
    {"4.2 no HEAD, and no total",
     {0},
     "start -> HEAD\n405 -> ignore\nbody 0 -> GET 0-0\n" PART(0,
                                                              0, *) " -> fail fatal 0x80200011 5"},
    {"4.2 no HEAD, and more than the byte",
     {0},
     "start -> HEAD\n405 -> ignore\nbody 0 -> GET 0-0\n" PART(0, 9,
                                                              10) " -> fail fatal 0x80200013 5"},
    {"4.2 no HEAD, and nothing to have a first byte",
     {0},
     "start -> HEAD\n405 -> ignore\nbody 0 -> GET 0-0\n416/ Content-Range: bytes */0 -> ignore\n"
     "body 0 -> done"},
    {"4.2 no HEAD, and no first byte",
     {0},
     "start -> HEAD\n405 -> ignore\nbody 0 -> GET 0-0\n416/ Content-Range: bytes */9 -> "
     "fail fatal 0x80200013 5"},
    {"4.2 GET without a length", {0}, TEN "200" E " -> fail fatal 0x80200011 5"},
    {"4.2 GET, chunked",
     {0},
     TEN "200/ Transfer-Encoding: chunked" E " -> fail fatal 0x80200011 5"},
    {"4.2 GET, 204", {0}, TEN "204 -> fail transient 0x8020001B 5"},
    {"4.2 206 without Content-Range", {0}, BIG "206" E LEN(262144) " -> fail fatal 0x80200013 5"},
    {"4.2 another first byte", {0}, BIG PART(1, 262143, 300000) E " -> fail fatal 0x80200013 5"},
    {"4.2 more than asked", {0}, BIG PART(0, 262144, 300000) E " -> fail fatal 0x80200013 5"},
    {"4.2 a length that is not the range's",
     {0},
     BIG PART(0, 262143, 300000) E LEN(262143) " -> fail fatal 0x80200013 5"},
    {"4.2 two ranges at once",
     {0},
     BIG "206/ Content-Type: multipart/byteranges; boundary=b -> fail fatal 0x80200013 5"},
    {"4.2 a shorter part than asked",
     {0},
     BIG PART(0, 99, 300000) E LEN(100) " -> body 0\nbody 100 -> GET 100-262243" IF_RANGE
                                        "\n" PART(100, 262243, 300000) E " -> body 100"},
    {"4.2 a part where the whole was asked",
     {0},
     TEN PART(0, 9, 10) E " -> fail transient 0x8020001B 5"},
    {"4.2 total not said", {0}, BIG PART(0, 262143, *) E " -> body 0"},
    {"4.2 short body: the bytes stay",
     {0},
     TEN_CUT PART(4, 9, 10) E LEN(6) " -> body 4\nbody 6 -> done"},
    {"4.2 said to be complete, but short",
     {0},
     TEN "200" LEN(10) E " -> body 0\nbody 4 -> GET 4-9" IF_RANGE},
    {"4.2 encoded, to HEAD",
     {0},
     "start -> HEAD\n200" LEN(5) "/ Content-Encoding: gzip -> fail fatal 0x8020001B 5"},
    {"4.2 encoded", {0}, TEN "200" LEN(10) "/ Content-Encoding: gzip -> fail fatal 0x8020001B 5"},
    {"4.2 a part, encoded",
     {0},
     BIG PART(0, 262143, 300000) "/ Content-Encoding: br -> fail fatal 0x8020001B 5"},
    {"HEAD is good and GET is bad, again and again: the fourth is fatal",
     {0},
     TEN
     "202 -> fail transient 0x8020001B 5\nrestart\nstart -> GET\n"
     "202 -> fail transient 0x8020001B 5\nrestart\nstart -> GET\n"
     "202 -> fail transient 0x8020001B 5\nrestart\nstart -> GET\n202 -> fail fatal 0x8020001B 5"},
    /* 4.3 */
    {"4.3 200 where the first fragment was asked: the whole",
     {0},
     BIG "200" LEN(300000) E " -> body 0\nbody 300000 -> done"},
    {"4.3 200 of another length",
     {0},
     BIG "200" LEN(300001) E " -> ignore restarted\nbody 0 -> HEAD"},
    {"4.3 background: 200 where the rest was asked",
     {0},
     BIG_CUT "200" LEN(300000) E " -> fail fatal 0x80200013 5"},
    {"4.3 foreground: once more from the start",
     {FRONT},
     WHOLE_CUT "200" LEN(300000) E " -> body 0 restarted\nbody 300000 -> done"},
    {"4.3 foreground: only once",
     {FRONT},
     WHOLE_CUT "200" LEN(300000) E " -> body 0 restarted\ncut 70000 -> fail fatal 0x80200013 5"},
    {"4.3 foreground: in vain, but nothing came",
     {FRONT},
     WHOLE_CUT "200" LEN(300000) E " -> body 0 restarted\nbroke -> GET\n"
                                   "200" LEN(300000) E " -> body 0"},
    {"4.3 foreground: Resume tries ranges again",
     {FRONT},
     WHOLE_CUT "200" LEN(300000) E " -> body 0 restarted\ncut 70000 -> fail fatal 0x80200013 5\n"
                                   "restart\nstart -> GET 70000-299999" IF_RANGE
                                   "\n" PART(70000, 299999, 300000) E " -> body 70000"},
    {"4.3 foreground: not 2 G",
     {FRONT},
     "start -> HEAD\n200" LEN(2147483648) E " -> ignore\nbody 0 -> GET\n"
                                            "200" LEN(2147483648) E
     " -> body 0\ncut 4 -> GET 4-2147483647" IF_RANGE "\n"
     "200" LEN(2147483648) E " -> fail fatal 0x80200013 5"},
    {"4.3 foreground: a byte less",
     {FRONT},
     "start -> HEAD\n200" LEN(2147483647) E " -> ignore\nbody 0 -> GET\n"
                                            "200" LEN(2147483647) E
     " -> body 0\ncut 4 -> GET 4-2147483646" IF_RANGE "\n"
     "200" LEN(2147483647) E " -> body 0 restarted"},
    {"4.3 200 because it changed: taken as it is",
     {0},
     BIG_CUT "200" LEN(300001) F
     " -> body 0 restarted\ncut 70000 -> GET 70000-135535 If-Range \"f\""},
    /* 4.4 */
    {"4.4 another total",
     {0},
     BIG_CUT PART(65536, 196607, 300001) E " -> ignore restarted\nbody 0 -> HEAD"},
    {"4.4 beyond the total",
     {FRONT},
     "start -> HEAD\n200" LEN(10) " -> ignore\nbody 0 -> GET\n200" LEN(
         10) " -> body 0\n"
             "cut 4 -> GET 4-9\n" PART(4, 10, 11) " -> fail fatal 0x80200013 5"},
    {"4.4 another entity tag",
     {0},
     BIG_CUT PART(65536, 196607, 300000) F " -> ignore restarted\nbroke -> HEAD"},
    {"4.4 another Last-Modified",
     {0},
     "start -> HEAD\n200" LEN(300000) "/ " LM " -> ignore\nbody 0 -> GET 0-262143\n" PART(
         0, 262143, 300000) "/ " LM
                            " -> body 0\nbody 262144 -> GET 262144-299999\n" PART(
                                262144, 299999, 300000) "/ " LM2
                                                        " -> ignore restarted\nbody 0 -> HEAD"},
    {"4.4 Last-Modified gone",
     {0},
     "start -> HEAD\n200" LEN(300000) "/ " LM " -> ignore\nbody 0 -> GET 0-262143\n" PART(
         0, 262143, 300000) "/ " LM
                            " -> body 0\nbody 262144 -> GET 262144-299999\n" PART(
                                262144, 299999, 300000) " -> ignore restarted"},
    {"4.4 changed between HEAD and the first byte: no harm is done",
     {0},
     BIG PART(0, 262143, 300000) F " -> body 0\nbody 262144 -> GET 262144-299999 If-Range \"f\""},
    {"4.4 the same for the whole", {0}, TEN "200" LEN(10) F " -> body 0\nbody 10 -> done"},
    {"4.4 changed between HEAD and the first byte: the size",
     {0},
     BIG PART(0, 262143, 300001) E " -> ignore restarted\nbody 0 -> HEAD"},
    {"4.4 only the size guards",
     {0},
     "start -> HEAD\n200" LEN(300000) " -> ignore\nbody 0 -> GET 0-262143\n" PART(
         0, 262143,
         300000) " -> body 0\nbody 262144 -> GET 262144-299999\n" PART(262144, 299999,
                                                                       300000) " -> body "
                                                                               "262144\nbody 37856 "
                                                                               "-> done"},
    {"4.4 If-Unmodified-Since; 412: a new HEAD",
     {0},
     "start -> HEAD\n200" LEN(
         10) "/ " LM "/ " DATE " -> ignore\nbody 0 -> GET\n"
             "200" LEN(
                 10) "/ " LM "/ " DATE " -> body 0\ncut 4 -> GET 4-9" IUS
                     "\n412 -> ignore restarted\n"
                     "body 0 -> HEAD\n200" LEN(11) "/ " LM2 " -> ignore\nbody 0 -> GET\n200" LEN(
                         11) "/ " LM2 " -> body 0\nbody 11 -> done"},
    {"4.4 412 twice to the same Last-Modified: no more conditions",
     {0},
     "no retries\n"
     "start -> HEAD\n200" LEN(
         10) "/ " LM "/ " DATE " -> ignore\nbody 0 -> GET\n"
             "200" LEN(
                 10) "/ " LM "/ " DATE " -> body 0\ncut 4 -> fail transient 0x80072EFE 5\n"
                     "start -> GET 4-9" IUS "\n412 -> ignore restarted\nbody 0 -> HEAD\n"
                     "200" LEN(
                         10) "/ " LM "/ " DATE " -> ignore\nbody 0 -> GET\n"
                             "200" LEN(
                                 10) "/ " LM "/ " DATE
                                     " -> body 0\ncut 4 -> fail transient 0x80072EFE 5\n"
                                     "start -> GET 4-9" IUS
                                     "\n412 -> ignore restarted\nbody 0 -> HEAD\n"
                                     "200" LEN(
                                         10) "/ " LM "/ " DATE " -> ignore\nbody 0 -> GET\n"
                                             "200" LEN(
                                                 10) "/ " LM "/ " DATE " -> body 0\ncut 4 -> fail "
                                                     "transient 0x80072EFE 5\n"
                                                     "start -> GET 4-9\n" PART(
                                                         4, 9, 10) "/ " LM
                                                                   " -> body 4\nbody 6 -> done"},
    {"4.4 416: HEAD again; the size changed",
     {0},
     BIG_CUT "416/ Content-Range: bytes */5 -> ignore\nbody 0 -> HEAD\n200" LEN(5) F
     " -> ignore restarted\nbody 0 -> GET\n200" LEN(5) F " -> body 0\nbody 5 -> done"},
    {"4.4 416: HEAD again; only the tag changed",
     {0},
     BIG_CUT "416 -> ignore\nbody 0 -> HEAD\n200" LEN(300000) F
     " -> ignore restarted\nbody 0 -> GET 0-131071"},
    {"4.4 416: unchanged",
     {0},
     BIG_CUT "416 -> ignore\nbody 0 -> HEAD\n200" LEN(300000) E
     " -> fail fatal 0x80200013 5\n"
     "restart\nstart -> GET 65536-299999" IF_RANGE},
    {"4.4 416: no HEAD, unchanged",
     {0},
     BIG_CUT "416 -> ignore\nbody 0 -> HEAD\n405 -> ignore\nbody 0 -> GET 0-0\n" PART(0, 0, 300000)
         E " -> fail fatal 0x80200013 5"},
    {"4.4 416: no HEAD, no ranges, unchanged",
     {0},
     BIG_CUT "416 -> ignore\nbody 0 -> HEAD\n405 -> ignore\nbody 0 -> GET 0-0\n"
             "200" LEN(300000) E " -> fail fatal 0x80200013 5"},
    {"4.4 416: HEAD breaks; asked again in the next run",
     {0},
     BIG_CUT "416 -> ignore\nbody 0 -> HEAD\nno retries\nbroke -> fail transient 0x80072EFE 5\n"
             "restart\nstart -> GET 65536-299999" IF_RANGE},
    {"4.4 416 to a GET without Range", {0}, TEN "416 -> fail fatal 0x801901A0 5"},
    {"4.4 zero length: no GET", {0}, "start -> HEAD\n200" LEN(0) E " -> ignore\nbody 0 -> done"},
    {"4.4 it became empty", {0}, BIG_CUT "200" LEN(0) F " -> body 0 restarted\nbody 0 -> done"},
    /* 4.5 */
    {"4.5 one after the other",
     {RANGES(three)},
     THREE PART(100, 199, 1100) E LEN(100) " -> body 0\nbody 100 -> GET 1000-1099" IF_RANGE
                                           "\n" PART(1000, 1099, 1100) E
     " -> body 100\nbody 100 -> GET 200-299" IF_RANGE "\n" PART(200, 299, 1100) E
     " -> body 200\nbody 100 -> done"},
    {"4.5 foreground is not otherwise",
     {FRONT, RANGES(three)},
     THREE PART(100, 199, 1100) E " -> body 0\ncut 25 -> GET 125-199" IF_RANGE
                                  "\n" PART(125, 199, 1100) E
     " -> body 25\nbody 75 -> GET 1000-1099" IF_RANGE},
    {"4.5 continued within the second",
     {RANGES(three)},
     THREE PART(100, 199, 1100) E " -> body 0\nbody 100 -> GET 1000-1099" IF_RANGE
                                  "\n" PART(1000, 1099, 1100) E
     " -> body 100\nno retries\ncut 1 -> fail transient 0x80072EFE 5\n"
     "restart\nstart -> GET 1001-1099" IF_RANGE "\n" PART(1001, 1099, 1100) E
     " -> body 101\nbody 99 -> GET 200-299" IF_RANGE},
    {"4.5 fragments within one, and to the end",
     {.fragment = 65536, RANGES(to_end)},
     "start -> HEAD\n200" LEN(100000) E
     " -> ignore\nbody 0 -> GET 900-949\ntook 5000\n" PART(900, 949, 100000) E
     " -> body 0\nbody 50 -> GET 100-65635" IF_RANGE "\n" PART(100, 65635, 100000) E
     " -> body 50\nbody 65536 -> GET 65636-99999" IF_RANGE "\n" PART(65636, 99999, 100000) E
     " -> body 65586\nbody 34364 -> done"},
    {"4.5 a range of everything is the file",
     {RANGES(all)},
     "start -> HEAD\n200" LEN(10) E " -> ignore\nbody 0 -> GET\n200" LEN(10) E
     " -> body 0\nbody 10 -> done"},
    {"4.5 everything, by its number",
     {RANGES(all_by_number)},
     "start -> HEAD\n200" LEN(10) E " -> ignore\nbody 0 -> GET\n200" LEN(10) E " -> body 0"},
    {"4.5 everything, by its number, until there is more",
     {RANGES(all_by_number)},
     "start -> HEAD\n200" LEN(10) E " -> ignore\nbody 0 -> GET\n200" LEN(10) E
     " -> body 0\nno retries\ncut 4 -> fail transient 0x80072EFE 5\nrestart\n"
     "start -> GET 4-9" IF_RANGE "\n200" LEN(11) F " -> ignore restarted\nbody 0 -> HEAD\n"
                                                   "200" LEN(11) F " -> ignore\nbody 0 -> GET 0-9"},
    {"4.5 less than everything",
     {RANGES(all_by_number)},
     "start -> HEAD\n200" LEN(11) E " -> ignore\nbody 0 -> GET 0-9"},
    {"4.5 everything of nothing",
     {RANGES(all)},
     "start -> HEAD\n200" LEN(0) E " -> ignore\nbody 0 -> done"},
    {"4.5 an empty range",
     {RANGES(empty_one)},
     "start -> HEAD\n200" LEN(5) E " -> ignore\nbody 0 -> GET 2-4\n" PART(2, 4, 5) E
     " -> body 0\nbody 3 -> done"},
    {"4.5 outside",
     {RANGES(three)},
     "start -> HEAD\n200" LEN(1099) E " -> fail fatal 0x8020002B 5\nrestart\nstart -> HEAD"},
    {"4.5 at the very end",
     {RANGES(three)},
     "start -> HEAD\n200" LEN(1100) E " -> ignore\nbody 0 -> GET 100-199"},
    {"4.5 to the end, from behind it",
     {RANGES(to_end)},
     "start -> HEAD\n200" LEN(100) E " -> fail fatal 0x8020002B 5"},
    {"4.5 where numbers end",
     {RANGES(far_away)},
     "start -> HEAD\n200" LEN(99) E " -> fail fatal 0x8020002B 5\nstart -> HEAD\n"
                                    "200" LEN(18446744073709551615) E
     " -> ignore\nbody 0 -> GET 18446744073709551610-18446744073709551614"},
    {"4.5 no HEAD",
     {RANGES(three)},
     "start -> HEAD\n405 -> ignore\nbody 0 -> GET 0-0\n" PART(0, 0, 1100) E
     " -> ignore\nbody 0 -> GET 100-199"},
    {"4.5 no HEAD, no ranges",
     {RANGES(three)},
     "start -> HEAD\n405 -> ignore\nbody 0 -> GET 0-0\n200" LEN(1100) E
     " -> ignore\n"
     "broke -> GET 100-199\n200" LEN(1100) E " -> fail fatal 0x80200013 5"},
    {"4.5 no ranges", {RANGES(three)}, THREE "200" LEN(1100) E " -> fail fatal 0x80200013 5"},
    {"4.5 200 because it changed",
     {RANGES(three)},
     THREE PART(100, 199, 1100) E " -> body 0\nbody 100 -> GET 1000-1099" IF_RANGE "\n"
                                  "200" LEN(1100) F " -> ignore restarted\nbody 0 -> HEAD"},
    {"4.5 merged", {RANGES(three)}, THREE PART(100, 299, 1100) E " -> fail fatal 0x80200013 5"},
    {"4.5 another one",
     {RANGES(three)},
     THREE PART(200, 299, 1100) E " -> fail fatal 0x80200013 5"},
    {"4.5 another total",
     {RANGES(three)},
     THREE PART(100, 199, 1100) E " -> body 0\nbody 100 -> GET 1000-1099" IF_RANGE
                                  "\n" PART(1000, 1099, 1101) E
     " -> ignore restarted\nbody 0 -> HEAD\n200" LEN(1101) F " -> ignore\nbody 0 -> GET 100-199"},
    {"4.5 416: unchanged",
     {RANGES(three)},
     THREE "416 -> ignore\nbody 0 -> HEAD\n200" LEN(1100) E " -> fail fatal 0x8020002B 5"},
    {"4.5 416: shorter, so that a range is outside",
     {RANGES(three)},
     THREE PART(100, 199, 1100) E " -> body 0\nbody 100 -> GET 1000-1099" IF_RANGE "\n"
                                  "416 -> ignore\nbody 0 -> HEAD\n200" LEN(500) E
     " -> fail fatal 0x8020002B 5 restarted"},
    /* 4.7 */
    {"4.7 a redirect that is the answer",
     {0},
     "start -> HEAD\n302/ Location: /x -> fail fatal 0x8019012E 5"},
    {"4.7 a refused redirect", {0}, "start -> HEAD\nredirect refused -> fail fatal 0x8020001B 5"},
    {"4.7 a method of one's own: no HEAD, no length",
     {.once = true},
     "start -> GET\n200 -> body 0\nbody 12 -> done\nrestart\nstart -> done"},
    {"4.7 its answer is empty", {.once = true}, "start -> GET\n204 -> body 0\nbody 0 -> done"},
    {"4.7 an interruption is the end of it, and then from 0",
     {.once = true},
     "start -> GET\n200" LEN(10) E " -> body 0\ncut 4 -> fail fatal 0x80072EFE 5\nrestart\n"
                                   "start -> GET restarted"},
    {"4.7 what would be transient is not",
     {.once = true},
     "start -> GET\n503 -> fail fatal 0x801901F7 5\nstart -> GET\n"
     "no connection -> fail fatal 0x80072EFD 5\nstart -> GET\n"
     "202 -> fail fatal 0x8020001B 5"},
    {"4.7 a part of its answer",
     {.once = true},
     "start -> GET\n" PART(0, 4, 10) " -> fail fatal 0x8020001B 5"},
    /* 5 */
    {"5.1 401, 404, 410",
     {0},
     TEN "401 -> fail fatal 0x80190191 5\nstart -> GET\n404 -> fail fatal 0x80190194 5\n"
         "start -> GET\n410 -> fail fatal 0x8019019A 5"},
    {"5.1 a 404 has no other host", {0}, TEN "404 -> fail fatal 0x80190194 5"},
    {"5.3 no network", {0}, "start -> HEAD\nno network -> fail transient 0x80200010 2"},
    {"5.3 disk full: Resume goes on",
     {0},
     TEN "200" LEN(10) E " -> body 0\ndisk full -> fail fatal 0x80070070 4\nrestart\nstart -> GET"},
    {"two immediate retries, HEAD or not",
     {0},
     "start -> HEAD\nbroke -> HEAD\n200" LEN(10) E " -> ignore\nbody 0 -> GET\nbroke -> GET\n"
                                                   "broke -> fail transient 0x80072EFE 5"},
    {"a head that is too long is in test_get.c; one out of turn",
     {0},
     "200 -> fail fatal 0x8000FFFF 2"},
};

START_TEST(rule)
{
    struct player p;
    player_init(&p, rules[_i].rule, &rules[_i].plan, NULL);
    play(&p, rules[_i].script);
}
END_TEST

static const struct get_plan plain = {0};

START_TEST(too_many_changes_4_4)
{
    struct player p;
    player_init(&p, "more than 5 restarts", &plain, NULL);
    play(&p, "start -> HEAD");
    for (int i = 0; i < 5; i++) {
        play(&p, "200" LEN(10) E " -> ignore\nbody 0 -> GET\n"
                                 "200" LEN(11) E " -> ignore restarted\nbody 0 -> HEAD");
    }
    play(&p, "200" LEN(10) E " -> ignore\nbody 0 -> GET\n"
                             "200" LEN(11) E
         " -> fail transient 0x80200073 5 restarted\nrestart\nstart -> HEAD");
}
END_TEST

/* The same by the way of 416. */
START_TEST(too_many_doubts_4_4)
{
    struct player p;
    player_init(&p, "more than 5 restarts", &plain, NULL);
    play(&p, "start -> HEAD\n200" LEN(300000) E " -> ignore\nbody 0 -> GET 0-262143");
    for (int i = 0; i < 5; i++) {
        play(&p, "416 -> ignore\nbody 0 -> HEAD");
        play(&p, i % 2 == 0 ? "200" LEN(300001) F " -> ignore restarted\nbody 0 -> GET 0-262143"
                            : "200" LEN(300000) E " -> ignore restarted\nbody 0 -> GET 0-262143");
    }
    play(&p, "416 -> ignore\nbody 0 -> HEAD\n200" LEN(300000) E
         " -> fail transient 0x80200073 5 restarted\nrestart\nstart -> HEAD");
}
END_TEST

/* What a database may say after somebody else had it. */
START_TEST(saved_that_cannot_be)
{
    static const struct {
        const char *what;
        struct get_plan plan;
        struct get_saved saved;
        const char *wish;
    } cases[] = {
        {"more bytes than there are",
         {0},
         {.begun = true, .total_known = true, .total = 5, .offset = 6},
         "start -> HEAD restarted"},
        {"bytes of nothing", {0}, {.offset = 6}, "start -> HEAD"},
        {"a file without a size", {0}, {.begun = true, .offset = 6}, "start -> HEAD restarted"},
        {"ranges that do not make that total",
         {RANGES(three)},
         {.begun = true, .total_known = true, .total = 299, .remote_total = 1100, .offset = 6},
         "start -> HEAD restarted"},
        {"ranges outside",
         {RANGES(three)},
         {.begun = true, .total_known = true, .total = 300, .remote_total = 1099, .offset = 6},
         "start -> HEAD restarted"},
        {"ranges that are right",
         {RANGES(three)},
         {.begun = true, .total_known = true, .total = 300, .remote_total = 1100, .offset = 106},
         "start -> GET 1006-1099"},
    };
    struct player p;
    player_init(&p, cases[_i].what, &cases[_i].plan, &cases[_i].saved);
    play(&p, cases[_i].wish);
}
END_TEST

/* Of a file nobody says "reply". */
START_TEST(words)
{
    static const char *const heads[] = {"404", "416", "503", "202", "200"};
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        struct player p;
        player_init(&p, "words", &plain, NULL);
        play(&p, "start -> HEAD");
        struct get_step step = input_step(&p, heads[i]);
        ck_assert_int_eq(step.want, GET_WANT_FAIL);
        ck_assert_ptr_null(strstr(step.failure.what, "reply"));
    }
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "get", 10);
    tcase_add_loop_test(tc, rule, 0, ARRAY_LEN(rules));
    tcase_add_test(tc, too_many_changes_4_4);
    tcase_add_test(tc, too_many_doubts_4_4);
    tcase_add_loop_test(tc, saved_that_cannot_be, 0, 6);
    tcase_add_test(tc, words);
}

SUITE_MAIN("get_file", add_cases)
