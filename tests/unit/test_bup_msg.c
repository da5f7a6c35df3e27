/* SPDX-License-Identifier: MIT */
/* proto/bup_msg: the client's packets as header lines, and every spelling of an Ack that
   wire-protocol 1.4 wants understood. */
#include "../support/suite.h"
#include "../support/head.h"
#include "bup_msg.h"
#include "macro.h"

#include <stdio.h>
#include <string.h>

START_TEST(packet_names_come_back)
{
    for (int i = BUP_PACKET_PING; i < BUP_PACKET_COUNT; i++) {
        ck_assert_int_eq(bcj2__bup_msg_packet_parse(bcj2__bup_msg_packet_name(i)), i);
    }
    ck_assert_int_eq(bcj2__bup_msg_packet_parse("CREATE-SESSION"), BUP_PACKET_CREATE);
    ck_assert_int_eq(bcj2__bup_msg_packet_parse("acK"), BUP_PACKET_ACK);
    ck_assert_int_eq(bcj2__bup_msg_packet_parse("Create"), BUP_PACKET_NONE);
    ck_assert_int_eq(bcj2__bup_msg_packet_parse(""), BUP_PACKET_NONE);
    ck_assert_str_eq(bcj2__bup_msg_packet_name(BUP_PACKET_COUNT), "");
}
END_TEST

static const struct {
    const char *text;
    bool ok;
    uint32_t value;
} hresults[] = {
    {"0x80070057", true, 0x80070057},
    {"0X80070057", true, 0x80070057},
    {"x8020001f", true, 0x8020001F},
    {"8020001F", true, 0x8020001F},
    {"1", true, 1},
    {"0x0", true, 0},
    {"0x00000000", true, 0},
    {"0x", false, 0},
    {"", false, 0},
    {"0x800700570", false, 0},
    {"0x8007005g", false, 0},
    {"-1", false, 0},
    {"0x80070057 ", false, 0},
    {"X1", false, 0},
};

START_TEST(hresult_table)
{
    bcj2_status value = 0;
    ck_assert_int_eq(bcj2__bup_msg_parse_hresult(hresults[_i].text, &value), hresults[_i].ok);
    ck_assert_uint_eq((uint32_t)value, hresults[_i].value);
}
END_TEST

#define FULL UINT64_MAX

static const struct {
    struct bup_out out;
    const char *lines; /* '|' for each NUL; NULL: refused */
} built[] = {
    {{.packet = BUP_PACKET_PING}, "BITS-Packet-Type: Ping|"},
    {{.packet = BUP_PACKET_CREATE, .session_id = "left out"},
     "BITS-Packet-Type: Create-Session|"
     "BITS-Supported-Protocols: {7df0354d-249b-430f-820d-3d2a9bef4931}|"},
    {{BUP_PACKET_FRAGMENT, "{s}", "a.bin", 262144, 37856, 300000},
     "BITS-Packet-Type: Fragment|BITS-Session-Id: {s}|Content-Name: a.bin|"
     "Content-Range: bytes 262144-299999/300000|"},
    {{BUP_PACKET_FRAGMENT, "s", NULL, 0, 1, 1},
     "BITS-Packet-Type: Fragment|BITS-Session-Id: s|Content-Range: bytes 0-0/1|"},
    {{BUP_PACKET_FRAGMENT, "s", "", 0, 0, 0},
     "BITS-Packet-Type: Fragment|BITS-Session-Id: s|Content-Range: bytes 0-0/0|"},
    {{BUP_PACKET_FRAGMENT, "s", NULL, FULL - 1, 1, FULL},
     "BITS-Packet-Type: Fragment|BITS-Session-Id: s|"
     "Content-Range: bytes 18446744073709551614-18446744073709551614/18446744073709551615|"},
    {{.packet = BUP_PACKET_CLOSE, .session_id = "s", .content_name = "left out"},
     "BITS-Packet-Type: Close-Session|BITS-Session-Id: s|"},
    {{.packet = BUP_PACKET_CANCEL, .session_id = "s"},
     "BITS-Packet-Type: Cancel-Session|BITS-Session-Id: s|"},
    {{BUP_PACKET_FRAGMENT, "s", NULL, 0, 0, 5}, NULL},
    {{BUP_PACKET_FRAGMENT, "s", NULL, 5, 1, 5}, NULL},
    {{BUP_PACKET_FRAGMENT, "s", NULL, 4, 2, 5}, NULL},
    {{BUP_PACKET_FRAGMENT, NULL, NULL, 0, 5, 5}, NULL},
    {{.packet = BUP_PACKET_CLOSE}, NULL},
    {{.packet = BUP_PACKET_NONE}, NULL},
    {{.packet = BUP_PACKET_ACK}, NULL},
};

