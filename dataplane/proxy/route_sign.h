/* SPDX-License-Identifier: BSD-3-Clause */
/* Our entries in Record-Route, which come back as Route: what was judged of the other side when the dialog
 * began, signed, so that no restart and no other member of the pool needs a table of dialogs (RFC 3261
 * section 16.6 item 4, two entries by RFC 5658). An entry reads
 *
 *   <sip:sp1.OPAQUE@FQDN:5061;transport=tls;lr>
 *
 * where OPAQUE is base64url of what struct route_entry holds and a 128-bit MAC over that, over the Call-ID
 * and over the tag of whoever began: in another dialog it does not verify; the same dialog's other peer is
 * refused by decide(), which compares peer and stored identity.
 *
 * Pure, no allocation. Everything in a Route is a stranger's until route_read() said POLICY_ROUTE_OURS. */
#ifndef DATAPLANE_PROXY_ROUTE_SIGN_H
#define DATAPLANE_PROXY_ROUTE_SIGN_H

#include "config/policy/choice.h"
#include "dataplane/base/addr.h"
#include "dataplane/base/sipmac.h"
#include "dataplane/sip/sip_core.h"
#include "dataplane/sip/sip_edit.h"

/* ---- keys ---- */

enum route_slot { ROUTE_SLOT_NEXT, ROUTE_SLOT_CURRENT, ROUTE_SLOT_PREVIOUS, ROUTE_SLOTS };

enum { ROUTE_SECRET_LEN = 64 };

struct route_key {
	struct siphash_key mac;
	uint8_t id; /* goes into the entry, so that one key is tried and not three */
	bool there;
};

struct route_keys {
	struct route_key key[ROUTE_SLOTS];
	uint32_t max_age_s; /* older entries are stale; 0: they live as long as their key */
};

/* {next, current, previous} as control hands them out; all zero: not there. max_age_s becomes 0. */
void route_keys_load(struct route_keys *keys, const uint8_t secret[ROUTE_SLOTS][ROUTE_SECRET_LEN]);

/* ---- one entry ---- */

enum route_entry_flag {
	ROUTE_ENTRY_HOP = 1,	  /* hop and port are set */
	ROUTE_ENTRY_FROM_OUT = 2, /* the one who began the dialog is on the external side */
	ROUTE_ENTRY_REST = 4,	  /* `rest` is set: of entries that come back from outside */
	ROUTE_ENTRY_AIM = 8,	  /* `aim` is set: of the same */
};

/* Copies everything: it outlives the burst. Of an entry of the internal side `stored` is the partner too. */
struct route_entry {
	uint8_t side;		     /* enum policy_direction of what arrives with this entry on top */
	uint8_t flags;		     /* enum route_entry_flag */
	uint16_t port;		     /* of hop */
	uint32_t own_identity;	     /* policy_identity.id of the face that the entry stands for */
	uint32_t minted_s;	     /* seconds of the epoch */
	uint8_t slot;		     /* whose key verified it, once it was read: enum route_slot */
	uint64_t rest;		     /* keyed hash of the entries that follow ours; 0: none does */
	uint32_t aim;		     /* keyed hash of where our end said that it is; 0: it named no host */
	struct base_addr hop;	     /* where the request that formed the dialog went, on this entry's side */
	struct policy_stored stored; /* its names point into text */
	char text[2 * (POLICY_NAME_MAX + 1)];
};

/* Fills stored (names copied into text) from an accepting verdict and the peer's key, side and flags from the
 * caller's words; the rest is 0. `peer` is read for its SPKI when the verdict says BY_KEY. */
void route_entry_from(struct route_entry *e, enum policy_direction side, bool from_out,
		      const struct policy_verdict *v, const struct policy_peer *peer);
/* the same from what another entry or a transaction stored */
void route_entry_stored(struct route_entry *e, enum policy_direction side, bool from_out,
			const struct policy_stored *stored);

/* What to store of a next hop outside that policy_target_is() took: the name of its certificate that was
 * expected, the provider's FQDN, or its key. `domain` is the partner's: D, or of a clearing house the domain
 * beyond. `pins` as for policy_target_is(). Points into what it was given. */
void route_stored_next(const struct policy_verdict *v, struct policy_name domain,
		       const struct policy_target *target, const struct policy_peer *peer,
		       const struct policy_partner *pins, struct policy_stored *out);

/* what makes an entry this dialog's */
struct route_dialog {
	struct policy_name call_id; /* bytes as they stand */
	struct policy_name tag; /* of the one who began: From tag of the request that mints; may be empty */
};

/* of the request that forms the dialog */
struct route_dialog route_dialog_of(const struct sip_msg *m, const struct sip_core *core);

enum { ROUTE_URI_MAX = 1200 };

/* Writes one entry with its brackets, no header name. `host` is our FQDN on that side (with brackets if it is
 * an IPv6 address), `sips` when the Request-URI or the topmost Route is sips: (RFC 3261 section 16.6 item 4).
 * Length; -ENOSPC; -ENOKEY: no current key. */
