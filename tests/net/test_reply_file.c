/* SPDX-License-Identifier: MIT */
/* Where the reply goes: what Complete does to what is there already, what it refuses and that it can be
   called again then, the mode of the file, and names the library makes. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "../support/rig.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLAIN_UID 65534

/* A TRANSFERRED job with a reply of ten bytes for "out/reply". */
static bcj2_job *begin(void)
{
    rig_start(NULL, RIG_APPLICATION);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    rig_transferred(job);
    return job;
}

static void end(bcj2_job *job)
{
    rig_unref(job);
    rig_assert_clean();
    rig_stop();
}

/* Complete fails with that status, and as if it had never been called. */
static void refused(bcj2_job *job, bcj2_status status)
{
    uint8_t *data = NULL;
    uint64_t length = 0;
    assert_status(bcj2_complete(job), status);
    ck_assert_msg(strstr(bcj2_last_detail(), "/out") != NULL, "%s", bcj2_last_detail());
    ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_TRANSFERRED);
    if (client_exists(rig_temporary(job))) {
        assert_status(bcj2_get_reply_data(job, &data, &length), BCJ2_OK);
        ck_assert_uint_eq(length, client_size(rig_path("answer")));
        bcj2_free(data);
    }
}

static void accepted(bcj2_job *job)
{
    assert_status(bcj2_complete(job), BCJ2_OK);
    client_assert_same(rig_path("answer"), rig_path("out/reply"));
    ck_assert_int_eq(client_state(job), BCJ2_JOB_STATE_ACKNOWLEDGED);
}

START_TEST(onto_a_file)
{
    bcj2_job *job = begin();
    rig_write("out/reply", "what was there before, and is longer than the reply");
    ck_assert_int_eq(link(rig_path("out/reply"), rig_path("out/second")), 0);
    accepted(job);
    ck_assert_uint_eq(client_size(rig_path("out/second")), 51); /* replaced, not written into */
    end(job);
}
END_TEST

START_TEST(onto_a_link)
{
    struct stat st;
    bcj2_job *job = begin();
    rig_write("out/elsewhere", "untouched");
    ck_assert_int_eq(symlink(rig_path("out/elsewhere"), rig_path("out/reply")), 0);
    accepted(job);
    ck_assert_int_eq(lstat(rig_path("out/reply"), &st), 0);
    ck_assert(S_ISREG(st.st_mode));
    ck_assert_uint_eq(client_size(rig_path("out/elsewhere")), 9);
    end(job);
}
END_TEST

START_TEST(onto_a_folder)
{
    bcj2_job *job = begin();
    ck_assert_int_eq(mkdir(rig_path("out/reply"), 0700), 0);
    refused(job, BCJ2_E_ACCESSDENIED);
    refused(job, BCJ2_E_ACCESSDENIED);
    ck_assert_int_eq(rmdir(rig_path("out/reply")), 0);
    accepted(job);
    end(job);
}
END_TEST

/* The folder, with the reply's temporary file in it, was moved away; and comes back. */
START_TEST(into_nowhere)
{
    bcj2_job *job = begin();
    ck_assert_int_eq(rename(rig_path("out"), rig_path("away")), 0);
    refused(job, BCJ2_E_WIN32_FILE_NOT_FOUND);
    ck_assert_int_eq(rename(rig_path("away"), rig_path("out")), 0);
    accepted(job);
    end(job);
}
END_TEST

/* Somebody has removed the temporary file, or cut it: an error, not a wrong reply. */
START_TEST(without_the_temporary_file)
{
    bcj2_job *job = begin();
    ck_assert_int_eq(truncate(rig_temporary(job), 9), 0);
    assert_status(bcj2_complete(job), BCJ2_E_FAIL);
    ck_assert_int_eq(unlink(rig_temporary(job)), 0);
    refused(job, BCJ2_E_WIN32_FILE_NOT_FOUND);
    ck_assert(!client_exists(rig_path("out/reply")));
    assert_status(bcj2_cancel(job), BCJ2_OK);
    end(job);
}
END_TEST

static int give_away(const char *path, const struct stat *s, int type, struct FTW *at)
{
    return lchown(path, PLAIN_UID, PLAIN_UID);
}

/* Root may write everywhere. The server goes on as root. */
static void become_plain_user(void)
{
    rig_close();
    if (geteuid() == 0) {
        ck_assert_int_eq(nftw(rig.folder, give_away, 8, FTW_PHYS), 0);
        ck_assert_int_eq(setegid(PLAIN_UID), 0);
        ck_assert_int_eq(seteuid(PLAIN_UID), 0);
    }
    rig_open();
}

