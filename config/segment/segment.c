/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/segment/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config/segment/file.h"
#include "config/segment/grow.h"
#include "config/segment/keyhash.h"

static const char *const refusal_names[] = {
#define X(name, text) #name,
#include "config/segment/refusal.def"
#undef X
};

static const char *const refusal_texts[] = {
#define X(name, text) text,
#include "config/segment/refusal.def"
#undef X
};

const char *segment_refusal_name(enum segment_refusal why)
{
	return (unsigned)why < SEGMENT_REFUSALS ? refusal_names[why] : "unknown";
}

const char *segment_refusal_text(enum segment_refusal why)
{
	return (unsigned)why < SEGMENT_REFUSALS ? refusal_texts[why] : "unknown reason";
}

static int refuse(enum segment_refusal *why, enum segment_refusal reason, int err)
{
	if (why)
		*why = reason;
	return err;
}

static void segment_clear(struct segment *seg)
{
	memset(seg, 0, sizeof(*seg));
	seg->dirfd = seg->lock_fd = seg->alive_fd = seg->grow_fd = seg->area = -1;
}

static int segment_begin(struct segment *seg, const char *dir, const char *name, bool writer,
			 enum segment_refusal *why)
{
	segment_clear(seg);
	if (why)
		*why = SEGMENT_REFUSED_none;
	seg->writer = writer;
	if (!name[0] || strlen(name) >= sizeof(seg->name) || strchr(name, '/'))
		return refuse(why, SEGMENT_REFUSED_absent, -EINVAL);
	memcpy(seg->name, name, strlen(name) + 1);
	/* a reader need not be able to list the folder */
	seg->dirfd = open(dir, (writer ? O_RDONLY : O_PATH) | O_DIRECTORY | O_CLOEXEC);
	if (seg->dirfd < 0)
		return refuse(why, errno == ENOENT ? SEGMENT_REFUSED_absent : SEGMENT_REFUSED_access, -errno);
	return 0;
}

