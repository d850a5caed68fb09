/* SPDX-License-Identifier: BSD-3-Clause */
/* CUBIC, RFC 9438. Windows in segments, times in seconds, single precision: the errors are far below a
 * segment. */
#include "dataplane/tcp/congestion.h"

/* RFC 9438 4.1, 4.6 */
static const float CUBIC_C = 0.4f;
static const float CUBIC_BETA = 0.7f;

static float cube_root(float v)
{
	union {
		float f;
		uint32_t u;
	} x = {.f = v};

	if (v <= 0)
		return 0;
	/* a third of the exponent gets within a few percent; Newton doubles the digits */
	x.u = x.u / 3 + 0x2a514067u;
	for (int i = 0; i < 3; i++)
		x.f = (2 * x.f + v / (x.f * x.f)) / 3;
	return x.f;
}

void tcp_cubic_reduce(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a)
{
	float w = (float)a->cwnd / (float)c->mss, ss;
	uint32_t flight = c->snd_nxt - c->snd_una;
	float f = (float)(flight < a->cwnd ? flight : a->cwnd) / (float)c->mss;

	a->cubic_epoch = false;
	/* fast convergence (4.7): the one that shrinks again leaves room for newcomers */
	a->cubic_w_max = w < a->cubic_w_max ? w * (1 + CUBIC_BETA) / 2 : w;
	/* 4.6: from the flight size if the window was not used up */
	ss = f * CUBIC_BETA;
	if (ss < 2)
		ss = 2;
	a->ssthresh = (uint32_t)(ss * (float)c->mss);
}

void tcp_cubic_acked(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a, uint32_t bytes)
{
	float w = (float)a->cwnd / (float)c->mss, acked = (float)bytes / (float)c->mss;
	float rtt = (float)(c->srtt_us >> 3) * 1.024e-6f, t, target, d;
	const float alpha = 3 * (1 - CUBIC_BETA) / (1 + CUBIC_BETA);

	if (!a->cubic_epoch) {
		a->cubic_epoch = true;
		a->cubic_epoch_us = st->us;
		a->cubic_w_est = w;
		if (w < a->cubic_w_max) {
			a->cubic_k = cube_root((a->cubic_w_max - w) / CUBIC_C);
			a->cubic_origin = a->cubic_w_max;
		} else {
			a->cubic_k = 0;
			a->cubic_origin = w;
		}
	}
	t = (float)(st->us - a->cubic_epoch_us) * 1.024e-6f;
	d = t + rtt - a->cubic_k;
	target = a->cubic_origin + CUBIC_C * d * d * d;
	if (target < w)
		target = w;
	else if (target > 1.5f * w)
		target = 1.5f * w;
	/* 4.3: never slower than Reno would be; its alpha is 1 once it is back where the loss was */
	a->cubic_w_est += (a->cubic_w_est >= a->cubic_w_max ? 1.0f : alpha) * acked / w;
	if (a->cubic_w_est > target)
		w = a->cubic_w_est > w ? a->cubic_w_est : w;
	else
		w += (target - w) / w * acked;
	a->cwnd = (uint32_t)(w * (float)c->mss + 0.5f);
}
