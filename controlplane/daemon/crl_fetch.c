/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/crl_fetch.h"
#include "controlplane/daemon/crl_http.h"
#include "controlplane/daemon/crl_judge.h"
#include "controlplane/daemon/events.h"
#include "controlplane/daemon/keeper.h"
#include "controlplane/resolve/resolve.h"
#include "controlplane/secret/crl_cache.h"
#include "controlplane/secret/crl_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_S = 60 }; /* the wall clock may be set: due times are compared with it this often */

struct source {
	char url[CRL_URL_MAX], hash[VAULT_HASH];
	struct crl_plan plan;
	struct crl_http http;
	char part[CRL_CACHE_PATH], error[PEM_WHY_MAX];
	struct schema_text anchors; /* as crl_judge.h wants them */
	struct crl_facts facts;
	bool have;    /* facts are those of the list that counts */
	bool named;   /* by the shelf */
	bool judged;  /* it came, and waits for the thread or is in it */
	bool again;   /* asked for while it was under way */
	int64_t came; /* when there was a good answer last */
};

struct crl_fetch {
	struct control *c;
	struct source *source[CRL_FETCH_MAX];
	unsigned n;
	struct event *tick, *done;
	int done_fd;
	pthread_t thread;
	bool judges;
	struct crl_judging job;
	struct source *judged; /* that it is about */
	uint64_t came, same, failed;
	bool told_full;
};

static uint32_t chance(void)
{
	uint32_t v = 0;

	return getrandom(&v, sizeof(v), 0) == (ssize_t)sizeof(v) ? v : 0;
}

static int64_t wall(void)
{
	return (int64_t)time(NULL);
}

static bool under_way(const struct source *s)
{
	return s->http.busy || s->judged;
}

static struct source *find(const struct crl_fetch *f, const char *url)
{
	for (unsigned i = 0; i < f->n; i++)
		if (strcmp(f->source[i]->url, url) == 0)
			return f->source[i];
	return NULL;
}

static void tell(struct crl_fetch *f, unsigned level, const char *url, const char *what)
{
	struct exchange_event e = {
		.kind = EXCHANGE_EVENT_CERTIFICATE, .level = (uint8_t)level, .worker = UINT16_MAX};
	char line[sizeof(e.text) + 1];
	int n = snprintf(line, sizeof(line), "crl %s %s", url, what);

	e.text_len = exchange_event_put(e.text, sizeof(e.text), line,
					n < 0 ? 0 : (uint32_t)strnlen(line, sizeof(line)));
	events_add(f->c, &e);
	/* an event has not room for all of it */
	control_log(level <= 4 ? "warning" : "notice", "crl", "%s %s", url, what);
}

static void arm(struct crl_fetch *f)
{
	int64_t now = wall(), least = LOOK_S;
	struct timeval in;

	for (unsigned i = 0; i < f->n; i++) {
		const struct source *s = f->source[i];
		int64_t left = s->plan.due - now;

		if (s->named && !under_way(s) && left < least)
			least = left;
	}
	in = (struct timeval){.tv_sec = least < 1 ? 1 : least};
	event_add(f->tick, &in);
}

/* ---- one answer ---- */

static void expiry(struct crl_fetch *f, struct source *s)
{
	if (s->have && crl_plan_expired(&s->plan, s->facts.next_update, wall()))
		tell(f, 4, s->url, "is outdated: its next update is past, and none has come");
}

/* once for each row of failures, and whenever the reason is another one */
static void failed(struct crl_fetch *f, struct source *s, const char *why)
{
	char what[PEM_WHY_MAX + 64];
	bool other = strcmp(s->error, why) != 0;

	f->failed++;
	snprintf(s->error, sizeof(s->error), "%s", why);
	if (crl_plan_failed(&s->plan, wall(), chance()) || other) {
		snprintf(what, sizeof(what), "is not taken: %s; %s", s->error,
			 s->have ? "the one before stays" : "there is none before it");
		tell(f, 4, s->url, what);
	}
	expiry(f, s);
}

static void well(struct crl_fetch *f, struct source *s)
{
	if (s->error[0])
		tell(f, 5, s->url, "can be fetched again");
	s->error[0] = '\0';
	s->came = wall();
	crl_plan_came(&s->plan, s->facts.this_update, s->facts.next_update, s->came, chance());
	expiry(f, s);
}

