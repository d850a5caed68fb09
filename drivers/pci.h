/* SPDX-License-Identifier: BSD-3-Clause */
/* Is this PCI device ready for DPDK? Reads sysfs only. */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H

#include <stddef.h>

/* 0: bound to vfio-pci and its group may be opened, or a driver that shares its NIC with DPDK (mlx5, mana).
 * Otherwise -errno and in `why` one line: what is wrong and the exact command that mends it. `root` is "" but
 * in tests. */
int driver_pci_check(const char *root, const char *address, char *why, size_t why_size);

#endif
