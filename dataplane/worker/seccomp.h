/* SPDX-License-Identifier: BSD-3-Clause */
/* The system calls that are left after start (seccomp.def), as a BPF filter over every thread of the process.
 */
#ifndef DATAPLANE_WORKER_SECCOMP_H
#define DATAPLANE_WORKER_SECCOMP_H

#include <stddef.h>
#include <stdint.h>

#include "config/schema/boot.h"

struct sock_filter;

enum seccomp_when {
	SECCOMP_ALWAYS = 1 << 0,
	SECCOMP_TAP = 1 << 1,
	SECCOMP_MEMIF = 1 << 2,
	SECCOMP_XDP = 1 << 3,
	SECCOMP_PCI = 1 << 4,
	SECCOMP_SANITIZED = 1 << 5,
	SECCOMP_COLD = 1 << 6, /* not on workers */
};

enum { SECCOMP_PROGRAM_MAX = 512 };

/* Pure: writes the program for the rules that `when` (a set of the above) selects; what it does not allow
 * meets `otherwise` (a SECCOMP_RET_ value). Returns its length, 0: more than `max` instructions. */
unsigned seccomp_program(struct sock_filter *to, unsigned max, unsigned when, uint32_t otherwise);

/* Installs it on all threads and forbids new privileges; SANITIZED is added by itself where it applies.
 * BOOT_SECCOMP_OFF forbids new privileges only. 0 or -errno. Cannot be undone. */
int seccomp_install(unsigned when, enum boot_seccomp mode);

/* Worker, once, before its first turn: gives up the calls that are the cold thread's alone; the filter of the
 * process stays over it. 0 or -errno. */
int seccomp_worker(enum boot_seccomp mode);
/* Pure: its program. */
unsigned seccomp_worker_program(struct sock_filter *to, unsigned max, uint32_t otherwise);

#endif
