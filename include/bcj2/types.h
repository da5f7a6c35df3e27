/* SPDX-License-Identifier: MIT */
/* The types of the API: identifiers, handles, enumerations with the values of Windows, and the
   transparent structs. Every transparent struct begins with struct_size, set by its _INIT macro;
   the library reads and writes no more than that many bytes. (job-semantics section 4) */
#ifndef BCJ2_TYPES_H
#define BCJ2_TYPES_H

#include <stdint.h>
#include <bcj2/export.h>
#include <bcj2/status.h>

BCJ2_BEGIN_DECLS

typedef struct bcj2_guid {
    uint32_t data1;
    uint16_t data2, data3;
    uint8_t data4[8];
} bcj2_guid;

#define BCJ2_GUID_TEXT_SIZE 39 /* "{8-4-4-4-12 hexadecimal digits}" and NUL */

/* Writes *guid as "{…}" in lower case, with its NUL, into text. Neither may be NULL (then nothing
   is written). Any thread. */
BCJ2_API void bcj2_guid_format(const bcj2_guid *guid, char text[BCJ2_GUID_TEXT_SIZE]);

/* Reads a GUID from text; braces are optional, digits of either case.
   BCJ2_OK; BCJ2_E_INVALIDARG (NULL, or not a GUID; *ret_guid is left alone). Any thread. */
BCJ2_API bcj2_status bcj2_guid_parse(const char *text, bcj2_guid *ret_guid);

typedef struct bcj2_manager bcj2_manager;
typedef struct bcj2_job bcj2_job;     /* counted */
typedef struct bcj2_file bcj2_file;   /* counted; local name fixed, the rest live */
typedef struct bcj2_error bcj2_error; /* counted; a snapshot */
typedef struct bcj2_job_enum bcj2_job_enum;
typedef struct bcj2_file_enum bcj2_file_enum;

#define BCJ2_SIZE_UNKNOWN  UINT64_MAX
#define BCJ2_LENGTH_TO_EOF UINT64_MAX /* in a range: up to the end of the file */

typedef int32_t bcj2_job_type;
#define BCJ2_JOB_TYPE_DOWNLOAD     ((bcj2_job_type)0)
#define BCJ2_JOB_TYPE_UPLOAD       ((bcj2_job_type)1)
#define BCJ2_JOB_TYPE_UPLOAD_REPLY ((bcj2_job_type)2)

typedef int32_t bcj2_job_state;
#define BCJ2_JOB_STATE_QUEUED          ((bcj2_job_state)0)
#define BCJ2_JOB_STATE_CONNECTING      ((bcj2_job_state)1)
#define BCJ2_JOB_STATE_TRANSFERRING    ((bcj2_job_state)2)
#define BCJ2_JOB_STATE_SUSPENDED       ((bcj2_job_state)3)
#define BCJ2_JOB_STATE_ERROR           ((bcj2_job_state)4)
#define BCJ2_JOB_STATE_TRANSIENT_ERROR ((bcj2_job_state)5)
#define BCJ2_JOB_STATE_TRANSFERRED     ((bcj2_job_state)6)
#define BCJ2_JOB_STATE_ACKNOWLEDGED    ((bcj2_job_state)7)
#define BCJ2_JOB_STATE_CANCELLED       ((bcj2_job_state)8)

typedef int32_t bcj2_job_priority;
#define BCJ2_JOB_PRIORITY_FOREGROUND ((bcj2_job_priority)0)
#define BCJ2_JOB_PRIORITY_HIGH       ((bcj2_job_priority)1)
#define BCJ2_JOB_PRIORITY_NORMAL     ((bcj2_job_priority)2)
#define BCJ2_JOB_PRIORITY_LOW        ((bcj2_job_priority)3)

typedef int32_t bcj2_error_context;
#define BCJ2_ERROR_CONTEXT_NONE                        ((bcj2_error_context)0)
#define BCJ2_ERROR_CONTEXT_UNKNOWN                     ((bcj2_error_context)1)
#define BCJ2_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER       ((bcj2_error_context)2)
#define BCJ2_ERROR_CONTEXT_QUEUE_MANAGER_NOTIFICATION  ((bcj2_error_context)3)
#define BCJ2_ERROR_CONTEXT_LOCAL_FILE                  ((bcj2_error_context)4)
#define BCJ2_ERROR_CONTEXT_REMOTE_FILE                 ((bcj2_error_context)5)
#define BCJ2_ERROR_CONTEXT_GENERAL_TRANSPORT           ((bcj2_error_context)6)
#define BCJ2_ERROR_CONTEXT_REMOTE_APPLICATION          ((bcj2_error_context)7)
#define BCJ2_ERROR_CONTEXT_SERVER_CERTIFICATE_CALLBACK ((bcj2_error_context)8)

