/* SPDX-License-Identifier: BSD-3-Clause */
/* Readers and writer as threads over one mapping, so that a race detector sees both sides. Commit k writes k
 * into every one of its entries; a reader must find one k in all of them. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "config/policy/fact.h"
#include "config/policy/writer_internal.h"
#include "tests/unit/segment/rig.h"

enum { NAMES = 24, READERS = 3, GROW = 1500 };

struct reader {
	struct policy_reader r;
	pthread_t thread;
	struct rig *rig;
	bool *stop;
	bool sleeper;
	unsigned long bursts, wrong;
	const char *what;
};

static void name_of(char out[64], unsigned i)
{
	snprintf(out, 64, "p%u.example.net", i);
}

static void judge(struct reader *self, const struct policy_view *view)
{
	static _Thread_local char text[NAMES][64];
	struct policy_name names[NAMES];
	struct policy_hit hits[NAMES];
	const struct policy_dns *dns;
	uint8_t first = 0;

	for (unsigned i = 0; i < NAMES; i++) {
		name_of(text[i], i);
		names[i] = rig_name(text[i]);
	}
	view->ops->domains(view, names, NAMES, hits);
	for (unsigned i = 0; i < NAMES; i++) {
		uint8_t mark = hits[i].allow.entry ? hits[i].allow.entry->limit_class : 0;

		if (i == 0)
			first = mark;
		if (mark != first || (mark == 0 && view->box->default_route)) {
			self->wrong++;
			self->what = "a mix of two commits";
		}
	}
	if ((view->box->default_route & 0xff) != (first ? first : view->box->default_route & 0xff)) {
		self->wrong++;
		self->what = "table and box differ";
	}
	dns = view->ops->dns(view, rig_name("fact.example.net"), POLICY_DNS_FEDERATION, NULL);
	if (dns && dns->expires_ns != (uint64_t)dns->secure + 1) {
		self->wrong++;
		self->what = "a torn fact";
	}
}

static void *reader_run(void *arg)
{
	struct reader *self = arg;
	const struct policy_view *view = policy_reader_wake(&self->r);
	const struct timespec nap = {.tv_nsec = 50000};

	do {
		judge(self, view);
		self->bursts++;
		if (self->sleeper && self->bursts % 4 == 0) {
			policy_reader_sleep(&self->r);
			nanosleep(&nap, NULL);
			view = policy_reader_wake(&self->r);
		} else {
			view = policy_reader_burst(&self->r);
		}
	} while (!__atomic_load_n(self->stop, __ATOMIC_RELAXED));
	policy_reader_sleep(&self->r);
	return NULL;
}

/* One mapping for both: the readers use the writer's addresses, the writer looks at the readers' pins where
 * they are written. What a cold thread would do when the segment grows is done by hand. */
static void adopt(struct rig *rig)
{
	rig->seg.super = rig->w->seg.super;
	rig->seg.base = rig->w->seg.base;
	rig->w->seg.readers = rig->seg.readers;
}

static void grown(struct rig *rig)
{
	__atomic_store_n(&rig->seg.limit, rig->w->seg.limit, __ATOMIC_RELEASE);
	__atomic_store_n(&rig->seg.readers->area[rig->seg.area].mapped, rig->w->seg.mapped, __ATOMIC_SEQ_CST);
}

static void readers_and_writer(void **state)
{
	const char *lng = getenv("SALLYPORT_TEST_LONG");
	unsigned rounds = lng && *lng == '1' ? 40000 : 2500;
	struct reader reader[READERS];
	struct policy_box box = {.size = sizeof(box)};
	const void *records[1] = {&box};
	struct segment_readers *watched;
	struct segment second;
	bool stop = false;
	struct rig rig;
	char text[64];

	rig_init(&rig);
	second = rig.seg;
	watched = rig.w->seg.readers;
	adopt(&rig);
	for (unsigned i = 0; i < READERS; i++) {
		reader[i] = (struct reader){.rig = &rig, .stop = &stop, .sleeper = i == 0};
		assert_int_equal(policy_reader_init(&reader[i].r, &rig.seg, i), 0);
		assert_int_equal(pthread_create(&reader[i].thread, NULL, reader_run, &reader[i]), 0);
	}
	for (unsigned k = 1; k <= rounds; k++) {
		struct policy_txn *txn = policy_txn_begin(rig.w, k % 5 == 0);
		struct policy_dns dns = {.kind = POLICY_DNS_FEDERATION, .secure = (uint8_t)k};
		uint8_t mark = (uint8_t)(k % 255 + 1);
		int err;

		dns.expires_ns = (uint64_t)dns.secure + 1;
		assert_non_null(txn);
		for (unsigned i = 0; i < NAMES; i++) {
			name_of(text, i);
			assert_int_equal(rig_put(txn, rig.w, text, POLICY_DOMAIN_ALLOWED, i % 2, mark), 0);
		}
		/* growth of the index under the readers, and back again */
		for (unsigned i = 0; i < 4; i++) {
			snprintf(text, sizeof(text), "grow%u.example.org", (k * 4 + i) % GROW);
			if (k / 300 % 2)
				rig_del(txn, rig.w, text, 0);
			else
				rig_put(txn, rig.w, text, POLICY_DOMAIN_ALLOWED, 0, 9);
		}
		box.default_route = mark;
		while ((err = policy_txn_small(txn, POLICY_SMALL_BOX, records, 1)) == -EAGAIN)
			policy_writer_step(rig.w, POLICY_WRITER_UNITS);
		assert_int_equal(err, 0);
		assert_int_equal(rig_commit(txn, rig.w), 0);
		(void)policy_fact_put_dns(rig.w, rig_name("fact.example.net"), &dns, 0);
		policy_writer_step(rig.w, POLICY_WRITER_UNITS);
		grown(&rig);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < READERS; i++) {
		pthread_join(reader[i].thread, NULL);
		if (reader[i].wrong)
			fail_msg("reader %u: %lu wrong of %lu: %s", i, reader[i].wrong, reader[i].bursts,
				 reader[i].what);
	}
	assert_int_equal(policy_writer_settle(rig.w, 25000), 0);
	rig.seg.super = second.super;
	rig.seg.base = second.base;
	rig.w->seg.readers = watched;
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(readers_and_writer)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
