/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/via_branch.h"

#include <string.h>
#include <strings.h>

#include "dataplane/proxy/proxy_text.h"

/* the magic cookie of RFC 3261 section 8.1.1.7, then a letter that tells ours */
#define VIA_COOKIE "z9hG4bKs"

enum {
	VIA_COOKIE_LEN = sizeof(VIA_COOKIE) - 1,
	VIA_BODY = 20, /* core, flags, epoch, slot, generation, loop */
	VIA_MAC = 8,
	VIA_BYTES = VIA_BODY + VIA_MAC,
};

_Static_assert(VIA_COOKIE_LEN + 2 * VIA_BYTES == VIA_BRANCH_LEN, "a branch of ours");

void via_key_load(struct via_key *key, const uint8_t secret[VIA_SECRET_LEN], uint16_t epoch)
{
	memcpy(&key->mac, secret, sizeof(key->mac));
	key->epoch = epoch;
}

static uint64_t branch_mac(const struct via_key *key, const uint8_t body[VIA_BODY])
{
	return siphash24(&key->mac, body, VIA_BODY);
}

static uint8_t *put_number(uint8_t *p, uint64_t value, unsigned bytes)
{
	while (bytes--)
		*p++ = (uint8_t)(value >> (8 * bytes));
	return p;
}

static uint64_t get_number(const uint8_t *p, unsigned bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | *p++;
	return value;
}

void via_branch_mint(const struct via_key *key, const struct via_branch *b, char out[VIA_BRANCH_LEN])
{
	static const char digit[] = "0123456789abcdef";
	uint8_t byte[VIA_BYTES], *p = byte;

	p = put_number(p, b->core, 1);
	p = put_number(p, b->flags, 1);
	p = put_number(p, key->epoch, 2);
	p = put_number(p, b->slot, 4);
	p = put_number(p, b->generation, 4);
	p = put_number(p, b->loop, 8);
	put_number(p, branch_mac(key, byte), VIA_MAC);
	memcpy(out, VIA_COOKIE, VIA_COOKIE_LEN);
	for (unsigned i = 0; i < VIA_BYTES; i++) {
		out[VIA_COOKIE_LEN + 2 * i] = digit[byte[i] >> 4];
		out[VIA_COOKIE_LEN + 2 * i + 1] = digit[byte[i] & 15];
	}
}

