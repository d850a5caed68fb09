/* SPDX-License-Identifier: BSD-3-Clause */
/* RFC 3261 section 16.6: a request that may pass becomes the one that leaves: edits over the bytes that came,
 * our Record-Route and Via on top. */
#include <errno.h>
#include <stdio.h>

#include "dataplane/proxy/client_half.h"
#include "dataplane/proxy/header_rules.h"
#include "dataplane/proxy/proxy_conn.h"
#include "dataplane/proxy/proxy_message.h"
#include "dataplane/proxy/proxy_self.h"
#include "dataplane/proxy/proxy_sweep.h"
#include "dataplane/proxy/server_half.h"

enum { LINE = 2600 }; /* two entries of a signed route, or a Via */

/* section 16.6 item 4: what forms dialogs; NOTIFY may come before the answer that does (RFC 6665) */
static bool records_route(const struct proxy_passing *r)
{
	switch (r->m->method) {
	case SIP_METHOD_INVITE:
	case SIP_METHOD_SUBSCRIBE:
	case SIP_METHOD_REFER:
		return r->facts.facts.message == POLICY_REQUEST;
	case SIP_METHOD_NOTIFY:
		return true;
	default:
		return false;
	}
}

/* through the clearing house: the other domain outside */
static struct policy_name far_domain(const struct proxy_passing *r)
{
	if (r->facts.facts.message == POLICY_IN_DIALOG && r->route.has_far)
		return r->route.far.stored.domain;
	return r->facts.facts.ruri_domain;
}

/* Of a next hop outside: what the dialog knows of it, or what its certificate showed. */
static void stored_next(const struct proxy *p, const struct proxy_passing *r, const struct proxy_conn *d,
			const struct policy_target *t, struct policy_stored *out)
{
	const struct policy_facts *f = &r->facts.facts;
	bool outbound = f->direction == POLICY_OUTBOUND;

	if (f->message == POLICY_IN_DIALOG && f->stored) {
		*out = !outbound && r->route.has_far ? r->route.far.stored : *f->stored;
		return;
	}
	route_stored_next(&r->verdict, outbound ? r->verdict.domain : far_domain(r), t, &d->peer,
			  p->view->ops->partner(p->view, r->verdict.partner), out);
}

/* What answers and later requests are judged by, of the side where r leaves and of that where it came. */
static void entries(const struct proxy *p, const struct proxy_passing *r, const struct proxy_conn *d,
		    const struct policy_target *t, struct route_entry *leaves, struct route_entry *came)
{
	const struct policy_verdict *v = &r->verdict;
	bool out = r->facts.facts.direction == POLICY_OUTBOUND;
	bool external = d->side == LINK_EXTERNAL;
	struct policy_stored stored;

	stored_next(p, r, d, t, &stored);
	if (external) {
		/* who it went to */
		route_entry_stored(leaves, POLICY_INBOUND, !out, &stored);
	} else {
		route_entry_from(leaves, POLICY_OUTBOUND, !out, v, &r->c->peer);
	}
	leaves->own_identity = proxy_identity(r);
	leaves->flags |= ROUTE_ENTRY_HOP;
	leaves->hop = d->remote;
	leaves->port = d->remote_port;
	if (!records_route(r))
		return;
	if (out)
		route_entry_stored(came, POLICY_OUTBOUND, false, &stored);
	else
		route_entry_from(came, POLICY_INBOUND, true, v, &r->c->peer);
	came->own_identity = leaves->own_identity;
}

static int push_record_route(struct proxy *p, const struct proxy_passing *r, const struct proxy_conn *d,
			     struct route_entry *leaves, struct route_entry *came)
{
	struct proxy_face to = proxy_self_face(p, d->side, proxy_identity(r), d);
	struct proxy_face from = proxy_self_face(p, r->c->side, proxy_identity(r), r->c);
	struct route_dialog dialog = route_dialog_of(r->m, &r->core);
	bool sips = r->core.uri.scheme == SIP_SCHEME_SIPS ||
		    (r->core.n_routes && r->core.route.uri.scheme == SIP_SCHEME_SIPS);
	char line[LINE];
	int n;

	leaves->minted_s = came->minted_s = (uint32_t)p->wall_s;
	if ((d->side == LINK_EXTERNAL &&
	     !route_entry_rest(&p->route_keys, leaves, r->m, r->core.n_record_routes)) ||
	    (r->c->side == LINK_EXTERNAL && !route_entry_rest(&p->route_keys, came, r->m, 0)))
		return -ENOKEY;
	/* what is sips: goes without TLS nowhere that we name */
	if (sips && to.plain)
		to = proxy_self_face(p, d->side, proxy_identity(r), NULL);
	if (sips && from.plain)
		from = proxy_self_face(p, r->c->side, proxy_identity(r), NULL);
	n = route_mint_pair(&p->route_keys, leaves, (struct route_face){to.host, to.port, to.plain}, came,
			    (struct route_face){from.host, from.port, from.plain}, &dialog, sips, line,
			    sizeof(line));
	/* without keys there are no dialogs through us that we could vouch for */
	if (n < 0)
		return n;
	return sip_edit_push(p->edit, SIP_HDR_RECORD_ROUTE, line, (uint32_t)n);
}

