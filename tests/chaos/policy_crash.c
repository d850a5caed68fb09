/* SPDX-License-Identifier: BSD-3-Clause */
/* Kills the writer of a policy segment, again and again: at the n-th store to shared memory, and from outside
 * at a random time. Readers in other processes, with their own mappings, check every answer against an oracle
 * all the while, and are killed now and then themselves.
 *
 * Commit k is a pure function of k, and one entry and one small table hold k itself: a reader that sees k
 * must see all of k and nothing else. So old or new, never neither, never a mix. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/segment/rig.h"

enum { NAMES = 300, READERS = 2, PER_LIFE = 12 };

struct shared {
	uint64_t checks[READERS]; /* answers that were compared */
	uint32_t seen[READERS];	  /* the highest k */
	uint64_t stores;	  /* of all writers together */
	uint64_t commits;
};

static struct shared *shared;

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t x = a * 0x9e3779b97f4a7c15u + b * 0xc2b2ae3d27d4eb4fu + 1;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 32;
	return x;
}

static bool changes(unsigned i, uint32_t k)
{
	return mix(i, k) % 12 == 0;
}

/* what name i is after commit k: 0 absent */
static uint8_t oracle(unsigned i, uint32_t k)
{
	for (; k; k--)
		if (changes(i, k))
			return (uint8_t)(mix(i, k) >> 40) & 3 ? (uint8_t)(mix(i, k) >> 48) : 0;
	return 0;
}

static void name_of(char out[64], unsigned i)
{
	snprintf(out, 64, i % 3 ? "partner%u.example.net" : "a%u.com", i);
}

static uint8_t flags_of(unsigned i)
{
	return i % 2 ? POLICY_DOMAIN_SUBTREE : 0;
}

static void die(const char *what, unsigned long a, unsigned long b, unsigned long c)
{
	fprintf(stderr, "%s: %lu, %lu, %lu\n", what, a, b, c);
	_exit(3);
}

/* k as the small table has it; the whole view must be that of k */
static uint32_t check(const struct policy_view *view, struct shared *sh, int self)
{
	static char text[NAMES][64];
	uint32_t k = view->box->default_route;
	struct policy_name names[POLICY_BURST];
	struct policy_hit hits[POLICY_BURST];
	struct policy_name counter = rig_name("counter.example.org");

	view->ops->domains(view, &counter, 1, hits);
	if (k && !hits[0].allow.entry)
		die("no counter in", k, view->generation, 0);
	if (k && (hits[0].allow.entry->limit_class | (uint32_t)hits[0].allow.entry->tls_profile << 8 |
		  (uint32_t)hits[0].allow.entry->services << 16) != (k & 0xffffff))
		die("mixed: box, counter", k, hits[0].allow.entry->limit_class, view->generation);
	for (unsigned i = 0; i < NAMES; i += POLICY_BURST) {
		unsigned n = NAMES - i < POLICY_BURST ? NAMES - i : POLICY_BURST;

		for (unsigned j = 0; j < n; j++) {
			if (!text[i + j][0])
				name_of(text[i + j], i + j);
			names[j] = rig_name(text[i + j]);
		}
		view->ops->domains(view, names, n, hits);
		for (unsigned j = 0; j < n; j++) {
			uint8_t got = hits[j].allow.entry ? hits[j].allow.entry->limit_class : 0;

			if (got != oracle(i + j, k))
				die("wrong answer: commit, name, got", k, i + j, got);
		}
		if (sh)
			__atomic_fetch_add(&sh->checks[self], n, __ATOMIC_RELAXED);
	}
	return k;
}

