/* SPDX-License-Identifier: BSD-3-Clause */
/* How fast messages are framed, indexed and read with everything that routes (Request-URI with its host,
 * every Via, Route, Record-Route and Contact, From, To, Call-ID, CSeq, Max-Forwards, Content-Length), with
 * each kernel, beside sofia-sip and libosip2 on the same messages in the same run. Every pass is checked;
 * allocations are counted. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/harness/bench.h"
#include "bench/harness/heap_count.h"
#include "bench/sip_parse/sip_corpus.h"
#include "bench/sip_parse/sip_hostile.h"
#include "bench/sip_parse/sip_peer.h"
#include "dataplane/sip/sip_core.h"
#include "dataplane/sip/sip_frame.h"

enum {
	MESSAGES = 512, /* half a megabyte: what comes out of TLS is in the second-level cache, not in the
			   first */
	ROUNDS = 21,
	OUR_PASSES = 8, /* of ours in a round, so that both sides run for a while */
};

/* what a pass over the corpus found: the same for every kernel */
struct found {
	uint64_t vias, routes, contacts, hosts, cseqs;
};

struct ours {
	struct sip_msg *m;
	struct sip_limits lim;
};

static void parse_ours(const struct bench *b, struct ours *o, const struct sip_kernel *k,
		       const struct sip_corpus_message *msg, unsigned n, struct found *sum)
{
	for (unsigned i = 0; i < n; i++) {
		struct sip_frame f = {0};
		struct sip_core core;
		struct sip_frame_result r =
			sip_frame_next(&f, o->m, k, &o->lim, (const uint8_t *)msg[i].bytes, msg[i].len);

		if (r.what != SIP_FRAME_MESSAGE || r.consumed != msg[i].len ||
		    sip_core_read(o->m, &core) != SIP_REASON_OK)
			bench_wrong(b, "kernel %s refuses message %u", k->name, i);
		sum->vias += core.n_vias;
		sum->routes += core.n_routes + core.n_record_routes;
		sum->contacts += core.n_contacts;
		sum->hosts +=
			core.from.uri.host.text.len + core.to.uri.host.text.len + core.via.host.text.len;
		sum->cseqs += core.cseq.number;
	}
}

static void parse_peer(const struct bench *b, const struct sip_peer *p, const struct sip_corpus_message *msg,
		       unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!p->parse(msg[i].bytes, msg[i].len, NULL))
			bench_wrong(b, "%s refuses message %u", p->name, i);
}

/* all parsers must have read the same before anybody's time counts */
static void check_peers(const struct bench *b, const struct sip_corpus *c)
{
	static struct sip_peer_facts a, f;

	for (unsigned i = 0; i < c->n; i++) {
		const struct sip_corpus_message *m = &c->message[i];

		if (!sip_peer_ours(m->bytes, m->len, &a) || a.vias != m->vias)
			bench_wrong(b, "we read message %u wrongly", i);
		for (unsigned p = 0; p < sip_peers_n; p++) {
			if (!sip_peers[p].parse(m->bytes, m->len, &f))
				bench_wrong(b, "%s refuses message %u", sip_peers[p].name, i);
			if (strcmp(a.uri_host, f.uri_host) || strcmp(a.from_tag, f.from_tag) ||
			    strcmp(a.via_host, f.via_host) || a.vias != f.vias || a.routes != f.routes ||
			    a.cseq != f.cseq)
				bench_wrong(b, "%s reads message %u in another way", sip_peers[p].name, i);
		}
	}
}

struct contender {
	const struct sip_kernel *kernel;
	const struct sip_peer *peer;
	struct bench_series rate; /* bytes per tick, one a round */
	double allocations;
};

static uint64_t bytes_of(const struct sip_corpus_message *msg, unsigned n)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += msg[i].len;
	return sum;
}

/* one round: everybody once, one after the other */
static void round_of(const struct bench *b, struct ours *o, struct contender *list, unsigned n,
		     const struct sip_corpus_message *msg, unsigned messages, const struct found *want,
		     bool count)
{
	double bytes = (double)bytes_of(msg, messages);

	for (unsigned i = 0; i < n; i++) {
		struct contender *c = &list[i];
		struct found got = {0};
		uint64_t made = heap_count(), t = bench_tsc();
		double passes = 1;

		if (c->kernel) {
			passes = OUR_PASSES;
			for (unsigned p = 0; p < OUR_PASSES; p++) {
				got = (struct found){0};
				parse_ours(b, o, c->kernel, msg, messages, &got);
			}
		} else {
			parse_peer(b, c->peer, msg, messages);
		}
		t = bench_tsc() - t;
		made = heap_count() - made;
		if (c->kernel && want && memcmp(&got, want, sizeof(got)) != 0)
			bench_wrong(b, "kernel %s read something else than the fallback", c->kernel->name);
		if (!count)
			continue;
		bench_series_add(&c->rate, passes * bytes / (double)t);
		c->allocations = (double)made / passes / messages;
	}
}

static void emit(struct bench *b, const char *metric, const char *unit, const char *peer, double value,
		 double min, unsigned samples)
{
	const struct bench_line l = {.metric = metric,
				     .unit = unit,
				     .peer = peer,
				     .ports = "none",
				     .value = value,
				     .min = min,
				     .ratio = NAN,
				     .samples = samples};

	bench_emit(b, &l);
}

static void emit_goal(struct bench *b, const char *metric, const char *unit, const char *peer, double value,
		      double min, enum bench_goal is, double goal, unsigned samples)
{
	const struct bench_line l = {.metric = metric,
				     .unit = unit,
				     .peer = peer,
				     .ports = "none",
				     .value = value,
				     .min = min,
				     .ratio = NAN,
				     .goal_is = is,
				     .goal = goal,
				     .samples = samples};

	bench_emit(b, &l);
}

