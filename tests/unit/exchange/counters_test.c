/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/exchange/counters.h"

static const struct counters_metric rows[] = {
	{"frames", "frames received", COUNTERS_SUM},
	{"drop.short", "too short", COUNTERS_SUM},
	{"link", "up|down|lost", COUNTERS_STATE},
};
static const char *const cores[] = {"0", "1", "2"};
static const char *const one[] = {"process"};
static const struct counters_spec specs[] = {
	{"process", rows, 2, 1, one},
	{"net", rows, 3, 3, cores},
	{"empty", rows, 1, 0, NULL},
};

struct fixture {
	char dir[64], file[80];
	int fd;
	struct counters c;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/counters-test.XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->file, sizeof(f->file), "%s/counters", f->dir);
	f->fd = open(f->dir, O_RDONLY | O_DIRECTORY);
	*state = f;
	return counters_create(&f->c, f->fd, specs, 3, 1000);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	counters_close(&f->c, 2000);
	unlink(f->file);
	close(f->fd);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void what_is_written_is_read(void **state)
{
	struct fixture *f = *state;
	struct counters_view v;
	const struct counters_table *t;
	const char *why;
	struct stat st;

	counters_values(&f->c, "net", 2)[1] = 42;
	counters_values(&f->c, "net", 0)[0] = UINT64_MAX;
	assert_null(counters_values(&f->c, "net", 3));
	assert_null(counters_values(&f->c, "nut", 0));
	assert_int_equal(counters_read(&v, f->dir, &why), 0);
	assert_true(v.alive);
	assert_int_equal(v.super->n_tables, 3);
	t = &v.super->tables[1];
	assert_string_equal(t->name, "net");
	assert_string_equal(counters_view_row(&v, t, 1)->name, "drop.short");
	assert_string_equal(counters_view_row(&v, t, 2)->help, "up|down|lost");
	assert_int_equal(counters_view_row(&v, t, 2)->kind, COUNTERS_STATE);
	assert_string_equal(counters_view_instance(&v, t, 2), "2");
	assert_int_equal(counters_view_value(&v, t, 2, 1), 42);
	assert_int_equal(counters_view_value(&v, t, 1, 1), 0);
	assert_true(counters_view_value(&v, t, 0, 0) == UINT64_MAX);
	counters_view_free(&v);
	assert_int_equal(stat(f->file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	/* all of it is there: a full tmpfs cannot become a SIGBUS later */
	assert_true((uint64_t)st.st_blocks * 512 >= f->c.super->bytes);
}

static void workers_share_no_cache_line(void **state)
{
	struct fixture *f = *state;
	uintptr_t a = (uintptr_t)counters_values(&f->c, "net", 0),
		  b = (uintptr_t)counters_values(&f->c, "net", 1);

	assert_int_equal(a % 128, 0);
	assert_true(b - a >= 128);
}

static void the_dead_are_told_from_the_living(void **state)
{
	struct fixture *f = *state;
	struct counters_view v;
	const char *why;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct counters own;

		_exit(counters_create(&own, f->fd, specs, 3, 1) ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(counters_read(&v, f->dir, &why), 0);
	assert_int_equal(v.super->pid, pid);
	assert_false(v.alive);
	assert_int_equal(v.super->stopped_ns, 0); /* it did not end by itself */
	counters_view_free(&v);

	/* a process with that number which began at another time is somebody else */
	assert_int_equal(counters_create(&f->c, f->fd, specs, 3, 1), 0);
	f->c.super->pid_started ^= 1;
	assert_int_equal(counters_read(&v, f->dir, &why), 0);
	assert_false(v.alive);
	counters_view_free(&v);
}

static void expect_refused(struct fixture *f, const char *says)
{
	struct counters_view v;
	const char *why = "";
	int rc = counters_read(&v, f->dir, &why);

	if (rc != -EPROTO || !strstr(why, says))
		fail_msg("wanted '%s', got %d '%s'", says, rc, why);
	assert_null(v.super);
}

static void foreign_and_cut_files_are_refused(void **state)
{
	struct fixture *f = *state;
	uint64_t bytes = f->c.super->bytes;
	struct counters_view v;
	const char *why;

	f->c.super->magic++;
	expect_refused(f, "no counters file");
	f->c.super->magic--;
	f->c.super->version++;
	expect_refused(f, "another version");
	f->c.super->version--;
	f->c.super->n_tables = 17;
	expect_refused(f, "too many tables");
	f->c.super->n_tables = 3;
	f->c.super->tables[1].n_rows = 1u << 30;
	expect_refused(f, "past the end");
	f->c.super->tables[1].n_rows = 3;
	f->c.super->tables[1].values_at += bytes;
	expect_refused(f, "past the end");
	f->c.super->tables[1].values_at = UINT64_MAX - 7;
	expect_refused(f, "past the end");
	f->c.super->tables[1].values_at = 12;
	expect_refused(f, "past the end");

	/* our own map would fault beyond the cut, so look at the first page only from here */
	assert_int_equal(truncate(f->file, (off_t)bytes - 1), 0);
	expect_refused(f, "cut");
	assert_int_equal(truncate(f->file, 100), 0);
	expect_refused(f, "no counters file");
	assert_int_equal(truncate(f->file, 0), 0);
	expect_refused(f, "no counters file");
	unlink(f->file);
	assert_int_equal(counters_read(&v, f->dir, &why), -ENOENT);
	assert_int_equal(mkdir(f->file, 0700), 0);
	expect_refused(f, "no counters file");
	rmdir(f->file);
	f->c.super = NULL; /* the map has no file any more */
}

/* Damage anywhere: a reader says no or gives values, and touches nothing outside of its copy (ASan watches).
 */
static void damage_anywhere_is_survived(void **state)
{
	struct fixture *f = *state;
	size_t head = sizeof(struct counters_super);
	unsigned seed = 1, refused = 0, taken = 0;

	for (unsigned round = 0; round < 3000; round++) {
		size_t at = (size_t)rand_r(&seed) % head;
		uint8_t *byte = (uint8_t *)f->c.super + at, was = *byte;
		struct counters_view v;
		const char *why;

		*byte = (uint8_t)rand_r(&seed);
		if (counters_read(&v, f->dir, &why) == 0) {
			uint64_t sum = 0;

			taken++;
			for (unsigned i = 0; i < v.super->n_tables; i++) {
				const struct counters_table *t = &v.super->tables[i];

				for (unsigned n = 0; n < t->n_instances; n++)
					for (unsigned r = 0; r < t->n_rows; r++)
						sum += counters_view_value(&v, t, n, r) +
						       strlen(counters_view_row(&v, t, r)->name);
			}
			assert_true(sum < UINT64_MAX);
			counters_view_free(&v);
		} else {
			refused++;
		}
		*byte = was;
	}
	assert_true(refused > 100);
	assert_true(taken > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_written_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(workers_share_no_cache_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_dead_are_told_from_the_living, set_up, tear_down),
		cmocka_unit_test_setup_teardown(foreign_and_cut_files_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(damage_anywhere_is_survived, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
