/* SPDX-License-Identifier: MIT */
/* The address of a socket in a folder whose path may be longer than an address can hold. */
#ifndef BCJ2_OS_LOCAL_PATH_H
#define BCJ2_OS_LOCAL_PATH_H

#include <sys/socket.h>
#include <sys/un.h>
#include <bcj2/status.h>

struct os_local_path {
    struct sockaddr_un address;
    int folder_fd;      /* Linux: the address goes through it */
    char temporary[64]; /* elsewhere: a folder with a symbolic link, "" if none */
};

/* Good until ..._done(). */
bcj2_status bcj2__os_local_path(struct os_local_path *p, const char *folder, const char *name);
void bcj2__os_local_path_done(struct os_local_path *p);

#endif
