/* SPDX-License-Identifier: BSD-3-Clause */
/* Contacts that moved. Our end may go to another host in the middle of a dialog (RFC 3261 section 12.2: the
 * Contact of a target refresh, and of its 2xx; RFC 6665: of NOTIFY), but what the partner's route set says of
 * him was signed when the dialog began. So what was said inside is remembered here.
 *
 * One table for all cores of a box, of fixed size: four to a set, the oldest goes. Only what our own servers
 * send is written, once a host, so a stranger has nothing to fill it with. Each word is written and read as
 * one; who races loses an entry, and makes none that nobody wrote. So it may lie in memory that outlives the
 * process, however that ends; the keys of what it says lie in it. */
#ifndef DATAPLANE_PROXY_MOVED_H
#define DATAPLANE_PROXY_MOVED_H

#include <stdatomic.h>

#include "dataplane/base/siphash.h"
#include "dataplane/sip/sip_core.h"

enum { MOVED_SETS = 1 << 16, MOVED_WAYS = 4, MOVED_SECRET = 32 };

struct moved {
	uint64_t magic;
	uint8_t secret[MOVED_SECRET];
	uint8_t reserved[4096 - 8 - MOVED_SECRET];
	_Atomic uint64_t
		word[MOVED_SETS][MOVED_WAYS]; /* bits of the dialog's number above its aim; 0: empty */
};

/* Cold. Memory that is all zero becomes one; secret: random. */
void moved_begin(struct moved *t, const uint8_t secret[MOVED_SECRET]);
/* Is it one that moved_begin() was at, of this version? */
bool moved_is(const struct moved *t);

/* The dialog of a message that has both tags, whoever sends it. */
uint64_t moved_dialog(const struct siphash_key *key, const struct sip_msg *m, const struct sip_core *core);
/* aim: route_aim(). True: it was news. t may be NULL: nothing is remembered. */
bool moved_note(struct moved *t, uint64_t dialog, uint32_t aim);
bool moved_to(const struct moved *t, uint64_t dialog, uint32_t aim);

#endif
