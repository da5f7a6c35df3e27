/* SPDX-License-Identifier: MIT */
/* bcj2-server as a download server (wire-protocol 4.6): whole files, ranges, multipart, validators and
   conditions, and the switches that make it a worse one. */
#include "../support/suite.h"
#include "bits_client.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 100000

static struct test_server *server;
static char *data;

/* A file of known content, last changed at 2026-02-03 10:15:09 UTC. */
static void put(struct test_server *s)
{
    const struct timespec times[2] = {{.tv_sec = 1770113709}, {.tv_sec = 1770113709}};
    server_write(s, "root/in/f.bin", data, SIZE, 0600);
    ck_assert_int_eq(utimensat(AT_FDCWD, server_path(s, "root/in/f.bin"), times, 0), 0);
}

#define MODIFIED "Tue, 03 Feb 2026 10:15:09 GMT"

static void setup(void)
{
    data = bits_pattern(SIZE);
    server = server_start(NULL);
    put(server);
    server_write(server, "root/in/empty", "", 0, 0600);
}

static void teardown(void)
{
    server_stop(server);
    free(data);
}

static void get_tag(struct bits *b, char tag[100])
{
    ck_assert_uint_eq(bits_get(b, "/in/f.bin", ""), 200);
    (void)snprintf(tag, 100, "%s", raw_field(&b->answer, "ETag"));
}

START_TEST(whole_file)
{
    struct bits b = bits_open(server, "");
    struct raw_answer head;
    char tag[100];
    get_tag(&b, tag);
    ck_assert_uint_eq(b.answer.body_length, SIZE);
    ck_assert_int_eq(memcmp(b.answer.body, data, SIZE), 0);
    ck_assert_str_eq(raw_field(&b.answer, "Last-Modified"), MODIFIED);
    ck_assert_str_eq(raw_field(&b.answer, "Accept-Ranges"), "bytes");
    ck_assert(tag[0] == '"');
    raw_text(b.fd, "HEAD /in/f.bin HTTP/1.1\r\nHost: h\r\nRange: bytes=0-1\r\n\r\n");
    raw_read(b.fd, false, &head);
    ck_assert_uint_eq(head.status, 200);
    ck_assert_str_eq(raw_field(&head, "Content-Length"), "100000");
    ck_assert_str_eq(raw_field(&head, "ETag"), tag);
    raw_free(&head);
    ck_assert_uint_eq(bits_get(&b, "/in/empty", ""), 200);
    ck_assert_uint_eq(b.answer.body_length, 0);
    ck_assert_uint_eq(bits_get(&b, "/in/empty", "Range: bytes=0-0\r\n"), 416);
    ck_assert_str_eq(raw_field(&b.answer, "Content-Range"), "bytes */0");
    ck_assert_uint_eq(bits_get(&b, "/in/f.bin?query=1", ""), 200);
    ck_assert_uint_eq(bits_get(&b, "http://h/in/%66.bin", ""), 200);
    bits_close(&b);
}
END_TEST

static const struct {
    const char *range;
    unsigned status;
    size_t first, length;
} ranges[] = {
    {"bytes=0-0", 206, 0, 1},         {"bytes=10-19", 206, 10, 10},
    {"bytes=99999-", 206, 99999, 1},  {"bytes=99990-200000", 206, 99990, 10},
    {"bytes=-5", 206, 99995, 5},      {"bytes=-200000", 206, 0, SIZE},
    {"BYTES=1-2", 206, 1, 2},         {"bytes=100000-", 416, 0, 0},
    {"bytes=-0", 416, 0, 0},          {"bytes=5-4", 200, 0, SIZE},
    {"bytes=a-b", 200, 0, SIZE},      {"lines=1-2", 200, 0, SIZE},
    {"bytes=100000-,5-6", 206, 5, 2},
};

