/* SPDX-License-Identifier: MIT */
/* What the files of the download machine share (get.c, get_answer.c, get_size.c, get_part.c).
   Everybody else uses get.h. */
#ifndef BCJ2_PROTO_GET_PARTS_H
#define BCJ2_PROTO_GET_PARTS_H

#include "get.h"

/* What people read: a person who downloads a file has never heard of a reply. */
struct get_words {
    const char *doing, *changes_often, *encoded;
    const char *changed, *whole_only, *said_changed, *no_rest; /* of a new beginning */
};
const struct get_words *bcj2__get_words(const struct get *m);
#define GET_BAD_LENGTH    "the length in the answer is not a number"
#define GET_OTHER_RANGE   "the server sent another range than the one it was asked for"
#define GET_NO_RANGES     "the server sends the file whole only"
#define GET_OTHER_SUCCESS "the answer is a success of another kind"

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
/* Does the size have to be known before bytes are asked? */
bool bcj2__get_needs_size(const struct get *m);

/* ---- get_answer.c ---- */

struct get_step bcj2__get_on_head(struct get *m, const struct hdrs *head);
/* What any answer but a success means. */
struct get_step bcj2__get_refused(struct get *m, const struct hdrs *head);
/* Content-Length, if the body is delimited by it. False: the field is broken. */
bool bcj2__get_body_length(const struct hdrs *head, bool *ret_known, uint64_t *ret_length);
void bcj2__get_take_validators(struct get_saved *s, const struct hdrs *head);
/* Is it another resource than the one whose first bytes we have? (4.4) size: of the resource. */
bool bcj2__get_changed(const struct get *m, const struct hdrs *head, bool size_known,
                       uint64_t size);

/* ---- get_size.c ---- */

/* Asks for the size alone. */
struct get_step bcj2__get_ask_size(struct get *m);
/* The head of the answer to it, unless that is the resource itself (false): then as to any GET. */
bool bcj2__get_on_size(struct get *m, const struct hdrs *head, struct get_step *ret);

/* ---- get_part.c ---- */

/* The size of the file that is cut from a resource of that size. False: a range is outside. */
bool bcj2__get_part_total(const struct get_plan *plan, uint64_t size, uint64_t *ret);
/* Is the file the whole resource? */
bool bcj2__get_part_is_all(const struct get *m);
/* The bytes of the resource to ask next; the file is not whole, and its size known. */
void bcj2__get_part_next(const struct get *m, uint64_t *ret_first, uint64_t *ret_last);
void bcj2__get_part_start(struct get *m);
void bcj2__get_part_took(struct get *m, uint64_t bytes, uint64_t elapsed_ms); /* it was complete */
void bcj2__get_part_broke(struct get *m);

#endif
