/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/schema/boot.h"

#define GOOD \
	"set port e side external\nset port e device af_packet:iface=e0\nset port e address 198.18.1.2/24\n"

struct first {
	unsigned n, line, column;
	char text[512];
};

static void remember(void *ctx, unsigned line, unsigned column, const char *text)
{
	struct first *f = ctx;

	if (f->n++)
		return;
	f->line = line;
	f->column = column;
	snprintf(f->text, sizeof(f->text), "%s", text);
}

static struct first parse(struct boot_config *cfg, const char *text)
{
	struct first f = {.n = 0};

	unsigned n = boot_parse(cfg, text, strlen(text), remember, &f);

	assert_int_equal(n, f.n);
	return f;
}

static void everything_is_read(void **state)
{
	static const char text[] = "# a comment\n"
				   "\n"
				   "set dataplane run-dir \"/run/sally port\"   # with a blank\n"
				   "set dataplane workers 4\n"
				   "set dataplane cores 0,2-3\n"
				   "set dataplane memory 512\n"
				   "set dataplane hugepages off\n"
				   "set dataplane idle poll\n"
				   "set dataplane seccomp log\n"
				   "set dataplane x25519 libcrypto\n"
				   "set dataplane user nobody\n"
				   "set dataplane mbufs 8192\n"
				   "set dataplane reserve-mbufs 100\n"
				   "set dataplane accept-ra yes keylog-folder /var/log/keys\n"
				   "set port ext0 side external\n"
				   "set port ext0 device af_packet:iface=eth0\r\n"
				   "set port ext0 queues 2\n"
				   "set port ext0 address 198.18.1.2/24\n"
				   "set port ext0 address 2001:db8:1::2/64\n"
				   "set port ext0 gateway 198.18.1.1\n"
				   "set port ext0 gateway fe80::1\n"
				   "set port ext0 vlan 100\n"
				   "set port ext0 mtu 9000\n"
				   "set port ext0 mac 02:00:5E:10:00:01\n"
				   "set port ext0 capture /tmp/x.pcap\n"
				   "set port ext0 fault \"drop=0.01,seed=7\"\n"
				   "set port int0 side internal\n"
				   "set port int0 device tap:iface=t0"; /* no newline at the end */
	const uint8_t v4[16] = {[10] = 0xff, 0xff, 198, 18, 1, 2};
	const uint8_t mac[6] = {0x02, 0x00, 0x5e, 0x10, 0x00, 0x01};
	struct boot_config c;
	struct first f = parse(&c, text);

	assert_string_equal(f.text, "");
	assert_string_equal(c.run_dir, "/run/sally port");
	assert_int_equal(c.workers, 4);
	assert_int_equal(c.n_cores, 3);
	assert_int_equal(c.cores[2], 3);
	assert_int_equal(c.memory, 512);
	assert_int_equal(c.hugepages, BOOT_HUGEPAGES_OFF);
	assert_int_equal(c.idle, BOOT_IDLE_POLL);
	assert_int_equal(c.seccomp, BOOT_SECCOMP_LOG);
	assert_int_equal(c.x25519, BOOT_X25519_LIBCRYPTO);
	assert_string_equal(c.user, "nobody");
	assert_int_equal(c.mbufs, 8192);
	assert_int_equal(c.reserve_mbufs, 100);
	assert_true(c.accept_ra);
	assert_string_equal(c.keylog_folder, "/var/log/keys");
	assert_int_equal(c.n_ports, 2);
	assert_int_equal(c.ports[0].side, BOOT_SIDE_EXTERNAL);
	assert_string_equal(c.ports[0].device, "af_packet:iface=eth0");
	assert_int_equal(c.ports[0].device_line, 16);
	assert_int_equal(c.ports[0].device_column, 22);
	assert_int_equal(c.ports[0].n_prefixes, 2);
	assert_memory_equal(c.ports[0].prefixes[0].addr, v4, 16);
	assert_int_equal(c.ports[0].prefixes[0].bits, 24);
	assert_true(c.ports[0].prefixes[1].v6);
	assert_int_equal(c.ports[0].prefixes[1].bits, 64);
	assert_int_equal(c.ports[0].gateway4.bits, 32);
	assert_int_equal(c.ports[0].gateway6.bits, 128);
	assert_int_equal(c.ports[0].vlan, 100);
	assert_int_equal(c.ports[0].mtu, 9000);
	assert_memory_equal(c.ports[0].mac, mac, 6);
	assert_string_equal(c.ports[0].fault, "drop=0.01,seed=7");
	assert_int_equal(c.ports[1].side, BOOT_SIDE_INTERNAL);
	assert_int_equal(c.ports[1].queues, 0);
}

static void defaults_are_safe(void **state)
{
	struct boot_config c;

	assert_int_equal(parse(&c, GOOD).n, 0);
	assert_string_equal(c.run_dir, "/run/sallyport");
	assert_int_equal(c.workers, 1);
	assert_int_equal(c.seccomp, BOOT_SECCOMP_KILL);
	assert_int_equal(c.x25519, BOOT_X25519_OWN);
	assert_int_equal(c.idle, BOOT_IDLE_ADAPTIVE);
	assert_int_equal(c.hugepages, BOOT_HUGEPAGES_AUTO);
	assert_false(c.accept_ra);
	assert_true(c.reserve_mbufs > 0);
}

