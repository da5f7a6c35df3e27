/* SPDX-License-Identifier: MIT */
/* A real nginx for tests, with a configuration of the test's own, on free loopback ports (it inherits
   sockets that are bound already), as whatever user runs the test. A missing nginx fails the test. Not
   here: certificates (net/tls_server.h), servers that misbehave (http_script.h).

       struct nginx *n = nginx_new();
       client_make_file(nginx_path(n, "www/a"), 300000, 1);
       nginx_run(n, "server { listen 127.0.0.1:PORT1; root FOLDER/www; }");
       … nginx_url(n, 1, "/a") …
       nginx_stop(n); */
#ifndef BCJ2_TESTS_NGINX_H
#define BCJ2_TESTS_NGINX_H

#include <stddef.h>
#include <stdint.h>

struct nginx;

/* A new folder with the folder www in it. */
struct nginx *nginx_new(void);
/* Starts it; config is what stands within "http {}": FOLDER becomes the folder, PORT1 (always
   there) to PORT4 become ports, the same ones when it is started again. It answers when this returns. */
void nginx_run(struct nginx *n, const char *config);
/* Ends it and its connections; the folder and the ports stay. */
void nginx_end(struct nginx *n);
/* The same, and removes the folder. NULL is fine. */
void nginx_stop(struct nginx *n);

uint16_t nginx_port(const struct nginx *n, unsigned which); /* 1 to 4 */
/* "http://127.0.0.1:PORT" and path. Lives until the eighth call of these three after it. */
const char *nginx_url(const struct nginx *n, unsigned which, const char *path);
const char *nginx_url_with(const char *scheme, const char *host, const struct nginx *n,
                           unsigned which, const char *path);
/* The absolute path of a file in the folder ("www/a"). */
const char *nginx_path(const struct nginx *n, const char *relative);

/* A line of the log for each request that ended, over all starts:
   METHOD URI STATUS BYTES port=P range=… if-range=… ius=… ae=… ua=… x=… auth=… cert=… proto=…
   BYTES: of the body that went to the socket; "-": the field was not there. x is the field X-Secret. */
char *nginx_log(const struct nginx *n); /* to free() */
/* How many lines contain the text. */
size_t nginx_logged(const struct nginx *n, const char *text);
/* Waits until so many do: a request is logged after its client has its answer. 20 s at most. */
void nginx_wait_logged(const struct nginx *n, const char *text, size_t times);
/* The bytes of bodies that were sent in answers to requests whose line begins with the text. */
uint64_t nginx_bytes(const struct nginx *n, const char *start);

#endif
