/* SPDX-License-Identifier: MIT */
/* The manager: one queue directory, opened by this process and any number of others. Jobs belong to the
   directory, not to the manager. One of the managers that are open, the runner, moves the bytes, with its
   own options and environment (proxy variables, certificate authorities); when it is closed or its
   process ends, another one goes on. Every call works in every process. Besides what is listed,
   a call on a manager may return BCJ2_E_CLOSED (in a forked child) and a status of the store:
   BCJ2_E_OUTOFMEMORY, BCJ2_E_DISK_FULL, BCJ2_E_DATABASE_CORRUPT, BCJ2_E_IO_DEVICE. A pointer
   that a failing call would have handed out is NULL. (job-semantics section 2) */
#ifndef BCJ2_MANAGER_H
#define BCJ2_MANAGER_H

#include <bcj2/types.h>

BCJ2_BEGIN_DECLS

/* A line of the library's log. level is as in syslog (3 error, 4 warning, 6 information, 7 debug).
   Called on any thread, never with a secret in the line; must not call the library. */
typedef void (*bcj2_log_callback)(void *user, int32_t level, const char *line);

/* Never moves bytes: for tools that only look and change. Jobs go on if another process runs them. */
#define BCJ2_MANAGER_CONTROL_ONLY 1u

/* Callbacks (notify.h) are called inside bcj2_manager_dispatch() only, not on threads of the library. */
#define BCJ2_MANAGER_DISPATCH 2u

