/* SPDX-License-Identifier: BSD-3-Clause */
/* The secrets of new sessions with one peer, as lines of the NSS key log, for whoever looks at a capture.
 * There is one of these per core and only while an operator asked for it: made by the cold thread, used by
 * the core's worker until it is told to stop, read by the cold thread meanwhile. Who a peer is shows when the
 * handshake is over: until then the lines are kept here, and wiped when he is somebody else or nobody. */
#ifndef DATAPLANE_TLS_KEYLOG_H
#define DATAPLANE_TLS_KEYLOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/policy/name.h"

enum {
	TLS_KEYLOG_SLOTS = 128,	 /* handshakes at one time; those beyond are not written, and counted */
	TLS_KEYLOG_LINES = 1280, /* bytes of the five lines of a handshake under SHA-384 */
	TLS_KEYLOG_RING = 65536, /* bytes that wait for the cold thread */
};

struct tls_keylog_slot {
	bool used;
	uint16_t len;
	char text[TLS_KEYLOG_LINES];
};

struct tls_keylog {
	/* set before it is handed over */
	uint64_t until_ns; /* CLOCK_MONOTONIC: it ends by itself */
	uint32_t name_len;
	char name[POLICY_NAME_MAX + 1];
	/* the worker's */
	_Alignas(64) _Atomic uint32_t in;
	_Atomic uint64_t sessions, missed; /* written; not written for want of room */
	uint32_t hint;
	struct tls_keylog_slot slots[TLS_KEYLOG_SLOTS];
	char ring[TLS_KEYLOG_RING];
	_Alignas(64) _Atomic uint32_t out; /* the reader's */
};

/* Cold. NULL: no memory. */
struct tls_keylog *tls_keylog_create(struct policy_name peer, uint64_t until_ns);
/* Cold, when the worker does not use it any more; wiped. NULL is nothing. */
void tls_keylog_destroy(struct tls_keylog *k);
/* Cold: takes lines out, whole ones; how many bytes. What was taken is wiped here. */
uint32_t tls_keylog_read(struct tls_keylog *k, char *to, uint32_t room);

#endif
