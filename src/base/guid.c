/* SPDX-License-Identifier: MIT */
/* See guid.h. */
#include "guid.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sodium.h>

void bcj2__guid_format(const bcj2_guid *g, char text[BCJ2_GUID_TEXT_SIZE])
{
    const uint8_t *d = g->data4;
    (void)snprintf(text, BCJ2_GUID_TEXT_SIZE,
                   "{%08" PRIx32 "-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x}", g->data1,
                   g->data2, g->data3, d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool bcj2__guid_parse(const char *text, bcj2_guid *ret)
{
    size_t length = strlen(text);
    if (length == 38 && text[0] == '{' && text[37] == '}') {
        text++;
    } else if (length != 36) {
        return false;
    }
    uint8_t bytes[16] = {0};
    size_t nibble = 0;
    for (size_t i = 0; i < 36; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-') {
                return false;
            }
            continue;
        }
        int digit = hex_digit(text[i]);
        if (digit < 0) {
            return false;
        }
        bytes[nibble / 2] = (uint8_t)(bytes[nibble / 2] << 4 | digit);
        nibble++;
    }
    ret->data1 =
        (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    ret->data2 = (uint16_t)(bytes[4] << 8 | bytes[5]);
    ret->data3 = (uint16_t)(bytes[6] << 8 | bytes[7]);
    memcpy(ret->data4, bytes + 8, 8);
    return true;
}

bool bcj2__guid_equal(const bcj2_guid *a, const bcj2_guid *b)
{
    return a->data1 == b->data1 && a->data2 == b->data2 && a->data3 == b->data3 &&
           memcmp(a->data4, b->data4, 8) == 0;
}

bcj2_guid bcj2__guid_random(void)
{
    bcj2_guid g = {0};
    /* Any number of times, on any thread; the first use of randombytes alone is not that safe. If it
       fails, randombytes ends the process rather than give numbers that are not random. */
    int ready = sodium_init();
    (void)ready;
    randombytes_buf(&g, sizeof g);
    g.data3 = (uint16_t)((g.data3 & 0x0FFF) | 0x4000);
    g.data4[0] = (uint8_t)((g.data4[0] & 0x3F) | 0x80);
    return g;
}