static void reader_run(const char *dir, int self)
{
	uint64_t rnd = (uint64_t)getpid() * 7919 + 1;
	uint32_t last = 0, k;
	struct policy_reader r;
	struct segment seg;
	enum segment_refusal why;
	const struct policy_view *view;
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	err = segment_attach(&seg, dir, POLICY_SEGMENT_NAME, POLICY_SEGMENT_ABI, &why);
	if (err)
		die(segment_refusal_name(why), (unsigned long)-err, 0, 0);
	why = policy_reader_validate(&seg, 1);
	if (why)
		die(segment_refusal_name(why), 0, 0, 1);
	policy_reader_init(&r, &seg, 0);
	view = policy_reader_wake(&r);
	for (;;) {
		if (!view)
			die("no view", 0, 0, 0);
		k = check(view, shared, self);
		if (k < last)
			die("went back", last, k, 0);
		last = k;
		__atomic_store_n(&shared->seen[self], k, __ATOMIC_RELAXED);
		if (segment_poll(&seg) < 0)
			die("poll", 0, 0, 0);
		if (rig_random(&rnd) % 8 == 0) {
			policy_reader_sleep(&r);
			usleep((useconds_t)(rig_random(&rnd) % 500));
			view = policy_reader_wake(&r);
		} else {
			view = policy_reader_burst(&r);
		}
	}
}

static pid_t reader_start(const char *dir, int self)
{
	pid_t pid = fork();

	if (pid == 0)
		reader_run(dir, self);
	return pid;
}

struct fuse {
	uint64_t left;
};

static void fuse_burn(void *arg)
{
	struct fuse *f = arg;

	__atomic_fetch_add(&shared->stores, 1, __ATOMIC_RELAXED);
	if (--f->left == 0)
		kill(getpid(), SIGKILL);
}

static void must(int err, const char *what)
{
	if (err)
		die(what, (unsigned long)-err, 0, 0);
}

/* commit k; a staged one has emergency blocks between its changes */
static void commit_run(struct policy_writer *w, uint32_t k)
{
	struct policy_box box = {.size = sizeof(box), .default_route = k};
	const struct policy_domain counter = {.type = POLICY_DOMAIN_ALLOWED,
					      .limit_class = (uint8_t)k,
					      .tls_profile = (uint8_t)(k >> 8),
					      .services = (uint8_t)(k >> 16)};
	const void *records[1] = {&box};
	struct policy_name evil = rig_name("evil.example.com");
	bool staged = k % 4 == 0;
	struct policy_txn *txn = policy_txn_begin(w, staged);
	char text[64];
	int err;

	if (!txn)
		die("begin", k, 0, 0);
	for (unsigned i = 0; i < NAMES; i++) {
		uint8_t v = oracle(i, k);

		if (!changes(i, k))
			continue;
		name_of(text, i);
		if (v)
			must(rig_put(txn, w, text, POLICY_DOMAIN_ALLOWED, flags_of(i), v), "put");
		else
			must(rig_del(txn, w, text, i % 2), "del");
		if (staged && i % 16 == 0) {
			unsigned tries = 0;

			/* one name, again and again, faster than readers that hardly get to run */
			do {
				err = i % 32 ? policy_writer_block(w, evil, true)
					     : policy_writer_unblock(w, evil, true);
			} while (err == -EAGAIN && policy_writer_step(w, POLICY_WRITER_UNITS) >= 0 &&
				 ++tries < 1000000);
			must(err, "block");
		}
		policy_writer_step(w, 8);
	}
	while ((err = policy_txn_put_domain(txn, rig_name("counter.example.org"), &counter, NULL,
					    rig_name(""))) == -EAGAIN)
		policy_writer_step(w, POLICY_WRITER_UNITS);
	must(err, "counter");
	while ((err = policy_txn_small(txn, POLICY_SMALL_BOX, records, 1)) == -EAGAIN)
		policy_writer_step(w, POLICY_WRITER_UNITS);
	must(err, "box");
	must(rig_commit(txn, w), "commit");
	__atomic_fetch_add(&shared->commits, 1, __ATOMIC_RELAXED);
}

