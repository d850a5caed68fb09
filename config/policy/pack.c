/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/pack.h"

#include <errno.h>

struct packer {
	uint8_t *buf;
	size_t cap, at;
	int error;
};

static struct packer pack_begin(void *buf, size_t cap, const void *fixed, size_t size)
{
	struct packer p = {buf, cap < POLICY_RECORD_MAX ? cap : POLICY_RECORD_MAX, size, 0};

	if (size > p.cap)
		p.error = -ENOSPC;
	else
		memcpy(buf, fixed, size);
	return p;
}

static uint16_t pack_room(struct packer *p, size_t len)
{
	size_t at = p->at;

	if (p->error)
		return 0;
	if (len > p->cap - at) {
		p->error = -ENOSPC;
		return 0;
	}
	p->at += len;
	return (uint16_t)at;
}

static struct policy_str pack_str(struct packer *p, struct policy_name s)
{
	struct policy_str out = {0, 0};

	if (s.len == 0 || p->error)
		return out;
	if (s.len > POLICY_RECORD_MAX) {
		p->error = -EINVAL;
		return out;
	}
	out.off = pack_room(p, s.len);
	if (p->error)
		return (struct policy_str){0, 0};
	out.len = (uint16_t)s.len;
	memcpy(p->buf + out.off, s.ptr, s.len);
	return out;
}

/* into the array of struct policy_str that has its room at `at` */
static void pack_names(struct packer *p, uint16_t at, const struct policy_name *names, unsigned n)
{
	for (unsigned i = 0; i < n && !p->error; i++) {
		struct policy_str s = pack_str(p, names[i]);

		memcpy(p->buf + at + i * sizeof(s), &s, sizeof(s));
	}
}

/* pads to 4, writes the fixed part again, now with its offsets; every record begins with its size */
static int pack_end(struct packer *p, void *fixed, size_t size)
{
	static const uint8_t zero[4];
	uint32_t total;
	size_t pad = (4 - p->at % 4) % 4;
	uint16_t at = pack_room(p, pad);

	if (p->error)
		return p->error;
	memcpy(p->buf + at, zero, pad);
	total = (uint32_t)p->at;
	memcpy(p->buf, fixed, size);
	memcpy(p->buf, &total, sizeof(total));
	return (int)total;
}

int policy_pack_partner(const struct policy_partner *fixed, const struct policy_partner_parts *parts,
			void *buf, size_t cap)
{
	struct policy_partner r = *fixed;
	struct packer p = pack_begin(buf, cap, &r, sizeof(r));

	if (parts->peer_names_n > POLICY_RECORD_MAX / sizeof(struct policy_str) ||
	    parts->pins_n > POLICY_RECORD_MAX / POLICY_SPKI_LEN)
		return -EINVAL;
	r.peer_names = (uint16_t)parts->peer_names_n;
	r.peer_name_at = pack_room(&p, parts->peer_names_n * sizeof(struct policy_str));
	r.pins = (uint16_t)parts->pins_n;
	r.pin_at = pack_room(&p, parts->pins_n * POLICY_SPKI_LEN);
	r.proxy_fqdn = pack_str(&p, parts->proxy_fqdn);
	r.via_domain = pack_str(&p, parts->via_domain);
	pack_names(&p, r.peer_name_at, parts->peer_names, parts->peer_names_n);
	if (!p.error && parts->pins_n)
		memcpy(p.buf + r.pin_at, parts->pins, parts->pins_n * POLICY_SPKI_LEN);
	return pack_end(&p, &r, sizeof(r));
}

int policy_pack_site(const struct policy_site *fixed, struct policy_name name, void *buf, size_t cap)
{
	struct policy_site r = *fixed;
	struct packer p = pack_begin(buf, cap, &r, sizeof(r));

	r.name = pack_str(&p, name);
	return pack_end(&p, &r, sizeof(r));
}

int policy_pack_own_domain(const struct policy_own_domain *fixed, struct policy_name name, void *buf,
			   size_t cap)
{
	struct policy_own_domain r = *fixed;
	struct packer p = pack_begin(buf, cap, &r, sizeof(r));

	r.name = pack_str(&p, name);
	return pack_end(&p, &r, sizeof(r));
}

