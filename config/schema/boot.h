/* SPDX-License-Identifier: BSD-3-Clause */
/* What the dataplane must know before it can open a port: workers, memory, ports, addresses. The file is
 * lines of shell syntax (`set dataplane …`, `set port NAME …`); `#` begins a comment, double quotes hold
 * blanks. Pure: text in, struct or complaints out. */
#ifndef CONFIG_SCHEMA_BOOT_H
#define CONFIG_SCHEMA_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BOOT_PORTS_MAX = 16,
	BOOT_PREFIXES_MAX = 16, /* addresses of one port, both families together */
	BOOT_WORKERS_MAX = 64,
	BOOT_NAME_MAX = 32,
	BOOT_PATH_MAX = 256,
	BOOT_DEVICE_MAX = 256,
};

enum boot_side { BOOT_SIDE_NONE, BOOT_SIDE_EXTERNAL, BOOT_SIDE_INTERNAL };
enum boot_hugepages { BOOT_HUGEPAGES_AUTO, BOOT_HUGEPAGES_OFF, BOOT_HUGEPAGES_REQUIRE };
enum boot_idle { BOOT_IDLE_ADAPTIVE, BOOT_IDLE_POLL };
enum boot_x25519 { BOOT_X25519_OWN, BOOT_X25519_LIBCRYPTO };
enum boot_seccomp { BOOT_SECCOMP_KILL, BOOT_SECCOMP_LOG, BOOT_SECCOMP_OFF };

/* IPv4 lives in ::ffff:0:0/96; bits counts within the family (0..32 or 0..128) */
struct boot_prefix {
	uint8_t addr[16];
	bool v6;
	uint8_t bits;
};

struct boot_port {
	char name[BOOT_NAME_MAX];
	unsigned line; /* where it was first named */
	enum boot_side side;
	char device[BOOT_DEVICE_MAX];
	unsigned device_line, device_column; /* for whoever looks inside of it */
	unsigned queues;		     /* 0: as many as workers */
	struct boot_prefix prefixes[BOOT_PREFIXES_MAX];
	unsigned n_prefixes;
	struct boot_prefix gateway4, gateway6; /* bits 0: none */
	unsigned vlan;			       /* 0: untagged */
	unsigned mtu;			       /* 0: what the device says */
	uint8_t mac[6];
	bool has_mac;
	char capture[BOOT_PATH_MAX];
	char fault[BOOT_PATH_MAX];
	unsigned fault_line, fault_column;
};

struct boot_config {
	char run_dir[BOOT_PATH_MAX];
	unsigned workers;
	unsigned cores[BOOT_WORKERS_MAX];
	unsigned n_cores; /* 0: any that the process may use */
	unsigned memory;  /* MiB */
	unsigned mbufs, reserve_mbufs;
	enum boot_hugepages hugepages;
	enum boot_idle idle;
	enum boot_seccomp seccomp;
	enum boot_x25519 x25519;
	char user[BOOT_NAME_MAX]; /* empty: stay who we are */
	bool accept_ra;
	char keylog_folder[BOOT_PATH_MAX]; /* empty: run_dir */
	struct boot_port ports[BOOT_PORTS_MAX];
	unsigned n_ports;
};

/* one complaint: what is wrong and what to do, in one line without the place */
typedef void (*boot_complain_fn)(void *ctx, unsigned line, unsigned column, const char *text);

/* Fills cfg (defaults first) from text. Every complaint is reported; returns their number. */
unsigned boot_parse(struct boot_config *cfg, const char *text, size_t len, boot_complain_fn complain,
		    void *ctx);

/* Reads the file and parses it; complaints go to stderr as FILE:LINE:COL: text. Returns 0, -errno when the
 * file cannot be read (said on stderr), -EINVAL when it has complaints. */
int boot_load(struct boot_config *cfg, const char *path);

#endif
