/* SPDX-License-Identifier: MIT */
/* malloc and its kin, with a counter that lets tests fail the n-th call. */
#include "mem.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>

static _Atomic uint64_t fail_left;

void bcj2__mem_fail_at(uint64_t nth)
{
    atomic_store(&fail_left, nth);
}

uint64_t bcj2__mem_fail_left(void)
{
    return atomic_load(&fail_left);
}

/* True when this allocation is the one to fail. */
static int fails_now(void)
{
    uint64_t left = atomic_load_explicit(&fail_left, memory_order_relaxed);
    while (left != 0) {
        if (atomic_compare_exchange_weak(&fail_left, &left, left - 1)) {
            return left == 1;
        }
    }
    return 0;
}

void *bcj2__mem_alloc(size_t size)
{
    return fails_now() ? NULL : malloc(size == 0 ? 1 : size);
}

void *bcj2__mem_calloc(size_t n, size_t size)
{
    return fails_now() ? NULL : calloc(n == 0 ? 1 : n, size == 0 ? 1 : size);
}

void *bcj2__mem_realloc(void *memory, size_t size)
{
    return fails_now() ? NULL : realloc(memory, size == 0 ? 1 : size);
}

char *bcj2__mem_strndup(const char *text, size_t length)
{
    char *copy = bcj2__mem_alloc(length + 1);
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

char *bcj2__mem_strdup(const char *text)
{
    return text == NULL ? NULL : bcj2__mem_strndup(text, strlen(text));
}

char *bcj2__mem_printf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) {
        return NULL;
    }
    char *text = bcj2__mem_alloc((size_t)length + 1);
    if (text != NULL) {
        va_start(args, format);
        (void)vsnprintf(text, (size_t)length + 1, format, args);
        va_end(args);
    }
    return text;
}

void bcj2__mem_free(void *memory)
{
    free(memory);
}

void bcj2__mem_wipe(void *memory, size_t size)
{
    sodium_memzero(memory, size);
}

void bcj2__mem_free_secret(char *text)
{
    if (text != NULL) {
        bcj2__mem_wipe(text, strlen(text));
        free(text);
    }
}
