/* SPDX-License-Identifier: MIT */
/* The only allocator of the library. Tests can make the n-th allocation fail. Memory is malloc's,
   so a caller's bcj2_free() and ours are the same. */
#ifndef BCJ2_BASE_MEM_H
#define BCJ2_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>
#include "macro.h"

void *bcj2__mem_alloc(size_t size);            /* NULL when there is none; size 0 gives 1 byte */
void *bcj2__mem_calloc(size_t n, size_t size); /* zeroed; NULL also on overflow */
void *bcj2__mem_realloc(void *memory, size_t size);
char *bcj2__mem_strdup(const char *text); /* NULL for NULL */
char *bcj2__mem_strndup(const char *text, size_t length);
char *bcj2__mem_printf(const char *format, ...) PRINTF_LIKE(1, 2);
void bcj2__mem_free(void *memory);
void bcj2__mem_wipe(void *memory, size_t size); /* not optimised away */
void bcj2__mem_free_secret(char *text);         /* wipes the string, then frees it */

/* Tests: the nth allocation from now on (1 = the next) fails once; 0 turns it off. In the whole
   process, all threads counted together. */
void bcj2__mem_fail_at(uint64_t nth);
uint64_t bcj2__mem_fail_left(void); /* 0: it has failed, or is off */

static inline void bcj2__mem_freep(char **p)
{
    bcj2__mem_free(*p);
}
#define CLEANUP_FREE CLEANUP(bcj2__mem_freep)

/* The value of a pointer that passes to somebody else: x is NULL afterwards. */
static inline void *bcj2__mem_take(void *pointer_to_pointer)
{
    void **p = (void **)pointer_to_pointer;
    void *value = *p;
    *p = NULL;
    return value;
}
#define TAKE(x) bcj2__mem_take(&(x))

#endif
