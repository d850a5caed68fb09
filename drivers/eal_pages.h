/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to drivers/: ordinary pages of DPDK that the kernel may join. */
#ifndef DRIVERS_EAL_PAGES_H
#define DRIVERS_EAL_PAGES_H

/* Right after EAL started without hugepages and without devices that know physical addresses, before anybody
 * else has memory of it: the same memory at the same addresses, but private and anonymous, so that the kernel
 * may give huge pages for it (DPDK's own is a shared memory file, for which it mostly may not). 0; -errno,
 * and nothing has changed; -ENOTRECOVERABLE: the memory is lost. */
int driver_eal_pages(void);

#endif
