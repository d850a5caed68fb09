/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/watchlist.h"
#include "config/exchange/command.h"
#include "controlplane/daemon/uplink.h"
#include "controlplane/publish/publish.h"
#include "controlplane/store/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define WATCH_MAGIC UINT64_C(0x3168637461777073)

/* the file: head, entries, sum over both */
struct watch_head {
	uint64_t magic;
	uint32_t bytes, n;
};

struct watchlist {
	struct policy_watch entry[WATCH_KEPT];
	unsigned n;
	bool touched;
	struct event *save;
};

static struct policy_watch *find(struct watchlist *w, const uint8_t *key)
{
	for (unsigned i = 0; i < w->n; i++)
		if (memcmp(w->entry[i].key, key, POLICY_WATCH_KEY_LEN) == 0)
			return &w->entry[i];
	return NULL;
}

static bool over(const struct policy_watch *e, int64_t now)
{
	return e->since_s + WATCH_LIFE_S <= now;
}

/* the room of an entry that is past its life, else of the one whose news is oldest */
static struct policy_watch *room(struct watchlist *w, int64_t now)
{
	struct policy_watch *oldest = &w->entry[0];

	if (w->n < WATCH_KEPT)
		return &w->entry[w->n++];
	for (unsigned i = 0; i < w->n; i++) {
		if (over(&w->entry[i], now))
			return &w->entry[i];
		if (w->entry[i].why_s < oldest->why_s)
			oldest = &w->entry[i];
	}
	return oldest;
}

static int write_list(int dir, const struct watchlist *w)
{
	static const char fresh[] = "watch.new";
	const struct watch_head head = {WATCH_MAGIC, sizeof(struct policy_watch), w->n};
	size_t bytes = w->n * sizeof(w->entry[0]);
	struct sha256 s;
	uint8_t sum[32];
	int fd, r = 0;

	sha256_init(&s);
	sha256_add(&s, &head, sizeof(head));
	sha256_add(&s, w->entry, bytes);
	sha256_done(&s, sum);
	unlinkat(dir, fresh, 0);
	fd = openat(dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, &head, sizeof(head)) != (ssize_t)sizeof(head) ||
	    write(fd, w->entry, bytes) != (ssize_t)bytes ||
	    write(fd, sum, sizeof(sum)) != (ssize_t)sizeof(sum))
		r = -EIO;
	if (!r && fsync(fd))
		r = -errno;
	close(fd);
	if (!r && renameat(dir, fresh, dir, "watch"))
		r = -errno;
	return r;
}