static int segment_lock(struct segment *seg, enum segment_refusal *why)
{
	char path[SEGMENT_PATH_MAX];
	int err;

	segment_file_lock(path, seg->name);
	seg->lock_fd = openat(seg->dirfd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (seg->lock_fd < 0)
		return refuse(why, SEGMENT_REFUSED_access, -errno);
	err = segment_file_lock_byte(seg->lock_fd, F_WRLCK, 0);
	if (err == -EAGAIN)
		return refuse(why, SEGMENT_REFUSED_busy, -EBUSY);
	return err ? refuse(why, SEGMENT_REFUSED_access, err) : 0;
}

static uint64_t super_bytes(const struct segment_super *s)
{
	return s->kinds_offset + s->kinds_count;
}

static uint64_t super_sum(const struct segment_super *s)
{
	return keyhash_sum(s, offsetof(struct segment_super, sum));
}

/* Address space for everything that there can ever be, so that an offset stays a position. */
static int segment_reserve(struct segment *seg, enum segment_refusal *why)
{
	const uint64_t align = 1ull << 30;
	uint64_t extent = 1ull << seg->super->extent_shift;
	uint64_t want = extent * seg->super->extents_max;
	uint8_t *p, *q;

	p = mmap(NULL, want + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return refuse(why, SEGMENT_REFUSED_memory, -ENOMEM);
	/* huge pages of either size need it, and it costs only addresses */
	q = (uint8_t *)(((uintptr_t)p + align - 1) & ~(uintptr_t)(align - 1));
	if (q > p)
		munmap(p, (size_t)(q - p));
	munmap(q + want, align - (size_t)(q - p));
	seg->base = q;
	seg->reserved = want;
	return 0;
}

int segment_map_extent(struct segment *seg, int fd, uint32_t n, enum segment_refusal *why)
{
	uint64_t extent = 1ull << seg->super->extent_shift;
	int prot = seg->writer ? PROT_READ | PROT_WRITE : PROT_READ;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return refuse(why, SEGMENT_REFUSED_access, -errno);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size < extent)
		return refuse(why, SEGMENT_REFUSED_extent_truncated, -EINVAL);
	/* populated for readers: a worker meets no page fault. The writer works in slices and faults in its
	 * own. */
	if (mmap(seg->base + extent * n, extent, prot,
		 MAP_SHARED | MAP_FIXED | (seg->writer ? 0 : MAP_POPULATE), fd, 0) == MAP_FAILED)
		return refuse(why, SEGMENT_REFUSED_memory, -errno);
	seg->mapped = n + 1;
	__atomic_store_n(&seg->limit, extent * seg->mapped, __ATOMIC_RELEASE);
	return 0;
}

static int segment_map_announced(struct segment *seg, enum segment_refusal *why)
{
	uint64_t announced = __atomic_load_n(&seg->super->extents, __ATOMIC_ACQUIRE);
	char path[SEGMENT_PATH_MAX];
	int fd, err;

	if (announced > seg->super->extents_max)
		return refuse(why, SEGMENT_REFUSED_geometry, -EINVAL);
	while (seg->mapped < announced) {
		segment_file_extent(path, seg->name, seg->id, seg->mapped);
		fd = openat(seg->dirfd, path,
			    (seg->writer ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd < 0)
			return refuse(
				why, errno == ENOENT ? SEGMENT_REFUSED_extent_absent : SEGMENT_REFUSED_access,
				-errno);
		err = segment_map_extent(seg, fd, seg->mapped, why);
		close(fd);
		if (err)
			return err;
	}
	return 0;
}

static bool super_shape_ok(const struct segment_super *s)
{
	if (s->extent_shift < 12 || s->extent_shift > 30 || s->span_shift < 12 ||
	    s->span_shift > s->extent_shift)
		return false;
	if (s->extents_max == 0 || s->extents_max > SEGMENT_EXTENTS_MAX)
		return false;
	return s->kinds_offset == SEGMENT_KINDS_OFFSET &&
	       s->kinds_count == (uint64_t)s->extents_max << (s->extent_shift - s->span_shift);
}

/* Files are opened with O_NONBLOCK: it says nothing of regular ones, and where a stranger put a FIFO in their
 * place nobody waits for its other end. */
static int segment_map_super(struct segment *seg, uint32_t user_abi, enum segment_refusal *why)
{
	int prot = seg->writer ? PROT_READ | PROT_WRITE : PROT_READ;
	char path[SEGMENT_PATH_MAX];
	struct segment_super *s;
	struct stat st;
	int fd, err = 0;

	segment_file_super(path, seg->name);
	fd = openat(seg->dirfd, path,
		    (seg->writer ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return refuse(why, errno == ENOENT ? SEGMENT_REFUSED_absent : SEGMENT_REFUSED_access, -errno);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		err = refuse(why, SEGMENT_REFUSED_access, -EINVAL);
		goto out;
	}
	if (st.st_size < (off_t)sizeof(*s)) {
		err = refuse(why, SEGMENT_REFUSED_truncated, -EINVAL);
		goto out;
	}
	seg->super_len = (size_t)st.st_size;
	s = mmap(NULL, seg->super_len, prot, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED) {
		err = refuse(why, SEGMENT_REFUSED_memory, -errno);
		goto out;
	}
	seg->super = s;
	/* the order tells the most: a foreign file, then another version, then damage */
	if (memcmp(s->magic, SEGMENT_MAGIC, sizeof(s->magic)) != 0)
		err = refuse(why, SEGMENT_REFUSED_foreign, -EINVAL);
	else if (s->abi != SEGMENT_ABI || s->user_abi != user_abi)
		err = refuse(why, SEGMENT_REFUSED_abi, -EPROTO);
	else if (s->sum != super_sum(s))
		err = refuse(why, SEGMENT_REFUSED_checksum, -EINVAL);
	else if (!super_shape_ok(s))
		err = refuse(why, SEGMENT_REFUSED_geometry, -EINVAL);
	else if (super_bytes(s) > seg->super_len)
		err = refuse(why, SEGMENT_REFUSED_truncated, -EINVAL);
	seg->id = s->id;
out:
	close(fd);
	return err;
}

static int segment_map_readers(struct segment *seg, int fd, int prot, enum segment_refusal *why)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct segment_readers))
		return refuse(why, SEGMENT_REFUSED_readers, -EINVAL);
	seg->readers_len = (size_t)segment_file_round(fd, sizeof(struct segment_readers));
	p = mmap(NULL, seg->readers_len, prot, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (p == MAP_FAILED)
		return refuse(why, SEGMENT_REFUSED_memory, -errno);
	seg->readers = p;
	return 0;
}

/* the writer reads pins, and asks for the locks of their processes */
static int segment_watch_readers(struct segment *seg, enum segment_refusal *why)
{
	char path[SEGMENT_PATH_MAX];

	segment_file_readers(path, seg->name, seg->id);
	seg->alive_fd = openat(seg->dirfd, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (seg->alive_fd < 0)
		return refuse(why, SEGMENT_REFUSED_readers, -errno);
	return segment_map_readers(seg, seg->alive_fd, PROT_READ, why);
}

static int segment_claim_area(struct segment *seg, enum segment_refusal *why)
{
	char path[SEGMENT_PATH_MAX];
	int fd, err = 0;

	segment_file_readers(path, seg->name, seg->id);
	fd = openat(seg->dirfd, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return refuse(why, SEGMENT_REFUSED_readers, -errno);
	/* The lock that says "alive" hangs on a second, read-only descriptor: the first is closed below, so
	 * that a dataplane that was broken into cannot cut the file under the writer. */
	seg->alive_fd = openat(seg->dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (seg->alive_fd < 0) {
		err = refuse(why, SEGMENT_REFUSED_readers, -errno);
		goto out;
	}
	err = segment_map_readers(seg, fd, PROT_READ | PROT_WRITE, why);
	if (err)
		goto out;
	for (int k = 0; k < SEGMENT_AREAS; k++) {
		struct segment_area *area = &seg->readers->area[k];

		if (segment_file_lock_byte(fd, F_WRLCK, SEGMENT_LOCK_CLAIM(k)) != 0)
			continue;
		if (segment_file_locked(fd, SEGMENT_LOCK_ALIVE(k))) {
			segment_file_lock_byte(fd, F_UNLCK, SEGMENT_LOCK_CLAIM(k));
			continue;
		}
		/* whoever died here pins nothing; only then do we count as alive */
		for (unsigned i = 0; i < SEGMENT_SLOTS; i++)
			__atomic_store_n(&area->slot[i].epoch, SEGMENT_OFFLINE, __ATOMIC_RELAXED);
		__atomic_store_n(&area->slots, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&area->mapped, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&area->pid, (uint64_t)getpid(), __ATOMIC_RELEASE);
		err = segment_file_lock_byte(seg->alive_fd, F_RDLCK, SEGMENT_LOCK_ALIVE(k));
		if (err) {
			err = refuse(why, SEGMENT_REFUSED_access, err);
			goto out;
		}
		seg->area = k;
		goto out;
	}
	err = refuse(why, SEGMENT_REFUSED_readers_full, -EUSERS);
out:
	close(fd);
	return err;
}

static void segment_say_mapped(struct segment *seg)
{
	if (!seg->writer && seg->area >= 0)
		__atomic_store_n(&seg->readers->area[seg->area].mapped, seg->mapped, __ATOMIC_SEQ_CST);
}

int segment_create(struct segment *seg, const struct segment_config *cfg, enum segment_refusal *why)
{
	uint8_t extent_shift = cfg->extent_shift ? cfg->extent_shift : SEGMENT_EXTENT_SHIFT;
	uint8_t span_shift = cfg->span_shift ? cfg->span_shift : SEGMENT_SPAN_SHIFT;
	struct segment_super s = {
		.magic = SEGMENT_MAGIC,
		.abi = SEGMENT_ABI,
		.user_abi = cfg->user_abi,
		.id = cfg->id,
		.extent_shift = extent_shift,
		.span_shift = span_shift,
		.extents_max = SEGMENT_EXTENTS_MAX,
		.kinds_offset = SEGMENT_KINDS_OFFSET,
		.epoch = 1,
		.writer_pid = (uint64_t)getpid(),
	};
	char path[SEGMENT_PATH_MAX];
	struct timespec now;
	int fd, err;

	err = segment_begin(seg, cfg->dir, cfg->name, true, why);
	if (err)
		return err;
	s.kinds_count = (uint64_t)s.extents_max << (extent_shift - span_shift);
	clock_gettime(CLOCK_REALTIME, &now);
	s.created_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	s.sum = super_sum(&s);
	if (!cfg->id || extent_shift < span_shift || !super_shape_ok(&s)) {
		err = refuse(why, SEGMENT_REFUSED_geometry, -EINVAL);
		goto fail;
	}
	seg->id = cfg->id;
	err = segment_lock(seg, why);
	if (err)
		goto fail;
	segment_file_fresh(path, seg->name, seg->id);
	fd = segment_file_make(seg->dirfd, path, super_bytes(&s), 0640, cfg->group);
	if (fd < 0) {
		err = refuse(why, SEGMENT_REFUSED_memory, fd);
		goto fail;
	}
	seg->super_len = segment_file_round(fd, super_bytes(&s));
	seg->super = mmap(NULL, seg->super_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	close(fd);
	if (seg->super == MAP_FAILED) {
		seg->super = NULL;
		err = refuse(why, SEGMENT_REFUSED_memory, -errno);
		goto fail;
	}
	memcpy(seg->super, &s, sizeof(s));
	segment_file_readers(path, seg->name, seg->id);
	/* the readers' group may write its pins, and nothing else of the segment */
	fd = segment_file_make(seg->dirfd, path, sizeof(struct segment_readers), 0660, cfg->group);
	if (fd < 0) {
		err = refuse(why, SEGMENT_REFUSED_memory, fd);
		goto fail;
	}
	close(fd);
	err = segment_watch_readers(seg, why);
	if (!err)
		err = segment_reserve(seg, why);
	if (err)
		goto fail;
	return 0;
fail:
	segment_discard(seg);
	return err;
}

void segment_discard(struct segment *seg)
{
	char path[SEGMENT_PATH_MAX];

	/* what was made under this id goes again; a segment that is in force keeps its files */
	if (seg->lock_fd >= 0 && seg->super) {
		/* one more than is mapped: the extent that was growing */
		for (uint32_t n = 0; n <= seg->mapped; n++) {
			segment_file_extent(path, seg->name, seg->id, n);
			unlinkat(seg->dirfd, path, 0);
		}
		segment_file_readers(path, seg->name, seg->id);
		unlinkat(seg->dirfd, path, 0);
		segment_file_fresh(path, seg->name, seg->id);
		unlinkat(seg->dirfd, path, 0);
	}
	segment_close(seg);
}

int segment_publish(struct segment *seg)
{
	char from[SEGMENT_PATH_MAX], to[SEGMENT_PATH_MAX];

	segment_file_fresh(from, seg->name, seg->id);
	segment_file_super(to, seg->name);
	if (renameat(seg->dirfd, from, seg->dirfd, to) < 0)
		return -errno;
	segment_step(seg);
	return segment_file_sweep(seg->dirfd, seg->name, seg->id);
}

int segment_open(struct segment *seg, const char *dir, const char *name, uint32_t user_abi,
		 enum segment_refusal *why)
{
	int err = segment_begin(seg, dir, name, true, why);

	if (err)
		return err;
	err = segment_lock(seg, why);
	if (!err)
		err = segment_map_super(seg, user_abi, why);
	if (!err)
		err = segment_watch_readers(seg, why);
	if (!err)
		err = segment_reserve(seg, why);
	if (!err)
		err = segment_map_announced(seg, why);
	if (err) {
		segment_close(seg);
		return err;
	}
	segment_file_sweep(seg->dirfd, seg->name, seg->id);
	__atomic_store_n(&seg->super->writer_pid, (uint64_t)getpid(), __ATOMIC_RELAXED);
	return 0;
}

/* 1 when another segment has the name now */
static int segment_other(const struct segment *seg)
{
	char path[SEGMENT_PATH_MAX];
	struct segment_super head;
	ssize_t n;
	int fd;

	segment_file_super(path, seg->name);
	fd = openat(seg->dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	n = pread(fd, &head, sizeof(head), 0);
	close(fd);
	if (n < (ssize_t)sizeof(head) || memcmp(head.magic, SEGMENT_MAGIC, sizeof(head.magic)) != 0)
		return 0;
	return head.id != seg->id;
}

static int segment_attach_once(struct segment *seg, const char *dir, const char *name, uint32_t user_abi,
			       enum segment_refusal *why)
{
	int err = segment_begin(seg, dir, name, false, why);

	if (err)
		return err;
	err = segment_map_super(seg, user_abi, why);
	if (!err)
		err = segment_claim_area(seg, why);
	if (!err)
		err = segment_reserve(seg, why);
	/* From here on the writer waits for us before it refers to an extent that it announces; those
	 * announced before are seen by this load. */
	if (!err)
		err = segment_map_announced(seg, why);
	if (!err)
		segment_say_mapped(seg);
	return err;
}

int segment_attach(struct segment *seg, const char *dir, const char *name, uint32_t user_abi,
		   enum segment_refusal *why)
{
	int err = 0;

	/* Whoever publishes a new segment takes the old one's files away, maybe while they are being opened:
	 * then another one has the name. */
	for (unsigned tries = 0; tries < 8; tries++) {
		err = segment_attach_once(seg, dir, name, user_abi, why);
		if (!err)
			return 0;
		if (!seg->super || segment_other(seg) <= 0) {
			segment_close(seg);
			return err;
		}
		segment_close(seg);
	}
	return err;
}

int segment_poll(struct segment *seg)
{
	int err = segment_map_announced(seg, NULL), other = segment_other(seg);

	segment_say_mapped(seg);
	/* the files of one that was replaced may be gone: that is no failure any more */
	return other > 0 ? 1 : err ? err : other;
}

void segment_close(struct segment *seg)
{
	if (seg->base)
		munmap(seg->base, seg->reserved);
	if (seg->super)
		munmap(seg->super, seg->super_len);
	if (seg->readers)
		munmap(seg->readers, seg->readers_len);
	segment_grow_stop(seg);
	/* closing lets the locks go, and with them our pins or our right to write */
	if (seg->alive_fd >= 0)
		close(seg->alive_fd);
	if (seg->lock_fd >= 0)
		close(seg->lock_fd);
	if (seg->dirfd >= 0)
		close(seg->dirfd);
	segment_clear(seg);
}

int segment_remove(const char *dir, const char *name)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = segment_file_sweep(fd, name, 0);
	close(fd);
	return err;
}

bool segment_area_alive(const struct segment *seg, unsigned k)
{
	return segment_file_locked(seg->alive_fd, SEGMENT_LOCK_ALIVE((off_t)k));
}

uint32_t segment_mapped_everywhere(const struct segment *seg)
{
	uint32_t least = seg->mapped;

	for (unsigned k = 0; k < SEGMENT_AREAS; k++) {
		uint64_t n = __atomic_load_n(&seg->readers->area[k].mapped, __ATOMIC_SEQ_CST);

		if (n < least && segment_area_alive(seg, k))
			least = (uint32_t)n;
	}
	return least;
}

static bool as_long(const struct segment *seg, const char *path, uint64_t bytes)
{
	struct stat st;

	return fstatat(seg->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size >= bytes;
}

bool segment_intact(const struct segment *seg)
{
	/* of our own mapping's geometry nothing is read: its file may be the one that was cut */
	uint64_t extent = seg->mapped ? segment_limit(seg) / seg->mapped : 0;
	char path[SEGMENT_PATH_MAX];

	segment_file_super(path, seg->name);
	if (!as_long(seg, path, seg->super_len))
		return false;
	segment_file_readers(path, seg->name, seg->id);
	if (!as_long(seg, path, sizeof(struct segment_readers)))
		return false;
	for (uint32_t n = 0; n < seg->mapped; n++) {
		segment_file_extent(path, seg->name, seg->id, n);
		if (!as_long(seg, path, extent))
			return false;
	}
	return true;
}