START_TEST(single_ranges)
{
    char field[200];
    struct bits b = bits_open(server, "");
    (void)snprintf(field, sizeof field, "Range: %s\r\n", ranges[_i].range);
    ck_assert_uint_eq(bits_get(&b, "/in/f.bin", field), ranges[_i].status);
    ck_assert_uint_eq(b.answer.body_length, ranges[_i].length);
    ck_assert_int_eq(memcmp(b.answer.body, data + ranges[_i].first, ranges[_i].length), 0);
    if (ranges[_i].status == 206) {
        (void)snprintf(field, sizeof field, "bytes %zu-%zu/%d", ranges[_i].first,
                       ranges[_i].first + ranges[_i].length - 1, SIZE);
        ck_assert_str_eq(raw_field(&b.answer, "Content-Range"), field);
    } else if (ranges[_i].status == 416) {
        ck_assert_str_eq(raw_field(&b.answer, "Content-Range"), "bytes */100000");
    } else {
        ck_assert_ptr_null(raw_field(&b.answer, "Content-Range"));
    }
    bits_close(&b);
}
END_TEST

/* Parts come in the order they were asked for, overlapping or not. */
START_TEST(several_ranges)
{
    static const struct {
        size_t first, length;
    } parts[] = {{1000, 10}, {0, 5}, {3, 4}, {99999, 1}};
    struct bits b = bits_open(server, "");
    ck_assert_uint_eq(
        bits_get(&b, "/in/f.bin", "Range: bytes=1000-1009, 0-4,3-6 ,99999-100005\r\n"), 206);
    const char *type = raw_field(&b.answer, "Content-Type");
    ck_assert_int_eq(strncmp(type, "multipart/byteranges; boundary=", 31), 0);
    char boundary[100], expected[1000];
    (void)snprintf(boundary, sizeof boundary, "%s", type + 31);
    ck_assert_ptr_null(raw_field(&b.answer, "Content-Range"));
    size_t n = 0;
    for (size_t i = 0; i < 4; i++) {
        n += (size_t)snprintf(expected + n, sizeof expected - n,
                              "%s--%s\r\nContent-Type: application/octet-stream\r\n"
                              "Content-Range: bytes %zu-%zu/100000\r\n\r\n",
                              i == 0 ? "" : "\r\n", boundary, parts[i].first,
                              parts[i].first + parts[i].length - 1);
        memcpy(expected + n, data + parts[i].first, parts[i].length);
        n += parts[i].length;
    }
    n += (size_t)snprintf(expected + n, sizeof expected - n, "\r\n--%s--\r\n", boundary);
    ck_assert_uint_eq(b.answer.body_length, n);
    ck_assert_int_eq(memcmp(b.answer.body, expected, n), 0);
    bits_close(&b);
}
END_TEST

START_TEST(too_many_ranges)
{
    char field[8000];
    struct bits b = bits_open(server, "");
    for (int count = 500; count <= 501; count++) {
        int n = snprintf(field, sizeof field, "Range: bytes=0-0");
        for (int i = 1; i < count; i++) {
            n += snprintf(field + n, sizeof field - (size_t)n, ",%d-%d", i % 10, i % 10);
        }
        (void)snprintf(field + n, sizeof field - (size_t)n, "\r\n");
        ck_assert_uint_eq(bits_get(&b, "/in/f.bin", field), count == 500 ? 206 : 416);
    }
    bits_close(&b);
}
END_TEST

