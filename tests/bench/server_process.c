/* SPDX-License-Identifier: MIT */
/* See server_process.h. */
#include "server_process.h"
#include "../support/folder.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_ARGUMENTS 12

static void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void beside(char to[FOLDER_PATH_SIZE], const char *root, const char *ending)
{
    if (snprintf(to, FOLDER_PATH_SIZE, "%s.%s", root, ending) >= FOLDER_PATH_SIZE) {
        fail(root);
    }
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) == EOF || fclose(file) != 0) {
        fail(path);
    }
}

static _Noreturn void be_server(int out, const char *const *arguments)
{
    if (dup2(out, STDOUT_FILENO) >= 0) {
        (void)execv(arguments[0], (char *const *)(uintptr_t)arguments);
    }
    perror(arguments[0]);
    _exit(127);
}

/* "listening on URL" is its first line. */
static void read_url(int in, char url[64])
{
    static const char start[] = "listening on ";
    char line[128] = "";
    size_t length = 0;
    while (length + 1 < sizeof line && read(in, line + length, 1) == 1 && line[length] != '\n') {
        length++;
    }
    line[length] = '\0';
    if (strncmp(line, start, sizeof start - 1) != 0 || length - (sizeof start - 1) >= 64) {
        (void)fprintf(stderr, "bcj2-server said \"%s\"\n", line);
        exit(EXIT_FAILURE);
    }
    (void)memcpy(url, line + sizeof start - 1, length - (sizeof start - 1) + 1);
}

struct server_process server_process_start(const char *root, const char *application,
                                           const char *configuration)
{
    struct server_process server = {0};
    char log[FOLDER_PATH_SIZE], configured[FOLDER_PATH_SIZE];
    const char *arguments[MOST_ARGUMENTS] = {getenv("BCJ2_SERVER"), "--root", root, "--log", log};
    size_t count = 5;
    int out[2];
    if (arguments[0] == NULL) {
        (void)fprintf(stderr, "BCJ2_SERVER must name the program\n");
        exit(EXIT_FAILURE);
    }
    beside(log, root, "log");
    if (application != NULL) {
        arguments[count++] = "--app-exec";
        arguments[count++] = application;
    }
    if (configuration != NULL) {
        beside(configured, root, "json");
        write_text(configured, configuration);
        arguments[count++] = "--config";
        arguments[count++] = configured;
    }
    if (pipe(out) != 0 || (server.pid = fork()) < 0) {
        fail("starting bcj2-server");
    }
    if (server.pid == 0) {
        be_server(out[1], arguments);
    }
    (void)close(out[1]);
    read_url(out[0], server.url);
    (void)close(out[0]);
    return server;
}

void server_process_stop(struct server_process *server)
{
    int status = 0;
    if (kill(server->pid, SIGTERM) != 0 || waitpid(server->pid, &status, 0) != server->pid) {
        fail("stopping bcj2-server");
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        (void)fprintf(stderr, "bcj2-server ended with 0x%x\n", (unsigned)status);
        exit(EXIT_FAILURE);
    }
}
