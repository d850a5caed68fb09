/* SPDX-License-Identifier: BSD-3-Clause */
/* A side's file of rings: the heads and slots of what it produces, the tails of what it consumes. Written by
 * its owner; mapped read-only by the other plane, or read into a copy by who must outlive a file that is cut.
 */
#ifndef CONFIG_EXCHANGE_AREA_H
#define CONFIG_EXCHANGE_AREA_H

#include <sys/types.h>

#include "config/exchange/ring.h"

#define EXCHANGE_MAGIC	 UINT64_C(0x31676e6972636e78)
#define EXCHANGE_VERSION 2u

/* the files in the run directory */
#define EXCHANGE_DATAPLANE "dataplane.rings"
#define EXCHANGE_CONTROL   "control.rings"

/* two a worker, and the cold thread's */
enum { EXCHANGE_RINGS = 160 };

struct exchange_ring {
	uint64_t at; /* of struct ring_head */
	uint32_t slots, slot_bytes;
};

struct exchange_super {
	uint64_t magic;
	uint32_t version;
	uint32_t produced, consumed; /* rings of each sort */
	uint32_t reserved;
	uint64_t bytes;
	uint64_t session;  /* never 0; another one after each start */
	uint64_t tails_at; /* `consumed` × struct ring_tail */
	uint64_t reserved2[2];
	struct exchange_ring ring[EXCHANGE_RINGS];
};

_Static_assert(sizeof(struct exchange_super) == 64 + EXCHANGE_RINGS * 16,
	       "layout of the file: raise EXCHANGE_VERSION");

struct exchange_area {
	struct exchange_super *super; /* the owner's is writable; a copy is our own memory */
	struct exchange_super shape;  /* as it was checked */
	size_t bytes;
	int copied_from; /* the file's descriptor + 1; 0: it is mapped */
};

struct exchange_spec {
	uint32_t slots;	     /* a power of two */
	uint32_t slot_bytes; /* a multiple of 8, with the 8 bytes before each message */
};

/* Makes the file anew, complete before it has its name. How far the file of that name had read the other side
 * is kept. 0 or -errno. */
int exchange_create(struct exchange_area *area, const char *dir, const char *name, uint64_t session,
		    gid_t group, const struct exchange_spec *produced, unsigned n, unsigned consumed);
/* The other side's file, read-only. -ENOENT not there yet, -EPROTO another version, -EBADMSG not a sound one.
 */
int exchange_attach(struct exchange_area *area, const char *dir, const char *name);
/* The same without a mapping, so that no file which shrinks raises SIGBUS here: what is in it is copied by
 * exchange_pull(). */
int exchange_attach_copy(struct exchange_area *area, const char *dir, const char *name);
/* Copies what came on ring `i` since `c` was emptied, and where ring `i`'s head and all tails stand. 0, or
 * -EBADMSG when the file is shorter than it was. Before a ring of a copied area is
 * consumed, and before one of ours whose tail lies there is produced. */
int exchange_pull(struct exchange_area *area, unsigned i);
/* 1 when the name leads to another file by now (its owner has started again), else 0 */
int exchange_replaced(const struct exchange_area *area, const char *dir, const char *name);
void exchange_close(struct exchange_area *area);

/* Ring `i` of ours, whose consumer keeps its place in tail `t` of the other side's file (NULL: nobody yet).
 * -ERANGE. */
int exchange_producer(struct ring_producer *p, const struct exchange_area *own, unsigned i,
		      const struct exchange_area *other, unsigned t);
/* Ring `i` of the other side, read with tail `t` of ours, from where this side stopped in that session, or
 * from what is in it. -ERANGE. */
int exchange_consumer(struct ring_consumer *c, const struct exchange_area *own, unsigned t,
		      const struct exchange_area *other, unsigned i);

#endif
