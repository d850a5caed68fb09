/* SPDX-License-Identifier: BSD-3-Clause */
/* Watched files: which changes are told, that none between two watches is lost, and that many certificates of
 * one directory do not use up the room of others. */
#include "controlplane/daemon/file_watch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
	struct event_base *base;
	struct shelf shelf, *is;
	struct file_watch watch;
	char dir[64];
	unsigned told;
};

static void changed(void *ctx)
{
	((struct world *)ctx)->told++;
}

static void touch(const struct world *w, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	close(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
}

static void names(struct world *w, unsigned item, const char *name)
{
	schema_text_printf(&w->shelf.item[item].paths, "%s/%s\n", w->dir, name);
}

static void begin(struct world *w)
{
	file_watch_begin(&w->watch, w->base, &w->is, changed, w);
}

/* what was told since the last time */
static unsigned turn(struct world *w)
{
	unsigned was = w->told;

	event_base_loop(w->base, EVLOOP_NONBLOCK);
	return w->told - was;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	w->base = event_base_new();
	w->shelf.item = calloc(2, sizeof(*w->shelf.item));
	w->shelf.n = 2;
	w->is = &w->shelf;
	w->watch.fd = -1;
	snprintf(w->dir, sizeof(w->dir), "/tmp/file-watch-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	char command[128];

	file_watch_end(&w->watch);
	event_base_free(w->base);
	for (unsigned i = 0; i < 2; i++)
		schema_text_fini(&w->shelf.item[i].paths);
	free(w->shelf.item);
	snprintf(command, sizeof(command), "rm -r %s", w->dir);
	assert_int_equal(system(command), 0);
	free(w);
	return 0;
}

static void tells_of_its_files_alone(void **state)
{
	struct world *w = *state;
	char sub[96];

	names(w, 0, "edge.pem");
	names(w, 0, "edge.key");
	begin(w);
	assert_int_equal(turn(w), 0);
	touch(w, "edge.pem");
	touch(w, "edge.key");
	assert_int_equal(turn(w), 1); /* once for what came together */
	touch(w, "edge.pem2");
	touch(w, "dge.pem");
	assert_int_equal(turn(w), 0);
	/* a directory that is swapped by its link */
	snprintf(sub, sizeof(sub), "%s/..data", w->dir);
	mkdir(sub, 0700);
	assert_int_equal(turn(w), 1);
	w->is = NULL;
	touch(w, "edge.pem");
	assert_int_equal(turn(w), 0);
}

static void loses_nothing_between_two_shelves(void **state)
{
	struct world *w = *state;

	names(w, 0, "edge.pem");
	begin(w);
	touch(w, "edge.pem"); /* while the next shelf is being read */
	begin(w);
	assert_int_equal(w->told, 1);
	assert_int_equal(turn(w), 0);
	begin(w);
	assert_int_equal(w->told, 1);
}

static void many_of_one_directory(void **state)
{
	struct world *w = *state;
	char name[32], sub[96];

	for (unsigned i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "c%u.pem", i);
		names(w, 0, name);
	}
	snprintf(sub, sizeof(sub), "%s/sub", w->dir);
	mkdir(sub, 0700);
	names(w, 1, "sub/ca.pem");
	begin(w);
	assert_int_equal(w->watch.n, 2);
	touch(w, "sub/ca.pem");
	assert_int_equal(turn(w), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tells_of_its_files_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(loses_nothing_between_two_shelves, setup, teardown),
		cmocka_unit_test_setup_teardown(many_of_one_directory, setup, teardown),
	};

	return cmocka_run_group_tests_name("file_watch", tests, NULL, NULL);
}
