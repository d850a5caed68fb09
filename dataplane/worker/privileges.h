/* SPDX-License-Identifier: BSD-3-Clause */
/* Giving up what start needed. Capabilities belong to threads, and DPDK's are there before its ports are, so
 * every thread of the process is asked to drop its own; afterwards all of them are looked at. */
#ifndef DATAPLANE_WORKER_PRIVILEGES_H
#define DATAPLANE_WORKER_PRIVILEGES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Becomes user `uid`/`gid` for good, on all threads. 0 or -errno. */
int privileges_become(uid_t uid, gid_t gid);

/* Takes all capabilities but those of `keep` out of the bounding set of all threads: no program that one of
 * them executed could have them again. To be called first: it needs CAP_SETPCAP, which is itself among what
 * goes. 0; 1: there is no CAP_SETPCAP, the set is as it was; or -errno and which thread failed in `why`. No
 * other thread may start threads meanwhile. */
int privileges_bound(uint64_t keep, char *why, size_t why_size);

/* Keeps the capabilities of the bit set `keep` at most, on all threads. 0, or -errno and which thread failed
 * in `why`. No other thread may start threads meanwhile. */
int privileges_drop(uint64_t keep, char *why, size_t why_size);

#endif
