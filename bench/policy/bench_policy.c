/* SPDX-License-Identifier: BSD-3-Clause */
/* How fast the domain table answers, beside rte_hash and cds_lfht, while it is being rewritten; what an entry
 * costs; how long a commit of a million takes and how soon an emergency block is seen meanwhile. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/policy/decide_case.h"
#include "bench/policy/policy_world.h"
#include "config/policy/transfer.h"

enum { SAMPLE = 1 << 18, PIECE = 32 * WORLD_BURST, PAIRS = 15 };

static double tsc_ns;

struct load {
	pthread_t thread;
	struct world_writer writer;
	const struct world_peer *peer;
	struct world *w;
	bool stop;
};

static void *peer_writer_run(void *arg)
{
	struct load *l = arg;
	uint64_t rnd = 0x2545f4914f6cdd1du, done = 0;
	double start = world_now();

	world_pin(true);
	l->peer->enter();
	while (!__atomic_load_n(&l->stop, __ATOMIC_RELAXED)) {
		double due = (world_now() - start) * 100000;

		for (unsigned n = 0; (double)done < due && n < 64; n++, done++)
			l->peer->update(world_random(&rnd) % l->w->names, (uint8_t)(rnd >> 60));
		if ((double)done >= due)
			usleep(20);
	}
	l->peer->leave();
	return NULL;
}

static void load_start(struct load *l, struct world *w, struct world_segment *s,
		       const struct world_peer *peer)
{
	*l = (struct load){.w = w, .peer = peer, .writer = {.w = w, .s = s, .rate = 100000}};
	if (pthread_create(&l->thread, NULL, peer ? peer_writer_run : world_writer_run,
			   peer ? (void *)l : (void *)&l->writer) != 0)
		exit(1);
}

static void load_stop(struct load *l)
{
	__atomic_store_n(&l->stop, true, __ATOMIC_RELAXED);
	__atomic_store_n(&l->writer.stop, true, __ATOMIC_RELAXED);
	pthread_join(l->thread, NULL);
	if (l->writer.err) {
		fprintf(stderr, "writer: %s\n", strerror(-l->writer.err));
		exit(1);
	}
}

static uint64_t wrong_answers;

static int by_ticks(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* the bytes of the questions are where a parser that has just read them leaves them; for peers, too */
static void read_before(const struct world *w, uint32_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		(void)*(const volatile char *)w->query[(first + i) & (WORLD_QUERIES - 1)].text;
}

/* One sample, in nanoseconds per name: the median over pieces of 32 bursts, so that what else runs on this
 * machine and takes the core away for a while does not count; what slows every piece does. */
static double sample(struct world *w, struct world_segment *s, const struct world_peer *peer, uint32_t at)
{
	static uint64_t ticks[SAMPLE / PIECE];
	uint64_t wrong = 0;

	for (unsigned i = 0; i < SAMPLE / PIECE; i++) {
		uint64_t start;

		read_before(w, at + i * PIECE, PIECE);
		start = bench_tsc();
		wrong += peer ? peer->ask(w, at + i * PIECE, PIECE) : world_ask(w, s, at + i * PIECE, PIECE);
		ticks[i] = bench_tsc() - start;
	}
	qsort(ticks, SAMPLE / PIECE, sizeof(ticks[0]), by_ticks);
	wrong_answers += peer ? 0 : wrong;
	if (wrong)
		bench_wrong(w->b, "%s: %llu wrong answers", peer ? peer->name : "ours",
			    (unsigned long long)wrong);
	return (double)ticks[SAMPLE / PIECE / 2] * tsc_ns / PIECE;
}

static double sample_loaded(struct world *w, struct world_segment *s, const struct world_peer *peer,
			    uint32_t at)
{
	struct load load;
	double v;

	load_start(&load, w, s, peer);
	usleep(2000);
	v = sample(w, s, peer, at);
	load_stop(&load);
	return v;
}

