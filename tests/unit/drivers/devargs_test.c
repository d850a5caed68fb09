/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/devargs.h"

static void every_kind_is_read(void **state)
{
	struct driver_devargs d;
	char why[256];

	assert_int_equal(driver_devargs_parse(&d, "af_packet:iface=eth0", why, sizeof(why)), 0);
	assert_int_equal(d.kind, DRIVER_AF_PACKET);
	assert_string_equal(d.iface, "eth0");
	assert_string_equal(d.extra, "");
	assert_int_equal(driver_devargs_parse(&d, "af_packet:framecnt=64,iface=a-b.c,qdisc_bypass=1", why,
					      sizeof(why)),
			 0);
	assert_string_equal(d.iface, "a-b.c");
	assert_string_equal(d.extra, ",framecnt=64,qdisc_bypass=1");
	assert_int_equal(driver_devargs_parse(&d, "af_xdp:iface=eth0,force_copy=1", why, sizeof(why)), 0);
	assert_int_equal(d.kind, DRIVER_AF_XDP);
	assert_int_equal(driver_devargs_parse(&d, "tap:iface=t0", why, sizeof(why)), 0);
	assert_int_equal(d.kind, DRIVER_TAP);
	assert_int_equal(
		driver_devargs_parse(&d, "memif:role=server,id=3,socket=/run/m.sock", why, sizeof(why)), 0);
	assert_int_equal(d.kind, DRIVER_MEMIF);
	assert_string_equal(d.iface, "");
	assert_string_equal(d.extra, ",role=server,id=3,socket=/run/m.sock");
	assert_int_equal(driver_devargs_parse(&d, "ring:", why, sizeof(why)), 0);
	assert_int_equal(driver_devargs_parse(&d, "ring:link=a", why, sizeof(why)), 0);
	assert_int_equal(d.kind, DRIVER_RING);
	assert_string_equal(d.link, "a");
	assert_int_equal(driver_devargs_parse(&d, "pci:0000:01:00.0", why, sizeof(why)), 0);
	assert_int_equal(d.kind, DRIVER_PCI);
	assert_string_equal(d.pci, "0000:01:00.0");
}

static void what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"", "no kind of device"},
		{"eth0", "no kind of device"},
		{"af_packe:iface=x", "no kind of device"},
		{"af_packet", "needs an interface"},
		{"af_packet:", "needs an interface"},
		{"af_packet:iface=", "has no value"},
		{"af_packet:iface", "has no value"},
		{"af_packet:iface=0123456789abcdef", "no name of an interface"},
		{"af_packet:iface=a/b", "no name of an interface"},
		{"af_packet:iface=..", "no name of an interface"},
		{"af_packet:iface=a b", "no name of an interface"},
		{"af_packet:iface=a,qpairs=4", "no argument of af_packet"},
		{"af_packet:iface=a,,", "has no value"},
		{"memif:iface=x", "no argument of memif"},
		{"tap:link=a", "no argument of tap"},
		{"pci:", "no PCI address"},
		{"pci:01:00.0", "no PCI address"},
		{"pci:0000:01:00.8", "no PCI address"},
		{"pci:0000:01:00.0,x=y", "no PCI address"},
		{"pci:000g:01:00.0", "no PCI address"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct driver_devargs d;
		char why[256] = "";
		int rc = driver_devargs_parse(&d, cases[i].text, why, sizeof(why));

		if (rc == 0 || !strstr(why, cases[i].says))
			fail_msg("'%s': %d '%s'", cases[i].text, rc, why);
	}
}

static void long_words_do_not_overflow(void **state)
{
	char text[2048] = "memif:", why[64];
	struct driver_devargs d;

	for (unsigned i = 0; i < 100; i++)
		strcat(text, "secret=abcdef,");
	assert_int_not_equal(driver_devargs_parse(&d, text, why, sizeof(why)), 0);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_not_equal(driver_devargs_parse(&d, text, why, sizeof(why)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_read),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(long_words_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
