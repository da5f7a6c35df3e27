/* SPDX-License-Identifier: MIT */
/* A list of downloads, for one job: lines of a URL, spaces or tabs, and a file, which may have spaces in
   it. Empty lines and those that begin with # are nothing. */
#ifndef BCJ2_CLI_FILE_LIST_H
#define BCJ2_CLI_FILE_LIST_H

#include "cli.h"
#include "input.h"

struct file_list {
    struct input text;
    bcj2_file_info *files; /* remote_name stands in text, local_name is malloc'ed and absolute */
    size_t *lines;         /* the number of the line of each */
    size_t count;
};

/* Reads and checks it: what is wrong is said with the number of its line, and EXIT_BAD comes back. path
   "-": standard input. To be given to file_list_free() in any case. */
int file_list_read(struct cli *cli, const char *path, struct file_list *list);
void file_list_free(struct file_list *list);

#endif
