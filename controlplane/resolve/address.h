/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses that no partner has: what keeps a hostile answer from pointing the box at ourselves or at inner
 * hosts (DNS rebinding, SSRF). Pure. */
#ifndef CONTROLPLANE_RESOLVE_ADDRESS_H
#define CONTROLPLANE_RESOLVE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

struct address_range {
	uint8_t a[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint8_t bits;  /* of the 128 */
};

struct address_rules {
	const struct address_range *allowed; /* private ranges that the operator opens */
	unsigned allowed_n;
	const struct address_range *own; /* our own addresses: never */
	unsigned own_n;
};

/* "10.0.0.0/8" or "2001:db8::/32" or one address; 0 or -EINVAL */
int address_range_read(const char *text, struct address_range *out);
/* NULL when a partner may have this address, else why not */
const char *address_refused(const uint8_t a[16], const struct address_rules *rules);

#endif
