/* SPDX-License-Identifier: MIT */
/* proto/argv: command lines with what Windows makes of them, by where that is documented, and what the
   quoting writes. Not here: random lines (fuzz/fuzz_argv.c). */
#include "../support/suite.h"
#include "argv.h"
#include "detail.h"
#include "macro.h"
#include "mem.h"

#include <string.h>

/* Documents: C, "Parsing C command-line arguments"; C++, "main function and command-line arguments";
   SHELL, "CommandLineToArgvW function"; and the blog entry of 2010-09-17 in "The Old New Thing". */
static const struct {
    const char *source, *line;
    const char *argv[8]; /* up to the first NULL */
} lines[] = {
    /* tables of the documents, behind a program's name */
    {"C, row 1", "p \"a b c\" d e", {"p", "a b c", "d", "e"}},
    {"C, row 2", "p \"ab\\\"c\" \"\\\\\" d", {"p", "ab\"c", "\\", "d"}},
    {"C, row 3", "p a\\\\\\b d\"e f\"g h", {"p", "a\\\\\\b", "de fg", "h"}},
    {"C, row 4", "p a\\\\\\\"b c d", {"p", "a\\\"b", "c", "d"}},
    {"C, row 5", "p a\\\\\\\\\"b c\" d e", {"p", "a\\\\b c", "d", "e"}},
    {"C, row 6", "p a\"b\"\" c d", {"p", "ab\" c d"}},
    {"C++, row 1", "p \"abc\" d e", {"p", "abc", "d", "e"}},
    {"C++, row 2", "p a\\\\b d\"e f\"g h", {"p", "a\\\\b", "de fg", "h"}},
    {"Old New Thing, 1", "program.exe \"hello there.txt\"", {"program.exe", "hello there.txt"}},
    {"Old New Thing, 2",
     "program.exe \"C:\\Hello there.txt\"",
     {"program.exe", "C:\\Hello there.txt"}},
    {"Old New Thing, 3", "program.exe \"hello\\\"there\"", {"program.exe", "hello\"there"}},
    {"Old New Thing, 4", "program.exe \"hello\\\\\"", {"program.exe", "hello\\"}},

    /* C: "arguments are delimited by white space, which is either a space or a tab" */
    {"C, blanks", "p  a\t\tb \t c", {"p", "a", "b", "c"}},
    {"C, blanks: end of line is none", "p a\nb \r\n c\vd\fe", {"p", "a\nb", "\r\n", "c\vd\fe"}},
    {"C, blanks: end of line behind one", "p \na \n b", {"p", "\na", "\n", "b"}},
    {"C, blanks: end of line in the name", "p\nq r", {"p\nq", "r"}},
    {"C, blanks: no-break space is none",
     "p a\xc2\xa0"
     "b",
     {"p", "a\xc2\xa0"
           "b"}},
    {"SHELL, blanks at the end are ignored", "p a \t ", {"p", "a"}},
    {"SHELL, blanks at the end, name only", "p ", {"p"}},
    {"C, the caret is a character", "p ^ a^\"b c^\"", {"p", "^", "a^b c^"}},

    /* C: "the first argument is treated specially" */
    {"C, name alone", "p", {"p"}},
    {"C, name in quotes", "\"C:\\Program Files\\p.exe\" a", {"C:\\Program Files\\p.exe", "a"}},
    {"C, name with a quoted part",
     "C:\\\"Program Files\"\\p.exe a",
     {"C:\\Program Files\\p.exe", "a"}},
    {"C, name: text behind the quotes", "\"a b\"c d", {"a bc", "d"}},
    {"C, name: backslashes mean nothing", "\"a b\\\" c", {"a b\\", "c"}},
    {"C, name: backslashes mean nothing, unquoted", "a\\\\\"b c\"\\ d", {"a\\\\b c\\", "d"}},
    {"C, name: two quotes are none", "\"a\"\"b\" c", {"ab", "c"}},
    {"C, name: not closed", "\"a b c", {"a b c"}},
    {"C, name: a quote only", "\"", {""}},
    {"C, name: empty", "\"\"", {""}},
    {"C, name: empty, arguments", "\"\" a \"\"", {"", "a", ""}},
    {"SHELL, blanks before the name make it empty", " p a", {"", "p", "a"}},
    {"SHELL, any amount of them", "\t  p", {"", "p"}},
    {"SHELL, nothing else", "   ", {""}},
    {"SHELL, the rules of the name end with it", " a\\\"b", {"", "a\"b"}},
    {"SHELL, an empty text is the program's path", "", {NULL}},

    /* C: quoted strings */
    {"C, a quoted string embedded", "p a\" \"b", {"p", "a b"}},
    {"C, blanks in quotes are kept", "p \" \t\n\"", {"p", " \t\n"}},
    {"C, empty arguments", "p \"\" a \"\" ", {"p", "", "a", ""}},
    {"C, nothing quoted in an argument", "p a\"\"b", {"p", "ab"}},
    {"C, two quoted parts", "p \"a b\"\"c d\"", {"p", "a b\"c d"}},
    {"C, a pair in quotes is a quote", "p \"a\"\"b\" c", {"p", "a\"b", "c"}},
    {"C, only a pair in quotes", "p \"\"\"\" a", {"p", "\"", "a"}},
    {"C, two pairs in quotes", "p \"\"\"\"\"\" a", {"p", "\"\"", "a"}},
    {"C, three quotes: a pair, not closed", "p \"\"\" a", {"p", "\" a"}},
    {"C, quotes around a word, as pairs", "p \"\"\"a b\"\"\" c", {"p", "\"a b\"", "c"}},
    {"C, a pair outside quotes is nothing", "p \"\"a b\"\" c", {"p", "a", "b", "c"}},
    {"C, not closed", "p a \"b c ", {"p", "a", "b c "}},
    {"C, not closed, nothing in it", "p \"", {"p", ""}},
    {"C, not closed behind text", "p a\"", {"p", "a"}},

    /* C, SHELL: backslashes */
    {"C, backslashes without a quote",
     "p \\ a\\\\ \\\\b \"\\\\c\"",
     {"p", "\\", "a\\\\", "\\\\b", "\\\\c"}},
    {"C, backslashes at the end", "p a\\\\\\", {"p", "a\\\\\\"}},
    {"SHELL, 2n, n = 1", "p \\\\\"a b\"", {"p", "\\a b"}},
    {"SHELL, 2n+1, n = 0", "p \\\"a b\\\"", {"p", "\"a", "b\""}},
    {"SHELL, 2n+1, n = 2", "p \\\\\\\\\\\"a b", {"p", "\\\\\"a", "b"}},
    {"SHELL, 2n+1 does not begin or end quotes", "p \"a\\\" b\" c", {"p", "a\" b", "c"}},
    {"SHELL, 2n ends quotes", "p \"a\\\\\" b", {"p", "a\\", "b"}},
    {"C, 2n and a pair in quotes", "p \"a\\\\\"\" b\" c", {"p", "a\\\" b", "c"}},
    {"C, 2n+1 and a quote that ends", "p \"a\\\"\" b", {"p", "a\"", "b"}},
    {"C, a folder in quotes takes the rest", "p \"C:\\a b\\\" c d", {"p", "C:\\a b\" c d"}},

    /* not of Windows: UTF-8, and what is none, pass as they are */
    {"UTF-8",
     "\xc3\xa4 \"\xf0\x9f\x98\x80 \xe2\x82\xac\"",
     {"\xc3\xa4", "\xf0\x9f\x98\x80 \xe2\x82\xac"}},
    {"bytes", "p \xff\x80 \x01", {"p", "\xff\x80", "\x01"}},
};

