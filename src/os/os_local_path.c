/* SPDX-License-Identifier: MIT */
/* See os_local_path.h. An address holds 103 to 107 bytes. Linux goes through /proc by a descriptor of the
   folder; where that cannot be, a symbolic link with a short name stands for the folder meanwhile. */
#include "os_local_path.h"
#include "detail.h"
#include "os.h"
#include "os_calls.h"
#include "os_fail.h"
#include "os_fork.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINK_NAME "q"

/* false: it is too long */
static bool put(struct os_local_path *p, const char *folder, const char *name)
{
    size_t size = sizeof p->address.sun_path;
    int length = snprintf(p->address.sun_path, size, "%s/%s", folder, name);
    return length > 0 && (size_t)length < size;
}

#ifdef __linux__
/* BCJ2_S_FALSE: there is no /proc. */
static bcj2_status by_descriptor(struct os_local_path *p, const char *folder, const char *name)
{
    char link[40];
    bcj2_status status = bcj2__os_fork_hold();
    if (status != BCJ2_OK) {
        return status;
    }
    int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    REPEAT_INTERRUPTED(p->folder_fd, bcj2__os_calls.open(folder, flags, 0));
    status = p->folder_fd < 0 ? bcj2__os_fail(errno, "opening the folder %s", folder)
                              : bcj2__os_fork_own(&p->folder_fd);
    bcj2__os_fork_release();
    if (status != BCJ2_OK) {
        return status;
    }
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", p->folder_fd);
    struct os_stat st = {0};
    status = bcj2__os_stat(link, true, &st);
    if (status == BCJ2_OK && st.is_directory && put(p, link, name)) {
        return BCJ2_OK;
    }
    bcj2__os_close_own(p->folder_fd);
    p->folder_fd = -1;
    return BCJ2_S_FALSE;
}
#else
static bcj2_status by_descriptor(struct os_local_path *p, const char *folder, const char *name)
{
    return BCJ2_S_FALSE;
}
#endif

static void remove_temporary(struct os_local_path *p)
{
    char link[sizeof p->temporary + sizeof LINK_NAME];
    if (p->temporary[0] != '\0') {
        (void)snprintf(link, sizeof link, "%s/" LINK_NAME, p->temporary);
        (void)bcj2__os_unlink(link);
        (void)rmdir(p->temporary);
        p->temporary[0] = '\0';
    }
}

/* In a folder made just now and open to nobody else, so that the link is ours. */
static bcj2_status by_link(struct os_local_path *p, const char *base, const char *folder,
                           const char *name)
{
    char link[sizeof p->temporary + sizeof LINK_NAME];
    int length = snprintf(p->temporary, sizeof p->temporary, "%s/bcj2-XXXXXX", base);
    if (length < 0 || (size_t)length >= sizeof p->temporary) {
        p->temporary[0] = '\0';
        return bcj2__detail(BCJ2_E_FILENAME_EXCED_RANGE, "the name of the folder %s is too long",
                            base);
    }
    if (mkdtemp(p->temporary) == NULL) {
        p->temporary[0] = '\0';
        return bcj2__os_fail(errno, "making a folder in %s", base);
    }
    (void)snprintf(link, sizeof link, "%s/" LINK_NAME, p->temporary);
    if (symlink(folder, link) != 0) {
        bcj2_status status = bcj2__os_fail(errno, "linking %s to %s", link, folder);
        remove_temporary(p);
        return status;
    }
    if (!put(p, link, name)) {
        remove_temporary(p);
        return bcj2__detail(BCJ2_E_FILENAME_EXCED_RANGE, "the name %s is too long", name);
    }
    return BCJ2_OK;
}

bcj2_status bcj2__os_local_path(struct os_local_path *p, const char *folder, const char *name)
{
    memset(p, 0, sizeof *p);
    p->address.sun_family = AF_UNIX;
    p->folder_fd = -1;
    if (put(p, folder, name)) {
        return BCJ2_OK;
    }
    bcj2_status status = by_descriptor(p, folder, name);
    if (status != BCJ2_S_FALSE) {
        return status;
    }
    const char *base = bcj2__os_env("TMPDIR");
    status = base == NULL ? BCJ2_S_FALSE : by_link(p, base, folder, name);
    return status == BCJ2_OK ? BCJ2_OK : by_link(p, "/tmp", folder, name);
}

void bcj2__os_local_path_done(struct os_local_path *p)
{
    bcj2__os_close_own(p->folder_fd);
    p->folder_fd = -1;
    remove_temporary(p);
}
