/* SPDX-License-Identifier: MIT */
/* Request targets and paths as text. See tree.h. */
#include "limit.h"
#include "str.h"
#include "tree.h"

#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Where the path begins: absolute-form has scheme and authority before it. NULL: nowhere. */
static const char *path_of(const char *target)
{
    if (target[0] == '/') {
        return target;
    }
    bool absolute =
        bcj2__str_same_n(target, "http://", 7) || bcj2__str_same_n(target, "https://", 8);
    return absolute ? strchr(strstr(target, "//") + 2, '/') : NULL;
}

/* One byte, decoded; false for those that must not be in a path. */
static bool decode_byte(const char **p, char *ret)
{
    if (**p == '%') {
        int high = hex_digit((*p)[1]);
        int low = high < 0 ? -1 : hex_digit((*p)[2]);
        if (low < 0) {
            return false;
        }
        *ret = (char)(high * 16 + low);
        *p += 3;
        if (*ret == '/') {
            return false;
        }
    } else {
        *ret = *(*p)++;
    }
    unsigned char byte = (unsigned char)*ret;
    return byte >= 0x20 && byte != 0x7F && byte != '\\';
}

static bool component_fine(const char *name, size_t length)
{
    return length > 0 && !(length == 1 && name[0] == '.') &&
           !(length == 2 && name[0] == '.' && name[1] == '.');
}

/* No component is empty, "." or ".."; the last one may be empty. */
static bool components_fine(const char *path)
{
    const char *p = path;
    while (*p == '/') {
        p++;
        size_t length = strcspn(p, "/");
        if (p[length] == '\0' && length == 0) {
            return true;
        }
        if (!component_fine(p, length)) {
            return false;
        }
        p += length;
    }
    return true;
}

bool tree_decode(const char *target, struct buf *ret_path)
{
    const char *p = path_of(target);
    if (p == NULL) {
        return false;
    }
    while (*p != '\0' && *p != '?') {
        char byte = 0;
        if (*p == '#' || !decode_byte(&p, &byte) || ret_path->length >= LIMIT_PATH_BYTES) {
            return false;
        }
        (void)bcj2__buf_append(ret_path, &byte, 1);
    }
    return bcj2__buf_ok(ret_path) && bcj2__str_utf8(bcj2__buf_cstr(ret_path), NULL) &&
           components_fine(bcj2__buf_cstr(ret_path));
}

bool tree_encode(const char *path, struct buf *ret_url)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-._~!$&'()*+,;=:@/";
    for (const char *p = path; *p != '\0'; p++) {
        if (strchr(plain, *p) != NULL) {
            (void)bcj2__buf_append(ret_url, p, 1);
        } else {
            (void)bcj2__buf_printf(ret_url, "%%%02X", (unsigned)(unsigned char)*p);
        }
    }
    return bcj2__buf_ok(ret_url);
}

bool tree_is_reserved(const char *path)
{
    static const char reserved[] = TREE_SESSIONS;
    while (*path != '\0') {
        path += strspn(path, "/");
        size_t length = strcspn(path, "/");
        if (length == sizeof reserved - 1 && bcj2__str_same_n(path, reserved, length)) {
            return true;
        }
        path += length;
    }
    return false;
}

const char *tree_name(const char *path, size_t *ret_folder_length)
{
    const char *slash = strrchr(path, '/');
    *ret_folder_length = (size_t)(slash - path);
    return slash + 1;
}
