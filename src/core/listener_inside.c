/* SPDX-License-Identifier: MIT */
/* See listener_priv.h: which callbacks this thread runs, for the calls that are refused inside of one. */
#include "listener_priv.h"
#include "guid.h"

static _Thread_local struct listener_frame *inside;

void bcj2__listener_enter(struct listener_frame *f, const struct core *c, const bcj2_guid *job)
{
    *f = (struct listener_frame){
        .core = c, .job = job, .fork_generation = c->fork_generation, .outer = inside};
    inside = f;
}

void bcj2__listener_exit(const struct listener_frame *f)
{
    inside = f->outer;
}

bool bcj2__listener_inside_any(void)
{
    return inside != NULL;
}

bool bcj2__listener_inside(const struct core *c)
{
    const struct listener_frame *f = inside;
    while (f != NULL && (f->core != c || f->fork_generation != bcj2__os_fork_generation())) {
        f = f->outer;
    }
    return f != NULL;
}

bool bcj2__listener_inside_job(const bcj2_guid *id)
{
    const struct listener_frame *f = inside;
    while (f != NULL && !bcj2__guid_equal(f->job, id)) {
        f = f->outer;
    }
    return f != NULL;
}
