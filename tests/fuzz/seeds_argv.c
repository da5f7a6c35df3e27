/* SPDX-License-Identifier: MIT */
/* Inputs for fuzz_argv: mostly the few characters that mean something, in runs, with a NUL between arguments
   now and then. Most are short; some are as long as the parameters of a job may be. */
#include "limit.h"
#include "macro.h"
#include "seeded.h"

size_t seeded_make_input(uint8_t *to)
{
    static const char special[] = "\"\"\"\\\\\\  \ta\n";
    size_t most = seeded_pick(50) == 0 ? LIMIT_NOTIFY_PARAMETERS_BYTES : 40;
    size_t size = (size_t)seeded_pick(most + 1);
    for (size_t i = 0; i < size;) {
        uint8_t c = (uint8_t)special[seeded_pick(sizeof special)]; /* its NUL too */
        if (seeded_pick(8) == 0) {
            c = (uint8_t)seeded_pick(256);
        }
        for (uint64_t run = c == '\\' ? seeded_pick(6) + 1 : 1; run > 0 && i < size; run--) {
            to[i++] = c;
        }
    }
    return size;
}
