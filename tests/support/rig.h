/* SPDX-License-Identifier: MIT */
/* Both ends of an upload-reply job with everything between them: a folder, a file in it, a queue, the
   real bcj2-server with an application that notes what it sees, and a fault proxy in front of it. One
   rig a test; whatever goes wrong here fails the test.

       rig_start(NULL, RIG_APPLICATION);
       rig_make("source", 262145);
       rig_make("answer", 1000);
       bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
       rig_finish(job);
       rig_stop();

   Names in the folder: "source" (what is uploaded), "answer" (what the application replies with),
   "seen" (what it got last), "runs" (a line for each run: "whole" or "broken"), "out/reply", "queue". */
#ifndef BCJ2_TESTS_RIG_H
#define BCJ2_TESTS_RIG_H

#include "client.h"
#include "fault_proxy.h"
#include "folder.h"
#include "servers.h"
#include "suite.h"

enum rig_kind {
    RIG_FILES,       /* no application: the upload gets its name on the server */
    RIG_APPLICATION, /* the upload is the application's */
};

struct rig {
    char folder[FOLDER_PATH_SIZE];
    struct test_server *server;
    struct fault_proxy *proxy; /* NULL before rig_proxy() */
    bcj2_manager *manager;     /* NULL: closed */
};
extern struct rig rig;

/* The folder and the queue, open, without a server. */
void rig_prepare(void);
/* json: the server's configuration, or NULL. The queue is open afterwards. */
void rig_start(const char *json, enum rig_kind kind);
void rig_stop(void);
void rig_open(void);
void rig_close(void);
/* From now on rig_url() leads through a proxy. */
void rig_proxy(void);

/* The path of a name in the folder; kept for the next 15 calls. */
const char *rig_path(const char *name);
const char *rig_url(void); /* ".../in/a.bin"; kept likewise */
void rig_make(const char *name, uint64_t bytes);
void rig_write(const char *name, const char *text);

/* How the application ends, from now on; once: only the next time it runs. */
void rig_exits(int status);
void rig_exits_once(int status);
/* How often it ran and saw the whole source; fails the test if it ever saw anything else. */
unsigned rig_runs(void);
void rig_wait_runs(unsigned runs);

/* "source" to rig_url(), reply to "out/reply", retry delay 0. */
bcj2_job *rig_job(bcj2_job_type type);
bcj2_job *rig_resumed(bcj2_job_type type);
/* Waits for TRANSFERRED; the server has the file, and the reply is complete but not in place. */
void rig_transferred(bcj2_job *job);
/* The same, then completes, compares the reply, lets go of the job. */
void rig_finish(bcj2_job *job);
void rig_unref(bcj2_job *job);
/* No temporary file and no session is left, here or at the server (when it was told). */
void rig_assert_clean(void);
/* The same, but for so many sessions with no reply: one whose Create was never answered is known to
   nobody, and ends by its own time-out. */
void rig_assert_clean_but(unsigned sessions);
void rig_assert_no_temporary_here(void);
/* The temporary file of a job's reply: beside the reply; kept as rig_path()'s. */
const char *rig_temporary(bcj2_job *job);

#endif
