/* SPDX-License-Identifier: MIT */
/* What bcj2 says: lines for people on stderr, results on stdout, and with --json one document on
   stdout instead. Text that comes from a job or a server is printed without its control characters,
   so that it cannot steer the terminal. */
#ifndef BCJ2_CLI_OUT_H
#define BCJ2_CLI_OUT_H

#include "cli.h"

#if defined(__GNUC__)
#define OUT_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#else
#define OUT_PRINTF(text, first)
#endif

/* "bcj2: …" on stderr, for people. */
void out_say(const char *format, ...) OUT_PRINTF(1, 2);
/* A bad argument: said, put into the document. Returns EXIT_BAD. */
int out_bad(struct cli *cli, const char *format, ...) OUT_PRINTF(2, 3);
/* A failed call: said with the status and the library's last detail, put into the document.
   Returns EXIT_BAD for BCJ2_E_INVALIDARG, EXIT_FAILED otherwise. */
int out_failed(struct cli *cli, bcj2_status status, const char *format, ...) OUT_PRINTF(3, 4);
/* A failed system call, errno's text with it. Returns EXIT_FAILED. */
int out_failed_errno(struct cli *cli, const char *format, ...) OUT_PRINTF(2, 3);

/* A line on stdout, "name  value"; control characters of value are replaced. */
void out_field(const char *name, const char *format, ...) OUT_PRINTF(2, 3);
/* Replaces control characters in place. Returns text. */
char *out_clean(char *text);

/* "1.5 MiB", "812 B"; "2:05", "1:02:03"; "2026-01-31 12:00:00", "-" for 0. */
void out_size(uint64_t bytes, char text[32]);
void out_duration(uint64_t seconds, char text[32]);
void out_time(bcj2_filetime time, char text[32]);

/* The job's snapshot, to be deleted; NULL: it cannot be had. */
cJSON *out_json_snapshot(bcj2_job *job);
/* Makes the job's snapshot the document, or one more in its list "jobs". Quietly nothing without
   --json. */
void out_json_job(struct cli *cli, bcj2_job *job);
void out_json_add_job(struct cli *cli, bcj2_job *job);
void out_json_jobs(struct cli *cli); /* the list, be it empty */
/* Prints and frees the document. false: as out_flush(). */
bool out_json_end(struct cli *cli);
/* false: stdout took not all of what was ever printed; errno then says why. */
bool out_flush(void);

#endif
