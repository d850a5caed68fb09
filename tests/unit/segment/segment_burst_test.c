/* SPDX-License-Identifier: BSD-3-Clause */
/* The burst look-up, every kernel of it, against the cold one: suffixes, names of every length, names that
 * end where memory ends, chains of buckets, and more that matches than a burst has room for at a time. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "config/policy/table_kernel.h"
#include "config/policy/writer_internal.h"
#include "tests/unit/segment/rig.h"

/* the burst look-up finds what a walk over the suffixes finds */
static void suffixes(void **state)
{
	struct policy_name names[POLICY_BURST];
	static char text[POLICY_BURST][256];
	struct policy_hit hits[POLICY_BURST];
	struct policy_reader r;
	const struct policy_view *view;
	struct policy_txn *txn;
	uint64_t rnd = 99;
	struct rig rig;

	rig_init(&rig);
	policy_reader_init(&r, &rig.seg, 0);
	txn = policy_txn_begin(rig.w, false);
	rig_put(txn, rig.w, "contoso.com", POLICY_DOMAIN_ALLOWED, 0, 1);
	rig_put(txn, rig.w, "contoso.com", POLICY_DOMAIN_BLOCKED, POLICY_DOMAIN_SUBTREE, 2);
	rig_put(txn, rig.w, "eu.contoso.com", POLICY_DOMAIN_ALLOWED, POLICY_DOMAIN_SUBTREE, 3);
	rig_put(txn, rig.w, "bad.eu.contoso.com", POLICY_DOMAIN_HARD, POLICY_DOMAIN_SUBTREE, 4);
	rig_put(txn, rig.w, "org", POLICY_DOMAIN_BLOCKED, POLICY_DOMAIN_SUBTREE, 5);
	rig_put(txn, rig.w, "only.exact.net", POLICY_DOMAIN_ALLOWED, 0, 6);
	assert_int_equal(rig_commit(txn, rig.w), 0);
	view = policy_reader_wake(&r);
	assert_non_null(view);

	names[0] = rig_name("contoso.com");
	names[1] = rig_name("x.contoso.com");
	names[2] = rig_name("a.b.eu.contoso.com");
	names[3] = rig_name("deep.down.bad.eu.contoso.com");
	names[4] = rig_name("xcontoso.com");
	names[5] = rig_name("example.org");
	names[6] = rig_name("org");
	names[7] = rig_name("sub.only.exact.net");
	names[8] = rig_name("only.exact.net");
	names[9] = rig_name("");
	names[10] = rig_name("com");
	view->ops->domains(view, names, 11, hits);
	assert_int_equal(hits[0].allow.entry->limit_class, 1);
	assert_int_equal(hits[0].block.entry->limit_class, 2);
	assert_null(hits[1].allow.entry);
	assert_int_equal(hits[1].block.entry->limit_class, 2);
	assert_int_equal(hits[1].block.from, 2);
	assert_int_equal(hits[2].allow.entry->limit_class, 3);
	assert_int_equal(hits[2].allow.from, 4);
	assert_int_equal(hits[2].block.from, 7);
	assert_null(hits[2].hard.entry);
	assert_int_equal(hits[3].hard.entry->limit_class, 4);
	assert_int_equal(hits[3].hard.from, 10);
	assert_null(hits[4].allow.entry);
	assert_null(hits[4].block.entry);
	assert_int_equal(hits[5].block.entry->limit_class, 5);
	assert_int_equal(hits[6].block.entry->limit_class, 5);
	assert_null(hits[7].allow.entry);
	assert_int_equal(hits[8].allow.entry->limit_class, 6);
	assert_null(hits[9].allow.entry);
	assert_null(hits[10].block.entry);

	/* names of every length, with entries at every depth: the dots, the padding and the burst's edges */
	txn = policy_txn_begin(rig.w, false);
	for (unsigned labels = 1; labels <= 126; labels++) {
		char name[256];
		unsigned len = 0;

		for (unsigned i = 0; i < labels; i++)
			len += (unsigned)sprintf(name + len, i ? ".%c" : "%c", 'a' + (int)(labels - i) % 26);
		assert_int_equal(rig_put(txn, rig.w, name, POLICY_DOMAIN_BLOCKED, POLICY_DOMAIN_SUBTREE,
					 (uint8_t)labels),
				 0);
	}
	assert_int_equal(rig_commit(txn, rig.w), 0);
	view = policy_reader_burst(&r);
	for (unsigned round = 0; round < 2000; round++) {
		unsigned n = 1 + (unsigned)(rig_random(&rnd) % POLICY_BURST);

		for (unsigned k = 0; k < n; k++) {
			unsigned labels = 1 + (unsigned)(rig_random(&rnd) % 126), len = 0;
			unsigned wrong = (unsigned)(rig_random(&rnd) % 2)
						 ? (unsigned)(rig_random(&rnd) % labels)
						 : 999;

			for (unsigned i = 0; i < labels; i++)
				len += (unsigned)sprintf(text[k] + len, i ? ".%c" : "%c",
							 i == wrong ? '0' : 'a' + (int)(labels - i) % 26);
			names[k] = (struct policy_name){text[k], len};
		}
		view->ops->domains(view, names, n, hits);
		for (unsigned k = 0; k < n; k++) {
			struct policy_hit want = {0};
			struct policy_name rest = names[k];
			const struct policy_reader_view *rv = (const struct policy_reader_view *)view;
			struct table_view t = rv->domains;

			for (;;) {
				for (unsigned slot = 0; slot < 4; slot++) {
					const struct table_entry *e = table_domain_get(&t, rest, slot);
					uint16_t from = (uint16_t)(rest.ptr - names[k].ptr);

					if (e && (from == 0 || slot & 1))
						policy_hit_add(&want, &e->domain, from);
				}
				rest = policy_name_parent(rest);
				if (!rest.len)
					break;
			}
			assert_memory_equal(&want, &hits[k], sizeof(want));
		}
	}
	policy_reader_sleep(&r);
	rig_fini(&rig);
}

