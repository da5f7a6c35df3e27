/* SPDX-License-Identifier: MIT */
/* Running jobs where something goes wrong on this side: files that are not there when they are needed,
   a store that fails for a while. Against the small server inside the test's process. */
#include "../support/bits_server.h"
#include "../support/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UPLOAD_REPLY BCJ2_JOB_TYPE_UPLOAD_REPLY
#define ENDED        (STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR))

static struct bits_server *server;

static void start(void)
{
    queue_start();
    server = bits_server_start();
    bits_server_set_reply(server, "the reply", 9);
}

static void stop(void)
{
    queue_stop();
    bits_server_stop(server);
}

START_TEST(the_folder_of_the_reply_is_gone)
{
    bcj2_job *job = queue_job_with_file(UPLOAD_REPLY, bits_server_url(server, "/in/up.bin"));
    bcj2_error *error = NULL;
    bcj2_error_context context = 0;
    bcj2_status code = BCJ2_OK;
    char *text = NULL;
    ck_assert_int_eq(rmdir(queue_path("out")), 0);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_ERROR);
    assert_status(bcj2_get_error(job, &error), BCJ2_OK);
    assert_status(bcj2_error_get(error, &context, &code), BCJ2_OK);
    ck_assert_int_eq(context, BCJ2_ERROR_CONTEXT_LOCAL_FILE);
    ck_assert_int_eq(code, BCJ2_E_WIN32_FILE_NOT_FOUND);
    assert_status(bcj2_error_get_description(error, &text), BCJ2_OK);
    ck_assert_msg(strstr(text, queue_path("out")) != NULL, "%s", text);
    bcj2_free(text);
    bcj2_error_unref(error);

    ck_assert_int_eq(mkdir(queue_path("out"), 0700), 0);
    assert_status(bcj2_resume(job), BCJ2_OK);
    queue_wait(job, ENDED, BCJ2_JOB_STATE_TRANSFERRED);
    bcj2_job_unref(job);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "local trouble", 30);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, the_folder_of_the_reply_is_gone);
}

SUITE_MAIN("api_engine", add_cases)
