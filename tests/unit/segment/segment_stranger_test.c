/* SPDX-License-Identifier: BSD-3-Clause */
/* What others may put in a segment's place or do beside it: files that are no files, rights that are missing,
 * a replacement in the middle of an attach, a reader that says nonsense. Never a hang, always a reason. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/policy/writer_internal.h"
#include "tests/unit/segment/rig.h"

enum { NOBODY = 65534 };

static void path_of(char out[160], const struct rig *rig, const char *tail)
{
	if (tail[0])
		snprintf(out, 160, "%s/%s.%016llx.%s", rig->dir, POLICY_SEGMENT_NAME,
			 (unsigned long long)rig->cfg.segment.id, tail);
	else
		snprintf(out, 160, "%s/%s.super", rig->dir, POLICY_SEGMENT_NAME);
}

/* in place of each of its files: a FIFO that nobody writes to, a folder, a link to the very file, a device */
static void no_files(void **state)
{
	static const char *const tails[3] = {"", "readers", "000"};
	struct rig rig;

	rig_init(&rig);
	segment_close(&rig.seg);
	memset(&rig.seg, 0, sizeof(rig.seg));
	policy_writer_close(rig.w);
	for (unsigned i = 0; i < 3; i++) {
		char path[160], aside[170];

		path_of(path, &rig, tails[i]);
		snprintf(aside, sizeof(aside), "%s.aside", path);
		assert_int_equal(rename(path, aside), 0);
		for (unsigned kind = 0; kind < 4; kind++) {
			enum segment_refusal why = SEGMENT_REFUSED_none;
			struct segment seg;

			if (kind == 0)
				assert_int_equal(mkfifo(path, 0600), 0);
			else if (kind == 1)
				assert_int_equal(mkdir(path, 0700), 0);
			else if (kind == 2)
				assert_int_equal(symlink(aside, path), 0);
			else if (mknod(path, S_IFCHR | 0600, 1 << 8 | 5) < 0) /* /dev/zero */
				break;
			alarm(10);
			assert_true(segment_attach(&seg, rig.dir, POLICY_SEGMENT_NAME, POLICY_SEGMENT_ABI,
						   &why) < 0);
			assert_int_not_equal(why, SEGMENT_REFUSED_none);
			assert_true(policy_writer_open(&rig.w, &rig.cfg, &why) < 0);
			assert_int_not_equal(why, SEGMENT_REFUSED_none);
			alarm(0);
			assert_int_equal(kind == 1 ? rmdir(path) : unlink(path), 0);
		}
		assert_int_equal(rename(aside, path), 0);
	}
	assert_int_equal(policy_writer_open(&rig.w, &rig.cfg, NULL), 0);
	rig_fini(&rig);
}

