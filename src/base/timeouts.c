/* SPDX-License-Identifier: MIT */
/* The defaults (wire-protocol 2.5, 4.1). */
#include "timeouts.h"
#include "limit.h"

struct timeouts bcj2__timeouts = {
    .connect_ms = 120000,
    .send_stall_ms = 120000,
    .response_ms = 300000,
    .last_response_ms = 330000,
    .receive_stall_ms = 300000,
    .close_farewell_ms = 2000,
    .writer_lock_ms = 10000,
    .store_rest_ms = 5000,
    .link_stall_ms = 5000,
    .host_rest_ms = 10000,
    .retry_delay_min_s = LIMIT_RETRY_DELAY_MIN_S,
};