static void lookup(struct bench *b, struct world *w, struct world_segment *s,
		   const struct world_peer *const *peers, unsigned n, bool huge)
{
	static struct bench_series ours, quiet, theirs[2];
	struct bench_series slow = {.n = 0};
	uint32_t at = 0;

	world_pin(false);
	memset(&ours, 0, sizeof(ours));
	memset(&quiet, 0, sizeof(quiet));
	memset(theirs, 0, sizeof(theirs));
	sample(w, s, NULL, 0);
	for (unsigned i = 0; i < PAIRS; i++, at += SAMPLE) {
		bench_series_add(&quiet, sample(w, s, NULL, at));
		bench_series_add(&ours, sample_loaded(w, s, NULL, at));
		bench_series_add(&slow, (ours.v[i] / quiet.v[i] - 1) * 100);
		policy_reader_sleep(&s->reader);
		for (unsigned k = 0; k < n; k++) {
			peers[k]->enter();
			bench_series_add(&theirs[k], sample_loaded(w, s, peers[k], at));
			peers[k]->leave();
		}
		policy_reader_wake(&s->reader);
	}
	bench_emit(b, &(struct bench_line){.metric = huge ? "lookup_ns" : "lookup_4k_ns",
					   .unit = "ns/name",
					   .peer = "ours",
					   .value = bench_median(&ours),
					   .min = bench_min(&ours),
					   .ratio = NAN,
					   .goal_is = huge ? BENCH_AT_MOST : BENCH_NO_GOAL,
					   .goal = 60,
					   .samples = ours.n});
	bench_emit(b, &(struct bench_line){.metric = huge ? "lookup_quiet_ns" : "lookup_4k_quiet_ns",
					   .unit = "ns/name",
					   .peer = "ours",
					   .value = bench_median(&quiet),
					   .min = bench_min(&quiet),
					   .ratio = NAN,
					   .samples = quiet.n});
	for (unsigned k = 0; k < n; k++)
		bench_emit(b, &(struct bench_line){.metric = huge ? "lookup_ns" : "lookup_4k_ns",
						   .unit = "ns/name",
						   .peer = peers[k]->name,
						   .value = bench_median(&theirs[k]),
						   .min = bench_min(&theirs[k]),
						   /* ours ÷ theirs */
						   .ratio = bench_pair_ratio(&ours, &theirs[k]),
						   .goal_is = BENCH_AT_MOST,
						   .goal = k == 0 ? 0.5 : 0.33,
						   .goal_on_ratio = true,
						   .samples = theirs[k].n});
	bench_emit(b, &(struct bench_line){.metric = huge ? "reader_slowdown" : "reader_slowdown_4k",
					   .unit = "%",
					   .peer = "ours",
					   .value = bench_median(&slow),
					   .min = bench_min(&slow),
					   .ratio = NAN,
					   .goal_is = huge ? BENCH_AT_MOST : BENCH_NO_GOAL,
					   .goal = 5,
					   .samples = slow.n});
}

/* ---- a commit of a million, and a block in the middle of it ---- */

struct bulk {
	struct world *w;
	struct world_segment *s;
	uint64_t changes;
	uint32_t ask, done; /* atomic: the block that is asked for, and that is made */
	double seconds;
	double block_at;  /* the writer's own time when the block was made */
	double slice_max; /* microseconds between two looks at what is asked */
	bool finished;
	int err;
};

static void block_name(char out[32], uint32_t n)
{
	snprintf(out, 32, "evil%u.example.net", n);
}

