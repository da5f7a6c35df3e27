/* SPDX-License-Identifier: MIT */
/* Every limit of the library, once. Character limits of BITS count UTF-16 units, the others bytes. (A
   limit.h on the include path would hide the C library's.) Not here: what a peer or a user may set
   (job properties), and time-outs of the network (timeouts.h). */
#ifndef BCJ2_BASE_LIMIT_H
#define BCJ2_BASE_LIMIT_H

/* names and texts a caller gives */
#define LIMIT_DISPLAY_NAME_UTF16 256
#define LIMIT_DESCRIPTION_UTF16  1024
#define LIMIT_PATH_BYTES         4095
#define LIMIT_URL_BYTES          8192
#define LIMIT_CONTENT_NAME_BYTES 260
#define LIMIT_CUSTOM_HEADERS     16383
#define LIMIT_HTTP_METHOD        64
#define LIMIT_PINNED_KEY_BYTES   4095
#define LIMIT_PASSWORD_UTF16     65536
#define LIMIT_RANGES_PER_FILE    10000 /* the manager's option can only lower it */

/* managers */
#define LIMIT_SLOTS                    1024
#define LIMIT_DEFAULT_BACKGROUND_SLOTS 1
#define LIMIT_DEFAULT_FOREGROUND_SLOTS 64
#define LIMIT_INACTIVITY_DEFAULT_S     7776000u
#define LIMIT_SLICE_MS                 120000u /* a background job's turn if others wait */

/* processes on one queue */
#define LIMIT_LINK_PEERS        1024                   /* connections to one runner */
#define LIMIT_LINK_FDS          (LIMIT_LINK_PEERS + 8) /* theirs, and the link's own */
#define LIMIT_LINK_DATA_BYTES   4096                   /* in one message */
#define LIMIT_LINK_OUTPUT_BYTES 65536                  /* waiting to be sent to one peer */

/* servers that cannot be reached */
#define LIMIT_RESTING_HOSTS 256u
#define LIMIT_HOST_REST_MS  600000u /* the longest rest; the first is a time-out */

/* jobs */
#define LIMIT_RETRY_DELAY_MIN_S      5u
#define LIMIT_RETRY_DELAY_DEFAULT_S  600u
#define LIMIT_NO_PROGRESS_DEFAULT_S  1209600u
#define LIMIT_MAX_DOWNLOAD_DEFAULT_S 7776000u
#define LIMIT_REPLY_IN_MEMORY        1048576u
#define LIMIT_FAREWELL_S             86400u /* Close and Cancel are repeated so long at most */

/* notifications: a command line's program and parameters */
#define LIMIT_NOTIFY_PROGRAM_UNITS    260
#define LIMIT_NOTIFY_PARAMETERS_UNITS 4000
#define LIMIT_NOTIFY_PARAMETERS_BYTES (LIMIT_NOTIFY_PARAMETERS_UNITS * 3) /* in UTF-8 */
#define LIMIT_NOTIFY_COMMANDS         16u /* programs that run at a time */
#define LIMIT_NOTIFY_ARGUMENTS        (LIMIT_NOTIFY_PARAMETERS_UNITS / 2 + 1) /* made of them */

/* notifications: callbacks */
#define LIMIT_NOTIFY_THREADS         4    /* run them, in one manager */
#define LIMIT_NOTIFY_MODIFICATION_MS 500u /* between two calls for changes of a job */

/* what a server may send */
#define LIMIT_HEAD_BYTES         65536 /* one response head, status line and all fields */
#define LIMIT_HEAD_FIELDS        256
#define LIMIT_INTERIM_HEADS      100   /* 1xx before an answer; together LIMIT_HEAD_BYTES at most */
#define LIMIT_HEADER_VALUE_BYTES 4096  /* what the server accepts, per field */
#define LIMIT_ERROR_BODY_BYTES   65536 /* of an unexpected body this much is drained */
#define LIMIT_SESSION_ID_BYTES   100
#define LIMIT_HOST_ID_BYTES      300
#define LIMIT_REPLY_URL_BYTES    8192
#define LIMIT_VALIDATOR_BYTES    512 /* ETag, Last-Modified */
#define LIMIT_REDIRECTS          10

/* fragments, in bytes (wire-protocol 2.4) */
#define LIMIT_FRAGMENT_MIN              5120u
#define LIMIT_FRAGMENT_MAX              (13u * 1024 * 1024)
#define LIMIT_FRAGMENT_START            (256u * 1024)
#define LIMIT_FRAGMENT_START_FOREGROUND (4u * 1024 * 1024)
#define LIMIT_DOWNLOAD_FRAGMENT_MIN     (64u * 1024) /* wire-protocol 4.1 */

/* a file that is fetched whole again from a server without ranges: smaller than this */
#define LIMIT_WHOLE_AGAIN_BYTES (UINT64_C(2) * 1024 * 1024 * 1024)

/* replies: synced at least so often, and at the end */
#define LIMIT_SYNC_EVERY_BYTES (64u * 1024 * 1024)
#define LIMIT_SYNC_EVERY_MS    30000u

/* texts the library makes */
#define LIMIT_DETAIL_BYTES     1024 /* bcj2_last_detail */
#define LIMIT_ERROR_TEXT_BYTES 2048 /* the description in an error object */
#define LIMIT_LOG_LINE_BYTES   1024

/* bcj2-server */
#define LIMIT_SERVER_FRAGMENT_BYTES    (16u * 1024 * 1024)
#define LIMIT_SERVER_REPLY_URL_BYTES   2200 /* what it sends, and what an application may name */
#define LIMIT_SERVER_DRAIN_BYTES       (1024u * 1024) /* of a refused body; above: close */
#define LIMIT_SERVER_UNSYNCED_BYTES    (64u * 1024 * 1024)
#define LIMIT_SERVER_RANGES            500
#define LIMIT_SERVER_SESSIONS          1000000u
#define LIMIT_SERVER_CONNECTIONS       4096u
#define LIMIT_SERVER_CONNECTION_MEMORY (128u * 1024) /* libmicrohttpd reads into half of it */
#define LIMIT_SERVER_WORKERS           128u          /* applications and disk syncs at a time */
#define LIMIT_SERVER_JSON_BYTES        65536         /* configuration, session record */
#define LIMIT_SERVER_NAME_BYTES        255           /* one component of a path */

#endif