/* %s is the file's tag. */
static const struct {
    const char *fields;
    unsigned status;
} conditions[] = {
    {"If-Match: %s\r\n", 200},
    {"If-Match: *\r\n", 200},
    {"If-Match: \"x\", %s\r\n", 200},
    {"If-Match: \"x\"\r\n", 412},
    {"If-Match: W/%s\r\n", 412},
    {"If-None-Match: %s\r\n", 304},
    {"If-None-Match: W/%s\r\n", 304},
    {"If-None-Match: *\r\n", 304},
    {"If-None-Match: \"x\"\r\n", 200},
    {"If-Unmodified-Since: " MODIFIED "\r\n", 200},
    {"If-Unmodified-Since: Tue, 03 Feb 2026 10:15:08 GMT\r\n", 412},
    {"If-Unmodified-Since: nonsense\r\n", 200},
    {"If-Modified-Since: " MODIFIED "\r\n", 304},
    {"If-Modified-Since: Tue, 03 Feb 2026 10:15:08 GMT\r\n", 200},
    {"If-Match: %s\r\nIf-Unmodified-Since: Tue, 03 Feb 2026 10:15:08 GMT\r\n", 200},
    {"Range: bytes=5-6\r\nIf-Range: %s\r\n", 206},
    {"Range: bytes=5-6\r\nIf-Range: \"x\"\r\n", 200},
    {"Range: bytes=5-6\r\nIf-Range: W/%s\r\n", 200},
    {"Range: bytes=5-6\r\nIf-Range: " MODIFIED "\r\n", 206},
    {"Range: bytes=5-6\r\nIf-Range: Tue, 03 Feb 2026 10:15:10 GMT\r\n", 200},
    {"Range: bytes=5-6\r\nIf-Unmodified-Since: " MODIFIED "\r\n", 206},
    {"Range: bytes=200000-\r\nIf-Range: \"x\"\r\n", 200},
};

START_TEST(condition_table)
{
    char tag[100], fields[400];
    struct bits b = bits_open(server, "");
    get_tag(&b, tag);
    const char *hole = strstr(conditions[_i].fields, "%s");
    if (hole == NULL) {
        (void)snprintf(fields, sizeof fields, "%s", conditions[_i].fields);
    } else {
        (void)snprintf(fields, sizeof fields, "%.*s%s%s", (int)(hole - conditions[_i].fields),
                       conditions[_i].fields, tag, hole + 2);
    }
    ck_assert_uint_eq(bits_get(&b, "/in/f.bin", fields), conditions[_i].status);
    ck_assert_str_eq(raw_field(&b.answer, "ETag"), tag);
    bits_close(&b);
}
END_TEST

/* Any change of the file changes its tag. */
START_TEST(tag_changes)
{
    char before[100], after[100];
    struct test_server *s = server_start(NULL);
    struct bits b = bits_open(s, "");
    put(s);
    get_tag(&b, before);
    put(s);
    get_tag(&b, after);
    ck_assert_str_eq(before, after);
    const struct timespec times[2] = {{.tv_sec = 1770113709}, {.tv_sec = 1770113709, .tv_nsec = 1}};
    ck_assert_int_eq(utimensat(AT_FDCWD, server_path(s, "root/in/f.bin"), times, 0), 0);
    get_tag(&b, after);
    ck_assert_str_ne(before, after);
    bits_close(&b);
    server_stop(s);
}
END_TEST

START_TEST(worse_servers)
{
    struct test_server *s = server_start_config("{\"no_ranges\": true}", NULL);
    struct bits b = bits_open(s, "");
    put(s);
    ck_assert_uint_eq(bits_get(&b, "/in/f.bin", "Range: bytes=5-6\r\n"), 200);
    ck_assert_uint_eq(b.answer.body_length, SIZE);
    ck_assert_ptr_null(raw_field(&b.answer, "Accept-Ranges"));
    bits_close(&b);
    server_stop(s);
    s = server_start_config("{\"no_length\": true}", NULL);
    b = bits_open(s, "");
    put(s);
    ck_assert_uint_eq(bits_get(&b, "/in/f.bin", ""), 200);
    ck_assert_ptr_null(raw_field(&b.answer, "Content-Length"));
    ck_assert_uint_eq(b.answer.body_length, SIZE);
    ck_assert_int_eq(memcmp(b.answer.body, data, SIZE), 0);
    bits_close(&b);
    server_stop(s);
}
END_TEST

/* ---- command line and configuration ---- */

