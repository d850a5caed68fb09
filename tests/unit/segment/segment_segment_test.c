/* SPDX-License-Identifier: BSD-3-Clause */
/* The segment itself: its layout on record, who is let in and who is refused with which reason, growth, a
 * file system that is full, and pins of processes that died. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/policy/fact.h"
#include "config/policy/writer_internal.h"
#include "tests/unit/segment/rig.h"

/* What a reader of another build relies on. Whoever has to change a number here changes SEGMENT_ABI or
 * POLICY_SEGMENT_ABI with it, and then this table. */
static void layout(void **state)
{
	static const struct {
		const char *what;
		size_t is, must;
	} golden[] = {
		{"SEGMENT_ABI", SEGMENT_ABI, 1},
		{"POLICY_SEGMENT_ABI", POLICY_SEGMENT_ABI, 2},
		{"super", sizeof(struct segment_super), 192},
		{"super.abi", offsetof(struct segment_super, abi), 8},
		{"super.user_abi", offsetof(struct segment_super, user_abi), 12},
		{"super.id", offsetof(struct segment_super, id), 16},
		{"super.sum", offsetof(struct segment_super, sum), 48},
		{"super.live", offsetof(struct segment_super, live), 64},
		{"super.epoch", offsetof(struct segment_super, epoch), 72},
		{"super.shadow", offsetof(struct segment_super, shadow), 80},
		{"super.facts", offsetof(struct segment_super, facts), 88},
		{"super.extents", offsetof(struct segment_super, extents), 96},
		{"super.preparing", offsetof(struct segment_super, preparing), 128},
		{"area", sizeof(struct segment_area), 16384},
		{"area.slot", offsetof(struct segment_area, slot), 64},
		{"slot", sizeof(struct segment_slot), 64},
		{"entry", sizeof(struct table_entry), 32},
		{"entry.h2", offsetof(struct table_entry, h2), 8},
		{"entry.domain", offsetof(struct table_entry, domain), 16},
		{"tail", sizeof(struct table_tail), 8},
		{"table_ref", sizeof(struct table_ref), 48},
		{"root", sizeof(struct policy_root), 464},
		{"root.users", offsetof(struct policy_root, users), 64},
		{"root.small", offsetof(struct policy_root, small), 208},
		{"small_head", sizeof(struct policy_small_head), 32},
		{"fact", sizeof(struct policy_fact), 1056},
		{"fact_dir", sizeof(struct policy_fact_dir), 64},
		{"domain", sizeof(struct policy_domain), 16},
		{"domain.limit_class", offsetof(struct policy_domain, limit_class), 6},
		{"domain.partner", offsetof(struct policy_domain, partner), 8},
		{"user", sizeof(struct policy_user), 8},
		{"partner", sizeof(struct policy_partner), 32},
		{"partner.proxy_fqdn", offsetof(struct policy_partner, proxy_fqdn), 12},
		{"site", sizeof(struct policy_site), 16},
		{"own_domain", sizeof(struct policy_own_domain), 24},
		{"identity", sizeof(struct policy_identity), 48},
		{"identity.server_certificate", offsetof(struct policy_identity, server_certificate), 24},
		{"listener", sizeof(struct policy_listener), 32},
		{"listener.port", offsetof(struct policy_listener, port), 28},
		{"certificate", sizeof(struct policy_certificate), 24},
		{"certificate.key", offsetof(struct policy_certificate, key), 16},
		{"trust", sizeof(struct policy_trust), 20},
		{"inner", sizeof(struct policy_inner), 16},
		{"secret", sizeof(struct policy_secret), 16},
		{"secret.slot", offsetof(struct policy_secret, slot), 9},
		{"provider", sizeof(struct policy_provider), 28},
		{"hop", sizeof(struct policy_hop), 28},
		{"route_set", sizeof(struct policy_route_set), 24},
		{"limit_class", sizeof(struct policy_limit_class), 64},
		{"tls_profile", sizeof(struct policy_tls_profile), 40},
		{"tls_profile.trust", offsetof(struct policy_tls_profile, trust), 16},
		{"box", sizeof(struct policy_box), 36},
		{"box.external_tls_profile", offsetof(struct policy_box, external_tls_profile), 24},
		{"dns", sizeof(struct policy_dns), 1024},
	};
	struct table_key key;
	unsigned labels;

	for (unsigned i = 0; i < sizeof(golden) / sizeof(golden[0]); i++)
		if (golden[i].is != golden[i].must)
			fail_msg("%s is %zu, on record as %zu", golden[i].what, golden[i].is, golden[i].must);
	/* hashes are layout too */
	table_key_expand(&key, &(struct keyhash_key){1, 2});
	assert_int_equal(table_hash_name(&key, rig_name("sip.contoso.com"), &labels).h2, 0xa67879e6086f58c8u);
	assert_int_equal(labels, 3);
}

