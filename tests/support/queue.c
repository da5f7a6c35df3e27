/* SPDX-License-Identifier: MIT */
/* See queue.h. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "../unit/os_scratch.h"

#include "queue.h"
#include "timeouts.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PLAIN_UID   65534
#define PATIENCE_MS 20000

bcj2_manager *queue_manager;

static void shorten_timeouts(void)
{
    bcj2__timeouts.retry_delay_min_s = 0;
    bcj2__timeouts.close_farewell_ms = 500;
    bcj2__timeouts.store_rest_ms = 1;
}

void queue_prepare(void)
{
    shorten_timeouts();
    scratch_make();
    ck_assert_int_eq(mkdir(queue_path("out"), 0700), 0);
    queue_write_file("up.bin", "0123456789", 10);
}

void queue_start(void)
{
    queue_prepare();
    queue_open();
}

void queue_stop(void)
{
    queue_close();
    scratch_remove();
}

void queue_open(void)
{
    assert_status(bcj2_manager_open(queue_path("queue"), NULL, &queue_manager), BCJ2_OK);
}

void queue_close(void)
{
    queue_manager = bcj2_manager_close(queue_manager);
}

const char *queue_path(const char *name)
{
    return in_scratch(name);
}

void queue_write_file(const char *name, const void *data, size_t size)
{
    FILE *f = fopen(queue_path(name), "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, size, f), size);
    ck_assert_int_eq(fclose(f), 0);
}

char *queue_read_file(const char *path, size_t *ret_size)
{
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s cannot be read", path);
    ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
    size_t size = (size_t)ftell(f);
    rewind(f);
    char *data = malloc(size + 1);
    ck_assert_ptr_nonnull(data);
    ck_assert_uint_eq(fread(data, 1, size, f), size);
    data[size] = '\0';
    ck_assert_int_eq(fclose(f), 0);
    *ret_size = size;
    return data;
}

bcj2_job *queue_job(bcj2_job_type type)
{
    bcj2_guid id;
    bcj2_job *job = NULL;
    assert_status(bcj2_manager_create_job(queue_manager, "a job", type, &id, &job), BCJ2_OK);
    return job;
}

bcj2_job *queue_job_with_file(bcj2_job_type type, const char *url)
{
    bcj2_job *job = queue_job(type);
    if (type == BCJ2_JOB_TYPE_UPLOAD_REPLY) {
        assert_status(bcj2_set_reply_file_name(job, queue_path("out/reply")), BCJ2_OK);
    }
    assert_status(bcj2_add_file(job, url == NULL ? "http://127.0.0.1:1/" : url,
                                queue_path("up.bin")),
                  BCJ2_OK);
    return job;
}

bcj2_job_state queue_state(bcj2_job *job)
{
    bcj2_job_state state = -1;
    assert_status(bcj2_get_state(job, &state), BCJ2_OK);
    return state;
}

void queue_wait(bcj2_job *job, uint32_t mask, bcj2_job_state expected)
{
    bcj2_job_state state = -1;
    bcj2_status s = bcj2_wait(job, mask, PATIENCE_MS, &state);
    char *text = NULL;
    if (s != BCJ2_OK || state != expected) {
        (void)bcj2_get_status_text(job, &text);
    }
    ck_assert_msg(s == BCJ2_OK && state == expected, "wait 0x%08x, state %d, expected %d: %s",
                  (unsigned)s, (int)state, (int)expected, text != NULL ? text : "");
}

char *queue_json(bcj2_job *job)
{
    char *text = NULL;
    assert_status(bcj2_get_json(job, &text), BCJ2_OK);
    return text;
}

/* ---- processes ---- */

int queue_fork(void (*run)(void *), void *argument)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        run(argument);
        _exit(EXIT_SUCCESS); /* what the parent holds is not the child's to tidy up */
    }
    return (int)pid;
}

void queue_join(int pid)
{
    int status = 0;
    ck_assert_int_eq(waitpid((pid_t)pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with 0x%x",
                  (unsigned)status);
}

static int give_away(const char *path, const struct stat *s, int type, struct FTW *at)
{
    return lchown(path, PLAIN_UID, PLAIN_UID);
}

void queue_lend_to_plain_user(void)
{
    if (geteuid() == 0) {
        ck_assert_int_eq(nftw(scratch, give_away, 8, FTW_PHYS), 0);
        ck_assert_int_eq(seteuid(PLAIN_UID), 0);
    }
}

void queue_become_plain_user(void)
{
    if (geteuid() != 0) {
        return;
    }
    ck_assert_int_eq(nftw(scratch, give_away, 8, FTW_PHYS), 0);
    ck_assert_int_eq(setgid(PLAIN_UID), 0);
    ck_assert_int_eq(setuid(PLAIN_UID), 0);
}

void queue_signal_make(struct queue_signal *signal)
{
    ck_assert_int_eq(pipe(signal->ends), 0);
}

void queue_signal_give(const struct queue_signal *signal)
{
    ck_assert_int_eq(write(signal->ends[1], "", 1), 1);
}

void queue_signal_await(const struct queue_signal *signal)
{
    char byte;
    struct pollfd p = {.fd = signal->ends[0], .events = POLLIN};
    ck_assert_int_eq(poll(&p, 1, PATIENCE_MS), 1);
    ck_assert_int_eq(read(signal->ends[0], &byte, 1), 1);
}
