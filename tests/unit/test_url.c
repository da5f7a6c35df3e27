/* SPDX-License-Identifier: MIT */
/* base/url: what is accepted, host replacement, and RFC 3986 resolution with the forms servers
 * send. */
#include "../support/suite.h"
#include "url.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *url, *problem; /* problem NULL: fine */
} parse[] = {
    {"http://h", NULL},
    {"HTTPS://h/p?q#f", NULL},
    {"http://[::1]:8080/x", NULL},
    {"http://h:80/", NULL},
    {"http://", "it has no host"},
    {"http:///p", "it has no host"},
    {"ftp://h/", "the scheme must be http or https"},
    {"h/p", "the scheme must be http or https"},
    {"", "the scheme must be http or https"},
    {"http://h/a b", "character 0x20 at position 10 must be escaped"},
    {"http://h/a\r\nX: y", "character 0x0d at position 10 must be escaped"},
    {"http://h/\xc3\xa4", "character 0xc3 at position 9 must be escaped"},
    {"http://h/%4", "'%' at position 9 is not followed by two digits"},
    {"http://u:p@h/", "a user name in the URL is not accepted"},
    {"http://h:0/", "the host or the port is not valid"},
    {"http://h:65536/", "the host or the port is not valid"},
    {"http://h:/", "the host or the port is not valid"},
    {"http://h!x/", "the host or the port is not valid"},
};

START_TEST(parse_table)
{
    struct url u;
    char problem[128] = "";
    bool ok = bcj2__url_parse(parse[_i].url, &u, problem);
    ck_assert_int_eq(ok, parse[_i].problem == NULL);
    ck_assert_str_eq(problem, parse[_i].problem == NULL ? "" : parse[_i].problem);
}
END_TEST

START_TEST(length_limit)
{
    char text[8194];
    struct url u;
    char problem[128];
    memset(text, 'a', sizeof text);
    memcpy(text, "http://h/", 9);
    text[8193] = '\0';
    ck_assert(!bcj2__url_parse(text, &u, problem));
    ck_assert_str_eq(problem, "8193 bytes, the limit is 8192");
    text[8192] = '\0';
    ck_assert(bcj2__url_parse(text, &u, problem));
}
END_TEST

static const struct {
    const char *base, *reference, *result; /* result NULL: refused */
} resolve[] = {
    /* RFC 3986 5.4, with http */
    {"http://a/b/c/d;p?q", "g", "http://a/b/c/g"},
    {"http://a/b/c/d;p?q", "./g", "http://a/b/c/g"},
    {"http://a/b/c/d;p?q", "g/", "http://a/b/c/g/"},
    {"http://a/b/c/d;p?q", "/g", "http://a/g"},
    {"http://a/b/c/d;p?q", "//g", "http://g"},
    {"http://a/b/c/d;p?q", "?y", "http://a/b/c/d;p?y"},
    {"http://a/b/c/d;p?q", "g?y", "http://a/b/c/g?y"},
    {"http://a/b/c/d;p?q", "g?y/./x", "http://a/b/c/g?y/./x"},
    {"http://a/b/c/d;p?q", "#s", "http://a/b/c/d;p?q"},
    {"http://a/b/c/d;p?q", "", "http://a/b/c/d;p?q"},
    {"http://a/b/c/d;p?q", ".", "http://a/b/c/"},
    {"http://a/b/c/d;p?q", "..", "http://a/b/"},
    {"http://a/b/c/d;p?q", "../g", "http://a/b/g"},
    {"http://a/b/c/d;p?q", "../..", "http://a/"},
    {"http://a/b/c/d;p?q", "../../../g", "http://a/g"},
    {"http://a/b/c/d;p?q", "/./g", "http://a/g"},
    {"http://a/b/c/d;p?q", "/../g", "http://a/g"},
    {"http://a/b/c/d;p?q", "g.", "http://a/b/c/g."},
    {"http://a/b/c/d;p?q", "..g", "http://a/b/c/..g"},
    {"http://a/b/c/d;p?q", "./g/.", "http://a/b/c/g/"},
    {"http://a/b/c/d;p?q", "g/../h", "http://a/b/c/h"},
    {"http://a/b/c/d;p?q", "g;x=1/../y", "http://a/b/c/y"},
    {"http://a", "g", "http://a/g"},
    {"http://a:81?x", "g", "http://a:81/g"},
    /* what servers send */
    {"http://s/upload-vdir/f.bin", "BITS-Sessions\\Replies\\{0A}\\responsefile.bin",
     "http://s/upload-vdir/BITS-Sessions/Replies/%7B0A%7D/responsefile.bin"},
    {"https://s/d/f", "  /r e?a\\b  ", "https://s/r%20e?a%5Cb"},
    {"http://s/d/f", "https://other:8443/x%20y", "https://other:8443/x%20y"},
    {"http://s/d/f", "r%zz", "http://s/d/r%25zz"},
    {"http://s/d/f", "file:///etc/passwd", NULL},
    {"http://s/d/f", "gopher://x/", NULL},
    {"http://s/d/f", "http://", NULL},
    {"http://s/d/f", "http://u:p@h/", NULL},
};

