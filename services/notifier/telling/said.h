/* Said -- column `said` of notify.deliveries: what the words of a message are made from, as it was
 * at the event. Pure. No personal data in clear: texts as the ticket has them, numbers masked.
 *
 *   {"event":   {"name": "reply_sent", "at_ms": 1, "actor": "林小婉", "reason": "..."},
 *    "ticket":  {"id": 1024, "subject", "description", "status": "in_progress", "priority",
 *                "kind", "category", "channel", "region", "tier", "group": "售后", "assignee",
 *                "requester": "张**", "created_ms", "updated_ms", "order", "product", "batch",
 *                "device", "external_id", "language", "tags": [...], "custom": {...}},
 *    "comment": {"author": "林小婉", "text": "...", "at_ms"},          of replies and notes
 *    "promise": {"metric", "level", "policy", "due_ms", "target_ms", "elapsed_ms"},
 *    "storm":   {"count", "urgent", "minutes", "kind": "物流", "group", "since_ms", "until_ms"},
 *    "tickets": [{"id", "subject", "priority", ...}],                  of a storm: some of it
 *    "show": true}
 *
 * Members are those of notification_vocabulary(), those that are empty left out; besides, what is
 * for the reader's language and hours to say is here as it is: states by their code, moments
 * (`..._ms`, UTC, for the vocabulary's `at`, `due_at`, `created_at` ...) and lengths (`target_ms`,
 * `elapsed_ms`) in milliseconds. Links, the recipient and the tenant are not in it: whoever renders
 * knows them. `show`: the recipient may see the requester's name in clear.
 *
 * A text is cut at SAID_TEXT_MAX bytes, at a character's end, with … behind it. */
#pragma once

enum { SAID_TEXT_MAX = 16 << 10 };
