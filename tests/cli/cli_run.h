/* SPDX-License-Identifier: MIT */
/* Running the built programs from a test: to the end, or for a while; and a bcj2-server with an
   application of a few lines. Every test has a folder of its own, removed at its end. Not here:
   what is expected of them. */
#ifndef BCJ2_TESTS_CLI_RUN_H
#define BCJ2_TESTS_CLI_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PATH_SIZE 4096

/* The folder of this test; the working directory of the programs that it runs. */
extern char cli_folder[PATH_SIZE];
/* "http://127.0.0.1:PORT/" of the running server. */
extern char cli_base[256];

void cli_setup_folder(void); /* a fixture: makes the folder */
void cli_setup(void);        /* a fixture: the same, and starts a server */
void cli_teardown(void);     /* stops it, removes the folder */
void cli_stop_server(void);
/* Starts it again with one more option (NULL: none). */
void cli_restart_server(const char *option, const char *value);

/* What the following functions return is freed by cli_teardown(). */

/* A path in the folder. */
const char *cli_path(const char *name);
const char *cli_url(const char *name);
/* A file of so many bytes that repeat late; returns its path. */
const char *cli_make_file(const char *name, size_t bytes);
/* The whole file and a NUL; a file that cannot be read fails the test. */
char *cli_read(const char *path, size_t *ret_length);
bool cli_same(const char *path, const char *other);
bool cli_exists(const char *path);

struct ended {
    int status; /* the exit status, or 128 + the signal */
    char *out, *err;
    size_t out_length;
};

/* Runs bcj2 --queue QUEUE with these arguments, NULL at the end. */
struct ended cli_run(const char *first, ...);
/* Any program; argv ends with NULL. stdout_path NULL: caught. */
struct ended cli_run_program(const char *const *argv, const char *stdout_path);

/* A program that is watched while it runs. */
struct running {
    pid_t pid;
    int err; /* what is watched: its stderr or stdout, or the terminal that it is */
    char seen[65536];
    size_t seen_length;
    const char *out_path; /* where the other one of the two goes */
};

/* The same as cli_run(), not waited for; terminal: its stderr is one. */
void cli_start(struct running *run, bool terminal, const char *first, ...);
/* The same, but what is watched (and err of cli_end()) is its stdout. */
void cli_start_stdout(struct running *run, bool terminal, const char *first, ...);
void cli_start_program(struct running *run, bool terminal, const char *const *argv);
/* Reads what it says until the text is in it; fails the test if it ends before. */
void cli_expect(struct running *run, const char *text);
/* The same for a text and another one somewhere behind it; where the first is. */
const char *cli_expect_both(struct running *run, const char *text, const char *behind);
/* Forgets what it has said so far. */
void cli_forget(struct running *run);
/* Sends a signal (0: none), reads to the end. err in the result is all that it said. */
struct ended cli_end(struct running *run, int signal_number);

#define assert_contains(text, part) \
    ck_assert_msg(strstr(text, part) != NULL, "\"%s\" is not in: %s", part, text)
#define assert_lacks(text, part) \
    ck_assert_msg(strstr(text, part) == NULL, "\"%s\" is in: %s", part, text)
#define assert_ended(result, expected)                                                       \
    ck_assert_msg((result).status == (expected), "exit status %d, expected %d; it said: %s", \
                  (result).status, (expected), (result).err)

#endif