static int part_begin(struct crl_fetch *f, struct source *s)
{
	if (s->http.fd >= 0)
		close(s->http.fd);
	s->http.fd = crl_cache_part(f->c->store_dir, s->url, s->part);
	return s->http.fd < 0 ? s->http.fd : 0;
}

static void part_end(struct source *s, bool keep)
{
	if (s->http.fd >= 0)
		close(s->http.fd);
	s->http.fd = -1;
	if (!keep && s->part[0])
		unlink(s->part);
}

static void judge_next(struct crl_fetch *f);

static void on_tick(int fd, short what, void *arg);

static void source_free(struct source *s)
{
	crl_http_fini(&s->http);
	part_end(s, false);
	schema_text_fini(&s->anchors);
	free(s);
}

/* Nobody names it any more. One that a question to the DNS hangs on stays until that is answered. */
static void drop_unnamed(struct crl_fetch *f)
{
	for (unsigned i = 0; i < f->n;) {
		struct source *s = f->source[i];

		if (s->named || under_way(s) || s->http.resolving) {
			i++;
			continue;
		}
		source_free(s);
		f->source[i] = f->source[--f->n];
	}
}

static void on_http(void *ctx, enum crl_http_end end, const char *why)
{
	struct source *s = ctx;
	struct crl_fetch *f = ((struct control *)s->http.resolve_ctx)->crl_fetch;

	if (end == CRL_HTTP_CAME) {
		s->judged = true;
		part_end(s, true);
		judge_next(f);
		return;
	}
	part_end(s, false);
	if (end == CRL_HTTP_SAME && s->have) {
		f->same++;
		crl_cache_touch(f->c->store_dir, s->url);
		well(f, s);
	} else {
		failed(f, s,
		       end == CRL_HTTP_SAME ? "it answers that nothing has changed since nothing" : why);
	}
	on_tick(-1, 0, f);
}

/* ---- judging ---- */

static void *judge_thread(void *arg)
{
	struct crl_fetch *f = arg;
	uint64_t one = 1;

	crl_judge(&f->job);
	if (write(f->done_fd, &one, sizeof(one)) < 0)
		abort(); /* an eventfd takes it always */
	return NULL;
}

/* One at a time: a large list takes ten times its size while it is judged. */
static void judge_next(struct crl_fetch *f)
{
	struct source *s = NULL;
	struct crl_judging *j = &f->job;

	for (unsigned i = 0; i < f->n && !s && !f->judges; i++)
		if (f->source[i]->judged)
			s = f->source[i];
	if (!s)
		return;
	memset(j, 0, sizeof(*j));
	f->judged = s;
	j->run_dir = f->c->run_dir;
	j->store_dir = f->c->store_dir;
	memcpy(j->url, s->url, sizeof(j->url));
	memcpy(j->part, s->part, sizeof(j->part));
	j->anchors = strdup(s->anchors.p ? s->anchors.p : "");
	f->judges = j->anchors && pthread_create(&f->thread, NULL, judge_thread, f) == 0;
	if (!f->judges) {
		free(j->anchors);
		unlink(s->part);
		s->judged = false;
		failed(f, s, "there is no thread to judge it");
	}
}

static void judge_end(struct crl_fetch *f)
{
	pthread_join(f->thread, NULL);
	f->judges = false;
	free(f->job.anchors);
	f->job.anchors = NULL;
}

static void on_judged(int fd, short what, void *arg)
{
	struct crl_fetch *f = arg;
	struct source *s = f->judged;
	char text[128];
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return;
	judge_end(f);
	s->judged = false;
	if (f->job.r) {
		/* the same bytes again would be no news */
		s->http.etag[0] = s->http.modified[0] = '\0';
		failed(f, s, f->job.why);
	} else {
		s->facts = f->job.facts;
		s->have = true;
		f->came += f->job.changed;
		f->same += !f->job.changed;
		well(f, s);
		if (f->job.changed) {
			snprintf(text, sizeof(text), "has a new list with %u entries", s->facts.entries);
			tell(f, 5, s->url, text);
			keeper_look(f->c);
		}
	}
	judge_next(f);
	on_tick(-1, 0, f);
}

