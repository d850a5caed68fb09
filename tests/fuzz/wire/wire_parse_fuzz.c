/* SPDX-License-Identifier: BSD-3-Clause */
/* Every parser of wire/ over any bytes: it stays inside, what it says lies inside, and what it read comes out
 * again when it is written. The first byte chooses the parser. */
#include <stdlib.h>
#include <string.h>

#include "dataplane/wire/arp.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/eth.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ip6.h"
#include "dataplane/wire/ndp.h"
#include "dataplane/wire/tcp_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int truth)
{
	if (!truth)
		abort();
}

static void sums(const uint8_t *p, size_t len)
{
	const struct wire_sum_kernel *scalar = wire_sum_pick("scalar");
	uint16_t want = wire_sum_fold(scalar->sum(p, len));

	for (const struct wire_sum_kernel *k = wire_sum_kernels; k->name != NULL; k++)
		if (k->runs_here())
			must(wire_sum_fold(k->sum(p, len)) % 0xffff == want % 0xffff);
}

static void arp(const uint8_t *p, size_t len)
{
	struct wire_arp a;
	uint8_t again[WIRE_ARP_LEN];

	if (wire_arp_parse(p, len, &a) > 0) {
		wire_arp_emit(again, &a);
		must(memcmp(again, p, WIRE_ARP_LEN) == 0);
	}
}

static void ip(const uint8_t *p, size_t len)
{
	struct wire_ip6 h;
	uint16_t total;

	if (wire_ip4_parse(p, len, len, true, &total) > 0)
		must(total >= 20 && total <= len);
	if (wire_ip6_parse(p, len, len, &h) > 0)
		must(h.upper_offset >= 40 && h.upper_offset <= h.total_len && h.total_len <= len);
}

static void icmp(const uint8_t *p, size_t len)
{
	struct wire_icmp_error e;

	if (wire_icmp4_error_parse(p, len, &e) > 0)
		must(e.src > p && e.dst + 4 <= p + len && e.proto == WIRE_PROTO_TCP);
	if (wire_icmp6_error_parse(p, len, &e) > 0)
		must(e.src > p && e.dst + 16 <= p + len && e.proto == WIRE_PROTO_TCP);
}

static void options(const uint8_t *p, size_t len)
{
	struct wire_tcp_options first;
	struct wire_tcp_options second;
	uint8_t bytes[WIRE_TCP_OPTIONS_MAX];
	unsigned size;

	if (wire_tcp_options_parse(p, len > 40 ? 40 : len, &first) < 0)
		return;
	must(first.n_sacks <= WIRE_TCP_SACK_BLOCKS_MAX && first.scale <= WIRE_TCP_SCALE_MAX);
	size = wire_tcp_options_emit(bytes, &first);
	must(size <= WIRE_TCP_OPTIONS_MAX && size % 4 == 0);
	must(wire_tcp_options_parse(bytes, size, &second) > 0);
	must(second.has_mss == first.has_mss && second.mss == first.mss &&
	     second.ts_value == first.ts_value && second.scale == first.scale &&
	     second.n_sacks <= first.n_sacks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_ndp ndp;
	struct wire_eth eth;
	struct wire_tcp tcp;
	uint8_t *copy;

	if (size == 0)
		return 0;
	/* a copy of its own, so that the sanitizer sees one byte too far */
	copy = malloc(size - 1 > 0 ? size - 1 : 1);
	if (copy == NULL)
		return 0;
	memcpy(copy, data + 1, size - 1);
	size--;
	switch (data[0] % 8) {
	case 0:
		sums(copy, size);
		break;
	case 1:
		arp(copy, size);
		break;
	case 2:
		ip(copy, size);
		break;
	case 3:
		icmp(copy, size);
		break;
	case 4:
		options(copy, size);
		break;
	case 5:
		(void)wire_ndp_parse(copy, size, &ndp);
		break;
	case 6:
		if (wire_tcp_parse(copy, size, &tcp) > 0)
			must(tcp.header_len <= size);
		break;
	default:
		if (wire_eth_parse(copy, size, &eth) > 0)
			must((size_t)(eth.tagged ? 18 : 14) <= size);
		break;
	}
	free(copy);
	return 0;
}