/* how long that thread has had a processor */
static double clock_now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *bulk_run(void *arg)
{
	struct bulk *t = arg;
	struct policy_writer *pw = t->s->writer;
	struct policy_txn *txn = policy_txn_begin(pw, true);
	double start = world_now(), last = clock_now(CLOCK_THREAD_CPUTIME_ID);
	uint64_t i = 0, loops = 0;

	world_pin(true);
	while (i < t->changes) {
		uint32_t ask = __atomic_load_n(&t->ask, __ATOMIC_ACQUIRE);
		/* of its own time: what else the machine does is not the writer's doing */
		double now = clock_now(CLOCK_THREAD_CPUTIME_ID);

		if ((now - last) * 1e6 > t->slice_max)
			t->slice_max = (now - last) * 1e6;
		last = now;
		if (ask != t->done) {
			char text[32];

			block_name(text, ask);
			t->err = policy_writer_block(pw, (struct policy_name){text, (uint32_t)strlen(text)},
						     true);
			if (t->err)
				break;
			t->block_at = clock_now(CLOCK_THREAD_CPUTIME_ID);
			__atomic_store_n(&t->done, ask, __ATOMIC_RELEASE);
		}
		for (unsigned n = 0; n < 128 && i < t->changes; n++) {
			int err = world_put(txn, i * 7 % t->w->names, 3);

			if (err == -EAGAIN)
				break;
			if (err) {
				t->err = err;
				goto out;
			}
			i++;
		}
		policy_writer_step(pw, 256);
		if (++loops % 64 == 0)
			segment_poll(&t->s->seg);
	}
	while (!t->err && (t->err = policy_txn_commit(txn)) == -EAGAIN) {
		t->err = 0;
		policy_writer_step(pw, POLICY_WRITER_UNITS);
	}
out:
	t->seconds = world_now() - start;
	__atomic_store_n(&t->finished, true, __ATOMIC_RELEASE);
	return NULL;
}

static void bulk(struct bench *b, struct world *w, struct world_segment *s)
{
	static struct bench_series commit, visible, own, quiet, during, slice;
	uint32_t asked = 0;
	uint32_t at = 0;

	for (unsigned round = 0; round < 3; round++) {
		struct bulk t = {.w = w, .s = s, .changes = w->names < 1000000 ? w->names : 1000000};
		clockid_t writers;
		pthread_t thread;

		t.ask = t.done = asked;
		bench_series_add(&quiet, sample(w, s, NULL, at += SAMPLE));
		if (pthread_create(&thread, NULL, bulk_run, &t) != 0)
			exit(1);
		while (!__atomic_load_n(&t.finished, __ATOMIC_ACQUIRE)) {
			char text[32];
			struct policy_name name = {text, 0};
			struct policy_hit hit;
			double had;
			uint64_t start;
			bool seen = false, away;

			bench_series_add(&during, sample(w, s, NULL, at += SAMPLE));
			block_name(text, ++asked);
			name.len = (uint32_t)strlen(text);
			if (pthread_getcpuclockid(thread, &writers) != 0)
				break;
			start = bench_tsc();
			had = clock_now(writers);
			__atomic_store_n(&t.ask, asked, __ATOMIC_RELEASE);
			/* a reader that was sent away between the two says nothing about the writer */
			away = (double)(bench_tsc() - start) * tsc_ns > 20000;
			while (!seen && !__atomic_load_n(&t.finished, __ATOMIC_ACQUIRE)) {
				const struct policy_view *view = policy_reader_burst(&s->reader);

				view->ops->domains(view, &name, 1, &hit);
				seen = hit.hard.entry;
			}
			if (!seen)
				break;
			bench_series_add(&visible, (double)(bench_tsc() - start) * tsc_ns / 1000);
			/* what the writer did meanwhile, without what others did on its processor */
			while (__atomic_load_n(&t.done, __ATOMIC_ACQUIRE) != asked && !t.err)
				;
			if (!away)
				bench_series_add(&own, (t.block_at - had) * 1e6);
		}
		pthread_join(thread, NULL);
		if (t.err) {
			fprintf(stderr, "commit: %s\n", strerror(-t.err));
			exit(1);
		}
		bench_series_add(&commit, t.seconds);
		bench_series_add(&slice, t.slice_max);
		policy_reader_burst(&s->reader);
		sample(w, s, NULL, 0);
		policy_reader_sleep(&s->reader);
		policy_writer_settle(s->writer, 20000);
		policy_reader_wake(&s->reader);
	}
	bench_emit(b, &(struct bench_line){.metric = "commit_1M_s",
					   .unit = "s",
					   .peer = "ours",
					   .value = bench_median(&commit),
					   .min = bench_min(&commit),
					   .ratio = NAN,
					   .goal_is = BENCH_AT_MOST,
					   .goal = 5,
					   .samples = commit.n});
	bench_emit(b, &(struct bench_line){.metric = "commit_1M_reader_ns",
					   .unit = "ns/name",
					   .peer = "ours",
					   .value = bench_median(&during),
					   .min = bench_min(&during),
					   /* while it runs ÷ before it */
					   .ratio = bench_median(&during) / bench_median(&quiet),
					   .goal_is = BENCH_AT_MOST,
					   .goal = 1.05,
					   .goal_on_ratio = true,
					   .samples = during.n});
	bench_emit(b, &(struct bench_line){.metric = "slice_us_max",
					   .unit = "us",
					   .peer = "ours",
					   .value = bench_max(&slice),
					   .min = bench_min(&slice),
					   .ratio = NAN,
					   .goal_is = BENCH_AT_MOST,
					   .goal = 1000,
					   .samples = slice.n});
	bench_emit(b, &(struct bench_line){.metric = "block_visible_us",
					   .unit = "us",
					   .peer = "ours",
					   .value = bench_median(&visible),
					   .min = bench_min(&visible),
					   .ratio = NAN,
					   .goal_is = BENCH_AT_MOST,
					   .goal = 1000,
					   .samples = visible.n});
	bench_emit(b, &(struct bench_line){.metric = "block_visible_us_max",
					   .unit = "us",
					   .peer = "ours",
					   .value = bench_max(&visible),
					   .min = bench_min(&visible),
					   .ratio = NAN,
					   .goal_is = BENCH_AT_MOST,
					   .goal = 1000,
					   .samples = visible.n});
	bench_emit(b, &(struct bench_line){.metric = "block_visible_cpu_us_max",
					   .unit = "us",
					   .peer = "ours",
					   .value = bench_max(&own),
					   .min = bench_min(&own),
					   .ratio = NAN,
					   .goal_is = BENCH_AT_MOST,
					   .goal = 1000,
					   .samples = own.n});
}

