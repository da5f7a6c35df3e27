/* SPDX-License-Identifier: MIT */
/* The configuration file: one JSON object. Each key stands in one table with what it may hold. */
#include "config.h"
#include "mem.h"
#include "str.h"
#include "url.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <cjson/cJSON.h>

#define MS_PER_MINUTE 60000u

/* What the cleanup keys say together (wire-protocol 3.1). */
struct cleanup {
    bool use_default;
    uint32_t count, unit;
};

struct reading {
    struct config *config;
    struct cleanup cleanup;
    bool session_limit_enabled;
    uint32_t session_limit;
};

static bool whole_number(const cJSON *item, double max, uint32_t *ret)
{
    if (!cJSON_IsNumber(item) || item->valuedouble < 0 || item->valuedouble > max ||
        floor(item->valuedouble) < item->valuedouble) {
        return false;
    }
    *ret = (uint32_t)item->valuedouble;
    return true;
}

/* true, false, 1 or 0: the metabase has numbers. */
static bool truth(const cJSON *item, bool *ret)
{
    uint32_t number = 0;
    if (cJSON_IsBool(item)) {
        *ret = cJSON_IsTrue(item);
        return true;
    }
    if (!whole_number(item, 1, &number)) {
        return false;
    }
    *ret = number != 0;
    return true;
}

static bool set_text(const cJSON *item, size_t max, char **ret)
{
    if (!cJSON_IsString(item) || strlen(item->valuestring) > max) {
        return false;
    }
    bcj2__mem_free(*ret);
    *ret = bcj2__mem_strdup(item->valuestring);
    return *ret != NULL;
}

static bool set_upload_enabled(struct reading *r, const cJSON *item)
{
    return truth(item, &r->config->rules.uploads_enabled);
}

static bool set_session_timeout(struct reading *r, const cJSON *item)
{
    uint32_t seconds = 0;
    bool ok = whole_number(item, UINT32_MAX, &seconds) && seconds > 0;
    r->config->session_timeout_ms = (uint64_t)seconds * 1000;
    return ok;
}

static bool set_maximum_upload(struct reading *r, const cJSON *item)
{
    static const uint64_t largest = UINT64_C(1844674407370955);
    struct bup_srv_rules *rules = &r->config->rules;
    if (!cJSON_IsString(item)) {
        return false;
    }
    rules->upload_limited = item->valuestring[0] != '\0';
    return !rules->upload_limited ||
           (bcj2__str_parse_u64(item->valuestring, strlen(item->valuestring), &rules->upload_max) &&
            rules->upload_max <= largest);
}

static bool set_notification(struct reading *r, const cJSON *item)
{
    uint32_t type = 0;
    bool ok = whole_number(item, 2, &type);
    r->config->notification = (enum notification)type;
    return ok;
}

static bool set_notification_url(struct reading *r, const cJSON *item)
{
    return set_text(item, LIMIT_SERVER_REPLY_URL_BYTES, &r->config->notification_url);
}

static bool set_host_id(struct reading *r, const cJSON *item)
{
    struct config *c = r->config;
    if (!set_text(item, LIMIT_HOST_ID_BYTES, &c->host_id)) {
        return false;
    }
    c->rules.host_id = c->host_id[0] == '\0' ? NULL : c->host_id;
    return c->rules.host_id == NULL || bcj2__url_host_id_valid(c->host_id);
}

static bool set_host_fallback(struct reading *r, const cJSON *item)
{
    return whole_number(item, UINT32_MAX, &r->config->rules.host_fallback_s);
}

static bool set_overwrites(struct reading *r, const cJSON *item)
{
    return truth(item, &r->config->overwrite);
}

static bool set_session_limit(struct reading *r, const cJSON *item)
{
    return whole_number(item, LIMIT_SERVER_SESSIONS, &r->session_limit);
}

static bool set_session_limit_enable(struct reading *r, const cJSON *item)
{
    return truth(item, &r->session_limit_enabled);
}

static bool set_cleanup_default(struct reading *r, const cJSON *item)
{
    return truth(item, &r->cleanup.use_default);
}

static bool set_cleanup_count(struct reading *r, const cJSON *item)
{
    return whole_number(item, 360, &r->cleanup.count) && r->cleanup.count > 0;
}

static bool set_cleanup_units(struct reading *r, const cJSON *item)
{
    return whole_number(item, 2, &r->cleanup.unit);
}

static bool set_strict416(struct reading *r, const cJSON *item)
{
    return truth(item, &r->config->rules.strict416);
}

static bool set_conflict_409(struct reading *r, const cJSON *item)
{
    return truth(item, &r->config->rules.conflict_409);
}

static bool set_iis_style(struct reading *r, const cJSON *item)
{
    return truth(item, &r->config->iis_style_reply_url);
}

static bool set_413_above(struct reading *r, const cJSON *item)
{
    uint32_t bytes = 0;
    bool ok = whole_number(item, UINT32_MAX, &bytes);
    r->config->rules.fragment_max = bytes;
    return ok;
}