START_TEST(build_table)
{
    struct buf lines = BUF_INIT(4096);
    bool ok = bcj2__bup_msg_build(&built[_i].out, &lines);
    ck_assert_int_eq(ok, built[_i].lines != NULL);
    if (ok) {
        /* the end of the list: one NUL more than the lines have */
        ck_assert_int_eq(lines.data[lines.length], '\0');
        ck_assert_int_eq(lines.data[lines.length - 1], '\0');
        for (size_t i = 0; i < lines.length; i++) {
            lines.data[i] = lines.data[i] == '\0' ? '|' : lines.data[i];
        }
        ck_assert_str_eq(lines.data, built[_i].lines);
    }
    bcj2__buf_done(&lines);
}
END_TEST

START_TEST(build_within_the_buffer)
{
    struct buf lines = BUF_INIT(40);
    ck_assert(!bcj2__bup_msg_build(&(struct bup_out){.packet = BUP_PACKET_CLOSE, .session_id = "s"},
                                   &lines));
    bcj2__buf_done(&lines);
}
END_TEST

static const struct {
    const char *path, *name;
} names[] = {
    {"/d/a.bin", "a.bin"},
    {"a b", "a b"},
    {"/d/a:b*c?d\"e<f>g|h\\i", "a%3Ab%2Ac%3Fd%22e%3Cf%3Eg%7Ch%5Ci"},
    {"/d/100%", "100%"},
    {"/d/\xc3\xa4\n\x7f", "%C3%A4%0A%7F"},
    {"/d/\xff\xc3", "%FF%C3"},
    {"/d/", ""},
    {"", ""},
};

START_TEST(content_name_table)
{
    char name[LIMIT_CONTENT_NAME_BYTES + 1];
    bcj2__bup_msg_content_name(names[_i].path, name);
    ck_assert_str_eq(name, names[_i].name);
}
END_TEST

START_TEST(content_name_cut)
{
    char path[400], name[LIMIT_CONTENT_NAME_BYTES + 1];
    memset(path, 'a', sizeof path);
    path[399] = '\0';
    bcj2__bup_msg_content_name(path, name);
    ck_assert_uint_eq(strlen(name), 260);
    /* the escapes of one character stay together: 258 + 6 would be too long */
    (void)snprintf(path + 258, 10, "\xc3\xa4zz");
    bcj2__bup_msg_content_name(path, name);
    ck_assert_uint_eq(strlen(name), 258);
    (void)snprintf(path + 254, 10, "\xc3\xa4zz");
    bcj2__bup_msg_content_name(path, name);
    ck_assert_str_eq(name + 254, "%C3%A4");
}
END_TEST

/* ---- reading ---- */

#define SID "{0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9}"

START_TEST(create_ack)
{
    struct hdrs h;
    struct bup_ack a;
    head_from(&h, "HTTP/1.1 200 OK\n"
                  "bits-packet-type: ACK\n"
                  "BITS-Protocol: " BUP_PROTOCOL_ID "\n"
                  "BITS-Session-ID: " SID "\n"
                  "Bits-Host-ID: node3.example.test:8080\n"
                  "BITS-Host-Id-Fallback-Timeout: 3600\n"
                  "Accept-encoding: Identity");
    bcj2__bup_msg_read_ack(&h, &a);
    ck_assert(a.is_ack && !a.conflicting && a.encoding_ok);
    ck_assert(a.has_session_id && !a.session_id_bad);
    ck_assert_str_eq(a.session_id, SID);
    ck_assert(a.has_protocol);
    ck_assert_str_eq(a.protocol, BUP_PROTOCOL_ID);
    ck_assert_str_eq(a.host_id, "node3.example.test:8080");
    ck_assert_uint_eq(a.fallback_s, 3600);
    ck_assert(!a.has_offset && !a.offset_bad && !a.has_error && !a.has_context);
    ck_assert_ptr_null(a.reply_url);
    bcj2__hdrs_done(&h);
}
END_TEST

