/* SPDX-License-Identifier: MIT */
/* A real bcj2-server for tests: the program named by BCJ2_SERVER in the environment, on a free
   loopback port, with a folder of its own. Whatever goes wrong here fails the test. Not here: servers
   that misbehave (http_script.h), exact bytes to and from one (raw_http.h).

       static const char *const options[] = {"--app-exec", "cat", NULL};
       struct test_server *s = server_start(options);
       … server_url(s, "/in/a.bin") …
       server_kill(s);
       server_restart(s);
       server_stop(s); */
#ifndef BCJ2_TESTS_SERVERS_H
#define BCJ2_TESTS_SERVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct test_server;

/* A new folder with root/in in it, and the server, listening. options: NULL-terminated, or NULL;
   copied; "FOLDER/x" becomes the path of x in the server's folder. --root, --listen and --log are given
   already. */
struct test_server *server_start(const char *const options[]);
/* The same with a configuration file of this text. */
struct test_server *server_start_config(const char *json, const char *const options[]);
/* SIGTERM; it must exit with status 0. The folder is removed. NULL is fine. */
void server_stop(struct test_server *s);

void server_kill(struct test_server *s); /* SIGKILL; gone when it returns */
void server_restart(
    struct test_server *s); /* on the same port; ended by SIGTERM first if it runs */
pid_t server_pid(const struct test_server *s); /* 0: killed */

uint16_t server_port(const struct test_server *s);
/* "http://127.0.0.1:PORT" and path. The text lives until the eighth call after this. */
const char *server_url(const struct test_server *s, const char *path);

const char *server_root(const struct test_server *s);
/* The absolute path of a file in the server's folder ("root/in/a.bin"). Lives as server_url's. */
const char *server_path(const struct test_server *s, const char *relative);
void server_write(const struct test_server *s, const char *relative, const void *data,
                  size_t length, mode_t mode);
/* A whole file, NUL behind it, to free(); NULL: it does not exist. */
char *server_read(const struct test_server *s, const char *relative, size_t *ret_length);
bool server_exists(const struct test_server *s, const char *relative);

const char *server_log_path(const struct test_server *s);
char *server_log(const struct test_server *s); /* all of it, over restarts; to free() */
/* How often the text stands in the log. */
size_t server_logged(const struct test_server *s, const char *text);
/* Waits until the text stands there so often; fails the test after 20 s. */
void server_wait_logged(const struct test_server *s, const char *text, size_t times);
/* The sums over the log's fragment lines. */
struct server_sums {
    uint64_t fragments, broken, fresh, duplicate;
};
struct server_sums server_sums(const struct test_server *s);

#endif
