/* SPDX-License-Identifier: MIT */
/* secrets: what is sealed opens for the same job and purpose with the same key, and for nothing else;
   the key's file is made once and for its owner only. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "os_scratch.h"

#include "detail.h"
#include "guid.h"
#include "macro.h"
#include "mem.h"
#include "secrets.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT "Authorization: Bearer 0123456789\r\n"

static struct secrets_use use;
static uint8_t *sealed;
static size_t sealed_size;

static void seal(const char *text)
{
    bcj2__mem_free(sealed);
    assert_status(bcj2__secrets_seal(&use, text, &sealed, &sealed_size), BCJ2_OK);
}

static void start(void)
{
    scratch_make();
    sealed = NULL;
    use = (struct secrets_use){scratch, bcj2__guid_random(), "custom headers"};
    seal(TEXT);
}

static void stop(void)
{
    bcj2__mem_free(sealed);
    scratch_remove();
}

static void refused(const struct secrets_use *by, bcj2_status expected, const char *detail)
{
    char *text = (char *)(uintptr_t) "untouched";
    assert_status(bcj2__secrets_open(by, sealed, sealed_size, &text), expected);
    ck_assert_ptr_null(text);
    ck_assert_msg(strstr(bcj2__detail_get(), detail) != NULL, "%s", bcj2__detail_get());
    ck_assert_ptr_null(strstr(bcj2__detail_get(), "Bearer"));
}

static void opens_to(const char *expected)
{
    char *text = NULL;
    assert_status(bcj2__secrets_open(&use, sealed, sealed_size, &text), BCJ2_OK);
    ck_assert_str_eq(text, expected);
    bcj2__mem_free_secret(text);
}

START_TEST(a_seal_opens)
{
    opens_to(TEXT);
    ck_assert_ptr_null(memmem(sealed, sealed_size, "Bearer", 6));
    uint8_t *first = sealed;
    size_t first_size = sealed_size;
    sealed = NULL;
    seal(TEXT); /* another nonce each time */
    ck_assert_uint_eq(sealed_size, first_size);
    ck_assert_mem_ne(sealed, first, first_size);
    bcj2__mem_free(first);
    opens_to(TEXT);
    seal("");
    opens_to("");
    char *large = malloc(65537 * 4);
    memset(large, 'x', 65537 * 4 - 1);
    large[65537 * 4 - 1] = '\0';
    seal(large);
    opens_to(large);
    free(large);
}
END_TEST

START_TEST(a_seal_is_for_one_job_and_purpose)
{
    struct secrets_use other = use;
    other.job = bcj2__guid_random();
    refused(&other, BCJ2_E_DECRYPTION_FAILED, "another key");
    other = use;
    other.purpose = "key password";
    refused(&other, BCJ2_E_DECRYPTION_FAILED, "key password");
}
END_TEST

START_TEST(a_seal_that_was_changed_does_not_open)
{
    for (size_t i = 0; i < sealed_size; i++) {
        sealed[i] ^= 1;
        refused(&use, BCJ2_E_DECRYPTION_FAILED, "changed");
        sealed[i] ^= 1;
    }
    size_t whole = sealed_size;
    for (sealed_size = 0; sealed_size < whole; sealed_size++) {
        refused(&use, BCJ2_E_DECRYPTION_FAILED, "changed");
    }
    opens_to(TEXT);
}
END_TEST

