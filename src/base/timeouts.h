/* SPDX-License-Identifier: MIT */
/* The time-outs of the library in milliseconds, in one struct that tests shorten before they open a
   manager. There is no public knob. Not here: delays that belong to a job (its properties). */
#ifndef BCJ2_BASE_TIMEOUTS_H
#define BCJ2_BASE_TIMEOUTS_H

#include <stdint.h>

struct timeouts {
    uint32_t connect_ms;       /* name, connection, TLS */
    uint32_t send_stall_ms;    /* since the socket last took a byte of the request */
    uint32_t response_ms;      /* from the request's last byte to the status line */
    uint32_t last_response_ms; /* the same for the last fragment: the application works meanwhile */
    uint32_t receive_stall_ms; /* since the last byte of a body came */
    uint32_t close_farewell_ms; /* bcj2_manager_close waits so long for goodbyes */
    uint32_t writer_lock_ms;    /* SQLite's own wait, the net below writer.lock */
    uint32_t store_rest_ms;     /* after a failed commit the engine rests so long */
    uint32_t link_stall_ms;     /* a process that takes no byte of what the runner says to it */
    uint32_t host_rest_ms; /* jobs of a server that could not be reached rest so long at first */
    uint32_t retry_delay_min_s; /* the floor of bcj2_set_minimum_retry_delay */
};

extern struct timeouts bcj2__timeouts;

#endif
