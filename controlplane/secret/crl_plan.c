/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/secret/crl_plan.h"

/* 0 … most */
static int64_t some(int64_t most, uint32_t chance)
{
	return most > 0 ? (int64_t)(chance % ((uint64_t)most + 1)) : 0;
}

void crl_plan_came(struct crl_plan *p, int64_t this_update, int64_t next_update, int64_t now, uint32_t chance)
{
	int64_t due = now + CRL_PLAN_SELDOM_S - some(CRL_PLAN_SELDOM_S / 20, chance);

	/* a tenth of its life before its end, each of us at another time */
	if (next_update > this_update) {
		int64_t life = next_update - this_update;
		int64_t early = next_update - life / 10 - some(life / 20, chance);

		due = early < due ? early : due;
	}
	if (due < now + CRL_PLAN_OFTEN_S)
		due = now + CRL_PLAN_OFTEN_S + some(CRL_PLAN_OFTEN_S / 10, chance);
	p->due = due;
	p->tried = now;
	p->failures = 0;
}

bool crl_plan_failed(struct crl_plan *p, int64_t now, uint32_t chance)
{
	int64_t back = p->failures < 6 ? (int64_t)CRL_PLAN_BACK_S << p->failures : CRL_PLAN_BACK_MAX_S;

	back = back < CRL_PLAN_BACK_MAX_S ? back : CRL_PLAN_BACK_MAX_S;
	p->due = now + back - some(back / 10, chance);
	p->tried = now;
	return p->failures++ == 0;
}

bool crl_plan_is_due(const struct crl_plan *p, int64_t now)
{
	return now >= p->due || p->tried > now;
}

bool crl_plan_expired(struct crl_plan *p, int64_t next_update, int64_t now)
{
	bool past = next_update && next_update <= now, tell = past && !p->told_expiry;

	p->told_expiry = past;
	return tell;
}
