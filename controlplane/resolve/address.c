/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/resolve/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int address_range_read(const char *text, struct address_range *out)
{
	char host[64];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	unsigned long bits;
	char *end;

	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET6, host, out->a) == 1) {
		bits = 128;
	} else if (inet_pton(AF_INET, host, out->a + 12) == 1) {
		out->a[10] = out->a[11] = 0xff;
		bits = 32;
	} else {
		return -EINVAL;
	}
	if (slash) {
		unsigned long given = strtoul(slash + 1, &end, 10);

		if (*end || end == slash + 1 || given > bits)
			return -EINVAL;
		out->bits = (uint8_t)(128 - bits + given);
	} else {
		out->bits = 128;
	}
	return 0;
}

static bool address_in(const uint8_t a[16], const struct address_range *r)
{
	unsigned whole = r->bits / 8, rest = r->bits % 8;

	if (memcmp(a, r->a, whole))
		return false;
	return !rest || ((a[whole] ^ r->a[whole]) & (0xff00u >> rest) & 0xff) == 0;
}

/* The documentation and benchmark ranges (RFC 5737, 2544, 3849) are not here: laboratories live there, and no
 * route leads to them elsewhere. `open`: the operator may open it. */
static const struct {
	const char *range, *what;
	bool open;
} never[] = {
	{"0.0.0.0/8", "an unspecified address", false},
	{"127.0.0.0/8", "a loopback address", false},
	{"169.254.0.0/16", "a link-local address", false},
	{"224.0.0.0/4", "a multicast address", false},
	{"240.0.0.0/4", "a reserved address", false},
	{"10.0.0.0/8", "a private address (RFC 1918)", true},
	{"172.16.0.0/12", "a private address (RFC 1918)", true},
	{"192.168.0.0/16", "a private address (RFC 1918)", true},
	{"100.64.0.0/10", "a shared address (RFC 6598)", true},
	{"::/128", "an unspecified address", false},
	{"::1/128", "a loopback address", false},
	{"::/96", "an IPv4-compatible address (RFC 4291)", false},
	{"fe80::/10", "a link-local address", false},
	{"fec0::/10", "a site-local address", false},
	{"ff00::/8", "a multicast address", false},
	{"fc00::/7", "a unique local address (RFC 4193)", true},
};

const char *address_refused(const uint8_t a[16], const struct address_rules *rules)
{
	static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b}, sixto4[2] = {0x20, 0x02};
	uint8_t inner[16] = {[10] = 0xff, [11] = 0xff};

	for (unsigned i = 0; i < rules->own_n; i++)
		if (address_in(a, &rules->own[i]))
			return "an address of our own";
	for (unsigned i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		struct address_range r;

		if (address_range_read(never[i].range, &r) || !address_in(a, &r))
			continue;
		for (unsigned k = 0; never[i].open && k < rules->allowed_n; k++)
			if (address_in(a, &rules->allowed[k]))
				return NULL;
		return never[i].what;
	}
	/* an IPv4 address that hides inside of an IPv6 one is judged as what it is (RFC 6052, RFC 3056) */
	if (memcmp(a, nat64, sizeof(nat64)) == 0)
		memcpy(inner + 12, a + 12, 4);
	else if (memcmp(a, sixto4, sizeof(sixto4)) == 0)
		memcpy(inner + 12, a + 2, 4);
	else
		return NULL;
	return address_refused(inner, rules);
}