/* one life of a writer: takes over, checks what it found, commits until it is killed */
static void writer_run(const struct rig *rig, uint64_t stores)
{
	struct policy_writer *w;
	struct policy_reader r;
	struct segment seg;
	enum segment_refusal why;
	struct fuse fuse = {.left = stores ? stores : UINT64_MAX};
	uint32_t k;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (policy_writer_open(&w, &rig->cfg, &why) < 0)
		die(segment_refusal_name(why), 0, 0, 2);
	must(segment_attach(&seg, rig->dir, POLICY_SEGMENT_NAME, POLICY_SEGMENT_ABI, &why), "attach");
	policy_reader_init(&r, &seg, 0);
	k = check(policy_reader_wake(&r), NULL, 0);
	policy_reader_sleep(&r);
	why = policy_reader_validate(&seg, 1);
	if (why)
		die(segment_refusal_name(why), k, 0, 3);
	segment_close(&seg);
	/* what readers were shown is never taken back */
	for (int i = 0; i < READERS; i++)
		if (__atomic_load_n(&shared->seen[i], __ATOMIC_RELAXED) > k)
			die("lost a commit", shared->seen[i], k, 0);
	policy_writer_segment(w)->hook = fuse_burn;
	policy_writer_segment(w)->hook_arg = &fuse;
	for (unsigned n = 0; n < PER_LIFE || !stores; n++) {
		commit_run(w, ++k);
		for (unsigned i = 0; i < 4; i++)
			policy_writer_step(w, 200);
	}
	_exit(0);
}

static void reader_check(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, WNOHANG) == pid && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)) {
		fprintf(stderr, "a reader ended by itself: status %#x\n", status);
		exit(1);
	}
}

int main(void)
{
	const char *lng = getenv("SALLYPORT_TEST_LONG");
	unsigned kills = lng && *lng == '1' ? 10000 : 1000;
	uint64_t rnd = 20260101;
	pid_t readers[READERS];
	struct timespec start, now;
	struct rig rig;
	int status;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	clock_gettime(CLOCK_MONOTONIC, &start);
	rig_init(&rig);
	/* small pages and few of them: growth and reuse come often */
	policy_writer_close(rig.w);
	rig.w = NULL;
	segment_close(&rig.seg);
	for (int i = 0; i < READERS; i++)
		readers[i] = reader_start(rig.dir, i);
	for (unsigned n = 0; n < kills; n++) {
		bool fused = n % 2;
		uint64_t stores = fused ? 1 + rig_random(&rnd) % (n % 4 == 1 ? 60 : 2500) : 0;
		pid_t pid = fork();

		if (pid == 0)
			writer_run(&rig, stores);
		if (!fused) {
			usleep((useconds_t)(rig_random(&rnd) % 8000));
			kill(pid, SIGKILL);
		}
		waitpid(pid, &status, 0);
		if (!(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) &&
		    !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
			fprintf(stderr, "life %u: the writer ended with status %#x\n", n, status);
			return 1;
		}
		for (int i = 0; i < READERS; i++)
			reader_check(readers[i]);
		if (n % 20 == 7) {
			int i = (int)(n / 20 % READERS);

			kill(readers[i], SIGKILL);
			waitpid(readers[i], &status, 0);
			readers[i] = reader_start(rig.dir, i);
		}
	}
	/* both planes gone; then the dataplane alone */
	for (int i = 0; i < READERS; i++) {
		reader_check(readers[i]);
		kill(readers[i], SIGKILL);
		waitpid(readers[i], &status, 0);
	}
	readers[0] = fork();
	if (readers[0] == 0) {
		struct policy_reader r;
		struct segment seg;

		must(segment_attach(&seg, rig.dir, POLICY_SEGMENT_NAME, POLICY_SEGMENT_ABI, NULL), "alone");
		if (policy_reader_validate(&seg, 1))
			die("alone: damaged", 0, 0, 0);
		policy_reader_init(&r, &seg, 0);
		if (check(policy_reader_wake(&r), NULL, 0) < shared->seen[0])
			die("alone: an older policy", 0, 0, 0);
		_exit(0);
	}
	waitpid(readers[0], &status, 0);
	if (status) {
		fprintf(stderr, "the dataplane alone: status %#x\n", status);
		return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("%u kills, %llu commits, %llu stores, %llu + %llu answers compared, %ld s\n", kills,
	       (unsigned long long)shared->commits, (unsigned long long)shared->stores,
	       (unsigned long long)shared->checks[0], (unsigned long long)shared->checks[1],
	       (long)(now.tv_sec - start.tv_sec));
	rig_fini(&rig);
	return shared->commits < kills / 4 || !shared->checks[0] || !shared->checks[1];
}
