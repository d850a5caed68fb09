/* SPDX-License-Identifier: BSD-3-Clause */
/* A change, in its thread: read, checked as a whole, put into the store. */
#include "controlplane/daemon/change_internal.h"
#include "controlplane/daemon/keeper.h"
#include "controlplane/daemon/text.h"
#include "controlplane/store/bulk.h"
#include "controlplane/store/idn.h"
#include "controlplane/store/json_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void complain(struct change *ch, enum schema_severity severity, unsigned line, unsigned column,
		     const char *format, ...) __attribute__((format(printf, 5, 6)));

static void complain(struct change *ch, enum schema_severity severity, unsigned line, unsigned column,
		     const char *format, ...)
{
	struct complaint *c;
	va_list ap;

	ch->errors += severity == SCHEMA_ERROR;
	if (ch->complaints == FINDINGS_MAX)
		return;
	if (!ch->complaint)
		ch->complaint = calloc(FINDINGS_MAX, sizeof(*ch->complaint));
	if (!ch->complaint)
		return;
	c = &ch->complaint[ch->complaints++];
	c->severity = severity;
	c->line = line;
	c->column = column;
	va_start(ap, format);
	vsnprintf(c->text, sizeof(c->text), format, ap);
	va_end(ap);
}

static bool on_error(void *ctx, const struct schema_error *e)
{
	struct change *ch = ctx;

	complain(ch, SCHEMA_ERROR, e->line, e->column, "%s", e->why);
	return ch->errors < COMPLAINTS_MAX;
}

static void on_finding(void *ctx, const struct schema_finding *f)
{
	complain(ctx, f->severity, f->line, f->line ? 1 : 0, "%s%s%.200s: %s", f->noun, *f->key ? " " : "",
		 f->key, f->text);
}

static void on_bytes(void *ctx, size_t done, size_t total)
{
	struct change *ch = ctx;

	atomic_store_explicit(&ch->total, total, memory_order_relaxed);
	atomic_store_explicit(&ch->done, done, memory_order_relaxed);
}

void change_enter(struct change *ch, unsigned word, uint64_t total)
{
	atomic_store_explicit(&ch->done, 0, memory_order_relaxed);
	atomic_store_explicit(&ch->total, total, memory_order_relaxed);
	atomic_store_explicit(&ch->progress, word, memory_order_release);
}

static bool meant_nothing(struct change *ch)
{
	struct store_revision head;

	return ch->reader->ops->head(ch->reader, &head) == 0 && head.objects;
}

static int read_file(struct change *ch)
{
	struct schema_map target = {0};
	struct schema_reader reader = {.map = &target, .idn = idn_to_ascii};
	char *text = NULL;
	size_t len = 0;
	int r = text_slurp(ch->fd, &text, &len);

	if (r) {
		snprintf(ch->why, sizeof(ch->why), "the file cannot be read: %s", strerror(-r));
		return r;
	}
	if (ch->order.kind == CHANGE_LOAD) {
		r = bulk_read(&ch->work, text, len, ch->order.block, ch->order.replace, on_error, ch,
			      on_bytes, ch);
	} else {
		r = json_config_file(&reader, text, len, on_error, ch, on_bytes, ch);
		/* a template that came out empty is not the wish to have nothing */
		if (!r && !target.n && meant_nothing(ch)) {
			complain(ch, SCHEMA_ERROR, 0, 0,
				 "the file holds no settings, and would remove everything that is in force; "
				 "'rollback 0' is the way to say that");
			r = -EINVAL;
		}
		if (!r)
			r = candidate_become(&ch->work, &target);
	}
	schema_reader_fini(&reader);
	schema_map_fini(&target);
	free(text);
	return r;
}

struct override {
	struct change *ch;
	const struct schema_entry *e;
};

static bool overrides(void *ctx, const struct store_block *b)
{
	struct override *o = ctx;
	const char *name = strncmp(o->e->key, "*.", 2) == 0 ? o->e->key + 2 : o->e->key;
	size_t n = strlen(name), d = strlen(b->domain);

	if (n < d || strcmp(name + n - d, b->domain) || (n > d && name[n - d - 1] != '.'))
		return true;
	complain(o->ch, SCHEMA_WARNING, o->e->line, o->e->line ? 1 : 0,
		 "partner %.200s: the emergency block %.200s overrides it until 'unblock %.200s'", o->e->key,
		 b->domain, b->domain);
	return false;
}

/* what a few changed partners allow and an emergency block holds shut; a list of a million is not gone
 * through */
static void note_overridden(struct change *ch)
{
	unsigned noun = schema_noun_index(schema_noun_named("partner"));

	for (size_t i = 0; i < ch->n && ch->n <= FINDINGS_MAX; i++) {
		struct override o = {ch, ch->entry[i]};

		if (o.e->noun == noun && o.e->body && strncmp(o.e->body, "action allow", 12) == 0)
			ch->reader->ops->blocks(ch->reader, overrides, &o);
	}
}

/* A file that cannot be used refuses what names it anew, and is said of what named it before. Going back to
 * what was in force once is never refused: what the name stood for then may be in the vault still. */
