/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/policy/policy_world.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

static const char nr_hugepages[] = "/proc/sys/vm/nr_hugepages";

static cpu_set_t given;

void world_pin_note(void)
{
	sched_getaffinity(0, sizeof(given), &given);
}

void world_pin(bool writer)
{
	cpu_set_t one;
	int cpu = -1;

	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &given) && (writer || cpu < 0))
			cpu = i;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
}

uint64_t world_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

double world_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

uint32_t world_name(char out[WORLD_NAME], uint64_t i)
{
	static const char *const tops[8] = {"com", "com", "net", "org", "de", "co.uk", "com.au", "fr"};
	/* spread, so that neighbours in the alphabet are not neighbours in number */
	uint64_t x = i * 0x9e3779b97f4a7c15u;

	return (uint32_t)snprintf(out, WORLD_NAME, "%s%llx.%s", x >> 63 ? "partner-" : "corp",
				  (unsigned long long)i, tops[x >> 61]);
}

static long read_long(const char *path)
{
	FILE *f = fopen(path, "r");
	long v = -1;

	if (f) {
		if (fscanf(f, "%ld", &v) != 1)
			v = -1;
		fclose(f);
	}
	return v;
}

static bool write_long(const char *path, long v)
{
	FILE *f = fopen(path, "w");
	bool ok;

	if (!f)
		return false;
	ok = fprintf(f, "%ld\n", v) > 0;
	return fclose(f) == 0 && ok;
}

void world_init(struct world *w, struct bench *b, uint64_t names)
{
	uint64_t rnd = 88172645463325252u;

	memset(w, 0, sizeof(*w));
	w->b = b;
	w->names = names;
	w->huge_before = -1;
	snprintf(w->small_dir, sizeof(w->small_dir), "/dev/shm/sallyport-bench-XXXXXX");
	if (!mkdtemp(w->small_dir)) {
		perror(w->small_dir);
		exit(1);
	}
	w->query = aligned_alloc(64, sizeof(*w->query) * WORLD_QUERIES);
	if (!w->query) {
		fprintf(stderr, "no memory for the questions\n");
		exit(1);
	}
	for (uint32_t q = 0; q < WORLD_QUERIES; q++) {
		struct world_query *x = &w->query[q];
		uint64_t i = world_random(&rnd) % names;
		unsigned kind = (unsigned)(world_random(&rnd) % 10);
		char name[WORLD_NAME];

		memset(x, 0, sizeof(*x));
		world_name(name, i);
		if (kind < 6) { /* the name of an entry */
			x->len = (uint32_t)snprintf(x->text, sizeof(x->text), "%s", name);
			x->want = (int32_t)i;
		} else if (kind < 9) { /* below one: a subtree covers it, an exact entry does not */
			x->len = (uint32_t)snprintf(x->text, sizeof(x->text), "sip.%s", name);
			x->want = world_subtree(i) ? (int32_t)i : -1;
		} else { /* a stranger */
			x->len = (uint32_t)snprintf(x->text, sizeof(x->text), "no%s", name);
			x->want = -1;
		}
	}
}

bool world_huge(struct world *w, uint64_t mib)
{
	long want = (long)(mib / 2), have;

	w->huge_before = read_long(nr_hugepages);
	if (w->huge_before < 0 || !write_long(nr_hugepages, w->huge_before + want))
		return false;
	have = read_long(nr_hugepages);
	snprintf(w->huge_dir, sizeof(w->huge_dir), "/tmp/sallyport-huge-XXXXXX");
	if (have < w->huge_before + want || !mkdtemp(w->huge_dir)) {
		write_long(nr_hugepages, w->huge_before);
		w->huge_before = -1;
		return false;
	}
	if (mount("none", w->huge_dir, "hugetlbfs", 0, "pagesize=2M") < 0) {
		rmdir(w->huge_dir);
		write_long(nr_hugepages, w->huge_before);
		w->huge_before = -1;
		return false;
	}
	w->huge_ready = true;
	return true;
}

void world_fini(struct world *w)
{
	if (w->huge_ready) {
		umount2(w->huge_dir, MNT_DETACH);
		rmdir(w->huge_dir);
	}
	if (w->huge_before >= 0)
		write_long(nr_hugepages, w->huge_before);
	rmdir(w->small_dir);
	free(w->query);
}

int world_put(struct policy_txn *txn, uint64_t i, uint8_t version)
{
	struct policy_domain d = {
		.type = POLICY_DOMAIN_ALLOWED,
		.flags = world_subtree(i) ? POLICY_DOMAIN_SUBTREE : 0,
		.verification = version,
		/* which entry this is, so that an answer can be judged */
		.services = (uint8_t)i,
		.limit_class = (uint8_t)(i >> 8),
		.tls_profile = (uint8_t)(i >> 16),
	};
	char text[WORLD_NAME];
	struct policy_name name = {text, world_name(text, i)};

	return policy_txn_put_domain(txn, name, &d, NULL, (struct policy_name){"", 0});
}

