/* SPDX-License-Identifier: MIT */
/* The journal of a storm: one file to which all its processes append, and what can be known from it. A call
   that changes a job is announced before it is made ('?') and noted when it has returned ('=' it returned
   BCJ2_OK, '!' it did not): after a kill in the middle either outcome is right. What was noted is a promise
   that every process can rely on from then on.

   Jobs are known by their tags: "rSOURCE-LIFE-NUMBER" (upload-reply) or "u…" (upload): the source that is
   uploaded, the process that made it and how many it had made. The tag is the job's display name and the last part of its URL. */
#ifndef BCJ2_TESTS_TORTURE_JOURNAL_H
#define BCJ2_TESTS_TORTURE_JOURNAL_H

#include <bcj2/bcj2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAG_SIZE   32
#define VALUE_SIZE 48

struct journal_line {
    char worker[16];
    char verb[16];
    char phase; /* '?', '=', '!' */
    char tag[TAG_SIZE];
    char value[VALUE_SIZE];
};

/* What happened to a job so far. ..._asked: announced; without it: returned BCJ2_OK so often. */
struct known {
    char tag[TAG_SIZE];
    char id[BCJ2_GUID_TEXT_SIZE]; /* "": nobody wrote it down */
    bool made;                    /* bcj2_manager_create_job() returned BCJ2_OK */
    unsigned named, added, resumed, completed, cancelled;
    unsigned name_asked, add_asked, resume_asked, complete_asked, cancel_asked, suspend_asked;
    unsigned described, describe_asked; /* the newest number in its description */
    unsigned priorities;                /* 1u << each that was asked for */
    unsigned priority_set;              /* how often it was set */
    unsigned refused_completes;         /* '!' */
    /* for the process that reads */
    bool mine;
    bcj2_job *handle;
};

struct journal {
    int fd;
    int64_t at; /* how far it was read; writing moves the descriptor's own place */
    char worker[16];
    char *unread; /* the beginning of a line that is not whole yet */
    size_t unread_size;
    struct known **jobs;
    size_t count, room;
    uint64_t lines;
};

/* path: made if it is not there. Any failure ends the process with a message. */
void journal_open(struct journal *j, const char *path, const char *worker);
void journal_close(struct journal *j); /* the handles are the caller's */
void journal_write(struct journal *j, const char *verb, char phase, const char *tag,
                   const char *value);
/* Reads what was written since the last time. */
void journal_read(struct journal *j);
struct known *journal_find(struct journal *j, const char *tag); /* NULL: nobody spoke of it */
struct known *journal_find_or_add(struct journal *j, const char *tag);

/* Somebody noted that it was completed or cancelled. */
bool known_is_over(const struct known *k);
/* Somebody announced that. */
bool known_may_be_over(const struct known *k);
unsigned known_source(const struct known *k);
bool known_has_reply(const struct known *k);

#endif
