/* SPDX-License-Identifier: BSD-3-Clause */
/* Two parsers that others wrote, behind one face: for the bench beside ours, and for the differential test.
 */
#ifndef BENCH_SIP_PARSE_SIP_PEER_H
#define BENCH_SIP_PARSE_SIP_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* what a proxy must know of a message */
struct sip_peer_facts {
	bool response;
	unsigned status;
	char method[64];
	char uri_host[300]; /* without brackets */
	char from_host[300], to_host[300];
	char from_tag[300], to_tag[300];
	char call_id[700];
	char via_host[300], via_branch[400]; /* topmost */
	unsigned long cseq;
	char cseq_method[64];
	long max_forwards; /* -1: none */
	unsigned vias, routes, record_routes, contacts;
	unsigned long content_length;
};

struct sip_peer {
	const char *name;
	/* Parses the message with everything that routes, and frees it again: false when the peer refuses it.
	 * facts may be NULL. */
	bool (*parse)(const char *bytes, size_t len, struct sip_peer_facts *facts);
};

/* what was found when this was built; sip_peers_n may be 0 */
extern const struct sip_peer sip_peers[];
extern const unsigned sip_peers_n;

/* ours, as the differential test sees it */
bool sip_peer_ours(const char *bytes, size_t len, struct sip_peer_facts *facts);

#endif
