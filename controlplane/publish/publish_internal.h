/* SPDX-License-Identifier: BSD-3-Clause */
/* The publisher's own things. */
#ifndef CONTROLPLANE_PUBLISH_PUBLISH_INTERNAL_H
#define CONTROLPLANE_PUBLISH_PUBLISH_INTERNAL_H

#include "config/policy/writer.h"
#include "controlplane/publish/publish.h"
#include "controlplane/publish/records.h"
#include "controlplane/store/candidate.h"

enum { UNITS = POLICY_WRITER_UNITS, SLICE_NS = 200000, FLIP_TRIES = 2000 };

enum work { IDLE, CHANGES, WHOLE, SMALLS, READY };

struct publish {
	struct policy_writer *w, *fresh; /* fresh: being filled, takes the place of w at flip */
	struct store *store;
	struct candidate live; /* nothing on top: what is in force */
	char dir[256];
	gid_t group; /* who reads the segment; (gid_t)-1: as it comes */
	struct records_ids ids;
	struct shelf *shelf; /* what lies in the secrets directory, and is named by what is shown */
	struct records_keys keys;
	bool keys_known;
	uint64_t revision;
	bool stale;
	/* the change under way */
	enum work work;
	struct policy_txn *txn;
	struct policy_writer *target;
	struct schema_source source;
	struct shelf *next; /* takes the place of `shelf` at flip; NULL: it stays */
	const struct schema_entry *const *changed;
	size_t n, at;
	struct store_cursor *cursor;
	bool smalls, users_known;
	struct schema_map sites; /* user → site's number */
	struct schema_map users; /* who has to be written */
	size_t user_at;
	struct schema_object o;
	struct schema_text body, partner;
};

/* a sentence for people, and r again */
int publish_refuse(char *why, int r);
/* how a new segment is laid out */
void publish_layout(const struct publish *p, struct policy_writer_config *c);
/* what smalls of the change under way (or of what is in force) are made with */
struct records_secrets publish_secrets(const struct publish *p);

/* ---- publish_user.c ---- */
/* notes whose records an object of (noun, key) touches, before and after */
void publish_touch_users(struct publish *p, struct schema_map *users, unsigned noun, const char *key,
			 const char *body, size_t len);
/* user → number of its site, as `source` has it: 0 or -errno */
int publish_site_members(struct publish *p, const struct schema_source *source, struct schema_map *sites);
/* The record of one user, and its name, which lies in `address`: 1, 0 there is none, -errno */
int publish_user_record(struct publish *p, const struct schema_source *source, const struct schema_map *sites,
			const char *address, struct policy_address *a, struct policy_user *u);
/* writes one user's record: 0, -EAGAIN, -errno */
int publish_put_user(struct publish *p, const char *address);

#endif