/* What TLS and redirects may do: one value per job, 0 in a new one. The values 4 and 0x10 of Windows
   are refused with BCJ2_E_NOTIMPL: libcurl cannot ignore a date or a usage alone. */
#define BCJ2_SSL_ENABLE_CRL_CHECK         0x1u /* the server's certificate must not be revoked */
#define BCJ2_SSL_IGNORE_CERT_CN_INVALID   0x2u /* its name need not be the host's */
#define BCJ2_SSL_IGNORE_CERT_DATE_INVALID 0x4u /* refused */
#define BCJ2_SSL_IGNORE_UNKNOWN_CA \
    0x8u /* nothing but its name is checked: no authority, date, usage */
#define BCJ2_SSL_IGNORE_CERT_WRONG_USAGE 0x10u /* refused */
/* of downloads; uploads follow the rules of their protocol */
#define BCJ2_HTTP_REDIRECT_POLICY_MASK                0x700u
#define BCJ2_HTTP_REDIRECT_POLICY_ALLOW_SILENT        0x000u
#define BCJ2_HTTP_REDIRECT_POLICY_ALLOW_REPORT        0x100u /* the file's URL becomes the new one */
#define BCJ2_HTTP_REDIRECT_POLICY_DISALLOW            0x200u /* a redirect is the job's error */
#define BCJ2_HTTP_REDIRECT_POLICY_ALLOW_HTTPS_TO_HTTP 0x800u

typedef int32_t bcj2_tls_version;
#define BCJ2_TLS_VERSION_DEFAULT ((bcj2_tls_version)0) /* what libcurl and its TLS library say */
#define BCJ2_TLS_VERSION_1_0     ((bcj2_tls_version)10)
#define BCJ2_TLS_VERSION_1_1     ((bcj2_tls_version)11)
#define BCJ2_TLS_VERSION_1_2     ((bcj2_tls_version)12)
#define BCJ2_TLS_VERSION_1_3     ((bcj2_tls_version)13)

/* One file of bcj2_add_file_set(); never grows. */
typedef struct bcj2_file_info {
    const char *remote_name, *local_name;
} bcj2_file_info;

/* A part of a remote file, in bytes; never grows. */
typedef struct bcj2_file_range {
    uint64_t initial_offset;
    uint64_t length; /* at least 1, or BCJ2_LENGTH_TO_EOF */
} bcj2_file_range;

typedef uint64_t bcj2_filetime; /* 100 ns since 1601-01-01 UTC; 0 = never */

typedef struct bcj2_job_progress {
    uint32_t struct_size;
    uint64_t bytes_total; /* BCJ2_SIZE_UNKNOWN while a file's size is not known; 0 without files */
    uint64_t bytes_transferred; /* of the files; a reply is counted in bcj2_reply_progress */
    uint32_t files_total, files_transferred;
} bcj2_job_progress;
#define BCJ2_JOB_PROGRESS_INIT                          \
    {                                                   \
        (uint32_t)sizeof(bcj2_job_progress), 0, 0, 0, 0 \
    }

typedef struct bcj2_reply_progress {
    uint32_t struct_size;
    uint64_t bytes_total; /* BCJ2_SIZE_UNKNOWN until the reply is requested */
    uint64_t bytes_transferred;
} bcj2_reply_progress;
#define BCJ2_REPLY_PROGRESS_INIT                    \
    {                                               \
        (uint32_t)sizeof(bcj2_reply_progress), 0, 0 \
    }

typedef struct bcj2_file_progress {
    uint32_t struct_size;
    uint64_t bytes_total; /* BCJ2_SIZE_UNKNOWN until known */
    uint64_t bytes_transferred;
    int32_t completed; /* 1 once it was uploaded, or Complete gave the downloaded file its name;
                          bytes_transferred == bytes_total tells that all of it was transferred */
} bcj2_file_progress;
#define BCJ2_FILE_PROGRESS_INIT                       \
    {                                                 \
        (uint32_t)sizeof(bcj2_file_progress), 0, 0, 0 \
    }

typedef struct bcj2_job_times {
    uint32_t struct_size;
    bcj2_filetime creation_time, modification_time;
    bcj2_filetime transfer_completion_time; /* 0 until the job was TRANSFERRED */
} bcj2_job_times;
#define BCJ2_JOB_TIMES_INIT                       \
    {                                             \
        (uint32_t)sizeof(bcj2_job_times), 0, 0, 0 \
    }

BCJ2_END_DECLS

#endif
