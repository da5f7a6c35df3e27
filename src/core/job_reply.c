/* SPDX-License-Identifier: MIT */
/* The name of an upload-reply job's reply: given by the caller, or made beside the uploaded file. See
   job.h. */
#include "job_reply.h"
#include "detail.h"
#include "guid.h"
#include "job_check.h"
#include "mem.h"

#include <string.h>

/* A name for the reply beside the uploaded file, that no file has: "/d/up.bin" gives
   "/d/up.bin.reply-1a2b3c4d". mem_free. */
static bcj2_status generate_reply_name(const char *local_name, char **ret)
{
    for (int attempt = 0; attempt < 16; attempt++) {
        bcj2_guid random = bcj2__guid_random();
        /* the whole must fit a file name: 255 bytes on the systems we know */
        const char *base = bcj2__os_base_of(local_name);
        size_t folder = (size_t)(base - local_name);
        size_t keep = MIN(strlen(base), (size_t)200);
        while (keep > 0 && ((unsigned char)base[keep] & 0xC0) == 0x80) {
            keep--; /* not in the middle of a character */
        }
        char *name = bcj2__mem_printf("%.*s%.*s.reply-%08x", (int)folder, local_name, (int)keep,
                                      base, (unsigned)random.data1);
        struct os_stat st = {0};
        if (name == NULL) {
            return bcj2__detail_no_memory();
        }
        bcj2_status s = bcj2__os_stat(name, false, &st);
        if (BCJ2_FAILED(s)) {
            bcj2__mem_free(name);
            return s;
        }
        if (!st.exists) {
            *ret = name;
            return BCJ2_OK;
        }
        bcj2__mem_free(name);
    }
    return bcj2__detail(BCJ2_E_FAIL, "no free name for the reply beside %s", local_name);
}

static bcj2_status store_generated_name(struct change *change, const char *local_name)
{
    CLEANUP_FREE char *name = NULL;
    bcj2_status s = generate_reply_name(local_name, &name);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    return bcj2__store_set_reply_name(change->core->store, change->row.seq, name, true,
                                      bcj2__os_wall());
}

bcj2_status bcj2__job_prepare_reply(struct change *change, const char *local_name)
{
    if (change->row.type != BCJ2_JOB_TYPE_UPLOAD_REPLY || change->row.reply_name != NULL) {
        return BCJ2_OK;
    }
    bcj2_status s = bcj2__check_folder_of(local_name);
    return BCJ2_FAILED(s) ? s : store_generated_name(change, local_name);
}

static bcj2_status reply_name_changeable(const struct change *change)
{
    bcj2_status s = bcj2__change_not_final(change);
    if (BCJ2_SUCCEEDED(s) && (change->row.reply_requested || change->row.reply_temp != NULL ||
                              change->row.state == BCJ2_JOB_STATE_TRANSFERRED)) {
        s = bcj2__detail(BCJ2_E_INVALID_STATE, "the transfer of the reply has begun");
    }
    return s;
}

/* Back to a generated name, or to none while there is no file. */
static bcj2_status set_generated_reply_name(struct change *change)
{
    struct store_file file = {0};
    uint32_t count = 0;
    bcj2_status s = bcj2__store_file_count(change->core->store, change->row.seq, &count);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    if (count == 0) {
        return bcj2__store_set_reply_name(change->core->store, change->row.seq, NULL, false,
                                          bcj2__os_wall());
    }
    s = bcj2__store_file(change->core->store, change->row.seq, 0, &file);
    if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__check_folder_of(file.local_name);
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = store_generated_name(change, file.local_name);
    }
    bcj2__store_file_done(&file);
    return s;
}

bcj2_status bcj2__job_set_reply_name(bcj2_job *job, const char *path)
{
    struct change change;
    bool generate = path == NULL || path[0] == '\0';
    bcj2_status s = bcj2__change_begin(job, &change);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    if (change.row.type != BCJ2_JOB_TYPE_UPLOAD_REPLY) {
        s = bcj2__detail(BCJ2_E_NOTIMPL, "only upload-reply jobs have a reply");
    }
    if (BCJ2_SUCCEEDED(s) && !generate) {
        s = bcj2__check_path(path, "reply file name");
    }
    if (BCJ2_SUCCEEDED(s)) {
        s = reply_name_changeable(&change);
    }
    if (BCJ2_SUCCEEDED(s) && generate) {
        s = set_generated_reply_name(&change);
    } else if (BCJ2_SUCCEEDED(s)) {
        s = bcj2__check_folder_of(path);
        if (BCJ2_SUCCEEDED(s)) {
            s = bcj2__store_set_reply_name(job->core->store, job->seq, path, false,
                                           bcj2__os_wall());
        }
    }
    return bcj2__change_end(&change, s);
}