int policy_pack_identity(const struct policy_identity *fixed, struct policy_name name,
			 struct policy_name public_fqdn, void *buf, size_t cap)
{
	struct policy_identity r = *fixed;
	struct packer p = pack_begin(buf, cap, &r, sizeof(r));

	r.name = pack_str(&p, name);
	r.public_fqdn = pack_str(&p, public_fqdn);
	return pack_end(&p, &r, sizeof(r));
}

int policy_pack_provider(const struct policy_provider *fixed, struct policy_name name,
			 struct policy_name fqdn, void *buf, size_t cap)
{
	struct policy_provider r = *fixed;
	struct packer p = pack_begin(buf, cap, &r, sizeof(r));

	r.name = pack_str(&p, name);
	r.fqdn = pack_str(&p, fqdn);
	return pack_end(&p, &r, sizeof(r));
}

int policy_pack_route_set(const struct policy_route_set *fixed, struct policy_name pattern,
			  struct policy_name name, const struct policy_hop_part *hops, unsigned hops_n,
			  void *buf, size_t cap)
{
	struct policy_route_set r = *fixed;
	struct packer p = pack_begin(buf, cap, &r, sizeof(r));

	if (hops_n > POLICY_ROUTE_HOPS)
		return -EINVAL;
	r.hops = (uint16_t)hops_n;
	r.hop_at = pack_room(&p, hops_n * sizeof(struct policy_hop));
	r.pattern = pack_str(&p, pattern);
	r.name = pack_str(&p, name);
	for (unsigned i = 0; i < hops_n && !p.error; i++) {
		struct policy_hop hop = hops[i].hop;

		hop.host = pack_str(&p, hops[i].host);
		memcpy(p.buf + r.hop_at + i * sizeof(hop), &hop, sizeof(hop));
	}
	return pack_end(&p, &r, sizeof(r));
}

int policy_pack_limit_class(const struct policy_limit_class *fixed, struct policy_name name, void *buf,
			    size_t cap)
{
	struct policy_limit_class r = *fixed;
	struct packer p = pack_begin(buf, cap, &r, sizeof(r));

	r.name = pack_str(&p, name);
	return pack_end(&p, &r, sizeof(r));
}

int policy_pack_tls_profile(const struct policy_tls_profile *fixed, const struct policy_tls_parts *parts,
			    void *buf, size_t cap)
{
	struct policy_tls_profile r = *fixed;
	struct packer p = pack_begin(buf, cap, &r, sizeof(r));

	if (parts->peer_subjects_n > POLICY_RECORD_MAX / sizeof(struct policy_str))
		return -EINVAL;
	r.peer_subjects = (uint16_t)parts->peer_subjects_n;
	r.peer_subject_at = pack_room(&p, parts->peer_subjects_n * sizeof(struct policy_str));
	r.suites12 = pack_str(&p, parts->suites12);
	r.suites13 = pack_str(&p, parts->suites13);
	r.groups = pack_str(&p, parts->groups);
	r.name = pack_str(&p, parts->name);
	pack_names(&p, r.peer_subject_at, parts->peer_subjects, parts->peer_subjects_n);
	return pack_end(&p, &r, sizeof(r));
}

int policy_pack_listener(const struct policy_listener *fixed, void *buf, size_t cap)
{
	struct policy_listener r = *fixed;
	struct packer p = pack_begin(buf, cap, &r, sizeof(r));

	return pack_end(&p, &r, sizeof(r));
}

int policy_pack_certificate(const struct policy_certificate *fixed, struct policy_name name,
			    struct policy_name chain, struct policy_name key, struct policy_name ocsp,
			    void *buf, size_t cap)
{
	struct policy_certificate r = *fixed;
	struct packer p = pack_begin(buf, cap, &r, sizeof(r));

	r.name = pack_str(&p, name);
	r.chain = pack_str(&p, chain);
	r.key = pack_str(&p, key);
	r.ocsp = pack_str(&p, ocsp);
	return pack_end(&p, &r, sizeof(r));
}

int policy_pack_trust(const struct policy_trust *fixed, struct policy_name name, struct policy_name ca,
		      struct policy_name crl, void *buf, size_t cap)
{
	struct policy_trust r = *fixed;
	struct packer p = pack_begin(buf, cap, &r, sizeof(r));

