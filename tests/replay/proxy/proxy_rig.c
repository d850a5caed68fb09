/* SPDX-License-Identifier: BSD-3-Clause */
/* Longer than other files: everything that a proxy is told and may call, answered in one place. */
#include "tests/replay/proxy/proxy_rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>

#include "config/policy/limit.h"
#include "config/policy/pack.h"
#include "dataplane/proxy/proxy_state.h"

/* ---- the edge ---- */

static struct rig *rig_of(void *ctx)
{
	return ((struct rig_core *)ctx)->rig;
}

static struct rig_link *link_at(struct rig *r, uint64_t id)
{
	assert_in_range(id, 1, RIG_LINKS);
	return &r->link[id - 1];
}

static unsigned link_new(struct rig *r)
{
	struct rig_link *l;

	assert_in_range(r->links_n, 0, RIG_LINKS - 1);
	l = &r->link[r->links_n++];
	l->out = malloc(RIG_OUT);
	l->held = malloc(RIG_OUT);
	l->room = UINT32_MAX;
	return r->links_n - 1;
}

static int edge_connect(void *ctx, const struct link_connect *to, uint64_t conn, uint64_t *id)
{
	struct rig *r = rig_of(ctx);
	struct rig_link *l;

	if (r->refuse_connect)
		return -ENOBUFS;
	*id = link_new(r) + 1;
	l = link_at(r, *id);
	l->state = RIG_OPENING;
	l->ours = true;
	l->core = (uint8_t)((struct rig_core *)ctx)->core;
	l->conn = conn;
	l->to = *to;
	memcpy(l->sni, to->sni.ptr, to->sni.len);
	l->to.sni.ptr = l->sni;
	return 0;
}

static uint8_t chunk[16384];

static int edge_reserve(void *ctx, uint64_t id, struct link_out *out)
{
	struct rig_link *l = link_at(rig_of(ctx), id);

	assert_int_equal(l->state, RIG_UP);
	if (l->room == 0)
		return -EAGAIN;
	out->data = chunk;
	out->room = l->room < RIG_CHUNK ? l->room : RIG_CHUNK;
	return 0;
}

static int64_t edge_send(void *ctx, uint64_t id, const void *data, size_t len)
{
	struct rig_link *l = link_at(rig_of(ctx), id);
	uint32_t n = len < l->room ? (uint32_t)len : l->room;

	assert_int_equal(l->state, RIG_UP);
	assert_in_range(l->out_len + n, 0, RIG_OUT);
	memcpy(l->out + l->out_len, data, n);
	l->out_len += n;
	if (l->room != UINT32_MAX)
		l->room -= n;
	return n;
}

static int edge_commit(void *ctx, uint64_t id, struct link_out *out, uint32_t len)
{
	if (len)
		assert_int_equal(edge_send(ctx, id, out->data, len), len);
	return 0;
}

static struct policy_name edge_peer_name(void *ctx, uint64_t id, unsigned i)
{
	return policy_name_of(link_at(rig_of(ctx), id)->names[i]);
}

static void edge_resume(void *ctx, uint64_t id)
{
	link_at(rig_of(ctx), id)->resume = true;
}

static void edge_close(void *ctx, uint64_t id)
{
	link_at(rig_of(ctx), id)->said_close = true;
}

static void edge_abort(void *ctx, uint64_t id)
{
	link_at(rig_of(ctx), id)->said_abort = true;
}

static uint32_t edge_stuck(void *ctx, uint64_t id)
{
	return link_at(rig_of(ctx), id)->stuck_ms;
}

static const struct link_ops edge = {.connect = edge_connect,
				     .reserve = edge_reserve,
				     .commit = edge_commit,
				     .send = edge_send,
				     .peer_name = edge_peer_name,
				     .resume = edge_resume,
				     .close = edge_close,
				     .abort = edge_abort,
				     .stuck = edge_stuck};

static bool take_ask(void *ctx, const struct exchange_question *q)
{
	struct rig *r = rig_of(ctx);

	r->asks[r->asks_n++ % RIG_ASKS] = *q;
	return true;
}

static void take_event(void *ctx, const struct exchange_event *e)
{
	struct rig *r = rig_of(ctx);

	r->events[r->events_n++ % RIG_EVENTS] = *e;
}

static void take_watch(void *ctx, const struct policy_watch *watch)
{
	rig_of(ctx)->watch = *watch;
}

static const struct policy_watch *give_watch(void *ctx, const uint8_t key[POLICY_WATCH_KEY_LEN])
{
	struct rig *r = rig_of(ctx);

	return memcmp(r->kept.key, key, POLICY_WATCH_KEY_LEN) == 0 ? &r->kept : NULL;
}

