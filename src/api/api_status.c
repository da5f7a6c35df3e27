/* SPDX-License-Identifier: MIT */
/* <bcj2/status.h>, <bcj2/types.h>, and what the other files of this floor share. */
#include "api.h"
#include "guid.h"
#include "mem.h"
#include "status.h"

#include <string.h>

void bcj2__api_copy_out(void *to, const void *from, size_t from_size)
{
    uint32_t size = 0;
    memcpy(&size, to, sizeof size);
    size_t n = size < from_size ? size : from_size;
    memcpy((char *)to + sizeof size, (const char *)from + sizeof size, n - sizeof size);
}

bcj2_status bcj2__api_copy_text(const char *text, char **ret)
{
    char *copy = bcj2__mem_strdup(text);
    if (copy == NULL) {
        return bcj2__detail_no_memory();
    }
    *ret = copy;
    return BCJ2_OK;
}

const char *bcj2_status_name(bcj2_status status)
{
    return bcj2__status_name(status);
}

const char *bcj2_status_text(bcj2_status status)
{
    return bcj2__status_text(status);
}

const char *bcj2_last_detail(void)
{
    return bcj2__detail_get();
}

const char *bcj2_version(void)
{
    return BCJ2_VERSION;
}

void bcj2_free(void *memory)
{
    bcj2__mem_free(memory);
}

void bcj2_guid_format(const bcj2_guid *guid, char text[BCJ2_GUID_TEXT_SIZE])
{
    if (guid != NULL && text != NULL) {
        bcj2__guid_format(guid, text);
    }
}

bcj2_status bcj2_guid_parse(const char *text, bcj2_guid *ret_guid)
{
    REQUIRE(text);
    REQUIRE(ret_guid);
    return bcj2__guid_parse(text, ret_guid)
               ? BCJ2_OK
               : bcj2__detail(BCJ2_E_INVALIDARG, "\"%.60s\" is not a GUID", text);
}