/* a name of exactly `len` bytes with labels of any length; `tail` of its bytes are the same for the same seed
 */
static void any_name(char *out, unsigned len, uint64_t seed, unsigned same)
{
	uint64_t back = seed * 2 + 1, front = rig_random(&seed);
	unsigned label = 0;

	for (unsigned i = 0; i < len; i++) {
		uint64_t x = rig_random(i < same ? &back : &front);
		bool dot = label && i + 1 < len && (label == POLICY_LABEL_MAX || x % 9 == 0);

		out[len - 1 - i] = (char)(dot ? '.' : 'a' + (int)(x >> 32 & 0xffff) % 26);
		label = dot ? 0 : label + 1;
	}
}

/* Every kernel, on names of every length that end where memory ends or begin where it begins, against the
 * cold look-up; and on bytes that are no names, of which only is asked that nothing breaks. */
static void kernels(void **state)
{
	enum { PAGE = 4096, SEEDS = 24 };
	uint8_t *map = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct policy_hit hits[POLICY_BURST];
	struct policy_reader r;
	struct policy_txn *txn;
	uint64_t rnd = 99;
	struct rig rig;
	char *room = (char *)map + PAGE;
	unsigned found = 0;

	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(mprotect(room, PAGE, PROT_READ | PROT_WRITE), 0);
	rig_init(&rig);
	policy_reader_init(&r, &rig.seg, 0);
	txn = policy_txn_begin(rig.w, false);
	for (unsigned len = 1; len <= POLICY_NAME_MAX; len++) {
		for (unsigned k = 0; k < 2; k++) {
			char text[POLICY_NAME_MAX + 1] = {0};

			any_name(text, len, 1 + rig_random(&rnd) % SEEDS, len);
			/* labels are dealt from the end: the front one is what fits */
			if (policy_name_check((struct policy_name){text, len}) != POLICY_NAME_OK)
				fail_msg("%s is no name", text);
			rig_put(txn, rig.w, text, POLICY_DOMAIN_ALLOWED,
				rig_random(&rnd) % 4 ? POLICY_DOMAIN_SUBTREE : 0, (uint8_t)len);
		}
	}
	assert_int_equal(rig_commit(txn, rig.w), 0);
	for (unsigned round = 0; round < 3000; round++) {
		const struct policy_reader_view *rv =
			(const struct policy_reader_view *)(round ? policy_reader_burst(&r)
								  : policy_reader_wake(&r));
		unsigned len = 1 + (unsigned)(rig_random(&rnd) % POLICY_NAME_MAX);
		unsigned same = (unsigned)(rig_random(&rnd) % (len + 1));
		char *text = round & 1 ? room : room + PAGE - len;
		struct policy_name name = {text, len}, rest = name;
		struct policy_hit want = {0};
		struct table_view t = rv->domains;

		if (round % 8 == 7)
			for (unsigned i = 0; i < len; i++)
				text[i] = rig_random(&rnd) % 3 ? '.' : (char)rig_random(&rnd);
		else
			any_name(text, len, 1 + rig_random(&rnd) % SEEDS, same);
		for (; rest.len && round % 8 != 7; rest = policy_name_parent(rest)) {
			uint16_t from = (uint16_t)(rest.ptr - text);
			const struct table_entry *e = table_domain_get(&t, rest, 1);

			if (e)
				policy_hit_add(&want, &e->domain, from);
			e = from ? NULL : table_domain_get(&t, rest, 0);
			if (e)
				policy_hit_add(&want, &e->domain, from);
		}
		found += want.allow.entry != NULL;
		for (unsigned i = 0; table_kernel_at(i).run; i++) {
			table_kernel_at(i).run(&t, &name, 1, hits);
			if (round % 8 != 7)
				assert_memory_equal(&want, &hits[0], sizeof(want));
		}
		assert_int_equal(t.damaged, 0);
	}
	if (found < 100)
		fail_msg("only %u were found", found);
	policy_reader_sleep(&r);
	rig_fini(&rig);
	munmap(map, 3 * PAGE);
}