static void save(struct control *c)
{
	int dir, r;

	if (!c->watchlist || !c->watchlist->touched)
		return;
	dir = open(c->store_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dir < 0 ? -errno : write_list(dir, c->watchlist);
	if (dir >= 0)
		close(dir);
	if (r)
		control_log("error", "watch", "the watch list cannot be kept over a restart: %s",
			    strerror(-r));
	c->watchlist->touched = r != 0;
}

static void on_save(int fd, short what, void *arg)
{
	save(arg);
}

/* a busy list is written once in two seconds */
static void touch(struct control *c)
{
	static const struct timeval soon = {2, 0};
	struct watchlist *w = c->watchlist;

	w->touched = true;
	if (!w->save)
		w->save = event_new(c->base, -1, 0, on_save, c);
	if (!event_pending(w->save, EV_TIMEOUT, NULL))
		event_add(w->save, &soon);
}

static int read_list(int fd, struct watchlist *w)
{
	struct watch_head head;
	struct sha256 s;
	uint8_t sum[32], is[32];
	size_t bytes;

	if (read(fd, &head, sizeof(head)) != (ssize_t)sizeof(head) || head.magic != WATCH_MAGIC ||
	    head.bytes != sizeof(w->entry[0]) || head.n > WATCH_KEPT)
		return -EBADMSG;
	bytes = head.n * sizeof(w->entry[0]);
	if (read(fd, w->entry, bytes) != (ssize_t)bytes || read(fd, is, sizeof(is)) != (ssize_t)sizeof(is))
		return -EBADMSG;
	sha256_init(&s);
	sha256_add(&s, &head, sizeof(head));
	sha256_add(&s, w->entry, bytes);
	sha256_done(&s, sum);
	if (memcmp(sum, is, sizeof(sum)))
		return -EBADMSG;
	w->n = head.n;
	return 0;
}

void watch_load(struct control *c)
{
	char path[512];
	int fd, r;

	c->watchlist = calloc(1, sizeof(*c->watchlist));
	if (!c->watchlist || snprintf(path, sizeof(path), "%s/watch", c->store_dir) >= (int)sizeof(path))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	r = read_list(fd, c->watchlist);
	close(fd);
	if (r) {
		c->watchlist->n = 0;
		control_log("warning", "watch", "the watch list that was kept is damaged: it begins anew");
	}
}

static void show_one(struct control *c, const struct policy_watch *e, int64_t now)
{
	int r = c->publish ? publish_watch(c->publish, e, (uint64_t)(e->since_s + WATCH_LIFE_S - now))
			   : -ENOENT;

	if (r && r != -ENOENT)
		control_log("warning", "watch", "an entry of the watch list cannot be shown: %s",
			    strerror(-r));
}

static void forget(struct control *c, struct policy_watch *e)
{
	struct watchlist *w = c->watchlist;

	if (c->publish)
		publish_unwatch(c->publish, e->key);
	*e = w->entry[--w->n];
	touch(c);
}

void watch_take(struct control *c, const struct policy_watch *watch)
{
	struct watchlist *w = c->watchlist;
	int64_t now = (int64_t)time(NULL);
	struct policy_watch *e;

	if (!w)
		return;
	e = find(w, watch->key);
	/* forgiven over there, after all that was told of it before */
	if (!watch->why && !watch->uris) {
		if (e)
			forget(c, e);
		return;
	}
	if (!e)
		e = room(w, now);
	*e = *watch;
	/* the other plane's clock is not ours to trust */
	if (e->since_s <= 0 || e->since_s > now)
		e->since_s = now;
	if (e->domains_len > sizeof(e->domains))
		e->domains_len = sizeof(e->domains);
	show_one(c, e, now);
	touch(c);
}

void watch_show_all(struct control *c)
{
	struct watchlist *w = c->watchlist;
	int64_t now = (int64_t)time(NULL);

	for (unsigned i = 0; w && i < w->n;) {
		if (over(&w->entry[i], now)) {
			w->entry[i] = w->entry[--w->n];
			touch(c);
			continue;
		}
		show_one(c, &w->entry[i], now);
		i++;
	}
}

const struct policy_watch *watch_at(const struct control *c, unsigned i)
{
	const struct watchlist *w = c->watchlist;

	return w && i < w->n ? &w->entry[i] : NULL;
}

/* ---- reset watchlist [PEER] ---- */

static bool is_hex(const char *s)
{
	size_t len = strlen(s);

	return len >= WATCH_PREFIX && len <= 2 * (size_t)POLICY_WATCH_KEY_LEN &&
	       strspn(s, "0123456789abcdefABCDEF") == len;
}

static unsigned digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* its key begins with these digits, or it used this domain */
static bool is_peer(const struct policy_watch *e, const char *peer)
{
	unsigned at = 0;

	if (!peer)
		return true;
	if (is_hex(peer)) {
		for (; peer[at]; at++)
			if (digit(peer[at]) != (e->key[at / 2] >> (at & 1 ? 0 : 4) & 15u))
				return false;
		return true;
	}
	for (; at < e->domains_len; at += (unsigned)strnlen(e->domains + at, e->domains_len - at) + 1)
		if (strncasecmp(e->domains + at, peer, e->domains_len - at) == 0)
			return true;
	return false;
}

/* a key that is written in full is told to the dataplane even if it is not kept here */
static bool whole_key(const char *peer, uint8_t key[POLICY_WATCH_KEY_LEN])
{
	if (!peer || !is_hex(peer) || strlen(peer) != 2 * (size_t)POLICY_WATCH_KEY_LEN)
		return false;
	for (unsigned i = 0; i < POLICY_WATCH_KEY_LEN; i++)
		key[i] = (uint8_t)(digit(peer[2 * (size_t)i]) << 4 | digit(peer[2 * (size_t)i + 1]));
	return true;
}

static unsigned how_many(const struct control *c, const char *peer)
{
	const struct policy_watch *e;
	unsigned n = 0;

	for (unsigned i = 0; (e = watch_at(c, i)); i++)
		n += is_peer(e, peer);
	return n;
}

void watch_reset(struct request *r)
{
	struct exchange_command command = {.verb = EXCHANGE_VERB_WATCH_RESET};
	const char *peer = schema_call_get(&r->call, "peer");
	struct control *c = r->control;
	unsigned n = how_many(c, peer);
	bool one = whole_key(peer, command.key), unheard = false;

	if (peer && is_hex(peer) && n > 1) {
		reply_error(r, "ambiguous", 0, 0, "%u keys begin with %s; write more of it", n, peer);
		return reply_end(r, 1);
	}
	if (peer && !n && !one) {
		reply_error(r, "none", 0, 0,
			    "no peer on the watch list has a key that begins with, or has used, %s", peer);
		return reply_end(r, 1);
	}
	/* here first: what the dataplane still says of them is older than what it says at the end */
	for (unsigned i = 0; c->watchlist && i < c->watchlist->n;) {
		struct policy_watch *e = &c->watchlist->entry[i];

		if (!is_peer(e, peer)) {
			i++;
			continue;
		}
		if (peer) {
			memcpy(command.key, e->key, sizeof(command.key));
			unheard |= uplink_command(c, &command) != 0;
		}
		forget(c, e);
	}
	if (!peer || !n)
		unheard = uplink_command(c, &command) != 0;
	control_log("notice", "watch", "%u peers forgiven by %s", n, r->user);
	reply_say(r, "%u peers forgiven%s", n, unheard ? "; no dataplane was there to be told" : "");
	reply_end(r, 0);
}

void watch_close(struct control *c)
{
	if (!c->watchlist)
		return;
	save(c);
	if (c->watchlist->save)
		event_free(c->watchlist->save);
	free(c->watchlist);
	c->watchlist = NULL;
}
