/* SPDX-License-Identifier: MIT */
/* What the end-to-end tests share on the client's side: files with known bytes, jobs through the public
   API, and a client in a process of its own that can be killed (the program named by BCJ2_TEST_CLIENT in
   the environment). Whatever goes wrong here fails the test. Not here: the server (servers.h), faults
   (fault_proxy.h), all of them together (rig.h). */
#ifndef BCJ2_TESTS_CLIENT_H
#define BCJ2_TESTS_CLIENT_H

#include <bcj2/bcj2.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define STATE(name) (1u << BCJ2_JOB_STATE_##name)

/* No lower bound for the retry delay; time-outs that a slow machine does not meet by itself, and that a
   test can wait for. */
void client_be_quick(void);

/* A file of so many bytes that depend on the seed and do not repeat. */
void client_make_file(const char *path, uint64_t bytes, uint32_t seed);
/* Fails the test where two files differ. */
void client_assert_same(const char *path, const char *other);
uint64_t client_size(const char *path); /* UINT64_MAX: there is no such file */
bool client_exists(const char *path);   /* links are not followed */

bcj2_manager *client_open(const char *queue);
/* The same, but nothing is transferred by this process. */
bcj2_manager *client_open_to_look(const char *queue);
/* Made, with a retry delay of 0 s; not resumed. reply NULL: a plain upload. */
bcj2_job *client_job(bcj2_manager *manager, const char *source, const char *url, const char *reply);
bcj2_guid client_id(bcj2_job *job);
bcj2_job_state client_state(bcj2_job *job);
/* Waits (60 s at most) for one of the states; fails the test with the job's status text if it comes to
   rest in another. */
void client_wait(bcj2_job *job, uint32_t state_mask);
/* Waits for ERROR or TRANSIENT_ERROR and asks for this error. */
void client_wait_error(bcj2_job *job, bcj2_job_state state, bcj2_error_context context,
                       bcj2_status code);

/* A client process; the words are those of the program (net/client_program.c). ret_out: its standard
   output, NULL: not wanted. */
pid_t client_start(const char *const words[], int *ret_out);
/* Opens the queue, waits until the job is TRANSFERRED, completes it, exits with 0. */
pid_t client_start_finish(const char *queue, const bcj2_guid *id);
/* Lets it run for so many microseconds, then kills it -9; true if it had already ended well. */
bool client_kill_after(pid_t pid, uint32_t microseconds);
void client_wait_exit(pid_t pid); /* fails the test unless it exits with 0 */
/* Reads up to and with the next line end; false: the end. Waits for it. */
bool client_line(int out, char line[128]);

uint64_t client_now_us(void);
/* xorshift; the same numbers for the same seed everywhere. */
uint32_t client_random(uint32_t *state);
/* The full form of a sweep is asked for (BCJ2_TEST_LONG=1). */
bool client_long(void);
/* BCJ2_TEST_SEED; 0: not set. */
uint32_t client_only_seed(void);

#endif
