/* SPDX-License-Identifier: MIT */
/* Makes SQLite's own calls fail: the system calls that it lets one replace, and syncing, through a VFS
   that is the usual one but for that. The library's other calls: os_syscall.h. Whole process, any
   thread. */
#ifndef BCJ2_TESTS_SQLITE_FAULT_H
#define BCJ2_TESTS_SQLITE_FAULT_H

#include <stdbool.h>

enum sqlite_call {
    SQLITE_CALL_OPEN,
    SQLITE_CALL_READ,
    SQLITE_CALL_WRITE,
    SQLITE_CALL_TRUNCATE,
    SQLITE_CALL_UNLINK,
    SQLITE_CALL_MAP, /* the shared memory of the write-ahead log */
    SQLITE_CALL_SYNC,
    SQLITE_CALLS,
};

const char *sqlite_fault_name(enum sqlite_call call);
/* Before SQLite is first used. Again: does nothing. */
void sqlite_fault_install(void);
/* From the kth use on (1 is the next), `times` uses fail with that errno. */
void sqlite_fault_plan(enum sqlite_call call, int errno_value, unsigned kth, unsigned times);
/* Ends the plan; has it made anything fail? */
bool sqlite_fault_clear(void);
/* Uses since the plan was made. */
unsigned sqlite_fault_uses(void);

#endif
