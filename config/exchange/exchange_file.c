/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/exchange/exchange_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int fail(struct exchange_file *f, int rc)
{
	if (f->map)
		munmap(f->map, f->bytes);
	f->map = NULL;
	unlinkat(f->dir, f->fresh, 0);
	close(f->fd);
	return rc;
}

int exchange_file_begin(struct exchange_file *f, int dir, const char *name, size_t bytes)
{
	void *map;
	int rc;

	*f = (struct exchange_file){.dir = dir, .bytes = bytes};
	if ((size_t)snprintf(f->name, sizeof(f->name), "%s", name) >= sizeof(f->name))
		return -ENAMETOOLONG;
	snprintf(f->fresh, sizeof(f->fresh), "%s.new", f->name);
	f->fd = openat(dir, f->fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (f->fd < 0)
		return -errno;
	/* not a sparse file: a full tmpfs must fail here, not as a SIGBUS in a worker */
	rc = posix_fallocate(f->fd, 0, (off_t)bytes);
	if (rc)
		return fail(f, -rc);
	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, f->fd, 0);
	if (map == MAP_FAILED)
		return fail(f, -errno);
	f->map = map;
	return 0;
}

int exchange_file_publish(struct exchange_file *f)
{
	if (renameat(f->dir, f->fresh, f->dir, f->name) < 0)
		return fail(f, -errno);
	close(f->fd);
	return 0;
}

void exchange_file_text(char *to, size_t size, const char *from)
{
	size_t n = strnlen(from, size - 1);

	memcpy(to, from, n);
	memset(to + n, 0, size - n);
}
