/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/pci.h"

static const char device[] = "0000:01:00.0";

__attribute__((format(printf, 1, 2))) static void shell(const char *fmt, ...)
{
	char command[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	assert_int_equal(system(command), 0);
}

static void the_way_to_a_usable_device(void **state)
{
	char root[] = "/tmp/pci-test.XXXXXX", why[512] = "", at[256];

	assert_non_null(mkdtemp(root));
	snprintf(at, sizeof(at), "%s/sys/bus/pci/devices/%s", root, device);

	assert_int_equal(driver_pci_check(root, device, why, sizeof(why)), -ENODEV);
	assert_non_null(strstr(why, "lspci -D"));

	shell("mkdir -p %s %s/drivers/ixgbe %s/drivers/vfio-pci %s/drivers/mlx5_core %s/groups/12 "
	      "%s/dev/vfio",
	      at, root, root, root, root, root);
	assert_int_equal(driver_pci_check(root, device, why, sizeof(why)), -EBUSY);
	assert_non_null(strstr(why, "no driver"));

	shell("ln -s %s/drivers/ixgbe %s/driver", root, at);
	assert_int_equal(driver_pci_check(root, device, why, sizeof(why)), -EBUSY);
	assert_non_null(strstr(why, "bound to ixgbe"));
	assert_non_null(strstr(why, "driverctl set-override 0000:01:00.0 vfio-pci"));

	shell("ln -sfn %s/drivers/mlx5_core %s/driver", root, at);
	assert_int_equal(driver_pci_check(root, device, why, sizeof(why)), 0);

	shell("ln -sfn %s/drivers/vfio-pci %s/driver", root, at);
	assert_int_equal(driver_pci_check(root, device, why, sizeof(why)), -ENXIO);
	assert_non_null(strstr(why, "intel_iommu=on"));

	shell("ln -s %s/groups/12 %s/iommu_group", root, at);
	assert_int_equal(driver_pci_check(root, device, why, sizeof(why)), -EACCES);
	assert_non_null(strstr(why, "/dev/vfio/12"));

	shell("touch %s/dev/vfio/12", root);
	assert_int_equal(driver_pci_check(root, device, why, sizeof(why)), 0);
	shell("rm -r %s", root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_way_to_a_usable_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
