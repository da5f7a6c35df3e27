/* SPDX-License-Identifier: MIT */
/* See since.h. */
#include "since.h"

#include <time.h>

#define REST_TIMES   4u
#define REST_MOST_MS 5000u

uint64_t since_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

unsigned since_rest_ms(uint64_t began_ms)
{
    uint64_t rest = (since_now_ms() - began_ms) * REST_TIMES;
    return rest < REST_MOST_MS ? (unsigned)rest : REST_MOST_MS;
}
