/* SPDX-License-Identifier: MIT */
/* Makes a system call of the library fail at its kth use, by name. SQLite's: sqlite_fault.h. */
#ifndef BCJ2_TESTS_OS_FAULT_H
#define BCJ2_TESTS_OS_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#define OS_FAULT_COUNTS_ONLY 0 /* an errno value: nothing fails */

struct os_fault_call {
    const char *name;
    int errno_value; /* that fits */
};
extern const struct os_fault_call os_fault_calls[];
extern const size_t os_fault_call_count;

/* Before any other thread uses the library. */
void os_fault_install(void);
/* The kth use from now on (1 is the next) of the call fails once. */
void os_fault_plan(const struct os_fault_call *call, int errno_value, unsigned kth);
/* Ends the plan; has it made anything fail? */
bool os_fault_clear(void);
unsigned os_fault_uses(void); /* since the plan was made */

#endif