static enum segment_refusal refusal(const struct rig *rig, int *err)
{
	enum segment_refusal why = SEGMENT_REFUSED_none;
	struct segment seg;

	*err = segment_attach(&seg, rig->dir, POLICY_SEGMENT_NAME, POLICY_SEGMENT_ABI, &why);
	if (*err == 0)
		segment_close(&seg);
	return why;
}

/* writes into the superblock on disk, past the writer */
static void poke(const struct rig *rig, off_t at, const void *data, size_t len, bool resum)
{
	struct segment_super s;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s.super", rig->dir, POLICY_SEGMENT_NAME);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, len, at), len);
	if (resum) {
		assert_int_equal(pread(fd, &s, sizeof(s), 0), sizeof(s));
		s.sum = keyhash_sum(&s, offsetof(struct segment_super, sum));
		assert_int_equal(pwrite(fd, &s, sizeof(s), 0), sizeof(s));
	}
	close(fd);
}

static void refusals(void **state)
{
	struct segment_super good;
	char path[128], extent[160];
	struct rig rig;
	uint32_t other;
	uint8_t shift = 40;
	int err, fd;

	rig_init(&rig);
	good = *rig.seg.super;
	assert_int_equal(refusal(&rig, &err), SEGMENT_REFUSED_none);

	/* a second writer */
	{
		struct policy_writer *w;
		enum segment_refusal why;

		assert_int_equal(policy_writer_open(&w, &rig.cfg, &why), -EBUSY);
		assert_int_equal(why, SEGMENT_REFUSED_busy);
	}
	poke(&rig, 0, "NOTAPOLI", 8, true);
	assert_int_equal(refusal(&rig, &err), SEGMENT_REFUSED_foreign);
	poke(&rig, 0, &good, 64, false);
	other = SEGMENT_ABI - 1;
	poke(&rig, offsetof(struct segment_super, abi), &other, 4, true);
	assert_int_equal(refusal(&rig, &err), SEGMENT_REFUSED_abi);
	assert_int_equal(err, -EPROTO);
	poke(&rig, 0, &good, 64, false);
	other = POLICY_SEGMENT_ABI + 1;
	poke(&rig, offsetof(struct segment_super, user_abi), &other, 4, true);
	assert_int_equal(refusal(&rig, &err), SEGMENT_REFUSED_abi);
	poke(&rig, 0, &good, 64, false);
	poke(&rig, offsetof(struct segment_super, id), "x", 1, false);
	assert_int_equal(refusal(&rig, &err), SEGMENT_REFUSED_checksum);
	poke(&rig, 0, &good, 64, false);
	poke(&rig, offsetof(struct segment_super, extent_shift), &shift, 1, true);
	assert_int_equal(refusal(&rig, &err), SEGMENT_REFUSED_geometry);
	poke(&rig, 0, &good, 64, false);
	{
		uint64_t many = 100000;

		poke(&rig, offsetof(struct segment_super, extents), &many, 8, false);
		assert_int_equal(refusal(&rig, &err), SEGMENT_REFUSED_geometry);
		many = good.extents + 1;
		poke(&rig, offsetof(struct segment_super, extents), &many, 8, false);
		assert_int_equal(refusal(&rig, &err), SEGMENT_REFUSED_extent_absent);
		many = good.extents;
		poke(&rig, offsetof(struct segment_super, extents), &many, 8, false);
	}
	assert_int_equal(refusal(&rig, &err), SEGMENT_REFUSED_none);

	/* files that are too short, each of them. The mappings that live must not be touched meanwhile. */
	segment_close(&rig.seg);
	policy_writer_close(rig.w);
	rig.w = NULL;
	snprintf(extent, sizeof(extent), "%s/%s.%016llx.000", rig.dir, POLICY_SEGMENT_NAME,
		 (unsigned long long)good.id);
	assert_int_equal(truncate(extent, 4096), 0);
	assert_int_equal(refusal(&rig, &err), SEGMENT_REFUSED_extent_truncated);
	assert_int_equal(truncate(extent, 1 << 20), 0);
	snprintf(path, sizeof(path), "%s/%s.%016llx.readers", rig.dir, POLICY_SEGMENT_NAME,
		 (unsigned long long)good.id);
	assert_int_equal(truncate(path, 100), 0);
	assert_int_equal(refusal(&rig, &err), SEGMENT_REFUSED_readers);
	assert_int_equal(truncate(path, sizeof(struct segment_readers)), 0);
	assert_int_equal(refusal(&rig, &err), SEGMENT_REFUSED_none);
	/* the extent came back as zeroes: the root is gone, and both sides say so */
	{
		struct policy_writer *w;
		enum segment_refusal why;
		struct segment seg;

		assert_int_equal(policy_writer_open(&w, &rig.cfg, &why), -EBADMSG);
		assert_int_equal(why, SEGMENT_REFUSED_root);
		assert_int_equal(segment_attach(&seg, rig.dir, POLICY_SEGMENT_NAME, POLICY_SEGMENT_ABI, &why),
				 0);
		assert_int_equal(policy_reader_validate(&seg, 0), SEGMENT_REFUSED_root);
		segment_close(&seg);
	}
	snprintf(path, sizeof(path), "%s/%s.super", rig.dir, POLICY_SEGMENT_NAME);
	assert_int_equal(truncate(path, 4000), 0);
	assert_int_equal(refusal(&rig, &err), SEGMENT_REFUSED_truncated);
	assert_int_equal(truncate(path, 10), 0);
	assert_int_equal(refusal(&rig, &err), SEGMENT_REFUSED_truncated);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(refusal(&rig, &err), SEGMENT_REFUSED_absent);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(refusal(&rig, &err), SEGMENT_REFUSED_truncated);
	rig_fini(&rig);
}

