/* SPDX-License-Identifier: BSD-3-Clause */
/* What certificates of peers say of where their revocation lists are. The dataplane tells each chain that it
 * has verified; here it is verified once more, by the anchors of the trust store that it is said to belong
 * to, and what it names is kept for that store, as a file that the shelf looks at. Loop thread. */
#ifndef CONTROLPLANE_DAEMON_CRL_LEARN_H
#define CONTROLPLANE_DAEMON_CRL_LEARN_H

#include "config/exchange/chain.h"
#include "controlplane/daemon/control.h"

struct crl_learn_totals {
	uint64_t chains;  /* that came whole and were looked at */
	uint64_t refused; /* of these, those that no anchor vouches for here */
	uint64_t skipped; /* not looked at: too many at one time */
	uint64_t torn;	  /* that did not come whole */
	uint64_t points;  /* that were new, or had another path */
};

/* a part of a chain, from this ring */
void crl_learn_take(struct control *c, unsigned ring, const struct exchange_chain *part);
void crl_learn_totals(const struct control *c, struct crl_learn_totals *out);
void crl_learn_close(struct control *c);

#endif
