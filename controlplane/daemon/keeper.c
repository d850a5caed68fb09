/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/crl_fetch.h"
#include "controlplane/daemon/events.h"
#include "controlplane/daemon/file_watch.h"
#include "controlplane/daemon/keeper.h"
#include "controlplane/publish/publish.h"
#include "controlplane/publish/records.h"
#include "controlplane/secret/rotation.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
	SETTLE_MS = 400, /* after the last change of a file: a pair is written one file after the other */
	LOOK_S = 60,	 /* for file systems that tell nothing, and for problems that end by themselves */
	FAILED_MS = 5000,
	BUSY_MS = 200, /* a change is on its way: again soon */
	SWEEP_S = 3600,
	SWEEP_SOON_S = 70, /* after something was replaced */
	MOVES_MAX = 20,
	DAY_S = 86400,
};

struct keeper {
	struct control *c;
	struct vault vault;
	struct rotation rotation;
	struct shelf *shelf;
	pthread_mutex_t lock; /* of `shelf`, which a change's thread takes too */
	bool begun;
	struct file_watch watch;
	struct event *settle, *rotate, *sweep;
	bool sweeps_soon;
	unsigned moves; /* how often reading was put off */
	/* loading anew, in a thread */
	pthread_t thread;
	bool loading, again;
	int done_fd, result;
	struct event *done;
	struct shelf *old, *loaded;
	uint64_t revision; /* that was loaded for */
	int64_t told;	   /* day on which coming ends were told last */
	uint64_t refused;  /* certificates and trust stores whose files were not taken */
};

/* a reference of its own for the caller */
static struct shelf *shelf_take(struct keeper *k)
{
	struct shelf *s;

	pthread_mutex_lock(&k->lock);
	s = shelf_use(k->shelf);
	pthread_mutex_unlock(&k->lock);
	return s;
}

static void shelf_set(struct keeper *k, struct shelf *s)
{
	struct shelf *was;

	pthread_mutex_lock(&k->lock);
	was = k->shelf;
	k->shelf = shelf_use(s);
	pthread_mutex_unlock(&k->lock);
	shelf_drop(was);
}

const struct shelf *keeper_shelf(const struct control *c)
{
	return c->keeper ? c->keeper->shelf : NULL;
}

uint64_t keeper_refused(const struct control *c)
{
	return c->keeper ? c->keeper->refused : 0;
}

/* ---- rotating keys ---- */

static int show_keys(struct keeper *k)
{
	struct records_keys keys;
	int r = 0;

	for (unsigned i = 0; i < ROTATION_KINDS && !r; i++)
		for (unsigned s = 0; s < ROTATION_SLOTS && !r; s++)
			r = vault_put(&k->vault, k->rotation.kind[i].key[s],
				      rotation_bytes((enum policy_secret_kind)(i + 1)), keys.hash[i][s]);
	if (!r && k->c->publish)
		publish_keys(k->c->publish, &keys);
	return r;
}

static int64_t life(const struct control *c, enum policy_secret_kind kind)
{
	return kind == POLICY_SECRET_TICKET ? c->ticket_rotation : c->route_rotation;
}

/* true when something turned */
static bool turn(struct keeper *k)
{
	int64_t now = (int64_t)time(NULL);
	bool any = false;
	int r;

	for (unsigned i = 1; i <= ROTATION_KINDS; i++)
		any |= rotation_turn(&k->rotation, (enum policy_secret_kind)i,
				     life(k->c, (enum policy_secret_kind)i), now);
	if (!any)
		return false;
	r = rotation_save(&k->rotation, k->c->store_dir);
	if (r)
		control_log("error", "secret", "rotated keys cannot be kept: %s; a restart would forget them",
			    strerror(-r));
	return true;
}

static void arm_rotation(struct keeper *k)
{
	int64_t now = (int64_t)time(NULL), due = DAY_S;
	struct timeval in;

	for (unsigned i = 1; i <= ROTATION_KINDS; i++) {
		int64_t d = rotation_due(&k->rotation, (enum policy_secret_kind)i,
					 life(k->c, (enum policy_secret_kind)i), now);

		due = d < due ? d : due;
	}
	/* the wall clock may be set meanwhile: look once an hour at least */
	in = (struct timeval){.tv_sec = due < 1 ? 1 : due > SWEEP_S ? SWEEP_S : due};
	event_add(k->rotate, &in);
}

static void refresh(struct keeper *k);

static void on_rotate(int fd, short what, void *arg)
{
	struct keeper *k = arg;
	int r;

	if (turn(k)) {
		r = show_keys(k);
		if (r)
			control_log("error", "secret", "rotated keys cannot be shown: %s", strerror(-r));
		control_log("info", "secret", "keys were rotated");
		refresh(k);
	}
	arm_rotation(k);
}

