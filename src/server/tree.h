/* SPDX-License-Identifier: MIT */
/* The files below the root. Every path is walked component by component from the root's descriptor
   without following a symbolic link, so nothing outside is ever touched. Paths here are decoded,
   begin with '/', and name the root "/". Functions return -1 (errno) like the calls they wrap. */
#ifndef BCJ2_SERVER_TREE_H
#define BCJ2_SERVER_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>
#include "buf.h"

#define TREE_SESSIONS "BITS-Sessions" /* never served, never uploaded to */

struct tree {
    int root;
    char *path;         /* of the root, absolute */
    mode_t public_mode; /* of files that were uploaded: 0666 without the umask */
};

bool tree_open_root(struct tree *tree, const char *path);
void tree_close_root(struct tree *tree);

/* The path of a request target ("/a%20b?q", "http://host/a"), decoded. False: it must not be used:
   "..", an encoded '/', '\', control bytes, empty components, not UTF-8. A final '/' stays. */
bool tree_decode(const char *target, struct buf *ret_path);
/* The other way round: for a URL. */
bool tree_encode(const char *path, struct buf *ret_url);
/* Is a component of it BITS-Sessions (case ignored)? */
bool tree_is_reserved(const char *path);
/* The last component, and how long the folder before it is (0: the root). */
const char *tree_name(const char *path, size_t *ret_folder_length);

/* The folder of that path (length bytes of it), for *at() calls. */
int tree_open_folder(const struct tree *tree, const char *path, size_t length);
/* A folder below another, made (0700) with its parents if make. relative: "a/b". */
int tree_open_below(int folder, const char *relative, bool make);
/* A regular file for reading. *ret_stat: of it. Anything else is ENOENT. */
int tree_open_file(const struct tree *tree, const char *path, struct stat *ret_stat);

/* Writes a whole file under a temporary name and renames it. sync: it, and the folder. */
int tree_replace_file(int folder, const char *name, const char *data, size_t length, bool sync);
ssize_t tree_pread(int fd, void *data, size_t length, off_t offset);
ssize_t tree_pwrite(int fd, const void *data, size_t length, off_t offset);

#endif