static size_t count_of(const char *const *argv)
{
    size_t argc = 0;
    while (argv[argc] != NULL) {
        argc++;
    }
    return argc;
}

/* Splits into arrays that are exactly as large, so that a byte too far is seen. */
static bool split_in(const char *text, size_t out_size, size_t argv_max,
                     const char *const *expected)
{
    char *out = malloc(MAX(out_size, 1u));
    const char **argv = malloc(MAX(argv_max, 1u) * sizeof *argv);
    size_t argc = SIZE_MAX;
    ck_assert(out != NULL && argv != NULL);
    bool good = bcj2__argv_split(text, out, out_size, argv, argv_max, &argc);
    if (good) {
        ck_assert_uint_eq(argc, count_of(expected));
        ck_assert_ptr_null(argv[argc]);
        for (size_t i = 0; i < argc; i++) {
            ck_assert_str_eq(argv[i], expected[i]);
        }
    } else {
        ck_assert_uint_eq(argc, 0);
    }
    free(argv);
    free(out);
    return good;
}

START_TEST(split_table)
{
    const char *line = lines[_i].line, *const *expected = lines[_i].argv;
    ck_assert_msg(split_in(line, strlen(line) + 1, strlen(line) / 2 + 2, expected), "%s",
                  lines[_i].source);
}
END_TEST

