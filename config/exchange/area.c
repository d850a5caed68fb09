/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/exchange/area.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOTS_MAX = 1 << 20, SLOT_BYTES_MAX = 1 << 16 };

static bool shape_ok(const struct exchange_super *s, uint64_t bytes)
{
	if (s->bytes > bytes || s->produced > EXCHANGE_RINGS || s->consumed > EXCHANGE_RINGS || !s->session ||
	    s->tails_at % 64 || s->tails_at < sizeof(*s) || s->tails_at > s->bytes ||
	    s->consumed > (s->bytes - s->tails_at) / sizeof(struct ring_tail))
		return false;
	for (uint32_t i = 0; i < s->produced; i++) {
		const struct exchange_ring *r = &s->ring[i];

		if (r->slots == 0 || r->slots > SLOTS_MAX || (r->slots & (r->slots - 1)) ||
		    r->slot_bytes < 16 || r->slot_bytes > SLOT_BYTES_MAX || r->slot_bytes % 8 || r->at % 64 ||
		    r->at < sizeof(*s) || r->at > s->bytes ||
		    ring_bytes(r->slots, r->slot_bytes) > s->bytes - r->at)
			return false;
	}
	return true;
}

/* Where the file that is about to be replaced stood in what it read: what was consumed once is not read
 * again. */
static void tails_keep(const char *path, uint8_t *fresh, const struct exchange_super *s)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct exchange_super old;
	uint32_t n;

	if (fd < 0)
		return;
	if (pread(fd, &old, sizeof(old), 0) == (ssize_t)sizeof(old) && old.magic == EXCHANGE_MAGIC &&
	    old.version == EXCHANGE_VERSION && shape_ok(&old, old.bytes)) {
		n = old.consumed < s->consumed ? old.consumed : s->consumed;
		if (pread(fd, fresh + s->tails_at, n * sizeof(struct ring_tail), (off_t)old.tails_at) < 0)
			memset(fresh + s->tails_at, 0, n * sizeof(struct ring_tail));
	}
	close(fd);
}

int exchange_create(struct exchange_area *area, const char *dir, const char *name, uint64_t session,
		    gid_t group, const struct exchange_spec *produced, unsigned n, unsigned consumed)
{
	char path[PATH_MAX], fresh[PATH_MAX];
	struct exchange_super s = {.magic = EXCHANGE_MAGIC,
				   .version = EXCHANGE_VERSION,
				   .produced = n,
				   .consumed = consumed,
				   .session = session,
				   .tails_at = sizeof(s)};
	int fd, err;

	memset(area, 0, sizeof(*area));
	if (n > EXCHANGE_RINGS || consumed > EXCHANGE_RINGS)
		return -EINVAL;
	s.bytes = sizeof(s) + consumed * sizeof(struct ring_tail);
	for (unsigned i = 0; i < n; i++) {
		s.ring[i] = (struct exchange_ring){s.bytes, produced[i].slots, produced[i].slot_bytes};
		s.bytes += (ring_bytes(produced[i].slots, produced[i].slot_bytes) + 63) & ~63ull;
	}
	if (!shape_ok(&s, s.bytes))
		return -EINVAL;
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path) ||
	    snprintf(fresh, sizeof(fresh), "%s/%s.%llx.new", dir, name, (unsigned long long)session) >=
		    (int)sizeof(fresh))
		return -ENAMETOOLONG;
	fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0640) < 0 || (group != (gid_t)-1 && fchown(fd, (uid_t)-1, group) < 0) ||
	    fallocate(fd, 0, 0, (off_t)s.bytes) < 0) {
		err = -errno;
		goto fail;
	}
	area->bytes = s.bytes;
	area->super = mmap(NULL, area->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (area->super == MAP_FAILED) {
		err = -errno;
		area->super = NULL;
		goto fail;
	}
	memcpy(area->super, &s, sizeof(s));
	tails_keep(path, (uint8_t *)area->super, &s);
	area->shape = s;
	if (rename(fresh, path) < 0) {
		err = -errno;
		goto fail;
	}
	close(fd);
	return 0;
fail:
	close(fd);
	unlink(fresh);
	exchange_close(area);
	return err;
}

/* len bytes at `at`, or -EBADMSG where the file has ended by now */
static int read_whole(int fd, void *to, size_t len, uint64_t at)
{
	for (size_t n = 0; n < len;) {
		ssize_t got = pread(fd, (uint8_t *)to + n, len - n, (off_t)(at + n));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EBADMSG;
		n += (size_t)got;
	}
	return 0;
}

static int attach_fd(struct exchange_area *area, int fd, bool copy)
{
	struct stat st;
	int err;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct exchange_super))
		return -EBADMSG;
	area->bytes = (size_t)st.st_size;
	area->super = mmap(NULL, area->bytes, copy ? PROT_READ | PROT_WRITE : PROT_READ,
			   copy ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED | MAP_POPULATE, copy ? -1 : fd, 0);
	if (area->super == MAP_FAILED) {
		area->super = NULL;
		return -errno;
	}
	/* shape and heads first: a slot that was written after its head was read is read again */
	err = copy ? read_whole(fd, area->super, area->bytes, 0) : 0;
	if (err)
		return err;
	/* copied, then checked: the page stays the other side's */
	memcpy(&area->shape, area->super, sizeof(area->shape));
	if (area->shape.magic != EXCHANGE_MAGIC)
		return -EBADMSG;
	if (area->shape.version != EXCHANGE_VERSION)
		return -EPROTO;
	return shape_ok(&area->shape, area->bytes) ? 0 : -EBADMSG;
}

