/* SPDX-License-Identifier: BSD-3-Clause */
/* A change, in the loop: begun, prepared for the dataplane, shown, answered. */
#include "controlplane/daemon/change_internal.h"
#include "controlplane/daemon/keeper.h"
#include "controlplane/daemon/text.h"
#include "controlplane/publish/publish.h"
#include "controlplane/store/idn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

static const char *const phase_words[] = {"read", "check", "store", "publish"};

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
	/* once it runs, the result is the thread's to write */
	if (!r)
		r = run(ch, change_commit_thread);
	if (r) {
		ch->result = r;
		finish(ch);
	}
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
		int r = run(ch, change_commit_thread);

		if (r) {
			ch->result = r;
			finish(ch);
		}
		return;
	}
	change_enter(ch, 3, ch->n);
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
		rc = run(ch, change_stage_thread);
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
			request_free(ch->request);
	}
	change_free(ch);
}
