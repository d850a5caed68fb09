/* SPDX-License-Identifier: BSD-3-Clause */
/* Peers that say anything, on both sides of the whole proxy, while connections come and go. The input is a
 * list of records: what, length (16 bits), bytes. At the end everything is closed, time passes, and nothing
 * may be left. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "config/policy/pack.h"
#include "dataplane/proxy/proxy.h"
#include "tests/unit/policy/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINKS = 24, PARTNER = 0, INNER = 1, LAST = 65536 };

enum { SAY, WAIT, UP, FAIL, CLOSE, ANSWER, STALL, OPS };

struct wire {
	uint64_t conn;
	bool open, up, ours, inside, closing, resume;
	uint32_t room;
	uint32_t last_len;
	uint8_t last[LAST]; /* the last thing that was sent on it */
};

static struct wire wires[LINKS];
static unsigned wires_n;
static struct proxy *proxy;
static struct world world;
static uint64_t now_ns;
static uint8_t room[16384];

static int edge_connect(void *ctx, const struct link_connect *to, uint64_t conn, uint64_t *id)
{
	if (wires_n == LINKS)
		return -1;
	wires[wires_n] = (struct wire){.conn = conn,
				       .open = true,
				       .ours = true,
				       .inside = to->side == LINK_INTERNAL,
				       .room = UINT32_MAX};
	*id = ++wires_n;
	return 0;
}

static int64_t edge_send(void *ctx, uint64_t id, const void *data, size_t len)
{
	struct wire *w = &wires[id - 1];
	size_t n = len < w->room ? len : w->room;

	if (!w->up)
		abort();
	w->last_len = n < LAST ? (uint32_t)n : LAST;
	memcpy(w->last, data, w->last_len);
	if (w->room != UINT32_MAX)
		w->room -= (uint32_t)n;
	return (int64_t)n;
}

static int edge_reserve(void *ctx, uint64_t id, struct link_out *out)
{
	if (!wires[id - 1].up)
		abort();
	out->data = room;
	out->room = wires[id - 1].room < sizeof(room) ? wires[id - 1].room : sizeof(room);
	return out->room ? 0 : -11;
}

static int edge_commit(void *ctx, uint64_t id, struct link_out *out, uint32_t len)
{
	if (len && edge_send(ctx, id, out->data, len) != len)
		abort();
	return 0;
}

static struct policy_name edge_name(void *ctx, uint64_t id, unsigned i)
{
	return policy_name_of(wires[id - 1].inside ? "pool.ours.com" : "sip.contoso.com");
}

static void edge_resume(void *ctx, uint64_t id)
{
	wires[id - 1].resume = true;
}

static void edge_close(void *ctx, uint64_t id)
{
	wires[id - 1].closing = true;
	wires[id - 1].up = false;
}

static const struct link_ops edge = {edge_connect, edge_reserve, edge_commit, edge_send, edge_name,
				     edge_resume,  edge_close,	 edge_close,  NULL};

static struct link_facts facts_of(const struct wire *w)
{
	return (struct link_facts){.side = w->inside ? LINK_INTERNAL : LINK_EXTERNAL,
				   .outgoing = w->ours,
				   .secure = true,
				   .certificate = true,
				   .has_spki = true,
				   .eku = POLICY_EKU_ABSENT,
				   .names_n = 1,
				   .identity = 1,
				   .spki = {w->inside}};
}

static void begin(void)
{
	proxy_begin(proxy, now_ns, UINT64_C(1790000000000000000) + now_ns, world.view);
}

static void finish(void)
{
	for (unsigned k = 0; k < 50; k++) {
		bool more = proxy_turn(proxy) != 0;

		for (unsigned i = 0; i < wires_n; i++) {
			more |= wires[i].resume;
			wires[i].resume = false;
			if (!wires[i].closing)
				continue;
			more = true;
			wires[i].closing = wires[i].open = false;
			proxy_link_closed(proxy, wires[i].conn, LINK_END_CLOSED, 0, NULL);
		}
		if (!more)
			break;
	}
	proxy_end(proxy);
}

static void accept_wire(bool inside)
{
	struct wire *w = &wires[wires_n];
	struct link_facts facts;

	if (wires_n == LINKS)
		return;
	*w = (struct wire){.open = true, .up = true, .inside = inside, .room = UINT32_MAX};
	facts = facts_of(w);
	begin();
	w->conn = proxy_link_accepted(proxy, ++wires_n, &facts);
	finish();
}