/* Each row is one field of an Ack with a 500 and what must be read from it. */
static const struct {
    const char *lines;
    bool is_ack, conflicting, has_session_id, session_id_bad, has_offset, offset_bad;
    bool has_error, has_context, host_id_bad, encoding_bad;
    uint32_t error, context;
    uint64_t offset;
    const char *host_id, *reply_url;
    uint32_t fallback_s; /* 0 stands for "absent" */
} variants[] = {
    {.lines = "BITS-Packet-Type: Ack", .is_ack = true},
    {.lines = "BITS-Package-Type: ack", .is_ack = true},
    {.lines = "BITS-Packet-Type: Ping\nBITS-Package-Type: Ack"},
    {.lines = "BITS-Packet-Type: Ack\nBITS-Packet-Type: Ping", .is_ack = true, .conflicting = true},
    {.lines = "BITS-Packet-Type: Ack\nBITS-Packet-Type: Ack", .is_ack = true},
    {.lines = ""},
    /* the code: both names, hresult-lax, unparsable is absent */
    {.lines = "BITS-Error-Code: 0x80070057\nBITS-Error: 0x80070005",
     .has_error = true,
     .error = 0x80070057},
    {.lines = "BITS-Error: x80070005", .has_error = true, .error = 0x80070005},
    {.lines = "BITS-Error-Code: none\nBITS-Error: 80070005",
     .has_error = true,
     .error = 0x80070005},
    {.lines = "BITS-Error-Code: none"},
    {.lines = "BITS-Error-Code: 0x00000000", .has_error = true},
    {.lines = "BITS-Error-Code: 1\nBITS-Error-Code: 2",
     .conflicting = true,
     .has_error = true,
     .error = 1},
    /* the context */
    {.lines = "BITS-Error-Context: 0x7", .has_context = true, .context = 7},
    {.lines = "BITS-Error-Context: 5", .has_context = true, .context = 5},
    {.lines = "BITS-Error-Context: 0x00000005", .has_context = true, .context = 5},
    {.lines = "BITS-Error-Context: 0x6"},
    {.lines = "BITS-Error-Context:"},
    /* the session */
    {.lines = "BITS-Session-Id: 4711", .has_session_id = true},
    {.lines = "BITS-Session-Id: a b", .session_id_bad = true},
    {.lines = "BITS-Session-Id: \xc3\xa4", .session_id_bad = true},
    {.lines = "BITS-Session-Id:"},
    {.lines = "BITS-Session-Id: a\nBITS-Session-Id: b",
     .conflicting = true,
     .has_session_id = true},
    /* the offset */
    {.lines = "BITS-Received-Content-Range: 18446744073709551615",
     .has_offset = true,
     .offset = UINT64_MAX},
    {.lines = "BITS-Received-Content-Range: 18446744073709551616", .offset_bad = true},
    {.lines = "BITS-Received-Content-Range: -1", .offset_bad = true},
    {.lines = "BITS-Received-Content-Range: 0-4", .offset_bad = true},
    {.lines = "BITS-Received-Content-Range:", .offset_bad = true},
    {.lines = "BITS-Received-Content-Range: 1\nBITS-Received-Content-Range: 2",
     .conflicting = true,
     .has_offset = true,
     .offset = 1},
    /* the host */
    {.lines = "BITS-Host-Id: h", .host_id = "h"},
    {.lines = "BITS-Host-Id: [::1]:80", .host_id = "[::1]:80"},
    {.lines = "BITS-Host-Id: http://h/", .host_id_bad = true},
    {.lines = "BITS-Host-Id: u@h", .host_id_bad = true},
    {.lines = "BITS-Host-Id:"},
    {.lines = "BITS-Host-Id: a\nBITS-Host-Id: b", .conflicting = true, .host_id = "a"},
    {.lines = "BITS-HostId-Fallback-Timeout: 7", .fallback_s = 7},
    {.lines = "BITS-Host-Fallback-Timeout: 8", .fallback_s = 8},
    {.lines = "BITS-Host-Id-Fallback-Timeout: 4294967295"},
    {.lines = "BITS-Host-Id-Fallback-Timeout: 4294967296"},
    {.lines = "BITS-Host-Id-Fallback-Timeout: soon"},
    /* the reply */
    {.lines = "BITS-Reply-URL: a\\b", .reply_url = "a\\b"},
    {.lines = "BITS-Reply-URL: "},
    {.lines = "BITS-Reply-URL: a\nBITS-Reply-URL: b", .conflicting = true, .reply_url = "a"},
    /* the encoding */
    {.lines = "Accept-Encoding: gzip", .encoding_bad = true},
    {.lines = "Accept-Encoding: gzip, Identity;q=0.5"},
    {.lines = "Accept-Encoding: *"},
    {.lines = "Accept-Encoding:"},
};

