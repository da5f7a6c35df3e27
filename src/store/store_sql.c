/* SPDX-License-Identifier: MIT */
/* See store_sql.h. */
#include "store_sql.h"

#include <string.h>
#include "detail.h"
#include "guid.h"
#include "mem.h"
#include "str.h"

/* The slot of a statement, or the free one where it belongs; NULL: all are taken. */
static struct store_statement *slot_of(struct store *s, const char *text)
{
    size_t at = (size_t)((uintptr_t)text >> 3);
    for (size_t i = 0; i < STORE_STATEMENT_SLOTS; i++, at++) {
        struct store_statement *slot = &s->statements[at % STORE_STATEMENT_SLOTS];
        if (slot->sql == text || slot->sql == NULL) {
            return slot;
        }
    }
    return NULL;
}

struct sql bcj2__sql(struct store *s, const char *text)
{
    struct sql q = {.store = s};
    struct store_statement *slot = slot_of(s, text);
    if (slot == NULL) {
        q.status = bcj2__detail(BCJ2_E_UNEXPECTED, "the store has too many statements");
        return q;
    }
    if (slot->sql == NULL) {
        int rc =
            sqlite3_prepare_v3(s->db, text, -1, SQLITE_PREPARE_PERSISTENT, &slot->prepared, NULL);
        if (rc != SQLITE_OK) {
            q.status = bcj2__store_failed(s, s->db, rc, "reading");
            return q;
        }
        slot->sql = text;
    }
    q.statement = slot->prepared;
    return q;
}

struct sql bcj2__sql_writing(struct store *s, const char *text)
{
    bcj2_status status = bcj2__store_need_transaction(s);
    return status == BCJ2_OK ? bcj2__sql(s, text) : (struct sql){.store = s, .status = status};
}

void bcj2__sql_forget(struct store *s)
{
    for (size_t i = 0; i < STORE_STATEMENT_SLOTS; i++) {
        (void)sqlite3_finalize(s->statements[i].prepared);
        s->statements[i] = (struct store_statement){0};
    }
}

static void bound(struct sql *q, int rc)
{
    if (rc != SQLITE_OK) {
        q->status = bcj2__store_failed(q->store, q->store->db, rc, "binding a value");
    }
}

void bcj2__sql_bind_i64(struct sql *q, int64_t value)
{
    if (q->status == BCJ2_OK) {
        bound(q, sqlite3_bind_int64(q->statement, ++q->parameter, value));
    }
}

void bcj2__sql_bind_u64(struct sql *q, uint64_t value)
{
    bcj2__sql_bind_i64(q, (int64_t)value);
}

void bcj2__sql_bind_text(struct sql *q, const char *text)
{
    if (q->status == BCJ2_OK) {
        bound(q, sqlite3_bind_text(q->statement, ++q->parameter, text, -1, SQLITE_STATIC));
    }
}

void bcj2__sql_bind_blob(struct sql *q, const uint8_t *bytes, size_t size)
{
    if (q->status == BCJ2_OK) {
        bound(q, sqlite3_bind_blob64(q->statement, ++q->parameter, bytes, size, SQLITE_STATIC));
    }
}

void bcj2__sql_bind_guid(struct sql *q, const bcj2_guid *id)
{
    char text[BCJ2_GUID_TEXT_SIZE];
    bcj2__guid_format(id, text);
    if (q->status == BCJ2_OK) {
        bound(q, sqlite3_bind_text(q->statement, ++q->parameter, text, -1, SQLITE_TRANSIENT));
    }
}

void bcj2__sql_bind_deadline(struct sql *q, const struct store_deadline *d)
{
    bcj2__sql_bind_text(q, d->set ? d->boot_id : NULL);
    bcj2__sql_bind_u64(q, d->set ? d->now_ms : 0);
    bcj2__sql_bind_u64(q, d->set ? d->wall : 0);
}

