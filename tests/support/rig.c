/* SPDX-License-Identifier: MIT */
/* See rig.h. */
#include "rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATHS    16
#define PATIENCE 4000 /* looks, 5 ms apart */

struct rig rig;
static enum rig_kind rig_kind;

static char *next_text(void)
{
    static char texts[PATHS][FOLDER_PATH_SIZE];
    static unsigned next;
    return texts[next++ % PATHS];
}

const char *rig_path(const char *name)
{
    char *text = next_text();
    folder_in(text, rig.folder, name);
    return text;
}

const char *rig_url(void)
{
    char *text = next_text();
    unsigned port = rig.proxy == NULL ? server_port(rig.server) : fault_proxy_port(rig.proxy);
    (void)snprintf(text, FOLDER_PATH_SIZE, "http://127.0.0.1:%u/in/a.bin", port);
    return text;
}

void rig_make(const char *name, uint64_t bytes)
{
    uint32_t seed = 1;
    for (const char *p = name; *p != '\0'; p++) {
        seed = seed * 31 + (unsigned char)*p;
    }
    client_make_file(rig_path(name), bytes, seed);
}

/* In one step, so that a program that reads it now sees the one text or the other. */
void rig_write(const char *name, const char *text)
{
    const char *path = rig_path(name), *temporary = rig_path("written");
    FILE *f = fopen(temporary, "w");
    ck_assert_msg(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0, "%s: %s", temporary,
                  strerror(errno));
    ck_assert_int_eq(rename(temporary, path), 0);
}

/* ---- the application ---- */

static void write_application(void)
{
    static const char script[] = "#!/bin/sh\n"
                                 "cd '%s' || exit 1\n"
                                 "cat >seen.$$\n"
                                 "if cmp -s seen.$$ source; then how=whole; else how=broken; fi\n"
                                 "mv seen.$$ seen\n"
                                 "if mv once once.$$ 2>/dev/null; then\n"
                                 "    read -r status <once.$$; rm once.$$\n"
                                 "else\n"
                                 "    read -r status <status\n"
                                 "fi\n"
                                 "[ \"$status\" -ne 0 ] || cat answer || status=1\n"
                                 "echo $how >>runs\n"
                                 "exit \"$status\"\n";
    char text[FOLDER_PATH_SIZE + sizeof script];
    (void)snprintf(text, sizeof text, script, rig.folder);
    rig_write("application", text);
    ck_assert_int_eq(chmod(rig_path("application"), 0700), 0);
    rig_write("runs", "");
    rig_exits(0);
    rig_make("answer", 10);
}

static void write_status(const char *name, int status)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%d\n", status);
    rig_write(name, text);
}

void rig_exits(int status)
{
    write_status("status", status);
}

void rig_exits_once(int status)
{
    write_status("once", status);
}

unsigned rig_runs(void)
{
    unsigned runs = 0;
    char line[32];
    FILE *f = fopen(rig_path("runs"), "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f) != NULL) {
        ck_assert_msg(strcmp(line, "whole\n") == 0, "the application saw a broken file (run %u)",
                      runs + 1);
        runs++;
    }
    (void)fclose(f);
    return runs;
}

void rig_wait_runs(unsigned runs)
{
    const struct timespec a_little = {.tv_nsec = 5000000};
    for (int look = 0; rig_runs() < runs; look++) {
        ck_assert_msg(look < PATIENCE, "the application did not run %u times", runs);
        (void)nanosleep(&a_little, NULL);
    }
}

/* ---- the rig ---- */

void rig_open(void)
{
    rig.manager = client_open(rig_path("queue"));
}

void rig_close(void)
{
    rig.manager = bcj2_manager_close(rig.manager);
}

void rig_prepare(void)
{
    client_be_quick();
    rig = (struct rig){.server = NULL};
    folder_make(rig.folder);
    ck_assert_int_eq(mkdir(rig_path("out"), 0700), 0);
    rig_open();
}

void rig_start(const char *json, enum rig_kind kind)
{
    rig_prepare();
    rig_kind = kind;
    rig_make("source", 1000);
    write_application();
    const char *const options[] = {"--app-exec", rig_path("application"), NULL};
    const char *const *used = kind == RIG_APPLICATION ? options : NULL;
    rig.server = json == NULL ? server_start(used) : server_start_config(json, used);
}

