/* SPDX-License-Identifier: MIT */
/* The body of an answer to GET that is not one stretch of a file sent by the system: several ranges
   as multipart/byteranges, and any body whose rate is limited or whose length must not be told. */
#ifndef BCJ2_SERVER_MULTIPART_H
#define BCJ2_SERVER_MULTIPART_H

#include <microhttpd.h>
#include "range.h"
#include "request.h"

/* These ranges of fd, in their order, as they are (count 1) or each with a head (count > 1). fd
   belongs to the response. NULL: no memory; fd is closed. */
struct MHD_Response *multipart_response(struct request *r, int fd, uint64_t size,
                                        const struct byte_range *ranges, size_t count);

#endif
