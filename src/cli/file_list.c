/* SPDX-License-Identifier: MIT */
/* See file_list.h. */
#include "file_list.h"
#include "out.h"
#include "paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define LIST_BYTES (256u * 1024 * 1024)

/* What can be a URL: the library looks closer. */
static bool looks_like_url(const char *url)
{
    static const char *const begins[] = {"http://", "https://", "file://", "/"};
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        if (strncasecmp(url, begins[i], strlen(begins[i])) == 0) {
            return true;
        }
    }
    return false;
}

static int add(struct cli *cli, struct file_list *list, char *line, size_t number)
{
    size_t url_length = strcspn(line, " \t");
    char *name = line + url_length + strspn(line + url_length, " \t");
    bcj2_file_info *file = &list->files[list->count];
    if (name[0] == '\0') {
        return out_bad(cli, "line %zu of the list: a URL, a space or tab, and a file are needed",
                       number);
    }
    line[url_length] = '\0';
    if (!looks_like_url(line)) {
        return out_bad(cli, "line %zu of the list does not begin with a URL", number);
    }
    char *path = paths_absolute(name);
    if (path == NULL) {
        return out_bad(cli, "line %zu of the list: cannot use %s: %s", number, name,
                       strerror(errno));
    }
    file->remote_name = line;
    file->local_name = path;
    list->lines[list->count++] = number;
    return EXIT_DONE;
}

/* A file by its folder and name, however its path is spelled. */
struct place {
    dev_t device;
    ino_t folder;
    const char *name;
    size_t number; /* in the list */
};

static int compare(const void *a, const void *b)
{
    const struct place *one = a, *other = b;
    if (one->device != other->device) {
        return one->device < other->device ? -1 : 1;
    }
    if (one->folder != other->folder) {
        return one->folder < other->folder ? -1 : 1;
    }
    int order = strcmp(one->name, other->name);
    return order != 0 ? order : one->number < other->number ? -1 : 1;
}

static bool is_same(const struct place *one, const struct place *other)
{
    return one->device == other->device && one->folder == other->folder &&
           strcmp(one->name, other->name) == 0;
}

static int find_place(struct cli *cli, const struct file_list *list, size_t number,
                      struct place *ret)
{
    struct stat folder;
    const char *path = list->files[number].local_name;
    const char *slash = path != NULL ? strrchr(path, '/') : NULL; /* it was made absolute */
    char *folder_path = slash != NULL ? strndup(path, (size_t)(slash + 1 - path)) : NULL;
    int result = EXIT_DONE;
    if (folder_path == NULL) {
        result = out_failed(cli, BCJ2_E_OUTOFMEMORY, "cannot read the list");
    } else if (stat(folder_path, &folder) != 0) {
        result = out_bad(cli, "line %zu of the list: cannot use %s: %s", list->lines[number], path,
                         strerror(errno));
    } else {
        *ret = (struct place){folder.st_dev, folder.st_ino, slash + 1, number};
    }
    free(folder_path);
    return result;
}

/* Two downloads into one file: the later one would replace the other. */
static int check_twice(struct cli *cli, const struct file_list *list)
{
    struct place *places = calloc(list->count + 1, sizeof *places);
    if (places == NULL) {
        return out_failed(cli, BCJ2_E_OUTOFMEMORY, "cannot read the list");
    }
    int result = EXIT_DONE;
    for (size_t i = 0; i < list->count && result == EXIT_DONE; i++) {
        result = find_place(cli, list, i, &places[i]);
    }
    qsort(places, result == EXIT_DONE ? list->count : 0, sizeof *places, compare);
    for (size_t i = 1; i < list->count && result == EXIT_DONE; i++) {
        if (is_same(&places[i - 1], &places[i])) {
            result = out_bad(cli, "line %zu of the list has the same file as line %zu: %s",
                             list->lines[places[i].number], list->lines[places[i - 1].number],
                             list->files[places[i].number].local_name);
        }
    }
    free(places);
    return result;
}

static int check_places(struct cli *cli, const struct file_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        int result = paths_check_output(cli, list->files[i].local_name);
        if (result != EXIT_DONE) {
            out_say("that is line %zu of the list", list->lines[i]);
            return result;
        }
    }
    return list->count == 0 ? out_bad(cli, "the list is empty") : check_twice(cli, list);
}

int file_list_read(struct cli *cli, const char *path, struct file_list *list)
{
    size_t most = 1, number = 0;
    memset(list, 0, sizeof *list);
    int result = input_read(cli, path, LIST_BYTES, &list->text);
    if (result != EXIT_DONE) {
        return result;
    }
    for (const char *p = list->text.text; *p != '\0'; p++) {
        most += *p == '\n' ? 1 : 0;
    }
    list->files = calloc(most, sizeof *list->files);
    list->lines = calloc(most, sizeof *list->lines);
    if (list->files == NULL || list->lines == NULL || most > UINT32_MAX) {
        return out_failed(cli, BCJ2_E_OUTOFMEMORY, "cannot read the list");
    }
    for (char *line = list->text.text, *end; result == EXIT_DONE && *line != '\0'; line = end) {
        size_t length = strcspn(line, "\n");
        end = line + length + (line[length] == '\n' ? 1 : 0);
        line[length] = '\0';
        if (length > 0 && line[length - 1] == '\r') {
            line[length - 1] = '\0';
        }
        line += strspn(line, " \t");
        number++;
        if (line[0] != '\0' && line[0] != '#') {
            result = add(cli, list, line, number);
        }
    }
    return result == EXIT_DONE ? check_places(cli, list) : result;
}

void file_list_free(struct file_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free((char *)(uintptr_t)list->files[i].local_name);
    }
    free(list->files);
    free(list->lines);
    input_free(&list->text);
}