static bool set_no_ranges(struct reading *r, const cJSON *item)
{
    return truth(item, &r->config->no_ranges);
}

static bool set_no_length(struct reading *r, const cJSON *item)
{
    return truth(item, &r->config->no_length);
}

static bool set_session_timeout_ms(struct reading *r, const cJSON *item)
{
    uint32_t ms = 0;
    bool ok = whole_number(item, UINT32_MAX, &ms) && ms > 0;
    r->config->session_timeout_ms = ms;
    return ok;
}

static bool set_application_timeout_ms(struct reading *r, const cJSON *item)
{
    return whole_number(item, UINT32_MAX, &r->config->application_timeout_ms) &&
           r->config->application_timeout_ms > 0;
}

static bool set_idle_timeout(struct reading *r, const cJSON *item)
{
    return whole_number(item, 86400, &r->config->idle_timeout_s) && r->config->idle_timeout_s > 0;
}

static const struct {
    const char *key;
    bool (*set)(struct reading *r, const cJSON *item);
    const char *wants;
} keys[] = {
    {"BITSUploadEnabled", set_upload_enabled, "true or false"},
    {"BITSSessionTimeout", set_session_timeout, "seconds, 1 to 4294967295"},
    {"BITSMaximumUploadSize", set_maximum_upload,
     "a text with a number of bytes up to 1844674407370955, or an empty text"},
    {"BITSServerNotificationType", set_notification, "0, 1 or 2"},
    {"BITSServerNotificationURL", set_notification_url, "a URL of at most 2200 bytes"},
    {"BITSHostId", set_host_id, "a host name or address, with or without :PORT"},
    {"BITSHostIdFallbackTimeout", set_host_fallback, "seconds, 0 to 4294967295"},
    {"BITSAllowOverwrites", set_overwrites, "true or false"},
    {"BITSNumberOfSessionsLimit", set_session_limit, "a number up to 1000000"},
    {"BITSSessionLimitEnable", set_session_limit_enable, "true or false"},
    {"BITSCleanupUseDefault", set_cleanup_default, "true or false"},
    {"BITSCleanupCount", set_cleanup_count, "a number, 1 to 360"},
    {"BITSCleanupUnits", set_cleanup_units, "0 (minutes), 1 (hours) or 2 (days)"},
    {"strict416", set_strict416, "true or false"},
    {"conflict_409", set_conflict_409, "true or false"},
    {"iis_style_reply_url", set_iis_style, "true or false"},
    {"http_413_above", set_413_above, "a number of bytes"},
    {"no_ranges", set_no_ranges, "true or false"},
    {"no_length", set_no_length, "true or false"},
    {"session_timeout_ms", set_session_timeout_ms, "milliseconds, from 1"},
    {"application_timeout_ms", set_application_timeout_ms, "milliseconds, from 1"},
    {"connection_idle_s", set_idle_timeout, "seconds, 1 to 86400"},
};

static bool set_key(struct reading *r, const cJSON *item, char problem[256])
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (strcmp(keys[i].key, item->string) == 0) {
            bool ok = keys[i].set(r, item);
            (void)snprintf(problem, 256, "\"%s\" must be %s", keys[i].key, keys[i].wants);
            return ok;
        }
    }
    (void)snprintf(problem, 256, "\"%.100s\" is not a key of the configuration", item->string);
    return false;
}

/* What several keys say together. */
static bool settle(struct reading *r, char problem[256])
{
    static const struct {
        uint32_t max, minutes;
    } units[] = {{60, 1}, {24, 60}, {360, 1440}};
    struct config *c = r->config;
    if (r->session_limit_enabled) {
        c->sessions_max = r->session_limit;
    }
    if (!r->cleanup.use_default) {
        if (r->cleanup.count > units[r->cleanup.unit].max) {
            (void)snprintf(problem, 256, "\"BITSCleanupCount\" is at most %u in these units",
                           (unsigned)units[r->cleanup.unit].max);
            return false;
        }
        c->cleanup_every_ms =
            (uint64_t)r->cleanup.count * units[r->cleanup.unit].minutes * MS_PER_MINUTE;
    }
    bool asks = c->notification != NOTIFY_NONE;
    if (asks != (c->notification_url != NULL)) {
        (void)snprintf(problem, 256,
                       "\"BITSServerNotificationType\" 1 or 2 and "
                       "\"BITSServerNotificationURL\" go together");
        return false;
    }
    return true;
}

bool config_read_json(struct config *config, const char *text, char problem[256])
{
    struct reading r = {.config = config,
                        .cleanup = {.use_default = true, .count = 12, .unit = 1},
                        .session_limit = 50};
    cJSON *root = cJSON_Parse(text);
    bool ok = cJSON_IsObject(root);
    (void)snprintf(problem, 256, "it is not a JSON object");
    const cJSON *item = NULL;
    if (ok) {
        cJSON_ArrayForEach(item, root)
        {
            ok = ok && set_key(&r, item, problem);
        }
    }
    ok = ok && settle(&r, problem);
    cJSON_Delete(root);
    return ok;
}