static const struct proxy_ops ops = {
	.ask = take_ask, .event = take_event, .watch = take_watch, .watched = give_watch};

/* ---- turns ---- */

static void begin(struct rig *r)
{
	for (unsigned i = 0; i < r->cores; i++) {
		proxy_begin(r->proxies[i], r->now_ns, UINT64_C(1790000000000000000) + r->now_ns,
			    r->no_policy ? NULL : r->world.view);
		proxy_shadow(r->proxies[i], r->candidate);
	}
}

static void feed(struct rig *r, struct rig_link *l)
{
	uint32_t n;

	if (!l->held_len || l->state != RIG_UP)
		return;
	n = proxy_link_data(r->proxies[l->core], l->conn, l->held, l->held_len);
	assert_in_range(n, 0, l->held_len);
	memmove(l->held, l->held + n, l->held_len - n);
	l->held_len -= n;
}

/* what the edge does in its own turn: closes what was to be closed, feeds what may go on */
static void settle(struct rig *r)
{
	for (unsigned k = 0; k < 200; k++) {
		bool more = false;

		for (unsigned i = 0; i < r->cores; i++)
			more |= !(r->asleep >> i & 1) && proxy_turn(r->proxies[i]) != 0;

		for (unsigned i = 0; i < r->links_n; i++) {
			struct rig_link *l = &r->link[i];

			if (((l->said_close && !r->slow_close) || l->said_abort) && l->state != RIG_CLOSED) {
				l->state = RIG_CLOSED;
				proxy_link_closed(r->proxies[l->core], l->conn,
						  l->said_abort ? LINK_END_LOCAL : LINK_END_CLOSED, NULL);
				more = true;
			}
			if (l->resume) {
				l->resume = false;
				feed(r, l);
				more = true;
			}
		}
		if (!more)
			return;
	}
	fail_msg("the proxy does not come to rest");
}

static void end(struct rig *r)
{
	settle(r);
	for (unsigned i = 0; i < r->cores; i++)
		proxy_end(r->proxies[i]);
}

void rig_wait(struct rig *r, unsigned ms)
{
	do {
		unsigned step = ms < 10 ? ms : 10;

		r->now_ns += step * UINT64_C(1000000);
		ms -= step;
		begin(r);
		end(r);
	} while (ms);
}

/* ---- life ---- */

static void add_inner(struct rig *r, const char *name)
{
	struct policy_inner fixed = {0};
	uint32_t buf[128];

	assert_true(policy_pack_inner(&fixed, policy_name_of(name), buf, sizeof(buf)) > 0);
	assert_true(policy_draft_small(r->world.draft, POLICY_SMALL_INNER, buf) > 0);
}

static void add_listener(struct rig *r, uint8_t side, const char *last)
{
	struct policy_listener fixed = {.identity = 1,
					.side = side,
					.port = 5061,
					.protocol = POLICY_PROTOCOL_SIP,
					.ip = {[10] = 0xff, [11] = 0xff, 10, 0, 0, (uint8_t)atoi(last)}};
	uint32_t buf[16];

	assert_true(policy_pack_listener(&fixed, buf, sizeof(buf)) > 0);
	assert_true(policy_draft_small(r->world.draft, POLICY_SMALL_LISTENERS, buf) > 0);
}

void rig_listen_plain(struct rig *r, const char *prefix, unsigned bits)
{
	struct {
		struct policy_listener listener;
		struct policy_prefix from;
	} one = {.listener = {.size = sizeof(one),
			      .identity = 1,
			      .side = POLICY_SIDE_INTERNAL,
			      .port = 5060,
			      .protocol = POLICY_PROTOCOL_SIP_TCP,
			      .ip = {[10] = 0xff, [11] = 0xff, 10, 0, 0, 2}},
		 .from = {.ip = {[10] = 0xff, [11] = 0xff}, .bits = (uint8_t)(96 + bits)}};

	if (!prefix)
		one.listener.size = sizeof(one.listener);
	else
		assert_int_equal(inet_pton(AF_INET, prefix, one.from.ip + 12), 1);
	assert_true(policy_draft_small(r->world.draft, POLICY_SMALL_LISTENERS, &one) > 0);
	rig_world(r, "");
}

