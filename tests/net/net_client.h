/* SPDX-License-Identifier: MIT */
/* What the suites of the transfer engine share: an engine, requests with defaults, files, and
   waiting for an event. Not here: servers (support/http_script.h). */
#ifndef BCJ2_TESTS_NET_CLIENT_H
#define BCJ2_TESTS_NET_CLIENT_H

#include "../support/http_script.h"
#include "../support/suite.h"
#include "net.h"

/* A BITS_POST with a body of fd (offset 0) that is length long. */
struct net_request net_client_post(uint64_t token, const char *url, int fd, uint64_t length);
/* A GET that pauses at its body; sink -1: none. */
struct net_request net_client_get(uint64_t token, const char *url, int sink);

/* Turns the engine until an event comes; fails the test after 20 s. Its pointers are valid until
   the next call of an engine function. */
struct net_event net_client_event(struct net *n);
/* Starts it and waits for its DONE; a HEAD is answered with continue at sink_offset 0. */
struct net_event net_client_run(struct net *n, const struct net_request *request);
/* Turns the engine for about that long; an event fails the test. */
void net_client_quiet(struct net *n, uint64_t milliseconds);

struct net *net_client_create(void);

/* An unlinked file with size bytes of a pattern: byte i is net_client_byte(i). */
int net_client_file(uint64_t size);
unsigned char net_client_byte(uint64_t i);

#endif
