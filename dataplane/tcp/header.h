/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP headers and their options, in and out (RFC 9293 section 3.1, RFC 7323, RFC 2018). Pure. */
#ifndef DATAPLANE_TCP_HEADER_H
#define DATAPLANE_TCP_HEADER_H

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;

enum {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,
};

enum {
	TCP_HEADER_LEN = 20,
	TCP_OPTIONS_MAX = 40,
	TCP_SACK_BLOCKS_MAX = 4,
	TCP_TIMESTAMP_LEN = 12, /* with its padding */
	TCP_SCALE_MAX = 14,	/* RFC 7323 section 2.3 */
};

struct tcp_block {
	uint32_t start, end;
};

struct tcp_options {
	bool has_mss, has_scale, has_sack_ok, has_ts;
	uint8_t scale;
	uint8_t n_sack;
	uint16_t mss;
	uint32_t ts_val, ts_ecr;
	struct tcp_block sack[TCP_SACK_BLOCKS_MAX];
};

/* a segment as the state machine sees it, in host order */
struct tcp_segment {
	struct rte_mbuf *m; /* payload only, once tcp_input has cut the header off */
	uint32_t seq, ack;
	uint32_t len; /* of payload */
	uint16_t window;
	uint16_t sport, dport;
	uint8_t flags;
	uint8_t ecn;
	uint8_t header_len;
	struct tcp_options opt;
};

enum tcp_header_result {
	TCP_HEADER_OK,
	TCP_HEADER_MALFORMED,
	TCP_HEADER_BAD_OPTION,
};

/* Reads the header at `data` (`available` contiguous bytes) of a segment of `total` bytes. */
enum tcp_header_result tcp_header_parse(struct tcp_segment *s, const uint8_t *data, uint32_t available,
					uint32_t total);

/* Length of the header that tcp_header_write() would make for these options: a multiple of 4, at most 60;
 * SACK blocks that do not fit are left out. */
unsigned tcp_header_len(const struct tcp_options *o);
/* Writes 20 bytes and the options (order and padding as everybody does it); checksum 0. */
void tcp_header_write(uint8_t *to, const struct tcp_segment *s, unsigned header_len);

#endif
