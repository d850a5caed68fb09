/* SPDX-License-Identifier: BSD-3-Clause */
/* Link state of kernel interfaces, from rtnetlink. A PMD is not asked: af_packet says "up" for ever and goes
 * deaf when its interface is made anew. Reading bytes is pure; the socket around it belongs to the cold
 * thread. */
#ifndef DRIVERS_LINKWATCH_H
#define DRIVERS_LINKWATCH_H

#include <stdbool.h>
#include <stddef.h>

enum { LINKWATCH_MAX = 16 };

enum linkwatch_state {
	LINKWATCH_UP,
	LINKWATCH_DOWN,
	LINKWATCH_LOST, /* gone for ever: an interface of the same name that comes later is another one */
};

struct linkwatch_port {
	int ifindex;
	enum linkwatch_state state;
	unsigned downs; /* how often it went down or away */
};

struct linkwatch {
	int fd;
	unsigned n;
	struct linkwatch_port ports[LINKWATCH_MAX];
	bool seen[LINKWATCH_MAX]; /* in the dump that is under way */
	bool dumping;
};

/* Called with the index that linkwatch_add returned, only when the state changed. */
typedef void (*linkwatch_fn)(void *ctx, unsigned port, enum linkwatch_state state);

/* Opens the socket; 0 or -errno. */
int linkwatch_open(struct linkwatch *w);
void linkwatch_close(struct linkwatch *w);
/* Watches one interface; returns its index here, -ENOSPC. The state begins as DOWN until a dump says
 * otherwise. */
int linkwatch_add(struct linkwatch *w, int ifindex);
/* Asks for all interfaces; what is not in the answer is lost. 0 or -errno. */
int linkwatch_dump(struct linkwatch *w);
/* Reads what is there; asks again when the kernel says that something was lost on the way. 0 or -errno. */
int linkwatch_read(struct linkwatch *w, linkwatch_fn changed, void *ctx);
/* Pure: one datagram of rtnetlink. */
void linkwatch_input(struct linkwatch *w, const void *bytes, size_t len, linkwatch_fn changed, void *ctx);

#endif
