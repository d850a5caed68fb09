/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings over two files: order, bounds, drops, either side starting again, and a peer that writes nonsense. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/exchange/area.h"
#include "config/exchange/question.h"

static const struct exchange_spec spec[2] = {{8, 64}, {64, 8 + sizeof(struct exchange_question)}};

struct pair {
	char dir[64];
	struct exchange_area up, down;	     /* as their owners have them */
	struct exchange_area up_ro, down_ro; /* as the other side has them */
};

static void pair_open(struct pair *p)
{
	snprintf(p->dir, sizeof(p->dir), "/tmp/sallyport-ring-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	assert_int_equal(exchange_create(&p->up, p->dir, "dataplane", 11, (gid_t)-1, spec, 2, 1), 0);
	assert_int_equal(exchange_create(&p->down, p->dir, "control", 22, (gid_t)-1, spec, 1, 2), 0);
	assert_int_equal(exchange_attach(&p->up_ro, p->dir, "dataplane"), 0);
	assert_int_equal(exchange_attach(&p->down_ro, p->dir, "control"), 0);
}

static void pair_close(struct pair *p)
{
	char path[128];

	exchange_close(&p->up);
	exchange_close(&p->down);
	exchange_close(&p->up_ro);
	exchange_close(&p->down_ro);
	snprintf(path, sizeof(path), "%s/dataplane", p->dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/control", p->dir);
	unlink(path);
	assert_int_equal(rmdir(p->dir), 0);
}

static void order_and_drops(void **state)
{
	struct ring_producer p = {0};
	struct ring_consumer c;
	uint32_t kind, got;
	struct pair pair;
	char big[64] = {0};

	pair_open(&pair);
	assert_int_equal(exchange_producer(&p, &pair.up, 0, &pair.down_ro, 0), 0);
	assert_int_equal(exchange_consumer(&c, &pair.down, 0, &pair.up_ro, 0), 0);
	assert_int_equal(exchange_producer(&p, &pair.up, 2, NULL, 0), -ERANGE);
	assert_int_equal(exchange_producer(&p, &pair.up, 0, &pair.down_ro, 2), -ERANGE);
	assert_int_equal(ring_consume(&c, &kind, &got, sizeof(got)), 0);
	for (uint32_t round = 0; round < 100; round++) {
		for (uint32_t i = 0; i < 8; i++)
			assert_int_equal(ring_produce(&p, i, &(uint32_t){round * 8 + i}, 4), RING_OK);
		assert_int_equal(ring_produce(&p, 9, &round, 4), RING_FULL);
		assert_int_equal(ring_waiting(&c), 8);
		for (uint32_t i = 0; i < 8; i++) {
			assert_int_equal(ring_consume(&c, &kind, &got, sizeof(got)), 4);
			assert_int_equal(kind, i);
			assert_int_equal(got, round * 8 + i);
		}
		assert_int_equal(ring_consume(&c, &kind, &got, sizeof(got)), 0);
	}
	assert_int_equal(p.head->drops, 100);
	assert_int_equal(ring_produce(&p, 0, big, 57), RING_TOO_LARGE);
	assert_int_equal(ring_produce(&p, 0, big, 56), RING_OK);
	assert_int_equal(ring_consume(&c, &kind, &got, sizeof(got)), -EMSGSIZE);
	assert_int_equal(ring_consume(&c, &kind, &got, sizeof(got)), 0);
	assert_int_equal(p.head->drops, 101);
	assert_int_equal(c.damaged, 0);
	pair_close(&pair);
}

static void either_side_starts_again(void **state)
{
	struct ring_producer p = {0};
	struct ring_consumer c;
	uint32_t kind, got;
	struct pair pair;

	pair_open(&pair);
	assert_int_equal(exchange_producer(&p, &pair.up, 0, NULL, 0), 0);
	/* nobody reads: it fills, then drops */
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(ring_produce(&p, 0, &i, 4), i < 8 ? RING_OK : RING_FULL);
	assert_int_equal(exchange_consumer(&c, &pair.down, 0, &pair.up_ro, 0), 0);
	assert_int_equal(exchange_producer(&p, &pair.up, 0, &pair.down_ro, 0), 0);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(ring_consume(&c, &kind, &got, 4), 4);
		assert_int_equal(got, i);
	}
	/* the consumer starts again with its file: it goes on where it stopped */
	assert_int_equal(exchange_consumer(&c, &pair.down, 0, &pair.up_ro, 0), 0);
	assert_int_equal(ring_consume(&c, &kind, &got, 4), 4);
	assert_int_equal(got, 3);
	/* with a new file: it takes what is in the ring; the producer does not believe the older tail any
	 * more */
	exchange_close(&pair.down);
	assert_int_equal(exchange_create(&pair.down, pair.dir, "control", 23, (gid_t)-1, spec, 1, 2), 0);
	assert_int_equal(exchange_replaced(&pair.down_ro, pair.dir, "control"), 1);
	assert_int_equal(exchange_replaced(&pair.up_ro, pair.dir, "dataplane"), 0);
	exchange_close(&pair.down_ro);
	assert_int_equal(exchange_attach(&pair.down_ro, pair.dir, "control"), 0);
	assert_int_equal(exchange_consumer(&c, &pair.down, 0, &pair.up_ro, 0), 0);
	assert_int_equal(exchange_producer(&p, &pair.up, 0, &pair.down_ro, 0), 0);
	for (unsigned n = 0; ring_consume(&c, &kind, &got, 4) == 4; n++)
		assert_true(n < 8);
	assert_int_equal(got, 7);
	/* the producer starts again: another session, from nothing */
	exchange_close(&pair.up);
	assert_int_equal(exchange_create(&pair.up, pair.dir, "dataplane", 12, (gid_t)-1, spec, 2, 1), 0);
	p = (struct ring_producer){0};
	assert_int_equal(exchange_producer(&p, &pair.up, 0, &pair.down_ro, 0), 0);
	assert_int_equal(ring_produce(&p, 0, &(uint32_t){77}, 4), RING_OK);
	assert_int_equal(ring_consume(&c, &kind, &got, 4), 0);
	exchange_close(&pair.up_ro);
	assert_int_equal(exchange_attach(&pair.up_ro, pair.dir, "dataplane"), 0);
	assert_int_equal(exchange_consumer(&c, &pair.down, 0, &pair.up_ro, 0), 0);
	assert_int_equal(ring_consume(&c, &kind, &got, 4), 4);
	assert_int_equal(got, 77);
	pair_close(&pair);
}

static void hostile_peer(void **state)
{
	struct ring_producer p = {0};
	struct ring_consumer c;
	uint64_t rnd = 1;
	struct pair pair;
	uint32_t kind;
	char buf[64];

	pair_open(&pair);
	assert_int_equal(exchange_consumer(&c, &pair.down, 0, &pair.up_ro, 0), 0);
	assert_int_equal(exchange_producer(&p, &pair.up, 0, &pair.down_ro, 0), 0);
	for (unsigned i = 0; i < 20000; i++) {
		/* anything at all in the producer's pages, its directory too: that was copied when it was
		 * checked */
		uint8_t *at = (uint8_t *)pair.up.super;

		rnd = rnd * 6364136223846793005u + 1442695040888963407u;
		at[(rnd >> 33) % pair.up.bytes] = (uint8_t)(rnd >> 20);
		if (i % 16 == 0)
			p.head->head = rnd;
		for (unsigned k = 0; k < 12; k++) {
			int n = ring_consume(&c, &kind, buf, sizeof(buf));

			assert_true(n == -EMSGSIZE || (n >= 0 && n <= 56));
		}
	}
	assert_true(c.damaged > 0);
	/* and in the consumer's: a tail from the future, or from the past, frees nothing */
	p.head->head = p.tail_seen = 100;
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(ring_produce(&p, 0, &i, 4), RING_OK);
	pair.down.super[0] = pair.down.shape;
	((struct ring_tail *)(pair.down.super + 1))->session = 11;
	((struct ring_tail *)(pair.down.super + 1))->tail = 1000;
	assert_int_equal(ring_produce(&p, 0, &kind, 4), RING_FULL);
	((struct ring_tail *)(pair.down.super + 1))->tail = 5;
	assert_int_equal(ring_produce(&p, 0, &kind, 4), RING_FULL);
	((struct ring_tail *)(pair.down.super + 1))->tail = 104;
	assert_int_equal(ring_produce(&p, 0, &kind, 4), RING_OK);
	pair_close(&pair);
}

static void foreign(int (*attach)(struct exchange_area *, const char *, const char *))
{
	struct exchange_area area;
	struct exchange_super s;
	struct pair pair;
	uint64_t rnd = 3;
	char path[128];
	int fd;

	pair_open(&pair);
	s = *pair.up.super;
	assert_int_equal(attach(&area, pair.dir, "nobody"), -ENOENT);
	pair.up.super->version++;
	assert_int_equal(attach(&area, pair.dir, "dataplane"), -EPROTO);
	*pair.up.super = s;
	pair.up.super->ring[1].slots = 63;
	assert_int_equal(attach(&area, pair.dir, "dataplane"), -EBADMSG);
	*pair.up.super = s;
	pair.up.super->ring[1].at = s.bytes - 64;
	assert_int_equal(attach(&area, pair.dir, "dataplane"), -EBADMSG);
	*pair.up.super = s;
	pair.up.super->bytes++;
	assert_int_equal(attach(&area, pair.dir, "dataplane"), -EBADMSG);
	/* any word of the directory, any value: refused, or of a shape that lies inside */
	for (unsigned i = 0; i < 5000; i++) {
		*pair.up.super = s;
		rnd = rnd * 6364136223846793005u + 1442695040888963407u;
		((uint32_t *)pair.up.super)[(rnd >> 33) % (sizeof(s) / 4)] = (uint32_t)(rnd >> (rnd % 30));
		if (attach(&area, pair.dir, "dataplane") == 0) {
			for (unsigned k = 0; k < area.shape.produced; k++) {
				struct ring_consumer c;
				uint32_t kind;
				char buf[512];

				if (exchange_consumer(&c, &pair.down, 0, &area, k) == 0)
					(void)ring_consume(&c, &kind, buf, sizeof(buf));
			}
			exchange_close(&area);
		}
	}
	exchange_close(&pair.up);
	snprintf(path, sizeof(path), "%s/dataplane", pair.dir);
	fd = open(path, O_RDWR);
	assert_int_equal(ftruncate(fd, 100), 0);
	close(fd);
	assert_int_equal(attach(&area, pair.dir, "dataplane"), -EBADMSG);
	pair_close(&pair);
}

static void foreign_files(void **state)
{
	foreign(exchange_attach);
	foreign(exchange_attach_copy);
}

/* as many as the machine gives in ten seconds, LEAST in any case */
enum { MESSAGES = 200000, LEAST = 20000 };

static atomic_bool enough;

/* a side that reads the other's file instead of mapping it: the same messages, and no SIGBUS when it is cut
 */
static void copied_and_cut(void **state)
{
	struct ring_producer p = {0}, orders = {0};
	struct ring_consumer c;
	struct exchange_area copy;
	uint32_t kind, got;
	struct pair pair;
	char path[128];

	pair_open(&pair);
	assert_int_equal(exchange_producer(&p, &pair.up, 0, &pair.down_ro, 0), 0);
	assert_int_equal(ring_produce(&p, 7, &(uint32_t){41}, 4), RING_OK);
	assert_int_equal(exchange_attach_copy(&copy, pair.dir, "dataplane"), 0);
	assert_int_equal(exchange_consumer(&c, &pair.down, 0, &copy, 0), 0);
	/* what lay there before it was attached */
	assert_int_equal(ring_consume(&c, &kind, &got, 4), 4);
	assert_int_equal(got, 41);
	for (uint32_t round = 0; round < 50; round++) {
		uint32_t n = 1 + round % 8;

		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(ring_produce(&p, i, &(uint32_t){round * 8 + i}, 4), RING_OK);
		/* nothing comes by itself; looked at in the midst, the rest follows */
		assert_int_equal(ring_consume(&c, &kind, &got, 4), 0);
		assert_int_equal(exchange_pull(&copy, 0), 0);
		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(ring_consume(&c, &kind, &got, 4), 4);
			assert_int_equal(kind, i);
			assert_int_equal(got, round * 8 + i);
			assert_int_equal(exchange_pull(&copy, 0), 0);
		}
	}
	for (uint32_t i = 0; i < 9; i++)
		assert_int_equal(ring_produce(&p, 0, &i, 4), i < 8 ? RING_OK : RING_FULL);
	assert_int_equal(exchange_pull(&copy, 0), 0);
	assert_int_equal(ring_waiting(&c), 8);
	assert_int_equal(c.head->drops, 1);
	/* the other direction: how far it has read is in the copy too */
	assert_int_equal(exchange_consumer(&c, &pair.up, 0, &pair.down_ro, 0), 0);
	assert_int_equal(exchange_producer(&orders, &pair.down, 0, &copy, 0), 0);
	for (uint32_t i = 0; i < 40; i++) {
		assert_int_equal(exchange_pull_tails(&copy), 0);
		assert_int_equal(ring_produce(&orders, 0, &i, 4), RING_OK);
		assert_int_equal(ring_consume(&c, &kind, &got, 4), 4);
	}
	assert_int_equal(exchange_pull(&copy, 2), -EINVAL);
	assert_int_equal(exchange_pull(&pair.up_ro, 0), -EINVAL);
	assert_int_equal(exchange_pull_tails(&pair.up_ro), -EINVAL);
	snprintf(path, sizeof(path), "%s/dataplane", pair.dir);
	assert_int_equal(truncate(path, 100), 0);
	assert_int_equal(exchange_pull(&copy, 0), -EBADMSG);
	assert_int_equal(exchange_consumer(&c, &pair.down, 0, &copy, 0), 0);
	exchange_close(&copy);
	assert_int_equal(exchange_attach_copy(&copy, pair.dir, "dataplane"), -EBADMSG);
	pair_close(&pair);
}