/* Each size below what the result takes is refused, and what it takes is enough. */
START_TEST(split_small_buffers)
{
    const char *line = lines[_i].line, *const *expected = lines[_i].argv;
    size_t argc = count_of(expected), bytes = 0;
    for (size_t i = 0; i < argc; i++) {
        bytes += strlen(expected[i]) + 1;
    }
    ck_assert_uint_le(bytes, strlen(line) + 1);
    for (size_t size = 0; size <= bytes; size++) {
        ck_assert_int_eq(split_in(line, size, argc + 1, expected), size == bytes);
    }
    for (size_t size = 0; size <= argc + 1; size++) {
        ck_assert_int_eq(split_in(line, bytes, size, expected), size == argc + 1);
    }
}
END_TEST

/* What was split can be written, and is then read as the same. */
START_TEST(quote_what_was_split)
{
    CLEANUP_BUF struct buf line = BUF_INIT(1000);
    const char *const *expected = lines[_i].argv;
    for (size_t i = 0; expected[i] != NULL; i++) {
        assert_status(bcj2__argv_quote(&line, expected[i]), BCJ2_OK);
    }
    ck_assert(split_in(bcj2__buf_cstr(&line), line.length + 1, line.length / 2 + 2, expected));
}
END_TEST

/* The parameters of a job at their limit, as many arguments as there can be and as long as one can be. */
START_TEST(split_largest)
{
    static char text[LIMIT_NOTIFY_PARAMETERS_BYTES + 1], out[ARGV_BYTES];
    static const char *argv[ARGV_POINTERS];
    size_t argc = 0;
    for (size_t i = 0; i < LIMIT_NOTIFY_PARAMETERS_UNITS; i++) {
        text[i] = i % 2 == 0 ? ' ' : 'a';
    }
    ck_assert(bcj2__argv_split(text, out, sizeof out, argv, ARRAY_LEN(argv), &argc));
    ck_assert_uint_eq(argc, LIMIT_NOTIFY_ARGUMENTS);
    ck_assert_str_eq(argv[0], "");
    ck_assert_str_eq(argv[argc - 1], "a");
    ck_assert_ptr_null(argv[argc]);
    ck_assert(!bcj2__argv_split(text, out, sizeof out, argv, ARRAY_LEN(argv) - 1, &argc));
    text[LIMIT_NOTIFY_PARAMETERS_UNITS] = ' ';
    text[LIMIT_NOTIFY_PARAMETERS_UNITS + 1] = 'a';
    ck_assert(!bcj2__argv_split(text, out, sizeof out, argv, ARRAY_LEN(argv), &argc));
    for (size_t i = 0; i < LIMIT_NOTIFY_PARAMETERS_BYTES; i += 3) {
        memcpy(text + i, "\xe2\x82\xac", 3);
    }
    ck_assert(bcj2__argv_split(text, out, sizeof out, argv, ARRAY_LEN(argv), &argc));
    ck_assert_uint_eq(argc, 1);
    ck_assert_str_eq(argv[0], text);
    ck_assert(!bcj2__argv_split(text, out, sizeof out - 1, argv, ARRAY_LEN(argv), &argc));
}
END_TEST

