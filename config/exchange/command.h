/* SPDX-License-Identifier: BSD-3-Clause */
/* What control tells a dataplane to do, on control's ring 0. The dataplane copies it before it looks at it,
 * and ignores what it does not know. */
#ifndef CONFIG_EXCHANGE_COMMAND_H
#define CONFIG_EXCHANGE_COMMAND_H

#include <stdint.h>

enum { EXCHANGE_COMMAND = 4 }; /* the kind of the message in its ring */

/* Numbers are layout: append, never renumber. */
enum exchange_verb {
	EXCHANGE_VERB_NONE,
	EXCHANGE_VERB_WATCH_RESET, /* forgive the peer with this key; all zero: every peer */
};

struct exchange_command {
	uint32_t verb;
	uint32_t reserved;
	uint8_t key[64]; /* POLICY_WATCH_KEY_LEN */
};

enum { EXCHANGE_KEYLOG = 5, EXCHANGE_KEYLOG_MAX_S = 3600, EXCHANGE_KEYLOG_NAME = 254 };

/* Another message of the same ring: from now on, and for so long, the secrets of new sessions with one peer
 * are written to a file of the dataplane's. Replaces what was asked for before. */
struct exchange_keylog {
	uint32_t seconds; /* 0: none from now on */
	uint16_t len;
	char name[EXCHANGE_KEYLOG_NAME]; /* that the peer's certificate has */
	char user[60];			 /* who asked, for the head of the file; terminated */
};

_Static_assert(sizeof(struct exchange_keylog) == 320, "one message of the command ring");
_Static_assert(sizeof(struct exchange_command) == 72, "one message of the command ring");

#endif
