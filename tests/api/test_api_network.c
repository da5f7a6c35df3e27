/* SPDX-License-Identifier: MIT */
/* The network and single servers that go away and return, through the public API: who waits for what, who
   goes on meanwhile, and what it costs. The network is made up (calls of the os floor are replaced); so
   that nothing leaves the machine, 0.0.0.0 stands for another one: it leads here, and is not called a
   loopback address. Jobs that cannot run because of themselves: test_api_poison.c. */
#include "../support/bits_server.h"
#include "../support/fault_proxy.h"
#include "../support/queue.h"
#include "../support/sanitizer.h"
#include "os_syscall.h"
#include "timeouts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct bits_server *server;
static struct fault_proxy *proxy; /* in front of it */
static char here[64], there[64];  /* the proxy: as a loopback address, and as another machine */

/* ---- the network ---- */

static atomic_int network; /* 0: none; else the last number of its address */
static atomic_int watch_end = -1, watches;
static atomic_int looks; /* at the addresses */

static int made_up_addresses(struct ifaddrs **ret)
{
    static _Thread_local struct sockaddr_in address;
    static _Thread_local struct ifaddrs one;
    atomic_fetch_add(&looks, 1);
    address = (struct sockaddr_in){.sin_family = AF_INET,
                                   .sin_addr.s_addr =
                                       htonl(0x0A000000u + (unsigned)atomic_load(&network))};
    one = (struct ifaddrs){.ifa_flags = 0x41, /* IFF_UP | IFF_RUNNING */
                           .ifa_addr = (struct sockaddr *)(void *)&address};
    *ret = atomic_load(&network) != 0 ? &one : NULL;
    return 0;
}

static int nothing_to_free(struct ifaddrs *list)
{
    (void)list;
    return 0;
}

static int made_up_watch(void)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        return -1;
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    int old = atomic_exchange(&watch_end, ends[1]);
    if (old >= 0) {
        (void)close(old);
    }
    atomic_fetch_add(&watches, 1);
    return ends[0];
}

static int no_watch(void)
{
    errno = EMFILE;
    return -1;
}

static void tell(void)
{
    ck_assert_int_eq(write(atomic_load(&watch_end), "x", 1), 1);
}

static void network_becomes(int address)
{
    atomic_store(&network, address);
    tell();
}

/* The watch has ended: nobody waits any more. */
static bool watch_has_ended(void)
{
    struct pollfd p = {.fd = atomic_load(&watch_end), .events = POLLIN};
    return poll(&p, 1, 10000) == 1;
}

static void enter(void)
{
    (void)bcj2__os_syscall_set("getifaddrs", (os_function)made_up_addresses);
    (void)bcj2__os_syscall_set("freeifaddrs", (os_function)nothing_to_free);
    (void)bcj2__os_syscall_set("netwatch", (os_function)made_up_watch);
    unsigned port = 0;
    server = bits_server_start();
    ck_assert_int_eq(sscanf(bits_server_url(server, "/"), "http://127.0.0.1:%5u/", &port), 1);
    proxy = fault_proxy_start((uint16_t)port);
    (void)snprintf(here, sizeof here, "http://127.0.0.1:%u/in", fault_proxy_port(proxy));
    (void)snprintf(there, sizeof there, "http://0.0.0.0:%u/in", fault_proxy_port(proxy));
    queue_start();
}

static void leave(void)
{
    queue_stop();
    fault_proxy_stop(proxy);
    bits_server_stop(server);
    bcj2__os_syscall_reset();
    int end = atomic_exchange(&watch_end, -1);
    if (end >= 0) {
        (void)close(end);
    }
}

static bcj2_job *resumed(const char *url)
{
    bcj2_job *job = queue_job_with_file(BCJ2_JOB_TYPE_UPLOAD, url);
    assert_status(bcj2_resume(job), BCJ2_OK);
    return job;
}

#define ENDS \
    (STATE_BIT(TRANSIENT_ERROR) | STATE_BIT(ERROR) | STATE_BIT(TRANSFERRED) | STATE_BIT(CANCELLED))

static void expect_error(bcj2_job *job, bcj2_status code, bcj2_error_context context)
{
    bcj2_error *error = NULL;
    bcj2_error_context got_context = 0;
    bcj2_status got = 0;
    assert_status(bcj2_get_error(job, &error), BCJ2_OK);
    assert_status(bcj2_error_get(error, &got_context, &got), BCJ2_OK);
    assert_status(got, code);
    ck_assert_int_eq(got_context, context);
    (void)bcj2_error_unref(error);
}

