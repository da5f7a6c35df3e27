/* SPDX-License-Identifier: MIT */
/* See out.h. */
#include "out.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

char *out_clean(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++) {
        if (*p < 0x20 || *p == 0x7F) {
            *p = '?';
        } else if (*p == 0xC2 && p[1] >= 0x80 && p[1] <= 0x9F) {
            *p++ = '?'; /* U+0080 to U+009F: terminals take them as commands, too */
            *p = '?';
        }
    }
    return text;
}

OUT_PRINTF(1, 0)
static void say_v(const char *format, va_list args)
{
    char line[4096];
    (void)vsnprintf(line, sizeof line, format, args);
    (void)fprintf(stderr, "bcj2: %s\n", out_clean(line));
}

void out_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_v(format, args);
    va_end(args);
}

/* {"error": {"code": …, "code_name": …, "text": …, "detail": …}}, as in a job's snapshot; status 0:
   no call failed. A document with jobs gets a list "errors" instead. */
static void document_error(struct cli *cli, bcj2_status status, const char *text,
                           const char *detail)
{
    char text_clean[2048], detail_clean[2048];
    if (!cli->options.json) {
        return;
    }
    /* words of the command line and names of files may be any bytes, and are cut anywhere */
    (void)snprintf(text_clean, sizeof text_clean, "%s", text);
    (void)snprintf(detail_clean, sizeof detail_clean, "%s", detail);
    cJSON *error = cJSON_CreateObject();
    if (status != 0) {
        char code[16];
        (void)snprintf(code, sizeof code, "0x%08" PRIX32, (uint32_t)status);
        cJSON_AddStringToObject(error, "code", code);
        cJSON_AddStringToObject(error, "code_name", bcj2_status_name(status));
    }
    cJSON_AddStringToObject(error, "text", text_make_utf8(text_clean));
    cJSON_AddStringToObject(error, "detail", text_make_utf8(detail_clean));
    if (cli->document == NULL) {
        cli->document = cJSON_CreateObject();
        cJSON_AddItemToObject(cli->document, "error", error);
        return;
    }
    cJSON *errors = cJSON_GetObjectItemCaseSensitive(cli->document, "errors");
    if (errors == NULL) {
        errors = cJSON_AddArrayToObject(cli->document, "errors");
    }
    cJSON_AddItemToArray(errors, error);
}

int out_bad(struct cli *cli, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    out_say("%s", text);
    document_error(cli, 0, text, "");
    return EXIT_BAD;
}

int out_failed(struct cli *cli, bcj2_status status, const char *format, ...)
{
    char text[2048], detail[2048];
    /* first of all: a later call on this thread may replace the detail */
    (void)snprintf(detail, sizeof detail, "%s", bcj2_last_detail());
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    out_say("%s: %s [%s, 0x%08" PRIx32 "]", text, bcj2_status_text(status),
            bcj2_status_name(status), (uint32_t)status);
    if (detail[0] != '\0') {
        out_say("%s", detail);
    }
    document_error(cli, status, text, detail);
    return status == BCJ2_E_INVALIDARG ? EXIT_BAD : EXIT_FAILED;
}

int out_failed_errno(struct cli *cli, const char *format, ...)
{
    int number = errno;
    char text[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    out_say("%s: %s", text, strerror(number));
    document_error(cli, 0, text, strerror(number));
    return EXIT_FAILED;
}

void out_field(const char *name, const char *format, ...)
{
    char value[16384]; /* more than the longest URL */
    va_list args;
    va_start(args, format);
    (void)vsnprintf(value, sizeof value, format, args);
    va_end(args);
    (void)printf("%-12s %s\n", name, out_clean(value));
}

void out_size(uint64_t bytes, char text[32])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        (void)snprintf(text, 32, "%" PRIu64 " B", bytes);
        return;
    }
    double value = (double)bytes / 1024;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        unit++;
    }
    (void)snprintf(text, 32, "%.1f %s", value, units[unit]);
}

void out_duration(uint64_t seconds, char text[32])
{
    uint64_t hours = seconds / 3600;
    unsigned minutes = (unsigned)(seconds / 60 % 60), rest = (unsigned)(seconds % 60);
    if (hours > 0) {
        (void)snprintf(text, 32, "%" PRIu64 ":%02u:%02u", hours, minutes, rest);
    } else {
        (void)snprintf(text, 32, "%u:%02u", minutes, rest);
    }
}

void out_time(bcj2_filetime filetime, char text[32])
{
    const uint64_t ticks = 10000000, epoch = 11644473600; /* from 1601 to 1970, in seconds */
    time_t seconds = (time_t)(filetime / ticks - epoch);
    struct tm tm;
    if (filetime / ticks < epoch || localtime_r(&seconds, &tm) == NULL ||
        strftime(text, 32, "%Y-%m-%d %H:%M:%S", &tm) == 0) {
        (void)snprintf(text, 32, "-");
    }
}

cJSON *out_json_snapshot(bcj2_job *job)
{
    char *text = NULL;
    if (BCJ2_FAILED(bcj2_get_json(job, &text))) {
        return NULL;
    }
    cJSON *item = cJSON_Parse(text);
    bcj2_free(text);
    return item;
}

void out_json_job(struct cli *cli, bcj2_job *job)
{
    if (cli->options.json && cli->document == NULL) {
        cli->document = out_json_snapshot(job);
    }
}

void out_json_jobs(struct cli *cli)
{
    if (!cli->options.json) {
        return;
    }
    if (cli->document == NULL) {
        cli->document = cJSON_CreateObject();
    }
    if (cJSON_GetObjectItemCaseSensitive(cli->document, "jobs") == NULL) {
        cJSON_AddArrayToObject(cli->document, "jobs");
    }
}

void out_json_add_job(struct cli *cli, bcj2_job *job)
{
    if (!cli->options.json) {
        return;
    }
    out_json_jobs(cli);
    cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(cli->document, "jobs"),
                         out_json_snapshot(job));
}

bool out_json_end(struct cli *cli)
{
    char *text = cli->document == NULL ? NULL
                 : cli->lines          ? cJSON_PrintUnformatted(cli->document)
                                       : cJSON_Print(cli->document);
    if (text != NULL) {
        (void)puts(text);
    }
    cJSON_free(text);
    cJSON_Delete(cli->document);
    cli->document = NULL;
    return out_flush();
}

bool out_flush(void)
{
    /* what went wrong before this is in the stream's mark only: its errno is gone */
    bool taken = ferror(stdout) == 0;
    if (fflush(stdout) != 0) {
        return false;
    }
    errno = taken ? errno : EIO;
    return taken;
}
