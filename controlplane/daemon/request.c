/* SPDX-License-Identifier: BSD-3-Clause */
/* From a line to what does it. */
#include "config/schema/schema_value.h"
#include "controlplane/daemon/ask.h"
#include "controlplane/daemon/block.h"
#include "controlplane/daemon/change.h"
#include "controlplane/daemon/debug_keylog.h"
#include "controlplane/daemon/import.h"
#include "controlplane/daemon/show.h"
#include "controlplane/daemon/text.h"
#include "controlplane/daemon/watchlist.h"
#include "controlplane/publish/publish.h"
#include "controlplane/store/idn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COMPLETE_MAX = 100, MERGE_ERRORS = 20 };

static const char *arg(struct request *r, const char *name)
{
	return schema_call_get(&r->call, name);
}

static uint64_t number(struct request *r, const char *name)
{
	const char *v = arg(r, name);

	return v ? strtoull(v, NULL, 10) : 0;
}

/* false, and answered, when edits have to wait */
static bool may_edit(struct request *r)
{
	if (!change_has_candidate(r->control))
		return true;
	reply_error(r, "busy", 0, 0,
		    "the candidate is being checked or committed; try again when it is through");
	reply_end(r, 1);
	return false;
}

/* false, and answered, while a commit waits for its confirmation */
static bool may_change(struct request *r)
{
	struct store_revision p;

	if (r->control->store->ops->pending(r->control->store, &p) != 1)
		return true;
	reply_error(r, "pending", 0, 0,
		    "revision %llu waits for its confirmation: say confirm, or rollback %llu, first",
		    (unsigned long long)p.id, (unsigned long long)p.revert_to);
	reply_end(r, 1);
	return false;
}

static void do_edit(struct request *r, const char *line)
{
	struct control *c = r->control;
	const struct schema_edit *e = &c->candidate.reader.edit;
	struct schema_error error = {0};
	int rc;

	if (!may_edit(r))
		return;
	rc = candidate_line(&c->candidate, line, 0, &error);
	if (rc) {
		bool wrong = rc == -EINVAL || rc == -E2BIG;

		/* a line that says nothing, and one that is right and names what is not there */
		reply_error(r,
			    wrong	    ? "syntax"
			    : rc == -ENOENT ? "none"
					    : "store",
			    0, error.column, "%s", error.why);
		return reply_end(r, wrong ? 64 : 1);
	}
	for (unsigned i = 0; !e->remove && i < e->n; i++)
		if (e->noun->fields[e->item[i].field].flags & SCHEMA_KEPT)
			reply_say(r, "%s is kept, and has no effect in this version",
				  e->noun->fields[e->item[i].field].name);
	snprintf(c->edited_by, sizeof(c->edited_by), "%s", r->user);
	control_note_candidate(c);
	reply_end(r, 0);
}

static void do_commit(struct request *r)
{
	struct control *c = r->control;
	struct change_order o = {.kind = CHANGE_COMMIT,
				 .as = "commit",
				 .comment = arg(r, "comment"),
				 .confirm_minutes = (unsigned)number(r, "minutes"),
				 .at_revision = number(r, "at-revision")};
	struct store_revision p;

	if (c->store->ops->pending(c->store, &p) == 1) {
		/* the habit of others: a second, empty commit confirms */
		if (schema_map_count(&c->candidate.map) || o.confirm_minutes) {
			may_change(r);
			return;
		}
		c->store->ops->confirm(c->store, p.id);
		control_arm_revert(c);
		reply_say(r, "confirmed: revision %llu stays", (unsigned long long)p.id);
		return reply_end(r, 0);
	}
	if (arg(r, "minutes") && (o.confirm_minutes < 1 || o.confirm_minutes > 10080)) {
		reply_error(r, "syntax", 0, 0, "minutes: 1..10080");
		return reply_end(r, 64);
	}
	change_start(c, r, &o);
}

