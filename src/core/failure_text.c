/* SPDX-License-Identifier: MIT */
/* See failure_text.h. */
#include "failure_text.h"
#include "limit.h"
#include "mem.h"
#include "status.h"
#include "url.h"

#include <string.h>

static void add_cause(struct buf *text, const struct failure *f, const char *detail)
{
    if (detail != NULL && detail[0] != '\0') {
        (void)bcj2__buf_text(text, detail);
    } else if (f->net != NET_OK) {
        (void)bcj2__buf_text(text, bcj2__net_failure_text(f->net));
    } else if (f->http_status != 0 && f->code == BCJ2_E_HTTP_ERROR(f->http_status)) {
        (void)bcj2__buf_text(text, bcj2__status_text(f->code));
    } else {
        (void)bcj2__buf_text(text, bcj2__status_text(f->code));
        if (f->http_status != 0) {
            (void)bcj2__buf_printf(text, " The HTTP status was %u.", (unsigned)f->http_status);
        }
    }
    if (f->context == BCJ2_ERROR_CONTEXT_REMOTE_APPLICATION) {
        (void)bcj2__buf_text(text, " The server application said so.");
    }
}

static void add_doing(struct buf *text, enum failure_doing doing, const char *url,
                      const char *local_name)
{
    char people[256];
    if (url == NULL) {
        (void)bcj2__buf_text(text, "starting: ");
        return;
    }
    bcj2__url_for_people(url, people);
    switch (doing) {
    case FAILURE_UPLOADING:
        (void)bcj2__buf_printf(text, "uploading %s to %s: ", local_name, people);
        break;
    case FAILURE_FETCHING_REPLY:
        (void)bcj2__buf_printf(text, "fetching the reply of %s: ", people);
        break;
    case FAILURE_DOWNLOADING:
        (void)bcj2__buf_printf(text, "downloading %s to %s: ", people, local_name);
        break;
    }
}

char *bcj2__failure_text(const struct failure *f, enum failure_doing doing, const char *url,
                         const char *local_name, const char *detail)
{
    struct buf text = BUF_INIT(LIMIT_ERROR_TEXT_BYTES + 2 * LIMIT_PATH_BYTES);
    add_doing(&text, doing, url, local_name);
    add_cause(&text, f, detail);
    if (f->what != NULL) {
        (void)bcj2__buf_printf(&text, " (%s)", f->what);
    }
    char *result = bcj2__buf_take(&text);
    bcj2__buf_done(&text);
    return result;
}
