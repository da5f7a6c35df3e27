/* SPDX-License-Identifier: MIT */
/* One object of every transparent struct, made by its _INIT macro: the macros must initialise every
   field without a warning in C and in C++. The names are checked by test_abi.c. */
#include <bcj2/bcj2.h>

bcj2_job_progress job_progress = BCJ2_JOB_PROGRESS_INIT;
bcj2_reply_progress reply_progress = BCJ2_REPLY_PROGRESS_INIT;
bcj2_file_progress file_progress = BCJ2_FILE_PROGRESS_INIT;
bcj2_job_times job_times = BCJ2_JOB_TIMES_INIT;
bcj2_manager_options manager_options = BCJ2_MANAGER_OPTIONS_INIT;
bcj2_manager_info manager_info = BCJ2_MANAGER_INFO_INIT;
bcj2_notify_callbacks notify_callbacks = BCJ2_NOTIFY_CALLBACKS_INIT;
bcj2_event event = BCJ2_EVENT_INIT;