/* ---- files that change ---- */

static void again_in(struct keeper *k, unsigned ms)
{
	struct timeval in = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};

	event_add(k->settle, &in);
}

/* a stream of changes is not waited out for ever */
static void on_changed(void *ctx)
{
	struct keeper *k = ctx;

	if (k->moves++ < MOVES_MAX)
		again_in(k, SETTLE_MS);
}

/* not put off by what is replaced meanwhile */
static void sweep_soon(struct keeper *k)
{
	static const struct timeval soon = {SWEEP_SOON_S, 0};

	if (!k->sweeps_soon)
		event_add(k->sweep, &soon);
	k->sweeps_soon = true;
}

static void watch_begin(struct keeper *k)
{
	file_watch_begin(&k->watch, k->c->base, &k->shelf, on_changed, k);
}

static void quiet(void *ctx, const char *noun, const char *name, const char *text, bool had)
{
}

/* into `show events`, and by that into the journal; what is longer than an event is cut */
static void tell_event(struct control *c, uint8_t level, const char *noun, const char *name, const char *what)
{
	struct exchange_event e = {.kind = EXCHANGE_EVENT_CERTIFICATE, .level = level, .worker = UINT16_MAX};
	char line[sizeof(e.text) + 1];
	int n = snprintf(line, sizeof(line), "%s %s %s", noun, name, what);

	e.text_len = exchange_event_put(e.text, sizeof(e.text), line,
					n < 0 ? 0 : (uint32_t)strnlen(line, sizeof(line)));
	events_add(c, &e);
}

static void aloud(struct keeper *k, const char *noun, const struct shelf_item *it)
{
	char what[sizeof(it->problem) + 64];

	k->refused++;
	/* the whole of it, with both paths */
	control_log(it->good ? "warning" : "error", "secret", "%s %s: %s", noun, it->name, it->problem);
	snprintf(what, sizeof(what), "%s: %s", it->good ? "stays as it was" : "cannot be used", it->problem);
	tell_event(k->c, it->good ? 4 : 3, noun, it->name, what);
}

static void *load_thread(void *arg)
{
	struct keeper *k = arg;
	struct store *reader = NULL;
	uint64_t one = 1;

	k->result = k->c->store->ops->reader(k->c->store, &reader);
	if (!k->result) {
		struct candidate live = {.store = reader};
		struct schema_source source = candidate_source(&live);
		struct store_revision head;

		reader->ops->head(reader, &head);
		k->revision = head.id;
		k->result =
			shelf_load(&k->vault, &source, k->old, (int64_t)time(NULL), quiet, NULL, &k->loaded);
		reader->ops->close(reader);
	}
	if (write(k->done_fd, &one, sizeof(one)) < 0)
		abort(); /* an eventfd takes it always */
	return NULL;
}

static void load_begin(struct keeper *k)
{
	k->moves = 0;
	if (k->loading) {
		k->again = true;
		return;
	}
	k->old = shelf_take(k);
	k->loaded = NULL;
	k->loading = pthread_create(&k->thread, NULL, load_thread, k) == 0;
	if (!k->loading) {
		shelf_drop(k->old);
		k->old = NULL;
		again_in(k, LOOK_S * 1000);
	}
}

static void load_end(struct keeper *k)
{
	pthread_join(k->thread, NULL);
	k->loading = false;
	shelf_drop(k->old);
	k->old = NULL;
}

/* what came, went or got better, once each */
static void tell(struct keeper *k, const struct shelf *was, const struct shelf *is)
{
	for (unsigned i = 0; i < is->n; i++) {
		const struct shelf_item *n = &is->item[i];
		const struct shelf_item *o = shelf_find(was, (enum shelf_sort)n->sort, n->name);
		const char *noun = n->sort == SHELF_CERTIFICATE ? "certificate" : "trust";

		if (n->problem[0] && (!o || strcmp(o->problem, n->problem)))
			aloud(k, noun, n);
		else if (o && o->problem[0] && !n->problem[0])
			tell_event(k->c, 5, noun, n->name, "can be used: its files are well again");
		if (n->good && o &&
		    (strcmp(o->chain, n->chain) || strcmp(o->key, n->key) || strcmp(o->ocsp, n->ocsp)))
			tell_event(k->c, 5, noun, n->name, "was renewed");
		if (n->unfetched[0] && (!o || strcmp(o->unfetched, n->unfetched)))
			control_log("notice", "crl", "%s %s: %s", noun, n->name, n->unfetched);
		if (n->info.warning[0] && (!o || strcmp(o->info.warning, n->info.warning)))
			control_log("warning", "secret", "%s %s: %s", noun, n->name, n->info.warning);
	}
}