void world_segment_open(struct world *w, struct world_segment *s, bool huge)
{
	struct policy_writer_config cfg = {
		.segment = {.name = POLICY_SEGMENT_NAME, .id = 0x5a11e, .group = (gid_t)-1},
		.key = {0x243f6a8885a308d3u, 0x13198a2e03707344u},
		.domains = w->names,
	};
	enum segment_refusal why;
	struct policy_txn *txn;
	int err;

	memset(s, 0, sizeof(*s));
	snprintf(s->dir, sizeof(s->dir), "%s", huge ? w->huge_dir : w->small_dir);
	cfg.segment.dir = s->dir;
	err = policy_writer_create(&s->writer, &cfg, &why);
	if (!err)
		err = policy_writer_publish(s->writer);
	if (err) {
		fprintf(stderr, "segment: %s (%s)\n", strerror(-err), segment_refusal_text(why));
		exit(1);
	}
	txn = policy_txn_begin(s->writer, true);
	for (uint64_t i = 0; i < w->names; i++) {
		if (i % (1 << 20) == 0)
			bench_progress(w->b, "%s: %llu of %llu names", huge ? "huge pages" : "4 kB pages",
				       (unsigned long long)i, (unsigned long long)w->names);
		while ((err = world_put(txn, i, 0)) == -EAGAIN)
			policy_writer_step(s->writer, POLICY_WRITER_UNITS);
		if (err) {
			fprintf(stderr, "put %llu: %s\n", (unsigned long long)i, strerror(-err));
			exit(1);
		}
	}
	err = policy_txn_commit(txn);
	if (!err)
		err = policy_writer_settle(s->writer, 20000);
	if (!err)
		err = segment_attach(&s->seg, s->dir, POLICY_SEGMENT_NAME, POLICY_SEGMENT_ABI, &why);
	if (!err)
		err = policy_reader_init(&s->reader, &s->seg, 0);
	if (err) {
		fprintf(stderr, "segment: %s\n", strerror(-err));
		exit(1);
	}
	policy_reader_wake(&s->reader);
}

void world_segment_close(struct world_segment *s)
{
	segment_close(&s->seg);
	policy_writer_close(s->writer);
	segment_remove(s->dir, POLICY_SEGMENT_NAME);
}

uint64_t world_ask(struct world *w, struct world_segment *s, uint32_t first, uint32_t n)
{
	struct policy_name names[WORLD_BURST];
	struct policy_hit hits[WORLD_BURST];
	uint64_t wrong = 0;

	for (uint32_t q = first; q + WORLD_BURST <= first + n; q += WORLD_BURST) {
		const struct policy_view *view = policy_reader_burst(&s->reader);
		const struct world_query *x = &w->query[q & (WORLD_QUERIES - 1)];

		for (unsigned k = 0; k < WORLD_BURST; k++)
			names[k] = (struct policy_name){x[k].text, x[k].len};
		view->ops->domains(view, names, WORLD_BURST, hits);
		for (unsigned k = 0; k < WORLD_BURST; k++) {
			const struct policy_domain *d = hits[k].allow.entry;
			uint32_t got = d ? d->services | (uint32_t)d->limit_class << 8 |
						       (uint32_t)d->tls_profile << 16
					 : UINT32_MAX;
			uint32_t want = x[k].want < 0 ? UINT32_MAX : (uint32_t)x[k].want & 0xffffff;

			wrong += got != want;
		}
	}
	return wrong;
}

void *world_writer_run(void *arg)
{
	struct world_writer *t = arg;
	struct policy_writer *pw = t->s->writer;
	uint64_t rnd = 0x2545f4914f6cdd1du;
	double start = world_now();

	world_pin(true);
	while (!__atomic_load_n(&t->stop, __ATOMIC_RELAXED)) {
		double due = (world_now() - start) * t->rate;
		unsigned n = 0;

		for (; (double)t->commits < due && n < 64; n++) {
			struct policy_txn *txn = policy_txn_begin(pw, false);
			int err = world_put(txn, world_random(&rnd) % t->w->names, (uint8_t)(rnd >> 60));

			if (!err)
				err = policy_txn_commit(txn);
			if (err) {
				policy_txn_abort(txn);
				if (err != -EAGAIN) {
					t->err = err;
					return NULL;
				}
				break;
			}
			t->commits++;
		}
		policy_writer_step(pw, POLICY_WRITER_UNITS);
		/* the reader's cold thread has no thread of its own here */
		if (t->commits % 4096 < n)
			segment_poll(&t->s->seg);
		if (!n) {
			const struct timespec nap = {.tv_nsec = 20000};

			nanosleep(&nap, NULL);
		}
	}
	return NULL;
}
