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
	static const char first[] = "loop, first half", second[] = "loop, second half";

	memcpy(&key->mac, secret, sizeof(key->mac));
	key->loop.k0 = siphash24(&key->mac, first, sizeof(first));
	key->loop.k1 = siphash24(&key->mac, second, sizeof(second));
	key->epoch = epoch;
}

/* SipHash-2-4 of the body, given as two words of eight bytes and the last four */
static uint64_t branch_mac(const struct via_key *key, uint64_t first, uint64_t second, uint32_t last)
{
	const uint64_t body[3] = {first, second, last};

	return siphash24(&key->mac, body, VIA_BODY);
}

enum { HEX_WORD = 4 }; /* bytes whose digits fill a word of 64 bits */

_Static_assert(VIA_BYTES % HEX_WORD == 0, "whole words of digits");

/* Four bytes as eight digits, side by side in one word: each nibble gets a byte of its own, and what is
 * above nine has 'a' - 10 - '0' added. */
static uint64_t hex_word(uint32_t in)
{
	const uint64_t ones = 0x0101010101010101u;
	uint64_t x, above;

	x = in;
	x = (x | x << 16) & 0x0000ffff0000ffffu;
	x = (x | x << 8) & 0x00ff00ff00ff00ffu;
	x = (x >> 4 | x << 8) & 0x0f0f0f0f0f0f0f0fu;
	above = (x + 6 * ones) >> 4 & ones;
	return x + '0' * ones + above * ('a' - 10 - '0');
}

/* The way back, in both cases; *bad: something was no digit. */
static uint32_t unhex_word(uint64_t w, uint64_t *bad)
{
	const uint64_t ones = 0x0101010101010101u, high = 0x80 * ones;
	/* with bit 5 set letters are lower-case; of what is 0x10 to 0x1f, which that would make a digit,
	 * and of bytes above 0x7f it is said here that they are none */
	uint64_t x = w | 0x20 * ones;
	uint64_t digit = (x + (0x80 - '0') * ones) & ~(x + (0x80 - '9' - 1) * ones);
	uint64_t letter = (x + (0x80 - 'a') * ones) & ~(x + (0x80 - 'f' - 1) * ones);
	uint64_t upper = w >> 6 & ones;

	*bad |= (w & high) | (~(digit | letter) & high) | (((w >> 5 | w >> 6) & ones) ^ ones);
	x = (x & 0x0f * ones) + 9 * upper;
	x = (x << 4 | x >> 8) & 0x00ff00ff00ff00ffu;
	x = (x | x >> 8) & 0x0000ffff0000ffffu;
	return (uint32_t)(x | x >> 16);
}

void via_branch_mint(const struct via_key *key, const struct via_branch *b, char out[VIA_BRANCH_LEN])
{
	/* the bytes by fours, each in its place: in pieces they would be waited for as soon as they are read
	 */
	uint64_t loop = __builtin_bswap64(b->loop), mac;
	uint32_t word[VIA_BYTES / HEX_WORD] = {
		b->core | (uint32_t)b->flags << 8 | (uint32_t)__builtin_bswap16(key->epoch) << 16,
		__builtin_bswap32(b->slot),
		__builtin_bswap32(b->generation),
		(uint32_t)loop,
		(uint32_t)(loop >> 32),
	};

	mac = __builtin_bswap64(branch_mac(key, word[0] | (uint64_t)word[1] << 32,
					   word[2] | (uint64_t)word[3] << 32, word[4]));
	word[5] = (uint32_t)mac;
	word[6] = (uint32_t)(mac >> 32);
	memcpy(out, VIA_COOKIE, VIA_COOKIE_LEN);
	for (unsigned i = 0; i < VIA_BYTES / HEX_WORD; i++) {
		uint64_t digits = hex_word(word[i]);

		memcpy(out + VIA_COOKIE_LEN + 2 * HEX_WORD * i, &digits, sizeof(digits));
	}
}

