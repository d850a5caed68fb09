/* SPDX-License-Identifier: BSD-3-Clause */
/* What comes back in Route, or in the Request-URI from a strict router. */
#include <errno.h>
#include <string.h>

#include "dataplane/proxy/route_entry.h"
#include "dataplane/proxy/route_rest.h"
#include "dataplane/proxy/route_sign.h"

static struct policy_name view_name(const struct sip_msg *m, struct sip_view v)
{
	return (struct policy_name){sip_msg_at(m, v), v.len};
}

bool route_is_self(const struct route_self *self, const struct sip_msg *m, const struct sip_host *host)
{
	char text[SIP_HOST_NAME_MAX + 1];
	uint8_t ip[16];
	struct base_addr a;
	struct policy_name name = {text, sip_host_canon(m, host, text)};
	unsigned n;

	for (unsigned i = 0; name.len && i < self->names_n; i++)
		if (policy_name_equal(self->names[i], name))
			return true;
	n = name.len ? 0 : sip_host_address(m, host, ip);
	if (!n)
		return false;
	a = n == 4 ? base_addr_v4(ip) : base_addr_v6(ip);
	for (unsigned i = 0; i < self->addrs_n; i++)
		if (base_addr_equal(&self->addrs[i], &a))
			return true;
	return false;
}

enum route_kind {
	ROUTE_KIND_OTHER,
	ROUTE_KIND_BARE, /* names us, and that is all */
	ROUTE_KIND_BAD,	 /* looks like an entry of ours and does not verify */
	ROUTE_KIND_GOOD,
};

struct route_reader {
	const struct route_keys *keys;
	const struct route_self *self;
	const struct sip_msg *m;
	const struct sip_core *core;
};

/* the key that signed it for this dialog */
static bool signed_by(const struct route_keys *keys, const uint8_t *opaque, uint32_t len,
		      const struct route_dialog *d, struct route_entry *e)
{
	uint8_t mac[SIPMAC_LEN];

	for (unsigned i = 0; i < ROUTE_SLOTS; i++) {
		const struct route_key *key = &keys->key[i];

		if (!key->there || key->id != opaque[0])
			continue;
		route_entry_mac(key, opaque, len, d, mac);
		e->slot = (uint8_t)i;
		if (sipmac_equal(mac, opaque + len, SIPMAC_LEN))
			return true;
	}
	return false;
}

enum opaque { OPAQUE_NONE, OPAQUE_BAD, OPAQUE_GOOD };

/* The tag of who began is the sender's or that of who is sent to: the entry says which is likely, but between
 * two partners (a clearing house) both come from outside. */
static enum opaque opaque_read(const struct route_keys *keys, const struct sip_msg *m,
			       const struct sip_uri *uri, const struct route_dialog *d, unsigned nd,
			       bool inbound, struct route_entry *e)
{
	char text[ROUTE_COOKIE_LEN + ROUTE_OPAQUE_TEXT];
	uint8_t opaque[ROUTE_OPAQUE_MAX];
	unsigned first;
	int n;

	/* escapes change nothing (RFC 3261 section 19.1.4) */
	n = sip_uri_unescape(m, uri->user, (uint8_t *)text, sizeof(text));
	if (n <= ROUTE_COOKIE_LEN || memcmp(text, ROUTE_COOKIE, ROUTE_COOKIE_LEN) != 0)
		return OPAQUE_NONE;
	n = route_text_read(text + ROUTE_COOKIE_LEN, (uint32_t)n - ROUTE_COOKIE_LEN, opaque, sizeof(opaque));
	if (n <= SIPMAC_LEN || !route_entry_unpack(opaque, (uint32_t)n - SIPMAC_LEN, e))
		return OPAQUE_BAD;
	first = nd == 2 && inbound != ((e->flags & ROUTE_ENTRY_FROM_OUT) != 0);
	for (unsigned i = 0; i < nd; i++)
		if (signed_by(keys, opaque, (uint32_t)n - SIPMAC_LEN, &d[i ^ first], e))
			return OPAQUE_GOOD;
	return OPAQUE_BAD;
}

bool route_entry_read(const struct route_keys *keys, const struct sip_msg *m, const struct sip_uri *uri,
		      const struct route_dialog *d, unsigned nd, struct route_entry *e)
{
	return (uri->scheme == SIP_SCHEME_SIP || uri->scheme == SIP_SCHEME_SIPS) &&
	       (uri->flags & SIP_URI_HAS_USER) && opaque_read(keys, m, uri, d, nd, true, e) == OPAQUE_GOOD;
}

