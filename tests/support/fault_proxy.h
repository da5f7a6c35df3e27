/* SPDX-License-Identifier: MIT */
/* A TCP proxy on loopback that misbehaves at an exact byte. It stands between a client and a real
   server, runs in a thread of the test process, and may be told a new plan at any time.

       struct fault_proxy *p = fault_proxy_start(server_port);
       struct fault_plan plan[] = {
           {.kind = FAULT_RST, .direction = FAULT_TO_SERVER, .after = 100000},
           {.kind = FAULT_STALL, .direction = FAULT_TO_CLIENT, .after = 10, .for_ms = 500},
       };
       fault_proxy_plan(p, plan, 2);
       … the client uses 127.0.0.1:fault_proxy_port(p) …
       fault_proxy_stop(p);

   Entries happen once each, in their order: an entry counts from the moment the one before it has
   happened, bytes of all connections together. After the last, everything passes. A plan of one
   entry with each_connection set is different: it happens to every connection after that many of
   its own bytes, until there is a new plan.

   Not here: anything that knows HTTP (http_script.h). */
#ifndef BCJ2_TESTS_FAULT_PROXY_H
#define BCJ2_TESTS_FAULT_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault_kind {
    FAULT_PASS,    /* nothing: bytes of this entry just pass */
    FAULT_FIN,     /* the connection is closed in order, both ways; what still comes is dropped */
    FAULT_RST,     /* the connection is reset, both ways */
    FAULT_STALL,   /* nothing moves on the connection any more, either way; it stays open */
    FAULT_RUBBISH, /* the client gets .rubbish and FIN, the server is cut off by RST */
    FAULT_REFUSE,  /* all connections are reset, and new ones refused, as if the server were dead */
};

enum fault_direction { FAULT_TO_SERVER, FAULT_TO_CLIENT };

struct fault_plan {
    enum fault_kind kind;
    enum fault_direction direction; /* whose bytes are counted */
    /* Exactly so many are passed on (RST and REFUSE may lose the last of them on their way, as a real
       reset does). 0: before the next byte. */
    uint64_t after;
    uint32_t for_ms;     /* STALL, REFUSE: how long; 0: until fault_proxy_release() */
    const char *rubbish; /* a string, borrowed; NULL: some bytes that are no HTTP */
    bool each_connection;
};

struct fault_counts {
    uint64_t to_server, to_client; /* bytes passed on since the start, rubbish not among them */
    uint32_t connections;          /* accepted since the start */
    uint32_t faults;               /* that have happened; a fault of each_connection each time */
    uint32_t entries;              /* of the present plan that have happened */
};

struct fault_proxy;

/* target_port: of a server on 127.0.0.1. Fails the test if it cannot be made. */
struct fault_proxy *fault_proxy_start(uint16_t target_port);
void fault_proxy_stop(struct fault_proxy *p); /* resets all connections; NULL is fine */
uint16_t fault_proxy_port(const struct fault_proxy *p);
/* The server has come back on another port; open connections stay with the old one. */
void fault_proxy_target(struct fault_proxy *p, uint16_t target_port);

/* A new plan (copied) in the place of the old one; count 0: everything passes. Stalled connections
   stay stalled and a refusing port refuses, until fault_proxy_release(). */
void fault_proxy_plan(struct fault_proxy *p, const struct fault_plan *plan, size_t count);
/* Ends every STALL and REFUSE that lasts now. */
void fault_proxy_release(struct fault_proxy *p);
/* FAULT_REFUSE, now. */
void fault_proxy_refuse(struct fault_proxy *p);

struct fault_counts fault_proxy_counts(struct fault_proxy *p);
/* Waits until so many faults have happened since the start; false: not within 20 s. */
bool fault_proxy_wait_faults(struct fault_proxy *p, uint32_t faults);

#endif