/* what a burst must find for one name, asked entry by entry */
static void walk(const struct table_view *view, struct policy_name name, struct policy_hit *want)
{
	struct table_view t = *view;
	struct policy_name rest = name;

	/* with what lies between the members: the whole is compared */
	memset(want, 0, sizeof(*want));
	for (; rest.len; rest = policy_name_parent(rest)) {
		for (unsigned slot = 0; slot < 4; slot++) {
			uint16_t from = (uint16_t)(rest.ptr - name.ptr);
			const struct table_entry *e =
				from == 0 || slot & 1 ? table_domain_get(&t, rest, slot) : NULL;

			if (e)
				policy_hit_add(want, &e->domain, from);
		}
	}
	assert_int_equal(t.damaged, 0);
}

static void all_kernels(const struct table_view *view, const struct policy_name *names, unsigned n)
{
	struct policy_hit want[POLICY_BURST], hits[POLICY_BURST];

	for (unsigned k = 0; k < n; k++)
		walk(view, names[k], &want[k]);
	for (unsigned i = 0; table_kernel_at(i).run; i++) {
		struct table_view t = *view;

		memset(hits, 0x5a, sizeof(hits));
		table_kernel_at(i).run(&t, names, n, hits);
		assert_memory_equal(want, hits, n * sizeof(hits[0]));
		assert_int_equal(t.damaged, 0);
	}
}

static unsigned longest_chain(const struct table_view *t)
{
	unsigned longest = 0;

	for (uint64_t i = 0; i < 1ull << t->ref.bits; i++) {
		const uint64_t *b = (const uint64_t *)(t->base + t->ref.index + i * TABLE_BUCKET_BYTES);
		unsigned hops = 1;

		for (; b[TABLE_SLOTS - 1] >> 32 == TABLE_SLOT_LINK; hops++)
			b = (const uint64_t *)(t->base +
					       (b[TABLE_SLOTS - 1] & 0xffffffffu) * TABLE_BUCKET_BYTES);
		longest = hops > longest ? hops : longest;
	}
	return longest;
}