static void on_secret(void *ctx, const char *noun, const char *name, const char *text, bool had)
{
	enum schema_severity severity = SCHEMA_WARNING;
	struct change *ch = ctx;
	unsigned index = schema_noun_index(schema_noun_named(noun)), line = 0;

	for (size_t i = 0; i < ch->n; i++)
		if (ch->entry[i]->noun == index && strcmp(ch->entry[i]->key, name) == 0) {
			line = ch->entry[i]->line;
			severity = ch->order.kind == CHANGE_RETURN ? SCHEMA_WARNING : SCHEMA_ERROR;
		}
	complain(ch, severity, line, line ? 1 : 0, "%s %s: %s%s", noun, name, text,
		 severity == SCHEMA_WARNING && had ? " (what it had before stays)" : "");
}

static void on_misfit(void *ctx, const char *noun, const char *name, const char *text, bool had)
{
	complain(ctx, SCHEMA_WARNING, 0, 0, "%s %s: %s", noun, name, text);
}

/* certificates and trust stores: their files are read here, and put where the dataplane finds them */
static int stage_secrets(struct change *ch)
{
	bool files = false, faces = false, dry = ch->order.dry_run || ch->order.kind == CHANGE_CHECK;
	size_t errors = ch->errors;
	int r;

	for (size_t i = 0; i < ch->n; i++) {
		const char *noun = schema_nouns[ch->entry[i]->noun].name;

		files |= strcmp(noun, "certificate") == 0 || strcmp(noun, "trust") == 0;
		faces |= strcmp(noun, "identity") == 0;
	}
	if (!files && !faces)
		return 0;
	r = keeper_load(ch->control, &ch->source, dry, on_secret, ch, &ch->shelf);
	if (!r)
		shelf_fitness(ch->shelf, &ch->source, on_misfit, ch);
	return r ? r : ch->errors > errors ? -EINVAL : 0;
}

static int stage(struct change *ch)
{
	long errors;
	int r = 0;

	change_enter(ch, 0, 0);
	switch (ch->order.kind) {
	case CHANGE_APPLY:
	case CHANGE_LOAD:
		r = read_file(ch);
		break;
	case CHANGE_RETURN:
		r = candidate_return(&ch->work, ch->order.return_to);
		break;
	default:
		break;
	}
	if (!r && ch->order.kind != CHANGE_APPLY && ch->order.kind != CHANGE_RETURN)
		r = candidate_normalise(&ch->work);
	if (!r)
		r = schema_map_sorted(&ch->work.map, &ch->entry, &ch->n);
	if (r)
		return r;
	change_enter(ch, 1, 0);
	ch->source = candidate_source(&ch->work);
	errors = schema_cross_check(&ch->source, ch->entry, ch->n, on_finding, ch);
	if (errors < 0)
		return (int)errors;
	/* what was in force once is not refused when it is taken back: the way out must not be barred */
	if (errors && ch->order.kind != CHANGE_RETURN)
		return -EINVAL;
	note_overridden(ch);
	return stage_secrets(ch);
}

static void make_diff(struct change *ch, bool json)
{
	struct schema_text before = {0};

	for (size_t i = 0; i < ch->n && i < DIFF_MAX; i++) {
		const struct schema_entry *e = ch->entry[i];
		int r;

		schema_text_reset(&before);
		r = ch->reader->ops->get(ch->reader, e->noun, e->key, &before);
		if (r < 0)
			break;
		if (json && ch->diff.n)
			schema_text_puts(&ch->diff, ",");
		(json ? candidate_diff_json : candidate_diff_text)(e->noun, e->key, r ? before.p : NULL,
								   before.n, e->body, e->body_len, &ch->diff);
	}
	if (ch->n > DIFF_MAX && !json)
		schema_text_printf(&ch->diff, "… and %zu objects more\n", ch->n - DIFF_MAX);
	schema_text_fini(&before);
}

static int put_all(struct change *ch)
{
	struct store *s = ch->control->store;
	int r = s->ops->begin(s, &ch->meta, &ch->txn);

	if (r)
		return r;
	change_enter(ch, 2, ch->n);
	for (size_t i = 0; i < ch->n && !r; i++) {
		const struct schema_entry *e = ch->entry[i];

		r = s->ops->put(ch->txn, e->noun, e->key, e->body, e->body_len);
		if (i % 4096 == 0)
			atomic_store_explicit(&ch->done, i, memory_order_relaxed);
	}
	return r;
}

static void tell(struct change *ch, enum phase phase)
{
	uint64_t one = 1;

	atomic_store_explicit(&ch->phase, phase, memory_order_release);
	if (write(ch->notify, &one, sizeof(one)) < 0)
		abort(); /* an eventfd takes it always */
}

void *change_stage_thread(void *arg)
{
	struct change *ch = arg;
	ch->result = stage(ch);
	if (!ch->result && ch->order.dry_run)
		make_diff(ch, ch->json);
	if (!ch->result && !ch->order.dry_run && ch->order.kind != CHANGE_CHECK && ch->n)
		ch->result = put_all(ch);
	tell(ch, STAGED);
	return NULL;
}

void *change_commit_thread(void *arg)
{
	struct change *ch = arg;
	struct store *s = ch->control->store;
	struct schema_text body = {0};
	struct schema_object o = {0};
	const struct schema_noun *noun = schema_noun_named("control");
	uint64_t keep = 200;

	if (ch->source.get(ch->source.ctx, schema_noun_index(noun), "", &body) == 1 &&
	    schema_object_load(&o, noun, "", body.p, body.n) == 0)
		keep = schema_object_number(&o, "revisions");
	schema_object_fini(&o);
	schema_text_fini(&body);
	ch->result = s->ops->commit(ch->txn, keep, &ch->out);
	ch->txn = NULL;
	tell(ch, COMMITTED);
	return NULL;
}