/* a new segment takes the name while an old one is in use: the old one stays as it is until its reader turns
 */
static void replaced(void **state)
{
	struct policy_writer_config cfg;
	struct policy_writer *fresh;
	struct policy_reader r;
	struct segment seg;
	struct rig rig;

	rig_init(&rig);
	policy_reader_init(&r, &rig.seg, 0);
	assert_non_null(policy_reader_wake(&r));
	assert_int_equal(segment_poll(&rig.seg), 0);
	cfg = rig.cfg;
	cfg.segment.id = 0x77;
	/* one writer at a time */
	assert_int_equal(policy_writer_create(&fresh, &cfg, NULL), -EBUSY);
	policy_writer_close(rig.w);
	assert_int_equal(policy_writer_create(&rig.w, &cfg, NULL), 0);
	assert_int_equal(segment_poll(&rig.seg), 0);
	assert_int_equal(policy_writer_publish(rig.w), 0);
	assert_int_equal(segment_poll(&rig.seg), 1);
	assert_non_null(policy_reader_burst(&r));
	assert_int_equal(segment_attach(&seg, rig.dir, POLICY_SEGMENT_NAME, POLICY_SEGMENT_ABI, NULL), 0);
	assert_int_equal(seg.id, 0x77);
	policy_reader_sleep(&r);
	segment_close(&rig.seg);
	rig.seg = seg;
	rig_fini(&rig);
}

