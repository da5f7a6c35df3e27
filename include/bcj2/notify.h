/* SPDX-License-Identifier: MIT */
/* Being told: that a job was transferred or failed, that it or one of its files made progress. By
   callbacks of this process, or by a program that is started. Each event is stored with the change that
   causes it and is owed, over restarts of processes and of the machine, until somebody took it: the
   callbacks of the process that set them last, if it lives; else, or if its callback refuses, the command
   line. If that fails, too, all is repeated after the job's minimum retry delay. At least once: an event
   may be told twice, if a process ends after it was told and before that is stored.
   (job-semantics sections 1.2.18, 1.2.19, 1.3.1, 5)

   Besides what is listed, a call may return BCJ2_E_CLOSED (the manager was closed, or in a forked child),
   BCJ2_E_NOT_FOUND (the job ended more than a day ago) and a status of the store. */
#ifndef BCJ2_NOTIFY_H
#define BCJ2_NOTIFY_H

#include <bcj2/types.h>

BCJ2_BEGIN_DECLS

/* Kinds of events; of a job, those that are wanted. */
typedef uint32_t bcj2_notify_flags;
#define BCJ2_NOTIFY_JOB_TRANSFERRED  0x01u /* it became TRANSFERRED */
#define BCJ2_NOTIFY_JOB_ERROR        0x02u /* it became ERROR; never for TRANSIENT_ERROR */
#define BCJ2_NOTIFY_DISABLE          0x04u /* nothing, whatever else is set */
#define BCJ2_NOTIFY_JOB_MODIFICATION 0x08u /* anything of it changed; only for callbacks */
#define BCJ2_NOTIFY_FILE_TRANSFERRED \
    0x10u /* a file of a download, or a reply; only for callbacks */
#define BCJ2_NOTIFY_FILE_RANGES_TRANSFERRED 0x20u /* accepted; there are no such events */

/* Which events are told, and by which kind of callback; one value for callbacks and command line. At
   first BCJ2_NOTIFY_JOB_TRANSFERRED | BCJ2_NOTIFY_JOB_ERROR. 0 is BCJ2_NOTIFY_DISABLE. A flag that is set
   after its event leads to the event's being told, one that is cleared before lets it wait; transferred
   files are only noted while their flag is set.
   BCJ2_OK; BCJ2_E_INVALIDARG (NULL); BCJ2_E_NOTIMPL (bits above 0x20); BCJ2_E_INVALID_STATE (completed or
   cancelled). Any thread. (IBackgroundCopyJob::SetNotifyFlags) */
BCJ2_API bcj2_status bcj2_set_notify_flags(bcj2_job *job, bcj2_notify_flags flags);
/* As they were set. Any thread. (IBackgroundCopyJob::GetNotifyFlags) */
BCJ2_API bcj2_status bcj2_get_notify_flags(bcj2_job *job, bcj2_notify_flags *ret_flags);

/* What a program wants to be called for; a member that is NULL is not called, and its events go to the
   command line. job, error and file are borrowed for the call: ref what you keep. user is yours.

   Callbacks run on threads of the library, at most four at a time in a manager, those of one job one
   after the other; or, with BCJ2_MANAGER_DISPATCH, inside bcj2_manager_dispatch(). No lock is held: every
   call of the library is allowed, bcj2_complete(), bcj2_cancel() and setting other callbacks too, but
   bcj2_wait() for the same job (BCJ2_E_INVALIDARG) and bcj2_manager_close() (refused). A callback that
   does not return holds up its own job's events and one of the four threads, nothing else. A child that is
   forked inside one must end by _exit() or exec, not return from it. */
typedef struct bcj2_notify_callbacks {
    uint32_t struct_size;
    /* BCJ2_OK: told. Anything else: the command line is run, or without one it is called again after the
       minimum retry delay. */
    bcj2_status (*job_transferred)(bcj2_job *job, void *user);
    bcj2_status (*job_error)(bcj2_job *job, bcj2_error *error, void *user);
    /* Something of the job changed: bytes, files, a property, the state, but not to TRANSFERRED or ERROR. At
       most once in 500 ms a job; what changes in between is told together. The result is not looked at. */
    bcj2_status (*job_modification)(bcj2_job *job, void *user);
    /* Before job_transferred and job_error. file: of an upload-reply job, whose reply came, its one file. A
       failure: it is called again after the minimum retry delay, and the job's other events wait. */
    bcj2_status (*file_transferred)(bcj2_job *job, bcj2_file *file, void *user);
    /* Called once, after the last callback has returned, when the library lets go of user: other callbacks
       were set, here or by another process, the job was completed or cancelled, or the manager is closed.
       Not if bcj2_set_notify_callbacks() failed. On the thread that calls it or bcj2_manager_close(), else where
       callbacks run; what holds inside of callbacks holds here. */
    void (*destroy)(void *user);
    void *user;
} bcj2_notify_callbacks;
#define BCJ2_NOTIFY_CALLBACKS_INIT                                \
    {                                                             \
        (uint32_t)sizeof(bcj2_notify_callbacks), 0, 0, 0, 0, 0, 0 \
    }

