/* SPDX-License-Identifier: BSD-3-Clause */
/* picks RUNDIR DOMAIN COUNT: chooses COUNT times among the targets that the segment knows for a domain, as a
 * worker does, and says how often each came first: "NAME TIMES" a line. */
#include "config/policy/choice.h"
#include "config/policy/fact.h"
#include "config/policy/reader.h"
#include "config/policy/writer.h"
#include "dataplane/base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TARGETS = 128 };

struct tally {
	char name[POLICY_NAME_MAX + 1];
	unsigned times;
};

static struct tally *tally_of(struct tally *all, unsigned *n, const char *name)
{
	for (unsigned i = 0; i < *n; i++)
		if (strcmp(all[i].name, name) == 0)
			return &all[i];
	if (*n == TARGETS)
		return NULL;
	snprintf(all[*n].name, sizeof(all[*n].name), "%s", name);
	return &all[(*n)++];
}

int main(int argc, char **argv)
{
	static struct policy_target out[TARGETS];
	static struct tally all[TARGETS];
	struct policy_route route = {.way = POLICY_WAY_SRV, .identity_check = POLICY_IDENTITY_EITHER};
	struct policy_shortfall shortfall;
	const struct policy_view *view;
	enum segment_refusal why = SEGMENT_REFUSED_none;
	struct policy_reader reader;
	struct base_rng rng;
	struct segment seg;
	struct timespec now;
	unsigned n = 0, count = argc == 4 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;

	if (!count) {
		fputs("picks RUNDIR DOMAIN COUNT\n", stderr);
		return 64;
	}
	if (segment_attach(&seg, argv[1], POLICY_SEGMENT_NAME, POLICY_SEGMENT_ABI, &why) ||
	    policy_reader_init(&reader, &seg, 0)) {
		fprintf(stderr, "%s: %s\n", argv[1], segment_refusal_text(why));
		return 1;
	}
	view = policy_reader_wake(&reader);
	if (!view)
		return 1;
	clock_gettime(CLOCK_MONOTONIC, &now);
	route.domain = policy_name_of(argv[2]);
	base_rng_seed(&rng, 1);
	for (unsigned i = 0; i < count; i++) {
		struct tally *t;

		if (!policy_targets(view, &route, NULL,
				    (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
				    base_rng_next(&rng), out, TARGETS, &shortfall)) {
			fprintf(stderr, "%s has no targets (%u without address, %u unknown)\n", argv[2],
				shortfall.unresolved, shortfall.unknown);
			return 1;
		}
		t = tally_of(all, &n, out[0].name);
		if (t)
			t->times++;
	}
	for (unsigned i = 0; i < n; i++)
		printf("%s %u\n", all[i].name, all[i].times);
	policy_reader_sleep(&reader);
	segment_close(&seg);
	return 0;
}