/* certificates that end soon, once a day */
static void tell_ends(struct keeper *k)
{
	static const int days[] = {30, 14, 7, 6, 5, 4, 3, 2, 1, 0};
	int64_t now = (int64_t)time(NULL);

	if (k->told == now / DAY_S)
		return;
	k->told = now / DAY_S;
	for (unsigned i = 0; i < k->shelf->n; i++) {
		const struct shelf_item *it = &k->shelf->item[i];
		int64_t left = (it->info.not_after - now) / DAY_S;

		if (it->sort != SHELF_CERTIFICATE || !it->good || !it->info.not_after)
			continue;
		if (it->info.not_after <= now) {
			control_log("error", "secret", "certificate %s has ended: renew it", it->name);
			continue;
		}
		for (unsigned d = 0; d < sizeof(days) / sizeof(days[0]); d++)
			if (left == days[d])
				control_log(left <= 7 ? "error" : "warning", "secret",
					    "certificate %s ends in %lld days: renew it", it->name,
					    (long long)left);
	}
}

static void on_done(int fd, short what, void *arg)
{
	struct keeper *k = arg;
	struct store_revision head;
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return;
	load_end(k);
	k->c->store->ops->head(k->c->store, &head);
	if (k->result || head.id != k->revision || k->c->change) {
		/* it was loaded for something else by now */
		shelf_drop(k->loaded);
		k->loaded = NULL;
		if (k->result)
			control_log("error", "secret", "certificates cannot be read, tried again: %s",
				    strerror(-k->result));
		again_in(k, k->result ? FAILED_MS : BUSY_MS);
		return;
	}
	tell(k, k->shelf, k->loaded);
	if (!shelf_same(k->shelf, k->loaded))
		sweep_soon(k);
	shelf_set(k, k->loaded);
	shelf_drop(k->loaded);
	k->loaded = NULL;
	publish_shelf(k->c->publish, k->shelf);
	watch_begin(k);
	crl_fetch_sync(k->c, k->shelf);
	tell_ends(k);
	refresh(k);
	/* moves: a file changed while this was being read, and its time to settle is not over */
	again_in(k, k->again || k->moves ? SETTLE_MS : LOOK_S * 1000);
	k->again = false;
}

/* Shown now, or as soon as the change under way is through: a change that lives shows what it began with. */
static void refresh(struct keeper *k)
{
	char why[SCHEMA_WHY_MAX] = "";
	int r;

	if (!k->begun)
		return;
	if (k->c->change) {
		k->c->refresh_due = true;
		return;
	}
	r = publish_refresh(k->c->publish, why);
	k->c->refresh_due = r < 0;
	if (r < 0 && r != -EBUSY)
		control_log("error", "secret", "renewed secrets cannot be shown, tried again: %s", why);
	if (r < 0)
		again_in(k, r == -EBUSY ? BUSY_MS : 5000);
}

static void on_settle(int fd, short what, void *arg)
{
	struct keeper *k = arg;

	if (k->c->change || k->c->opening) {
		again_in(k, BUSY_MS);
		return;
	}
	if (k->c->refresh_due) {
		refresh(k);
		if (k->c->refresh_due)
			return;
	}
	load_begin(k);
}

/* ---- what nobody names any more ---- */

static bool wanted(void *ctx, const char *hash)
{
	struct keeper *k = ctx;

	for (unsigned i = 0; k->shelf && i < k->shelf->n; i++) {
		const struct shelf_item *it = &k->shelf->item[i];

		if (it->good &&
		    (!strcmp(hash, it->chain) || !strcmp(hash, it->key) || !strcmp(hash, it->ocsp)))
			return true;
	}
	for (unsigned i = 0; i < ROTATION_KINDS; i++)
		for (unsigned s = 0; s < ROTATION_SLOTS; s++) {
			char own[VAULT_HASH];

			vault_hash(k->rotation.kind[i].key[s],
				   rotation_bytes((enum policy_secret_kind)(i + 1)), own);
			if (!strcmp(hash, own))
				return true;
		}
	return false;
}

static void on_sweep(int fd, short what, void *arg)
{
	static const struct timeval again = {SWEEP_S, 0}, busy = {1, 0};
	struct keeper *k = arg;

	/* what a change is about to name must not go under its hands, nor what is shown yet */
	if (k->c->change || k->loading || k->c->refresh_due) {
		event_add(k->sweep, &busy);
		return;
	}
	vault_sweep(&k->vault, wanted, k, time(NULL));
	k->sweeps_soon = false;
	event_add(k->sweep, &again);
}

/* ---- life ---- */

static int open_keys(struct keeper *k, char *why)
{
	int r = rotation_load(&k->rotation, k->c->store_dir);

	if (r) {
		if (r != -ENOENT)
			control_log("warning", "secret",
				    "the rotating keys that were kept cannot be read (%s): new ones are made",
				    strerror(-r));
		rotation_init(&k->rotation, (int64_t)time(NULL));
		r = rotation_save(&k->rotation, k->c->store_dir);
		if (r)
			snprintf(why, SCHEMA_WHY_MAX, "%.200s/rotation: %s", k->c->store_dir, strerror(-r));
	}
	return r;
}

