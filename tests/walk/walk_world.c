/* SPDX-License-Identifier: MIT */
/* See walk.h: servers, processes, the clock. */
#include "walk.h"

#include "timeouts.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct walk walk;

uint32_t walk_random(uint32_t below)
{
    return client_random(&walk.random) % below;
}

const char *walk_path(const char *name)
{
    static char paths[8][FOLDER_PATH_SIZE];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    folder_in(path, walk.folder, name);
    return path;
}

void walk_hesitate(void)
{
    uint32_t us = walk_random(8) == 0 ? walk_random(4000) : 0;
    const struct timespec moment = {0, (long)us * 1000};
    if (us > 0) {
        (void)nanosleep(&moment, NULL);
    }
}

/* ---- processes ---- */

void walk_start_runner(void)
{
    int in[2], out[2];
    char byte = 0;
    if (walk.runner != 0) {
        return;
    }
    const char *program = getenv("BCJ2_TEST_WALK_RUNNER");
    ck_assert_ptr_nonnull(program);
    char queue[FOLDER_PATH_SIZE], clock[FOLDER_PATH_SIZE];
    folder_in(queue, walk.folder, "queue");
    folder_in(clock, walk.folder, "clock");
    ck_assert_int_eq(pipe(in), 0);
    ck_assert_int_eq(pipe(out), 0);
    (void)fcntl(in[1], F_SETFD, FD_CLOEXEC);
    (void)fcntl(out[0], F_SETFD, FD_CLOEXEC);
    walk.runner = fork();
    ck_assert_int_ge(walk.runner, 0);
    if (walk.runner == 0) {
        (void)dup2(in[0], STDIN_FILENO);
        (void)dup2(out[1], STDOUT_FILENO);
        (void)close(in[0]);
        (void)close(out[1]);
        (void)execl(program, program, queue, clock, (char *)NULL);
        _exit(127);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    walk.runner_in = in[1];
    ck_assert_int_eq(read(out[0], &byte, 1), 1);
    (void)close(out[0]);
}

static void reap(bool well)
{
    int status = 0;
    while (waitpid(walk.runner, &status, 0) < 0) {
        ck_assert_int_eq(errno, EINTR);
    }
    ck_assert_msg(!well || (WIFEXITED(status) && WEXITSTATUS(status) == 0),
                  "the runner ended with 0x%x", (unsigned)status);
    (void)close(walk.runner_in);
    walk.runner = 0;
}

void walk_kill_runner(void)
{
    if (walk.runner != 0) {
        ck_assert_int_eq(kill(walk.runner, SIGKILL), 0);
        reap(false);
    }
}

/* ---- our manager ---- */

static void open_manager(void)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    options.flags = BCJ2_MANAGER_CONTROL_ONLY;
    bcj2_status s = bcj2_manager_open(walk_path("queue"), &options, &walk.manager);
    ck_assert_msg(s == BCJ2_OK, "%s", bcj2_last_detail());
}

static void make_bell(void)
{
    bcj2_guid id;
    ck_assert_int_eq(bcj2_manager_create_job(walk.manager, "bell", BCJ2_JOB_TYPE_UPLOAD, &id,
                                             &walk.bell),
                     BCJ2_OK);
}

void walk_reopen(void)
{
    bcj2_guid bell;
    ck_assert_int_eq(bcj2_get_id(walk.bell, &bell), BCJ2_OK);
    bcj2_job_unref(walk.bell);
    for (unsigned i = 0; i < walk.count; i++) {
        bcj2_job_unref(walk.jobs[i].job);
    }
    bcj2_manager_close(walk.manager);
    open_manager();
    ck_assert_int_eq(bcj2_manager_get_job(walk.manager, &bell, &walk.bell), BCJ2_OK);
    for (unsigned i = walk.count; i-- > 0;) {
        struct model_job *m = &walk.jobs[i];
        bcj2_status s = bcj2_manager_get_job(walk.manager, &m->id, &m->job);
        if (m->phase == MODEL_FINAL) {
            ck_assert_int_eq(s, BCJ2_E_NOT_FOUND);
            *m = walk.jobs[--walk.count];
        } else {
            ck_assert_msg(s == BCJ2_OK, "a job is lost: 0x%08x", (unsigned)s);
        }
    }
}