static void wait_ms(uint32_t ms)
{
	now_ns += ms * UINT64_C(1000000);
	begin();
	finish();
}

static void say(struct wire *w, const uint8_t *bytes, uint32_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, bytes, len);
	begin();
	if (w->up && proxy_link_data(proxy, w->conn, copy, len) > len)
		abort();
	finish();
	free(copy);
}

/* what was asked last on this connection, as an answer */
static void answer(struct wire *w, uint8_t status)
{
	static uint8_t text[LAST + 64];
	const uint8_t *rest = memchr(w->last, '\r', w->last_len);
	int n = sprintf((char *)text, "SIP/2.0 %u Said", 100 + status % 12 * 50);

	if (!rest)
		return;
	memcpy(text + n, rest, w->last_len - (size_t)(rest - w->last));
	say(w, text, (uint32_t)n + w->last_len - (uint32_t)(rest - w->last));
}

static void opening(bool good)
{
	for (unsigned i = 0; i < wires_n; i++) {
		struct link_facts facts = facts_of(&wires[i]);

		if (!wires[i].open || !wires[i].ours || wires[i].up)
			continue;
		begin();
		if (good) {
			wires[i].up = true;
			proxy_link_up(proxy, wires[i].conn, &facts);
		} else {
			wires[i].open = false;
			wires[i].closing = false;
			proxy_link_closed(proxy, wires[i].conn, LINK_END_REFUSED, 0, NULL);
		}
		finish();
	}
}

static void close_wire(struct wire *w)
{
	if (!w->open)
		return;
	w->open = w->up = w->closing = false;
	begin();
	proxy_link_closed(proxy, w->conn, LINK_END_RESET, 0, NULL);
	finish();
}

static void record(uint8_t what, const uint8_t *bytes, uint32_t len)
{
	struct wire *w = &wires[what / OPS % wires_n];

	switch (what % OPS) {
	case SAY:
		say(w, bytes, len);
		break;
	case WAIT:
		wait_ms(len);
		break;
	case UP:
		opening(true);
		break;
	case FAIL:
		opening(false);
		break;
	case CLOSE:
		close_wire(w);
		accept_wire(len & 1);
		break;
	case ANSWER:
		answer(w, (uint8_t)len);
		break;
	default:
		w->room = w->room == UINT32_MAX ? len : UINT32_MAX;
		if (w->up && w->room) {
			begin();
			proxy_link_writable(proxy, w->conn);
			finish();
		}
		break;
	}
}

static void make_world(void)
{
	struct policy_inner inner = {0};
	uint32_t buf[64];

	world_open(&world, world_base);
	world_add(&world,
		  "allow contoso.com; srv contoso.com sip.contoso.com=198.51.100.1; host sip.contoso.com "
		  "198.51.100.1");
	policy_pack_inner(&inner, policy_name_of("pool.ours.com"), buf, sizeof(buf));
	policy_draft_small(world.draft, POLICY_SMALL_INNER, buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct proxy_stats *s;
	struct proxy_config config;
	struct proxy_keys keys;

	if (!world.draft)
		make_world();
	proxy_config_default(&config);
	config.conns = config.transactions = 64;
	config.buffers_2k = config.buffers_16k = 128;
	config.buffers_128k = config.buffers_1m = 16;
	config.limit_peers = config.limit_sets = 16;
	memset(&keys, 0x5a, sizeof(keys));
	now_ns = WORLD_NOW_NS;
	wires_n = 0;
	proxy = proxy_create(&config, &keys, 0, 1, &edge, NULL, NULL, 7);
	if (!proxy)
		abort();
	accept_wire(false);
	accept_wire(true);
	while (size >= 3) {
		uint8_t what = data[0];
		uint32_t len = (uint32_t)(data[1] | data[2] << 8);

		data += 3;
		size -= 3;
		/* a length is also a number, where no bytes are meant */
		if (what % OPS == SAY) {
			if (len > size)
				len = (uint32_t)size;
			record(what, data, len);
			data += len;
			size -= len;
		} else {
			record(what, NULL, len);
		}
	}
	for (unsigned i = 0; i < wires_n; i++)
		close_wire(&wires[i]);
	wait_ms(300000);
	wait_ms(300000);
	s = proxy_stats_get(proxy);
	if (s->conns || s->servers || s->clients || s->parked || s->buffers)
		abort();
	proxy_destroy(proxy);
	return 0;
}