/* What a verdict costs, per partner type, over the segment with all of its names. The goal is ours: a core
 * that passes a hundred thousand messages a second spends a tenth of it here. */
static void decide(struct bench *b, struct world_segment *s)
{
	enum { VERDICTS = 32 * 256, SAMPLES = 15 };
	static struct decide_case cases[DECIDE_CASES];
	struct policy_draft *draft = policy_draft_new();
	struct policy_txn *txn;
	unsigned n;
	int err;

	if (!draft)
		exit(1);
	n = decide_cases_make(draft, cases);
	txn = policy_txn_begin(s->writer, false);
	err = policy_transfer(txn, s->writer, draft, NULL, NULL);
	if (!err)
		err = policy_txn_commit(txn);
	if (!err)
		err = policy_transfer_dns(s->writer, draft);
	if (err)
		bench_wrong(b, "the policy of the verdicts: %s", strerror(-err));
	for (unsigned i = 0; i < n; i++) {
		const struct policy_view *view = policy_reader_burst(&s->reader);
		struct bench_series series = {.n = 0};
		char metric[64];

		snprintf(metric, sizeof(metric), "decide_ns/%s", cases[i].name);
		for (unsigned k = 0; k < SAMPLES; k++) {
			uint64_t start = bench_tsc(), wrong;

			wrong = decide_case_run(view, &cases[i], VERDICTS);
			bench_series_add(&series, (double)(bench_tsc() - start) * tsc_ns / VERDICTS);
			if (wrong)
				bench_wrong(b, "%s: %llu wrong verdicts", metric, (unsigned long long)wrong);
		}
		bench_emit(b, &(struct bench_line){.metric = metric,
						   .unit = "ns/verdict",
						   .peer = "ours",
						   .value = bench_median(&series),
						   .min = bench_min(&series),
						   .ratio = NAN,
						   .goal_is = BENCH_AT_MOST,
						   .goal = 1000,
						   .samples = series.n});
	}
	policy_draft_free(draft);
}

