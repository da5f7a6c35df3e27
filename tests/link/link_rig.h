/* SPDX-License-Identifier: MIT */
/* Links of one process, stepped together by one loop, and raw sockets that play a peer who does not
   follow the rules. */
#ifndef BCJ2_TESTS_LINK_RIG_H
#define BCJ2_TESTS_LINK_RIG_H

#include "../support/folder.h"
#include "../support/suite.h"
#include "link.h"
#include "os.h"

#define RIG_SIDES 64

/* A link and what it has said so far. */
struct side {
    struct link *l;
    bcj2_status status; /* of the last step */
    char detail[512];   /* if that failed */
    int runner, client, alone, changed, gone, messages;
    uint64_t change;
    struct link_event last; /* the last message */
    char data[4097];
    uint64_t gone_peer;
    uint64_t heard_bytes; /* in all messages */
};

extern char rig_folder[FOLDER_PATH_SIZE];
extern char rig_log[65536]; /* all lines of all links */
extern const struct log rig_log_to;

void rig_begin(void); /* a fixture of each test: a folder, no links */
void rig_end(void);
const char *rig_path(const char *name); /* in the folder; good for the next 7 calls */

/* Opens a link; the test fails if it does not open. Closed by rig_end() at the latest. */
struct side *rig_open(bool control_only);
void rig_close(struct side *s);
/* Steps all links once, after waiting until one has something to do, at most so long. */
void rig_turn(int most_ms);
/* Until none has anything to do but what comes by time. */
void rig_quiet(void);
void rig_step(struct side *s);

#define RIG_PATIENCE_MS 10000
#define until(condition)                                                      \
    do {                                                                      \
        uint64_t end_ = bcj2__os_now_ms() + RIG_PATIENCE_MS;                  \
        while (!(condition)) {                                                \
            ck_assert_msg(bcj2__os_now_ms() < end_, "never: %s", #condition); \
            rig_turn(100);                                                    \
        }                                                                     \
    } while (0)

/* One process's view of the runner's socket, blocking. */
int rig_connect(void);
void rig_write(int fd, const void *data, size_t size);
/* Reads until the other end hangs up; how many bytes came. The links are stepped meanwhile. */
size_t rig_read_to_end(int fd);

#endif