static void report(struct bench *b, struct contender *list, unsigned n, const char *metric, bool goals)
{
	/* the kernel that sip_kernel_choose() takes on this CPU; the fastest of one run changes with the
	 * noise */
	const struct contender *best = &list[0];

	for (unsigned i = 0; i < n; i++) {
		const struct contender *c = &list[i];
		double median = bench_median(&c->rate), min = bench_min(&c->rate);
		struct bench_line l = {.metric = metric,
				       .unit = "B/tick",
				       .ports = "none",
				       .value = median,
				       .min = min,
				       .ratio = NAN,
				       .samples = c->rate.n};
		char name[32];

		if (c->kernel) {
			snprintf(name, sizeof(name), "ours/%s", c->kernel->name);
			if (goals && c == best) {
				l.goal_is = BENCH_AT_LEAST;
				l.goal = 1.0;
			}
		} else {
			snprintf(name, sizeof(name), "%s", c->peer->name);
			l.ratio = bench_pair_ratio(&best->rate, &c->rate);
			if (goals) {
				l.goal_is = BENCH_AT_LEAST;
				l.goal_on_ratio = true;
				l.goal = strcmp(name, "sofia-sip") == 0 ? 10 : 20;
			}
		}
		l.peer = name;
		bench_emit(b, &l);
	}
}

/* Hostile input at 4 KiB and at 56 KiB: what a byte costs must not grow with the message. */
static void hostile(struct bench *b, struct ours *o)
{
	const struct sip_kernel *k = sip_kernel_choose();
	const uint32_t small = 4096, large = 56 * 1024;
	char *text = malloc(large + 4096);
	double worst = 0;
	char metric[48];

	if (!text)
		abort();
	for (unsigned s = 0; s < sip_hostile_n; s++) {
		struct bench_series series[2] = {{.n = 0}, {.n = 0}};

		for (unsigned round = 0; round < ROUNDS; round++) {
			for (unsigned size = 0; size < 2; size++) {
				uint32_t len = sip_hostile_make(s, text, size ? large : small);
				unsigned passes = size ? 1 : 14;
				struct sip_core core;
				uint64_t t = bench_tsc();

				for (unsigned p = 0; p < passes; p++) {
					struct sip_frame f = {0};

					if (sip_frame_next(&f, o->m, k, &o->lim, (uint8_t *)text, len).what ==
					    SIP_FRAME_MESSAGE)
						sip_core_read(o->m, &core);
				}
				bench_series_add(&series[size], (double)(bench_tsc() - t) / passes / len);
			}
		}
		snprintf(metric, sizeof(metric), "hostile_%s", sip_hostile_name(s));
		emit(b, metric, "ticks/B", "ours", bench_median(&series[1]), bench_min(&series[1]), ROUNDS);
		worst = fmax(worst, bench_min(&series[1]) / bench_min(&series[0]));
	}
	emit_goal(b, "hostile_growth_4k_to_56k", "ratio", "ours", worst, worst, BENCH_AT_MOST, 2, ROUNDS);
	free(text);
}

static int longest_first(const void *a, const void *b)
{
	const struct sip_corpus_message *x = a, *y = b;

	return (x->head_len < y->head_len) - (x->head_len > y->head_len);
}

int main(int argc, char **argv)
{
	struct contender list[8] = {{0}}, worst[8];
	struct found want = {0};
	struct sip_corpus c;
	struct ours o = {.lim = SIP_LIMITS_DEFAULT};
	struct bench b;
	unsigned n = 0;

	bench_init(&b, "sip_parse", argc, argv);
	o.m = aligned_alloc(64, (sizeof(*o.m) + 63) & ~(size_t)63);
	if (!o.m)
		abort();
	memset(o.m, 0, sizeof(*o.m));
	sip_corpus_make(&c, MESSAGES, 3261);
	check_peers(&b, &c);
	for (unsigned i = 0; i < sip_kernels_n; i++)
		if (sip_kernel_usable(&sip_kernels[i]))
			list[n++].kernel = &sip_kernels[i];
	for (unsigned i = 0; i < sip_peers_n; i++)
		list[n++].peer = &sip_peers[i];
	memcpy(worst, list, sizeof(list));
	parse_ours(&b, &o, &sip_kernels[sip_kernels_n - 1], c.message, c.n, &want);
	for (unsigned r = 0; r <= ROUNDS; r++)
		round_of(&b, &o, list, n, c.message, c.n, &want, r > 0);
	emit(&b, "message_bytes", "B", "corpus", (double)c.bytes / c.n, (double)c.bytes / c.n, c.n);
	report(&b, list, n, "parse_rate", true);
	for (unsigned i = 0; i < n && heap_counted(); i++) {
		if (list[i].peer)
			emit(&b, "allocations", "per message", list[i].peer->name, list[i].allocations,
			     list[i].allocations, ROUNDS);
		else if (i == 0)
			emit_goal(&b, "allocations", "per message", "ours", list[i].allocations,
				  list[i].allocations, BENCH_AT_MOST, 0, ROUNDS);
	}
	/* the hundredth part with the longest header sections */
	qsort(c.message, c.n, sizeof(c.message[0]), longest_first);
	for (unsigned r = 0; r <= ROUNDS; r++)
		round_of(&b, &o, worst, n, c.message, MESSAGES / 100, NULL, r > 0);
	report(&b, worst, n, "parse_rate_worst_1pct", false);
	hostile(&b, &o);
	sip_corpus_free(&c);
	free(o.m);
	return bench_fini(&b);
}