START_TEST(resolve_table)
{
    struct buf out = BUF_INIT(8192);
    bool ok = bcj2__url_resolve(resolve[_i].base, resolve[_i].reference, &out);
    ck_assert_int_eq(ok, resolve[_i].result != NULL);
    if (ok) {
        ck_assert_str_eq(bcj2__buf_cstr(&out), resolve[_i].result);
    }
    bcj2__buf_done(&out);
}
END_TEST

static const struct {
    const char *url, *host_id, *result;
} hosts[] = {
    {"http://a/p?q", "b", "http://b/p?q"},
    {"http://a:81/p", "b", "http://b:81/p"},
    {"http://a:81/p", "b:82", "http://b:82/p"},
    {"https://a/p#f", "[::1]", "https://[::1]/p"},
    {"http://a/p", "b/x", NULL},
    {"http://a/p", "u@b", NULL},
    {"http://a/p", "b:0", NULL},
    {"http://a/p", "", NULL},
    {"http://a/p", "b c", NULL},
};

START_TEST(host_table)
{
    struct buf out = BUF_INIT(8192);
    ck_assert_int_eq(bcj2__url_with_host(hosts[_i].url, hosts[_i].host_id, &out),
                     hosts[_i].result != NULL);
    if (hosts[_i].result != NULL) {
        ck_assert_str_eq(bcj2__buf_cstr(&out), hosts[_i].result);
    }
    bcj2__buf_done(&out);
}
END_TEST

START_TEST(people_and_origins)
{
    char text[256];
    bcj2__url_for_people("https://h/p?secret=1#x", text);
    ck_assert_str_eq(text, "https://h/p");
    bcj2__url_for_people("https://user:pass@word@h/p@q", text);
    ck_assert_str_eq(text, "https://h/p@q");
    bcj2__url_for_people("user:secret@h/p", text);
    ck_assert_str_eq(text, "h/p");
    bcj2__url_for_people("ftp://h", text);
    ck_assert_str_eq(text, "ftp://h");
    char longer[600] = "http://h/";
    memset(longer + 9, 'a', 590);
    longer[599] = '\0';
    bcj2__url_for_people(longer, text);
    ck_assert_uint_eq(strlen(text), 255);
    ck_assert_str_eq(text + 250, "aa...");
    ck_assert(bcj2__url_same_origin("http://H/x", "http://h:80/y"));
    ck_assert(!bcj2__url_same_origin("http://h/", "https://h/"));
    ck_assert(!bcj2__url_same_origin("http://h/", "http://hh/"));
    ck_assert(!bcj2__url_same_origin("http://h/", "http://h:81/"));
}
END_TEST

