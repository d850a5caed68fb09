/* SPDX-License-Identifier: BSD-3-Clause */
/* The words of `set port NAME device …`: kind:key=value,key=value. Pure. */
#ifndef DRIVERS_DEVARGS_H
#define DRIVERS_DEVARGS_H

#include <stddef.h>

enum driver_kind {
	DRIVER_AF_PACKET,
	DRIVER_AF_XDP,
	DRIVER_TAP,
	DRIVER_MEMIF,
	DRIVER_RING,
	DRIVER_PCI,
	DRIVER_KINDS,
};

enum { DRIVER_ARGS_MAX = 256, DRIVER_IFACE_MAX = 16 };

struct driver_devargs {
	enum driver_kind kind;
	char iface[DRIVER_IFACE_MAX]; /* kernel interface; empty where there is none */
	char link[DRIVER_IFACE_MAX];  /* of a ring: two ports with one link are wired to each other */
	char pci[16];		      /* 0000:01:00.0 */
	char extra[DRIVER_ARGS_MAX];  /* ",key=value…" for the PMD as they were written */
};

/* Returns 0, or -EINVAL with one line in `why` that says what is wrong and what to do. */
int driver_devargs_parse(struct driver_devargs *d, const char *text, char *why, size_t why_size);
const char *driver_kind_name(enum driver_kind kind);
/* Largest number of queue pairs that this kind can ever have. */
unsigned driver_kind_queues_max(enum driver_kind kind);

#endif