static int push_via(struct proxy *p, const struct proxy_passing *r, const struct proxy_conn *d,
		    const struct client_half *k)
{
	struct proxy_face face = proxy_self_face(p, d->side, proxy_identity(r), d);
	struct via_branch branch = {.core = (uint8_t)p->core,
				    .slot = PROXY_NONE,
				    .generation = (uint32_t)base_rng_next(&p->rng),
				    .loop = r->hashed ? r->loop : via_loop_hash(&p->via_key, r->m, &r->core)};
	char line[LINE];
	int n;

	if (k) {
		struct proxy_half name = client_half_name(p, k);

		branch.slot = name.slot;
		branch.generation = name.gen;
	}
	if (d->side == LINK_EXTERNAL)
		branch.flags |= VIA_BRANCH_OUTBOUND;
	if (r->verdict.flags & POLICY_VERDICT_SHARED_HOP)
		branch.flags |= VIA_BRANCH_SHARED;
	n = via_line(&p->via_key, &branch, face.host, face.port, d->secure, false, line, sizeof(line));
	return n < 0 ? n : sip_edit_push(p->edit, SIP_HDR_VIA, line, (uint32_t)n);
}

/* section 18.2.1 and RFC 3581: the sender's Via gets the address that he has */
static int mark_received(struct proxy *p, const struct proxy_passing *r)
{
	char text[PROXY_ADDRESS_TEXT];
	const char *address = text;

	proxy_address_text(&r->c->remote, text);
	if (text[0] == '[') {
		text[strlen(text) - 1] = '\0';
		address++;
	}
	return sip_edit_via_received(p->edit, &r->core.via, address, r->c->remote_port);
}

static int edit(struct proxy *p, const struct proxy_passing *r, const struct proxy_conn *d,
		const struct client_half *k, struct route_entry *leaves, struct route_entry *came)
{
	struct header_rules rules = {
		.edge = proxy_self_face(p, LINK_EXTERNAL, proxy_identity(r), NULL).host,
		.diagnostics_out = (p->view->box->flags & POLICY_BOX_DIAGNOSTICS_OUT) != 0,
		.arrived = r->facts.facts.direction,
		.leaves_external = d->side == LINK_EXTERNAL,
		.verdict = &r->verdict,
		.max_forwards = r->core.max_forwards,
	};
	int e;

	if (r->c->side == LINK_EXTERNAL && r->c->peer.names_n)
		rules.peer = r->c->peer.names[0];
	else if (d->side == LINK_EXTERNAL && d->peer.names_n)
		rules.peer = d->peer.names[0];
	sip_edit_init(p->edit, r->m, p->scratch, PROXY_SCRATCH);
	e = route_edit(p->edit, &r->core, &r->route);
	if (e >= 0)
		e = header_rules_apply(p->edit, &rules);
	if (e >= 0)
		e = mark_received(p, r);
	if (e >= 0 && records_route(r))
		e = push_record_route(p, r, d, leaves, came);
	if (e >= 0)
		e = push_via(p, r, d, k);
	return e;
}

bool proxy_send(struct proxy *p, struct proxy_passing *r, uint32_t conn, const struct policy_target *target,
		enum policy_reason *reason)
{
	struct proxy_conn *d = proxy_conn_at(p, conn);
	bool silent = r->m->method == SIP_METHOD_ACK || r->m->method == SIP_METHOD_BENOTIFY;
	struct iovec iov[SIP_EDIT_IOV_MAX];
	struct route_entry leaves, came;
	struct client_half *k = NULL;
	uint32_t len;
	int n;

	*reason = POLICY_REASON_OVERLOAD;
	proxy_conn_warm(p, d, 0);
	entries(p, r, d, target, &leaves, &came);
	proxy_conn_warm(p, d, 1);
	if (!silent) {
		k = client_half_new(p, conn, r->m->method, &leaves.stored);
		if (!k)
			return false;
	}
	proxy_conn_warm(p, d, 2);
	if (edit(p, r, d, k, &leaves, &came) < 0 || (n = sip_edit_emit(p->edit, iov, SIP_EDIT_IOV_MAX)) < 0) {
		*reason = POLICY_REASON_TOO_LARGE;
		goto out;
	}
	proxy_conn_warm(p, d, 3);
	len = sip_edit_length(p->edit);
	if (k && r->m->method == SIP_METHOD_INVITE && !client_half_keep(p, k, iov, n, len - r->m->body_len))
		goto out;
	if (!proxy_out(p, d, iov, n, len)) {
		*reason = POLICY_REASON_NEXT_HOP_LOST;
		goto out;
	}
	d->used_ms = p->now_ms;
	d->carried = true;
	if (r->c->side == LINK_INTERNAL)
		proxy_sweep_domain(p, d, r->verdict.domain);
	PROXY_COUNT(p, requests_out);
	if (r->m->method == SIP_METHOD_ACK)
		PROXY_COUNT(p, acks);
	if (k) {
		k->routes = records_route(r) ? (uint16_t)(r->core.n_record_routes + 1) : 0;
		client_half_sent(p, k);
		k->server = server_half_name(p, r->s);
		r->s->client = client_half_name(p, k);
	}
	return true;
out:
	if (k)
		client_half_free(p, k);
	return false;
}
