/* SPDX-License-Identifier: MIT */
/* What every exported function does first: pointers, struct sizes, is the manager still open. The rules
   of the calls are in core. */
#ifndef BCJ2_API_API_H
#define BCJ2_API_API_H

#include <bcj2/bcj2.h>
#include "core.h"
#include "detail.h"
#include "job.h"

struct bcj2_manager {
    struct core *core;
};

#define REQUIRE(pointer)                                                                  \
    do {                                                                                  \
        if ((pointer) == NULL) {                                                          \
            return bcj2__detail(BCJ2_E_INVALIDARG, "%s: %s is NULL", __func__, #pointer); \
        }                                                                                 \
    } while (0)

/* A pointer that is handed out: it is NULL when the call fails, whatever stood there. */
#define REQUIRE_OUT(pointer) \
    do {                     \
        REQUIRE(pointer);    \
        *(pointer) = NULL;   \
    } while (0)

/* struct_size of a struct that a caller hands in: not smaller than in the first release. */
#define REQUIRE_SIZE(pointer, first_release_size)                                               \
    do {                                                                                        \
        if ((pointer)->struct_size < (first_release_size)) {                                    \
            return bcj2__detail(BCJ2_E_INVALIDARG, "%s: struct_size of %s is %u, less than %u", \
                                __func__, #pointer, (unsigned)(pointer)->struct_size,           \
                                (unsigned)(first_release_size));                                \
        }                                                                                       \
    } while (0)

/* Forwards a call on a handle between enter and leave. */
#define FORWARD(handle, call)                          \
    do {                                               \
        struct core *core_ = (handle)->core;           \
        bcj2_status status_ = bcj2__core_enter(core_); \
        if (BCJ2_SUCCEEDED(status_)) {                 \
            status_ = (call);                          \
            bcj2__core_leave(core_);                   \
        }                                              \
        return status_;                                \
    } while (0)

/* Copies what a caller's struct has room for, its struct_size left alone. */
void bcj2__api_copy_out(void *to, const void *from, size_t from_size);
/* A string for the caller; BCJ2_E_OUTOFMEMORY. */
bcj2_status bcj2__api_copy_text(const char *text, char **ret);

#endif
