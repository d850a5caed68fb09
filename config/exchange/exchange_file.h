/* SPDX-License-Identifier: BSD-3-Clause */
/* A file that the dataplane writes and others only read (counters, tables): made beside its name, with all of
 * its memory taken, and given the name when it is complete, in the place of an older one. Cold. */
#ifndef CONFIG_EXCHANGE_EXCHANGE_FILE_H
#define CONFIG_EXCHANGE_EXCHANGE_FILE_H

#include <stddef.h>

struct exchange_file {
	int dir, fd;
	char name[16], fresh[24];
	void *map; /* shared, writable, all zero at first */
	size_t bytes;
};

/* Makes NAME.new (0640) in the directory `dir`, which must stay open until the file has its name. The caller
 * fills f->map, then publishes. 0 or -errno: nothing is left behind then. */
int exchange_file_begin(struct exchange_file *f, int dir, const char *name, size_t bytes);
/* 0: f->map is the caller's to unmap. -errno: it is gone, and so is the file. */
int exchange_file_publish(struct exchange_file *f);

/* as much of `from` as there is room for; the rest of `to` is zero */
void exchange_file_text(char *to, size_t size, const char *from);

#endif
