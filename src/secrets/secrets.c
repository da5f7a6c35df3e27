/* SPDX-License-Identifier: MIT */
/* See secrets.h. A seal is: one byte (the version of this form), the nonce, the encrypted text with
   its tag. The job's id and the purpose are authenticated with it. */
#include "secrets.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sodium.h>
#include "detail.h"
#include "guid.h"
#include "mem.h"
#include "secrets_key.h"

#define VERSION     1
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES   crypto_aead_xchacha20poly1305_ietf_ABYTES
#define OVERHEAD    (1 + NONCE_BYTES + TAG_BYTES)

_Static_assert(SECRETS_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
               "the cipher's key");

/* What is authenticated with the text. */
struct bound {
    char text[96];
    size_t length;
};

static struct bound bound_to(const struct secrets_use *use)
{
    struct bound b;
    char id[BCJ2_GUID_TEXT_SIZE];
    bcj2__guid_format(&use->job, id);
    b.length = (size_t)snprintf(b.text, sizeof b.text, "%s %s", id, use->purpose);
    return b;
}

static bcj2_status prepare(const struct secrets_use *use, bool may_make,
                           uint8_t ret_key[SECRETS_KEY_BYTES])
{
    if (sodium_init() < 0) {
        return bcj2__detail(BCJ2_E_FAIL, "libsodium could not be started");
    }
    return bcj2__secrets_key(use->directory, may_make, ret_key);
}

bcj2_status bcj2__secrets_seal(const struct secrets_use *use, const char *text, uint8_t **ret,
                               size_t *ret_size)
{
    uint8_t key[SECRETS_KEY_BYTES];
    size_t length = strlen(text);
    *ret = NULL;
    *ret_size = 0;
    bcj2_status s = prepare(use, true, key);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    uint8_t *sealed = bcj2__mem_alloc(length + OVERHEAD);
    if (sealed != NULL) {
        const struct bound bound = bound_to(use);
        uint8_t *nonce = sealed + 1;
        sealed[0] = VERSION;
        randombytes_buf(nonce, NONCE_BYTES);
        (void)crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + NONCE_BYTES, NULL,
                                                         (const uint8_t *)text, length,
                                                         (const uint8_t *)bound.text, bound.length,
                                                         NULL, nonce, key);
        *ret = sealed;
        *ret_size = length + OVERHEAD;
    }
    bcj2__mem_wipe(key, sizeof key);
    return sealed == NULL ? bcj2__detail_no_memory() : BCJ2_OK;
}

static bcj2_status not_ours(const struct secrets_use *use)
{
    return bcj2__detail(BCJ2_E_DECRYPTION_FAILED,
                        "the job's %s were sealed with another key than %s/%s, or were changed",
                        use->purpose, use->directory, SECRETS_KEY_FILE);
}

bcj2_status bcj2__secrets_open(const struct secrets_use *use, const uint8_t *sealed, size_t size,
                               char **ret)
{
    uint8_t key[SECRETS_KEY_BYTES];
    *ret = NULL;
    if (size < OVERHEAD || sealed[0] != VERSION) {
        return not_ours(use);
    }
    bcj2_status s = prepare(use, false, key);
    if (BCJ2_FAILED(s)) {
        return s;
    }
    size_t length = size - OVERHEAD;
    char *text = bcj2__mem_calloc(1, length + 1);
    if (text == NULL) {
        s = bcj2__detail_no_memory();
    } else {
        const struct bound bound = bound_to(use);
        const uint8_t *nonce = sealed + 1;
        if (crypto_aead_xchacha20poly1305_ietf_decrypt((uint8_t *)text, NULL, NULL,
                                                       nonce + NONCE_BYTES, length + TAG_BYTES,
                                                       (const uint8_t *)bound.text, bound.length,
                                                       nonce, key) != 0) {
            s = not_ours(use);
        }
    }
    bcj2__mem_wipe(key, sizeof key);
    if (BCJ2_FAILED(s)) {
        bcj2__mem_free(text);
        return s;
    }
    *ret = text;
    return BCJ2_OK;
}
