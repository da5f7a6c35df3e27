/* SPDX-License-Identifier: MIT */
/* Who we are: user, process, environment. Not here: fork (os_fork.c). */
#include "mem.h"
#include "os.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define PASSWORD_ENTRY_START_BYTES 1024u
#define PASSWORD_ENTRY_MAX_BYTES   (1024u * 1024)

uint32_t bcj2__os_uid(void)
{
    return (uint32_t)geteuid();
}

int64_t bcj2__os_pid(void)
{
    return (int64_t)getpid();
}

const char *bcj2__os_env(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

uint64_t bcj2__os_descriptor_limit(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (uint64_t)limit.rlim_cur : UINT64_MAX;
}

static char *home_of_password_database(void)
{
    for (size_t size = PASSWORD_ENTRY_START_BYTES; size <= PASSWORD_ENTRY_MAX_BYTES; size *= 2) {
        CLEANUP_FREE char *strings = bcj2__mem_alloc(size);
        struct passwd entry, *found = NULL;
        if (strings == NULL) {
            return NULL;
        }
        int error;
        do {
            error = getpwuid_r(geteuid(), &entry, strings, size, &found);
        } while (error == EINTR);
        if (error == ERANGE) {
            continue;
        }
        bool usable =
            error == 0 && found != NULL && found->pw_dir != NULL && found->pw_dir[0] != '\0';
        return usable ? bcj2__mem_strdup(found->pw_dir) : NULL;
    }
    return NULL;
}

char *bcj2__os_home(void)
{
    const char *home = bcj2__os_env("HOME");
    return home != NULL ? bcj2__mem_strdup(home) : home_of_password_database();
}