void rig_pool_insecure(struct rig *r)
{
	const struct policy_view *view = r->world.view;
	const struct policy_own_domain *own = view->ops->own_domain(view, policy_name_of("ours.com"));
	const struct policy_identity *identity = view->ops->identity(view, own->identity);
	const struct policy_route_set *set =
		view->ops->route_set(view, own->inside_route ? own->inside_route : identity->inside_route);
	uint8_t *at = (uint8_t *)(uintptr_t)set + set->hop_at;
	struct policy_hop hop;

	memcpy(&hop, at, sizeof(hop));
	hop.flags |= POLICY_HOP_INSECURE;
	memcpy(at, &hop, sizeof(hop));
	rig_world(r, "");
}

static struct rig *open_rig(const char *world, const struct proxy_config *config, unsigned cores)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct policy_limit_class limits;
	struct proxy_keys keys;
	struct proxy_config c;

	assert_non_null(r);
	r->now_ns = WORLD_NOW_NS;
	r->cores = cores;
	world_open(&r->world, world_base);
	policy_limit_defaults(&limits);
	assert_int_equal(policy_draft_limit_class(r->world.draft, &limits, policy_name_of("discovered")), 1);
	world_add(&r->world, world);
	assert_int_equal(r->world.error, 0);
	add_inner(r, "pool.ours.com");
	add_listener(r, POLICY_SIDE_EXTERNAL, "1");
	add_listener(r, POLICY_SIDE_INTERNAL, "2");
	proxy_config_default(&c);
	c.conns = 64;
	c.transactions = 2048;
	c.buffers_2k = c.buffers_16k = 4096;
	c.buffers_128k = 64;
	c.buffers_1m = 8;
	memset(&keys, 0x5a, sizeof(keys));
	if (cores > 1)
		r->mail = proxy_mail_create(cores);
	for (unsigned i = 0; i < cores; i++) {
		r->ctx[i] = (struct rig_core){r, i};
		r->proxies[i] =
			proxy_create(config ? config : &c, &keys, i, cores, &edge, &ops, &r->ctx[i], 7 + i);
		assert_non_null(r->proxies[i]);
		if (cores > 1)
			proxy_mail_attach(r->proxies[i], r->mail);
	}
	r->proxy = r->proxies[0];
	begin(r);
	end(r);
	return r;
}

struct rig *rig_open(const char *world, const struct proxy_config *config)
{
	return open_rig(world, config, 1);
}

struct rig *rig_open_cores(const char *world, unsigned cores)
{
	return open_rig(world, NULL, cores);
}

void rig_close(struct rig *r)
{
	const struct proxy_stats *s;

	/* every timer of RFC 3261 has run out then */
	rig_wait(r, 40000);
	for (unsigned i = 0; i < r->links_n; i++)
		if (r->link[i].state == RIG_UP || r->link[i].state == RIG_OPENING)
			rig_end(r, i, LINK_END_RESET);
	for (unsigned i = 0; i < r->cores; i++) {
		s = proxy_stats_get(r->proxies[i]);
		assert_int_equal(s->servers, 0);
		assert_int_equal(s->clients, 0);
		assert_int_equal(s->conns, 0);
		assert_int_equal(s->parked, 0);
		assert_int_equal(s->buffers, 0);
		/* nor is anything of it still written to somebody's account */
		for (unsigned k = 0; k < PROXY_SHARES; k++)
			for (unsigned n = 0; n < PROXY_SHARE_KINDS; n++)
				assert_int_equal(r->proxies[i]->shares[k].n[n], 0);
		proxy_destroy(r->proxies[i]);
	}
	proxy_mail_destroy(r->mail);
	world_close(&r->world);
	for (unsigned i = 0; i < r->links_n; i++) {
		free(r->link[i].out);
		free(r->link[i].held);
	}
	free(r);
}

void rig_world(struct rig *r, const char *text)
{
	world_add(&r->world, text);
	assert_int_equal(r->world.error, 0);
	((struct policy_view *)(uintptr_t)r->world.view)->generation++;
}

/* ---- links ---- */