/* Sets what this process is called for; NULL: nothing any more. One program at a time has a job's
   callbacks: those of another process are let go, too. They are not stored: after its process ended, or
   its manager was closed, the job has none, until they are set again. Events that happened before and
   were not told are told now. The struct is copied. Returns when a callback that is replaced has ended,
   unless it is called inside a callback, of whichever job. If a callback runs for an event while NULL is
   set, the command line may be started for it before the callback has returned.
   BCJ2_OK; BCJ2_E_INVALIDARG (job NULL, struct_size); BCJ2_E_INVALID_STATE (completed or cancelled);
   BCJ2_E_OUTOFMEMORY; BCJ2_E_DISK_FULL. Any thread. (IBackgroundCopyJob::SetNotifyInterface) */
BCJ2_API bcj2_status bcj2_set_notify_callbacks(bcj2_job *job,
                                               const bcj2_notify_callbacks *callbacks);
/* What this manager set for the job and still has; struct_size of *ret_callbacks says how much of it there
   is room for.
   BCJ2_OK; BCJ2_S_FALSE (nothing: all zero but struct_size); BCJ2_E_INVALIDARG (NULL, struct_size).
   Any thread. (IBackgroundCopyJob::GetNotifyInterface) */
BCJ2_API bcj2_status bcj2_get_notify_callbacks(bcj2_job *job, bcj2_notify_callbacks *ret_callbacks);

/* The program that is started for BCJ2_NOTIFY_JOB_TRANSFERRED and _JOB_ERROR if no callback takes the
   event: by the process that moves the bytes, as its user, without a shell, in its own process group, in
   the folder "/"; at most sixteen at a time, one for an event. It is stored with the job, and taken away by
   bcj2_take_ownership(). program: its absolute path, at most 260 UTF-16 units; neither search path nor
   variables are used, and whether there is such a program is not looked at here: a relative path or ""
   is stored, too, and can never be started. parameters: its whole command line, at most 4,000 units, split
   by the Windows rules; its first token becomes argv[0] (the program again, by custom). NULL or "": program
   alone. Both NULL: none any more. A program that runs already is not stopped by any call.

   Standard input is the job as bcj2_get_json() tells it; standard output and error are /dev/null. Its
   environment is that of the process that moves the bytes, with BCJ2_JOB_ID, BCJ2_EVENT ("transferred" or
   "error") and BCJ2_QUEUE (the queue's directory). Status 0: told. Anything else, or it cannot be
   started: repeated after the minimum retry delay, callbacks first, unless it completed, cancelled or
   resumed the job. The job's own state and error stay as they are. A process that moves the bytes and
   ignores SIGCHLD, or waits for any child, may take the program's status: that counts as told.
   BCJ2_OK; BCJ2_E_INVALIDARG (job NULL, program NULL with parameters, not UTF-8); BCJ2_E_STRING_TOO_LONG;
   BCJ2_E_INVALID_STATE (completed or cancelled); BCJ2_E_DISK_FULL. Any thread.
   (IBackgroundCopyJob2::SetNotifyCmdLine) */
BCJ2_API bcj2_status bcj2_set_notify_cmdline(bcj2_job *job, const char *program,
                                             const char *parameters);
/* As they were set; "" for what is not set. *ret_…: bcj2_free(). BCJ2_OK; BCJ2_E_INVALIDARG (NULL);
   BCJ2_E_OUTOFMEMORY. Any thread. (IBackgroundCopyJob2::GetNotifyCmdLine) */
BCJ2_API bcj2_status bcj2_get_notify_cmdline(bcj2_job *job, char **ret_program,
                                             char **ret_parameters);

/* One event of the queue, as it is stored. */
typedef struct bcj2_event {
    uint32_t struct_size;
    bcj2_notify_flags kind; /* BCJ2_NOTIFY_JOB_TRANSFERRED, _JOB_ERROR or _FILE_TRANSFERRED */
    uint64_t number;        /* grows with each event of the queue */
    bcj2_guid job;
    bcj2_filetime time;  /* when it happened */
    uint32_t file_index; /* BCJ2_NOTIFY_FILE_TRANSFERRED: from 0, in the order of adding */
    int32_t result;      /* BCJ2_EVENT_… */
    uint64_t attempts;   /* callbacks that refused and programs that were started */
} bcj2_event;
#define BCJ2_EVENT_INIT                                                \
    {                                                                  \
        (uint32_t)sizeof(bcj2_event), 0, 0, {0, 0, 0, {0}}, 0, 0, 0, 0 \
    }
#define BCJ2_EVENT_OWED      0 /* nobody took it yet */
#define BCJ2_EVENT_DELIVERED 1
#define BCJ2_EVENT_DROPPED   2 /* the job was resumed, completed or cancelled before */

/* The first event with a number above `after` (0: of all): to follow a queue, ask again after
   bcj2_manager_wait(). What is owed is kept as long as its job, what is over for a day at most: with a job
   that is over goes what happened to it, at the latest when a program opens a queue that nobody has open.
   BCJ2_OK; BCJ2_S_FALSE (none yet); BCJ2_E_INVALIDARG (NULL, struct_size). Any thread. */
BCJ2_API bcj2_status bcj2_manager_get_event(bcj2_manager *manager, uint64_t after,
                                            bcj2_event *ret_event);

BCJ2_END_DECLS

#endif
