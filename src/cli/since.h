/* SPDX-License-Identifier: MIT */
/* How long something took, and how long to rest after it. */
#ifndef BCJ2_CLI_SINCE_H
#define BCJ2_CLI_SINCE_H

#include <stdint.h>

/* A clock that goes on evenly. */
uint64_t since_now_ms(void);
/* A rest after work that began then and ends now, so that no more than a fifth of the time goes into
   it; 5 s at most. */
unsigned since_rest_ms(uint64_t began_ms);

#endif