static void areas(void **state)
{
	struct segment seg[SEGMENT_AREAS];
	enum segment_refusal why;
	struct segment more;
	struct rig rig;
	int status;
	pid_t pid;

	rig_init(&rig);
	seg[0] = rig.seg;
	for (unsigned i = 1; i < SEGMENT_AREAS; i++)
		assert_int_equal(
			segment_attach(&seg[i], rig.dir, POLICY_SEGMENT_NAME, POLICY_SEGMENT_ABI, &why), 0);
	assert_int_equal(segment_attach(&more, rig.dir, POLICY_SEGMENT_NAME, POLICY_SEGMENT_ABI, &why),
			 -EUSERS);
	assert_int_equal(why, SEGMENT_REFUSED_readers_full);
	segment_close(&seg[3]);
	/* a process that is killed leaves its pin behind, and the pin counts for nothing */
	pid = fork();
	if (pid == 0) {
		struct policy_reader r;

		if (segment_attach(&more, rig.dir, POLICY_SEGMENT_NAME, POLICY_SEGMENT_ABI, &why) < 0)
			_exit(1);
		policy_reader_init(&r, &more, 0);
		policy_reader_wake(&r);
		raise(SIGKILL);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	{
		struct policy_txn *txn;
		unsigned blocking;
		uint64_t e;

		txn = policy_txn_begin(rig.w, false);
		assert_int_equal(rig_put(txn, rig.w, "a.net", POLICY_DOMAIN_ALLOWED, 0, 1), 0);
		assert_int_equal(policy_txn_commit(txn), 0);
		e = segment_epoch_begin(&rig.w->seg);
		assert_int_equal(segment_epoch_min(&rig.w->seg, &blocking), e);
		assert_int_equal(blocking, 0);
	}
	for (unsigned i = 1; i < SEGMENT_AREAS; i++)
		if (i != 3)
			segment_close(&seg[i]);
	rig_fini(&rig);
}

/* growth that waits: nothing refers to an extent before every living reader has mapped it */
static void slow_mapper(void **state)
{
	struct rig rig;
	int err = 0, puts = 0;
	struct policy_txn *txn;
	uint32_t mapped;
	char text[64];

	rig_init(&rig);
	mapped = rig.seg.mapped;
	txn = policy_txn_begin(rig.w, true);
	for (int i = 0; i < 400000; i++) {
		snprintf(text, sizeof(text), "n%d.example.org", puts);
		err = policy_txn_put_domain(txn, rig_name(text),
					    &(struct policy_domain){.type = POLICY_DOMAIN_ALLOWED}, NULL,
					    rig_name(""));
		if (err == 0)
			puts++;
		else
			policy_writer_step(rig.w, POLICY_WRITER_UNITS);
		if (rig.w->seg.mapped > mapped + 1)
			break;
	}
	/* one extent ahead, and not a step further; an emergency passes all the same */
	assert_int_equal(err, -EAGAIN);
	assert_int_equal(rig.w->seg.mapped, mapped + 1);
	assert_true(rig.w->heap.usable <= (uint64_t)mapped << (20 - 12));
	assert_int_equal(policy_writer_block(rig.w, rig_name("evil.example.org"), true), 0);
	assert_int_equal(segment_poll(&rig.seg), 0);
	assert_int_equal(rig.seg.mapped, mapped + 1);
	for (int i = 0;
	     i < 100 && (err = policy_txn_put_domain(txn, rig_name(text), &(struct policy_domain){.type = 1},
						     NULL, rig_name(""))) == -EAGAIN;
	     i++)
		policy_writer_step(rig.w, POLICY_WRITER_UNITS);
	assert_int_equal(err, 0);
	policy_txn_abort(txn);
	assert_int_equal(policy_writer_settle(rig.w, 25000), 0);
	rig_fini(&rig);
}

static void full_in_namespace(const char *dir)
{
	struct policy_writer_config cfg = {
		.segment = {.dir = dir,
			    .name = POLICY_SEGMENT_NAME,
			    .id = 9,
			    .extent_shift = 20,
			    .span_shift = 12,
			    .group = (gid_t)-1},
		.key = {1, 2},
		.facts = 16,
	};
	struct policy_reader r;
	struct policy_writer *w;
	struct policy_txn *txn;
	struct segment seg;
	struct policy_name first = rig_name("n0.example.org");
	struct policy_hit hit;
	const struct policy_view *view;
	int err = 0, puts = 0;
	char text[64];

	assert_int_equal(policy_writer_create(&w, &cfg, NULL), 0);
	assert_int_equal(policy_writer_publish(w), 0);
	assert_int_equal(segment_attach(&seg, dir, POLICY_SEGMENT_NAME, POLICY_SEGMENT_ABI, NULL), 0);
	policy_reader_init(&r, &seg, 0);
	policy_reader_wake(&r);
	/* what is committed before the disk is full stays; what does not fit any more is refused, and only
	 * that */
	txn = policy_txn_begin(w, false);
	assert_int_equal(rig_put(txn, w, "n0.example.org", POLICY_DOMAIN_ALLOWED, 0, 7), 0);
	assert_int_equal(policy_txn_commit(txn), 0);
	txn = policy_txn_begin(w, true);
	for (int i = 0; i < 2000000 && err != -ENOSPC; i++) {
		snprintf(text, sizeof(text), "n%d.example.org", puts);
		err = policy_txn_put_domain(txn, rig_name(text),
					    &(struct policy_domain){.type = POLICY_DOMAIN_ALLOWED}, NULL,
					    rig_name(""));
		if (err == 0) {
			puts++;
		} else {
			policy_writer_step(w, POLICY_WRITER_UNITS);
			segment_poll(&seg);
			policy_reader_burst(&r);
		}
	}
	assert_int_equal(err, -ENOSPC);
	if (puts < 1000)
		fail_msg("only %d entries in 6 MiB", puts);
	assert_int_equal(policy_writer_block(w, rig_name("evil.example.org"), true), 0);
	policy_txn_abort(txn);
	view = policy_reader_burst(&r);
	view->ops->domains(view, &first, 1, &hit);
	assert_int_equal(hit.allow.entry->limit_class, 7);
	/* the abort gave the memory back */
	policy_reader_sleep(&r);
	/* what was being made meanwhile is waited for by the index, and must be mapped by the reader first */
	for (unsigned i = 0; i < 50 && (err = policy_writer_settle(w, 100)) == -ETIMEDOUT; i++)
		segment_poll(&seg);
	assert_int_equal(err, 0);
	txn = policy_txn_begin(w, true);
	assert_int_equal(rig_put(txn, w, "later.example.org", POLICY_DOMAIN_ALLOWED, 0, 7), 0);
	assert_int_equal(rig_commit(txn, w), 0);
	assert_int_equal(policy_reader_validate(&seg, 3), SEGMENT_REFUSED_none);
	segment_close(&seg);
	policy_writer_close(w);
}

static void file_system_full(void **state)
{
	(void)state;
	if (rig_small_disk("6m", full_in_namespace))
		return;
	print_message("no right to mount a small tmpfs\n");
	skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout), cmocka_unit_test(refusals),	 cmocka_unit_test(replaced),
		cmocka_unit_test(areas),  cmocka_unit_test(slow_mapper), cmocka_unit_test(file_system_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