/* ---- when ---- */

static int ask_dns(void *ctx, const char *name, cache_done_fn done, void *done_ctx)
{
	struct control *c = ctx;

	return resolve_ask(c->resolve, name, POLICY_DNS_HOST, 0, done, done_ctx);
}

static void start(struct crl_fetch *f, struct source *s)
{
	int r = part_begin(f, s);

	r = r ? r : crl_http_start(&s->http, s->url);
	/* a name that it asked for before is still on its way */
	if (r && r != -EBUSY)
		failed(f, s, strerror(-r));
	if (r)
		part_end(s, false);
}

/* how many are under way then */
static unsigned start_due(struct crl_fetch *f, bool learned, unsigned busy, unsigned most)
{
	int64_t now = wall();

	for (unsigned i = 0; i < f->n && busy < most; i++) {
		struct source *s = f->source[i];

		if (s->http.configured == learned || !s->named || under_way(s) ||
		    (!s->again && !crl_plan_is_due(&s->plan, now)))
			continue;
		s->again = false;
		start(f, s);
		busy++;
	}
	return busy;
}

static void on_tick(int fd, short what, void *arg)
{
	struct crl_fetch *f = arg;
	unsigned busy = 0;

	drop_unnamed(f);
	for (unsigned i = 0; i < f->n; i++) {
		expiry(f, f->source[i]);
		busy += under_way(f->source[i]);
	}
	/* what an operator has configured first, and one place is for these alone */
	busy = start_due(f, false, busy, CRL_FETCH_AT_ONCE);
	start_due(f, true, busy, CRL_FETCH_AT_ONCE - 1);
	arm(f);
}

/* ---- what the shelf names ---- */

/* as crl_http.h's `refuses` */
static const char *refuses(void *ctx, const uint8_t a[16])
{
	const struct control *c = ctx;

	return resolve_refuses(c->resolve, a);
}

static struct source *add(struct crl_fetch *f, const char *url, bool learned)
{
	unsigned room = learned ? CRL_FETCH_LEARNED : CRL_FETCH_MAX;
	struct source *s = f->n < room ? calloc(1, sizeof(*s)) : NULL;

	if (!s) {
		if (!f->told_full)
			control_log("warning", "crl", "%s is not fetched: there are %u URLs already", url,
				    f->n);
		f->told_full = true;
		return NULL;
	}
	snprintf(s->url, sizeof(s->url), "%s", url);
	vault_hash(url, strlen(url), s->hash);
	s->http = (struct crl_http){
		.base = f->c->base,
		.limits = {.bytes = CRL_FETCH_BYTES,
			   .seconds = CRL_FETCH_S,
			   .redirects = CRL_FETCH_REDIRECTS},
		.resolve = ask_dns,
		.resolve_ctx = f->c,
		.refuses = refuses,
		.done = on_http,
		.ctx = s,
		.fd = -1,
	};
	f->source[f->n++] = s;
	return s;
}

struct keeping {
	struct crl_fetch *f;
	const struct shelf *shelf;
};

static bool kept(void *ctx, const char *hash)
{
	const struct keeping *k = ctx;
	struct crl_fetch *f = k->f;

	for (unsigned i = 0; i < k->shelf->n; i++) {
		char own[VAULT_HASH], key[80];

		if (k->shelf->item[i].sort != SHELF_TRUST || !k->shelf->item[i].fetches)
			continue;
		crl_points_key(k->shelf->item[i].name, key);
		vault_hash(key, strlen(key), own);
		if (strcmp(own, hash) == 0)
			return true;
	}

	for (unsigned i = 0; i < f->n; i++)
		if (strcmp(f->source[i]->hash, hash) == 0)
			return true;
	return false;
}