/* the candidate is judged beside what is in force; nothing is obeyed, nothing is stored */
static void do_shadow(struct request *r)
{
	struct control *c = r->control;
	struct schema_source source = candidate_source(&c->candidate);
	const struct schema_entry **e = NULL;
	char why[SCHEMA_WHY_MAX] = "";
	struct timespec now;
	size_t n = 0;
	int rc = -EBUSY;

	if (!may_edit(r))
		return;
	if (!c->publish) {
		snprintf(why, sizeof(why), "the segment is being opened; try again");
	} else {
		rc = candidate_normalise(&c->candidate);
		rc = rc ? rc : schema_map_sorted(&c->candidate.map, &e, &n);
		rc = rc ? rc : publish_shadow(c->publish, &source, e, n, why);
	}
	free(e);
	if (rc) {
		reply_error(r, "shadow", 0, 0, "the shadow cannot be shown: %s", *why ? why : strerror(-rc));
		return reply_end(r, 1);
	}
	clock_gettime(CLOCK_REALTIME, &now);
	c->shadowing = true;
	c->shadow_objects = n;
	c->shadow_since_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	reply_say(r,
		  "%zu objects are tried beside what is in force; 'show shadow' tells what it would do "
		  "otherwise, 'discard' ends it",
		  n);
	reply_end(r, 0);
}

static void do_confirm(struct request *r)
{
	struct control *c = r->control;
	struct store_revision p;

	if (c->store->ops->pending(c->store, &p) != 1) {
		reply_error(r, "none", 0, 0, "nothing waits for a confirmation");
		return reply_end(r, 1);
	}
	if (c->store->ops->confirm(c->store, p.id)) {
		reply_error(r, "store", 0, 0, "%s", c->store->ops->error(c->store));
		return reply_end(r, 1);
	}
	control_arm_revert(c);
	reply_say(r, "confirmed: revision %llu stays", (unsigned long long)p.id);
	reply_end(r, 0);
}

static void do_discard(struct request *r)
{
	struct control *c = r->control;

	if (!may_edit(r))
		return;
	reply_say(r, "%zu changes dropped%s", schema_map_count(&c->candidate.map),
		  c->shadowing ? ", the shadow ends" : "");
	if (c->shadowing && c->publish)
		publish_unshadow(c->publish);
	candidate_clear(&c->candidate);
	c->edited_by[0] = '\0';
	c->shadowing = false;
	control_note_candidate(c);
	reply_end(r, 0);
}

static void do_rollback(struct request *r)
{
	struct control *c = r->control;
	struct store_revision v, p;
	struct change_order o = {.kind = CHANGE_RETURN,
				 .as = "rollback",
				 .return_to = number(r, "revision"),
				 .dry_run = arg(r, "dry-run") != NULL,
				 .comment = arg(r, "comment")};
	char comment[64];

	/* taking back what waits is what its revert would do; anything else has to wait */
	if (c->store->ops->pending(c->store, &p) == 1 && p.revert_to != o.return_to) {
		may_change(r);
		return;
	}
	if (o.return_to && c->store->ops->revision(c->store, o.return_to, &v)) {
		reply_error(r, "none", 0, 0, "there is no revision %llu; 'show revisions' lists them",
			    (unsigned long long)o.return_to);
		return reply_end(r, 1);
	}
	if (!o.comment) {
		snprintf(comment, sizeof(comment), "back to revision %llu", (unsigned long long)o.return_to);
		o.comment = comment;
	}
	change_start(c, r, &o);
}

static void do_check(struct request *r)
{
	change_start(r->control, r, &(struct change_order){.kind = CHANGE_CHECK, .as = "check"});
}

static void do_apply(struct request *r)
{
	if (!arg(r, "dry-run") && !may_change(r))
		return;
	change_start(r->control, r,
		     &(struct change_order){.kind = CHANGE_APPLY,
					    .as = "apply",
					    .comment = arg(r, "comment"),
					    .dry_run = arg(r, "dry-run") != NULL,
					    .changed_is_2 = true,
					    .at_revision = number(r, "at-revision")});
}

