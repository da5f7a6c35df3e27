/* SPDX-License-Identifier: MIT */
/* What a forked child must know: that it is one, and which descriptors it has to let go of. A flock
   belongs to the open file, so it lives on as long as any process has it open.

   The handler runs in the child between fork() and its return, where only async-signal-safe calls
   are allowed: hence an array of atomics and no lock. */
#include "detail.h"
#include "os.h"
#include "os_calls.h"

#include <pthread.h>
#include <stdatomic.h>

static _Atomic uint32_t generation;
static _Atomic int to_close[OS_CLOSE_IN_CHILD_MAX]; /* descriptor + 1; 0: free */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int handler_error; /* errno value of pthread_atfork */

static void in_child(void)
{
    atomic_fetch_add(&generation, 1);
    for (size_t i = 0; i < OS_CLOSE_IN_CHILD_MAX; i++) {
        int fd = atomic_exchange(&to_close[i], 0) - 1;
        if (fd >= 0) {
            (void)bcj2__os_calls.close(fd);
        }
    }
}

static void set_handler(void)
{
    handler_error = pthread_atfork(NULL, NULL, in_child);
}

uint32_t bcj2__os_fork_generation(void)
{
    (void)pthread_once(&once, set_handler);
    return atomic_load(&generation);
}

bcj2_status bcj2__os_close_in_child(int fd)
{
    (void)pthread_once(&once, set_handler);
    if (handler_error != 0) {
        return bcj2__detail_no_memory();
    }
    for (size_t i = 0; i < OS_CLOSE_IN_CHILD_MAX; i++) {
        int expected = 0;
        if (atomic_compare_exchange_strong(&to_close[i], &expected, fd + 1)) {
            return BCJ2_OK;
        }
    }
    return bcj2__detail(BCJ2_E_OUTOFMEMORY,
                        "%d descriptors are to be closed in forked children, the limit is %d",
                        OS_CLOSE_IN_CHILD_MAX + 1, OS_CLOSE_IN_CHILD_MAX);
}

void bcj2__os_close_in_child_no_more(int fd)
{
    for (size_t i = 0; i < OS_CLOSE_IN_CHILD_MAX; i++) {
        int expected = fd + 1;
        if (fd >= 0 && atomic_compare_exchange_strong(&to_close[i], &expected, 0)) {
            return;
        }
    }
}
