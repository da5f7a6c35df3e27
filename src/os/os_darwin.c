/* SPDX-License-Identifier: MIT */
/* macOS: see os_platform.h. */
#include "os_platform.h"
#include "macro.h"
#include "os.h"
#include "os_calls.h"
#include "os_fail.h"

#include <fcntl.h>
#include <mach/mach_time.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysctl.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

uint64_t bcj2__os_platform_now_ms(void)
{
    mach_timebase_info_data_t base;
    (void)mach_timebase_info(&base);
    uint64_t ticks = mach_continuous_time();
    /* in two parts: ticks * numer alone overflows after some months */
    uint64_t nanoseconds =
        ticks / base.denom * base.numer + ticks % base.denom * base.numer / base.denom;
    return nanoseconds / 1000000;
}

bool bcj2__os_platform_boot_id(char *text, size_t size)
{
    char id[128];
    size_t length = sizeof id;
    if (sysctlbyname("kern.bootsessionuuid", id, &length, NULL, 0) != 0 || length < 2 ||
        length > size) {
        return false;
    }
    memcpy(text, id, length);
    text[length - 1] = '\0';
    return true;
}

/* F_PREALLOCATE counts from what is allocated already. */
int bcj2__os_platform_fallocate(int fd, off_t size)
{
    struct stat s;
    if (fstat(fd, &s) != 0) {
        return -1;
    }
    off_t allocated = (off_t)s.st_blocks * 512;
    if (size <= allocated) {
        return 0;
    }
    fstore_t store = {
        .fst_flags = F_ALLOCATEALL,
        .fst_posmode = F_PEOFPOSMODE,
        .fst_offset = 0,
        .fst_length = size - allocated,
    };
    return fcntl(fd, F_PREALLOCATE, &store) == -1 ? -1 : 0;
}

/* fsync alone leaves the data in the disk's own cache. */
int bcj2__os_platform_fdatasync(int fd)
{
    return fcntl(fd, F_FULLFSYNC) == -1 ? -1 : 0;
}

int bcj2__os_platform_sync_folder(int fd)
{
    int result = bcj2__os_calls.fdatasync(fd);
    if (result != 0 && bcj2__os_unsupported(errno)) {
        result = bcj2__os_calls.fsync(fd);
    }
    return result;
}

int32_t bcj2__os_platform_mtime_ns(const struct stat *s)
{
    return (int32_t)s->st_mtimespec.tv_nsec;
}

bool bcj2__os_platform_umask(mode_t *ret)
{
    (void)ret;
    return false;
}

bool bcj2__os_platform_path_of(int fd, char *text, size_t size)
{
    char path[MAXPATHLEN];
    if (fcntl(fd, F_GETPATH, path) == -1) {
        return false;
    }
    (void)snprintf(text, size, "%s", path);
    return true;
}

static const struct {
    const char *type, *name;
} network_file_systems[] = {
    {"nfs", "nfs"},       {"smbfs", "smb"}, {"cifs", "cifs"}, {"afpfs", "afp"},
    {"webdav", "webdav"}, {"ftp", "ftp"},   {"9p", "9p"},     {"afs", "afs"},
};

const char *bcj2__os_platform_network_name(const struct statfs *s)
{
    for (size_t i = 0; i < ARRAY_LEN(network_file_systems); i++) {
        if (strcmp(s->f_fstypename, network_file_systems[i].type) == 0) {
            return network_file_systems[i].name;
        }
    }
    return NULL;
}

void bcj2__os_platform_words(int errno_value, char *text, size_t size)
{
    if (strerror_r(errno_value, text, size) != 0) {
        (void)snprintf(text, size, "error %d", errno_value);
    }
}

/* Flags and options that other systems take at the making of a socket; fd < 0 is passed on. */
static int tame(int fd)
{
    int yes = 1;
    if (fd < 0 || (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
                   setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &yes, sizeof yes) == 0)) {
        return fd;
    }
    int error = errno;
    (void)close(fd);
    /* of a connection that ended already: nothing that the listener should suffer for */
    errno = error == EINVAL ? ECONNABORTED : error;
    return -1;
}

int bcj2__os_platform_local_socket(void)
{
    return tame(socket(AF_UNIX, SOCK_STREAM, 0));
}

int bcj2__os_platform_accept(int listener, struct sockaddr *ret, socklen_t *ret_size)
{
    return tame(accept(listener, ret, ret_size));
}

int bcj2__os_platform_local_peer(int fd, struct os_local_peer *ret)
{
    uid_t uid;
    gid_t gid;
    if (getpeereid(fd, &uid, &gid) != 0) {
        return -1;
    }
    pid_t pid = 0;
    socklen_t size = sizeof pid;
    if (getsockopt(fd, SOL_LOCAL, LOCAL_PEERPID, &pid, &size) != 0) {
        pid = 0;
    }
    *ret = (struct os_local_peer){.uid = uid, .pid = pid};
    return 0;
}

void bcj2__os_platform_name_this_thread(const char *name)
{
    (void)pthread_setname_np(name);
}

int bcj2__os_platform_cond_init(pthread_cond_t *c)
{
    return pthread_cond_init(c, NULL);
}

/* A condition cannot be told its clock here, but a relative wait runs on one that nobody sets. */
void bcj2__os_platform_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, uint64_t milliseconds)
{
    struct timespec t = {
        .tv_sec = (time_t)(milliseconds / 1000),
        .tv_nsec = (long)(milliseconds % 1000) * 1000000,
    };
    (void)pthread_cond_timedwait_relative_np(c, m, &t);
}
