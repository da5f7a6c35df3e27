/* SPDX-License-Identifier: MIT */
/* Clocks that a test moves: the library's two clocks, this boot's and the calendar's, run as the real ones
   do but ahead of them by what the test says. The amounts stand in memory that may be shared by processes.
   Moving a clock wakes nobody, as nothing on a real machine does; any change to a job wakes the engine. */
#ifndef BCJ2_TESTS_FAKE_CLOCK_H
#define BCJ2_TESTS_FAKE_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>

struct fake_clock {
    _Atomic int64_t boot_ms; /* how far this boot's clock is ahead */
    _Atomic int64_t wall_ms; /* how far the calendar is ahead */
};

/* From now on; before anything else of the library is used. */
void fake_clock_install(struct fake_clock *clock);
/* Another boot from here on: its name, as no process has seen it yet. Before the library is used. */
void fake_clock_boot(const char *id);

void fake_clock_pass(int64_t seconds);     /* time goes by on both */
void fake_clock_set_wall(int64_t seconds); /* somebody moves the calendar only */
int64_t fake_clock_now_ms(void);
int64_t fake_clock_wall_ms(void); /* since 1970 */

#endif