typedef struct bcj2_manager_options {
    uint32_t struct_size;
    uint32_t flags;                  /* BCJ2_MANAGER_…; others are refused */
    uint32_t background_slots;       /* background jobs at a time; 0 = default, 1; at most 1,024 */
    uint32_t foreground_slots;       /* foreground jobs at a time; 0 = default, 64; at most 1,024 */
    uint32_t max_jobs;               /* 0 = no limit; 300 in BITS */
    uint32_t max_jobs_per_user;      /* 0 = no limit; 60 in BITS */
    uint32_t max_files_per_job;      /* 0 = no limit; 200 in BITS; an upload job holds one anyway */
    uint32_t max_ranges_per_file;    /* 0 = no limit; for downloads */
    uint32_t job_inactivity_timeout; /* seconds until an untouched job is cancelled; 0 = 90 days */
    bcj2_log_callback log;           /* NULL: no log */
    void *log_user;
} bcj2_manager_options;
#define BCJ2_MANAGER_OPTIONS_INIT                                            \
    {                                                                        \
        (uint32_t)sizeof(bcj2_manager_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 \
    }

typedef struct bcj2_manager_info {
    uint32_t struct_size;
    int32_t is_runner;     /* 1 if this process moves the bytes */
    int64_t runner_pid;    /* 0 = nobody does */
    uint64_t jobs;         /* jobs in the queue, final ones not counted */
    uint64_t jobs_to_move; /* of these, QUEUED, CONNECTING, TRANSFERRING or TRANSIENT_ERROR */
    uint64_t goodbyes;     /* to servers, of jobs that are over, that had no try yet */
    uint64_t commands;     /* events owed to a program that was not started for them yet, or runs */
} bcj2_manager_info;
#define BCJ2_MANAGER_INFO_INIT                                \
    {                                                         \
        (uint32_t)sizeof(bcj2_manager_info), 0, 0, 0, 0, 0, 0 \
    }

/* Opens the queue in directory (UTF-8, absolute or relative; made with mode 0700 if it is missing,
   its parents too). NULL: $BCJ2_QUEUE, else $XDG_STATE_HOME/bcj2 or ~/.local/state/bcj2 (macOS:
   ~/Library/Application Support/bcj2; root: /var/lib/bcj2): the one that all programs of a user share; an
   application does better with its own. options may be NULL: defaults. If nobody else runs the queue, this
   manager does, and jobs that were running when the last runner ended go on at once. Nothing is borrowed
   but options->log_user. *ret_manager is the caller's, to be given to bcj2_manager_close(). BCJ2_OK;
   BCJ2_E_INVALIDARG (NULL, bad option, path not UTF-8 or too long); BCJ2_E_ACCESSDENIED (directory
   of another user, or not writable); BCJ2_E_SHARING_VIOLATION (in use by an older version, and
   the queue would have to be changed); BCJ2_E_NOT_SUPPORTED (network file system, or a queue written by a
   newer version that this one cannot use); BCJ2_E_DATABASE_CORRUPT; BCJ2_E_DISK_FULL; BCJ2_E_OUTOFMEMORY; the status of
   another failed system call. Any thread. */
BCJ2_API bcj2_status bcj2_manager_open(const char *directory, const bcj2_manager_options *options,
                                       bcj2_manager **ret_manager);

/* Stops moving bytes, lets due goodbyes to servers end (2 s at most), frees the manager and returns
   NULL. Jobs stay in the queue, and go on if another process has it open. Handles of jobs, files,
   errors and enumerators stay objects that can be unref'd; their other calls, waiting ones included,
   return BCJ2_E_CLOSED. One that is changing something in another thread ends first. Callbacks that run are
   waited for before that, no other begins; what is still owed is for the command line, or for who sets
   callbacks next. A program of bcj2_set_notify_cmdline() that runs is waited for with the goodbyes; after that
   it is left running, and whoever runs the queue next does not start another one beside it. Inside a callback of
   the manager, or a destroy function, the call is refused: it returns manager, and nothing is closed. NULL is
   fine. Any thread, once. */
BCJ2_API bcj2_manager *bcj2_manager_close(bcj2_manager *manager);

/* Who moves the bytes, and how many jobs there are. runner_pid is 0 also for the milliseconds that an
   election takes.
   BCJ2_OK; BCJ2_E_INVALIDARG (NULL, struct_size); BCJ2_E_CLOSED (in a forked child); a status of the
   store. Any thread. */
BCJ2_API bcj2_status bcj2_manager_get_info(bcj2_manager *manager, bcj2_manager_info *ret_info);

/* The queue directory that was opened: its real path, without links, the default one too.
   *ret_directory: bcj2_free().
   BCJ2_OK; BCJ2_E_INVALIDARG (NULL); BCJ2_E_CLOSED; BCJ2_E_OUTOFMEMORY. Any thread. */
BCJ2_API bcj2_status bcj2_manager_get_directory(bcj2_manager *manager, char **ret_directory);

/* Waits until anything in the queue changed since *change, whichever process changed it, and sets
   *change to the newest number. Begin with 0: everything since the queue was made. A call that
   waits (timeout_ms is not 0) also returns when another process, or none, moves the bytes than when this
   manager last told it, by bcj2_manager_get_info() or a wait; *change may be the same then.
   timeout_ms < 0: for ever.
   BCJ2_OK; BCJ2_S_FALSE (time is over, *change is as it was); BCJ2_E_INVALIDARG (NULL);
   BCJ2_E_ABORT (bcj2_manager_interrupt(), *change is as it was); BCJ2_E_CLOSED (the manager was closed
   meanwhile); BCJ2_E_PATH_NOT_FOUND (the directory or its database was removed, moved or replaced; calls
   that change something say the same from then on); a status of the store. Any thread. */
BCJ2_API bcj2_status bcj2_manager_wait(bcj2_manager *manager, uint64_t *change, int64_t timeout_ms);

/* Ends one bcj2_manager_wait() of this manager with BCJ2_E_ABORT: one that waits, or else the next. For a
   thread that is to look at something else or to end. Not for signal handlers.
   BCJ2_OK; BCJ2_E_INVALIDARG (NULL); BCJ2_E_CLOSED. Any thread. */
BCJ2_API bcj2_status bcj2_manager_interrupt(bcj2_manager *manager);

/* Of a manager with BCJ2_MANAGER_DISPATCH: a descriptor that is readable (poll, select, an event loop) as long
   as there is something for bcj2_manager_dispatch() to run. Only to be waited for; it is the manager's, and
   closed with it. -1: without that flag, in a forked child, or manager NULL. Any thread. */
BCJ2_API int bcj2_manager_get_fd(bcj2_manager *manager);

/* Calls the callbacks that are due, on this thread, and returns when they have returned; one that is held up by
   another thread's call of this function for the same job is left to the next time. Several threads may call
   it: callbacks of different jobs then run together.
   BCJ2_OK; BCJ2_S_FALSE (none was due); BCJ2_E_INVALIDARG (NULL, no BCJ2_MANAGER_DISPATCH, inside a
   callback of the same manager); BCJ2_E_CLOSED. Any thread. */
BCJ2_API bcj2_status bcj2_manager_dispatch(bcj2_manager *manager);

/* Makes a job: SUSPENDED, empty, with the defaults of BITS. display_name: UTF-8, at most 256 UTF-16
   units, may be "". type: BCJ2_JOB_TYPE_…; others
   are answered with BCJ2_E_NOTIMPL. *ret_job is the caller's, to be unref'd.
   BCJ2_OK; BCJ2_E_INVALIDARG (NULL, name too long or not UTF-8); BCJ2_E_NOTIMPL (type);
   BCJ2_E_TOO_MANY_JOBS_PER_USER, BCJ2_E_TOO_MANY_JOBS_PER_MACHINE (the manager's options);
   BCJ2_E_DISK_FULL, BCJ2_E_OUTOFMEMORY. Any thread. (IBackgroundCopyManager::CreateJob) */
BCJ2_API bcj2_status bcj2_manager_create_job(bcj2_manager *manager, const char *display_name,
                                             bcj2_job_type type, bcj2_guid *ret_id,
                                             bcj2_job **ret_job);

/* The job with this id. *ret_job is the caller's, to be unref'd.
   BCJ2_OK; BCJ2_E_INVALIDARG (NULL); BCJ2_E_NOT_FOUND (unknown, completed or cancelled).
   Any thread. (IBackgroundCopyManager::GetJob) */
BCJ2_API bcj2_status bcj2_manager_get_job(bcj2_manager *manager, const bcj2_guid *id,
                                          bcj2_job **ret_job);

#define BCJ2_JOB_ENUM_ALL_USERS 1u

/* A snapshot of the queue's jobs in creation order; final ones are not in it. flags: 0 (this user's
   jobs) or BCJ2_JOB_ENUM_ALL_USERS. *ret_jobs is the caller's, to be unref'd.
   BCJ2_OK; BCJ2_E_INVALIDARG (NULL); BCJ2_E_NOTIMPL (other flags); BCJ2_E_OUTOFMEMORY. Any thread.
   (IBackgroundCopyManager::EnumJobs) */
BCJ2_API bcj2_status bcj2_manager_enum_jobs(bcj2_manager *manager, uint32_t flags,
                                            bcj2_job_enum **ret_jobs);

/* The jobs whose last change has a number above since, those of all users and final ones too, the
   oldest change first: for whoever watches a large queue. since is the number that
   bcj2_manager_wait() gave before the last look, so that no change is missed (one may be seen
   twice); 0: all jobs. What ended a day ago is forgotten and in no list any more. *ret_jobs is the
   caller's, to be unref'd. BCJ2_OK; BCJ2_E_INVALIDARG (NULL); BCJ2_E_OUTOFMEMORY. Any thread. */
BCJ2_API bcj2_status bcj2_manager_enum_changed(bcj2_manager *manager, uint64_t since,
                                               bcj2_job_enum **ret_jobs);

/* One English sentence for a status, HTTP errors included. *ret_text: bcj2_free().
   BCJ2_OK; BCJ2_E_INVALIDARG (NULL); BCJ2_E_OUTOFMEMORY. Any thread.
   (IBackgroundCopyManager::GetErrorDescription) */
BCJ2_API bcj2_status bcj2_manager_get_error_description(bcj2_manager *manager, bcj2_status status,
                                                        char **ret_text);

/* Enumerators. An enumerator may be used by one thread at a time; different ones by any thread.
   next: BCJ2_OK and an object of the caller's, or BCJ2_S_FALSE and NULL at the end. skip:
   BCJ2_S_FALSE when fewer than n were left (the position is then the end). clone: same snapshot,
   same position. count: all of the snapshot, wherever the position is. unref returns NULL; NULL is
   fine. All others: BCJ2_E_INVALIDARG (NULL), BCJ2_E_CLOSED, BCJ2_E_OUTOFMEMORY.
   (IEnumBackgroundCopyJobs) */
BCJ2_API bcj2_status bcj2_job_enum_next(bcj2_job_enum *jobs, bcj2_job **ret_job);
BCJ2_API bcj2_status bcj2_job_enum_reset(bcj2_job_enum *jobs);
BCJ2_API bcj2_status bcj2_job_enum_skip(bcj2_job_enum *jobs, uint32_t n);
BCJ2_API bcj2_status bcj2_job_enum_clone(bcj2_job_enum *jobs, bcj2_job_enum **ret_jobs);
BCJ2_API bcj2_status bcj2_job_enum_count(bcj2_job_enum *jobs, uint32_t *ret_count);
BCJ2_API bcj2_job_enum *bcj2_job_enum_unref(bcj2_job_enum *jobs);

BCJ2_END_DECLS

#endif
