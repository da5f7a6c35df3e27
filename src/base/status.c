/* SPDX-License-Identifier: MIT */
/* See status.h. */
#include "status.h"
#include "macro.h"

#include <stdio.h>

static const struct {
    bcj2_status status;
    const char *name, *text;
} table[] = {
#define S(status, name, text) {status, name, text},
#include "status_table.h"
#undef S
};

static const char *const state_names[] = {
    [BCJ2_JOB_STATE_QUEUED] = "QUEUED",
    [BCJ2_JOB_STATE_CONNECTING] = "CONNECTING",
    [BCJ2_JOB_STATE_TRANSFERRING] = "TRANSFERRING",
    [BCJ2_JOB_STATE_SUSPENDED] = "SUSPENDED",
    [BCJ2_JOB_STATE_ERROR] = "ERROR",
    [BCJ2_JOB_STATE_TRANSIENT_ERROR] = "TRANSIENT_ERROR",
    [BCJ2_JOB_STATE_TRANSFERRED] = "TRANSFERRED",
    [BCJ2_JOB_STATE_ACKNOWLEDGED] = "ACKNOWLEDGED",
    [BCJ2_JOB_STATE_CANCELLED] = "CANCELLED",
};
_Static_assert(ARRAY_LEN(state_names) == 9, "a name for each state");

static const char *const context_texts[] = {
    [BCJ2_ERROR_CONTEXT_NONE] = "There is no error.",
    [BCJ2_ERROR_CONTEXT_UNKNOWN] = "The place of the error is not known.",
    [BCJ2_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER] = "The error happened in the queue manager.",
    [BCJ2_ERROR_CONTEXT_QUEUE_MANAGER_NOTIFICATION] =
        "The error happened while notifying the program.",
    [BCJ2_ERROR_CONTEXT_LOCAL_FILE] = "The error happened while using the local file.",
    [BCJ2_ERROR_CONTEXT_REMOTE_FILE] = "The error happened while using the remote file.",
    [BCJ2_ERROR_CONTEXT_GENERAL_TRANSPORT] =
        "The error happened in the transport, not with one file.",
    [BCJ2_ERROR_CONTEXT_REMOTE_APPLICATION] = "The error happened in the server application.",
    [BCJ2_ERROR_CONTEXT_SERVER_CERTIFICATE_CALLBACK] =
        "The error happened in the certificate callback.",
};
_Static_assert(ARRAY_LEN(context_texts) == 9, "a text for each context");

const char *bcj2__status_name(bcj2_status status)
{
    static _Thread_local char number[16];
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (table[i].status == status) {
            return table[i].name;
        }
    }
    (void)snprintf(number, sizeof number, "0x%08X", (unsigned)status);
    return number;
}

const char *bcj2__status_text(bcj2_status status)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (table[i].status == status) {
            return table[i].text;
        }
    }
    if (((uint32_t)status & 0xFFFF0000u) == 0x80190000u) {
        return "The server answered with an unusual HTTP status.";
    }
    return status < 0 ? "The operation failed." : "The operation succeeded.";
}

const char *bcj2__status_context_text(bcj2_error_context context)
{
    return context >= 0 && (size_t)context < ARRAY_LEN(context_texts) ? context_texts[context]
                                                                      : context_texts[1];
}

const char *bcj2__status_state_name(bcj2_job_state state)
{
    return state >= 0 && (size_t)state < ARRAY_LEN(state_names) ? state_names[state] : "?";
}
