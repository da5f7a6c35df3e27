/* SPDX-License-Identifier: MIT */
/* The process of the random walk that moves the bytes, and is killed at any moment.
       walk_runner QUEUE CLOCK
   opens the queue with the clock that the walk moves, says so with a line, ends with its standard input. */
#include "../support/fake_clock.h"

#include "timeouts.h"

#include <bcj2/bcj2.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void print_log(void *user, int32_t level, const char *line)
{
    (void)user;
    (void)fprintf(stderr, "%ld <%d> %s\n", (long)getpid(), (int)level, line);
}

int main(int argc, char **argv)
{
    bcj2_manager_options options = BCJ2_MANAGER_OPTIONS_INIT;
    bcj2_manager *manager = NULL;
    char byte = 0;
    int fd = argc == 3 ? open(argv[2], O_RDWR | O_CLOEXEC) : -1;
    struct fake_clock *clock =
        fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *clock, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (clock == MAP_FAILED) {
        return EXIT_FAILURE;
    }
    fake_clock_install(clock);
    bcj2__timeouts.close_farewell_ms = 100;
    options.background_slots = 256;
    options.foreground_slots = 256;
    if (getenv("BCJ2_TEST_LOG") != NULL) {
        options.log = print_log;
    }
    if (bcj2_manager_open(argv[1], &options, &manager) != BCJ2_OK) {
        (void)fprintf(stderr, "walk_runner: %s\n", bcj2_last_detail());
        return EXIT_FAILURE;
    }
    if (write(STDOUT_FILENO, "r", 1) != 1) {
        return EXIT_FAILURE;
    }
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    bcj2_manager_close(manager);
    return EXIT_SUCCESS;
}
