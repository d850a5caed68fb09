/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/change.h"
#include "controlplane/daemon/keeper.h"
#include "controlplane/daemon/text.h"
#include "controlplane/publish/publish.h"
#include "controlplane/store/bulk.h"
#include "controlplane/store/idn.h"
#include "controlplane/store/json_config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { COMPLAINTS_MAX = 20, FINDINGS_MAX = 200, DIFF_MAX = 1000, WAITS_MAX = 1200 };

enum phase { STAGING, STAGED, COMMITTING, COMMITTED };

static const char *const phase_words[] = {"read", "check", "store", "publish"};

struct complaint {
	unsigned line, column;
	enum schema_severity severity;
	char text[SCHEMA_WHY_MAX + 128];
};

struct change {
	struct control *control;
	struct request *request; /* may go away */
	struct change_order order;
	char comment[STORE_COMMENT_MAX], as[16];
	uint32_t uid;
	char user[STORE_USER_MAX];
	int fd;
	/* the thread's */
	pthread_t thread;
	bool running;
	struct store *reader;
	struct candidate work;
	bool from_candidate, json;
	const struct schema_entry **entry;
	size_t n;
	struct schema_source source;
	struct store_txn *txn;
	struct shelf *shelf; /* its certificates, when it touches any; else those that are shown stay */
	struct store_revision meta, out;
	struct complaint *complaint;
	size_t complaints, errors;
	struct schema_text diff;
	int result; /* -errno */
	char why[SCHEMA_WHY_MAX];
	/* between them */
	_Atomic int phase;	   /* enum phase: who may touch what */
	_Atomic unsigned progress; /* index into phase_words */
	_Atomic uint64_t done, total;
	int notify;
	struct event *event, *tick, *slices;
	bool publishing;
	unsigned waits;
};

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

static void enter(struct change *ch, unsigned word, uint64_t total)
{
	atomic_store_explicit(&ch->done, 0, memory_order_relaxed);
	atomic_store_explicit(&ch->total, total, memory_order_relaxed);
	atomic_store_explicit(&ch->progress, word, memory_order_release);
}

/* ---- in the thread ---- */

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

	enter(ch, 0, 0);
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
	enter(ch, 1, 0);
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
	enter(ch, 2, ch->n);
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

static void *stage_thread(void *arg)
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

static void *commit_thread(void *arg)
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

/* ---- in the loop ---- */

static int run(struct change *ch, void *(*fn)(void *))
{
	int r = -pthread_create(&ch->thread, NULL, fn, ch);

	ch->running = r == 0;
	return r;
}

static void change_free(struct change *ch)
{
	struct control *c = ch->control;

	if (ch->txn)
		c->store->ops->abort(ch->txn);
	if (ch->publishing)
		publish_abort(c->publish);
	event_free(ch->event);
	event_free(ch->tick);
	event_free(ch->slices);
	close(ch->notify);
	if (ch->fd >= 0)
		close(ch->fd);
	/* what was taken from the shared candidate goes back unless it was committed */
	if (ch->from_candidate) {
		schema_map_fini(&c->candidate.map);
		c->candidate.map = ch->work.map;
		memset(&ch->work.map, 0, sizeof(ch->work.map));
	}
	free(ch->entry);
	candidate_fini(&ch->work);
	if (ch->reader)
		ch->reader->ops->close(ch->reader);
	free(ch->complaint);
	shelf_drop(ch->shelf);
	schema_text_fini(&ch->diff);
	c->change = NULL;
	free(ch);
}

static void show_complaints(struct change *ch, struct request *r)
{
	static const char *const words[] = {"note", "warning", "error"};

	for (size_t i = 0; i < ch->complaints; i++) {
		const struct complaint *k = &ch->complaint[i];
		struct schema_text t = {0};

		if (k->severity == SCHEMA_ERROR && ch->order.kind != CHANGE_RETURN) {
			reply_error(r, "config", k->line, k->column, "%s", k->text);
		} else if (r->json) {
			schema_text_printf(&t, "{\"%s\":", words[k->severity]);
			schema_json_string(&t, k->text);
			if (k->line)
				schema_text_printf(&t, ",\"line\":%u", k->line);
			schema_text_puts(&t, "}");
			reply_row(r, t.p, t.n);
			schema_text_fini(&t);
		} else {
			reply_text(r, "%s: %s\n", words[k->severity], k->text);
		}
	}
}