static const struct {
    const char *argument, *as_program, *as_argument; /* as_program NULL: cannot be one */
} quoted[] = {
    {"a", "a", "a"},
    {"", "\"\"", "\"\""},
    {"a b", "\"a b\"", "\"a b\""},
    {"a\tb", "\"a\tb\"", "\"a\tb\""},
    {"a\nb", "\"a\nb\"", "\"a\nb\""},
    {"C:\\a\\", "C:\\a\\", "C:\\a\\"},
    {"C:\\a b\\", "\"C:\\a b\\\"", "\"C:\\a b\\\\\""},
    {"\\\\s\\a b\\\\", "\"\\\\s\\a b\\\\\"", "\"\\\\s\\a b\\\\\\\\\""},
    {"\"", NULL, "\"\\\"\""},
    {"a\"b", NULL, "\"a\\\"b\""},
    {"a\\\"b", NULL, "\"a\\\\\\\"b\""},
    {"a\\\\\"\"\\b", NULL, "\"a\\\\\\\\\\\"\\\"\\b\""},
    {"a \xe2\x82\xac", "\"a \xe2\x82\xac\"", "\"a \xe2\x82\xac\""},
};

START_TEST(quote_table)
{
    CLEANUP_BUF struct buf line = BUF_INIT(100);
    if (quoted[_i].as_program != NULL) {
        assert_status(bcj2__argv_quote(&line, quoted[_i].argument), BCJ2_OK);
        ck_assert_str_eq(bcj2__buf_cstr(&line), quoted[_i].as_program);
    } else {
        assert_status(bcj2__argv_quote(&line, quoted[_i].argument), BCJ2_E_INVALIDARG);
        ck_assert_str_eq(bcj2__detail_get(),
                         "the first word of a command line cannot have a quote in it");
        ck_assert(bcj2__buf_ok(&line));
        ck_assert_str_eq(bcj2__buf_cstr(&line), "");
    }
    bcj2__buf_clear(&line);
    assert_status(bcj2__argv_quote(&line, "p"), BCJ2_OK);
    assert_status(bcj2__argv_quote(&line, quoted[_i].argument), BCJ2_OK);
    ck_assert_uint_gt(line.length, 2);
    ck_assert_mem_eq(line.data, "p ", 2);
    ck_assert_str_eq(line.data + 2, quoted[_i].as_argument);
}
END_TEST

/* A buffer one byte too small, and every other one, is a text that is too long. */
START_TEST(quote_small_buffers)
{
    size_t needed = 2 + strlen(quoted[_i].as_argument);
    for (size_t maximum = 0; maximum <= needed; maximum++) {
        CLEANUP_BUF struct buf line = BUF_INIT(maximum);
        bcj2_status status = bcj2__argv_quote(&line, "p");
        if (status == BCJ2_OK) {
            status = bcj2__argv_quote(&line, quoted[_i].argument);
        }
        assert_status(status, maximum == needed ? BCJ2_OK : BCJ2_E_STRING_TOO_LONG);
        ck_assert_int_eq(bcj2__buf_ok(&line), maximum == needed);
    }
}
END_TEST

START_TEST(quote_without_memory)
{
    CLEANUP_BUF struct buf line = BUF_INIT(100);
    bcj2__mem_fail_at(1);
    assert_status(bcj2__argv_quote(&line, "a b"), BCJ2_E_OUTOFMEMORY);
    ck_assert(!bcj2__buf_ok(&line));
    ck_assert_str_eq(bcj2__detail_get(), "not enough memory");
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "argv", 10);
    tcase_add_loop_test(tc, split_table, 0, ARRAY_LEN(lines));
    tcase_add_loop_test(tc, split_small_buffers, 0, ARRAY_LEN(lines));
    tcase_add_loop_test(tc, quote_what_was_split, 0, ARRAY_LEN(lines));
    tcase_add_test(tc, split_largest);
    tcase_add_loop_test(tc, quote_table, 0, ARRAY_LEN(quoted));
    tcase_add_loop_test(tc, quote_small_buffers, 0, ARRAY_LEN(quoted));
    tcase_add_test(tc, quote_without_memory);
}

SUITE_MAIN("argv", add_cases)