/* an emergency takes a longer chain where a commit would wait for a larger index */
static void chains(void **state)
{
	enum { ENTRIES = 320 };
	static char text[POLICY_BURST][64];
	struct policy_name names[POLICY_BURST];
	const struct policy_reader_view *rv;
	struct policy_reader r;
	struct policy_txn *txn;
	uint64_t rnd = 7;
	struct rig rig;
	unsigned longest;

	rig_init(&rig);
	policy_reader_init(&r, &rig.seg, 0);
	txn = policy_txn_begin(rig.w, false);
	rig.w->heap.urgent = true;
	for (unsigned i = 0; i < ENTRIES; i++) {
		struct policy_domain d = {.type = i % 5 ? POLICY_DOMAIN_ALLOWED : POLICY_DOMAIN_HARD,
					  .flags = i % 3 ? POLICY_DOMAIN_SUBTREE : 0,
					  .limit_class = (uint8_t)i};
		char name[64];

		snprintf(name, sizeof(name), "host%u.example.net", i / 2);
		assert_int_equal(policy_txn_put_domain(txn, rig_name(name), &d, NULL, rig_name("")), 0);
	}
	assert_int_equal(policy_txn_commit(txn), 0);
	rig.w->heap.urgent = false;
	rv = (const struct policy_reader_view *)policy_reader_wake(&r);
	longest = longest_chain(&rv->domains);
	if (longest < 4)
		fail_msg("the longest chain has %u buckets only", longest);
	for (unsigned round = 0; round < 500; round++) {
		unsigned n = 1 + (unsigned)(rig_random(&rnd) % POLICY_BURST);

		for (unsigned k = 0; k < n; k++) {
			int len = snprintf(text[k], sizeof(text[k]), "%shost%u.example.net",
					   rig_random(&rnd) % 2 ? "sip." : "",
					   (unsigned)(rig_random(&rnd) % (ENTRIES / 2 + 20)));

			names[k] = (struct policy_name){text[k], (uint32_t)len};
		}
		all_kernels(&rv->domains, names, n);
	}
	policy_reader_sleep(&r);
	rig_fini(&rig);
}

/* each suffix has an entry of all four sorts, and each of them an older version */
static void many_matches(void **state)
{
	static const char deep[] = "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.example.net";
	struct policy_name names[POLICY_BURST];
	const struct policy_reader_view *rv;
	struct policy_reader r;
	struct rig rig;

	rig_init(&rig);
	policy_reader_init(&r, &rig.seg, 0);
	rv = (const struct policy_reader_view *)policy_reader_wake(&r);
	for (unsigned version = 1; version <= 2; version++) {
		struct policy_txn *txn = policy_txn_begin(rig.w, false);

		for (const char *at = deep; at; at = strchr(at, '.'), at = at ? at + 1 : NULL) {
			rig_put(txn, rig.w, at, POLICY_DOMAIN_ALLOWED, 0, (uint8_t)version);
			rig_put(txn, rig.w, at, POLICY_DOMAIN_BLOCKED, POLICY_DOMAIN_SUBTREE,
				(uint8_t)version);
			rig_put(txn, rig.w, at, POLICY_DOMAIN_HARD, 0, (uint8_t)version);
			rig_put(txn, rig.w, at, POLICY_DOMAIN_HARD, POLICY_DOMAIN_SUBTREE, (uint8_t)version);
		}
		assert_int_equal(rig_commit(txn, rig.w), 0);
		/* the pin of before keeps the versions that this replaced */
		rv = (const struct policy_reader_view *)policy_reader_burst(&r);
	}
	for (unsigned k = 0; k < POLICY_BURST; k++)
		names[k] = (struct policy_name){deep + k % 4 * 2, (uint32_t)(sizeof(deep) - 1 - k % 4 * 2)};
	assert_true(names[0].len <= TABLE_SHORT);
	for (unsigned n = 1; n <= POLICY_BURST; n++)
		all_kernels(&rv->domains, names, n);
	policy_reader_sleep(&r);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(suffixes),
		cmocka_unit_test(kernels),
		cmocka_unit_test(chains),
		cmocka_unit_test(many_matches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