static void do_load(struct request *r)
{
	if (!arg(r, "dry-run") && !may_change(r))
		return;
	change_start(r->control, r,
		     &(struct change_order){.kind = CHANGE_LOAD,
					    .as = "load",
					    .comment = arg(r, "comment"),
					    .dry_run = arg(r, "dry-run") != NULL,
					    .block = arg(r, "block") != NULL,
					    .replace = arg(r, "replace") != NULL,
					    .changed_is_2 = true});
}

/* lines of a file into the shared candidate, all or nothing */
static void do_merge(struct request *r)
{
	struct control *c = r->control;
	struct candidate trial;
	struct schema_error error;
	char *text = NULL, *line, *save = NULL;
	size_t len;
	unsigned n = 0, errors = 0;
	int rc;

	if (!may_edit(r))
		return;
	rc = text_slurp(r->fd, &text, &len);
	if (rc) {
		reply_error(r, "file", 0, 0, "the file cannot be read: %s", strerror(-rc));
		return reply_end(r, 1);
	}
	/* a copy takes the lines first, so that an error leaves the candidate as it was */
	candidate_init(&trial, c->store, idn_to_ascii);
	if (candidate_copy(&trial, &c->candidate)) {
		reply_error(r, "memory", 0, 0, "out of memory");
		errors++;
	}
	for (line = text; line && errors < MERGE_ERRORS; line = save) {
		save = strchr(line, '\n');
		if (save)
			*save++ = '\0';
		n++;
		if (candidate_line(&trial, line, n, &error)) {
			reply_error(r, "config", n, error.column, "%s", error.why);
			errors++;
		}
	}
	free(text);
	if (!errors) {
		schema_map_fini(&c->candidate.map);
		c->candidate.map = trial.map;
		memset(&trial.map, 0, sizeof(trial.map));
		snprintf(c->edited_by, sizeof(c->edited_by), "%s", r->user);
		control_note_candidate(c);
		reply_say(r, "the candidate differs in %zu objects", schema_map_count(&c->candidate.map));
	}
	candidate_fini(&trial);
	reply_end(r, errors ? 1 : 0);
}

static void do_block(struct request *r)
{
	block_run(r, true);
}

static void do_unblock(struct request *r)
{
	block_run(r, false);
}

static const struct {
	const char *words;
	void (*run)(struct request *r);
} handlers[] = {
	{"show configuration", show_configuration},
	{"show partner", show_partner},
	{"show acl", show_acl},
	{"show blocks", show_blocks},
	{"show revisions", show_revisions},
	{"show revision", show_revision},
	{"show audit", show_audit},
	{"show status", show_status},
	{"show dns-records", show_dns_records},
	{"show firewall", show_firewall},
	{"show certificates", show_certificates},
	{"show crls", show_crls},
	{"show peers", show_peers},
	{"show partners", show_partners},
	{"show transactions", show_transactions},
	{"show limits", show_limits},
	{"show watchlist", watch_show},
	{"show drops", show_drops},
	{"show counters", show_counters},
	{"show events", show_events},
	{"compare", show_compare},
	{"check", do_check},
	{"commit", do_commit},
	{"commit confirmed", do_commit},
	{"commit shadow", do_shadow},
	{"show shadow", show_shadow},
	{"confirm", do_confirm},
	{"discard", do_discard},
	{"rollback", do_rollback},
	{"apply", do_apply},
	{"load domains", do_load},
	{"load configuration", do_merge},
	{"export configuration", export_configuration},
	{"export domains", export_domains},
	{"import lync", import_lync},
	{"import cisco", import_cisco},
	{"explain", ask_explain},
	{"test partner", ask_test_partner},
	{"test dns", ask_test_dns},
	{"show dns", ask_show_dns},
	{"reset dns", ask_reset_dns},
	{"reset watchlist", watch_reset},
	{"debug tls keylog", debug_keylog},
	{"debug tls keylog off", debug_keylog_off},
	{"block", do_block},
	{"unblock", do_unblock},
};