	r.name = pack_str(&p, name);
	r.ca = pack_str(&p, ca);
	r.crl = pack_str(&p, crl);
	return pack_end(&p, &r, sizeof(r));
}

int policy_pack_inner(const struct policy_inner *fixed, struct policy_name name, void *buf, size_t cap)
{
	struct policy_inner r = *fixed;
	struct packer p = pack_begin(buf, cap, &r, sizeof(r));

	r.name = pack_str(&p, name);
	return pack_end(&p, &r, sizeof(r));
}

int policy_pack_secret(const struct policy_secret *fixed, struct policy_name hash, void *buf, size_t cap)
{
	struct policy_secret r = *fixed;
	struct packer p = pack_begin(buf, cap, &r, sizeof(r));

	r.hash = pack_str(&p, hash);
	return pack_end(&p, &r, sizeof(r));
}

int policy_dns_add(struct policy_dns *dns, struct policy_name target, uint16_t priority, uint16_t weight,
		   uint16_t port, const uint8_t (*addrs)[16], unsigned addrs_n)
{
	unsigned n = policy_dns_count(dns), names = 0, used = 0;
	struct policy_dns_target *t;

	for (unsigned i = 0; i < n; i++) {
		names = dns->target[i].name_off + (unsigned)dns->target[i].name_len;
		used = dns->target[i].addr_first + (unsigned)dns->target[i].addr_count;
	}
	if (n == POLICY_DNS_TARGETS || target.len > POLICY_NAME_MAX ||
	    target.len > POLICY_DNS_NAMES - names) {
		dns->cut = 1;
		return -ENOSPC;
	}
	if (addrs_n > POLICY_DNS_ADDRS - used) {
		dns->cut = 1;
		addrs_n = POLICY_DNS_ADDRS - used;
	}
	t = &dns->target[n];
	*t = (struct policy_dns_target){.priority = priority,
					.weight = weight,
					.port = port,
					.name_off = (uint16_t)names,
					.name_len = (uint8_t)target.len,
					.addr_first = (uint8_t)used,
					.addr_count = (uint8_t)addrs_n};
	if (target.len)
		memcpy(dns->names + names, target.ptr, target.len);
	if (addrs_n)
		memcpy(dns->addr[used], addrs, addrs_n * sizeof(addrs[0]));
	dns->targets = (uint8_t)(n + 1);
	return 0;
}

int policy_dns_spill(struct policy_dns *answer, struct policy_name target, uint16_t priority, uint16_t weight,
		     uint16_t port, const uint8_t (*addrs)[16], unsigned addrs_n)
{
	struct policy_dns *last = &answer[answer->more];
	uint8_t cut = answer->cut, last_cut = last->cut;

	if (policy_dns_add(last, target, priority, weight, port, addrs, addrs_n) == 0) {
		answer->cut |= last->cut;
		return 0;
	}
	if (answer->more >= POLICY_DNS_PARTS || target.len > POLICY_NAME_MAX) {
		answer->cut = 1;
		return -ENOSPC;
	}
	last->cut = last_cut;
	answer->cut = cut;
	last = &answer[++answer->more];
	memset(last, 0, sizeof(*last));
	last->kind = (uint8_t)(POLICY_DNS_MORE + answer->more - 1u);
	last->state = POLICY_DNS_OK;
	last->secure = answer->secure;
	policy_dns_add(last, target, priority, weight, port, addrs, addrs_n);
	answer->cut |= last->cut;
	return 0;
}

void policy_dns_seal(struct policy_dns *answer)
{
	uint32_t serial = 0x811c9dc5u;

	for (unsigned i = 0; i <= answer->more; i++) {
		struct policy_dns page = answer[i];
		const uint8_t *bytes = (const uint8_t *)&page;

		page.expires_ns = 0;
		page.serial = 0;
		for (size_t k = 0; k < sizeof(page); k++)
			serial = (serial ^ bytes[k]) * 0x01000193u;
	}
	for (unsigned i = 0; i <= answer->more; i++) {
		answer[i].serial = serial;
		answer[i].expires_ns = answer->expires_ns;
	}
}