/* who is not of the readers' group is not let in, and who is cannot write what is not his */
static void rights(void **state)
{
	struct rig rig;
	int status;
	pid_t pid;

	if (geteuid() != 0) {
		print_message("only root can become somebody else\n");
		skip();
	}
	rig_dir(&rig);
	rig.cfg.segment.group = 4242;
	assert_int_equal(policy_writer_create(&rig.w, &rig.cfg, NULL), 0);
	assert_int_equal(policy_writer_publish(rig.w), 0);
	assert_int_equal(chmod(rig.dir, 0711), 0);
	for (unsigned member = 0; member < 2; member++) {
		pid = fork();
		if (pid == 0) {
			enum segment_refusal why;
			struct policy_reader r;
			struct segment seg;
			char path[160];
			int err;

			/* a search permission is enough where the folder cannot be listed */
			if (setgroups(0, NULL) < 0 || setgid(member ? 4242 : NOBODY) < 0 ||
			    setuid(NOBODY) < 0)
				_exit(1);
			err = segment_attach(&seg, rig.dir, POLICY_SEGMENT_NAME, POLICY_SEGMENT_ABI, &why);
			if (!member)
				_exit(err == -EACCES && why == SEGMENT_REFUSED_access ? 0 : 2);
			if (err || policy_reader_init(&r, &seg, 0) < 0 || !policy_reader_wake(&r))
				_exit(3);
			path_of(path, &rig, "000");
			if (open(path, O_RDWR) >= 0)
				_exit(4);
			path_of(path, &rig, "");
			if (open(path, O_RDWR) >= 0 || unlink(path) == 0)
				_exit(5);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		if (status)
			fail_msg("member %u: status %x", member, status);
	}
	rig_fini(&rig);
}

struct publisher {
	const char *dir;
	unsigned first, rounds, least; /* so many segments, and as many until so many were attached */
	unsigned attached;	       /* atomic */
	bool done;		       /* atomic */
};

static void *publisher_run(void *arg)
{
	struct publisher *p = arg;
	struct segment_config cfg = {.dir = p->dir,
				     .name = "race",
				     .user_abi = 9,
				     .extent_shift = 16,
				     .span_shift = 12,
				     .group = (gid_t)-1};

	for (unsigned i = 1; i <= p->rounds || __atomic_load_n(&p->attached, __ATOMIC_RELAXED) < p->least;
	     i++) {
		struct segment seg;

		cfg.id = p->first + i;
		if (segment_create(&seg, &cfg, NULL) < 0 || segment_grow(&seg, true) != 1 ||
		    segment_publish(&seg) < 0)
			abort();
		segment_close(&seg);
	}
	__atomic_store_n(&p->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* one segment after another takes the name, and the files of the last one go: whoever attaches gets one */
static void replaced_while_attaching(void **state)
{
	struct publisher first, p;
	pthread_t thread;
	struct rig rig;

	rig_dir(&rig);
	first = (struct publisher){.dir = rig.dir, .rounds = 1};
	publisher_run(&first);
	p = (struct publisher){.dir = rig.dir, .first = 1, .rounds = 600, .least = 21};
	assert_int_equal(pthread_create(&thread, NULL, publisher_run, &p), 0);
	while (!__atomic_load_n(&p.done, __ATOMIC_ACQUIRE)) {
		enum segment_refusal why;
		struct segment seg;
		int err = segment_attach(&seg, rig.dir, "race", 9, &why), rc;

		if (err)
			fail_msg("after %u: %s", p.attached, segment_refusal_text(why));
		rc = segment_poll(&seg);
		if (rc < 0)
			fail_msg("poll: %s", strerror(-rc));
		segment_close(&seg);
		__atomic_fetch_add(&p.attached, 1, __ATOMIC_RELAXED);
	}
	pthread_join(thread, NULL);
	segment_remove(rig.dir, "race");
	rmdir(rig.dir);
}

/* A reader may write its own area, and a hostile one writes anything there. It can hold memory back while it
 * lives, and nothing else. */
static void area_of_nonsense(void **state)
{
	static const uint64_t numbers[] = {
		0, 1, 2, SEGMENT_SLOTS, SEGMENT_SLOTS + 1, UINT32_MAX, 1ull << 32, 1ull << 63, UINT64_MAX};
	enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };
	struct segment_area *area;
	uint64_t rnd = 12;
	struct rig rig;
	char text[64];

	rig_init(&rig);
	area = &rig.seg.readers->area[rig.seg.area];
	for (unsigned round = 0; round < 3000; round++) {
		struct policy_txn *txn;
		unsigned at = (unsigned)(rig_random(&rnd) % 6);
		uint64_t value = numbers[rig_random(&rnd) % NUMBERS];
		int err;

		if (at == 0)
			__atomic_store_n(&area->mapped, value, __ATOMIC_SEQ_CST);
		else if (at == 1)
			__atomic_store_n(&area->slots, value, __ATOMIC_SEQ_CST);
		else
			__atomic_store_n(&area->slot[rig_random(&rnd) % SEGMENT_SLOTS].epoch, value,
					 __ATOMIC_SEQ_CST);
		txn = policy_txn_begin(rig.w, round & 1);
		assert_non_null(txn);
		snprintf(text, sizeof(text), "n%u.example.org", (unsigned)(rig_random(&rnd) % 500));
		err = policy_txn_put_domain(txn, rig_name(text),
					    &(struct policy_domain){.type = POLICY_DOMAIN_ALLOWED}, NULL,
					    rig_name(""));
		assert_true(err == 0 || err == -EAGAIN || err == -EBUSY);
		if (policy_txn_commit(txn) < 0)
			policy_txn_abort(txn);
		assert_int_equal(policy_writer_block(rig.w, rig_name("evil.example.org"), round & 2), 0);
		policy_writer_step(rig.w, POLICY_WRITER_UNITS);
		/* an extent is referred to only when everybody has it: never beyond what is there */
		assert_true(rig.w->heap.usable <= (uint64_t)rig.w->seg.mapped << (20 - 12));
	}
	/* it is gone, and with it what it held */
	segment_close(&rig.seg);
	memset(&rig.seg, 0, sizeof(rig.seg));
	assert_int_equal(policy_writer_settle(rig.w, 25000), 0);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_files),
		cmocka_unit_test(rights),
		cmocka_unit_test(replaced_while_attaching),
		cmocka_unit_test(area_of_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
