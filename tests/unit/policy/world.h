/* SPDX-License-Identifier: BSD-3-Clause */
/* A policy and a message written as an operator would say them, for tables of tests.
 *
 * World: statements separated by ';'
 *   federation on|off     discovery on|off     clearing on     default-routing FQDN [public]
 *   identity MODE         eku MODE             unmarked reject     verify-discovered LEVEL   limit-discovered
 * N own DOMAIN [closed] [rights=±word,…] [shared=FQDN] [no-route] [pool=HOST] [tls=N] rights ±word,… site
 * NAME rights=… user ADDRESS [rights=…] [site=NAME] allow PATTERN [proxy=F[:port]] [peer=F,…] [via=D]
 * [pin=N,…] [check=MODE] [verify=LEVEL] [eku=MODE] [except] [wildcard] [pai] [reject-unmarked]
 * [services=im,presence,calls] [limit=N] [hops=…] [tls=N] [monitor] block PATTERN         hard PATTERN
 * hosting|public FQDN [name=N] [off] [shared] [verify=LEVEL] [pai] [wildcard] [services=…] route PATTERN HOP…
 * HOP = host|ip
 * [:port] [/priority [/weight]] [!down] [!block] [!final] [!insecure] [!srv] srv DOMAIN
 * nothing|failed|bogus|TARGET…   TARGET = name[:port][/priority[/weight]][=ip|=-]; also: secure stale host
 * NAME nothing|failed|IP…   of srv too: fill=N (so many targets of no interest) lost=K (part K is gone)
 * mixed=K (it is another answer's)
 *
 * Message: in|out [dialog|response] METHOD FROM TO then options
 *   ruri=ADDRESS cert=N,… key=N eku=client,server,sip,any,absent|none mark=verified|unverified
 * route=ours|stale|foreign|edge:F pin=direct|auto|authorized|public:DOMAIN split=good|wrong hop pai=D,…
 * pais=N service=im|presence|calls stored=TYPE:DOMAIN:IDENTITY[:discovered] stored-key=N untrusted revoked
 * nocert key-alone inner=±word,… */
#ifndef TESTS_UNIT_POLICY_WORLD_H
#define TESTS_UNIT_POLICY_WORLD_H

#include "config/policy/decide.h"
#include "config/policy/draft.h"

struct world {
	struct policy_draft *draft;
	const struct policy_view *view;
	int error; /* of the last statement that failed, 0 = none */
};

struct message {
	struct policy_facts facts;
	struct policy_peer peer;
	struct policy_stored stored;
	struct policy_name names[8];
	char text[2048];
};

#define WORLD_NOW_NS UINT64_C(1000000000000)

/* Reads a world; fails the test when a statement is not understood. What the draft refuses lands in error. */
void world_open(struct world *w, const char *text);
void world_add(struct world *w, const char *text);
void world_close(struct world *w);

/* the base on which the tables stand: federation on, ours.com with everything granted and a pool */
extern const char world_base[];

void message_read(struct message *m, const char *text);

/* "accept direct verified", "refuse 504/1010 SERVER_NAME", "drop BLOCKED", "ask srv:contoso.com" */
void verdict_print(const struct policy_verdict *v, char *buf, size_t cap);

#endif
