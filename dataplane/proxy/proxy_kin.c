/* SPDX-License-Identifier: BSD-3-Clause */
/* Conns that stand in for others. An answer whose conn has ended goes over another one of who asked (RFC 3261
 * section 18.2.2); who that is his key says, not his address. A request of ours goes over a conn that its
 * next hop opened and offered for that (RFC 5923). */
#include "dataplane/proxy/proxy_conn.h"
#include "dataplane/proxy/proxy_self.h"

enum {
	LOOK = 32, /* a peer with many conns costs no more than one with a few */
	SIPS_PORT = 5061,
};

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

bool proxy_conn_proven(struct proxy *p, struct proxy_conn *c)
{
	return c->side == LINK_INTERNAL
		       ? proxy_self_trusts(p, c)
		       : c->secure && c->peer.has_spki && (c->peer.certificate || c->peer.pinned_only);
}

struct proxy_kin_want proxy_kin_want(const struct proxy_conn *c)
{
	return (struct proxy_kin_want){.who = c->who,
				       .hash = c->who_hash,
				       .identity = c->identity,
				       .side = c->side,
				       .secure = c->secure};
}

struct proxy_conn *proxy_kin_like(struct proxy *p, const struct proxy_kin_want *w, const struct proxy_conn *c,
				  bool here)
{
	uint32_t i = p->kin_index[w->hash & p->kin_mask];

	for (unsigned n = 0; n < LOOK && i != PROXY_NONE; n++, i = proxy_conn_at(p, i)->kin_at.next) {
		struct proxy_conn *d = proxy_conn_at(p, i);

		if (d != c && !(here && d->shadow) && d->state == PROXY_CONN_UP && !d->eof &&
		    !d->peer.revoked && d->side == w->side && d->identity == w->identity &&
		    d->secure == w->secure && memcmp(&d->who, &w->who, sizeof(d->who)) == 0 &&
		    proxy_conn_proven(p, d))
			return d;
	}
	return NULL;
}

struct proxy_conn *proxy_kin_of(struct proxy *p, struct proxy_conn *c, bool here)
{
	const struct proxy_kin_want w = proxy_kin_want(c);

	if (!p->view || c->peer.revoked || !proxy_conn_proven(p, c))
		return NULL;
	return proxy_kin_like(p, &w, c, here);
}

static struct proxy_alias *alias_at(struct proxy *p, const struct base_addr *ip, uint16_t port,
				    uint32_t identity, uint64_t *key)
{
	struct {
		uint8_t ip[16];
		uint32_t identity;
		uint16_t port, zero;
	} k;

	memset(&k, 0, sizeof(k));
	memcpy(k.ip, ip->b, sizeof(k.ip));
	k.identity = identity;
	k.port = port;
	*key = siphash13(&p->table_key, &k, sizeof(k));
	return &p->aliases[*key % PROXY_ALIASES];
}

void proxy_alias_offer(struct proxy *p, struct proxy_conn *c, const struct sip_via *via)
{
	struct proxy_alias *a;
	uint64_t key;

	if (!(via->flags & SIP_VIA_ALIAS) || c->side != LINK_EXTERNAL || c->outgoing || c->shadow ||
	    !proxy_conn_proven(p, c))
		return;
	a = alias_at(p, &c->remote, via->port ? via->port : SIPS_PORT, c->identity, &key);
	*a = (struct proxy_alias){key, base_pool_index(&p->conn_pool, c), c->gen};
}

uint32_t proxy_alias_find(struct proxy *p, const struct next_hop *h)
{
	uint64_t key;
	const struct proxy_alias *a = alias_at(p, &h->ip, h->port, h->identity, &key);
	const struct proxy_conn *c = a->key == key ? proxy_conn_up(p, a->conn, a->gen) : NULL;

	return c && h->side == LINK_EXTERNAL && !h->insecure && !c->eof && !c->peer.revoked ? a->conn
											    : PROXY_NONE;
}
