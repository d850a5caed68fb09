/* SPDX-License-Identifier: BSD-3-Clause */
/* Growth: memory is made beside the writer and ahead of need, what cannot be had is said once and costs
 * nothing, and nothing half made is left behind. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/policy/writer_internal.h"
#include "config/segment/maker.h"
#include "tests/unit/segment/rig.h"

static int wait_for(const struct segment_maker *m)
{
	const struct timespec nap = {.tv_nsec = 200000};
	int rc = 0;

	for (int i = 0; i < 25000 && !(rc = segment_maker_poll(m)); i++)
		nanosleep(&nap, NULL);
	return rc;
}

static unsigned extents_of(const struct rig *rig)
{
	DIR *dir = opendir(rig->dir);
	struct dirent *e;
	unsigned n = 0;

	assert_non_null(dir);
	while ((e = readdir(dir))) {
		const char *dot = strrchr(e->d_name, '.');

		n += dot && strspn(dot + 1, "0123456789") == 3 && strlen(dot) == 4;
	}
	closedir(dir);
	return n;
}

static void memory_is_made(void **state)
{
	enum { LEN = 3 << 20 };
	struct segment_maker *m;
	struct stat st;
	struct rig rig;
	char path[96];
	int fd;

	rig_dir(&rig);
	snprintf(path, sizeof(path), "%s/file", rig.dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	m = segment_maker_start(fd, LEN, 4096 * 7);
	assert_non_null(m);
	assert_int_equal(wait_for(m), 1);
	segment_maker_stop(m);
	/* memory, not a hole: a store into it cannot fail any more */
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, LEN);
	assert_true(st.st_blocks * 512 >= LEN);
	close(fd);
	/* stopped early, and started where nothing can be made */
	fd = open(path, O_RDWR | O_TRUNC | O_CLOEXEC);
	m = segment_maker_start(fd, 1ull << 28, 4096);
	segment_maker_stop(m);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(st.st_blocks * 512 < 1 << 28);
	close(fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	m = segment_maker_start(fd, LEN, 4096);
	assert_int_equal(wait_for(m), -EBADF);
	segment_maker_stop(m);
	close(fd);
	segment_maker_stop(NULL);
	unlink(path);
	rmdir(rig.dir);
}

/* after every commit a whole extent is free again, before anybody asks for it */
static void ahead_of_need(void **state)
{
	const uint64_t extent = 1 << 20;
	struct rig rig;
	unsigned n = 0;

	rig_init(&rig);
	segment_close(&rig.seg); /* so that nobody has to map */
	memset(&rig.seg, 0, sizeof(rig.seg));
	for (unsigned round = 0; round < 6; round++) {
		struct policy_txn *txn;
		uint32_t mapped;

		assert_int_equal(policy_writer_settle(rig.w, 25000), 0);
		assert_true(heap_free_bytes(&rig.w->heap) >= extent);
		mapped = rig.w->seg.mapped;
		txn = policy_txn_begin(rig.w, true);
		/* half an extent of entries: no growth comes between */
		for (unsigned i = 0; i < extent / 2 / 80; i++) {
			struct policy_domain d = {.type = POLICY_DOMAIN_ALLOWED};
			char text[64];

			snprintf(text, sizeof(text), "n%u.example.org", n++);
			while (policy_txn_put_domain(txn, rig_name(text), &d, NULL, rig_name("")) == -EAGAIN)
				/* the index grows, and that may take an extent */
				policy_writer_step(rig.w, POLICY_WRITER_UNITS);
		}
		assert_int_equal(rig_commit(txn, rig.w), 0);
		assert_true(rig.w->seg.mapped <= mapped + 1);
	}
	assert_true(rig.w->seg.mapped >= 4);
	assert_int_equal(extents_of(&rig), rig.w->seg.mapped);
	rig_fini(&rig);
}

/* a writer that ends while an extent is being made takes it along; one that is killed leaves it to the next
 */
static void half_made(void **state)
{
	struct policy_writer *again;
	struct rig rig;
	uint32_t mapped;
	char path[128];
	int fd;

	rig_init(&rig);
	assert_int_equal(policy_writer_settle(rig.w, 25000), 0);
	/* it may be ready at once: then the next one */
	do {
		mapped = rig.w->seg.mapped;
	} while (segment_grow(&rig.w->seg, false) == 1);
	assert_true(segment_growing(&rig.w->seg));
	assert_int_equal(extents_of(&rig), mapped + 1);
	segment_close(&rig.seg);
	memset(&rig.seg, 0, sizeof(rig.seg));
	policy_writer_close(rig.w);
	assert_int_equal(extents_of(&rig), mapped);
	/* as a killed one leaves it: too short, and never announced */
	snprintf(path, sizeof(path), "%s/%s.%016llx.%03u", rig.dir, POLICY_SEGMENT_NAME,
		 (unsigned long long)rig.cfg.segment.id, mapped);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4096), 0);
	close(fd);
	assert_int_equal(policy_writer_open(&again, &rig.cfg, NULL), 0);
	rig.w = again;
	assert_int_equal(rig.w->seg.mapped, mapped);
	while (segment_grow(&rig.w->seg, false) == 0)
		;
	assert_int_equal(rig.w->seg.mapped, mapped + 1);
	rig_fini(&rig);
}

static void full_in_namespace(const char *dir)
{
	struct segment_config cfg = {.dir = dir,
				     .name = "full",
				     .id = 3,
				     .extent_shift = 20,
				     .span_shift = 12,
				     .group = (gid_t)-1};
	struct segment seg;
	struct stat st;
	char path[96];
	int fd, rc;

	assert_int_equal(segment_create(&seg, &cfg, NULL), 0);
	assert_int_equal(segment_publish(&seg), 0);
	while ((rc = segment_grow(&seg, false)) >= 0)
		;
	assert_int_equal(rc, -ENOSPC);
	assert_true(seg.mapped >= 1);
	assert_false(segment_growing(&seg));
	/* the file system still has what did not make a whole extent */
	snprintf(path, sizeof(path), "%s/other", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(fallocate(fd, 0, 0, 128 << 10), 0);
	/* a thread that runs out says so, and what it had goes with the file */
	struct segment_maker *m = segment_maker_start(fd, 8 << 20, 64 << 10);

	assert_int_equal(wait_for(m), -ENOSPC);
	segment_maker_stop(m);
	assert_int_equal(fstat(fd, &st), 0);
	close(fd);
	unlink(path);
	assert_int_equal(segment_grow(&seg, false), -ENOSPC);
	segment_close(&seg);
}

static void no_room(void **state)
{
	(void)state;
	if (rig_small_disk("3900k", full_in_namespace))
		return;
	print_message("no right to mount a small tmpfs\n");
	skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_made),
		cmocka_unit_test(ahead_of_need),
		cmocka_unit_test(half_made),
		cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