static void set_facts(struct rig *r, struct rig_link *l, uint8_t side, bool outgoing, const char *names)
{
	static const uint8_t us[2] = {1, 2};
	const uint8_t local[4] = {10, 0, 0, us[side]};
	const uint8_t remote[4] = {192, 0, 2, (uint8_t)(l - r->link + 1)};
	char list[1024], *save;

	l->facts = (struct link_facts){.side = side,
				       .outgoing = outgoing,
				       .secure = true,
				       .certificate = true,
				       .has_spki = true,
				       .eku = r->eku ? r->eku : POLICY_EKU_CLIENT | POLICY_EKU_SERVER,
				       .identity = 1,
				       .local = base_addr_v4(local),
				       .remote = base_addr_v4(remote),
				       .local_port = 5061,
				       .remote_port = 40000};
	if (outgoing) {
		l->facts.identity = l->to.identity;
		l->facts.remote = l->to.ip;
		l->facts.remote_port = l->to.port;
		l->facts.local_port = 50000;
	}
	snprintf(list, sizeof(list), "%s", names);
	for (size_t i = 0; names[i]; i++)
		l->facts.spki[i % LINK_HASH_LEN] =
			(uint8_t)(l->facts.spki[i % LINK_HASH_LEN] * 31 + names[i]);
	if (outgoing && l->to.insecure)
		l->facts = (struct link_facts){.side = side,
					       .outgoing = true,
					       .identity = l->facts.identity,
					       .local = l->facts.local,
					       .remote = l->facts.remote,
					       .local_port = l->facts.local_port,
					       .remote_port = l->facts.remote_port};
	if (r->key)
		memset(l->facts.spki, r->key, sizeof(l->facts.spki));
	if (r->key_alone) {
		l->facts.certificate = false;
		l->facts.pinned_only = true;
		return;
	}
	for (char *t = l->facts.secure ? strtok_r(list, ",", &save) : NULL; t && l->facts.names_n < 8;
	     t = strtok_r(NULL, ",", &save))
		snprintf(l->names[l->facts.names_n++], sizeof(l->names[0]), "%s", t);
}

static unsigned accept_link(struct rig *r, uint8_t side, const char *names)
{
	unsigned i = link_new(r);
	struct rig_link *l = &r->link[i];

	set_facts(r, l, side, false, names);
	l->core = (uint8_t)r->accept_at;
	begin(r);
	l->state = RIG_UP;
	l->conn = proxy_link_accepted(r->proxies[l->core], i + 1, &l->facts);
	assert_int_not_equal(l->conn, 0);
	end(r);
	return i;
}

unsigned rig_partner(struct rig *r, const char *names)
{
	return accept_link(r, LINK_EXTERNAL, names);
}

unsigned rig_inner(struct rig *r, const char *names)
{
	return accept_link(r, LINK_INTERNAL, names);
}

unsigned rig_plain(struct rig *r, uint8_t side, const char *address, uint16_t port)
{
	unsigned i = link_new(r);
	struct rig_link *l = &r->link[i];
	uint8_t remote[4];

	assert_int_equal(inet_pton(AF_INET, address, remote), 1);
	set_facts(r, l, side, false, "");
	l->facts = (struct link_facts){.side = side,
				       .identity = 1,
				       .local = l->facts.local,
				       .remote = base_addr_v4(remote),
				       .local_port = 5060,
				       .remote_port = port};
	l->core = (uint8_t)r->accept_at;
	begin(r);
	l->state = RIG_UP;
	l->conn = proxy_link_accepted(r->proxies[l->core], i + 1, &l->facts);
	if (!l->conn)
		l->state = RIG_CLOSED;
	end(r);
	return l->conn ? i : RIG_REFUSED;
}

unsigned rig_opened(struct rig *r)
{
	for (unsigned i = r->links_n; i-- > 0;)
		if (r->link[i].state == RIG_OPENING)
			return i;
	fail_msg("the proxy opens no link");
	return 0;
}

void rig_none_opened(struct rig *r)
{
	for (unsigned i = 0; i < r->links_n; i++)
		assert_int_not_equal(r->link[i].state, RIG_OPENING);
}

void rig_up(struct rig *r, unsigned link, const char *names)
{
	struct rig_link *l = &r->link[link];

	assert_int_equal(l->state, RIG_OPENING);
	set_facts(r, l, l->to.side, true, names);
	l->state = RIG_UP;
	begin(r);
	proxy_link_up(r->proxies[l->core], l->conn, &l->facts);
	end(r);
}

void rig_end(struct rig *r, unsigned link, enum link_end why)
{
	struct rig_link *l = &r->link[link];

	if (l->state == RIG_CLOSED)
		return;
	l->state = RIG_CLOSED;
	begin(r);
	proxy_link_closed(r->proxies[l->core], l->conn, why, NULL);
	end(r);
}

void rig_eof(struct rig *r, unsigned link)
{
	begin(r);
	proxy_link_eof(r->proxies[r->link[link].core], r->link[link].conn);
	end(r);
}

unsigned rig_nobody(struct rig *r)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->links_n; i++) {
		if (r->link[i].state != RIG_OPENING)
			continue;
		rig_end(r, i, LINK_END_REFUSED);
		n++;
	}
	return n;
}

