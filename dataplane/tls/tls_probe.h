/* SPDX-License-Identifier: BSD-3-Clause */
/* A client's handshake that finds out what a peer speaks: it offers less than its profile, takes no ticket
 * and leaves none, and writes down what was agreed on, however it ends. */
#ifndef DATAPLANE_TLS_TLS_PROBE_H
#define DATAPLANE_TLS_TLS_PROBE_H

#include "dataplane/tls/peer.h"
#include "dataplane/tls/tls.h"

enum { TLS_PROBE_SUITES = 32 };

/* Belongs to the caller of tls_connect(), and stays until `closed`. */
struct tls_probe {
	/* in */
	uint16_t version; /* this one alone; 0: as the profile says */
	uint16_t without[TLS_PROBE_SUITES];
	unsigned n_without;
	/* out; 0 and NULL: it did not come so far */
	uint16_t agreed_version, suite;
	const char *suite_name; /* as settings write it */
	char group[24], signature[32];
	bool has_peer; /* a certificate was shown; whether it is worth anything says the verdict */
	struct tls_peer peer;
};

#endif
