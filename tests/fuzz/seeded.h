/* SPDX-License-Identifier: MIT */
/* Between seeded.c, which runs a fuzz target without a fuzzer, and the file that makes inputs for one
   target: noise alone never gets far. */
#ifndef BCJ2_TESTS_SEEDED_H
#define BCJ2_TESTS_SEEDED_H

#include <stddef.h>
#include <stdint.h>

#define SEEDED_INPUT_BYTES 20000

/* A number from 0 to below - 1. */
uint64_t seeded_pick(uint64_t below);
/* One input, of at most SEEDED_INPUT_BYTES; returns its size. */
size_t seeded_make_input(uint8_t *to);

#endif
