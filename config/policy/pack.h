/* SPDX-License-Identifier: BSD-3-Clause */
/* Puts a record and its strings into one block. The caller fills the fixed part (numbers, flags); size and
 * the struct policy_str members are set here. Each returns the record's size, -EINVAL when a string is longer
 * than a record can say, -ENOSPC when `cap` is too small. `buf` is aligned to 4. */
#ifndef CONFIG_POLICY_PACK_H
#define CONFIG_POLICY_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "config/policy/record.h"

/* no record is larger */
#define POLICY_RECORD_MAX 32768u

struct policy_partner_parts {
	struct policy_name proxy_fqdn;
	struct policy_name via_domain;
	const struct policy_name *peer_names;
	unsigned peer_names_n;
	const uint8_t (*pins)[POLICY_SPKI_LEN];
	unsigned pins_n;
};

struct policy_hop_part {
	struct policy_hop hop; /* host and `ip` as flags say; hop.host is set here */
	struct policy_name host;
};

int policy_pack_partner(const struct policy_partner *fixed, const struct policy_partner_parts *parts,
			void *buf, size_t cap);
int policy_pack_site(const struct policy_site *fixed, struct policy_name name, void *buf, size_t cap);
int policy_pack_own_domain(const struct policy_own_domain *fixed, struct policy_name name, void *buf,
			   size_t cap);
int policy_pack_identity(const struct policy_identity *fixed, struct policy_name name,
			 struct policy_name public_fqdn, void *buf, size_t cap);
int policy_pack_provider(const struct policy_provider *fixed, struct policy_name name,
			 struct policy_name fqdn, void *buf, size_t cap);
int policy_pack_route_set(const struct policy_route_set *fixed, struct policy_name pattern,
			  struct policy_name name, const struct policy_hop_part *hops, unsigned hops_n,
			  void *buf, size_t cap);
int policy_pack_limit_class(const struct policy_limit_class *fixed, struct policy_name name, void *buf,
			    size_t cap);

struct policy_tls_parts {
	struct policy_name suites12, suites13, groups, name;
	const struct policy_name *peer_subjects;
	unsigned peer_subjects_n;
};

int policy_pack_tls_profile(const struct policy_tls_profile *fixed, const struct policy_tls_parts *parts,
			    void *buf, size_t cap);
int policy_pack_listener(const struct policy_listener *fixed, void *buf, size_t cap);
/* hashes of POLICY_HASH_LEN characters, or empty */
int policy_pack_certificate(const struct policy_certificate *fixed, struct policy_name name,
			    struct policy_name chain, struct policy_name key, struct policy_name ocsp,
			    void *buf, size_t cap);
int policy_pack_trust(const struct policy_trust *fixed, struct policy_name name, struct policy_name ca,
		      struct policy_name crl, void *buf, size_t cap);
int policy_pack_inner(const struct policy_inner *fixed, struct policy_name name, void *buf, size_t cap);
int policy_pack_secret(const struct policy_secret *fixed, struct policy_name hash, void *buf, size_t cap);

/* The same to an answer with room for its parts: `answer` is an array of 1 + POLICY_DNS_PARTS records, of
 * which the first is set up (kind, state, secure) and the others are written here. -ENOSPC when all are full.
 */
int policy_dns_spill(struct policy_dns *answer, struct policy_name target, uint16_t priority, uint16_t weight,
		     uint16_t port, const uint8_t (*addrs)[16], unsigned addrs_n);
/* After the last target: binds the parts to the answer, by a serial that is made of all they hold. */
void policy_dns_seal(struct policy_dns *answer);

/* Adds a target with its addresses to an answer. What does not fit is left out and marked in `cut`; call it
 * in the order of preference. Returns 0, or -ENOSPC when the target itself did not fit. */
int policy_dns_add(struct policy_dns *dns, struct policy_name target, uint16_t priority, uint16_t weight,
		   uint16_t port, const uint8_t (*addrs)[16], unsigned addrs_n);

#endif