static void say_result(struct change *ch, struct request *r)
{
	struct schema_text t = {0};
	int status = ch->order.changed_is_2 && ch->n ? 2 : 0;

	show_complaints(ch, r);
	if (ch->result) {
		if (!ch->errors)
			reply_error(r, ch->result == -EBUSY ? "busy" : "store", 0, 0, "%s",
				    ch->why[0] ? ch->why
					       : ch->control->store->ops->error(ch->control->store));
		reply_error(r, "refused", 0, 0, "nothing was changed");
		reply_end(r, 1);
		return;
	}
	if (ch->order.dry_run) {
		if (r->json && ch->diff.n)
			reply_row(r, ch->diff.p, ch->diff.n);
		else if (ch->diff.n)
			reply_raw(r, ch->diff.p, ch->diff.n);
		if (!r->json)
			reply_text(r, "%zu objects would change; nothing was changed\n", ch->n);
		reply_end(r, status);
		return;
	}
	if (ch->order.kind == CHANGE_CHECK) {
		reply_say(r, "fit to be committed: %zu objects would change", ch->n);
		reply_end(r, 0);
		return;
	}
	if (!ch->n) {
		reply_say(r, "unchanged: revision %llu", (unsigned long long)ch->out.id);
		reply_end(r, 0);
		return;
	}
	if (r->json) {
		text_revision_json(&ch->out, &t);
		reply_row(r, t.p, t.n);
		schema_text_fini(&t);
	} else {
		reply_text(r, "revision %llu: %llu objects changed%s\n", (unsigned long long)ch->out.id,
			   (unsigned long long)ch->out.changes,
			   ch->control->publish ? "" : " (stored; no dataplane segment)");
		if (ch->order.confirm_minutes)
			reply_text(r, "it reverts to revision %llu in %u minutes unless you say confirm\n",
				   (unsigned long long)ch->out.revert_to, ch->order.confirm_minutes);
	}
	reply_end(r, status);
}

static void finish(struct change *ch)
{
	struct control *c = ch->control;
	struct request *r = ch->request;
	bool committed = !ch->result && ch->n && !ch->order.dry_run && ch->order.kind != CHANGE_CHECK;
	struct shelf *shelf;

	if (!ch->result && !committed)
		c->store->ops->head(c->store, &ch->out);
	if (committed) {
		if (ch->publishing)
			publish_flip(c->publish, ch->out.id);
		ch->publishing = false;
		control_log("notice", "change", "revision %llu (%s) by %s: %llu objects%s%s",
			    (unsigned long long)ch->out.id, ch->out.kind, ch->out.user,
			    (unsigned long long)ch->out.changes, *ch->out.comment ? ": " : "",
			    ch->out.comment);
		if (ch->from_candidate) {
			/* what was tried is in force now */
			if (c->shadowing && c->publish)
				publish_unshadow(c->publish);
			c->shadowing = false;
			schema_map_fini(&ch->work.map);
			c->edited_by[0] = '\0';
		}
	} else if (ch->result) {
		control_log("warning", "change", "%s refused: %s", ch->as,
			    ch->complaints ? ch->complaint[0].text
			    : ch->why[0]   ? ch->why
					   : strerror(-ch->result));
	}
	if (r) {
		r->state = NULL;
		r->gone = NULL;
		say_result(ch, r);
	}
	shelf = committed ? shelf_use(ch->shelf) : NULL;
	change_free(ch);
	if (committed) {
		control_settle(c);
		control_arm_revert(c);
	}
	keeper_committed(c, shelf);
	shelf_drop(shelf);
	control_note_candidate(c);
}

static void staged(struct change *ch);

static void on_slices(int fd, short what, void *arg)
{
	struct change *ch = arg;
	int r;

	if (!ch->publishing) {
		staged(ch);
		return;
	}
	r = publish_slice(ch->control->publish, ch->why);

	if (r == 1) {
		event_active(ch->slices, EV_TIMEOUT, 0);
		return;
	}
	ch->result = r;
	if (!r)
		r = ch->result = run(ch, commit_thread);
	if (r)
		finish(ch);
}

static void staged(struct change *ch)
{
	struct control *c = ch->control;

	if (ch->result || !ch->txn) {
		finish(ch);
		return;
	}
	if (c->opening && ch->waits++ < WAITS_MAX) {
		static const struct timeval again = {0, 20000};

		event_add(ch->slices, &again);
		return;
	}
	if (!c->publish) {
		ch->result = run(ch, commit_thread);
		if (ch->result)
			finish(ch);
		return;
	}
	enter(ch, 3, ch->n);
	/* the segment is being made anew: that ends in seconds */
	if (publish_stale(c->publish) && ch->waits++ < WAITS_MAX) {
		static const struct timeval again = {0, 50000};

		event_add(ch->slices, &again);
		return;
	}
	ch->result = publish_begin(c->publish, &ch->source, ch->entry, ch->n, ch->shelf, ch->why);
	if (ch->result) {
		finish(ch);
		return;
	}
	ch->publishing = true;
	on_slices(-1, 0, ch);
}