/* ---- the clock ---- */

void walk_ring(void)
{
    bcj2_job_state state = 0;
    if (bcj2_set_description(walk.bell, "rings") != BCJ2_OK) {
        ck_assert_int_eq(bcj2_get_state(walk.bell, &state), BCJ2_OK);
        ck_assert_int_eq(state, BCJ2_JOB_STATE_CANCELLED); /* nobody rang for 90 days */
        bcj2_job_unref(walk.bell);
        make_bell();
    }
}

/* Rows of final jobs stay for a day. */
void walk_forget_final(void)
{
    for (unsigned i = walk.count; i-- > 0;) {
        if (walk.jobs[i].phase == MODEL_FINAL) {
            walk_forget(&walk.jobs[i]);
        }
    }
}

void walk_set_wall(int64_t seconds)
{
    walk_forget_final();
    fake_clock_set_wall(seconds);
    walk_ring();
}

void walk_pass(int64_t seconds)
{
    walk_forget_final();
    for (unsigned i = 0; i < walk.count; i++) {
        model_observe(&walk.jobs[i]);
    }
    walk_hesitate();
    fake_clock_pass(seconds);
    for (unsigned i = 0; i < walk.count; i++) {
        walk.jobs[i].jumped = true;
    }
    walk_ring();
}

/* ---- servers ---- */

void walk_set_uploads(enum site_mood mood)
{
    static const enum bits_request kinds[] = {BITS_PING, BITS_CREATE, BITS_FRAGMENT, BITS_GET};
    int status = mood == SITE_MISSING ? 404 : 503;
    unsigned times = mood == SITE_MISSING || mood == SITE_BUSY ? UINT32_MAX : 0;
    walk.uploads = mood;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        bits_server_fail(walk.bits, kinds[i], status, times);
    }
    for (unsigned i = 0; i < walk.count; i++) {
        if (walk.jobs[i].type != BCJ2_JOB_TYPE_DOWNLOAD) {
            model_set_mood(&walk.jobs[i], mood);
        }
    }
}

void walk_set_mood(struct model_job *m, enum site_mood mood)
{
    if (m->type == BCJ2_JOB_TYPE_DOWNLOAD) {
        site_set_mood(walk.site, m->resource, mood);
        model_set_mood(m, mood);
    } else {
        walk_set_uploads(mood == SITE_MISSING || mood == SITE_BUSY ? mood : SITE_OK);
    }
}

void walk_settle(void)
{
    walk_start_runner();
    walk_ring();
    for (unsigned i = 0; i < walk.count; i++) {
        model_settle(&walk.jobs[i]);
    }
}

/* ---- an episode ---- */

static struct fake_clock *share_clock(void)
{
    int fd = open(walk_path("clock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, sizeof(struct fake_clock)), 0);
    struct fake_clock *clock = mmap(NULL, sizeof *clock, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert(clock != MAP_FAILED);
    (void)close(fd);
    return clock;
}

void walk_begin(uint32_t seed)
{
    walk.random = seed;
    folder_make(walk.folder);
    ck_assert_int_eq(mkdir(walk_path("out"), 0700), 0);
    folder_file(walk_path("up.bin"), 3000);
    walk.clock = share_clock();
    fake_clock_install(walk.clock);
    walk.site = site_start();
    walk.bits = bits_server_start();
    bits_server_set_reply(walk.bits, "the reply", 9);
    open_manager();
    make_bell();
    walk_start_runner();
}

void walk_end(void)
{
    bcj2_job_unref(walk.bell);
    (void)close(walk.runner_in); /* it ends well */
    walk.runner_in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    reap(true);
    bcj2_manager_close(walk.manager);
    site_stop(walk.site);
    bits_server_stop(walk.bits);
    (void)munmap(walk.clock, sizeof *walk.clock);
    folder_remove(walk.folder);
}