START_TEST(into_a_locked_folder)
{
    uid_t before = geteuid();
    rig_start(NULL, RIG_APPLICATION);
    become_plain_user();
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    rig_transferred(job);
    ck_assert_int_eq(chmod(rig_path("out"), 0500), 0);
    refused(job, BCJ2_E_ACCESSDENIED);
    ck_assert_int_eq(chmod(rig_path("out"), 0700), 0);
    accepted(job);
    rig_unref(job);
    rig_close();
    ck_assert_int_eq(seteuid(before), 0);
    rig_stop();
}
END_TEST

/* ---- mode ---- */

static const mode_t umasks[] = {0, 022, 027, 077};

START_TEST(mode_by_the_umask)
{
    struct stat st;
    bcj2_job *job = begin();
    mode_t before = umask(umasks[_i]);
    accepted(job);
    (void)umask(before);
    ck_assert_int_eq(stat(rig_path("out/reply"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0666u & ~umasks[_i]);
    end(job);
}
END_TEST

/* An empty reply is made by Complete itself: no other rules. */
START_TEST(empty_reply)
{
    struct stat st;
    rig_start(NULL, RIG_APPLICATION);
    rig_make("answer", 0);
    bcj2_job *job = rig_resumed(BCJ2_JOB_TYPE_UPLOAD_REPLY);
    rig_transferred(job);
    ck_assert_int_eq(mkdir(rig_path("out/reply"), 0700), 0);
    refused(job, BCJ2_E_ACCESSDENIED);
    ck_assert_int_eq(rmdir(rig_path("out/reply")), 0);
    mode_t before = umask(026);
    accepted(job);
    (void)umask(before);
    ck_assert_int_eq(stat(rig_path("out/reply"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0640);
    end(job);
}
END_TEST

/* ---- names ---- */

static char *reply_name(bcj2_job *job)
{
    char *name = NULL;
    assert_status(bcj2_get_reply_file_name(job, &name), BCJ2_OK);
    return name;
}

/* Two jobs for one file: each has a name of its own beside it. */
START_TEST(generated_names)
{
    rig_start(NULL, RIG_APPLICATION);
    char *names[2];
    for (int i = 0; i < 2; i++) {
        bcj2_job *job = rig_job(BCJ2_JOB_TYPE_UPLOAD_REPLY);
        assert_status(bcj2_set_reply_file_name(job, NULL), BCJ2_OK);
        names[i] = reply_name(job);
        ck_assert_ptr_nonnull(names[i]);
        ck_assert_int_eq(strncmp(names[i], rig_path("source."), strlen(rig_path("source."))), 0);
        assert_status(bcj2_resume(job), BCJ2_OK);
        client_wait(job, STATE(TRANSFERRED));
        ck_assert(!client_exists(names[i]));
        assert_status(bcj2_complete(job), BCJ2_OK);
        client_assert_same(rig_path("answer"), names[i]);
        rig_unref(job);
    }
    ck_assert_str_ne(names[0], names[1]);
    bcj2_free(names[0]);
    bcj2_free(names[1]);
    rig_assert_clean();
    rig_stop();
}
END_TEST

/* A name set after the first Resume counts, up to the reply. */
START_TEST(renamed_on_the_way)
{
    const struct fault_plan plan = {.kind = FAULT_STALL,
                                    .direction = FAULT_TO_SERVER,
                                    .after = 500};
    rig_start(NULL, RIG_APPLICATION);
    rig_proxy();
    fault_proxy_plan(rig.proxy, &plan, 1);
    bcj2_job *job = client_job(rig.manager, rig_path("source"), rig_url(), rig_path("out/first"));
    assert_status(bcj2_resume(job), BCJ2_OK);
    ck_assert(fault_proxy_wait_faults(rig.proxy, 1));
    assert_status(bcj2_set_reply_file_name(job, rig_path("out/reply")), BCJ2_OK);
    fault_proxy_release(rig.proxy);
    rig_transferred(job);
    accepted(job);
    ck_assert(!client_exists(rig_path("out/first")));
    end(job);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "Complete", 60);
    tcase_add_test(tc, onto_a_file);
    tcase_add_test(tc, onto_a_link);
    tcase_add_test(tc, onto_a_folder);
    tcase_add_test(tc, into_nowhere);
    tcase_add_test(tc, without_the_temporary_file);
    tcase_add_test(tc, into_a_locked_folder);
    tcase_add_loop_test(tc, mode_by_the_umask, 0, (int)(sizeof umasks / sizeof umasks[0]));
    tcase_add_test(tc, empty_reply);
    tcase_add_test(tc, generated_names);
    tcase_add_test(tc, renamed_on_the_way);
}

SUITE_MAIN("the reply's file", add_cases)