static void expect_text(bcj2_job *job, const char *start)
{
    char *text = NULL;
    assert_status(bcj2_get_status_text(job, &text), BCJ2_OK);
    ck_assert_msg(strncmp(text, start, strlen(start)) == 0, "\"%s\"", text);
    bcj2_free(text);
}

static uint32_t errors_of(bcj2_job *job)
{
    uint32_t count = 0;
    assert_status(bcj2_get_error_count(job, &count), BCJ2_OK);
    return count;
}

static bcj2_filetime next_attempt_of(bcj2_job *job)
{
    bcj2_filetime at = 1;
    ck_assert(BCJ2_SUCCEEDED(bcj2_get_next_attempt(job, &at)));
    return at;
}

static void pass(long milliseconds)
{
    const struct timespec t = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

/* Waits until it was tried that often. */
static void wait_errors(bcj2_job *job, uint32_t count)
{
    for (int i = 0; i < 1000 && errors_of(job) < count; i++) {
        pass(10);
    }
    ck_assert_uint_eq(errors_of(job), count);
}

/* A job that waits for the network: how, and that nothing is counted or timed. */
static bcj2_job *offline_job(void)
{
    fault_proxy_refuse(proxy);
    bcj2_job *job = resumed(there);
    queue_wait(job, ENDS, BCJ2_JOB_STATE_TRANSIENT_ERROR);
    expect_error(job, BCJ2_E_NETWORK_DISCONNECTED, BCJ2_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER);
    expect_text(job, "waiting for the network: ");
    ck_assert_uint_eq(next_attempt_of(job), 0);
    ck_assert_uint_eq(errors_of(job), 0);
    return job;
}

/* Switches of all threads of this process but this one; 0 where the system does not tell. */
static unsigned long long switches(void)
{
    unsigned long long sum = 0;
    DIR *dir = opendir("/proc/self/task");
    for (struct dirent *d = NULL; dir != NULL && (d = readdir(dir)) != NULL;) {
        char path[300], line[128];
        unsigned long long n = 0;
        (void)snprintf(path, sizeof path, "/proc/self/task/%s/status", d->d_name);
        FILE *f = d->d_name[0] == '.' || atoi(d->d_name) == getpid() ? NULL : fopen(path, "r");
        while (f != NULL && fgets(line, sizeof line, f) != NULL) {
            sum += sscanf(line, "voluntary_ctxt_switches: %llu", &n) == 1 ? n : 0;
        }
        if (f != NULL) {
            (void)fclose(f);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return sum;
}

START_TEST(network_goes_and_returns)
{
    bcj2_job *job = offline_job();
    bcj2_job *other = resumed(here); /* a loopback address is never beyond the network */
    queue_wait(other, ENDS, BCJ2_JOB_STATE_TRANSIENT_ERROR);
    expect_error(other, BCJ2_E_WINHTTP_CANNOT_CONNECT, BCJ2_ERROR_CONTEXT_REMOTE_FILE);
    expect_text(other, "waiting 10 min");
    ck_assert_uint_ne(next_attempt_of(other), 0);
    ck_assert_int_eq(atomic_load(&watches), 1);
    /* something happened, but it is no network yet */
    tell();
    pass(300);
    ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_TRANSIENT_ERROR);
    /* waiting costs nothing; the test's own server has threads too, which wait likewise */
    if (SANITIZER[0] == '\0') {
        unsigned long long before = switches();
        pass(1000);
        ck_assert_uint_eq(switches(), before);
    }
    fault_proxy_release(proxy);
    network_becomes(1);
    queue_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    queue_wait(other, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    ck_assert_uint_eq(errors_of(job), 0);
    ck_assert(watch_has_ended());
    bcj2_job_unref(job);
    bcj2_job_unref(other);
}
END_TEST

/* Who does not move the bytes any more hears nothing of the network: what nobody reads would be readable
   for ever. */
START_TEST(the_watch_ends_with_the_queue)
{
    bcj2_job *job = offline_job();
    ck_assert_int_eq(rename(queue_path("queue"), queue_path("elsewhere")), 0);
    ck_assert(watch_has_ended());
    bcj2_job_unref(job);
    queue_close();
}
END_TEST

/* Each other network is a new chance, the same one is none. */
START_TEST(another_network)
{
    atomic_store(&network, 1);
    fault_proxy_refuse(proxy);
    bcj2_job *job = resumed(there);
    queue_wait(job, ENDS, BCJ2_JOB_STATE_TRANSIENT_ERROR);
    expect_error(job, BCJ2_E_WINHTTP_CANNOT_CONNECT, BCJ2_ERROR_CONTEXT_REMOTE_FILE);
    tell();
    pass(300);
    ck_assert_uint_eq(errors_of(job), 0);
    network_becomes(2);
    wait_errors(job, 1);
    network_becomes(0); /* going, it is none either */
    pass(300);
    ck_assert_uint_eq(errors_of(job), 1);
    network_becomes(2);
    wait_errors(job, 2);
    bcj2_job_unref(job);
}
END_TEST

/* No way leads to this address (a TCP connection to a group of machines), and none will come by itself. */
START_TEST(no_way_though_there_is_a_network)
{
    atomic_store(&network, 1);
    bcj2_job *job = resumed("http://224.0.0.1/in");
    queue_wait(job, ENDS, BCJ2_JOB_STATE_TRANSIENT_ERROR);
    expect_error(job, BCJ2_E_WINHTTP_CANNOT_CONNECT, BCJ2_ERROR_CONTEXT_REMOTE_FILE);
    ck_assert_uint_ne(next_attempt_of(job), 0);
    bcj2_job_unref(job);
}
END_TEST

/* Who opens a queue looks once: the network may have come meanwhile, or not. */
START_TEST(network_returned_while_closed)
{
    bcj2_guid id;
    bcj2_job *job = offline_job();
    assert_status(bcj2_get_id(job, &id), BCJ2_OK);
    bcj2_job_unref(job);
    queue_close();
    fault_proxy_release(proxy);
    if (_i == 0) {
        atomic_store(&network, 1);
    }
    queue_open();
    assert_status(bcj2_manager_get_job(queue_manager, &id, &job), BCJ2_OK);
    if (_i == 1) {
        pass(300);
        ck_assert_int_eq(queue_state(job), BCJ2_JOB_STATE_TRANSIENT_ERROR);
        expect_text(job, "waiting for the network: ");
        network_becomes(1);
    }
    queue_wait(job, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    bcj2_job_unref(job);
}
END_TEST

/* Where it cannot be watched, time has to do. */
START_TEST(without_a_watch)
{
    (void)bcj2__os_syscall_set("netwatch", (os_function)no_watch);
    fault_proxy_refuse(proxy);
    bcj2_job *job = resumed(there);
    queue_wait(job, ENDS, BCJ2_JOB_STATE_TRANSIENT_ERROR);
    expect_error(job, BCJ2_E_WINHTTP_CANNOT_CONNECT, BCJ2_ERROR_CONTEXT_REMOTE_FILE);
    ck_assert_uint_ne(next_attempt_of(job), 0);
    bcj2_job_unref(job);
}
END_TEST

/* And not all the time: with a network there would be one turn after the other. */
START_TEST(without_a_watch_it_sleeps)
{
    (void)bcj2__os_syscall_set("netwatch", (os_function)no_watch);
    atomic_store(&network, 1);
    fault_proxy_refuse(proxy);
    bcj2_job *job = resumed(there);
    queue_wait(job, ENDS, BCJ2_JOB_STATE_TRANSIENT_ERROR);
    pass(200);
    int before = atomic_load(&looks);
    pass(300);
    ck_assert_int_eq(atomic_load(&looks), before);
    bcj2_job_unref(job);
}
END_TEST

/* Somebody else's failure finds the network before the watch tells of it: that is the return too. */
START_TEST(network_is_found_by_another_job)
{
    bcj2__timeouts.host_rest_ms = 100;
    bcj2_job *job = offline_job();
    atomic_store(&network, 1);
    bcj2_job *other = resumed(there);
    queue_wait(other, ENDS, BCJ2_JOB_STATE_TRANSIENT_ERROR);
    tell();
    for (int i = 0; i < 1000 && next_attempt_of(job) == 0; i++) {
        pass(10);
    }
    ck_assert_uint_ne(next_attempt_of(job), 0); /* it was tried, and now waits for the server */
    bcj2_job_unref(job);
    bcj2_job_unref(other);
}
END_TEST

/* ---- a dead server ---- */

#define DEAD_JOBS 4

/* The first of its jobs fails, the others wait, and what is for other servers goes on at once, though there
   is one slot for all. */
START_TEST(dead_server_holds_up_nobody_else)
{
    bcj2_job *dead[DEAD_JOBS];
    fault_proxy_refuse(proxy);
    bits_server_hold(server, BITS_CREATE);
    bcj2_job *first = resumed(bits_server_url(server, "/in")); /* has the slot */
    ck_assert(bits_server_wait_held(server));
    for (size_t i = 0; i < DEAD_JOBS; i++) {
        dead[i] = resumed(here);
    }
    bcj2_job *last = resumed(bits_server_url(server, "/in"));
    expect_text(dead[1], "waiting for its turn");
    bits_server_release(server);
    queue_wait(last, ENDS, BCJ2_JOB_STATE_TRANSFERRED);
    ck_assert_int_eq(queue_state(dead[0]), BCJ2_JOB_STATE_TRANSIENT_ERROR);
    for (size_t i = 1; i < DEAD_JOBS; i++) {
        ck_assert_int_eq(queue_state(dead[i]), BCJ2_JOB_STATE_QUEUED);
        expect_text(dead[i], "waiting for 127.0.0.1:");
        ck_assert_uint_eq(next_attempt_of(dead[i]), 0);
    }
    /* a new network is a new chance for it too */
    fault_proxy_release(proxy);
    network_becomes(3);
    for (size_t i = 0; i < DEAD_JOBS; i++) {
        queue_wait(dead[i], STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
        bcj2_job_unref(dead[i]);
    }
    bcj2_job_unref(first);
    bcj2_job_unref(last);
}
END_TEST

/* After a rest one of them tries. While it is dead that is the next to fail; once it lives all go. */
START_TEST(one_tries_after_a_rest)
{
    bcj2_job *dead[DEAD_JOBS];
    bcj2__timeouts.host_rest_ms = 100;
    fault_proxy_refuse(proxy);
    for (size_t i = 0; i < DEAD_JOBS; i++) {
        dead[i] = resumed(here);
    }
    queue_wait(dead[1], ENDS, BCJ2_JOB_STATE_TRANSIENT_ERROR);
    ck_assert_int_eq(queue_state(dead[0]), BCJ2_JOB_STATE_TRANSIENT_ERROR);
    ck_assert_int_eq(queue_state(dead[3]), BCJ2_JOB_STATE_QUEUED);
    fault_proxy_release(proxy);
    queue_wait(dead[2], STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    queue_wait(dead[3], STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    for (size_t i = 0; i < DEAD_JOBS; i++) {
        bcj2_job_unref(dead[i]);
    }
}
END_TEST

/* A person's Resume of a job that failed does not wait until its server has rested. What it finds out
   counts for the others. */
START_TEST(resume_does_not_wait_for_a_rest)
{
    bcj2__timeouts.host_rest_ms = 3600 * 1000;
    fault_proxy_refuse(proxy);
    bcj2_job *failed = resumed(here);
    queue_wait(failed, ENDS, BCJ2_JOB_STATE_TRANSIENT_ERROR);
    bcj2_job *other = resumed(here);
    assert_status(bcj2_resume(failed), BCJ2_OK);
    queue_wait(failed, ENDS, BCJ2_JOB_STATE_TRANSIENT_ERROR);
    ck_assert_int_eq(queue_state(other), BCJ2_JOB_STATE_QUEUED);
    fault_proxy_release(proxy);
    assert_status(bcj2_resume(failed), BCJ2_OK);
    queue_wait(failed, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    queue_wait(other, STATE_BIT(TRANSFERRED) | STATE_BIT(ERROR), BCJ2_JOB_STATE_TRANSFERRED);
    bcj2_job_unref(failed);
    bcj2_job_unref(other);
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "network", 60);
    tcase_add_checked_fixture(tc, enter, leave);
    tcase_add_test(tc, network_goes_and_returns);
    tcase_add_test(tc, the_watch_ends_with_the_queue);
    tcase_add_test(tc, another_network);
    tcase_add_test(tc, no_way_though_there_is_a_network);
    tcase_add_loop_test(tc, network_returned_while_closed, 0, 2);
    tcase_add_test(tc, without_a_watch);
    tcase_add_test(tc, without_a_watch_it_sleeps);
    tcase_add_test(tc, network_is_found_by_another_job);
    tc = suite_case(suite, "dead server", 60);
    tcase_add_checked_fixture(tc, enter, leave);
    tcase_add_test(tc, dead_server_holds_up_nobody_else);
    tcase_add_test(tc, one_tries_after_a_rest);
    tcase_add_test(tc, resume_does_not_wait_for_a_rest);
}

SUITE_MAIN("api_network", add_cases)