static void complaints_name_their_place(void **state)
{
	static const struct {
		const char *line, *says;
		unsigned column;
	} cases[] = {
		{"get dataplane workers 1", "begins with set", 1},
		{"set", "what", 4},
		{"set  thing", "nothing that can be set", 6},
		{"set dataplane", "what of it", 14},
		{"set dataplane workerz 1", "no setting 'workerz'", 15},
		{"set dataplane workers", "needs a value", 22},
		{"set dataplane workers 1 2", "no setting '2'", 25},
		{"set dataplane workers 0", "1..64", 23},
		{"set dataplane workers 65", "1..64", 23},
		{"set dataplane workers -1", "1..64", 23},
		{"set dataplane workers 1x", "1..64", 23},
		{"set dataplane workers 99999999999999999999", "1..64", 23},
		{"set dataplane cores 1,x", "core numbers", 21},
		{"set dataplane cores 3-1", "core numbers", 21},
		{"set dataplane cores ,", "core numbers", 21},
		{"set dataplane run-dir run", "whole file name", 23},
		{"set dataplane idle sleep", "adaptive|poll", 20},
		{"set dataplane seccomp none", "kill|log|off", 23},
		{"set dataplane accept-ra maybe", "yes or no", 25},
		{"set dataplane user \"\"", "1 to 63 characters", 20},
		{"set port", "which one", 9},
		{"set port -E side external", "begins with a letter", 10},
		{"set port e", "what of it", 11},
		{"set port e side left", "external|internal", 17},
		{"set port e side \"\"", "external|internal", 17},
		{"set port e address 198.18.1.2", "prefix length", 20},
		{"set port e address 198.18.1.2/33", "0 to 32", 20},
		{"set port e address 198.18.1.2/0", "no address of a host", 20},
		{"set port e address 224.0.0.1/24", "no address of a host", 20},
		{"set port e address 198.18.1.0/24", "no address of a host", 20},
		{"set port e address 198.18.1.255/24", "no address of a host", 20},
		{"set port e address 198.18.1.252/30", "no address of a host", 20},
		{"set port e address 0.0.0.0/24", "no address of a host", 20},
		{"set port e address ::1/128", "no address of a host", 20},
		{"set port e address ff02::1/64", "no address of a host", 20},
		{"set port e gateway 300.1.1.1", "not an IPv4 or IPv6 address", 20},
		{"set port e gateway 127.0.0.1", "no address of a host", 20},
		{"set port e vlan 4095", "1..4094", 17},
		{"set port e mtu 1279", "1280..9000", 16},
		{"set port e mac 01:00:00:00:00:00", "group address", 16},
		{"set port e mac 02:00:00:00:00", "MAC address", 16},
		{"set port e mac 02:00:00:00:00:0g", "MAC address", 16},
		{"set port e capture x.pcap", "whole file name", 20},
		{"set port \"e", "does not end", 10},
		{"set p c d", "several", 5},
		{"set dataplane user \x01", "control character", 20},
		{"set port a-name-that-is-much-longer-than-a-port-may-have side external", "longer than 31",
		 10},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[1024];
		struct boot_config c;
		struct first f;

		snprintf(text, sizeof(text), GOOD "%s\n", cases[i].line);
		f = parse(&c, text);
		if (f.n != 1 || f.line != 4 || f.column != cases[i].column || !strstr(f.text, cases[i].says))
			fail_msg("'%s': %u complaint(s), first %u:%u: %s", cases[i].line, f.n, f.line,
				 f.column, f.text);
	}
}

static void whole_file_is_checked(void **state)
{
	static const struct {
		const char *text, *says;
		unsigned line;
	} cases[] = {
		{"", "no port is configured", 1},
		{"\nset port e device tap:iface=x\n", "port e: side is missing", 2},
		{"set port e side external\n", "port e: device is missing", 1},
		{GOOD "set port e gateway 198.18.2.1\n", "outside of its prefixes", 1},
		{GOOD "set port i side internal\nset port i device af_packet:iface=e0\n",
		 "has the device of port e", 4},
		{GOOD "set dataplane mbufs 100\n", "reserve-mbufs", 1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct boot_config c;
		struct first f = parse(&c, cases[i].text);

		if (f.n != 1 || f.line != cases[i].line || !strstr(f.text, cases[i].says))
			fail_msg("case %zu: %u complaint(s), first %u:%u: %s", i, f.n, f.line, f.column,
				 f.text);
	}
}

static void limits_hold(void **state)
{
	static char text[64 * 1024];
	struct boot_config c;
	struct first f;
	size_t n = 0;

	for (unsigned i = 0; i <= BOOT_PORTS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "set port p%u side external\nset port p%u device tap:iface=t%u\n", i, i,
				      i);
	f = parse(&c, text);
	assert_int_equal(f.n, 2);
	assert_non_null(strstr(f.text, "one port too many"));
	assert_int_equal(f.line, 2 * BOOT_PORTS_MAX + 1);

	n = (size_t)snprintf(text, sizeof(text), GOOD);
	for (unsigned i = 0; i < BOOT_PREFIXES_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "set port e address 198.18.9.%u/24\n",
				      i + 1);
	f = parse(&c, text);
	assert_int_equal(f.n, 1);
	assert_non_null(strstr(f.text, "one address too many"));

	memset(text, 'x', 20000);
	text[20000] = '\0';
	f = parse(&c, text);
	assert_non_null(strstr(f.text, "line is longer"));
}

/* the same file is read by control: what is not the dataplane's is passed over, errors and all */
static void control_lines_are_passed_over(void **state)
{
	static const char text[] =
		GOOD "set partner a.test allow\nset partner b..test allow\nset federation colour red\n"
		     "set identity m public-fqdn sip.a.test\n";
	struct boot_config c;

	assert_int_equal(parse(&c, text).n, 0);
	assert_int_equal(c.n_ports, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_read),
		cmocka_unit_test(defaults_are_safe),
		cmocka_unit_test(complaints_name_their_place),
		cmocka_unit_test(whole_file_is_checked),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(control_lines_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
