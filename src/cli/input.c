/* SPDX-License-Identifier: MIT */
/* See input.h. */
#include "input.h"
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_BYTES 4096u

/* Stores that a compiler may not leave out. */
static void wipe_bytes(char *bytes, size_t length)
{
    volatile char *p = bytes;
    while (length-- > 0) {
        *p++ = 0;
    }
}

void input_clear(char *text)
{
    if (text != NULL) {
        wipe_bytes(text, strlen(text));
    }
}

void input_wipe(char *text)
{
    input_clear(text);
    free(text);
}

void input_free(struct input *input)
{
    if (input->text != NULL) {
        wipe_bytes(input->text, input->length);
        free(input->text);
    }
    input->text = NULL;
    input->length = 0;
}

void input_chomp(struct input *input)
{
    if (input->length > 0 && input->text[input->length - 1] == '\n') {
        input->text[--input->length] = '\0';
        if (input->length > 0 && input->text[input->length - 1] == '\r') {
            input->text[--input->length] = '\0';
        }
    }
}

/* Not realloc(): it leaves copies behind. */
static bool make_room(struct input *input, size_t *size)
{
    size_t wanted = *size == 0 ? FIRST_BYTES : *size * 2;
    char *text = malloc(wanted);
    if (text == NULL) {
        return false;
    }
    size_t length = input->length;
    if (length > 0) {
        memcpy(text, input->text, length);
    }
    input_free(input);
    input->text = text;
    input->length = length;
    *size = wanted;
    return true;
}

/* NULL: read; otherwise why not. */
static const char *read_all(int fd, size_t most, struct input *input)
{
    size_t size = 0;
    ssize_t n = -1;
    while (n != 0) {
        if (input->length + 1 >= size && !make_room(input, &size)) {
            return strerror(ENOMEM);
        }
        n = read(fd, input->text + input->length, size - 1 - input->length);
        if (n < 0 && errno != EINTR) {
            return strerror(errno);
        }
        input->length += n > 0 ? (size_t)n : 0;
        if (input->length > most) {
            return "it is too large";
        }
    }
    input->text[input->length] = '\0';
    return memchr(input->text, '\0', input->length) != NULL ? "there is a NUL in it" : NULL;
}

int input_read(struct cli *cli, const char *path, size_t most_bytes, struct input *ret)
{
    bool from_stdin = strcmp(path, "-") == 0;
    const char *name = from_stdin ? "standard input" : path;
    if (from_stdin && cli->stdin_used) {
        return out_bad(cli, "standard input can stand for one thing only");
    }
    cli->stdin_used = cli->stdin_used || from_stdin;
    int fd = from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    const char *problem = fd < 0 ? strerror(errno) : read_all(fd, most_bytes, ret);
    int result = problem == NULL ? EXIT_DONE : out_bad(cli, "cannot read %s: %s", name, problem);
    if (fd >= 0 && !from_stdin) {
        (void)close(fd);
    }
    if (result != EXIT_DONE) {
        input_free(ret);
    }
    return result;
}
