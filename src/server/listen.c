/* SPDX-License-Identifier: MIT */
/* See listen.h. The port stands in ROOT/BITS-Sessions/port. */
#include "listen.h"
#include "server.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT_FILE "port"
#define PORT_SIZE 8
#define BACKLOG   1024

static void read_port(const struct server *server, char port[PORT_SIZE])
{
    char text[PORT_SIZE] = "";
    uint32_t number = 0;
    int folder = tree_open_below(server->tree.root, TREE_SESSIONS, false);
    int fd = folder < 0 ? -1 : openat(folder, PORT_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t length = tree_pread(fd, text, sizeof text - 1, 0);
        text[length < 0 ? 0 : length] = '\0';
        (void)close(fd);
    }
    if (folder >= 0) {
        (void)close(folder);
    }
    (void)snprintf(port, PORT_SIZE, "%s",
                   bcj2__str_parse_u32(text, &number) && number <= 65535 ? text : "0");
}

static void write_port(const struct server *server, const char *port)
{
    int folder = tree_open_below(server->tree.root, TREE_SESSIONS, true);
    if (folder < 0 || tree_replace_file(folder, PORT_FILE, port, strlen(port), false) != 0) {
        event(&server->log, "error the port cannot be kept: %s", strerror(errno));
    }
    if (folder >= 0) {
        (void)close(folder);
    }
}

/* errno is kept. */
static int open_address(const struct addrinfo *address)
{
    int yes = 1;
    int fd = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
    if (fd < 0) {
        return -1;
    }
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int error = errno;
        (void)close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static int open_port(const char *host, const char *port, char problem[256])
{
    struct addrinfo *list = NULL;
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    int result = getaddrinfo(host, port, &hints, &list), fd = -1;
    if (result != 0) {
        (void)snprintf(problem, 256, "%.100s: %s", host, gai_strerror(result));
        return -1;
    }
    for (const struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
        fd = open_address(a);
    }
    if (fd < 0) {
        (void)snprintf(problem, 256, "cannot listen on %.100s port %s: %s", host, port,
                       strerror(errno));
    }
    freeaddrinfo(list);
    return fd;
}

int listen_open(const struct server *server, char url[128], char problem[256])
{
    const struct config *config = &server->config;
    char port[PORT_SIZE] = "", host[64] = "", bound[PORT_SIZE] = "";
    bool any = strcmp(config->port, "0") == 0;
    int fd = -1;
    if (any) {
        read_port(server, port);
        fd = open_port(config->host, port, problem); /* taken meanwhile: another one */
    }
    if (fd < 0) {
        fd = open_port(config->host, config->port, problem);
    }
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (fd < 0 || getsockname(fd, (struct sockaddr *)&address, &length) != 0 ||
        getnameinfo((struct sockaddr *)&address, length, host, sizeof host, bound, sizeof bound,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return -1;
    }
    bool v6 = address.ss_family == AF_INET6;
    (void)snprintf(url, 128, "http://%s%s%s:%s/", v6 ? "[" : "", host, v6 ? "]" : "", bound);
    if (any && strcmp(bound, port) != 0) {
        write_port(server, bound);
    }
    return fd;
}
