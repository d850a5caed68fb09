/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/route_sign.h"

#include <errno.h>
#include <string.h>

#include "dataplane/proxy/proxy_text.h"
#include "dataplane/proxy/route_entry.h"

void route_keys_load(struct route_keys *keys, const uint8_t secret[ROUTE_SLOTS][ROUTE_SECRET_LEN])
{
	static const uint8_t none[ROUTE_SECRET_LEN];

	memset(keys, 0, sizeof(*keys));
	for (unsigned i = 0; i < ROUTE_SLOTS; i++) {
		struct route_key *k = &keys->key[i];

		if (memcmp(secret[i], none, sizeof(none)) == 0)
			continue;
		memcpy(&k->mac, secret[i], sizeof(k->mac));
		/* from another part of the secret: it tells nothing of the key in use */
		k->id = (uint8_t)siphash24(&k->mac, secret[i] + 16, ROUTE_SECRET_LEN - 16);
		k->there = true;
	}
}

static struct policy_name copy_name(char *to, struct policy_name name)
{
	if (name.len > POLICY_NAME_MAX)
		name.len = 0;
	if (name.len)
		memcpy(to, name.ptr, name.len);
	return (struct policy_name){to, name.len};
}

void route_entry_stored(struct route_entry *e, enum policy_direction side, bool from_out,
			const struct policy_stored *stored)
{
	memset(e, 0, offsetof(struct route_entry, text));
	e->side = (uint8_t)side;
	e->flags = from_out ? ROUTE_ENTRY_FROM_OUT : 0;
	e->stored = *stored;
	e->stored.domain = copy_name(e->text, stored->domain);
	e->stored.identity = copy_name(e->text + POLICY_NAME_MAX + 1, stored->identity);
}

void route_entry_from(struct route_entry *e, enum policy_direction side, bool from_out,
		      const struct policy_verdict *v, const struct policy_peer *peer)
{
	struct policy_stored s = {.type = v->type,
				  .by_key = (v->flags & POLICY_VERDICT_BY_KEY) && peer->has_spki,
				  .discovered = (v->flags & POLICY_VERDICT_DISCOVERED) != 0,
				  .domain = v->domain,
				  .identity = v->identity};

	if (s.by_key)
		memcpy(s.spki, peer->spki, POLICY_SPKI_LEN);
	route_entry_stored(e, side, from_out, &s);
	e->own_identity = v->own_identity;
}

/* the name of the certificate that presents `host`; len 0: none */
static struct policy_name presented(const struct policy_peer *peer, struct policy_name host, bool wildcard)
{
	unsigned n = peer->names_n < POLICY_PEER_NAMES ? peer->names_n : POLICY_PEER_NAMES;

	for (unsigned i = 0; host.len && i < n; i++)
		if (policy_name_presented(peer->names[i], host, wildcard))
			return peer->names[i];
	return (struct policy_name){"", 0};
}

static struct policy_name next_identity(const struct policy_verdict *v, const struct policy_target *target,
					const struct policy_peer *peer, const struct policy_partner *pins)
{
	bool wildcard = (v->flags & POLICY_VERDICT_CERT_WILDCARD) != 0;
	struct policy_name name = {target->name, target->name_len}, found = {"", 0};

	/* dialogs with a provider are judged by the provider's entry, which its FQDN finds */
	if (v->provider && v->route.host.len)
		return v->route.host;
	if (peer->insecure)
		return peer->names_n ? peer->names[0] : found;
	if (!(v->flags & POLICY_VERDICT_EXPECT_ONLY_DOMAIN))
		found = presented(peer, name, wildcard);
	if (!found.len && (v->flags & (POLICY_VERDICT_EXPECT_DOMAIN | POLICY_VERDICT_EXPECT_ONLY_DOMAIN)))
		found = presented(peer, v->route.domain, wildcard);
	for (unsigned i = 0; !found.len && !name.len && pins && i < pins->peer_names; i++)
		found = presented(peer, policy_partner_peer_name(pins, i), wildcard);
	return found;
}