START_TEST(variant_table)
{
    struct hdrs h;
    struct bup_ack a;
    char text[512];
    (void)snprintf(text, sizeof text, "HTTP/1.1 500 No\n%s", variants[_i].lines);
    head_from(&h, text);
    bcj2__bup_msg_read_ack(&h, &a);
    ck_assert_int_eq(a.is_ack, variants[_i].is_ack);
    ck_assert_int_eq(a.conflicting, variants[_i].conflicting);
    ck_assert_int_eq(a.has_session_id, variants[_i].has_session_id);
    ck_assert_int_eq(a.session_id_bad, variants[_i].session_id_bad);
    ck_assert_int_eq(a.has_offset, variants[_i].has_offset);
    ck_assert_int_eq(a.offset_bad, variants[_i].offset_bad);
    ck_assert_uint_eq(a.offset, variants[_i].offset);
    ck_assert_int_eq(a.has_error, variants[_i].has_error);
    ck_assert_uint_eq((uint32_t)a.error, variants[_i].error);
    ck_assert_int_eq(a.has_context, variants[_i].has_context);
    ck_assert_uint_eq(a.context, variants[_i].context);
    ck_assert_int_eq(a.host_id_bad, variants[_i].host_id_bad);
    ck_assert_pstr_eq(a.host_id, variants[_i].host_id);
    ck_assert_pstr_eq(a.reply_url, variants[_i].reply_url);
    ck_assert_uint_eq(a.fallback_s,
                      variants[_i].fallback_s == 0 ? BUP_NEVER : variants[_i].fallback_s);
    ck_assert_int_eq(a.encoding_ok, !variants[_i].encoding_bad);
    bcj2__hdrs_done(&h);
}
END_TEST

START_TEST(errors_on_success_mean_nothing)
{
    static const char *const heads[] = {
        "HTTP/1.1 200 OK\nBITS-Error-Code: 1\nBITS-Error-Context:",
        "HTTP/1.1 201 Created\nBITS-Error: 0x8020001F\nBITS-Error-Context: 0x7",
    };
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        struct hdrs h;
        struct bup_ack a;
        head_from(&h, heads[i]);
        bcj2__bup_msg_read_ack(&h, &a);
        ck_assert(!a.has_error && !a.has_context);
        bcj2__hdrs_done(&h);
    }
}
END_TEST

START_TEST(values_at_their_limits)
{
    struct hdrs h;
    struct bup_ack a;
    char text[1024], long_id[LIMIT_SESSION_ID_BYTES + 2];
    memset(long_id, 's', sizeof long_id - 1);
    long_id[sizeof long_id - 1] = '\0';
    for (size_t cut = 0; cut < 2; cut++) {
        (void)snprintf(text, sizeof text, "HTTP/1.1 200 OK\nBITS-Session-Id: %s", long_id + cut);
        head_from(&h, text);
        bcj2__bup_msg_read_ack(&h, &a);
        ck_assert_int_eq(a.has_session_id, cut == 1);
        ck_assert_int_eq(a.session_id_bad, cut == 0);
        bcj2__hdrs_done(&h);
    }
    /* a protocol longer than any is one that nobody knows */
    (void)snprintf(text, sizeof text, "HTTP/1.1 200 OK\nBITS-Protocol: %s", long_id);
    head_from(&h, text);
    bcj2__bup_msg_read_ack(&h, &a);
    ck_assert(a.has_protocol);
    ck_assert_str_eq(a.protocol, "");
    bcj2__hdrs_done(&h);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "bup_msg", 10);
    tcase_add_test(tc, packet_names_come_back);
    tcase_add_loop_test(tc, hresult_table, 0, ARRAY_LEN(hresults));
    tcase_add_loop_test(tc, build_table, 0, ARRAY_LEN(built));
    tcase_add_test(tc, build_within_the_buffer);
    tcase_add_loop_test(tc, content_name_table, 0, ARRAY_LEN(names));
    tcase_add_test(tc, content_name_cut);
    tcase_add_test(tc, create_ack);
    tcase_add_loop_test(tc, variant_table, 0, ARRAY_LEN(variants));
    tcase_add_test(tc, errors_on_success_mean_nothing);
    tcase_add_test(tc, values_at_their_limits);
}

SUITE_MAIN("bup_msg", add_cases)
