/* SPDX-License-Identifier: MIT */
/*
 * What waits for a slot's own thread. An entry in a buffer is a header, then the payload and its
 * NUL unless a batch holds them; headers are copied in and out, so nothing needs to be aligned.
 */
#include "host/inbox.h"

#include <string.h>

typedef struct entry_header {
    umh_frame frame;
    umh_inbox_kind kind;
    umh_batch *batch;    /* NULL: the payload follows */
    const uint8_t *data; /* in `batch` */
} entry_header;

int umh_inbox_push(umh_inbox *inbox, const umh_inbox_entry *entry, umh_batch *batch,
                   uint64_t max_bytes)
{
    bool is_message = entry->kind == INBOX_MESSAGE;
    uint64_t cost = is_message ? umh_frame_cost(entry->frame.payload_bytes) : 0;
    entry_header header = {.frame = entry->frame,
                           .kind = entry->kind,
                           .batch = batch,
                           .data = batch ? entry->payload.data : NULL};
    int r;

    if (is_message ? inbox->waiting_bytes + cost > max_bytes
                   : inbox->command_count >= UMH_INBOX_COMMANDS_MAX)
        return UMH_INBOX_FULL;
    r = umh_buffer_append(&inbox->filling, &header, sizeof(header));
    if (r == 0 && !batch)
        r = umh_buffer_append(&inbox->filling, entry->payload.data, entry->payload.size + 1);
    if (r == UMH_BUFFER_FULL)
        return UMH_INBOX_FULL;
    if (r)
        return umh_fold(r);
    if (batch)
        umh_batch_ref(batch);
    inbox->waiting_bytes += cost;
    inbox->command_count += !is_message;
    return 0;
}

bool umh_inbox_swap(umh_inbox *inbox)
{
    umh_buffer emptied = inbox->draining;

    inbox->draining = inbox->filling;
    inbox->filling = emptied;
    umh_buffer_clear(&inbox->filling);
    inbox->at = 0;
    inbox->waiting_bytes = 0;
    inbox->command_count = 0;
    return inbox->draining.size > 0;
}

bool umh_inbox_peek(const umh_inbox *inbox, umh_inbox_kind *ret_kind)
{
    entry_header header;

    if (inbox->at == inbox->draining.size)
        return false;
    memcpy(&header, inbox->draining.data + inbox->at, sizeof(header));
    *ret_kind = header.kind;
    return true;
}

bool umh_inbox_next(umh_inbox *inbox, umh_inbox_entry *ret_entry)
{
    const umh_buffer *from = &inbox->draining;
    entry_header header;

    inbox->held = umh_batch_unref(inbox->held);
    if (inbox->at == from->size)
        return false;
    memcpy(&header, from->data + inbox->at, sizeof(header));
    inbox->at += sizeof(header);
    ret_entry->frame = header.frame;
    ret_entry->kind = header.kind;
    ret_entry->payload = umh_bytes_of(header.data, header.frame.payload_bytes);
    inbox->held = header.batch;
    if (!header.batch) {
        ret_entry->payload.data = from->data + inbox->at;
        inbox->at += header.frame.payload_bytes + (size_t)1;
    }
    return true;
}

void umh_inbox_deinit(umh_inbox *inbox)
{
    umh_inbox_entry entry;

    if (!inbox)
        return;
    while (umh_inbox_next(inbox, &entry) || umh_inbox_swap(inbox))
        continue;
    umh_buffer_deinit(&inbox->draining);
    umh_buffer_deinit(&inbox->filling);
    *inbox = (umh_inbox)UMH_INBOX_INIT;
}