static bool allowed(struct request *r, enum schema_role role)
{
	static const char *const words[] = {"read", "operate", "configure"};

	if (r->role >= role)
		return true;
	reply_error(r, "denied", 0, 0, "%s may only %s; this needs %s", r->user, words[r->role], words[role]);
	reply_end(r, 4);
	return false;
}

/* commands that read a file which the caller opened: their first argument, and no option, names it */
static bool wants_file(const struct schema_command *c)
{
	return c->args_n && !c->args[0].word && (c->args[0].flags & SCHEMA_ARG_REQUIRED) &&
	       strcmp(c->args[0].name, "file") == 0 && strncmp(c->words, "export", 6);
}

void request_run(struct request *r)
{
	struct schema_error error = {0};

	control_log("debug", "request", "%s: %s", r->user, r->line);
	if (r->words->n == 0)
		return reply_end(r, 0);
	if (schema_is_edit(r->words, 0)) {
		struct schema_text line = {0};

		if (!allowed(r, SCHEMA_CONFIGURE))
			return;
		for (unsigned i = 0; i < r->words->n; i++) {
			if (i)
				schema_text_puts(&line, " ");
			schema_word_print(&line, r->words->w[i].s);
		}
		do_edit(r, line.p);
		schema_text_fini(&line);
		return;
	}
	if (schema_call_parse(&r->call, r->words, 0, r->words->n, idn_to_ascii, &error)) {
		reply_error(r, "syntax", 0, error.column, "%s", error.why);
		return reply_end(r, 64);
	}
	if (!allowed(r, r->call.command->role))
		return;
	if (r->fd < 0 && wants_file(r->call.command)) {
		reply_error(r, "protocol", 0, 0, "%s needs the file itself, passed beside the line",
			    r->call.command->words);
		return reply_end(r, 64);
	}
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (strcmp(handlers[i].words, r->call.command->words) == 0)
			return handlers[i].run(r);
	reply_error(r, "syntax", 0, 0, "'%s' is a command of the shell itself", r->call.command->words);
	reply_end(r, 64);
}

struct names {
	struct request *r;
	struct schema_text t;
	const char *prefix;
	unsigned n;
};

static void add_name(struct names *s, const char *name)
{
	schema_text_reset(&s->t);
	schema_json_string(&s->t, name);
	reply_row(s->r, s->t.p, s->t.n);
	s->n++;
}

static bool block_name(void *ctx, const struct store_block *b)
{
	struct names *s = ctx;

	if (strncmp(b->domain, s->prefix, strlen(s->prefix)) == 0)
		add_name(s, b->domain);
	return s->n < COMPLETE_MAX;
}

void request_complete(struct request *r, const char *noun_name, const char *prefix)
{
	const struct schema_noun *noun = schema_noun_named(noun_name);
	struct names s = {.r = r, .prefix = prefix};
	struct control *c = r->control;

	if (strcmp(noun_name, "block") == 0) {
		c->store->ops->blocks(c->store, block_name, &s);
	} else if (noun) {
		struct store_cursor *cursor;
		const char *key, *body;
		unsigned n;
		size_t len;

		for (size_t i = 0; i < c->candidate.map.n && s.n < COMPLETE_MAX; i++) {
			const struct schema_entry *e = &c->candidate.map.entry[i];

			if (!e->dead && e->body && e->noun == schema_noun_index(noun) &&
			    strncmp(e->key, prefix, strlen(prefix)) == 0)
				add_name(&s, e->key);
		}
		if (c->store->ops->open_cursor(c->store, (int)schema_noun_index(noun), prefix, &cursor) ==
		    0) {
			while (s.n < COMPLETE_MAX && c->store->ops->next(cursor, &n, &key, &body, &len) == 1)
				if (!schema_map_get(&c->candidate.map, n, key))
					add_name(&s, key);
			c->store->ops->close_cursor(cursor);
		}
	}
	schema_text_fini(&s.t);
	reply_end(r, 0);
}
