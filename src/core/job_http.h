/* SPDX-License-Identifier: MIT */
/* The HTTP options of a job for who transfers it. Setting and asking for them: job.h. */
#ifndef BCJ2_CORE_JOB_HTTP_H
#define BCJ2_CORE_JOB_HTTP_H

#include "core.h"

/* All options, secrets opened: the custom headers as lines "Name: value" CR LF (NULL: none), and the
   password of the client certificate's key (NULL: none). *ret_http: bcj2__store_http_done(); the two
   texts: bcj2__mem_free_secret(), as soon as they are used. On failure nothing is left.
   BCJ2_E_DECRYPTION_FAILED, BCJ2_E_ACCESSDENIED: the key is missing, damaged, another one or open to
   others: nothing must be sent without what the job was told to send. BCJ2_E_FAIL: it could not be
   read just now. Others are of the store. */
bcj2_status bcj2__job_http_open(struct core *c, int64_t seq, struct store_http *ret_http,
                                char **ret_headers, char **ret_key_password);

#endif
