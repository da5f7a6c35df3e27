/* SPDX-License-Identifier: MIT */
/* Whether this build is sanitized: what a process costs then says nothing about the library. */
#ifndef BCJ2_TESTS_SANITIZER_H
#define BCJ2_TESTS_SANITIZER_H

#if defined(__SANITIZE_THREAD__)
#define SANITIZER "ThreadSanitizer"
#define SANITIZER_THREAD
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZER "AddressSanitizer"
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SANITIZER "ThreadSanitizer"
#define SANITIZER_THREAD
#elif __has_feature(address_sanitizer)
#define SANITIZER "AddressSanitizer"
#endif
#endif
#ifndef SANITIZER
#define SANITIZER "" /* none */
#endif

#endif
