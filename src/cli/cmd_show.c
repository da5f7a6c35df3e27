/* SPDX-License-Identifier: MIT */
/* bcj2 show: everything about a job that a person would ask. What is usual is left out; what is secret is
   shown only if asked for, and if the library tells it at all. Not here: the files (show_files.h). */
#include "cli.h"
#include "explain.h"
#include "find.h"
#include "header_lines.h"
#include "notify_words.h"
#include "out.h"
#include "property.h"
#include "show_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Of a new job. */
#define RETRY_DELAY_S  600u
#define NO_PROGRESS_S  1209600u
#define MAX_DOWNLOAD_S 7776000u

static void show_progress(bcj2_job *job, bcj2_job_type type)
{
    bcj2_job_progress sent = BCJ2_JOB_PROGRESS_INIT;
    bcj2_reply_progress reply = BCJ2_REPLY_PROGRESS_INIT;
    char *name = NULL;
    if (BCJ2_SUCCEEDED(bcj2_get_progress(job, &sent))) {
        show_files_bytes(type == BCJ2_JOB_TYPE_DOWNLOAD ? "fetched" : "sent",
                         sent.bytes_transferred, sent.bytes_total);
    }
    if (BCJ2_SUCCEEDED(bcj2_get_reply_progress(job, &reply)) &&
        reply.bytes_total != BCJ2_SIZE_UNKNOWN) {
        show_files_bytes("reply", reply.bytes_transferred, reply.bytes_total);
    }
    if (BCJ2_SUCCEEDED(bcj2_get_reply_file_name(job, &name)) && name != NULL) {
        out_field("reply file", "%s", name);
    }
    bcj2_free(name);
}

static void show_times(bcj2_job *job)
{
    bcj2_job_times times = BCJ2_JOB_TIMES_INIT;
    bcj2_filetime next = 0;
    char text[32];
    if (BCJ2_SUCCEEDED(bcj2_get_times(job, &times))) {
        out_time(times.creation_time, text);
        out_field("created", "%s", text);
        out_time(times.modification_time, text);
        out_field("changed", "%s", text);
        out_time(times.transfer_completion_time, text);
        out_field("transferred", "%s", text);
    }
    if (BCJ2_SUCCEEDED(bcj2_get_next_attempt(job, &next)) && next != 0) {
        out_time(next, text);
        out_field("next try", "%s", text);
    }
}

/* Who moves it, if it is one that has to be moved. */
static void show_runner(struct cli *cli, bcj2_job_state state)
{
    if (state != BCJ2_JOB_STATE_QUEUED && state != BCJ2_JOB_STATE_CONNECTING &&
        state != BCJ2_JOB_STATE_TRANSFERRING && state != BCJ2_JOB_STATE_TRANSIENT_ERROR) {
        return;
    }
    int64_t runner = cli_runner(cli);
    if (runner != 0) {
        out_field("moved by", "process %" PRId64, runner);
    } else {
        out_field("moved by", "no program now; \"bcj2 run\" does it");
    }
}

static void show_seconds(const char *name, bcj2_status status, uint32_t seconds, uint32_t usual)
{
    char text[32];
    if (BCJ2_SUCCEEDED(status) && seconds != usual) {
        out_duration(seconds, text);
        out_field(name, "%" PRIu32 " s (%s)", seconds, text);
    }
}

static void show_limits(bcj2_job *job)
{
    uint32_t delay = RETRY_DELAY_S, no_progress = NO_PROGRESS_S, most = MAX_DOWNLOAD_S;
    bcj2_status status = bcj2_get_minimum_retry_delay(job, &delay);
    show_seconds("retry-delay", status, delay, RETRY_DELAY_S);
    status = bcj2_get_no_progress_timeout(job, &no_progress);
    show_seconds("no-progress", status, no_progress, NO_PROGRESS_S);
    status = bcj2_get_maximum_download_time(job, &most);
    show_seconds("max-time", status, most, MAX_DOWNLOAD_S);
}

/* A text that was set; freed. */
static void show_text(const char *name, bcj2_status status, char *text)
{
    if (BCJ2_SUCCEEDED(status) && text != NULL && text[0] != '\0') {
        out_field(name, "%s", text);
    }
    bcj2_free(text);
}

static void show_flags(bcj2_job *job)
{
    uint32_t flags = 0;
    char text[128] = "";
    static const struct {
        uint32_t flag;
        const char *text;
    } known[] = {{BCJ2_HTTP_REDIRECT_POLICY_ALLOW_HTTPS_TO_HTTP, "https-to-http"},
                 {BCJ2_SSL_ENABLE_CRL_CHECK, "crl-check"},
                 {BCJ2_SSL_IGNORE_CERT_CN_INVALID, "ignore-cert-name"},
                 {BCJ2_SSL_IGNORE_UNKNOWN_CA, "ignore-unknown-ca"}};
    if (BCJ2_FAILED(bcj2_get_security_flags(job, &flags))) {
        return;
    }
    if ((flags & BCJ2_HTTP_REDIRECT_POLICY_MASK) != 0) {
        out_field("redirects", "%s", property_redirects_name(flags));
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        size_t length = strlen(text);
        if ((flags & known[i].flag) != 0) {
            (void)snprintf(text + length, sizeof text - length, "%s%s", length > 0 ? ", " : "",
                           known[i].text);
        }
    }
    if (text[0] != '\0') {
        out_field("flags", "%s", text);
    }
}

