/* SPDX-License-Identifier: MIT */
/* See record.h. */
#include "record.h"
#include "mem.h"
#include "server.h"
#include "str.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cjson/cJSON.h>

#define RECORD_VERSION 1

static bool add_number(cJSON *to, const char *key, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    return cJSON_AddStringToObject(to, key, text) != NULL;
}

static bool add_done(cJSON *record, const struct session *session)
{
    char code[16];
    const char *url = session->m.cached.reply_url;
    cJSON *done = cJSON_AddObjectToObject(record, "done");
    (void)snprintf(code, sizeof code, "0x%08" PRIx32, (uint32_t)session->m.cached.code);
    return done != NULL &&
           cJSON_AddNumberToObject(done, "status", (double)session->m.cached.status) != NULL &&
           cJSON_AddStringToObject(done, "code", code) != NULL &&
           cJSON_AddNumberToObject(done, "context", (double)session->m.cached.context) != NULL &&
           (url == NULL || cJSON_AddStringToObject(done, "reply_url", url) != NULL);
}

char *record_text(const struct server *server, const struct session *session)
{
    cJSON *r = cJSON_CreateObject();
    bool ok = cJSON_AddNumberToObject(r, "version", RECORD_VERSION) != NULL &&
              cJSON_AddStringToObject(r, "path", session->path) != NULL &&
              cJSON_AddStringToObject(r, "url", session->url) != NULL &&
              (!session->m.total_known || add_number(r, "total", session->m.total)) &&
              add_number(r, "synced", session->synced) &&
              cJSON_AddStringToObject(r, "boot_id", server->boot_id) != NULL &&
              add_number(r, "device", session->device) && add_number(r, "inode", session->inode) &&
              cJSON_AddBoolToObject(r, "moved", session->moved) != NULL &&
              cJSON_AddBoolToObject(r, "has_reply_file", session->has_reply_file) != NULL &&
              (session->m.phase != BUP_SRV_WAIT_CLOSE || add_done(r, session));
    char *text = ok ? cJSON_PrintUnformatted(r) : NULL;
    cJSON_Delete(r);
    return text;
}

/* ---- reading ---- */

static const char *text_of(const cJSON *r, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(r, key));
    return text == NULL ? "" : text;
}

static bool number_of(const cJSON *r, const char *key, uint64_t *ret)
{
    const char *text = text_of(r, key);
    return bcj2__str_parse_u64(text, strlen(text), ret);
}

static bool truth_of(const cJSON *r, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(r, key));
}

static bool read_done(const cJSON *done, struct session *session)
{
    const cJSON *status = cJSON_GetObjectItemCaseSensitive(done, "status");
    const cJSON *context = cJSON_GetObjectItemCaseSensitive(done, "context");
    const char *url = text_of(done, "reply_url");
    bcj2_status code = BCJ2_OK;
    if (!cJSON_IsNumber(status) || status->valueint < 200 || status->valueint > 599 ||
        !bcj2__bup_msg_parse_hresult(text_of(done, "code"), &code) ||
        strlen(url) > LIMIT_SERVER_REPLY_URL_BYTES) {
        return false;
    }
    if (url[0] != '\0' && (session->reply_url = bcj2__mem_strdup(url)) == NULL) {
        return false;
    }
    session->m.phase = BUP_SRV_WAIT_CLOSE;
    session->m.cached.status = (uint32_t)status->valueint;
    session->m.cached.has_code = status->valueint != 200;
    session->m.cached.code = code;
    session->m.cached.context = cJSON_IsNumber(context) ? (uint32_t)context->valueint : 0;
    session->m.cached.reply_url = session->reply_url;
    return true;
}

static bool read_fields(const struct server *server, const cJSON *r, struct session *session,
                        bool *ret_same_boot)
{
    const cJSON *done = cJSON_GetObjectItemCaseSensitive(r, "done");
    bool ok = number_of(r, "synced", &session->synced) &&
              number_of(r, "device", &session->device) && number_of(r, "inode", &session->inode);
    session->m.total_known = cJSON_GetObjectItemCaseSensitive(r, "total") != NULL;
    session->total_recorded = session->m.total_known;
    ok = ok && (!session->m.total_known || number_of(r, "total", &session->m.total));
    session->moved = truth_of(r, "moved");
    session->has_reply_file = truth_of(r, "has_reply_file");
    *ret_same_boot = strcmp(text_of(r, "boot_id"), server->boot_id) == 0;
    return ok && (done == NULL || (session->m.total_known && read_done(done, session)));
}

static struct session *parse(const struct server *server, const char *text, const bcj2_guid *id,
                             bool *ret_same_boot)
{
    struct session *session = NULL;
    cJSON *r = cJSON_Parse(text);
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(r, "version");
    if (cJSON_IsNumber(version) && version->valueint == RECORD_VERSION &&
        text_of(r, "path")[0] == '/') {
        session = session_new(id, text_of(r, "path"), text_of(r, "url"));
    }
    if (session != NULL && !read_fields(server, r, session, ret_same_boot)) {
        session_free(session);
        session = NULL;
    }
    cJSON_Delete(r);
    return session;
}

struct session *record_read(const struct server *server, int folder, const bcj2_guid *id,
                            bool *ret_same_boot, struct stat *ret_stat)
{
    int fd = openat(folder, SESSION_RECORD_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    struct session *session = NULL;
    char *text = bcj2__mem_alloc(LIMIT_SERVER_JSON_BYTES + 1);
    if (text != NULL && fstat(fd, ret_stat) == 0 && S_ISREG(ret_stat->st_mode)) {
        ssize_t length = tree_pread(fd, text, LIMIT_SERVER_JSON_BYTES, 0);
        text[length < 0 ? 0 : length] = '\0';
        session = parse(server, text, id, ret_same_boot);
    }
    (void)close(fd);
    bcj2__mem_free(text);
    return session;
}