/* a start over the whole of it: what a reader checks before it trusts, and what a new writer finds out */
static void restart(struct bench *b, struct world_segment *s)
{
	struct policy_writer_config cfg = {.segment = {.dir = s->dir, .name = POLICY_SEGMENT_NAME}};
	double start = world_now(), validate, takeover;
	enum segment_refusal why;

	why = policy_reader_validate(&s->seg, 1);
	validate = world_now() - start;
	if (why)
		bench_wrong(b, "the segment: %s", segment_refusal_text(why));
	policy_writer_close(s->writer);
	start = world_now();
	if (policy_writer_open(&s->writer, &cfg, &why) < 0)
		bench_wrong(b, "takeover: %s", segment_refusal_text(why));
	takeover = world_now() - start;
	bench_emit(b, &(struct bench_line){.metric = "validate_s",
					   .unit = "s",
					   .peer = "ours",
					   .value = validate,
					   .min = validate,
					   .ratio = NAN,
					   .samples = 1});
	bench_emit(b, &(struct bench_line){.metric = "takeover_s",
					   .unit = "s",
					   .peer = "ours",
					   .value = takeover,
					   .min = takeover,
					   .ratio = NAN,
					   .samples = 1});
}

static void bytes(struct bench *b, struct world_segment *s)
{
	struct policy_writer_stats st;

	policy_writer_stats(s->writer, &st);
	bench_emit(b, &(struct bench_line){.metric = "bytes_per_entry",
					   .unit = "B",
					   .peer = "ours",
					   .value = (double)st.table_bytes / (double)st.domains,
					   .min = (double)st.table_bytes / (double)st.domains,
					   .ratio = NAN,
					   .goal_is = BENCH_AT_MOST,
					   .goal = 64,
					   .samples = 1});
}

int main(int argc, char **argv)
{
	const struct world_peer *peers[2] = {&world_peer_rte_hash, &world_peer_lfht};
	static struct world_segment huge, small;
	uint64_t names = 10000000;
	bool have_huge, without_peers = false;
	unsigned n = 0;
	struct bench b;
	struct world w;

	for (int i = bench_init(&b, "policy", argc, argv); argv[i]; i++) {
		if (strcmp(argv[i], "--names") == 0 && argv[i + 1])
			names = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--no-peers") == 0)
			without_peers = true;
		else if (strcmp(argv[i], "--keyed-peer") == 0)
			peers[0] = &world_peer_rte_hash_keyed;
		else {
			fprintf(stderr,
				"usage: bench_policy [--json] [--names N] [--no-peers] [--keyed-peer]\n");
			return 64;
		}
	}
	if (names < 1000 || names > 100000000) {
		fprintf(stderr, "bench_policy: --names between 1000 and 100000000\n");
		return 64;
	}
	world_pin_note();
	tsc_ns = 1e9 / bench_tsc_hz();
	world_init(&w, &b, names);
	have_huge =
		world_huge(&w, (names * (without_peers ? 160 : 420) >> 20) + (without_peers ? 512 : 1024));
	if (!have_huge)
		bench_progress(&b, "no huge pages to be had: 4 kB pages only");
	if (have_huge) {
		world_segment_open(&w, &huge, true);
		bytes(&b, &huge);
		for (; n < 2 && !without_peers; n++)
			if (!peers[n]->open(&w, true))
				bench_wrong(&b, "peer %s could not be set up", peers[n]->name);
		lookup(&b, &w, &huge, peers, n, true);
		bulk(&b, &w, &huge);
		decide(&b, &huge);
		restart(&b, &huge);
		world_segment_close(&huge);
	}
	world_segment_open(&w, &small, false);
	if (!have_huge) {
		bytes(&b, &small);
		for (; n < 2 && !without_peers; n++)
			if (!peers[n]->open(&w, false))
				bench_wrong(&b, "peer %s could not be set up", peers[n]->name);
	}
	lookup(&b, &w, &small, peers, have_huge ? 0 : n, false);
	if (!have_huge) {
		bulk(&b, &w, &small);
		decide(&b, &small);
		restart(&b, &small);
	}
	world_segment_close(&small);
	for (unsigned k = 0; k < n; k++)
		peers[k]->close();
	bench_emit(&b, &(struct bench_line){.metric = "wrong_answers",
					    .unit = "",
					    .peer = "ours",
					    .value = (double)wrong_answers,
					    .min = (double)wrong_answers,
					    .ratio = NAN,
					    .goal_is = BENCH_AT_MOST,
					    .goal = 0,
					    .samples = 1});
	world_fini(&w);
	return bench_fini(&b);
}