static void reader_dialogs(const struct route_reader *r, struct route_dialog d[2])
{
	struct policy_name call_id = view_name(r->m, r->core->call_id);

	d[0] = (struct route_dialog){call_id, view_name(r->m, r->core->from.tag)};
	d[1] = (struct route_dialog){call_id, view_name(r->m, r->core->to.tag)};
}

static bool reader_fresh(const struct route_reader *r, const struct route_entry *e)
{
	uint32_t age = r->self->now_s - e->minted_s;

	/* minted by a clock ahead of ours: not old */
	return !r->keys->max_age_s || (int32_t)age < 0 || age <= r->keys->max_age_s;
}

static enum route_kind reader_kind(const struct route_reader *r, const struct sip_uri *uri,
				   struct route_entry *e)
{
	struct route_dialog d[2];
	enum opaque is;
	bool self;

	if (uri->scheme != SIP_SCHEME_SIP && uri->scheme != SIP_SCHEME_SIPS)
		return ROUTE_KIND_OTHER;
	self = route_is_self(r->self, r->m, &uri->host);
	if (!(uri->flags & SIP_URI_HAS_USER))
		return self ? ROUTE_KIND_BARE : ROUTE_KIND_OTHER;
	reader_dialogs(r, d);
	is = opaque_read(r->keys, r->m, uri, d, 2, r->self->side == POLICY_INBOUND, e);
	if (is == OPAQUE_NONE)
		return self ? ROUTE_KIND_BARE : ROUTE_KIND_OTHER;
	/* signed is signed, also under a name that we had before; what does not verify under a name that is
	 * not ours is another such box's */
	if (is == OPAQUE_GOOD)
		return reader_fresh(r, e) ? ROUTE_KIND_GOOD : ROUTE_KIND_BAD;
	return self ? ROUTE_KIND_BAD : ROUTE_KIND_OTHER;
}

/* the topmost one: what it says about us and this connection */
static uint8_t reader_state(const struct route_reader *r, const struct route_entry *e)
{
	if (e->side != r->self->side)
		return POLICY_ROUTE_FOREIGN;
	if (r->self->own_identity && e->own_identity && r->self->own_identity != e->own_identity)
		return POLICY_ROUTE_FOREIGN;
	return POLICY_ROUTE_OURS;
}

static bool has_edge(const struct sip_msg *m, const struct sip_nameaddr *na)
{
	struct sip_uri_param p;
	struct sip_view value;

	return (na->params.len && sip_param_find(m, na->params, "ms-edge-route", &value)) ||
	       (na->uri.params.len && sip_uri_param_find(m, &na->uri, "ms-edge-route", &p));
}

static void found_edge(const struct route_reader *r, const struct sip_nameaddr *na, struct route_found *out)
{
	unsigned n = 0;

	if (na->uri.scheme == SIP_SCHEME_SIP || na->uri.scheme == SIP_SCHEME_SIPS)
		n = sip_host_canon(r->m, &na->uri.host, out->edge_text);
	out->state = n ? POLICY_ROUTE_EDGE : POLICY_ROUTE_FOREIGN;
	out->edge = (struct policy_name){out->edge_text, n};
	/* In a dialog it is an entry of the partner's route set, who wants it back; outside of one it told
	 * us the next hop and has done its work. */
	if (n && !(r->core->to.flags & SIP_NA_TAG))
		out->pops++;
}

/* false: the state is known, what comes is not ours to read */
static bool found_next(const struct route_reader *r, const struct sip_nameaddr *na, struct route_found *out)
{
	switch (reader_kind(r, &na->uri, out->has_entry ? &out->far : &out->entry)) {
	case ROUTE_KIND_GOOD:
		if (out->has_far)
			return false;
		out->pops++;
		if (out->has_entry) {
			out->has_far = true;
			return true;
		}
		out->has_entry = true;
		out->state = reader_state(r, &out->entry);
		return out->state == POLICY_ROUTE_OURS;
	case ROUTE_KIND_BAD:
		/* behind the pair: of another pass through here, in a part of the message that is judged then
		 */
		if (!out->has_far)
			out->state = POLICY_ROUTE_STALE;
		return false;
	case ROUTE_KIND_BARE:
		/* behind the pair too: loose routing would have us pop it sooner or later */
		out->pops++;
		return true;
	default:
		if (has_edge(r->m, na))
			found_edge(r, na, out);
		else if (!out->has_entry)
			out->state = POLICY_ROUTE_FOREIGN;
		return false;
	}
}