bool via_branch_read(const struct via_key *key, const char *text, size_t len, struct via_branch *out)
{
	uint32_t word[VIA_BYTES / HEX_WORD];
	uint64_t bad = 0, mac;

	if (len != VIA_BRANCH_LEN || strncasecmp(text, VIA_COOKIE, VIA_COOKIE_LEN) != 0)
		return false;
	for (unsigned i = 0; i < VIA_BYTES / HEX_WORD; i++) {
		uint64_t digits;

		memcpy(&digits, text + VIA_COOKIE_LEN + 2 * HEX_WORD * i, sizeof(digits));
		word[i] = unhex_word(digits, &bad);
	}
	if (bad)
		return false;
	mac = branch_mac(key, word[0] | (uint64_t)word[1] << 32, word[2] | (uint64_t)word[3] << 32, word[4]);
	/* as words: nothing is learnt from how long it takes */
	if (mac != __builtin_bswap64(word[5] | (uint64_t)word[6] << 32))
		return false;
	*out = (struct via_branch){
		.core = (uint8_t)word[0],
		.flags = (uint8_t)(word[0] >> 8),
		.epoch = __builtin_bswap16((uint16_t)(word[0] >> 16)),
		.slot = __builtin_bswap32(word[1]),
		.generation = __builtin_bswap32(word[2]),
		.loop = __builtin_bswap64(word[3] | (uint64_t)word[4] << 32),
	};
	return true;
}

bool via_branch_of(const struct via_key *key, const struct sip_msg *m, const struct sip_via *via,
		   struct via_branch *out)
{
	return (via->flags & SIP_VIA_BRANCH) &&
	       via_branch_read(key, sip_msg_at(m, via->branch), via->branch.len, out) &&
	       out->epoch == key->epoch;
}

static void hash_view(struct siptab *s, const struct sip_msg *m, struct sip_view v)
{
	siptab_field(s, m->buf + v.off, v.len);
}

static void hash_fields(struct siptab *s, const struct sip_msg *m, enum sip_header_id id)
{
	for (const struct sip_header *h = sip_msg_first(m, id); h; h = sip_msg_next(m, h))
		siptab_field(s, m->buf + h->value, h->value_end - h->value);
	siptab_field(s, NULL, 0);
}

uint64_t via_loop_hash(const struct via_key *key, const struct sip_msg *m, const struct sip_core *core)
{
	struct siptab s;

	siptab_init(&s, &key->loop);
	hash_view(&s, m, core->uri.all);
	hash_view(&s, m, core->from.tag);
	hash_view(&s, m, core->to.tag);
	hash_view(&s, m, core->call_id);
	siptab_field(&s, &core->cseq.number, sizeof(core->cseq.number));
	hash_fields(&s, m, SIP_HDR_ROUTE);
	hash_fields(&s, m, SIP_HDR_PROXY_REQUIRE);
	return siptab_final(&s);
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

bool via_any_ours(const struct sip_msg *m)
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
static void hash_sent_by(struct siptab *s, const struct sip_msg *m, const struct sip_via *via)
{
	char text[SIP_HOST_NAME_MAX + 1];
	unsigned n = sip_host_canon(m, &via->host, text);
	uint8_t ip[16];
	uint16_t port = via->port;

	if (!port)
		port = via->transport == SIP_TRANSPORT_TLS ? 5061 : 5060;
	if (n) {
		siptab_field(s, text, n);
	} else {
		n = sip_host_address(m, &via->host, ip);
		siptab_field(s, ip, n);
	}
	siptab_field(s, &port, sizeof(port));
}

/* A branch is a token, and those are the same in any case (RFC 3261 section 7.3.1): with this bit set letters
 * lose theirs, and no two other characters of a token become one. */
static void hash_branch(struct siptab *s, const struct sip_msg *m, struct sip_view v)
{
	const uint8_t *at = m->buf + v.off;
	uint8_t same[64];

	for (uint32_t left = v.len, n; left; left -= n, at += n) {
		n = left < sizeof(same) ? left : (uint32_t)sizeof(same);
		for (uint32_t i = 0; i < n; i++)
			same[i] = at[i] | 0x20;
		siptab_field(s, same, n);
	}
}

uint64_t via_server_key(const struct siphash_key *key, const struct sip_msg *m, const struct sip_core *core,
			enum sip_method method, uint64_t peer)
{
	const struct sip_via *via = &core->via;
	uint8_t class = (uint8_t)method;
	struct siptab s;

	siptab_init(&s, key);
	siptab_field(&s, &peer, sizeof(peer));
	siptab_field(&s, &class, 1);
	/* methods that have no number are told apart by their name, that of CSeq in a response too */
	if (method == SIP_METHOD_OTHER)
		hash_view(&s, m, core->cseq.method_text);
	if (via->flags & SIP_VIA_COOKIE) {
		hash_branch(&s, m, via->branch);
		hash_sent_by(&s, m, via);
		return siptab_final(&s);
	}
	hash_view(&s, m, core->uri.all);
	hash_view(&s, m, core->from.tag);
	hash_view(&s, m, core->call_id);
	siptab_field(&s, &core->cseq.number, sizeof(core->cseq.number));
	hash_view(&s, m, via->all);
	return siptab_final(&s);
}