/* That there are some; which ones only if it was asked. */
static void show_headers(struct cli *cli, bcj2_job *job, const cJSON *http)
{
    char *text = NULL;
    bool write_only =
        cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(http, "custom_headers_write_only"));
    if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(http, "custom_headers"))) {
        if (write_only) {
            out_field("headers", "none; write-only");
        }
        return;
    }
    if (write_only) {
        out_field("headers", "set, write-only");
    } else if (!cli->options.headers) {
        out_field("headers", "set; --headers shows them");
    } else {
        bcj2_status status = bcj2_get_custom_headers(job, &text);
        if (status == BCJ2_OK) {
            show_files_lines("header", text);
            input_clear(text);
        } else if (BCJ2_FAILED(status)) {
            out_field("headers", "set; they cannot be read: %s", bcj2_last_detail());
        }
    }
    bcj2_free(text);
}

static void show_http(struct cli *cli, bcj2_job *job, bcj2_job_type type, const cJSON *http)
{
    const char *usual = type == BCJ2_JOB_TYPE_DOWNLOAD ? "GET" : "BITS_POST";
    char *text = NULL, *key = NULL;
    bcj2_tls_version least = 0, most = 0;
    bcj2_status status = bcj2_get_http_method(job, &text);
    if (BCJ2_SUCCEEDED(status) && strcmp(text, usual) != 0) {
        out_field("method", "%s", text);
    }
    bcj2_free(text);
    show_headers(cli, job, http);
    text = NULL;
    status = bcj2_get_ca_file(job, &text);
    show_text("cacert", status, text);
    text = NULL;
    status = bcj2_get_client_certificate(job, &text, &key);
    show_text("cert", status, text);
    show_text("key", status, key);
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(http, "client_key_password"))) {
        out_field("key password", "set");
    }
    text = NULL;
    status = bcj2_get_pinned_public_key(job, &text);
    show_text("pin", status, text);
    show_flags(job);
    if (BCJ2_SUCCEEDED(bcj2_get_tls_versions(job, &least, &most))) {
        if (least != BCJ2_TLS_VERSION_DEFAULT) {
            out_field("tls-min", "%s", property_tls_name(least));
        }
        if (most != BCJ2_TLS_VERSION_DEFAULT) {
            out_field("tls-max", "%s", property_tls_name(most));
        }
    }
}

/* What no call but the snapshot tells is taken from there. */
static void show_options(struct cli *cli, bcj2_job *job, bcj2_job_type type)
{
    cJSON *document = out_json_snapshot(job);
    show_http(cli, job, type, cJSON_GetObjectItemCaseSensitive(document, "http"));
    notify_words_show(cJSON_GetObjectItemCaseSensitive(document, "notify"));
    cJSON_Delete(document);
}

static void show_job(struct cli *cli, bcj2_job *job)
{
    char id[BCJ2_GUID_TEXT_SIZE], error[3072];
    char *name = NULL, *why = NULL, *text = NULL;
    bcj2_status status;
    bcj2_job_state state = -1;
    bcj2_job_type type = -1;
    bcj2_job_priority priority = -1;
    uint32_t errors = 0;
    find_format_job(job, id);
    out_field("id", "%s", id);
    if (BCJ2_SUCCEEDED(bcj2_get_display_name(job, &name))) {
        out_field("name", "%s", name);
    }
    status = bcj2_get_description(job, &text);
    show_text("description", status, text);
    (void)bcj2_get_type(job, &type);
    out_field("type", "%s", explain_type(type));
    (void)bcj2_get_priority(job, &priority);
    out_field("priority", "%s", property_priority_name(priority));
    (void)bcj2_get_state(job, &state);
    out_field("state", "%s", explain_state(state));
    if (BCJ2_SUCCEEDED(bcj2_get_status_text(job, &why))) {
        out_field("", "%s", why);
    }
    show_runner(cli, state);
    show_files(cli, job);
    show_progress(job, type);
    show_limits(job);
    show_options(cli, job, type);
    show_times(job);
    (void)bcj2_get_error_count(job, &errors);
    out_field("errors", "%" PRIu32, errors);
    explain_error(job, error);
    if (error[0] != '\0') {
        out_field("error", "%s", error);
    }
    bcj2_free(name);
    bcj2_free(why);
}

int cmd_show(struct cli *cli)
{
    bcj2_job *job = NULL;
    int result = cli_open(cli, BCJ2_MANAGER_CONTROL_ONLY);
    if (result == EXIT_DONE) {
        result = find_job(cli, cli->options.arguments[0], &job);
    }
    if (result != EXIT_DONE) {
        return result;
    }
    if (cli->options.json) {
        out_json_job(cli, job);
    } else {
        show_job(cli, job);
    }
    (void)bcj2_job_unref(job);
    return EXIT_DONE;
}