void route_stored_next(const struct policy_verdict *v, struct policy_name domain,
		       const struct policy_target *target, const struct policy_peer *peer,
		       const struct policy_partner *pins, struct policy_stored *out)
{
	memset(out, 0, sizeof(*out));
	out->type = v->type;
	out->discovered = (v->flags & POLICY_VERDICT_DISCOVERED) != 0;
	out->domain = domain;
	out->identity = (struct policy_name){"", 0};
	if (!(v->flags & POLICY_VERDICT_EXPECT_PIN))
		out->identity = next_identity(v, target, peer, pins);
	/* known by its pinned key; or, with no name that could be told again, by the key that it has */
	if (!out->identity.len && peer->has_spki) {
		out->by_key = true;
		memcpy(out->spki, peer->spki, POLICY_SPKI_LEN);
	}
}

static struct policy_name view_name(const struct sip_msg *m, struct sip_view v)
{
	return (struct policy_name){sip_msg_at(m, v), v.len};
}

struct route_dialog route_dialog_of(const struct sip_msg *m, const struct sip_core *core)
{
	return (struct route_dialog){view_name(m, core->call_id), view_name(m, core->from.tag)};
}

void route_entry_mac(const struct route_key *key, const uint8_t *p, uint32_t len,
		     const struct route_dialog *d, uint8_t mac[SIPMAC_LEN])
{
	struct sipmac s;

	sipmac_init(&s, &key->mac);
	sipmac_field(&s, p, len);
	sipmac_field(&s, d->call_id.ptr, d->call_id.len);
	sipmac_field(&s, d->tag.ptr, d->tag.len);
	sipmac_final(&s, mac);
}

int route_entry_write(const struct route_key *key, const struct route_entry *e, const struct route_dialog *d,
		      char text[ROUTE_COOKIE_LEN + ROUTE_OPAQUE_TEXT])
{
	uint8_t opaque[ROUTE_OPAQUE_MAX];
	uint32_t n = route_entry_pack(e, key->id, opaque);

	if (!n)
		return -ENOSPC;
	route_entry_mac(key, opaque, n, d, opaque + n);
	memcpy(text, ROUTE_COOKIE, ROUTE_COOKIE_LEN);
	return (int)(ROUTE_COOKIE_LEN + route_text_write(opaque, n + SIPMAC_LEN, text + ROUTE_COOKIE_LEN));
}

static void mint_into(struct proxy_text *t, const struct route_key *key, const struct route_entry *e,
		      const struct route_dialog *d, struct route_face at, bool sips)
{
	char text[ROUTE_COOKIE_LEN + ROUTE_OPAQUE_TEXT];
	int n = route_entry_write(key, e, d, text);

	if (n < 0) {
		t->full = true;
		return;
	}
	proxy_text_put(t, sips ? "<sips:" : "<sip:");
	proxy_text_bytes(t, text, (uint32_t)n);
	proxy_text_put(t, "@");
	proxy_text_name(t, at.host);
	proxy_text_put(t, ":");
	proxy_text_number(t, at.port);
	/* a sips: URI has its transport in its scheme (RFC 5630 section 3.1.3) */
	proxy_text_put(t, sips ? ";lr>" : at.plain ? ";transport=tcp;lr>" : ";transport=tls;lr>");
}

int route_mint(const struct route_keys *keys, const struct route_entry *e, const struct route_dialog *d,
	       struct policy_name host, uint16_t port, bool sips, char *out, uint32_t size)
{
	const struct route_key *key = &keys->key[ROUTE_SLOT_CURRENT];
	struct proxy_text t = proxy_text_of(out, size);

	if (!key->there)
		return -ENOKEY;
	mint_into(&t, key, e, d, (struct route_face){host, port, false}, sips);
	return proxy_text_done(&t);
}

int route_mint_pair(const struct route_keys *keys, const struct route_entry *leaves,
		    struct route_face leaves_at, const struct route_entry *came, struct route_face came_at,
		    const struct route_dialog *d, bool sips, char *out, uint32_t size)
{
	const struct route_key *key = &keys->key[ROUTE_SLOT_CURRENT];
	struct proxy_text t = proxy_text_of(out, size);

	if (!key->there)
		return -ENOKEY;
	proxy_text_put(&t, "Record-Route: ");
	mint_into(&t, key, leaves, d, leaves_at, sips);
	/* two fields and no list: there are those who read one value of a field only */
	proxy_text_put(&t, "\r\nRecord-Route: ");
	mint_into(&t, key, came, d, came_at, sips);
	return proxy_text_done(&t);
}
