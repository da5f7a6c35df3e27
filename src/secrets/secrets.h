/* SPDX-License-Identifier: MIT */
/* Sealing what must not stand in the database in clear: custom headers, passwords. XChaCha20-
   Poly1305 with a random key in the file secret.key beside the database, so that a copy of the
   database alone gives nothing away. What is sealed for one job and purpose opens for no other.

   The key is read each time and wiped after use. It is made, synced and never replaced: without it
   everything sealed is lost. Not here: what is sealed and when it is opened (core/job_http.c). */
#ifndef BCJ2_SECRETS_H
#define BCJ2_SECRETS_H

#include <stddef.h>
#include <stdint.h>
#include <bcj2/types.h>

#define SECRETS_KEY_FILE "secret.key"

/* What a seal is bound to. directory: the queue's; purpose: a constant such as "headers". */
struct secrets_use {
    const char *directory;
    bcj2_guid job;
    const char *purpose;
};

/* Makes the key if there is none: the caller holds a lock that keeps other processes from doing so
   at the same time (the store's transaction). *ret: mem_free.
   BCJ2_OK; BCJ2_E_ACCESSDENIED (the key's file is not ours alone); BCJ2_E_DECRYPTION_FAILED (it is
   damaged); BCJ2_E_DISK_FULL, BCJ2_E_OUTOFMEMORY and others of the system. */
bcj2_status bcj2__secrets_seal(const struct secrets_use *use, const char *text, uint8_t **ret,
                               size_t *ret_size);

/* *ret: bcj2__mem_free_secret().
   BCJ2_OK; BCJ2_E_DECRYPTION_FAILED (the key is missing, damaged or another one, or what is sealed
   was changed); BCJ2_E_ACCESSDENIED; others of the system. */
bcj2_status bcj2__secrets_open(const struct secrets_use *use, const uint8_t *sealed, size_t size,
                               char **ret);

#endif
