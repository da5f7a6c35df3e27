/* SPDX-License-Identifier: MIT */
/* What the files of the upload client share (bup.c, bup_answer.c, bup_size.c). Everybody else uses
   bup.h. */
#ifndef BCJ2_PROTO_BUP_PARTS_H
#define BCJ2_PROTO_BUP_PARTS_H

#include "bup.h"

/* ---- bup.c: steps ---- */

/* Goes on after a gap: Create without a session, else Ping. */
struct bup_step bcj2__bup_enter(struct bup *m, uint64_t now_ms, enum bup_save save);
/* Goes on where the connection is known to be good: Fragment, the reply, or Close, by phase. */
struct bup_step bcj2__bup_proceed(struct bup *m, uint64_t now_ms, enum bup_save save);
/* Forgets the session and opens a new one. Too many in one run: a transient failure with why. */
struct bup_step bcj2__bup_session_lost(struct bup *m, const struct bup_event *event,
                                       const char *note);
struct bup_step bcj2__bup_done(struct bup *m, enum bup_packet farewell, const char *note);
struct bup_step bcj2__bup_fail(struct bup *m, struct failure failure, uint64_t now_ms);
/* The source is another file by now: the upload ends, its session is cancelled. */
struct bup_step bcj2__bup_source_changed(struct bup *m, uint64_t now_ms);
/* Close (or the Ping before it) failed for now: one retry, then it becomes a farewell (2.10). */
struct bup_step bcj2__bup_close_failed(struct bup *m, struct failure failure, uint64_t now_ms);

bool bcj2__bup_same_source(const struct bup_source *a, const struct bup_source *b);
/* "sending the file", … for the words of a failure. */
const char *bcj2__bup_doing(enum bup_packet packet);
/* The fallback clock: a Fragment was acknowledged by the host. */
void bcj2__bup_host_is_back(struct bup *m);

/* ---- bup_answer.c ---- */

struct bup_step bcj2__bup_answer(struct bup *m, const struct bup_event *event);

/* ---- bup_size.c: the size of fragments (2.4) ---- */

void bcj2__bup_size_session(struct bup *m); /* a new session: no ceiling */
void bcj2__bup_size_check(struct bup *m); /* puts the saved size and ceiling within their limits */
void bcj2__bup_size_acked(struct bup *m, uint64_t elapsed_ms);
void bcj2__bup_size_interrupted(struct bup *m);
bool bcj2__bup_size_refused(struct bup *m); /* 413; false: it cannot be less */
/* The range of the next fragment. */
void bcj2__bup_size_next(const struct bup *m, uint64_t *ret_first, uint64_t *ret_length);

#endif