/* value + 1 of a digit, 0 of everything else: which kind comes next, no branch foresees */
static const uint8_t hex_value[256] = {
	['0'] = 1,  ['1'] = 2,	['2'] = 3,  ['3'] = 4,	['4'] = 5,  ['5'] = 6,	['6'] = 7,  ['7'] = 8,
	['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
	['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

bool via_branch_read(const struct via_key *key, const char *text, size_t len, struct via_branch *out)
{
	uint8_t byte[VIA_BYTES], want[VIA_MAC];
	uint32_t bad = 0;

	if (len != VIA_BRANCH_LEN || strncasecmp(text, VIA_COOKIE, VIA_COOKIE_LEN) != 0)
		return false;
	for (unsigned i = 0; i < VIA_BYTES; i++) {
		uint32_t high = hex_value[(uint8_t)text[VIA_COOKIE_LEN + 2 * i]] - 1u;
		uint32_t low = hex_value[(uint8_t)text[VIA_COOKIE_LEN + 2 * i + 1]] - 1u;

		bad |= high | low;
		byte[i] = (uint8_t)(high << 4 | low);
	}
	if (bad >> 31)
		return false;
	put_number(want, branch_mac(key, byte), VIA_MAC);
	if (!sipmac_equal(want, byte + VIA_BODY, VIA_MAC))
		return false;
	*out = (struct via_branch){.core = byte[0],
				   .flags = byte[1],
				   .epoch = (uint16_t)get_number(byte + 2, 2),
				   .slot = (uint32_t)get_number(byte + 4, 4),
				   .generation = (uint32_t)get_number(byte + 8, 4),
				   .loop = get_number(byte + 12, 8)};
	return true;
}

bool via_branch_of(const struct via_key *key, const struct sip_msg *m, const struct sip_via *via,
		   struct via_branch *out)
{
	return (via->flags & SIP_VIA_BRANCH) &&
	       via_branch_read(key, sip_msg_at(m, via->branch), via->branch.len, out) &&
	       out->epoch == key->epoch;
}

static void mac_view(struct sipmac *s, const struct sip_msg *m, struct sip_view v)
{
	sipmac_field(s, m->buf + v.off, v.len);
}

static void mac_fields(struct sipmac *s, const struct sip_msg *m, enum sip_header_id id)
{
	for (const struct sip_header *h = sip_msg_first(m, id); h; h = sip_msg_next(m, h))
		sipmac_field(s, m->buf + h->value, h->value_end - h->value);
	sipmac_field(s, NULL, 0);
}

uint64_t via_loop_hash(const struct via_key *key, const struct sip_msg *m, const struct sip_core *core)
{
	struct sipmac s;

	sipmac_init(&s, &key->mac);
	mac_view(&s, m, core->uri.all);
	mac_view(&s, m, core->from.tag);
	mac_view(&s, m, core->to.tag);
	mac_view(&s, m, core->call_id);
	sipmac_field(&s, &core->cseq.number, sizeof(core->cseq.number));
	mac_fields(&s, m, SIP_HDR_ROUTE);
	mac_fields(&s, m, SIP_HDR_PROXY_REQUIRE);
	return sipmac_final64(&s);
}

/* Is there a branch of ours, by its first bytes, anywhere in this field? Most Vias are strangers', and to
 * know that they need not be read again. */
static bool field_may_be_ours(const struct sip_msg *m, const struct sip_header *h)
{
	const char *p = (const char *)m->buf + h->value, *end = (const char *)m->buf + h->value_end, *at;

	for (unsigned upper = 0; upper < 2; upper++)
		for (at = p; end - at >= VIA_BRANCH_LEN; at++) {
			at = memchr(at, upper ? 'Z' : 'z', (size_t)(end - at));
			if (!at)
				break;
			if (end - at >= VIA_BRANCH_LEN && strncasecmp(at, VIA_COOKIE, VIA_COOKIE_LEN) == 0)
				return true;
		}
	return false;
}

static bool may_be_ours(const struct sip_msg *m)
{
	for (const struct sip_header *h = sip_msg_first(m, SIP_HDR_VIA); h; h = sip_msg_next(m, h))
		if (field_may_be_ours(m, h))
			return true;
	return false;
}

void via_scan(const struct via_key *key, const struct sip_msg *m, uint64_t loop, struct via_scan *out)
{
	struct sip_iter it = sip_iter_start(m, SIP_HDR_VIA);
	struct via_branch b;
	struct sip_via via;

	memset(out, 0, sizeof(*out));
	if (!may_be_ours(m))
		return;
	while (sip_via_next(m, &it, &via) > 0) {
		/* of any start: a loop may have begun before the last one */
		if (!(via.flags & SIP_VIA_BRANCH) ||
		    !via_branch_read(key, sip_msg_at(m, via.branch), via.branch.len, &b))
			continue;
		out->ours++;
		out->loop |= b.loop == loop;
		out->shared |= (b.flags & VIA_BRANCH_SHARED) != 0;
	}
}

int via_line(const struct via_key *key, const struct via_branch *b, struct policy_name host, uint16_t port,
	     bool secure, bool alias, char *out, uint32_t size)
{
	struct proxy_text t = proxy_text_of(out, size);
	char branch[VIA_BRANCH_LEN];

	via_branch_mint(key, b, branch);
	proxy_text_put(&t, secure ? "Via: SIP/2.0/TLS " : "Via: SIP/2.0/TCP ");
	proxy_text_name(&t, host);
	proxy_text_put(&t, ":");
	proxy_text_number(&t, port);
	proxy_text_put(&t, ";branch=");
	proxy_text_bytes(&t, branch, sizeof(branch));
	if (alias)
		proxy_text_put(&t, ";alias");
	return proxy_text_done(&t);
}

/* sent-by: the host without case, the port with its default */
static void mac_sent_by(struct sipmac *s, const struct sip_msg *m, const struct sip_via *via)
{
	char text[SIP_HOST_NAME_MAX + 1];
	unsigned n = sip_host_canon(m, &via->host, text);
	uint8_t ip[16];
	uint16_t port = via->port;

	if (!port)
		port = via->transport == SIP_TRANSPORT_TLS ? 5061 : 5060;
	if (n) {
		sipmac_field(s, text, n);
	} else {
		n = sip_host_address(m, &via->host, ip);
		sipmac_field(s, ip, n);
	}
	sipmac_field(s, &port, sizeof(port));
}

uint64_t via_server_key(const struct siphash_key *key, const struct sip_msg *m, const struct sip_core *core,
			enum sip_method method, uint64_t peer)
{
	const struct sip_via *via = &core->via;
	uint8_t class = (uint8_t)method;
	struct sipmac s;

	sipmac_init(&s, key);
	sipmac_field(&s, &peer, sizeof(peer));
	sipmac_field(&s, &class, 1);
	/* methods that have no number are told apart by their name, that of CSeq in a response too */
	if (method == SIP_METHOD_OTHER)
		mac_view(&s, m, core->cseq.method_text);
	if (via->flags & SIP_VIA_COOKIE) {
		mac_view(&s, m, via->branch);
		mac_sent_by(&s, m, via);
		return sipmac_final64(&s);
	}
	mac_view(&s, m, core->uri.all);
	mac_view(&s, m, core->from.tag);
	mac_view(&s, m, core->call_id);
	sipmac_field(&s, &core->cseq.number, sizeof(core->cseq.number));
	mac_view(&s, m, via->all);
	return sipmac_final64(&s);
}
