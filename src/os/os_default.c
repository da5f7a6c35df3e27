/* SPDX-License-Identifier: MIT */
/* Where the shared queue of a user is if nobody says otherwise. */
#include "os.h"
#include "mem.h"

#ifdef __APPLE__
#define ON_DARWIN true
#else
#define ON_DARWIN false
#endif

char *bcj2__os_default_queue(void)
{
    if (bcj2__os_uid() == 0) {
        return bcj2__mem_strdup("/var/lib/bcj2");
    }
    const char *state = bcj2__os_env("XDG_STATE_HOME");
    if (!ON_DARWIN && state != NULL && state[0] == '/') {
        return bcj2__mem_printf("%s/bcj2", state);
    }
    CLEANUP_FREE char *home = bcj2__os_home();
    if (home == NULL) {
        return NULL;
    }
    return bcj2__mem_printf(
        ON_DARWIN ? "%s/Library/Application Support/bcj2" : "%s/.local/state/bcj2", home);
}
