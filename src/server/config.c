/* SPDX-License-Identifier: MIT */
/* The command line. See config.h. */
#include "config.h"
#include "macro.h"
#include "mem.h"
#include "str.h"
#include "url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bcj2/version.h>

#define APPLICATION_TIMEOUT_MS 300000u /* wire-protocol 3.4 */
#define SESSION_TIMEOUT_MS     1209600000u
#define HOST_FALLBACK_S        86400u
#define IDLE_TIMEOUT_S         120u
#define EXIT_USAGE             2

static const char help[] =
    "Usage: bcj2-server --root DIR [OPTION]...\n"
    "Receives files by the BITS upload protocol below DIR, hands them to an application, and\n"
    "serves its replies and the files.\n"
    "\n"
    "  --root DIR            the folder whose files are served and where uploads arrive\n"
    "  --listen ADDR:PORT    where to listen (default 127.0.0.1:0); port 0 takes a free one,\n"
    "                        and the same one again when the server is started again\n"
    "  --app-exec PROGRAM    run PROGRAM for each upload: the file on standard input, its URL in\n"
    "                        BITS_ORIGINAL_REQUEST_URL, the reply on standard output.\n"
    "                        Exit status 0 success, 75 try later, 77 forbidden, else failure\n"
    "  --app-url URL         post each upload to URL; the answer's body is the reply\n"
    "  --limit-rate BYTES    bytes per second of each connection, both ways\n"
    "  --config FILE         JSON with the BITS properties of the folder, see below\n"
    "  --log FILE            append the log to FILE (default: standard output)\n"
    "  --help, --version\n"
    "\n"
    "Without an application a file moves to its name when its last byte is there; with one it is\n"
    "the application's. The first line on standard output is \"listening on http://ADDR:PORT/\".\n"
    "\n"
    "Keys of the configuration: BITSUploadEnabled, BITSSessionTimeout, BITSMaximumUploadSize,\n"
    "BITSServerNotificationType, BITSServerNotificationURL, BITSHostId,\n"
    "BITSHostIdFallbackTimeout, BITSAllowOverwrites, BITSNumberOfSessionsLimit,\n"
    "BITSSessionLimitEnable, BITSCleanupUseDefault, BITSCleanupCount, BITSCleanupUnits;\n"
    "connection_idle_s; for tests of clients: strict416, conflict_409, iis_style_reply_url,\n"
    "http_413_above, no_ranges, no_length, session_timeout_ms, application_timeout_ms.\n";

static int mistake(const char *what, const char *argument)
{
    (void)fprintf(stderr, "bcj2-server: %s%s\nTry 'bcj2-server --help'.\n", what, argument);
    return EXIT_USAGE + 1;
}

static bool set_copy(char **to, const char *value)
{
    bcj2__mem_free(*to);
    *to = bcj2__mem_strdup(value);
    return *to != NULL;
}

/* "ADDR:PORT", "[ADDR]:PORT" */
static bool set_listen(struct config *c, const char *value)
{
    const char *colon = strrchr(value, ':');
    uint32_t port = 0;
    if (colon == NULL || !bcj2__str_parse_u32(colon + 1, &port) || port > 65535) {
        return false;
    }
    size_t length = (size_t)(colon - value);
    if (length >= 2 && value[0] == '[' && value[length - 1] == ']') {
        value++;
        length -= 2;
    } else if (memchr(value, ':', length) != NULL) {
        return false;
    }
    bcj2__mem_free(c->host);
    c->host = bcj2__mem_strndup(value, length);
    return length > 0 && c->host != NULL && set_copy(&c->port, colon + 1);
}

static bool set_app_url(struct config *c, const char *value)
{
    struct url url;
    char problem[128];
    c->notification = NOTIFY_BY_VALUE;
    return strlen(value) <= LIMIT_SERVER_REPLY_URL_BYTES && bcj2__url_parse(value, &url, problem) &&
           set_copy(&c->notification_url, value);
}

static bool set_rate(struct config *c, const char *value)
{
    return bcj2__str_parse_u64(value, strlen(value), &c->limit_rate) && c->limit_rate > 0;
}

static bool set_root(struct config *c, const char *value)
{
    return value[0] != '\0' && set_copy(&c->root, value);
}

static bool set_app_exec(struct config *c, const char *value)
{
    return value[0] != '\0' && set_copy(&c->app_exec, value);
}

static bool set_log(struct config *c, const char *value)
{
    return set_copy(&c->log_path, value);
}