/* section 16.4: a strict router put our entry into the Request-URI and the target at the end of the Routes */
static bool found_strict(const struct route_reader *r, struct route_found *out)
{
	enum route_kind kind;

	if (r->core->n_routes == 0)
		return true;
	kind = reader_kind(r, &r->core->uri, &out->entry);
	if (kind == ROUTE_KIND_BAD) {
		out->state = POLICY_ROUTE_STALE;
		return false;
	}
	if (kind != ROUTE_KIND_GOOD)
		return true;
	out->strict = out->has_entry = true;
	out->state = reader_state(r, &out->entry);
	return out->state == POLICY_ROUTE_OURS;
}

/* Does the same follow as when it was signed? Entries from before that was looked at live as long as their
 * key. */
static bool rest_as_signed(const struct route_reader *r, const struct route_found *found)
{
	const struct route_entry *e = &found->entry;
	uint64_t rest;

	if (!(e->flags & ROUTE_ENTRY_REST) || (!found->left && !e->rest))
		return true;
	return route_rest(&r->keys->key[e->slot], r->m, SIP_HDR_ROUTE, found->pops, found->left, false,
			  &rest) &&
	       rest == e->rest;
}

/* The route set leads as far as the pool; where that sends the request then is in the Request-URI. */
static bool aimed_elsewhere(const struct route_reader *r, const struct route_found *found)
{
	const struct route_entry *e = &found->entry;

	if (!(e->flags & ROUTE_ENTRY_AIM))
		return false;
	return !e->aim || e->aim != route_aim(&r->keys->key[e->slot], r->m,
					      found->strict ? &found->target : &r->core->uri);
}

void route_read(const struct route_keys *keys, const struct route_self *self, const struct sip_msg *m,
		const struct sip_core *core, struct route_found *out)
{
	const struct route_reader r = {keys, self, m, core};
	struct sip_iter it = sip_iter_start(m, SIP_HDR_ROUTE);
	struct sip_nameaddr na;
	unsigned n, i;
	bool ours;

	/* names and their texts are written where they are needed */
	out->state = POLICY_ROUTE_NONE;
	out->has_entry = out->has_far = out->strange = out->strict = out->next_lr = false;
	out->pops = out->left = 0;
	out->edge = (struct policy_name){"", 0};
	if (m->response)
		return;
	ours = found_strict(&r, out);
	n = core->n_routes;
	for (i = 0; i < n && sip_nameaddr_next(m, SIP_HDR_ROUTE, &it, &na) > 0; i++) {
		if (out->strict && i + 1 == n)
			out->target = na.uri;
		else if (ours)
			ours = found_next(&r, &na, out);
		/* the first one that is not popped */
		if (i == out->pops && !(out->strict && i + 1 == n)) {
			out->next = na.uri;
			out->next_lr = (na.uri.flags & SIP_URI_LR) != 0;
		}
	}
	out->left = (uint16_t)(n - out->pops - (out->strict ? 1 : 0));
	if (out->state != POLICY_ROUTE_OURS || self->side != POLICY_INBOUND)
		return;
	if (!rest_as_signed(&r, out))
		out->state = POLICY_ROUTE_STALE;
	out->strange = aimed_elsewhere(&r, out);
}

/* the last Route, behind others that stay */
static int remove_last(struct sip_edit *e, unsigned n)
{
	const struct sip_msg *m = e->m;
	struct sip_iter it = sip_iter_start(m, SIP_HDR_ROUTE);
	struct sip_nameaddr na = {0};
	uint32_t before = 0;
	const struct sip_header *h;
	bool first = true;

	for (unsigned i = 0; i < n; i++) {
		first = it.pos == 0;
		before = sip_view_end(na.all);
		if (sip_nameaddr_next(m, SIP_HDR_ROUTE, &it, &na) <= 0)
			return -EBADMSG;
	}
	h = &m->header[na.header];
	if (first)
		return sip_edit_remove(e, h->line, h->end - h->line);
	return sip_edit_remove(e, before, sip_view_end(na.all) - before);
}

int route_edit(struct sip_edit *e, const struct sip_core *core, const struct route_found *found)
{
	int r = 0;

	if (found->strict) {
		r = sip_edit_uri(e, sip_msg_at(e->m, found->target.all), found->target.all.len);
		if (r < 0)
			return r;
		if (found->left == 0) {
			r = sip_edit_remove_id(e, SIP_HDR_ROUTE);
			return r < 0 ? r : 0;
		}
		r = remove_last(e, core->n_routes);
		if (r < 0)
			return r;
	}
	return found->pops ? sip_edit_pop(e, SIP_HDR_ROUTE, found->pops) : 0;
}
