/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/change.h"
#include "controlplane/daemon/import.h"
#include "controlplane/daemon/text.h"
#include "controlplane/store/idn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
	struct request *r;
	struct candidate *into;
	unsigned lines, reports;
};

static int sink_line(void *ctx, const char *line, char *why)
{
	struct run *run = ctx;
	struct schema_error error;
	int rc = candidate_line(run->into, line, 0, &error);

	if (rc) {
		snprintf(why, SCHEMA_WHY_MAX, "%s", error.why);
		return rc;
	}
	run->lines++;
	if (run->r->json) {
		struct schema_text t = {0};

		schema_text_puts(&t, "{\"set\":");
		schema_json_string(&t, line);
		schema_text_puts(&t, "}");
		reply_row(run->r, t.p, t.n);
		schema_text_fini(&t);
	} else {
		reply_text(run->r, "%s\n", line);
	}
	return 0;
}

static void sink_report(void *ctx, unsigned line, const char *what, const char *reason)
{
	struct run *run = ctx;
	struct schema_text t = {0};
	char plain[512];

	/* a value out of a file that somebody else wrote: neither lines of its own nor orders for a terminal
	 */
	snprintf(plain, sizeof(plain), "%s", what);
	for (char *p = plain; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	what = plain;
	run->reports++;
	if (!run->r->json) {
		reply_text(run->r, "# line %u: %s: %s\n", line, what, reason);
		return;
	}
	schema_text_printf(&t, "{\"line\":%u,\"what\":", line);
	schema_json_string(&t, what);
	schema_text_puts(&t, ",\"reason\":");
	schema_json_string(&t, reason);
	schema_text_puts(&t, "}");
	reply_row(run->r, t.p, t.n);
	schema_text_fini(&t);
}

static bool sink_has_partner(void *ctx, const char *domain)
{
	struct run *run = ctx;
	struct schema_source s = candidate_source(run->into);
	struct schema_text body = {0};
	bool has = s.get(s.ctx, schema_noun_index(schema_noun_named("partner")), domain, &body) == 1;

	schema_text_fini(&body);
	return has;
}

/* `set federation via-default-domain`, or the table's default; lies in `o` */
static const char *via_default(struct candidate *c, struct schema_object *o)
{
	const struct schema_noun *noun = schema_noun_named("federation");
	struct schema_source s = candidate_source(c);
	struct schema_text body = {0};

	schema_object_reset(o, noun, "");
	if (s.get(s.ctx, schema_noun_index(noun), "", &body) == 1 &&
	    schema_object_load(o, noun, "", body.p ? body.p : "", body.n))
		schema_object_reset(o, noun, "");
	schema_text_fini(&body);
	return schema_object_find(o, "via-default-domain");
}

static void import_run(struct request *r, enum import_product product)
{
	struct control *c = r->control;
	struct candidate trial;
	struct run run = {.r = r, .into = &trial};
	struct import_sink sink = {&run, sink_line, sink_report, sink_has_partner, NULL};
	struct schema_object federation = {0};
	bool dry = schema_call_get(&r->call, "dry-run") != NULL;
	char *text = NULL;
	size_t len;
	int rc;

	if (change_has_candidate(c)) {
		reply_error(r, "busy", 0, 0,
			    "the candidate is being checked or committed; try again when it is through");
		return reply_end(r, 1);
	}
	rc = text_slurp(r->fd, &text, &len);
	if (rc) {
		reply_error(r, "file", 0, 0, "the file cannot be read: %s", strerror(-rc));
		return reply_end(r, 1);
	}
	candidate_init(&trial, c->store, idn_to_ascii);
	/* all of a file or nothing; further files of one command see what the earlier ones brought */
	if (candidate_copy(&trial, &c->candidate)) {
		reply_error(r, "memory", 0, 0, "out of memory");
		candidate_fini(&trial);
		free(text);
		return reply_end(r, 1);
	}
	sink.via_default = via_default(run.into, &federation);
	rc = import_read(product, schema_call_get(&r->call, "file"), text, len, &sink);
	free(text);
	schema_object_fini(&federation);
	if (!rc && !dry) {
		schema_map_fini(&c->candidate.map);
		c->candidate.map = trial.map;
		memset(&trial.map, 0, sizeof(trial.map));
	}
	candidate_fini(&trial);
	if (rc)
		reply_error(r, "import", 0, 0, "nothing was imported from %s",
			    schema_call_get(&r->call, "file"));
	else if (!r->json)
		reply_text(r, "# %u lines%s, %u remarks\n", run.lines,
			   dry ? " (only shown)" : " into the candidate", run.reports);
	if (!dry && !rc && run.lines)
		snprintf(c->edited_by, sizeof(c->edited_by), "%s", r->user);
	if (!dry)
		control_note_candidate(c);
	reply_end(r, rc ? 1 : run.lines ? 2 : 0);
}

void import_lync(struct request *r)
{
	import_run(r, IMPORT_LYNC);
}

void import_cisco(struct request *r)
{
	import_run(r, IMPORT_CISCO);
}