void rig_room(struct rig *r, unsigned link, uint32_t room)
{
	struct rig_link *l = &r->link[link];

	l->room = room;
	if (l->state != RIG_UP || !room)
		return;
	begin(r);
	proxy_link_writable(r->proxies[l->core], l->conn);
	end(r);
}

/* ---- bytes ---- */

void rig_bytes(struct rig *r, unsigned link, const void *bytes, uint32_t len, uint32_t cut)
{
	struct rig_link *l = &r->link[link];
	const uint8_t *from = bytes;

	for (uint32_t at = 0; at < len;) {
		uint32_t n = cut && cut < len - at ? cut : len - at;

		assert_in_range(l->held_len + n, 0, RIG_OUT);
		memcpy(l->held + l->held_len, from + at, n);
		l->held_len += n;
		at += n;
		begin(r);
		feed(r, l);
		end(r);
	}
}

void rig_send(struct rig *r, unsigned link, const char *format, ...)
{
	static char text[RIG_OUT], wire[RIG_OUT];
	char *body, *length;
	uint32_t n = 0, body_len;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	body = strstr(text, "\n\n");
	assert_non_null(body);
	body_len = (uint32_t)strlen(body + 2);
	length = strstr(text, "Content-Length: *");
	for (char *t = text; *t; t++) {
		if (length && t == length) {
			n += (uint32_t)sprintf(wire + n, "Content-Length: %u", body_len);
			t += strlen("Content-Length: *");
		}
		if (*t == '\n' && t <= body + 1)
			wire[n++] = '\r';
		wire[n++] = *t;
	}
	rig_bytes(r, link, wire, n, 0);
}

/* when a test fails: what the proxy thinks that it did */
static void print_stats(const struct rig *r)
{
	const struct proxy_stats *s = proxy_stats_get(r->proxy);

	for (unsigned i = 0; i < PROXY_COUNTERS; i++)
		if (s->counters[i])
			print_message("%s %lu\n", proxy_counter_info[i].name, (unsigned long)s->counters[i]);
	for (unsigned i = 0; i < PROXY_DROPS; i++)
		if (s->drops[i])
			print_message("dropped: %s %lu\n", proxy_drop_info[i].name,
				      (unsigned long)s->drops[i]);
}

/* keep-alive between messages; a test that wants to see it looks at link.pings */
static void skip_pings(struct rig_link *l)
{
	while (l->out_len - l->out_at >= 2 && memcmp(l->out + l->out_at, "\r\n", 2) == 0) {
		l->out_at += 2;
		l->pings++;
	}
}

const char *rig_got(struct rig *r, unsigned link)
{
	struct rig_link *l = &r->link[link];
	const char *at, *head, *length;
	uint32_t left, total, n = 0;

	skip_pings(l);
	at = (const char *)l->out + l->out_at;
	left = l->out_len - l->out_at;
	if (!left) {
		print_stats(r);
		fail_msg("nothing was sent on link %u", link);
	}
	head = memmem(at, left, "\r\n\r\n", 4);
	if (!head)
		fail_msg("half a message on link %u: %.*s", link, (int)left, at);
	total = (uint32_t)(head - at) + 4;
	length = memmem(at, total, "Content-Length:", 15);
	assert_non_null(length);
	total += (uint32_t)strtoul(length + 15, NULL, 10);
	assert_in_range(total, 1, left);
	for (uint32_t i = 0; i < total; i++)
		if (at[i] != '\r')
			r->text[n++] = at[i];
	r->text[n] = '\0';
	l->out_at += total;
	return r->text;
}

void rig_quiet(struct rig *r, unsigned link)
{
	struct rig_link *l = &r->link[link];

	skip_pings(l);
	if (l->out_len != l->out_at)
		fail_msg("unexpected on link %u: %.*s", link, (int)(l->out_len - l->out_at),
			 (const char *)l->out + l->out_at);
}

/* ---- what was told ---- */

const struct exchange_event *rig_event(const struct rig *r, enum exchange_event_kind kind)
{
	for (unsigned n = r->events_n; n > 0 && r->events_n - n < RIG_EVENTS; n--)
		if (r->events[(n - 1) % RIG_EVENTS].kind == kind)
			return &r->events[(n - 1) % RIG_EVENTS];
	return NULL;
}

uint64_t rig_count(const struct rig *r, enum proxy_counter which)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < r->cores; i++)
		n += proxy_stats_get(r->proxies[i])->counters[which];
	return n;
}

uint64_t rig_drop(const struct rig *r, enum proxy_drop which)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < r->cores; i++)
		n += proxy_stats_get(r->proxies[i])->drops[which];
	return n;
}
