/* SPDX-License-Identifier: BSD-3-Clause */
/* The other end of a wire that asks to be answered: makes ARP and ICMP echo requests, judges every byte of
 * what comes back, answers ARP about itself. Pure: bytes in, bytes out. */
#ifndef BENCH_WIRE_ECHO_PEER_H
#define BENCH_WIRE_ECHO_PEER_H

#include <stdint.h>

enum { ECHO_PEER_FRAME = 98, ECHO_PEER_PAYLOAD = 56, ECHO_PEER_ARP = 60 };

struct echo_peer {
	uint8_t mac[6], box_mac[6];
	uint8_t ip[4], box_ip[4];
	uint16_t id;
};

enum echo_peer_verdict {
	ECHO_PEER_REPLY,    /* right in every byte: *seq says which */
	ECHO_PEER_ARP_ASK,  /* somebody asks for our MAC */
	ECHO_PEER_ARP_TELL, /* answer to our own ARP request */
	ECHO_PEER_OTHER,    /* nothing for us: probes, multicast */
	ECHO_PEER_WRONG,    /* an answer with a wrong byte */
};

/* Write a frame of ECHO_PEER_FRAME (ECHO_PEER_ARP) bytes. */
void echo_peer_request(const struct echo_peer *p, uint16_t seq, uint8_t *frame);
void echo_peer_arp_request(const struct echo_peer *p, uint8_t *frame);
void echo_peer_arp_reply(const struct echo_peer *p, uint8_t *frame);
/* Judges a frame that came from the box. */
enum echo_peer_verdict echo_peer_judge(const struct echo_peer *p, const uint8_t *frame, unsigned len,
				       uint16_t *seq);

#endif
