/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/secret/vault.h"
#include "config/segment/file.h"
#include "controlplane/store/sha256.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int vault_open(struct vault *v, const char *run_dir, gid_t group)
{
	int run = open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

	v->dir = -1;
	v->group = group;
	v->store = NULL;
	if (run < 0)
		return -errno;
	if (mkdirat(run, "secrets", 0750) && errno != EEXIST)
		r = -errno;
	if (!r)
		v->dir = openat(run, "secrets", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (!r && v->dir < 0)
		r = -errno;
	close(run);
	if (!r && (fchmod(v->dir, 0750) || (group != (gid_t)-1 && fchown(v->dir, (uid_t)-1, group))))
		r = -errno;
	/* what is there may be from a time when the dataplane was somebody else */
	if (!r && group != (gid_t)-1)
		r = segment_file_give(v->dir, "", group);
	if (r)
		vault_close(v);
	return r;
}

void vault_close(struct vault *v)
{
	if (v->dir >= 0)
		close(v->dir);
	v->dir = -1;
}

void vault_hash(const void *bytes, size_t len, char hash[VAULT_HASH])
{
	struct sha256 s;
	uint8_t digest[32];

	sha256_init(&s);
	sha256_add(&s, bytes, len);
	sha256_done(&s, digest);
	sha256_hex(digest, hash);
	explicit_bzero(&s, sizeof(s));
}

static int write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return w < 0 ? -errno : -EIO;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

int vault_put(const struct vault *v, const void *bytes, size_t len, char hash[VAULT_HASH])
{
	static atomic_uint serial;
	char fresh[64];
	struct stat st;
	int fd, r;

	vault_hash(bytes, len, hash);
	/* wanted again: it must not be swept as something old */
	if (fstatat(v->dir, hash, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	    (size_t)st.st_size == len && utimensat(v->dir, hash, NULL, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	snprintf(fresh, sizeof(fresh), "new.%d.%u", (int)getpid(), atomic_fetch_add(&serial, 1u));
	fd = openat(v->dir, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, bytes, len);
	if (!r && v->group != (gid_t)-1 && fchown(fd, (uid_t)-1, v->group))
		r = -errno;
	if (!r && fchmod(fd, 0440))
		r = -errno;
	if (!r && fsync(fd))
		r = -errno;
	close(fd);
	if (!r && renameat(v->dir, fresh, v->dir, hash))
		r = -errno;
	if (r)
		unlinkat(v->dir, fresh, 0);
	return r;
}

bool vault_has(const struct vault *v, const char *hash)
{
	struct stat st;

	return strlen(hash) == VAULT_HASH - 1 && strspn(hash, "0123456789abcdef") == VAULT_HASH - 1 &&
	       fstatat(v->dir, hash, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

struct old_file {
	char name[VAULT_HASH];
	off_t size;
	time_t since;
};

static int later_first(const void *a, const void *b)
{
	const struct old_file *x = a, *y = b;

	return (x->since < y->since) - (x->since > y->since);
}

/* those that nobody wants; without memory for more, those that there is memory for */
static size_t old_files(const struct vault *v, DIR *dir, bool (*keep)(void *, const char *), void *ctx,
			struct old_file **out)
{
	size_t n = 0, cap = 0;
	struct dirent *e;

	while ((e = readdir(dir))) {
		struct stat st;

		if (e->d_name[0] == '.' || strlen(e->d_name) >= VAULT_HASH ||
		    fstatat(v->dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) || keep(ctx, e->d_name))
			continue;
		if (n == cap) {
			struct old_file *more = realloc(*out, (cap ? 2 * cap : 64) * sizeof(*more));

			if (!more)
				break;
			*out = more;
			cap = cap ? 2 * cap : 64;
		}
		(*out)[n] = (struct old_file){.size = st.st_size, .since = st.st_mtime};
		memcpy((*out)[n++].name, e->d_name, strlen(e->d_name) + 1);
	}
	return n;
}

unsigned vault_sweep(const struct vault *v, bool (*keep)(void *, const char *), void *ctx, time_t now)
{
	int fd = openat(v->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct old_file *all = NULL;
	off_t bytes = 0;
	unsigned gone = 0;
	size_t n;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	n = old_files(v, dir, keep, ctx, &all);
	closedir(dir);
	if (n)
		qsort(all, n, sizeof(*all), later_first);
	for (size_t i = 0; i < n; i++) {
		bytes += all[i].size;
		if (all[i].since <= now - VAULT_KEEP_S ||
		    (bytes > VAULT_OLD_BYTES && all[i].since <= now - VAULT_YOUNG_S))
			gone += unlinkat(v->dir, all[i].name, 0) == 0;
	}
	free(all);
	return gone;
}
