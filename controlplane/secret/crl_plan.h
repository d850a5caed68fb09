/* SPDX-License-Identifier: BSD-3-Clause */
/* When a revocation list is fetched again. Pure: time (seconds of the wall clock, by which lists say their
 * own) and chance are inputs. */
#ifndef CONTROLPLANE_SECRET_CRL_PLAN_H
#define CONTROLPLANE_SECRET_CRL_PLAN_H

#include <stdbool.h>
#include <stdint.h>

enum {
	CRL_PLAN_OFTEN_S = 600,	   /* not more often than this */
	CRL_PLAN_SELDOM_S = 86400, /* and not less */
	CRL_PLAN_BACK_S = 60,	   /* after the first failure; doubled with each */
	CRL_PLAN_BACK_MAX_S = 3600,
};

struct crl_plan {
	int64_t tried;	   /* when it was asked for last, 0: never */
	int64_t due;	   /* when it is asked for next */
	unsigned failures; /* in a row */
	bool told_expiry;
};

/* It came (or did not change, or was kept from before): next_update 0 is one that says none. `chance` is any
 * number. */
void crl_plan_came(struct crl_plan *p, int64_t this_update, int64_t next_update, int64_t now,
		   uint32_t chance);
/* It did not. True for the first time in a row: that is told. */
bool crl_plan_failed(struct crl_plan *p, int64_t now, uint32_t chance);
/* Is it to be asked for? A clock that was put back does not put it off. */
bool crl_plan_is_due(const struct crl_plan *p, int64_t now);
/* True once when the list that we have has ended. */
bool crl_plan_expired(struct crl_plan *p, int64_t next_update, int64_t now);

#endif
