/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/secret/crl_cache.h"
#include "controlplane/secret/vault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char part[] = ".part", fresh[] = ".new";

int crl_cache_open(const char *store_dir)
{
	char path[CRL_CACHE_PATH];

	snprintf(path, sizeof(path), "%.280s/crl", store_dir);
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

static void path_of(const char *store_dir, const char *url, const char *suffix, char path[CRL_CACHE_PATH])
{
	char hash[VAULT_HASH];

	vault_hash(url, strlen(url), hash);
	snprintf(path, CRL_CACHE_PATH, "%.280s/crl/%s%s", store_dir, hash, suffix);
}

void crl_cache_path(const char *store_dir, const char *url, char path[CRL_CACHE_PATH])
{
	path_of(store_dir, url, "", path);
}

static int create(const char *path)
{
	int fd;

	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

int crl_cache_part(const char *store_dir, const char *url, char path[CRL_CACHE_PATH])
{
	path_of(store_dir, url, part, path);
	return create(path);
}

static int sync_dir(const char *store_dir)
{
	char path[CRL_CACHE_PATH];
	int fd, r;

	snprintf(path, sizeof(path), "%.280s/crl", store_dir);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fsync(fd) ? -errno : 0;
	close(fd);
	return r;
}

int crl_cache_put(const char *store_dir, const char *url, const void *bytes, size_t len)
{
	char path[CRL_CACHE_PATH], to[CRL_CACHE_PATH];
	const char *p = bytes;
	int fd, r = 0;

	path_of(store_dir, url, fresh, path);
	crl_cache_path(store_dir, url, to);
	fd = create(path);
	if (fd < 0)
		return fd;
	while (len && !r) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno != EINTR)
			r = -errno;
		p += n > 0 ? n : 0;
		len -= (size_t)(n > 0 ? n : 0);
	}
	if (!r && fsync(fd))
		r = -errno;
	if (close(fd) && !r)
		r = -errno;
	if (!r && rename(path, to))
		r = -errno;
	if (r)
		unlink(path);
	return r ? r : sync_dir(store_dir);
}

void crl_cache_touch(const char *store_dir, const char *url)
{
	char path[CRL_CACHE_PATH];

	crl_cache_path(store_dir, url, path);
	/* only when we ask again after a restart hangs on it: no fault when it fails */
	(void)!utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
}

int64_t crl_cache_date(const char *store_dir, const char *url)
{
	char path[CRL_CACHE_PATH];
	struct stat st;

	crl_cache_path(store_dir, url, path);
	return stat(path, &st) ? 0 : (int64_t)st.st_mtim.tv_sec;
}

int crl_cache_read(const char *path, char **out, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), r = 0;
	struct stat st;
	size_t got = 0;
	char *p = NULL;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		r = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size > CRL_CACHE_FILE_MAX)
		r = -EFBIG;
	if (!r) {
		p = malloc((size_t)st.st_size + 1);
		r = p ? 0 : -ENOMEM;
	}
	while (!r && got < (size_t)st.st_size) {
		ssize_t n = read(fd, p + got, (size_t)st.st_size - got);

		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			r = -errno;
		got += (size_t)(n > 0 ? n : 0);
	}
	close(fd);
	if (r) {
		free(p);
		return r;
	}
	*out = p;
	*len = got;
	return 0;
}

unsigned crl_cache_sweep(const char *store_dir, bool (*keep)(void *ctx, const char *hash), void *ctx)
{
	char path[CRL_CACHE_PATH], name[VAULT_HASH];
	unsigned gone = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%.280s/crl", store_dir);
	d = opendir(path);
	for (struct dirent *e = NULL; d && (e = readdir(d));) {
		if (strlen(e->d_name) < VAULT_HASH - 1 || *e->d_name == '.')
			continue;
		memcpy(name, e->d_name, VAULT_HASH - 1);
		name[VAULT_HASH - 1] = '\0';
		if (strspn(name, "0123456789abcdef") == VAULT_HASH - 1 && !keep(ctx, name))
			gone += unlinkat(dirfd(d), e->d_name, 0) == 0;
	}
	if (d)
		closedir(d);
	return gone;
}
