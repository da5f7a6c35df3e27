/* SPDX-License-Identifier: MIT */
/* What the files of the download machine share (get.c, get_answer.c). Everybody else uses get.h. */
#ifndef BCJ2_PROTO_GET_PARTS_H
#define BCJ2_PROTO_GET_PARTS_H

#include "get.h"

#define GET_DOING "fetching the reply"

/* ---- get.c ---- */

struct get_step bcj2__get_fail(struct get *m, struct failure failure);
struct get_step bcj2__get_fail_with(struct get *m, bcj2_status code, bool transient,
                                    const char *why);
/* An answer that breaks the protocol: transient a few times in a row, then fatal. */
struct get_step bcj2__get_bad_answer(struct get *m, const char *why);
/* This answer is of no use; what comes next is asked when its body is gone. */
struct get_step bcj2__get_ignore(struct get *m);
/* From 0 again, or a failure if that has happened too often. */
struct get_step bcj2__get_restart(struct get *m, const char *note);
bool bcj2__get_too_many_restarts(struct get *m); /* counts one */
void bcj2__get_forget_bytes(struct get_saved *s);
/* Turns to the other host, once in a run. False: there is none (any more). */
bool bcj2__get_use_alternative(struct get *m, enum net_failure why);

/* ---- get_answer.c ---- */

struct get_step bcj2__get_on_head(struct get *m, const struct hdrs *head);

#endif