static void overwrite_key(const void *data, size_t size)
{
    int fd = open(in_scratch(SECRETS_KEY_FILE), O_WRONLY | O_TRUNC | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
    ck_assert_int_eq(close(fd), 0);
}

START_TEST(a_key_that_is_not_ours)
{
    static const char another[40] = "bcj2key1 another key of 32 bytes";
    const char *path = in_scratch(SECRETS_KEY_FILE);
    uint8_t *none = NULL;
    size_t size = 1;
    ck_assert_int_eq(rename(path, in_scratch("kept")), 0);
    refused(&use, BCJ2_E_DECRYPTION_FAILED, "missing");
    ck_assert_int_ne(access(path, F_OK), 0); /* opening makes none */
    overwrite_key(another, sizeof another);
    refused(&use, BCJ2_E_DECRYPTION_FAILED, "another key");
    overwrite_key("short", 5);
    refused(&use, BCJ2_E_DECRYPTION_FAILED, "5 bytes");
    assert_status(bcj2__secrets_seal(&use, TEXT, &none, &size), BCJ2_E_DECRYPTION_FAILED);
    ck_assert_ptr_null(none);
    ck_assert_uint_eq(size, 0);
    overwrite_key("forty bytes, and not the mark of a key..", 40);
    refused(&use, BCJ2_E_DECRYPTION_FAILED, "no key");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(symlink("kept", path), 0);
    refused(&use, BCJ2_E_ACCESSDENIED, "symbolic link");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rename(in_scratch("kept"), path), 0);
    ck_assert_int_eq(chmod(path, 0640), 0);
    refused(&use, BCJ2_E_ACCESSDENIED, "0640");
    ck_assert_int_eq(chmod(path, 0600), 0);
    opens_to(TEXT);
}
END_TEST

START_TEST(the_key_is_made_once)
{
    struct stat before, after;
    const char *path = in_scratch(SECRETS_KEY_FILE);
    ck_assert_int_eq(stat(path, &before), 0);
    ck_assert_uint_eq(before.st_mode & 07777, 0600);
    ck_assert_int_eq(before.st_size, 40);
    ck_assert_uint_eq(before.st_nlink, 1);
    seal(TEXT);
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_uint_eq(after.st_ino, before.st_ino);
    /* a process was killed between the link and the unlink of the first name */
    ck_assert_int_eq(link(path, in_scratch("secret.key.new")), 0);
    opens_to(TEXT);
    ck_assert_int_ne(access(in_scratch("secret.key.new"), F_OK), 0);
    /* or before the link */
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(close(open(in_scratch("secret.key.new"), O_CREAT | O_WRONLY, 0600)), 0);
    uint8_t *before_it = sealed;
    size_t before_it_size = sealed_size;
    sealed = NULL;
    seal(TEXT);
    opens_to(TEXT);
    ck_assert_int_ne(access(in_scratch("secret.key.new"), F_OK), 0);
    /* no two keys are the same */
    bcj2__mem_free(sealed);
    sealed = before_it;
    sealed_size = before_it_size;
    refused(&use, BCJ2_E_DECRYPTION_FAILED, "another key");
}
END_TEST

START_TEST(no_memory_is_survived)
{
    for (uint64_t nth = 1; nth < 20; nth++) {
        uint8_t *data = NULL;
        size_t size = 0;
        char *text = NULL;
        bcj2__mem_fail_at(nth);
        bcj2_status s = bcj2__secrets_seal(&use, TEXT, &data, &size);
        ck_assert(s == BCJ2_OK || s == BCJ2_E_OUTOFMEMORY);
        bcj2__mem_free(data);
        bcj2__mem_fail_at(nth);
        s = bcj2__secrets_open(&use, sealed, sealed_size, &text);
        ck_assert(s == BCJ2_OK || s == BCJ2_E_OUTOFMEMORY);
        bcj2__mem_free_secret(text);
        bcj2__mem_fail_at(0);
    }
}
END_TEST

static void add_cases(Suite *suite)
{
    TCase *tc = suite_case(suite, "seals", 20);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, a_seal_opens);
    tcase_add_test(tc, a_seal_is_for_one_job_and_purpose);
    tcase_add_test(tc, a_seal_that_was_changed_does_not_open);
    tcase_add_test(tc, a_key_that_is_not_ours);
    tcase_add_test(tc, the_key_is_made_once);
    tcase_add_test(tc, no_memory_is_survived);
}

SUITE_MAIN("secrets", add_cases)
