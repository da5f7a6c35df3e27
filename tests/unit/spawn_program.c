/* SPDX-License-Identifier: MIT */
/* A program for the tests of starting one (spawn_rig.h). What it does is its first argument:
     report FILE …  writes into FILE what it finds: one line each
     exit N         exits with N
     signal N       ends by the signal N
     wait N         exits with N when its standard input ends
     bare           closes all descriptors, then waits to be killed
     daemon         exits, and leaves a child that waits for the end of its standard input */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIPTORS 2048 /* looked at */
#define SIGNALS     65

extern char **environ;

static bool is_null(int fd)
{
    struct stat s, null;
    return fstat(fd, &s) == 0 && stat("/dev/null", &null) == 0 && s.st_rdev == null.st_rdev &&
           S_ISCHR(s.st_mode);
}

static void tell_signals(FILE *to)
{
    sigset_t blocked;
    int count_blocked = 0, count_ignored = 0;
    sigemptyset(&blocked);
    (void)sigprocmask(SIG_BLOCK, NULL, &blocked);
    for (int number = 1; number < SIGNALS; number++) {
        struct sigaction action;
        count_blocked += sigismember(&blocked, number) == 1 ? 1 : 0;
        count_ignored +=
            sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN ? 1 : 0;
    }
    (void)fprintf(to, "blocked %d\nignored %d\n", count_blocked, count_ignored);
}

static int report(int argc, char **argv)
{
    static bool open_before[DESCRIPTORS];
    for (int fd = 0; fd < DESCRIPTORS; fd++) {
        open_before[fd] = fcntl(fd, F_GETFD) != -1;
    }
    char input[64], folder[4096];
    ssize_t n = read(STDIN_FILENO, input, sizeof input - 1);
    input[n < 0 ? 0 : n] = '\0';
    FILE *to = fopen(argv[2], "w");
    if (to == NULL || getcwd(folder, sizeof folder) == NULL) {
        return 99;
    }
    for (int i = 0; i < argc; i++) {
        (void)fprintf(to, "argument %s\n", argv[i]);
    }
    for (char **variable = environ; *variable != NULL; variable++) {
        (void)fprintf(to, "variable %s\n", *variable);
    }
    (void)fprintf(to, "descriptors");
    for (int fd = 0; fd < DESCRIPTORS; fd++) {
        if (open_before[fd]) {
            (void)fprintf(to, " %d%s", fd, is_null(fd) ? "=null" : "");
        }
    }
    (void)fprintf(to, "\nleads its group %d\nfolder %s\ninput %s\n", getpgrp() == getpid(), folder,
                  input);
    tell_signals(to);
    return fclose(to) == 0 ? 0 : 99;
}

static void wait_for_end_of_input(void)
{
    char byte;
    while (read(STDIN_FILENO, &byte, sizeof byte) > 0) {
    }
}

static _Noreturn void be_bare(void)
{
    for (int fd = 0; fd < DESCRIPTORS; fd++) {
        (void)close(fd);
    }
    for (;;) {
        (void)pause();
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    int number = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;
    if (strcmp(what, "report") == 0) {
        return report(argc, argv);
    }
    if (strcmp(what, "exit") == 0) {
        return number;
    }
    if (strcmp(what, "signal") == 0) {
        (void)raise(number);
    }
    if (strcmp(what, "wait") == 0) {
        wait_for_end_of_input();
        return number;
    }
    if (strcmp(what, "bare") == 0) {
        be_bare();
    }
    if (strcmp(what, "daemon") == 0) {
        if (fork() == 0) {
            wait_for_end_of_input();
        }
        _exit(0);
    }
    return 98;
}
