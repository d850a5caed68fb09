/* SPDX-License-Identifier: BSD-3-Clause */
/* What the checks over a whole configuration have in common. */
#ifndef CONFIG_SCHEMA_CROSS_CHECK_H
#define CONFIG_SCHEMA_CROSS_CHECK_H

#include "config/schema/schema_cross.h"

struct cross {
	const struct schema_source *source;
	schema_report_fn report;
	void *ctx;
	long errors;
	int fault; /* -errno of the source */
	struct schema_object o, other;
	struct schema_text body;
	/* partners that are blocked, when they were collected */
	struct schema_map blocks;
	bool blocks_known, scan_all;
	struct schema_map own; /* our SIP domains, when they were collected */
	bool own_known;
	unsigned same;	  /* findings of one kind, to cut them off */
	uint64_t counted; /* nouns that were, one bit each */
	uint32_t line;
};

void cross_say(struct cross *c, enum schema_severity severity, const char *noun, const char *key,
	       const char *format, ...) __attribute__((format(printf, 5, 6)));
unsigned cross_noun(const char *name);
/* its body is in c->body then */
bool cross_exists(struct cross *c, unsigned noun, const char *key);
/* loads into c->other */
bool cross_load(struct cross *c, const char *noun, const char *key);
void cross_each(struct cross *c, const char *noun, schema_each_fn fn, void *arg);
/* "198.18.0.1:5061" or "[2001:db8::1]:5061" */
bool cross_is_address(const char *target);

/* ---- cross_partner.c ---- */
bool cross_is_block(const char *body, size_t len);
/* what a new block, or many partners at once, have to be looked at for: all of them, once */
void cross_scan_partners(struct cross *c);
/* one changed partner, by its body alone when it says nothing but allow */
void cross_partner_plain(struct cross *c, const struct schema_entry *e);
void cross_partner(struct cross *c, const struct schema_object *o, const struct schema_entry *e);
/* The longest entry that covers a name, allowed ones only: its key and, in c->other, itself. */
bool cross_partner_of(struct cross *c, const char *name, char key[SCHEMA_KEY_MAX]);
/* the key of the block that covers a name, NULL: none */
const char *cross_block_of(struct cross *c, const char *name, char key[SCHEMA_KEY_MAX]);

/* ---- cross_listen.c ---- */
/* the listeners of an identity: on ports that there are, each once */
void cross_listen(struct cross *c, const struct schema_object *o);
/* a next hop that `o` names as its `what`; c->other is used */
void cross_target(struct cross *c, const struct schema_object *o, const char *what, const char *target);

/* ---- one a noun ---- */
void cross_route(struct cross *c, const struct schema_object *o);
void cross_identity(struct cross *c, const struct schema_object *o);
void cross_sip_domain(struct cross *c, const struct schema_object *o);
void cross_access(struct cross *c, const struct schema_object *o);
void cross_site(struct cross *c, const struct schema_object *o);
void cross_provider(struct cross *c, const struct schema_object *o);
void cross_federation(struct cross *c, const struct schema_object *o);
void cross_observe(struct cross *c, const struct schema_object *o);
/* how many of them there are, said once */
void cross_count(struct cross *c, const struct schema_object *o);
/* the same of listeners */
void cross_count_listens(struct cross *c, const struct schema_object *o);

#endif