void rig_proxy(void)
{
    rig.proxy = fault_proxy_start(server_port(rig.server));
}

void rig_stop(void)
{
    rig_close();
    fault_proxy_stop(rig.proxy);
    server_stop(rig.server);
    folder_remove(rig.folder);
}

/* ---- jobs ---- */

bcj2_job *rig_job(bcj2_job_type type)
{
    return client_job(rig.manager, rig_path("source"), rig_url(),
                      type == BCJ2_JOB_TYPE_UPLOAD_REPLY ? rig_path("out/reply") : NULL);
}

bcj2_job *rig_resumed(bcj2_job_type type)
{
    bcj2_job *job = rig_job(type);
    assert_status(bcj2_resume(job), BCJ2_OK);
    return job;
}

static bcj2_job_type type_of(bcj2_job *job)
{
    bcj2_job_type type = -1;
    assert_status(bcj2_get_type(job, &type), BCJ2_OK);
    return type;
}

void rig_unref(bcj2_job *job)
{
    (void)bcj2_job_unref(job);
}

const char *rig_temporary(bcj2_job *job)
{
    char id[BCJ2_GUID_TEXT_SIZE], name[96];
    const bcj2_guid guid = client_id(job);
    bcj2_guid_format(&guid, id);
    (void)snprintf(name, sizeof name, "out/.bcj2-%.36s.tmp", id + 1);
    return rig_path(name);
}

void rig_transferred(bcj2_job *job)
{
    bool replies = type_of(job) == BCJ2_JOB_TYPE_UPLOAD_REPLY;
    client_wait(job, STATE(TRANSFERRED));
    client_assert_same(rig_path("source"), rig_kind == RIG_APPLICATION
                                               ? rig_path("seen")
                                               : server_path(rig.server, "root/in/a.bin"));
    ck_assert(rig_kind == RIG_FILES || rig_runs() > 0);
    if (replies && rig_kind == RIG_APPLICATION && client_size(rig_path("answer")) > 0) {
        client_assert_same(rig_path("answer"), rig_temporary(job));
    }
}

void rig_finish(bcj2_job *job)
{
    rig_transferred(job);
    assert_status(bcj2_complete(job), BCJ2_OK);
    if (type_of(job) == BCJ2_JOB_TYPE_UPLOAD_REPLY) {
        client_assert_same(rig_path("answer"), rig_path("out/reply"));
    }
    rig_unref(job);
}

/* ---- what is left ---- */

/* How many files below a folder have the text in their names. */
static unsigned count_named(const char *folder, const char *text)
{
    unsigned found = 0;
    DIR *d = opendir(folder);
    ck_assert_msg(d != NULL || errno == ENOENT, "%s: %s", folder, strerror(errno));
    const struct dirent *e = NULL;
    while (d != NULL && (e = readdir(d)) != NULL) {
        char path[2 * FOLDER_PATH_SIZE];
        struct stat st;
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (e->d_name[0] == '.' && (e->d_name[1] == '\0' || strcmp(e->d_name, "..") == 0)) {
            continue;
        }
        found += strstr(e->d_name, text) != NULL;
        if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
            found += count_named(path, text);
        }
    }
    if (d != NULL) { /* else it went away meanwhile */
        (void)closedir(d);
    }
    return found;
}

void rig_assert_no_temporary_here(void)
{
    ck_assert_uint_eq(count_named(rig.folder, ".bcj2-"), 0);
}

void rig_assert_clean_but(unsigned sessions)
{
    const struct timespec a_little = {.tv_nsec = 5000000};
    const char *root = server_root(rig.server);
    rig_assert_no_temporary_here();
    for (int look = 0; count_named(root, "requestfile") > sessions ||
                       count_named(root, "responsefile") > 0 || count_named(root, "{") > sessions;
         look++) {
        ck_assert_msg(look < PATIENCE, "the server keeps a session");
        (void)nanosleep(&a_little, NULL);
    }
}

void rig_assert_clean(void)
{
    rig_assert_clean_but(0);
}
