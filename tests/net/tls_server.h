/* SPDX-License-Identifier: MIT */
/* Certificates made with the openssl program, and `openssl s_server -HTTP` with them: it answers GET
   /NAME with the bytes of the file NAME, one request a connection. All of it in a folder of its own,
   which is the working directory meanwhile. Not here: what is asked (the suites). */
#ifndef BCJ2_TESTS_TLS_SERVER_H
#define BCJ2_TESTS_TLS_SERVER_H

#include <stdint.h>
#include "../support/folder.h"

#define TLS_OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

void tls_enter(void); /* fixtures; "hello" is there, and no CA is named in the environment */
void tls_leave(void); /* ends all servers, removes the folder */
void tls_path(char path[FOLDER_PATH_SIZE], const char *name); /* of a file in the folder */
void tls_write(const char *name, const char *text);

#define TLS_RUN(...)                                               \
    do {                                                           \
        const char *const arguments_[] = {__VA_ARGS__, (void *)0}; \
        tls_run(arguments_);                                       \
    } while (0)
void tls_run(const char *const arguments[]); /* must succeed */

/* NAME.key and NAME.pem, its own authority, for an IP address. */
void tls_certificate(const char *name, const char *address);
/* The same, signed by an authority of that function's. */
void tls_signed(const char *name, const char *address, const char *authority, const char *serial);

/* On a port of 127.0.0.1, which is given back; more: further arguments, up to NULL; may be NULL. */
uint16_t tls_serve(const char *certificate, const char *key, const char *const more[]);

#endif
