/* SPDX-License-Identifier: MIT */
/* The model of the random walk: where a job may be, why, and since when, by the tables of job-semantics 3.2 and
   7.1-7.6. A job is compared with it after each step; what only the servers and the clock decide is taken over
   from the job, if the model allows it. Times are milliseconds of the walk's clock; where the walk cannot know a
   moment it knows bounds of it. Not here: what the walk does (test_walk.c). */
#ifndef BCJ2_TESTS_WALK_MODEL_H
#define BCJ2_TESTS_WALK_MODEL_H

#include "walk_site.h"

#include <bcj2/bcj2.h>

#define MODEL_FILES 8

enum model_phase {
    MODEL_RESTS,   /* SUSPENDED, ERROR, TRANSFERRED: only a caller moves it */
    MODEL_ACTIVE,  /* QUEUED, CONNECTING, TRANSFERRING, or where its server has led it meanwhile */
    MODEL_WAITING, /* TRANSIENT_ERROR */
    MODEL_FINAL,
};

struct model_span {
    int64_t low, high;
};

struct model_file {
    char path[256];
    bool ranged;
};

struct model_job {
    bcj2_job *job;
    bcj2_guid id;
    bcj2_job_type type;
    enum model_phase phase;
    bcj2_job_state state; /* RESTS, FINAL: this; else as it was last seen */
    /* its server */
    unsigned resource;
    enum site_mood mood;
    uint32_t moods;  /* a bit for each that was in force since it could act on it */
    bool had_server; /* an upload: one that takes files, at some time */
    bool changed;    /* the resource, at some time */
    bool jumped;     /* the clock, since it is ACTIVE */
    /* what was set */
    uint32_t delay_s, no_progress_s, max_download_s;
    bcj2_job_priority priority;
    char description[32];
    uint32_t file_count;
    struct model_file files[MODEL_FILES];
    /* ACTIVE: since when; between these the properties were */
    int64_t seen_active_ms;
    struct model_span delay, no_progress;
    /* the series of transient errors */
    bool series;
    struct model_span began; /* its first error */
    /* WAITING, ERROR */
    bcj2_status code;
    int64_t due_ms; /* the next attempt */
    uint32_t errors;
};

/* Says what a failed check was about, and ends the test. */
#define MODEL_CHECK(m, holds, ...)                            \
    do {                                                      \
        if (!(holds)) {                                       \
            model_fail((m), __FILE__, __LINE__, __VA_ARGS__); \
        }                                                     \
    } while (0)
__attribute__((format(printf, 4, 5), noreturn)) void
model_fail(const struct model_job *m, const char *file, int line, const char *format, ...);

void model_init(struct model_job *m, bcj2_job *job, const bcj2_guid *id, bcj2_job_type type);
/* A caller's success, at most since_ms ago. */
void model_resumed(struct model_job *m, int64_t since_ms);
void model_rests(struct model_job *m, bcj2_job_state state);
void model_final(struct model_job *m, bcj2_job_state state);
/* What changed around it. */
void model_set_mood(struct model_job *m, enum site_mood mood);
void model_properties_changed(struct model_job *m);

/* Is it where it may be? Takes over where it is. */
void model_observe(struct model_job *m);
/* Waits until it is where its server leads it; for a runner that is alive. */
void model_settle(struct model_job *m);
bool model_may_end_in(const struct model_job *m, bcj2_job_state state);

#endif