static void name_one(struct crl_fetch *f, const struct shelf_item *it, const struct shelf_list *l)
{
	struct source *s = find(f, l->url);
	char what[CRL_POINTS_FROM + 64];
	bool fresh = !s;

	s = s ? s : add(f, l->url, l->learned);
	if (!s)
		return;
	s->named = true;
	schema_text_printf(&s->anchors, "%s%c%s\n", it->chain, l->learned ? '-' : '+', it->name);
	if (!l->learned)
		s->http.configured = true;
	if (fresh && l->learned && !l->good) {
		snprintf(what, sizeof(what), "is fetched: it is named by the certificate of %s", l->from);
		tell(f, 6, s->url, what);
	}
	if (!l->good || s->have)
		return;
	s->facts = l->facts;
	s->have = true;
	if (fresh) {
		/* from before a restart: its time goes on */
		s->came = crl_cache_date(f->c->store_dir, s->url);
		crl_plan_came(&s->plan, s->facts.this_update, s->facts.next_update, s->came, chance());
	}
}

void crl_fetch_sync(struct control *c, const struct shelf *shelf)
{
	struct crl_fetch *f = c->crl_fetch;
	bool doubtful = false;

	if (!f || !shelf)
		return;
	for (unsigned i = 0; i < f->n; i++) {
		f->source[i]->named = false;
		f->source[i]->http.configured = false;
		schema_text_reset(&f->source[i]->anchors);
	}
	for (unsigned i = 0; i < shelf->n; i++) {
		const struct shelf_item *it = &shelf->item[i];

		doubtful |= it->problem[0] != '\0';
		for (unsigned k = 0; it->good && k < it->lists; k++)
			name_one(f, it, &it->list[k]);
	}
	drop_unnamed(f);
	/* a file that cannot be read now may have named some of them */
	if (!doubtful)
		crl_cache_sweep(c->store_dir, kept, &(struct keeping){f, shelf});
	on_tick(-1, 0, f);
}

void crl_fetch_now(struct control *c)
{
	struct crl_fetch *f = c->crl_fetch;

	for (unsigned i = 0; f && i < f->n; i++)
		f->source[i]->again = true;
	if (f)
		on_tick(-1, 0, f);
}

/* ---- for others ---- */

bool crl_fetch_state(const struct control *c, const char *url, struct crl_fetch_state *out)
{
	const struct source *s = c->crl_fetch ? find(c->crl_fetch, url) : NULL;

	memset(out, 0, sizeof(*out));
	out->error = "";
	if (!s)
		return false;
	out->came = s->came;
	out->next_try = s->plan.due;
	out->error = s->error;
	out->failures = s->plan.failures;
	out->under_way = under_way(s);
	return true;
}

void crl_fetch_totals(const struct control *c, struct crl_fetch_totals *out)
{
	const struct crl_fetch *f = c->crl_fetch;

	memset(out, 0, sizeof(*out));
	if (!f)
		return;
	out->came = f->came;
	out->same = f->same;
	out->failed = f->failed;
	out->urls = f->n;
	for (unsigned i = 0; i < f->n; i++) {
		const struct source *s = f->source[i];

		out->learned += s->named && !s->http.configured;
		out->outdated += s->have && s->facts.next_update && s->facts.next_update <= wall();
	}
}

/* ---- life ---- */

int crl_fetch_open(struct control *c)
{
	struct crl_fetch *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	c->crl_fetch = f;
	f->c = c;
	r = crl_cache_open(c->store_dir);
	if (r) /* a store that can only be read: each try says so */
		control_log("warning", "crl", "%s/crl: %s", c->store_dir, strerror(-r));
	f->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->tick = event_new(c->base, -1, 0, on_tick, f);
	f->done = f->done_fd < 0 ? NULL : event_new(c->base, f->done_fd, EV_READ | EV_PERSIST, on_judged, f);
	if (!f->tick || !f->done)
		return -ENOMEM;
	event_add(f->done, NULL);
	return 0;
}

bool crl_fetch_works(const struct control *c)
{
	const struct crl_fetch *f = c->crl_fetch;
	struct pollfd done = {.fd = f ? f->done_fd : -1, .events = POLLIN};

	return f && f->judges && poll(&done, 1, 0) == 0;
}

void crl_fetch_close(struct control *c)
{
	struct crl_fetch *f = c->crl_fetch;

	if (!f)
		return;
	if (f->judges)
		judge_end(f);
	for (unsigned i = 0; i < f->n; i++)
		source_free(f->source[i]);
	if (f->tick)
		event_free(f->tick);
	if (f->done)
		event_free(f->done);
	if (f->done_fd >= 0)
		close(f->done_fd);
	free(f);
	c->crl_fetch = NULL;
}