static const struct {
    const char *options[8];
    int status;
} usages[] = {
    {{"--help"}, 0},
    {{"--version"}, 0},
    {{NULL}, 2},
    {{"--root"}, 2},
    {{"--root", ""}, 2},
    {{"--wurzel", "/tmp"}, 2},
    {{"--root", "/tmp", "extra"}, 2},
    {{"--root", "/tmp", "--listen", "nowhere"}, 2},
    {{"--root", "/tmp", "--listen", "127.0.0.1:65536"}, 2},
    {{"--root", "/tmp", "--listen", "::1:80"}, 2},
    {{"--root", "/tmp", "--limit-rate", "0"}, 2},
    {{"--root", "/tmp", "--limit-rate", "fast"}, 2},
    {{"--root", "/tmp", "--app-url", "ftp://h/"}, 2},
    {{"--root", "/tmp", "--app-url", "http://h/", "--app-exec", "cat"}, 2},
    {{"--root", "/nonexistent/root"}, 1},
    {{"--root", "/tmp", "--config", "/nonexistent/file"}, 1},
    {{"--root", "/tmp", "--listen", "192.0.2.1:1"}, 1},
    {{"--root", "/tmp", "--log", "/nonexistent/log"}, 1},
};

static int exit_status(const char *const options[])
{
    char command[1000];
    int n = snprintf(command, sizeof command, "'%s'", getenv("BCJ2_SERVER"));
    for (size_t i = 0; i < 8 && options[i] != NULL; i++) {
        n += snprintf(command + n, sizeof command - (size_t)n, " '%s'", options[i]);
    }
    (void)snprintf(command + n, sizeof command - (size_t)n, " >/dev/null 2>&1");
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(usage_table)
{
    ck_assert_int_eq(exit_status(usages[_i].options), usages[_i].status);
}
END_TEST

static const char *const configurations[] = {
    "",
    "[]",
    "{\"BITSUploadEnable\": true}",
    "{\"BITSUploadEnabled\": 2}",
    "{\"BITSSessionTimeout\": 0}",
    "{\"BITSSessionTimeout\": -1}",
    "{\"BITSSessionTimeout\": 1.5}",
    "{\"BITSMaximumUploadSize\": 1000}",
    "{\"BITSMaximumUploadSize\": \"1844674407370956\"}",
    "{\"BITSServerNotificationType\": 3}",
    "{\"BITSServerNotificationType\": 2}",
    "{\"BITSServerNotificationURL\": \"http://h/\"}",
    "{\"BITSHostId\": \"a b\"}",
    "{\"BITSCleanupUseDefault\": 0, \"BITSCleanupUnits\": 1, \"BITSCleanupCount\": 25}",
    "{\"strict416\": \"yes\"}",
};

START_TEST(configuration_table)
{
    server_write(server, "bad.json", configurations[_i], strlen(configurations[_i]), 0600);
    const char *const options[8] = {"--root", server_root(server), "--config",
                                    server_path(server, "bad.json")};
    ck_assert_int_eq(exit_status(options), 1);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "files", 60);
    tcase_add_unchecked_fixture(tc, setup, teardown);
    tcase_add_test(tc, whole_file);
    tcase_add_loop_test(tc, single_ranges, 0, (int)(sizeof ranges / sizeof ranges[0]));
    tcase_add_test(tc, several_ranges);
    tcase_add_test(tc, too_many_ranges);
    tcase_add_loop_test(tc, condition_table, 0, (int)(sizeof conditions / sizeof conditions[0]));
    tcase_add_test(tc, tag_changes);
    tcase_add_test(tc, worse_servers);
    tcase_add_loop_test(tc, configuration_table, 0,
                        (int)(sizeof configurations / sizeof configurations[0]));
    tc = suite_case(suite, "usage", 60);
    tcase_add_loop_test(tc, usage_table, 0, (int)(sizeof usages / sizeof usages[0]));
}

SUITE_MAIN("server_files", add_cases)
