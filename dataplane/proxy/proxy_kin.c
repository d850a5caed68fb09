/* SPDX-License-Identifier: BSD-3-Clause */
/* Conns of one peer. An answer whose conn has ended goes over another one of who asked (RFC 3261 section
 * 18.2.2); who that is his key says, not his address. */
#include "dataplane/proxy/proxy_conn.h"
#include "dataplane/proxy/proxy_self.h"

enum { LOOK = 32 }; /* a peer with many conns costs no more than one with a few */

void proxy_kin_add(struct proxy *p, struct proxy_conn *c)
{
	uint32_t *head = &p->kin_index[c->who_hash & p->kin_mask], i = base_pool_index(&p->conn_pool, c);

	c->kin = true;
	c->kin_at = (struct proxy_member){*head, PROXY_NONE};
	if (*head != PROXY_NONE)
		proxy_conn_at(p, *head)->kin_at.prev = i;
	*head = i;
}

void proxy_kin_remove(struct proxy *p, struct proxy_conn *c)
{
	if (!c->kin)
		return;
	c->kin = false;
	if (c->kin_at.prev != PROXY_NONE)
		proxy_conn_at(p, c->kin_at.prev)->kin_at.next = c->kin_at.next;
	else
		p->kin_index[c->who_hash & p->kin_mask] = c->kin_at.next;
	if (c->kin_at.next != PROXY_NONE)
		proxy_conn_at(p, c->kin_at.next)->kin_at.prev = c->kin_at.prev;
}

/* Without a certificate an address is all that is known: enough for a pool that the operator trusts so. */
static bool proven(struct proxy *p, struct proxy_conn *c)
{
	return c->side == LINK_INTERNAL ? proxy_self_trusts(p, c)
					: c->secure && c->peer.certificate && c->peer.has_spki;
}

struct proxy_conn *proxy_kin_of(struct proxy *p, struct proxy_conn *c, bool here)
{
	uint32_t i = p->kin_index[c->who_hash & p->kin_mask];

	if (!p->view || c->peer.revoked || !proven(p, c))
		return NULL;
	for (unsigned n = 0; n < LOOK && i != PROXY_NONE; n++, i = proxy_conn_at(p, i)->kin_at.next) {
		struct proxy_conn *d = proxy_conn_at(p, i);

		if (d != c && !(here && d->shadow) && d->state == PROXY_CONN_UP && !d->eof &&
		    !d->peer.revoked && d->side == c->side && d->identity == c->identity &&
		    d->secure == c->secure && memcmp(&d->who, &c->who, sizeof(d->who)) == 0 && proven(p, d))
			return d;
	}
	return NULL;
}
