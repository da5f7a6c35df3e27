/* SPDX-License-Identifier: MIT */
/* The file with the key. */
#ifndef BCJ2_SECRETS_KEY_H
#define BCJ2_SECRETS_KEY_H

#include <stdbool.h>
#include <stdint.h>
#include <bcj2/types.h>

#define SECRETS_KEY_BYTES 32

/* Reads the key; missing: made if may_make, else BCJ2_E_DECRYPTION_FAILED. The caller wipes it. */
bcj2_status bcj2__secrets_key(const char *directory, bool may_make,
                              uint8_t ret_key[SECRETS_KEY_BYTES]);

#endif
