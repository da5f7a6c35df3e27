/* SPDX-License-Identifier: MIT */
/* Runs the fuzz target it is linked with without a fuzzer: on files given as arguments, else on inputs made
   from a seed, which is printed if BCJ2_TEST_SEED does not name it. Not here: what the inputs of a target
   look like (seeds_*.c). */
#include "seeded.h"
#include "macro.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUTS 20000

static uint64_t state;

uint64_t seeded_pick(uint64_t below)
{
    state ^= state << 13; /* xorshift64 */
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static int run_file(const char *path)
{
    static uint8_t bytes[1 << 20];
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        return EXIT_FAILURE;
    }
    size_t size = fread(bytes, 1, sizeof bytes, f);
    (void)fclose(f);
    (void)LLVMFuzzerTestOneInput(bytes, size);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static uint8_t input[SEEDED_INPUT_BYTES];
    const char *given = getenv("BCJ2_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    for (int i = 1; i < argc; i++) {
        if (run_file(argv[i]) != EXIT_SUCCESS) {
            return EXIT_FAILURE;
        }
    }
    if (argc == 1) {
        printf("BCJ2_TEST_SEED=%" PRIu64 "\n", seed);
        (void)fflush(stdout);
        state = seed * 2 + 1;
        for (int i = 0; i < INPUTS; i++) {
            size_t size = seeded_make_input(input);
            uint8_t *copy =
                malloc(MAX(size, 1u)); /* exactly as long, so that a byte too far is seen */
            if (copy == NULL) {
                return EXIT_FAILURE;
            }
            memcpy(copy, input, size);
            (void)LLVMFuzzerTestOneInput(copy, size);
            free(copy);
        }
    }
    return EXIT_SUCCESS;
}
