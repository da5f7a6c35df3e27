/* SPDX-License-Identifier: MIT */
/* See torture_journal.h. */
#include "torture_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 65536

static void die(const char *what)
{
    (void)fprintf(stderr, "the journal: %s: %s\n", what, strerror(errno));
    _exit(2);
}

void journal_open(struct journal *j, const char *path, const char *worker)
{
    *j = (struct journal){.fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600)};
    if (j->fd < 0) {
        die(path);
    }
    (void)snprintf(j->worker, sizeof j->worker, "%s", worker);
}

void journal_close(struct journal *j)
{
    for (size_t i = 0; i < j->count; i++) {
        free(j->jobs[i]);
    }
    free(j->jobs);
    free(j->unread);
    (void)close(j->fd);
}

/* One write. A kill can tear it at the end of a page: so each line begins with a line end, and one that
   does not end in " ." was never said. */
void journal_write(struct journal *j, const char *verb, char phase, const char *tag,
                   const char *value)
{
    char line[192];
    int length =
        snprintf(line, sizeof line, "\n%s %s %c %s %s .\n", j->worker, verb, phase, tag, value);
    if (length <= 0 || length >= (int)sizeof line || write(j->fd, line, (size_t)length) != length) {
        die("writing");
    }
}

/* ---- what is known ---- */

struct known *journal_find(struct journal *j, const char *tag)
{
    for (size_t i = j->count; i > 0; i--) { /* most is said about the newest */
        if (strcmp(j->jobs[i - 1]->tag, tag) == 0) {
            return j->jobs[i - 1];
        }
    }
    return NULL;
}

struct known *journal_find_or_add(struct journal *j, const char *tag)
{
    struct known *k = journal_find(j, tag);
    if (k != NULL) {
        return k;
    }
    if (j->count == j->room) {
        j->room = j->room == 0 ? 64 : j->room * 2;
        j->jobs = realloc(j->jobs, j->room * sizeof *j->jobs);
    }
    k = calloc(1, sizeof *k);
    if (j->jobs == NULL || k == NULL) {
        die("no memory");
    }
    (void)snprintf(k->tag, sizeof k->tag, "%s", tag);
    j->jobs[j->count++] = k;
    return k;
}

bool known_is_over(const struct known *k)
{
    return k->completed > 0 || k->cancelled > 0;
}

bool known_may_be_over(const struct known *k)
{
    return k->complete_asked > 0 || k->cancel_asked > 0;
}

unsigned known_source(const struct known *k)
{
    return (unsigned)strtoul(k->tag + 1, NULL, 10);
}

bool known_has_reply(const struct known *k)
{
    return k->tag[0] == 'r';
}

static void count(const struct journal_line *line, unsigned *asked, unsigned *done)
{
    *asked += line->phase == '?';
    *done += line->phase == '=';
}

/* The setters with a value. */
static bool learn_value(struct known *k, const struct journal_line *line)
{
    unsigned value = (unsigned)strtoul(line->value, NULL, 10);
    if (strcmp(line->verb, "describe") == 0) {
        unsigned *newest = line->phase == '?' ? &k->describe_asked : &k->described;
        *newest = line->phase != '!' && value > *newest ? value : *newest;
        return true;
    }
    if (strcmp(line->verb, "priority") == 0) {
        k->priorities |= line->phase == '?' ? 1u << value : 0;
        k->priority_set += line->phase == '=';
        return true;
    }
    return false;
}

static void learn(struct journal *j, const struct journal_line *line)
{
    struct known *k = journal_find_or_add(j, line->tag);
    unsigned nothing = 0;
    if (strcmp(line->verb, "create") == 0) {
        if (line->phase == '=') {
            k->made = true;
            (void)snprintf(k->id, sizeof k->id, "%.38s", line->value);
        }
    } else if (strcmp(line->verb, "name") == 0) {
        count(line, &k->name_asked, &k->named);
    } else if (strcmp(line->verb, "add") == 0) {
        count(line, &k->add_asked, &k->added);
    } else if (strcmp(line->verb, "resume") == 0) {
        count(line, &k->resume_asked, &k->resumed);
    } else if (strcmp(line->verb, "suspend") == 0) {
        count(line, &k->suspend_asked, &nothing);
    } else if (strcmp(line->verb, "cancel") == 0) {
        count(line, &k->cancel_asked, &k->cancelled);
    } else if (strcmp(line->verb, "complete") == 0) {
        count(line, &k->complete_asked, &k->completed);
        k->refused_completes += line->phase == '!';
    } else if (!learn_value(k, line)) {
        errno = EINVAL;
        die(line->verb);
    }
}

static void take_line(struct journal *j, const char *text)
{
    struct journal_line line;
    char end[2] = "";
    if (sscanf(text, "%15s %15s %c %31s %47s %1[.]", line.worker, line.verb, &line.phase, line.tag,
               line.value, end) == 6) {
        j->lines++;
        learn(j, &line);
    }
}

void journal_read(struct journal *j)
{
    for (;;) {
        char *grown = realloc(j->unread, j->unread_size + BLOCK + 1);
        if (grown == NULL) {
            die("no memory");
        }
        j->unread = grown;
        ssize_t n = pread(j->fd, j->unread + j->unread_size, BLOCK, (off_t)j->at);
        if (n < 0) {
            die("reading");
        }
        if (n == 0) {
            return;
        }
        j->at += n;
        j->unread_size += (size_t)n;
        j->unread[j->unread_size] = '\0';
        char *line = j->unread, *end = NULL;
        for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            *end = '\0';
            take_line(j, line);
        }
        j->unread_size -= (size_t)(line - j->unread);
        memmove(j->unread, line, j->unread_size + 1);
    }
}
