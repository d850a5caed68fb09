/* SPDX-License-Identifier: BSD-3-Clause */
#include "drivers/pci.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* last word of the path that a link points at; empty: no such link */
static void link_name(const char *path, char *to, size_t size)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	to[0] = '\0';
	if (n <= 0)
		return;
	target[n] = '\0';
	snprintf(to, size, "%s", basename(target));
}

static bool is_shared_driver(const char *driver)
{
	return strcmp(driver, "mlx5_core") == 0 || strcmp(driver, "mlx4_core") == 0 ||
	       strcmp(driver, "mana") == 0;
}

int driver_pci_check(const char *root, const char *address, char *why, size_t why_size)
{
	char device[PATH_MAX], path[PATH_MAX + 64], driver[64], group[64];

	snprintf(device, sizeof(device), "%s/sys/bus/pci/devices/%s", root, address);
	if (access(device, F_OK) < 0) {
		snprintf(why, why_size, "no PCI device %s here, take an address that 'lspci -D' shows",
			 address);
		return -ENODEV;
	}
	snprintf(path, sizeof(path), "%s/driver", device);
	link_name(path, driver, sizeof(driver));
	if (is_shared_driver(driver))
		return 0;
	if (strcmp(driver, "vfio-pci") != 0) {
		snprintf(why, why_size,
			 "PCI device %s %s%s, give it to DPDK: modprobe vfio-pci && driverctl set-override "
			 "%s vfio-pci",
			 address, *driver ? "is bound to " : "is bound to no driver", driver, address);
		return -EBUSY;
	}
	snprintf(path, sizeof(path), "%s/iommu_group", device);
	link_name(path, group, sizeof(group));
	if (!*group) {
		snprintf(why, why_size,
			 "PCI device %s has no IOMMU group, boot with intel_iommu=on iommu=pt (amd: "
			 "iommu=pt), or accept "
			 "the risk: echo 1 > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode",
			 address);
		return -ENXIO;
	}
	snprintf(path, sizeof(path), "%s/dev/vfio/%s", root, group);
	if (access(path, R_OK | W_OK) < 0) {
		snprintf(why, why_size,
			 "PCI device %s: /dev/vfio/%s cannot be opened (%s), run as root or chown it",
			 address, group, strerror(errno));
		return -EACCES;
	}
	return 0;
}