static const struct {
    const char *url, *host; /* "" : none */
    bool loopback;
} places[] = {
    {"http://localhost/", "localhost:80", true},
    {"http://LocalHost.:81/", "localhost.:81", true},
    {"https://a.localhost/x?y", "a.localhost:443", true},
    {"http://127.0.0.1:8080", "127.0.0.1:8080", true},
    {"http://127.1/", "127.1:80", true},
    {"http://[::1]:8/", "[::1]:8", true},
    {"http://notlocalhost/", "notlocalhost:80", false},
    {"http://localhost.example/", "localhost.example:80", false},
    {"http://127.example/", "127.example:80", false},
    {"http://128.0.0.1/", "128.0.0.1:80", false},
    {"http://[::2]/", "[::2]:80", false},
    {"http://0.0.0.0/", "0.0.0.0:80", false},
    {"HTTP://WWW.Example.COM:80/A", "www.example.com:80", false},
    {"file:///etc/hosts", "", false},
    {"/etc/hosts", "", false},
    {"http://user@127.0.0.1/", "", false},
};

START_TEST(place)
{
    char host[URL_HOST_SIZE];
    bcj2__url_host(places[_i].url, host);
    ck_assert_str_eq(host, places[_i].host);
    ck_assert_int_eq(bcj2__url_is_loopback(places[_i].url), places[_i].loopback);
}
END_TEST

START_TEST(host_too_long)
{
    char url[LIMIT_URL_BYTES], host[URL_HOST_SIZE];
    for (size_t length = LIMIT_HOST_ID_BYTES - 10; length < LIMIT_HOST_ID_BYTES + 10; length++) {
        (void)snprintf(url, sizeof url, "http://%0*d/", (int)length, 0);
        bcj2__url_host(url, host);
        ck_assert(host[0] == '\0' || strlen(host) == length + 3);
        ck_assert_uint_lt(strlen(host), URL_HOST_SIZE);
    }
    ck_assert_str_eq(host, "");
}
END_TEST

static const struct {
    const char *text;
    bool is_file;
    const char *path; /* NULL: refused */
} file_names[] = {
    {"/mnt/share/a", true, "/mnt/share/a"},
    {"/a?b#c%20", true, "/a?b#c%20"},
    {"file:///a", true, "/a"},
    {"FILE:///a%20b%c3%A4", true, "/a b\xc3\xa4"},
    {"file://localhost/a", true, "/a"},
    {"file://LocalHost/", true, "/"},
    {"file:///", true, "/"},
    {"//server/share", true, NULL},
    {"file:/a", true, NULL},
    {"file:a", true, NULL},
    {"file://host/a", true, NULL},
    {"file:///a%00b", true, NULL},
    {"file:///a%2", true, NULL},
    {"file:///a%zz", true, NULL},
    {"file:///a%", true, NULL},
    {"file:///a?b", true, NULL},
    {"file:///a#b", true, NULL},
    {"file:///0123456789012345", true, NULL}, /* over the buffer */
    {"http://host/", false, NULL},
    {"relative", false, NULL},
    {"", false, NULL},
};

START_TEST(names_of_files)
{
    CLEANUP_BUF struct buf path = BUF_INIT(16);
    char problem[128] = "";
    const char *text = file_names[_i].text;
    ck_assert_int_eq(bcj2__url_is_file(text), file_names[_i].is_file);
    if (file_names[_i].is_file) {
        bool good = bcj2__url_file_path(text, &path, problem);
        ck_assert_int_eq(good, file_names[_i].path != NULL);
        if (good) {
            ck_assert_str_eq(bcj2__buf_cstr(&path), file_names[_i].path);
        } else {
            ck_assert_uint_gt(strlen(problem), 0);
        }
    }
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "url", 10);
    tcase_add_loop_test(tc, parse_table, 0, sizeof parse / sizeof parse[0]);
    tcase_add_test(tc, length_limit);
    tcase_add_loop_test(tc, resolve_table, 0, sizeof resolve / sizeof resolve[0]);
    tcase_add_loop_test(tc, host_table, 0, sizeof hosts / sizeof hosts[0]);
    tcase_add_test(tc, people_and_origins);
    tcase_add_loop_test(tc, place, 0, sizeof places / sizeof places[0]);
    tcase_add_test(tc, host_too_long);
    tcase_add_loop_test(tc, names_of_files, 0, ARRAY_LEN(file_names));
}

SUITE_MAIN("url", add_cases)