static int attach(struct exchange_area *area, const char *dir, const char *name, bool copy)
{
	char path[PATH_MAX];
	int fd, err;

	memset(area, 0, sizeof(*area));
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	/* O_NONBLOCK: where a stranger put a FIFO nobody waits for its other end */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	err = attach_fd(area, fd, copy);
	if (copy && !err)
		area->copied_from = fd + 1;
	else
		close(fd);
	for (unsigned i = 0; copy && !err && i < area->shape.produced; i++)
		err = exchange_pull(area, i);
	if (err)
		exchange_close(area);
	return err;
}

int exchange_attach(struct exchange_area *area, const char *dir, const char *name)
{
	return attach(area, dir, name, false);
}

int exchange_attach_copy(struct exchange_area *area, const char *dir, const char *name)
{
	return attach(area, dir, name, true);
}

int exchange_replaced(const struct exchange_area *area, const char *dir, const char *name)
{
	struct exchange_super now;
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return 0;
	n = pread(fd, &now, sizeof(now), 0);
	close(fd);
	return n == (ssize_t)sizeof(now) && now.magic == EXCHANGE_MAGIC && now.session != area->shape.session;
}

void exchange_close(struct exchange_area *area)
{
	if (area->copied_from)
		close(area->copied_from - 1);
	if (area->super)
		munmap(area->super, area->bytes);
	memset(area, 0, sizeof(*area));
}

/* A line that its owner writes while it is read: taken when two looks agree, for a copy in the kernel need
 * not be one load. What moves all the time stays as it was. */
static int pull_line(int fd, void *to, uint64_t at)
{
	enum { LOOKS = 4, LINE = 64 };
	uint8_t seen[2][LINE];
	int err = read_whole(fd, seen[0], LINE, at);

	for (unsigned i = 1; !err && i < LOOKS; i++) {
		err = read_whole(fd, seen[i % 2], LINE, at);
		if (!err && memcmp(seen[0], seen[1], LINE) == 0) {
			memcpy(to, seen[0], LINE);
			break;
		}
	}
	return err;
}

static struct ring_head *head_at(const struct exchange_area *area, unsigned i)
{
	return (struct ring_head *)((uint8_t *)area->super + area->shape.ring[i].at);
}

static struct ring_tail *tail_at(const struct exchange_area *area, unsigned t)
{
	return (struct ring_tail *)((uint8_t *)area->super + area->shape.tails_at) + t;
}

int exchange_producer(struct ring_producer *p, const struct exchange_area *own, unsigned i,
		      const struct exchange_area *other, unsigned t)
{
	uint64_t seen = p->head ? p->tail_seen : 0;

	if (i >= own->shape.produced || (other && t >= other->shape.consumed))
		return -ERANGE;
	*p = (struct ring_producer){
		.head = head_at(own, i),
		.tail = other ? tail_at(other, t) : NULL,
		.session = own->shape.session,
		.tail_seen = seen,
		.slots = own->shape.ring[i].slots,
		.slot_bytes = own->shape.ring[i].slot_bytes,
	};
	return 0;
}

int exchange_consumer(struct ring_consumer *c, const struct exchange_area *own, unsigned t,
		      const struct exchange_area *other, unsigned i)
{
	uint64_t head;

	if (t >= own->shape.consumed || i >= other->shape.produced)
		return -ERANGE;
	*c = (struct ring_consumer){
		.head = head_at(other, i),
		.tail = tail_at(own, t),
		.slots = other->shape.ring[i].slots,
		.slot_bytes = other->shape.ring[i].slot_bytes,
	};
	head = __atomic_load_n(&c->head->head, __ATOMIC_ACQUIRE);
	if (c->tail->session == other->shape.session && head - c->tail->tail <= c->slots)
		c->at = c->tail->tail;
	else
		/* what is still in it; what is older was overwritten or dropped */
		c->at = head > c->slots ? head - c->slots : 0;
	__atomic_store_n(&c->tail->tail, c->at, __ATOMIC_RELAXED);
	/* release: the place is said before it counts */
	__atomic_store_n(&c->tail->session, other->shape.session, __ATOMIC_RELEASE);
	return 0;
}

int exchange_pull(struct exchange_area *area, unsigned i)
{
	const struct exchange_ring *r = &area->shape.ring[i];
	int fd = area->copied_from - 1, err = 0;
	uint64_t was, n;
	struct ring_head *head, now;

	if (!area->copied_from || i >= area->shape.produced)
		return -EINVAL;
	for (unsigned t = 0; !err && t < area->shape.consumed; t++)
		err = pull_line(fd, tail_at(area, t), area->shape.tails_at + t * sizeof(struct ring_tail));
	head = head_at(area, i);
	now = *head;
	err = err ? err : pull_line(fd, &now, r->at);
	was = head->head;
	/* what is older was overwritten or dropped; a head that cannot be is the consumer's to judge */
	if (now.head - was > r->slots)
		was = now.head - r->slots;
	for (; !err && was != now.head; was += n) {
		uint64_t at = (was & (r->slots - 1)) * r->slot_bytes;

		n = r->slots - (was & (r->slots - 1));
		n = n < now.head - was ? n : now.head - was;
		err = read_whole(fd, (uint8_t *)(head + 1) + at, n * r->slot_bytes,
				 r->at + sizeof(*head) + at);
	}
	if (!err)
		*head = now;
	return err;
}