static void *produce_all(void *arg)
{
	struct ring_producer *p = arg;

	for (uint32_t i = 0; i < MESSAGES; i++) {
		struct exchange_question q = {.asker = i, .asked_ns = ~(uint64_t)i, .len = (uint8_t)i};

		memset(q.name, (int)i & 0xff, sizeof(q.name));
		while (ring_produce(p, EXCHANGE_QUESTION, &q, sizeof(q)) != RING_OK) {
			if (atomic_load(&enough))
				return NULL;
			sched_yield();
		}
	}
	return NULL;
}

static void two_threads(void **state)
{
	struct ring_producer p = {0};
	struct ring_consumer c;
	struct pair pair;
	struct timespec from, now;
	pthread_t thread;
	uint32_t kind;

	pair_open(&pair);
	clock_gettime(CLOCK_MONOTONIC, &from);
	/* one mapping, so that a race detector sees both sides */
	assert_int_equal(exchange_producer(&p, &pair.up, 1, &pair.down, 1), 0);
	assert_int_equal(exchange_consumer(&c, &pair.down, 1, &pair.up, 1), 0);
	assert_int_equal(pthread_create(&thread, NULL, produce_all, &p), 0);
	for (uint32_t i = 0; i < MESSAGES;) {
		struct exchange_question q;
		int n = ring_consume(&c, &kind, &q, sizeof(q));

		if (n == 0) {
			sched_yield();
			continue;
		}
		assert_int_equal(n, sizeof(q));
		assert_true(q.asker == i && q.asked_ns == ~(uint64_t)i && q.name[0] == (char)i &&
			    q.name[253] == (char)i);
		if (++i < LEAST || i % 1024)
			continue;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - from.tv_sec > 10)
			break;
	}
	atomic_store(&enough, true);
	pthread_join(thread, NULL);
	assert_int_equal(c.damaged, 0);
	pair_close(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_and_drops), cmocka_unit_test(either_side_starts_again),
		cmocka_unit_test(hostile_peer),	   cmocka_unit_test(foreign_files),
		cmocka_unit_test(two_threads),	   cmocka_unit_test(copied_and_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
