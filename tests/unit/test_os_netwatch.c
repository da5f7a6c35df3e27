/* SPDX-License-Identifier: MIT */
/* os: is there a network, and the watch on it: with lists of addresses made up here, with calls that
   fail, and with the real socket in a network of its own where the system lets us have one. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "detail.h"
#include "os.h"
#include "os_fakes.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#ifdef __linux__
#include <sched.h>
#endif

/* ---- is it up ---- */

#define UP (IFF_UP | IFF_RUNNING)

struct made_up {
    const char *address; /* NULL: none, as of a link without */
    unsigned flags;
};

static struct ifaddrs *made_list; /* what the fake gives */
static int lists_out;

static int fake_list(struct ifaddrs **ret)
{
    lists_out++;
    *ret = made_list;
    return 0;
}

static int fake_list_free(struct ifaddrs *list)
{
    ck_assert_ptr_eq(list, made_list);
    lists_out--;
    return 0;
}

static const struct {
    struct made_up entries[3];
    size_t count;
    bool up;
} networks[] = {
    {{{NULL, 0}}, 0, false},
    {{{"127.0.0.1", UP | IFF_LOOPBACK}, {"::1", UP | IFF_LOOPBACK}}, 2, false},
    {{{"127.0.0.1", UP | IFF_LOOPBACK}, {"192.168.1.2", UP}}, 2, true},
    {{{"127.0.0.1", UP | IFF_LOOPBACK}, {"192.168.1.2", 0}}, 2, false},      /* down */
    {{{"127.0.0.1", UP | IFF_LOOPBACK}, {"192.168.1.2", IFF_UP}}, 2, false}, /* no cable */
    {{{"127.0.0.1", UP | IFF_LOOPBACK}, {NULL, UP}}, 2, false},              /* no address */
    {{{"127.0.0.1", UP | IFF_LOOPBACK}, {"fe80::1", UP}}, 2, false},         /* link only */
    {{{"fe80::1", UP}, {"127.0.0.1", UP | IFF_LOOPBACK}, {"2001:db8::1", UP}}, 3, true},
    {{{"10.1.2.3", UP | IFF_POINTOPOINT}}, 1, true},
    {{{"169.254.7.7", UP}}, 1, true}, /* a link of its own may be where the server is */
};

static void make_address(const char *text, struct sockaddr_in6 *to)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)to;
    if (strchr(text, ':') != NULL) {
        to->sin6_family = AF_INET6;
        ck_assert_int_eq(inet_pton(AF_INET6, text, &to->sin6_addr), 1);
    } else {
        v4->sin_family = AF_INET;
        ck_assert_int_eq(inet_pton(AF_INET, text, &v4->sin_addr), 1);
    }
}

START_TEST(is_it_up)
{
    struct ifaddrs list[3] = {{0}};
    struct sockaddr_in6 addresses[3] = {{0}};
    size_t count = networks[_i].count;
    for (size_t i = 0; i < count; i++) {
        const struct made_up *from = &networks[_i].entries[i];
        list[i].ifa_flags = from->flags;
        list[i].ifa_next = i + 1 < count ? &list[i + 1] : NULL;
        if (from->address != NULL) {
            make_address(from->address, &addresses[i]);
            list[i].ifa_addr = (struct sockaddr *)(void *)&addresses[i];
        }
    }
    made_list = count == 0 ? NULL : list;
    (void)bcj2__os_syscall_set("getifaddrs", (os_function)fake_list);
    (void)bcj2__os_syscall_set("freeifaddrs", (os_function)fake_list_free);
    ck_assert_int_eq(bcj2__os_network_is_up(), networks[_i].up);
    ck_assert_int_eq(lists_out, 0);
}
END_TEST

/* Who cannot tell must not keep anybody from trying. */
START_TEST(unknown_is_up)
{
    plan_failure("getifaddrs", EMFILE, 1);
    ck_assert(bcj2__os_network_is_up());
    ck_assert_int_eq(plan.times, 0);
}
END_TEST

/* ---- the watch ---- */

static bool readable(int watch)
{
    struct pollfd p = {.fd = watch, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

START_TEST(watch_is_still)
{
    int watch = -1;
    bool changed = true;
    assert_status(bcj2__os_netwatch_open(&watch), BCJ2_OK);
    ck_assert_int_ge(watch, 0);
    ck_assert_int_ne(fcntl(watch, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_ne(fcntl(watch, F_GETFL) & O_NONBLOCK, 0);
    if (!readable(watch)) { /* nobody changes this machine's network now */
        assert_status(bcj2__os_netwatch_read(watch, &changed), BCJ2_OK);
        ck_assert(!changed);
    }
    bcj2__os_close_own(watch);
}
END_TEST

START_TEST(watch_fails)
{
    int watch = 5;
    bool changed = true;
    plan_failure("netwatch", EIO, 1);
    assert_status(bcj2__os_netwatch_open(&watch), BCJ2_E_IO_DEVICE);
    ck_assert_int_eq(watch, -1);
    ck_assert_ptr_nonnull(strstr(bcj2__detail_get(), "watching the network"));
    assert_status(bcj2__os_netwatch_open(&watch), BCJ2_OK);
    plan_failure("recv", EIO, 1);
    assert_status(bcj2__os_netwatch_read(watch, &changed), BCJ2_E_IO_DEVICE);
    ck_assert(!changed);
    plan_failure("recv", EINTR, 1);
    assert_status(bcj2__os_netwatch_read(watch, &changed), BCJ2_OK);
    /* more than fitted: something did happen */
    plan_failure("recv", ENOBUFS, 1);
    assert_status(bcj2__os_netwatch_read(watch, &changed), BCJ2_OK);
    ck_assert(changed);
    bcj2__os_close_own(watch);
}
END_TEST

#ifdef __linux__
/* A network with nothing but a loopback that is down; NULL: the system gives us none. */
static bool own_network(void)
{
    return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
}

static void loopback_up(bool up)
{
    struct ifreq r = {.ifr_name = "lo"};
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(s, 0);
    ck_assert_int_eq(ioctl(s, SIOCGIFFLAGS, &r), 0);
    r.ifr_flags = (short)(up ? r.ifr_flags | IFF_UP : r.ifr_flags & ~IFF_UP);
    ck_assert_int_eq(ioctl(s, SIOCSIFFLAGS, &r), 0);
    (void)close(s);
}

START_TEST(watch_tells)
{
    int watch = -1;
    bool changed = false;
    if (!own_network()) {
        return;
    }
    ck_assert(!bcj2__os_network_is_up());
    assert_status(bcj2__os_netwatch_open(&watch), BCJ2_OK);
    ck_assert(!readable(watch));
    for (int i = 0; i < 4; i++) {
        loopback_up(i % 2 == 0);
        ck_assert(readable(watch));
        assert_status(bcj2__os_netwatch_read(watch, &changed), BCJ2_OK);
        ck_assert(changed);
        ck_assert(!readable(watch));
        assert_status(bcj2__os_netwatch_read(watch, &changed), BCJ2_OK);
        ck_assert(!changed);
        ck_assert(!bcj2__os_network_is_up()); /* a loopback is no network */
    }
    bcj2__os_close_own(watch);
}
END_TEST
#endif

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "network", 10);
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_loop_test(tc, is_it_up, 0, ARRAY_LEN(networks));
    tcase_add_test(tc, unknown_is_up);
    tcase_add_test(tc, watch_is_still);
    tcase_add_test(tc, watch_fails);
#ifdef __linux__
    tcase_add_test(tc, watch_tells);
#endif
}

SUITE_MAIN("os_netwatch", add_cases)