int keeper_open(struct control *c, char *why)
{
	struct keeper *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	c->keeper = k;
	k->c = c;
	k->watch.fd = -1;
	k->vault.dir = -1;
	pthread_mutex_init(&k->lock, NULL);
	k->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = k->done_fd < 0 ? -errno : vault_open(&k->vault, c->run_dir, keeper_group(c->store));
	if (r) {
		snprintf(why, SCHEMA_WHY_MAX, "%.200s/secrets: %s", c->run_dir, strerror(-r));
		return r;
	}
	k->vault.store = c->store_dir;
	k->done = event_new(c->base, k->done_fd, EV_READ | EV_PERSIST, on_done, k);
	k->settle = event_new(c->base, -1, 0, on_settle, k);
	k->rotate = event_new(c->base, -1, 0, on_rotate, k);
	k->sweep = event_new(c->base, -1, 0, on_sweep, k);
	return open_keys(k, why);
}

void keeper_regroup(struct control *c, gid_t group)
{
	atomic_store_explicit(&c->keeper->vault.group, group, memory_order_relaxed);
}

void keeper_first(struct control *c, const struct shelf *old)
{
	struct store *reader = NULL;
	struct keeper *k = c->keeper;

	if (c->store->ops->reader(c->store, &reader))
		return;
	{
		struct candidate live = {.store = reader};
		struct schema_source source = candidate_source(&live);

		if (shelf_load(&k->vault, &source, old, (int64_t)time(NULL), quiet, NULL, &k->loaded))
			k->loaded = NULL;
	}
	reader->ops->close(reader);
}

void keeper_begin(struct control *c)
{
	static const struct timeval sweep = {SWEEP_S, 0};
	struct keeper *k = c->keeper;
	int r;

	if (k->loaded) {
		tell(k, NULL, k->loaded);
		shelf_set(k, k->loaded);
		shelf_drop(k->loaded);
		k->loaded = NULL;
		publish_shelf(c->publish, k->shelf);
	}
	turn(k);
	r = show_keys(k);
	if (r)
		control_log("error", "secret", "the rotating keys cannot be shown: %s", strerror(-r));
	k->begun = true;
	event_add(k->done, NULL);
	event_add(k->sweep, &sweep);
	arm_rotation(k);
	watch_begin(k);
	crl_fetch_sync(c, k->shelf);
	if (k->shelf)
		tell_ends(k);
	if (!publish_stale(c->publish))
		refresh(k);
	if (!c->refresh_due)
		again_in(k, k->shelf ? LOOK_S * 1000 : BUSY_MS);
}

int keeper_load(struct control *c, const struct schema_source *source, bool dry, shelf_report_fn report,
		void *ctx, struct shelf **out)
{
	struct keeper *k = c->keeper;
	struct shelf *old = shelf_take(k);
	int r = shelf_load(dry ? NULL : &k->vault, source, old, (int64_t)time(NULL), report, ctx, out);

	shelf_drop(old);
	return r;
}

void keeper_committed(struct control *c, struct shelf *shelf)
{
	struct keeper *k = c->keeper;

	if (!k) /* a daemon without secrets: nothing is published for a dataplane */
		return;
	if (shelf) {
		shelf_set(k, shelf);
		if (k->begun) {
			watch_begin(k);
			crl_fetch_sync(c, shelf);
		}
	}
	if (k->begun)
		arm_rotation(k);
	if (c->refresh_due)
		again_in(k, 10);
}

void keeper_look(struct control *c)
{
	if (c->keeper && c->keeper->begun)
		again_in(c->keeper, 0);
}

bool keeper_works(const struct control *c)
{
	const struct keeper *k = c->keeper;
	struct pollfd done = {.fd = k ? k->done_fd : -1, .events = POLLIN};

	return k && k->loading && poll(&done, 1, 0) == 0;
}

void keeper_close(struct control *c)
{
	struct keeper *k = c->keeper;
	struct event **own[] = {&k->settle, &k->rotate, &k->sweep, &k->done};

	if (!k)
		return;
	if (k->loading)
		load_end(k);
	for (unsigned i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (*own[i])
			event_free(*own[i]);
	shelf_drop(k->loaded);
	shelf_drop(k->shelf);
	file_watch_end(&k->watch);
	if (k->done_fd >= 0)
		close(k->done_fd);
	vault_close(&k->vault);
	pthread_mutex_destroy(&k->lock);
	explicit_bzero(&k->rotation, sizeof(k->rotation));
	free(k);
	c->keeper = NULL;
}
