/* SPDX-License-Identifier: MIT */
/* A random walk over jobs of all types: calls with good and bad values, servers in all moods, a process that
   moves the bytes and is killed -9, clocks that jump; compared with a model of the specification after each
   step. Each episode has its seed, which repeats it. BCJ2_TEST_STEPS: steps of all episodes together.
   Not here: TLS, redirects, schedules of slots and priorities, disks that fail. */
#include "walk.h"

#include "../support/suite.h"
#include "../support/trials.h"

#include <dirent.h>
#include <string.h>

#define EPISODE_STEPS  1000u
#define SHORT_EPISODES 3u
#define LONG_STEPS     100000u
#define DAY            INT64_C(86400)

static struct model_job *any_job(void)
{
    return walk.count == 0 ? NULL : &walk.jobs[walk_random(walk.count)];
}

static void change_mood(void)
{
    static const enum site_mood moods[] = {SITE_OK, SITE_MISSING, SITE_BUSY};
    struct model_job *m = any_job();
    if (m == NULL) {
        return;
    }
    if (m->type == BCJ2_JOB_TYPE_DOWNLOAD) {
        walk_set_mood(m, walk_random(3) == 0 ? SITE_OK : (enum site_mood)walk_random(SITE_MOODS));
    } else {
        walk_set_mood(m, moods[walk_random(3)]);
    }
}

static void change_resource(void)
{
    struct model_job *m = any_job();
    if (m != NULL && m->type == BCJ2_JOB_TYPE_DOWNLOAD) {
        m->changed = true;
        site_change(walk.site, m->resource, 1000 + walk_random(5000));
    }
}

static void move_clock(void)
{
    static const int64_t passes[] = {1, 4, 60, 300, 700, 4000, 20000};
    static const int64_t moves[] = {3600, -3600, 400 * DAY, -400 * DAY};
    if (walk_random(3) > 0) {
        walk_pass(passes[walk_random(7)]);
    } else {
        walk_set_wall(moves[walk_random(4)]);
    }
}

/* Everything comes to rest, then nobody touches it for longer than a job lives. */
static void pass_months(void)
{
    for (unsigned i = 0; i < walk.count; i++) {
        walk_set_mood(&walk.jobs[i], SITE_OK);
    }
    walk_settle();
    for (unsigned i = 0; i < walk.count; i++) {
        /* when it wakes after 91 days, its time to retry is over, too, and either may be seen first */
        if (walk.jobs[i].phase == MODEL_WAITING) {
            walk_suspend(&walk.jobs[i]);
        }
    }
    walk_forget_final();
    fake_clock_pass(91 * DAY);
    walk_ring();
    walk_ring(); /* the first bell was left alone, too */
    for (unsigned i = walk.count; i-- > 0;) {
        struct model_job *m = &walk.jobs[i];
        if (m->phase != MODEL_FINAL) {
            bcj2_status s = bcj2_wait(m->job, STATE(CANCELLED), 20000, NULL);
            MODEL_CHECK(m, s == BCJ2_OK, "91 days old and still there: 0x%08x", (unsigned)s);
            model_final(m, BCJ2_JOB_STATE_CANCELLED);
        }
        model_observe(m);
        walk_forget(m);
    }
}

static void step_of_world(uint32_t what)
{
    if (what < 9) {
        change_mood();
    } else if (what < 11) {
        change_resource();
    } else if (what < 15) {
        move_clock();
    } else if (what < 17) {
        walk_kill_runner();
    } else if (what < 19) {
        walk_start_runner();
    } else if (what < 20) {
        walk_reopen();
    } else if (walk_random(4) > 0) {
        walk_settle();
    } else if (walk_random(20) == 0) {
        pass_months();
    }
}

static void step_of_job(uint32_t what, struct model_job *m)
{
    static void (*const calls[])(struct model_job *) = {
        walk_add_file, walk_add_file, walk_add_bad, walk_set,      walk_set,    walk_set_bad,
        walk_get,      walk_get,      walk_suspend, walk_resume,   walk_resume, walk_resume,
        walk_resume,   walk_resume,   walk_cancel,  walk_complete,
    };
    calls[what % (sizeof calls / sizeof calls[0])](m);
}

static void step(void)
{
    struct model_job *m = any_job();
    uint32_t what = walk_random(100);
    if (m == NULL || what < 8) {
        walk_create();
    } else if (what < 29) {
        step_of_world(what - 8);
    } else {
        model_observe(m);
        walk_hesitate();
        step_of_job(what, m);
        walk_hesitate();
        model_observe(m);
        if (m->phase == MODEL_FINAL && walk_random(3) == 0) {
            walk_forget(m);
        }
    }
    m = any_job();
    if (m != NULL) {
        model_observe(m);
    }
}

static void assert_no_temporary(void)
{
    DIR *out = opendir(walk_path("out"));
    ck_assert_ptr_nonnull(out);
    for (const struct dirent *e = readdir(out); e != NULL; e = readdir(out)) {
        ck_assert_msg(e->d_name[0] == '.' && strncmp(e->d_name, ".bcj2-", 6) != 0, "%s is left",
                      e->d_name);
    }
    (void)closedir(out);
}

/* The servers are well again: every job that has a file ends as it should, and leaves nothing. */
static void finish_all(void)
{
    for (unsigned i = 0; i < walk.count; i++) {
        struct model_job *m = &walk.jobs[i];
        walk_set_mood(m, SITE_OK);
        if (m->phase != MODEL_FINAL) {
            bcj2_status s = bcj2_set_maximum_download_time(m->job, 7776000);
            MODEL_CHECK(m, s == BCJ2_OK, "0x%08x", (unsigned)s);
            m->max_download_s = 7776000;
            walk_suspend(m);
            model_observe(m);
            walk_resume(m);
        }
    }
    walk_settle();
    for (unsigned i = walk.count; i-- > 0;) {
        struct model_job *m = &walk.jobs[i];
        if (m->phase != MODEL_FINAL && m->file_count > 0) {
            MODEL_CHECK(m, m->state == BCJ2_JOB_STATE_TRANSFERRED, "it ends in %d", (int)m->state);
            walk_complete(m);
        } else if (m->phase != MODEL_FINAL) {
            walk_cancel(m);
        }
        model_observe(m);
        walk_forget(m);
    }
    assert_no_temporary();
}

static void episode(uint32_t seed)
{
    walk_begin(trial_random(seed));
    for (uint32_t i = 0; i < EPISODE_STEPS; i++) {
        step();
    }
    finish_all();
    walk_end();
}

START_TEST(the_model_and_the_library_agree)
{
    const char *steps = getenv("BCJ2_TEST_STEPS");
    uint32_t count = steps == NULL ? LONG_STEPS : (uint32_t)strtoul(steps, NULL, 10);
    uint32_t episodes = (count + EPISODE_STEPS - 1) / EPISODE_STEPS;
    trials("walk", "the walk", episode, steps == NULL ? SHORT_EPISODES : episodes, episodes);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "walk", 0);
    tcase_add_test(tc, the_model_and_the_library_agree);
}

SUITE_MAIN("walk", add_cases)
