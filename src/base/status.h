/* SPDX-License-Identifier: MIT */
/* The status table: name and sentence of every code. Not here: which code an HTTP status or a
   broken connection becomes (proto/classify.h). */
#ifndef BCJ2_BASE_STATUS_H
#define BCJ2_BASE_STATUS_H

#include <bcj2/status.h>
#include <bcj2/types.h>

const char *bcj2__status_name(bcj2_status status); /* "0x…" for an unknown one; never NULL */
const char *bcj2__status_text(bcj2_status status); /* never NULL */
const char *bcj2__status_context_text(bcj2_error_context context);
const char *
bcj2__status_state_name(bcj2_job_state state); /* "TRANSFERRING"; "?" for an unknown one */

#endif
