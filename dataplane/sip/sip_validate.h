/* SPDX-License-Identifier: BSD-3-Clause */
/* RFC 3261 section 16.3 as a function: message in, reason out. */
#ifndef DATAPLANE_SIP_SIP_VALIDATE_H
#define DATAPLANE_SIP_SIP_VALIDATE_H

#include "dataplane/sip/sip_core.h"

struct sip_validate_rules {
	/* option tags that Proxy-Require may name, lower case; NULL: none */
	const char *const *proxy_options;
	unsigned proxy_options_n;
	/* the box answers itself (OPTIONS to it): Max-Forwards 0 is fine then, and Require is for us */
	bool end_point;
};

/* Everything that sip_core_read() judges, and: fields that may occur once, Max-Forwards used up,
 * Proxy-Require, Require and Supported, asserted identities, Content-Type. rules NULL: none of the options,
 * not an end point. What CANCEL and ACK require is not looked at (RFC 3261 section 8.2.2.3), nor how far a
 * CANCEL may go, which ends here (section 16.10). *core is filled as far as it was read; with Max-Forwards
 * used up, whole. */
enum sip_reason sip_validate(const struct sip_msg *m, const struct sip_validate_rules *rules,
			     struct sip_core *core);

/* the option tags of Proxy-Require that rules do not name, and those of Require, of which an end point knows
 * none, as the value of Unsupported (RFC 3261 section 8.2.2.3): length written, at most size - 1; 0: none */
unsigned sip_unsupported_list(const struct sip_msg *m, const struct sip_validate_rules *rules, char *out,
			      unsigned size);

#endif
