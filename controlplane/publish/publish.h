/* SPDX-License-Identifier: BSD-3-Clause */
/* From the configuration to what the dataplane reads. A change is prepared in slices while the loop goes on,
 * then shown to the dataplane in one step; a block overtakes everything. One thread: the loop's. */
#ifndef CONTROLPLANE_PUBLISH_PUBLISH_H
#define CONTROLPLANE_PUBLISH_PUBLISH_H

#include "config/schema/schema_cross.h"
#include "controlplane/store/store.h"

#include <sys/types.h>

struct publish;
struct shelf;
struct records_keys;

struct publish_state {
	uint64_t generation;
	uint64_t revision; /* of the configuration that it shows */
	uint64_t domains;
	bool dataplane_alive; /* its process lives */
	unsigned readers;     /* of the segment, who explains among them */
	bool rebuilding;
	char text[128]; /* one line for people */
};

/* From now on `group` may read the segment: it is stale, and made anew for that group. */
void publish_regroup(struct publish *p, gid_t group);

/* Opens and repairs the segment in `dir`, which walks all of it: may be called by another thread, which then
 * hands it over. `group` may read it ((gid_t)-1: as it comes). 0 or -errno with `why` */
int publish_open(struct publish **out, const char *dir, struct store *store, gid_t group, char *why);
void publish_close(struct publish *p);
/* true when what is shown is not the store's revision: the caller starts publish_rebuild */
bool publish_stale(struct publish *p);
/* Looks whether files of the segment were cut or removed: then it is stale. False: `p` did not know that yet.
 */
bool publish_intact(struct publish *p);
/* Begins a change; entries and source stay readable until flip or abort. `shelf`: its certificates, shown
 * with it; NULL: those that are shown now. -EBUSY while one lives. */
int publish_begin(struct publish *p, const struct schema_source *source,
		  const struct schema_entry *const *changed, size_t n, struct shelf *shelf, char *why);
/* the whole store instead of a change: for a segment that is new or lags behind */
int publish_rebuild(struct publish *p, char *why);
/* a slice of at most 250 µs: 1 more to do, 0 ready to flip, -errno refused (call abort) */
int publish_slice(struct publish *p, char *why);
/* one step: from here on the dataplane judges by it */
void publish_flip(struct publish *p, uint64_t revision);
void publish_abort(struct publish *p);
/* Certificates and rotating keys that count from now on; shown with the next change, or by publish_refresh().
 */
void publish_shelf(struct publish *p, struct shelf *shelf);
/* after publish_open(): what the segment named already */
const struct shelf *publish_shelf_now(const struct publish *p);
void publish_keys(struct publish *p, const struct records_keys *keys);
/* Shows what differs in the small tables without a commit: 1 something did, 0 nothing, -EBUSY while a change
 * lives, -errno with `why`. */
int publish_refresh(struct publish *p, char *why);
/* an emergency block or its end, at once. 0 or -errno */
int publish_block(struct publish *p, const char *domain, bool on, char *why);
/* A candidate beside the live policy, judged along with it and never obeyed. Replaces an earlier one. 0 or
 * -errno */
int publish_shadow(struct publish *p, const struct schema_source *source,
		   const struct schema_entry *const *changed, size_t n, char *why);
void publish_unshadow(struct publish *p);
/* background work, from the loop: 1 call again soon, 0 nothing to do */
int publish_step(struct publish *p);
/* a DNS answer, charged to who asked (0: nobody). 0 or -errno */
struct policy_dns;
int publish_dns(struct publish *p, const char *name, const struct policy_dns *answer, uint64_t asker);
/* An entry of the watch list, for `life` seconds; and its end. 0 or -errno */
struct policy_watch;
int publish_watch(struct publish *p, const struct policy_watch *watch, uint64_t life);
int publish_unwatch(struct publish *p, const uint8_t *key);
/* false while there is no segment that could take them */
bool publish_takes_facts(const struct publish *p);
/* where the segment lies, for who attaches to it as a reader */
const char *publish_dir(const struct publish *p);
void publish_state(struct publish *p, struct publish_state *out);

#endif
