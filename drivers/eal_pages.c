/* SPDX-License-Identifier: BSD-3-Clause */
#include "drivers/eal_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_memory.h>

/* what EAL has written so far: hardly anything, and the rest of the file has no pages yet */
struct written {
	uint8_t *base;
	size_t len, start; /* start: in the file */
	int fd;
	uint8_t *copy;
	size_t copied;
};

static bool read_all(int fd, uint8_t *to, size_t n, size_t from)
{
	while (n) {
		ssize_t got = pread(fd, to, n, (off_t)from);

		if (got <= 0)
			return false;
		to += got;
		from += (size_t)got;
		n -= (size_t)got;
	}
	return true;
}

/* Parts of the file that have data, one after the other: *at and *n. False: there is none behind *at. */
static bool part(const struct written *w, size_t *at, size_t *n)
{
	size_t end = w->start + w->len;
	off_t data = lseek(w->fd, (off_t)*at, SEEK_DATA), hole;

	if (data < 0 || (size_t)data >= end)
		return false;
	hole = lseek(w->fd, data, SEEK_HOLE);
	if (hole < 0 || (size_t)hole > end)
		hole = (off_t)end;
	*at = (size_t)data;
	*n = (size_t)(hole - data);
	return true;
}

static int copy_out(struct written *w)
{
	size_t sum = 0, n;

	for (size_t at = w->start; part(w, &at, &n); at += n)
		sum += n;
	w->copy = malloc(sum ? sum : 1);
	if (!w->copy)
		return -ENOMEM;
	for (size_t at = w->start; part(w, &at, &n); at += n) {
		if (w->copied + n > sum || !read_all(w->fd, w->copy + w->copied, n, at))
			return -EIO;
		w->copied += n;
	}
	return w->copied == sum ? 0 : -EIO;
}

static int replace(struct written *w)
{
	size_t from = 0, n;

	if (mmap(w->base, w->len, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
		return -ENOTRECOVERABLE;
	/* its refusal changes nothing else */
	madvise(w->base, w->len, MADV_HUGEPAGE);
	for (size_t at = w->start; part(w, &at, &n); at += n) {
		memcpy(w->base + (at - w->start), w->copy + from, n);
		from += n;
	}
	/* nobody looks at the file again */
	fallocate(w->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)w->start, (off_t)w->len);
	return 0;
}

static int list(const struct rte_memseg_list *l, void *arg)
{
	struct written w = {.base = l->base_va, .len = l->len};
	const struct rte_memseg *s;
	int *rc = arg;
	size_t offset;

	if (l->external || !l->len)
		return 0;
	s = rte_mem_virt2memseg(l->base_va, l);
	w.fd = s ? rte_memseg_get_fd_thread_unsafe(s) : -1;
	if (w.fd < 0 || rte_memseg_get_fd_offset_thread_unsafe(s, &offset) < 0) {
		*rc = -ENOTSUP;
		return 1;
	}
	w.start = offset;
	*rc = copy_out(&w);
	if (*rc == 0)
		*rc = replace(&w);
	free(w.copy);
	return *rc != 0;
}

int driver_eal_pages(void)
{
	int rc = 0;

	rte_memseg_list_walk(list, &rc);
	return rc;
}
