/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to route_sign: the entries of a route set that lie behind ours, and the host at its end, each as
 * one number. A partner who writes others there could have our pool send his requests to whomever he likes.
 */
#ifndef DATAPLANE_PROXY_ROUTE_REST_H
#define DATAPLANE_PROXY_ROUTE_REST_H

#include "dataplane/proxy/route_sign.h"

enum { ROUTE_REST_MAX = 32 }; /* that can be read backwards */

/* Of n values of a field, from the first-th on; `backwards`: the last one first, as who gets a Record-Route
 * in a response reverses it (RFC 3261 section 12.1.2). What counts of each: scheme, user, host, port,
 * transport and maddr, in any spelling; who copies a URI may drop or reorder what is not his. 0: n is 0.
 * Needs a key. False: malformed, or too many to read backwards. */
bool route_rest(const struct route_key *key, const struct sip_msg *m, enum sip_header_id id, unsigned first,
		unsigned n, bool backwards, uint64_t *out);

/* The host of a URI, its port (5060 and 5061 are none) and maddr, whatever its user, scheme and transport:
 * who is there belongs to the dialog. Never 0. Needs a key. */
uint32_t route_aim(const struct route_key *key, const struct sip_msg *m, const struct sip_uri *uri);

#endif