static void on_notify(int fd, short what, void *arg)
{
	struct change *ch = arg;
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return;
	pthread_join(ch->thread, NULL);
	ch->running = false;
	if (atomic_load_explicit(&ch->phase, memory_order_acquire) == STAGED)
		staged(ch);
	else
		finish(ch);
}

static void on_tick(int fd, short what, void *arg)
{
	static const struct timeval again = {0, 200000};
	struct change *ch = arg;
	unsigned word = atomic_load_explicit(&ch->progress, memory_order_acquire);

	if (ch->request)
		reply_progress(ch->request, phase_words[word],
			       atomic_load_explicit(&ch->done, memory_order_relaxed),
			       atomic_load_explicit(&ch->total, memory_order_relaxed));
	event_add(ch->tick, &again);
}

static void on_gone(struct request *r)
{
	struct change *ch = r->state;

	if (ch)
		ch->request = NULL;
}

void change_start(struct control *c, struct request *r, const struct change_order *order)
{
	static const struct timeval first = {0, 300000};
	struct change *ch = calloc(1, sizeof(*ch));
	struct store_revision head;
	int rc;

	if (!ch || c->change) {
		free(ch);
		if (r) {
			reply_error(r, "busy", 0, 0,
				    "another change is on its way; try again when it is through");
			reply_end(r, 1);
		}
		return;
	}
	ch->control = c;
	ch->request = r;
	ch->order = *order;
	ch->fd = ch->notify = -1;
	snprintf(ch->as, sizeof(ch->as), "%s", order->as);
	snprintf(ch->comment, sizeof(ch->comment), "%s", order->comment ? order->comment : "");
	if (r) {
		ch->uid = r->uid;
		snprintf(ch->user, sizeof(ch->user), "%s", r->user);
		ch->fd = r->fd;
		r->fd = -1;
	} else {
		ch->uid = (uint32_t)geteuid();
		snprintf(ch->user, sizeof(ch->user), "sallyport");
	}
	c->store->ops->head(c->store, &head);
	ch->meta = (struct store_revision){.uid = ch->uid};
	ch->json = r && r->json;
	snprintf(ch->meta.user, sizeof(ch->meta.user), "%s", ch->user);
	snprintf(ch->meta.kind, sizeof(ch->meta.kind), "%s", ch->as);
	snprintf(ch->meta.comment, sizeof(ch->meta.comment), "%s", ch->comment);
	if (order->confirm_minutes) {
		ch->meta.revert_to = head.id;
		ch->meta.revert_at = (uint64_t)time(NULL) + 60ull * order->confirm_minutes;
	}
	c->change = ch;
	ch->notify = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ch->event = event_new(c->base, ch->notify, EV_READ | EV_PERSIST, on_notify, ch);
	ch->tick = event_new(c->base, -1, 0, on_tick, ch);
	ch->slices = event_new(c->base, -1, 0, on_slices, ch);
	rc = c->store->ops->reader(c->store, &ch->reader);
	if (!rc)
		candidate_init(&ch->work, ch->reader, idn_to_ascii);
	if (!rc && order->at_revision && order->at_revision != head.id) {
		snprintf(ch->why, sizeof(ch->why), "revision %llu is in force, not %llu",
			 (unsigned long long)head.id, (unsigned long long)order->at_revision);
		rc = -EBUSY;
	}
	if (!rc && (order->kind == CHANGE_COMMIT || order->kind == CHANGE_CHECK)) {
		ch->from_candidate = true;
		ch->work.map = c->candidate.map;
		memset(&c->candidate.map, 0, sizeof(c->candidate.map));
	}
	if (!rc) {
		event_add(ch->event, NULL);
		event_add(ch->tick, &first);
		rc = run(ch, stage_thread);
	}
	if (r) {
		r->state = ch;
		r->gone = on_gone;
	}
	if (rc) {
		ch->result = rc;
		finish(ch);
	}
}

bool change_has_candidate(const struct control *c)
{
	return c->change && c->change->from_candidate;
}

bool change_is_publishing(const struct control *c)
{
	return c->change && c->change->publishing;
}

void change_stop(struct control *c)
{
	struct change *ch = c->change;

	if (!ch)
		return;
	if (ch->running)
		pthread_join(ch->thread, NULL);
	ch->running = false;
	c->candidate_touched |= ch->from_candidate;
	if (ch->request) {
		ch->request->state = NULL;
		ch->request->gone = NULL;
		if (!ch->request->client)
			request_drop(ch->request);
	}
	change_free(ch);
}
