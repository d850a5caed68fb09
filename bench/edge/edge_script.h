/* SPDX-License-Identifier: BSD-3-Clause */
/* What partners and our pool say in the edge's bench, as bytes: a MESSAGE of 600 bytes and its 200, a call
 * (INVITE, 180, 200, ACK, BYE, 200), or a MESSAGE of 600 bytes to a user who may not be reached from outside,
 * which the box itself answers with 403. Pure: no I/O, so that our generator and the kernel's say the same.
 * Every answer is matched: its Call-ID and CSeq must be those of the request on this connection, and its To
 * tag is computed from the Call-ID by the pool, so that nobody but the pool can have answered; a refusal has
 * another one. */
#ifndef BENCH_EDGE_EDGE_SCRIPT_H
#define BENCH_EDGE_EDGE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCRIPT_MESSAGE_BYTES = 600, SCRIPT_BUFFER = 8192 };

enum script_kind { SCRIPT_MESSAGE, SCRIPT_CALL, SCRIPT_ANSWER, SCRIPT_KINDS };
/* how a kind is called, and how many requests of one exchange the pool sees */
extern const struct script_info {
	const char *name;
	unsigned pooled;
} script_infos[SCRIPT_KINDS];
/* SCRIPT_KINDS: no such one */
enum script_kind script_kind_of(const char *name);

/* one message goes out; called from inside of the functions below */
typedef void (*script_emit_fn)(void *ctx, const char *bytes, size_t len);

/* bytes of one connection that are not yet a message */
struct script_stream {
	uint32_t len;
	char bytes[SCRIPT_BUFFER];
};

/* a partner's connection: one exchange at a time */
struct script_partner {
	struct script_stream in;
	unsigned number; /* domain pN.test, server edge.pN.test */
	uint32_t count;
	uint8_t kind, state;
	bool early; /* the 180 has come */
	char call_id[64];
};

void script_partner_init(struct script_partner *p, unsigned number);
/* begins an exchange: emits MESSAGE or INVITE */
void script_partner_begin(struct script_partner *p, enum script_kind kind, script_emit_fn emit, void *ctx);
/* Takes what came. 1: the exchange is over and everything was right; 0: more is to come; -1: wrong, and why.
 */
int script_partner_take(struct script_partner *p, const void *bytes, size_t len, script_emit_fn emit,
			void *ctx, const char **why);

/* The pool's side of one connection: answers what comes. 0, or -1 and why. Adds to *messages what was asked.
 */
int script_pool_take(struct script_stream *in, const void *bytes, size_t len, script_emit_fn emit, void *ctx,
		     uint64_t *messages, const char **why);

#endif
