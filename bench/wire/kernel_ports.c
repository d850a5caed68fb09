/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/wire/kernel_ports.h"

#include <errno.h>
#include <math.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/wire/flow_frame.h"
#include "config/exchange/counters.h"
#include "dataplane/base/rng.h"

struct outcome {
	double share;
	char why[256];
};

static void sleep_ms(unsigned ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&t, NULL);
}

static bool config_write(enum kernel_port kind, const char *dir, const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return false;
	fprintf(f,
		"set dataplane run-dir %s\nset dataplane workers 2\nset dataplane memory 128\nset dataplane "
		"mbufs 8191\n"
		"set port e side external\nset port e device %s\nset port e address 198.18.1.2/24\nset port "
		"e mac "
		"02:00:00:00:00:02\n",
		dir, kind == KERNEL_PORT_TAP ? "tap:iface=bwbox" : "af_packet:iface=bwbox");
	return fclose(f) == 0;
}

static pid_t dataplane_start(const char *config)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(BENCH_WIRE_DATAPLANE, "sallyport-dataplane", "--config", config, (char *)NULL);
		_exit(127);
	}
	return pid;
}

static bool flows_send(const char *iface, unsigned n)
{
	struct flow_ends e = {.mac = {2, 0, 0, 0, 0, 1},
			      .box_mac = {2, 0, 0, 0, 0, 2},
			      .ip = {198, 18, 1, 1},
			      .box_ip = {198, 18, 1, 2}};
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(iface), .sll_halen = 6};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	uint8_t frame[FLOW_FRAME_LEN];
	struct base_rng rng;
	bool ok = fd >= 0 && to.sll_ifindex;

	base_rng_seed(&rng, 1);
	for (unsigned i = 0; ok && i < n; i++) {
		e.port = (uint16_t)(1024 + base_rng_below(&rng, 60000));
		e.box_port = 5061;
		e.ip[3] = (uint8_t)(3 + base_rng_below(&rng, 250));
		flow_frame_write(&e, frame);
		ok = sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)) ==
		     (ssize_t)sizeof(frame);
		if (i % 64 == 63)
			sleep_ms(1);
	}
	if (fd >= 0)
		close(fd);
	return ok;
}

static uint64_t net_sum(const struct counters_view *v, const char *row)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < v->super->n_tables; i++) {
		const struct counters_table *t = &v->super->tables[i];

		for (unsigned r = 0; strcmp(t->name, "net") == 0 && r < t->n_rows; r++)
			for (unsigned k = 0;
			     strcmp(counters_view_row(v, t, r)->name, row) == 0 && k < t->n_instances; k++)
				sum += counters_view_value(v, t, k, r);
	}
	return sum;
}

/* in a namespace of its own, with a dataplane that is ready or not */
static void measure(enum kernel_port kind, const char *dir, unsigned n, struct outcome *o)
{
	const char *iface = kind == KERNEL_PORT_TAP ? "bwbox" : "bwout", *why;
	struct counters_view v;
	char ready[128];
	unsigned ms = 0;

	snprintf(ready, sizeof(ready), "%s/ready", dir);
	while (access(ready, F_OK) < 0 && ms++ < 500)
		sleep_ms(10);
	if (access(ready, F_OK) < 0 || !flows_send(iface, n)) {
		snprintf(o->why, sizeof(o->why),
			 "the dataplane does not start or its interface takes nothing");
		return;
	}
	sleep_ms(200);
	if (counters_read(&v, dir, &why)) {
		snprintf(o->why, sizeof(o->why), "counters: %s", why);
		return;
	}
	if (net_sum(&v, "delivered") == n)
		o->share = (double)net_sum(&v, "steered_out") / n;
	else
		snprintf(o->why, sizeof(o->why), "%llu of %u segments came through",
			 (unsigned long long)net_sum(&v, "delivered"), n);
	counters_view_free(&v);
}

static void child(enum kernel_port kind, unsigned n, const char *dir, struct outcome *o)
{
	char config[128];
	pid_t pid;

	if (unshare(CLONE_NEWNET) < 0) {
		snprintf(o->why, sizeof(o->why),
			 "no network namespace (%s): root or 'unshare -Urnm' is needed", strerror(errno));
		return;
	}
	if (kind == KERNEL_PORT_AF_PACKET &&
	    system("ip link add bwout type veth peer name bwbox && ip link set bwout up && ip link set bwbox "
		   "up && "
		   "{ ethtool -K bwout tx off; ethtool -K bwbox rx off gro off; } >/dev/null 2>&1") != 0) {
		snprintf(o->why, sizeof(o->why), "no veth pair can be made");
		return;
	}
	snprintf(config, sizeof(config), "%s/conf", dir);
	if (!config_write(kind, dir, config)) {
		snprintf(o->why, sizeof(o->why), "%s cannot be written", config);
		return;
	}
	pid = dataplane_start(config);
	measure(kind, dir, n, o);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}

double kernel_ports_share(enum kernel_port kind, unsigned n, char *why, size_t why_size)
{
	struct outcome o = {.share = NAN, .why = "no process or pipe"};
	static const char *const files[] = {"conf", "counters", "lock"};
	char dir[] = "/tmp/bench-wire-box.XXXXXX", path[128];
	int fds[2];
	pid_t pid;

	if (!mkdtemp(dir) || pipe(fds) < 0) {
		snprintf(why, why_size, "%s", o.why);
		return NAN;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		/* the dataplane's lines are not ours; stderr tells when something is wrong */
		child(kind, n, dir, &o);
		_exit(write(fds[1], &o, sizeof(o)) == (ssize_t)sizeof(o) ? 0 : 1);
	}
	close(fds[1]);
	if (pid > 0 && read(fds[0], &o, sizeof(o)) != (ssize_t)sizeof(o))
		o.share = NAN;
	close(fds[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	rmdir(dir);
	snprintf(why, why_size, "%s", o.why);
	return o.share;
}