int route_mint(const struct route_keys *keys, const struct route_entry *e, const struct route_dialog *d,
	       struct policy_name host, uint16_t port, bool sips, char *out, uint32_t size);

/* Two Record-Route fields, CRLF between and none behind: the entry of the side where the request leaves comes
 * first (RFC 5658). With one host and side for both, still two entries: each direction finds its own peer on
 * top. Length or as above. */
struct route_face {
	struct policy_name host;
	uint16_t port;
	bool plain; /* transport=tcp */
};
int route_mint_pair(const struct route_keys *keys, const struct route_entry *leaves,
		    struct route_face leaves_at, const struct route_entry *came, struct route_face came_at,
		    const struct route_dialog *d, bool sips, char *out, uint32_t size);

/* What follows an entry that comes back from outside. In a request that forms a dialog: the n values of
 * Record-Route that stand there before ours are pushed, for an entry of whom it goes to. Of the one it comes
 * from nothing follows (n is 0), until the response says what the pool recorded. False: no entry can say it.
 */
bool route_entry_rest(const struct route_keys *keys, struct route_entry *e, const struct sip_msg *m,
		      unsigned n);
/* Where requests from outside may be aimed at inside of this dialog, besides our SIP domains: at the host of
 * this Contact (NULL: at none), its port and maddr. For an entry that comes back from outside. False: no key
 * is there to say it with. */
bool route_entry_aim(const struct route_keys *keys, struct route_entry *e, const struct sip_msg *m,
		     const struct sip_uri *contact);
/* A response on its way out, in which `above` values of Record-Route stand above our two, and a Contact that
 * is to be reached (NULL: none, or one at a SIP domain of ours): the entry of who gets it is signed anew with
 * them (RFC 3261 section 16.7 item 8 lets a proxy rewrite what is its own). 0; -ENOENT: it is not ours as it
 * stands; -EBADMSG: it cannot be read; -E2BIG: more than can be said; or what sip_edit_*() say. */
int route_resign(const struct route_keys *keys, struct sip_edit *edit, const struct sip_core *core,
		 unsigned above, const struct sip_uri *contact);

/* ---- reading ---- */

/* who we are on the connection that the message came on */
struct route_self {
	const struct policy_name *names; /* FQDNs of ours, all sides and identities, lower-case */
	unsigned names_n;
	uint8_t side;	       /* enum policy_direction */
	uint32_t own_identity; /* that accepted the connection; 0: not compared */
	uint32_t now_s;	       /* seconds of the epoch */
	/* IP addresses of our listeners: a Route that names one is ours as well. May be NULL. */
	const struct base_addr *addrs;
	unsigned addrs_n;
};

struct route_found {
	uint8_t state;	       /* enum policy_route_state */
	bool has_entry;	       /* `entry` is good: facts.stored = &entry.stored */
	bool has_far;	       /* `far` is good: the second entry, of the side where the message leaves */
	bool strange;	       /* OURS, from outside: aimed at a host that our end never named */
	bool strict;	       /* our Record-Route stood in the Request-URI: a strict router (section 16.4) */
	uint16_t pops;	       /* Routes at the top that are ours, to be removed */
	uint16_t left;	       /* Routes that remain after route_edit() */
	bool next_lr;	       /* the first of those says lr */
	struct sip_uri next;   /* the URI of the first of those, when left != 0 */
	struct sip_uri target; /* with strict: the Request-URI that counts, that of the last Route */
	struct policy_name edge; /* ;ms-edge-route: name of the next hop, in edge_text */
	struct route_entry entry, far;
	char edge_text[POLICY_NAME_MAX + 1];
};

/* Reads the Routes (and the Request-URI) of a request that sip_validate() took. Only the topmost entry
 * decides the state: OURS     signature, dialog, side and identity are right STALE    ours by host and form,
 * but the signature, the dialog or the age is not right FOREIGN  not ours, or of another side or identity
 *            or, from outside, what follows ours is not what followed it when it was signed
 *   EDGE     behind ours, or alone: a Route with ;ms-edge-route; has_entry tells whether ours was there
 *   NONE     no Route, or only our bare name (an outbound proxy's setting): popped, worth nothing
 * A Route of ours further down (a message that passes twice) is left to the pass that it belongs to. What
 * remains in the message is the sender's word: it may choose among next hops that policy gives, and adds
 * none.
 */
void route_read(const struct route_keys *keys, const struct route_self *self, const struct sip_msg *m,
		const struct sip_core *core, struct route_found *out);

/* Pops our Routes (and what ms-edge-route named, in a request outside of a dialog); undoes strict routing. 0
 * or what sip_edit_*() say. */
int route_edit(struct sip_edit *e, const struct sip_core *core, const struct route_found *found);

/* Does this host of a parsed URI name us? */
bool route_is_self(const struct route_self *self, const struct sip_msg *m, const struct sip_host *host);

#endif
