/* SPDX-License-Identifier: MIT */
/* Runs the fuzz target it is linked with without a fuzzer: on files given as arguments, else on inputs made
   from a seed, which is printed if BCJ2_TEST_SEED does not name it. The inputs are pieces of good messages
   and of noise, because noise alone never gets far. */
#include "link_frame.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUTS      20000
#define INPUT_BYTES 20000

static uint64_t state;

static uint64_t pick(uint64_t below)
{
    state ^= state << 13; /* xorshift64 */
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static size_t put_message(uint8_t *to)
{
    static const size_t lengths[] = {
        0, 1, 3, 100, LIMIT_LINK_DATA_BYTES - 1, LIMIT_LINK_DATA_BYTES};
    size_t length = lengths[pick(sizeof lengths / sizeof lengths[0])];
    bcj2__link_frame_header(to, (uint16_t)pick(8), pick(UINT64_MAX), length);
    for (size_t i = 0; i < length; i++) {
        to[LINK_FRAME_HEADER_BYTES + i] = (uint8_t)pick(256);
    }
    return LINK_FRAME_HEADER_BYTES + length;
}

static size_t make_input(uint8_t *to)
{
    size_t size = 1;
    to[0] = (uint8_t)pick(256);
    for (uint64_t pieces = pick(6); pieces > 0 && size < INPUT_BYTES - LINK_FRAME_MAX_BYTES;
         pieces--) {
        size_t began = size;
        size += put_message(to + size);
        switch (pick(8)) {
        case 0: /* cut off */
            size = began + (size_t)pick(size - began);
            break;
        case 1: /* one bit of the header is wrong */
            to[began + pick(LINK_FRAME_HEADER_BYTES)] ^= (uint8_t)(1u << pick(8));
            break;
        case 2: /* one byte of noise */
            to[size++] = (uint8_t)pick(256);
            break;
        default:
            break;
        }
    }
    return size;
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
    static uint8_t input[INPUT_BYTES + 1];
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
            size_t size = make_input(input);
            uint8_t *copy = malloc(size); /* exactly as long, so that a byte too far is seen */
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