bool bcj2__sql_row(struct sql *q)
{
    if (q->status != BCJ2_OK) {
        return false;
    }
    q->column = 0;
    int rc = sqlite3_step(q->statement);
    if (rc == SQLITE_ROW) {
        return true;
    }
    q->status =
        rc == SQLITE_DONE
            ? BCJ2_S_FALSE
            : bcj2__store_failed(q->store, q->store->db, rc,
                                 sqlite3_stmt_readonly(q->statement) ? "reading" : "writing");
    return false;
}

int64_t bcj2__sql_i64(struct sql *q)
{
    return sqlite3_column_int64(q->statement, q->column++);
}

uint64_t bcj2__sql_u64(struct sql *q)
{
    return (uint64_t)bcj2__sql_i64(q);
}

uint32_t bcj2__sql_u32(struct sql *q)
{
    return (uint32_t)bcj2__sql_i64(q);
}

bool bcj2__sql_bool(struct sql *q)
{
    return bcj2__sql_i64(q) != 0;
}

/* The column as it lies in SQLite's memory; NULL for NULL, or when SQLite had no memory. */
static const char *peek(struct sql *q)
{
    int column = q->column++;
    if (sqlite3_column_type(q->statement, column) == SQLITE_NULL) {
        return NULL;
    }
    const char *text = (const char *)sqlite3_column_text(q->statement, column);
    if (text == NULL) {
        q->status = bcj2__detail_no_memory();
    }
    return text;
}

char *bcj2__sql_text(struct sql *q)
{
    const char *text = peek(q);
    char *copy = bcj2__mem_strdup(text);
    if (copy == NULL && text != NULL) {
        q->status = bcj2__detail_no_memory();
    }
    return copy;
}

uint8_t *bcj2__sql_blob(struct sql *q, size_t *ret_size)
{
    int column = q->column++;
    *ret_size = 0;
    if (sqlite3_column_type(q->statement, column) == SQLITE_NULL) {
        return NULL;
    }
    const void *bytes = sqlite3_column_blob(q->statement, column);
    size_t size = (size_t)sqlite3_column_bytes(q->statement, column);
    uint8_t *copy = bcj2__mem_alloc(size);
    if (copy == NULL || (bytes == NULL && size > 0)) {
        bcj2__mem_free(copy);
        q->status = bcj2__detail_no_memory();
        return NULL;
    }
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    *ret_size = size;
    return copy;
}

static void damaged(struct sql *q)
{
    q->status = bcj2__detail(BCJ2_E_DATABASE_CORRUPT, "the queue in %s holds a damaged %s",
                             q->store->directory, sqlite3_column_name(q->statement, q->column - 1));
}

void bcj2__sql_text_into(struct sql *q, char *to, size_t size)
{
    const char *text = peek(q);
    to[0] = '\0';
    if (text != NULL && !bcj2__str_copy(to, size, text, strlen(text))) {
        damaged(q);
    }
}

bcj2_guid bcj2__sql_guid(struct sql *q)
{
    bcj2_guid id = {0};
    const char *text = peek(q);
    if (text != NULL && !bcj2__guid_parse(text, &id)) {
        damaged(q);
    }
    return id;
}

struct store_deadline bcj2__sql_deadline(struct sql *q)
{
    struct store_deadline d = {0};
    d.set = sqlite3_column_type(q->statement, q->column) != SQLITE_NULL;
    bcj2__sql_text_into(q, d.boot_id, sizeof d.boot_id);
    d.now_ms = bcj2__sql_u64(q);
    d.wall = bcj2__sql_u64(q);
    return d;
}

bcj2_status bcj2__sql_end(struct sql *q)
{
    if (q->statement != NULL) {
        /* texts were bound by reference: nothing may point at them from here on */
        (void)sqlite3_reset(q->statement);
        (void)sqlite3_clear_bindings(q->statement);
        q->statement = NULL;
    }
    return q->status;
}

bcj2_status bcj2__sql_run(struct sql *q)
{
    while (bcj2__sql_row(q)) {
    }
    bool touched = q->status == BCJ2_S_FALSE && sqlite3_changes(q->store->db) > 0;
    if (touched) {
        q->status = BCJ2_OK;
    }
    return bcj2__sql_end(q);
}
