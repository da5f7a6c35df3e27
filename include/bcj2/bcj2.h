/* SPDX-License-Identifier: MIT */
/* The whole public API of libbcj2 in one include. */
#ifndef BCJ2_BCJ2_H
#define BCJ2_BCJ2_H

#include <bcj2/version.h>
#include <bcj2/status.h>
#include <bcj2/types.h>
#include <bcj2/manager.h>
#include <bcj2/job.h>
#include <bcj2/file.h>
#include <bcj2/notify.h>

#endif
