/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/secret/rotation.h"
#include "controlplane/store/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROTATION_MAGIC UINT64_C(0x316e6f697461746f)

/* the file: read and written on one machine */
struct rotation_file {
	uint64_t magic;
	struct rotation keys;
	uint8_t sum[32]; /* of all before */
};

size_t rotation_bytes(enum policy_secret_kind kind)
{
	return kind == POLICY_SECRET_TICKET ? POLICY_TICKET_LEN : POLICY_ROUTE_KEY_LEN;
}

static void fresh(uint8_t *key, enum policy_secret_kind kind)
{
	memset(key, 0, ROTATION_KEY_MAX);
	if (getrandom(key, rotation_bytes(kind), 0) != (ssize_t)rotation_bytes(kind))
		abort(); /* the kernel's generator never fails once it is seeded */
}

void rotation_init(struct rotation *r, int64_t now)
{
	memset(r, 0, sizeof(*r));
	for (unsigned k = 0; k < ROTATION_KINDS; k++) {
		for (unsigned s = 0; s < ROTATION_SLOTS; s++)
			fresh(r->kind[k].key[s], (enum policy_secret_kind)(k + 1));
		r->kind[k].turned = now;
	}
}

bool rotation_turn(struct rotation *r, enum policy_secret_kind kind, int64_t life, int64_t now)
{
	struct rotation_kind *k = &r->kind[kind - 1];
	int64_t turns;

	if (k->turned > now) {
		k->turned = now;
		return true;
	}
	turns = (now - k->turned) / life;
	if (!turns)
		return false;
	for (unsigned i = 0; i < ROTATION_SLOTS && i < turns; i++) {
		memcpy(k->key[POLICY_SLOT_PREVIOUS - 1], k->key[POLICY_SLOT_CURRENT - 1], ROTATION_KEY_MAX);
		memcpy(k->key[POLICY_SLOT_CURRENT - 1], k->key[POLICY_SLOT_NEXT - 1], ROTATION_KEY_MAX);
		fresh(k->key[POLICY_SLOT_NEXT - 1], kind);
	}
	k->turned = now;
	return true;
}

int64_t rotation_due(const struct rotation *r, enum policy_secret_kind kind, int64_t life, int64_t now)
{
	int64_t left = r->kind[kind - 1].turned + life - now;

	return left < 0 || r->kind[kind - 1].turned > now ? 0 : left;
}

static void sum_up(const struct rotation_file *f, uint8_t out[32])
{
	struct sha256 s;

	sha256_init(&s);
	sha256_add(&s, f, offsetof(struct rotation_file, sum));
	sha256_done(&s, out);
	explicit_bzero(&s, sizeof(s));
}

int rotation_load(struct rotation *r, const char *dir)
{
	struct rotation_file f;
	uint8_t sum[32];
	char path[512];
	ssize_t n;
	int fd, rc = 0;

	if (snprintf(path, sizeof(path), "%s/rotation", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	n = read(fd, &f, sizeof(f));
	close(fd);
	if (n != (ssize_t)sizeof(f) || f.magic != ROTATION_MAGIC) {
		rc = -EBADMSG;
	} else {
		sum_up(&f, sum);
		if (memcmp(sum, f.sum, sizeof(sum)))
			rc = -EBADMSG;
		else
			*r = f.keys;
	}
	explicit_bzero(&f, sizeof(f));
	return rc;
}

static int write_file(int dir, const struct rotation_file *f)
{
	static const char name[] = "rotation.new";
	int fd, rc = 0;

	unlinkat(dir, name, 0);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, f, sizeof(*f)) != (ssize_t)sizeof(*f))
		rc = -EIO;
	if (!rc && fsync(fd))
		rc = -errno;
	close(fd);
	/* the name leads to the old keys or to the new ones, whole */
	if (!rc && renameat(dir, name, dir, "rotation"))
		rc = -errno;
	if (!rc && fsync(dir))
		rc = -errno;
	return rc;
}

int rotation_save(const struct rotation *r, const char *dir)
{
	struct rotation_file f;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return -errno;
	memset(&f, 0, sizeof(f));
	f.magic = ROTATION_MAGIC;
	f.keys = *r;
	sum_up(&f, f.sum);
	rc = write_file(fd, &f);
	close(fd);
	explicit_bzero(&f, sizeof(f));
	return rc;
}
