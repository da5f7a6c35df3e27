/* SPDX-License-Identifier: MIT */
/* GUIDs: text and random ones. */
#ifndef BCJ2_BASE_GUID_H
#define BCJ2_BASE_GUID_H

#include <stdbool.h>
#include <bcj2/types.h>

void bcj2__guid_format(const bcj2_guid *guid, char text[BCJ2_GUID_TEXT_SIZE]);
bool bcj2__guid_parse(const char *text, bcj2_guid *ret); /* braces optional, either case */
bool bcj2__guid_equal(const bcj2_guid *a, const bcj2_guid *b);
bcj2_guid bcj2__guid_random(void); /* version 4: 122 random bits */

#endif
