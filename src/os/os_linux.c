/* SPDX-License-Identifier: MIT */
/* Linux: see os_platform.h. /proc may be missing (a bare chroot); each use of it has a fallback. */
#include "os_platform.h"
#include "macro.h"
#include "os.h"
#include "os_calls.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

uint64_t bcj2__os_platform_now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The beginning of a file of /proc as a string; false: it cannot be read, or is empty. */
static bool read_proc(const char *path, char *text, size_t size)
{
    int fd;
    REPEAT_INTERRUPTED(fd, bcj2__os_calls.open(path, O_RDONLY | O_CLOEXEC, 0));
    if (fd < 0) {
        return false;
    }
    ssize_t n;
    REPEAT_INTERRUPTED(n, bcj2__os_calls.pread(fd, text, size - 1, 0));
    (void)bcj2__os_calls.close(fd);
    if (n <= 0) {
        return false;
    }
    text[n] = '\0';
    return true;
}

bool bcj2__os_platform_boot_id(char *text, size_t size)
{
    char id[128];
    if (!read_proc("/proc/sys/kernel/random/boot_id", id, sizeof id)) {
        return false;
    }
    size_t length = strcspn(id, "\n");
    if (length == 0 || length >= size) {
        return false;
    }
    memcpy(text, id, length);
    text[length] = '\0';
    return true;
}

int bcj2__os_platform_fallocate(int fd, off_t size)
{
    return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, size);
}

int bcj2__os_platform_fdatasync(int fd)
{
    return fdatasync(fd);
}

int bcj2__os_platform_sync_folder(int fd)
{
    return bcj2__os_calls.fsync(fd);
}

int32_t bcj2__os_platform_mtime_ns(const struct stat *s)
{
    return (int32_t)s->st_mtim.tv_nsec;
}

bool bcj2__os_platform_umask(mode_t *ret)
{
    char text[4096];
    if (!read_proc("/proc/self/status", text, sizeof text)) {
        return false;
    }
    const char *line = strstr(text, "\nUmask:"); /* since Linux 4.7 */
    if (line == NULL) {
        return false;
    }
    line += strlen("\nUmask:");
    line += strspn(line, " \t");
    size_t digits = strspn(line, "01234567");
    if (digits == 0 || digits > 5 || line[digits] != '\n') {
        return false;
    }
    mode_t mask = 0;
    for (size_t i = 0; i < digits; i++) {
        mask = mask * 8 + (mode_t)(line[i] - '0');
    }
    *ret = mask & 0777;
    return true;
}

bool bcj2__os_platform_path_of(int fd, char *text, size_t size)
{
    char link_path[40];
    (void)snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link_path, text, size - 1);
    if (n <= 0) {
        return false;
    }
    text[n] = '\0';
    return true;
}

/* By statfs's f_type. FUSE is none of them: what lies behind it is not told, and most of it is
   local. */
static const struct {
    uint32_t magic;
    const char *name;
} network_file_systems[] = {
    {0x00006969, "nfs"},    {0x0000517B, "smb"},  {0xFF534D42, "cifs"},   {0xFE534D42, "smb"},
    {0x01021997, "9p"},     {0x5346414F, "afs"},  {0x6B414653, "afs"},    {0x0000564C, "ncp"},
    {0x73757245, "coda"},   {0x00C36400, "ceph"}, {0x0BD00BD0, "lustre"}, {0x47504653, "gpfs"},
    {0x786F4256, "vboxsf"},
};

const char *bcj2__os_platform_network_name(const struct statfs *s)
{
    for (size_t i = 0; i < ARRAY_LEN(network_file_systems); i++) {
        if ((uint32_t)s->f_type == network_file_systems[i].magic) {
            return network_file_systems[i].name;
        }
    }
    return NULL;
}

void bcj2__os_platform_words(int errno_value, char *text, size_t size)
{
#ifdef __GLIBC__
    char buffer[128];
    (void)snprintf(text, size, "%s", strerror_r(errno_value, buffer, sizeof buffer));
#else
    if (strerror_r(errno_value, text, size) != 0) {
        (void)snprintf(text, size, "error %d", errno_value);
    }
#endif
}

int bcj2__os_platform_local_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int bcj2__os_platform_accept(int listener, struct sockaddr *ret, socklen_t *ret_size)
{
    return accept4(listener, ret, ret_size, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

int bcj2__os_platform_local_peer(int fd, struct os_local_peer *ret)
{
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        return -1;
    }
    *ret = (struct os_local_peer){.uid = credentials.uid, .pid = credentials.pid};
    return 0;
}

void bcj2__os_platform_name_this_thread(const char *name)
{
    (void)pthread_setname_np(pthread_self(), name);
}

/* CLOCK_BOOTTIME is not accepted here; the caller looks at it after each wait. */
int bcj2__os_platform_cond_init(pthread_cond_t *c)
{
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);
    if (error == 0) {
        (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        error = pthread_cond_init(c, &attributes);
        (void)pthread_condattr_destroy(&attributes);
    }
    return error;
}

void bcj2__os_platform_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, uint64_t milliseconds)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(milliseconds / 1000);
    t.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    (void)pthread_cond_timedwait(c, m, &t);
}