static int set_config_file(struct config *c, const char *path)
{
    char problem[256] = "";
    char *text = bcj2__mem_alloc(LIMIT_SERVER_JSON_BYTES + 1);
    FILE *file = fopen(path, "r");
    if (file == NULL || text == NULL) {
        (void)fprintf(stderr, "bcj2-server: cannot read %s: %s\n", path, strerror(errno));
        bcj2__mem_free(text);
        return EXIT_FAILURE + 1;
    }
    size_t length = fread(text, 1, LIMIT_SERVER_JSON_BYTES + 1, file);
    bool too_long = length > LIMIT_SERVER_JSON_BYTES;
    (void)fclose(file);
    text[too_long ? 0 : length] = '\0';
    bool ok = config_read_json(c, text, problem);
    bcj2__mem_free(text);
    if (!ok) {
        (void)fprintf(stderr, "bcj2-server: %s: %s\n", path,
                      too_long ? "it is longer than 64 KiB" : problem);
    }
    return ok ? 0 : EXIT_FAILURE + 1;
}

static const struct {
    const char *name;
    bool (*set)(struct config *c, const char *value);
} options[] = {
    {"--root", set_root},       {"--listen", set_listen},   {"--app-exec", set_app_exec},
    {"--app-url", set_app_url}, {"--limit-rate", set_rate}, {"--log", set_log},
};

/* One option with its value at argv[*i], as two words or with '='. */
static int read_option(struct config *c, int argc, char **argv, int *i, const char **ret_file)
{
    const char *word = argv[*i], *equals = strchr(word, '=');
    size_t length = equals == NULL ? strlen(word) : (size_t)(equals - word);
    bool is_config = length == 8 && memcmp(word, "--config", 8) == 0;
    size_t found = ARRAY_LEN(options);
    for (size_t n = 0; n < ARRAY_LEN(options); n++) {
        if (strlen(options[n].name) == length && memcmp(options[n].name, word, length) == 0) {
            found = n;
        }
    }
    if (!is_config && found == ARRAY_LEN(options)) {
        return mistake("unknown option ", word);
    }
    const char *value = equals == NULL ? (*i + 1 < argc ? argv[++*i] : NULL) : equals + 1;
    if (value == NULL) {
        return mistake("a value is missing after ", word);
    }
    if (is_config) {
        *ret_file = value;
        return 0;
    }
    return options[found].set(c, value) ? 0 : mistake("not a valid value: ", value);
}

static void set_defaults(struct config *c)
{
    *c = (struct config){.rules = {.uploads_enabled = true,
                                   .fragment_max = LIMIT_SERVER_FRAGMENT_BYTES,
                                   .host_fallback_s = HOST_FALLBACK_S},
                         .session_timeout_ms = SESSION_TIMEOUT_MS,
                         .sessions_max = LIMIT_SERVER_SESSIONS,
                         .application_timeout_ms = APPLICATION_TIMEOUT_MS,
                         .idle_timeout_s = IDLE_TIMEOUT_S};
    c->host = bcj2__mem_strdup("127.0.0.1");
    c->port = bcj2__mem_strdup("0");
}

int config_read(struct config *c, int argc, char **argv)
{
    const char *file = NULL;
    set_defaults(c);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            (void)fputs(help, stdout);
            return EXIT_SUCCESS + 1;
        }
        if (strcmp(argv[i], "--version") == 0) {
            (void)puts("bcj2-server " BCJ2_VERSION);
            return EXIT_SUCCESS + 1;
        }
        int bad = read_option(c, argc, argv, &i, &file);
        if (bad != 0) {
            return bad;
        }
    }
    if (c->root == NULL) {
        return mistake("--root DIR is missing", "");
    }
    if (c->host == NULL || c->port == NULL) {
        return mistake("not enough memory", "");
    }
    if (c->app_exec != NULL && c->notification_url != NULL) {
        return mistake("--app-exec and --app-url exclude each other", "");
    }
    int bad = file == NULL ? 0 : set_config_file(c, file);
    if (bad == 0 && c->app_exec != NULL && c->notification_url != NULL) {
        return mistake("--app-exec and BITSServerNotificationURL exclude each other", "");
    }
    return bad;
}

void config_done(struct config *c)
{
    char **owned[] = {&c->root,
                      &c->host,
                      &c->port,
                      &c->app_exec,
                      &c->log_path,
                      &c->host_id,
                      &c->notification_url};
    for (size_t i = 0; i < ARRAY_LEN(owned); i++) {
        bcj2__mem_free(*owned[i]);
        *owned[i] = NULL;
    }
}
