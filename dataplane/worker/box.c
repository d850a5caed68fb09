/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/box.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

#include "dataplane/base/log.h"
#include "dataplane/worker/privileges.h"
#include "dataplane/worker/seccomp.h"
#include "drivers/capture.h"
#include "drivers/eal.h"
#include "drivers/fault.h"

enum {
	CAP_NET_ADMIN_BIT = 12,
	CAP_BPF_BIT = 39,
	/* DPDK's own needs beside packet buffers: rings, queues, heap */
	MEMORY_RESERVE_MIB = 48,
	ROOM = 2048,
	ROOM_JUMBO = 16384,
	WHY = 512,
};

static int run_dir_open(struct box *b, uid_t uid, gid_t gid)
{
	const char *path = b->config.run_dir;
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int rc;

	if (mkdir(path, 0750) < 0 && errno != EEXIST)
		goto fail;
	b->run_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->run_dir < 0)
		goto fail;
	if (*b->config.user && fchown(b->run_dir, uid, gid) < 0)
		goto fail;
	/* the kernel lets go of it however we end */
	b->lock = openat(b->run_dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (b->lock < 0)
		goto fail;
	if (fcntl(b->lock, F_OFD_SETLK, &lock) < 0) {
		rc = -errno;
		base_log(BASE_LOG_ERROR, "box",
			 "another dataplane runs in %s: stop it, or change 'set dataplane run-dir'", path);
		return rc;
	}
	unlinkat(b->run_dir, "ready", 0);
	return 0;
fail:
	rc = -errno;
	base_log(BASE_LOG_ERROR, "box", "run-dir %s cannot be used (%s), make it writable or change it", path,
		 strerror(-rc));
	return rc;
}

static int eal_start(struct box *b)
{
	unsigned cpus[BOOT_WORKERS_MAX], cold[BOOT_WORKERS_MAX], n_cold, huge = driver_hugepages_free();
	const char *pci[BOOT_PORTS_MAX];
	struct driver_devargs devices[BOOT_PORTS_MAX];
	struct driver_eal_config eal = {.program = "sallyport-dataplane",
					.runtime_dir = b->config.run_dir,
					.memory = b->config.memory,
					.cold_cpus = cold,
					.worker_cpus = cpus,
					.n_workers = b->config.workers,
					.pci = pci};
	char why[WHY];
	int rc = box_cpus(&b->config, cpus, cold, &n_cold, why, sizeof(why));

	if (rc)
		goto fail;
	eal.n_cold_cpus = n_cold;
	for (unsigned i = 0; i < b->config.n_ports; i++) {
		rc = driver_devargs_parse(&devices[i], b->config.ports[i].device, why, sizeof(why));
		if (rc)
			goto fail;
		if (devices[i].kind == DRIVER_PCI)
			pci[eal.n_pci++] = devices[i].pci;
	}
	eal.hugepages = b->config.hugepages != BOOT_HUGEPAGES_OFF && huge >= b->config.memory;
	eal.transparent = b->config.hugepages == BOOT_HUGEPAGES_AUTO;
	if (b->config.hugepages == BOOT_HUGEPAGES_REQUIRE && !eal.hugepages) {
		rc = -ENOMEM;
		snprintf(why, sizeof(why),
			 "%u MiB of hugepages are free and %u are required: echo %u > "
			 "/proc/sys/vm/nr_hugepages",
			 huge, b->config.memory, (b->config.memory + 1) / 2);
		goto fail;
	}
	rc = driver_eal_start(&eal, why, sizeof(why));
	if (rc)
		goto fail;
	b->eal = true;
	base_log(BASE_LOG_INFO, "box", "%u worker(s), %u MiB on %s", b->config.workers, b->config.memory,
		 eal.hugepages ? "hugepages" : "ordinary pages");
	return 0;
fail:
	base_log(BASE_LOG_ERROR, "box", "%s", why);
	return rc;
}

static int port_probe(struct box *b, unsigned i)
{
	const struct boot_port *from = &b->config.ports[i];
	struct box_port *to = &b->ports[i];
	struct driver_port_config c = {.index = i,
				       .workers = b->config.workers,
				       .queues = from->queues,
				       .mtu = from->mtu,
				       .has_mac = from->has_mac};
	char why[WHY];
	int rc = driver_devargs_parse(&c.device, from->device, why, sizeof(why));

	*to = (struct box_port){.watch = -1, .link = NET_LINK_UP};
	to->port.membership = -1;
	to->side = from->side == BOOT_SIDE_EXTERNAL ? NET_EXTERNAL : NET_INTERNAL;
	snprintf(c.name, sizeof(c.name), "%s", from->name);
	memcpy(c.mac, from->mac, 6);
	b->n_ports = i + 1;
	if (!rc)
		rc = driver_port_probe(&to->port, &c, why, sizeof(why));
	if (rc)
		base_log(BASE_LOG_ERROR, from->name, "%s", why);
	return rc;
}

static struct net_prefix prefix_take(const struct boot_prefix *from)
{
	struct net_prefix p = {.len = from->bits};

	memcpy(p.addr.b, from->addr, 16);
	return p;
}

static void port_net_config(struct net_port_config *to, const struct boot_port *from,
			    const struct driver_port *port, bool accept_ra)
{
	*to = (struct net_port_config){
		.dpdk_port = port->id,
		.side = from->side == BOOT_SIDE_EXTERNAL ? NET_EXTERNAL : NET_INTERNAL,
		.mtu = port->mtu,
		.vlan = (uint16_t)from->vlan,
		.tx_queues = port->tx_queues,
		.tx_offloads = port->tx_offloads,
		.hash_is_ours = port->hash_is_ours,
		.accept_ra = accept_ra,
		.has_gateway4 = from->gateway4.bits,
		.has_gateway6 = from->gateway6.bits,
		.gateway4 = prefix_take(&from->gateway4).addr,
		.gateway6 = prefix_take(&from->gateway6).addr,
		.n_addresses = from->n_prefixes,
	};
	snprintf(to->name, sizeof(to->name), "%s", from->name);
	memcpy(to->mac, port->mac, 6);
	for (unsigned i = 0; i < from->n_prefixes; i++)
		to->addresses[i] = prefix_take(&from->prefixes[i]);
}

static int shared_create(struct box *b, uint8_t key[NET_RSS_KEY_LEN])
{
	struct net_shared_config *c = calloc(1, sizeof(*c));
	const char *why = "no memory";
	int rc;

	if (!c)
		return -ENOMEM;
	c->n_cores = b->config.workers;
	c->n_ports = b->n_ports;
	for (unsigned i = 0; i < b->n_ports; i++)
		port_net_config(&c->ports[i], &b->config.ports[i], &b->ports[i].port, b->config.accept_ra);
	if (getrandom(&c->seed, sizeof(c->seed), 0) != (ssize_t)sizeof(c->seed))
		goto no_random;
	do {
		if (getrandom(c->rss_key, sizeof(c->rss_key), 0) != (ssize_t)sizeof(c->rss_key))
			goto no_random;
	} while (!net_rss_key_fits(c->rss_key));
	memcpy(key, c->rss_key, NET_RSS_KEY_LEN);
	b->shared = net_shared_create(c, &why);
	rc = b->shared ? 0 : -errno;
	if (rc)
		base_log(BASE_LOG_ERROR, "net", "%s", why);
	free(c);
	return rc;
no_random:
	free(c);
	return -EIO;
}

static int port_start(struct box *b, unsigned i, const uint8_t *key)
{
	const struct boot_port *from = &b->config.ports[i];
	struct box_port *p = &b->ports[i];
	struct fault_spec spec;
	char why[WHY];
	int rc = driver_port_start(&p->port, &b->pools, key, net_shared_reta(b->shared), why, sizeof(why));

	if (rc)
		goto fail;
	/* the wire's side comes first on input and last on output, so a capture sees what the wire saw */
	if (*from->fault) {
		rc = fault_spec_parse(&spec, from->fault, why, sizeof(why));
		if (rc)
			goto fail;
		p->fault = fault_attach(&p->port, &spec);
		if (!p->fault) {
			rc = -errno;
			snprintf(why, sizeof(why), "faults cannot be set up (%s)", strerror(-rc));
			goto fail;
		}
		base_log(BASE_LOG_WARNING, from->name, "faults are injected on purpose: %s", from->fault);
	}
	if (*from->capture) {
		p->capture = capture_attach(&p->port, from->capture);
		if (!p->capture) {
			rc = -errno;
			snprintf(why, sizeof(why), "capture file %s cannot be written (%s)", from->capture,
				 strerror(-rc));
			goto fail;
		}
	}
	if (p->port.ifindex) {
		p->watch = linkwatch_add(&b->watch, p->port.ifindex);
		box_link_set(b, i, NET_LINK_DOWN);
	}
	base_log(BASE_LOG_INFO, from->name, "%s, %u+%u queues, MTU %u, %02x:%02x:%02x:%02x:%02x:%02x",
		 from->device, p->port.rx_queues, p->port.tx_queues, p->port.mtu, p->port.mac[0],
		 p->port.mac[1], p->port.mac[2], p->port.mac[3], p->port.mac[4], p->port.mac[5]);
	return 0;
fail:
	base_log(BASE_LOG_ERROR, from->name, "%s", why);
	return rc;
}

static int ports_open(struct box *b)
{
	uint8_t key[NET_RSS_KEY_LEN];
	int rc = 0;

	b->pools = (struct driver_pools){.mbufs = b->config.mbufs, .data_room = ROOM};
	for (unsigned i = 0; !rc && i < b->config.n_ports; i++) {
		rc = port_probe(b, i);
		if (b->config.ports[i].mtu > 1500)
			b->pools.data_room = ROOM_JUMBO;
	}
	if (!rc)
		rc = shared_create(b, key);
	for (unsigned i = 0; !rc && i < b->n_ports; i++)
		rc = port_start(b, i, key);
	explicit_bzero(key, sizeof(key));
	return rc;
}

static int worker_open(struct box *b, unsigned core)
{
	struct worker *w = &b->workers[core];
	unsigned cpu = rte_lcore_to_cpu_id((int)core + 1);

	w->core = core;
	w->shared = b->shared;
	w->stop = &b->stop;
	w->app = b->app;
	w->idle.poll = b->config.idle == BOOT_IDLE_POLL;
	w->seccomp = b->config.seccomp;
	w->counters = counters_values(&b->counters, "worker", core);
	w->tcp_stats = counters_values(&b->counters, "tcp", core);
	w->tls_stats = counters_values(&b->counters, "tls", core);
	w->proxy_stats = counters_values(&b->counters, "proxy", core);
	w->edge_stats = counters_values(&b->counters, "edge", core);
	w->pool = driver_pool_get(&b->pools, b->ports[0].port.socket);
	w->reserve_mbufs = b->config.reserve_mbufs;
	if (core == 0 && w->reserve_mbufs >= w->pool->size)
		base_log(BASE_LOG_WARNING, "box",
			 "reserve-mbufs %u leaves nothing of %u packet buffers: half of them is taken for it",
			 w->reserve_mbufs, w->pool->size);
	for (unsigned i = 0; i < b->config.workers; i++)
		w->shared_core |= i != core && rte_lcore_to_cpu_id((int)i + 1) == (int)cpu;
	for (unsigned i = 0; i < b->n_ports; i++)
		if (core < b->ports[i].port.rx_queues)
			w->queues[w->n_queues++] = (struct worker_queue){
				.device = b->ports[i].port.id, .queue = (uint16_t)core, .port = (uint8_t)i};
	w->app_state = w->app->open(b->app_setup, w);
	if (!w->app_state)
		return -errno;
	w->net = net_create(b->shared, core, w->pool, &w->app->l4, w->app_state,
			    (struct net_stats *)counters_values(&b->counters, "net", core));
	if (!w->net) {
		int rc = -errno;

		w->app->close(w->app_state);
		return rc;
	}
	b->n_workers = core + 1;
	return w->app->begin ? w->app->begin(w->app_state, w) : 0;
}

static int workers_open(struct box *b)
{
	int rc = box_counters_open(b);

	if (rc) {
		base_log(BASE_LOG_ERROR, "box", "counters file cannot be made in %s (%s)", b->config.run_dir,
			 strerror(-rc));
		return rc;
	}
	b->workers = aligned_alloc(64, sizeof(*b->workers) * b->config.workers);
	if (!b->workers)
		return -ENOMEM;
	memset(b->workers, 0, sizeof(*b->workers) * b->config.workers);
	if (b->app->prepare) {
		b->prepared = true;
		rc = b->app->prepare(b->app_setup, b);
	}
	for (unsigned i = 0; !rc && i < b->config.workers; i++)
		rc = worker_open(b, i);
	if (rc == -ENOMEM)
		base_log(BASE_LOG_ERROR, "box",
			 "%u MiB are too few for %u workers (%u could be set up): raise 'set dataplane "
			 "memory', or "
			 "lower its workers or mbufs",
			 b->config.memory, b->config.workers, b->n_workers);
	else if (rc)
		base_log(BASE_LOG_ERROR, "box", "worker %u cannot be set up (%s)", b->n_workers,
			 strerror(-rc));
	return rc;
}

static int cold_open(struct box *b)
{
	struct epoll_event e = {.events = EPOLLIN};
	const struct itimerspec every = {
		.it_interval = {.tv_nsec = WATCHDOG_TICK_MS * 1000000},
		.it_value = {.tv_nsec = WATCHDOG_TICK_MS * 1000000},
	};
	const struct itimerspec beat = {
		.it_interval = {.tv_nsec = WORKER_COLD_MS * 1000000},
		.it_value = {.tv_nsec = WORKER_COLD_MS * 1000000},
	};
	sigset_t set;
	int rc;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	b->epoll = epoll_create1(EPOLL_CLOEXEC);
	b->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	b->ticks = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	b->beats = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	rc = linkwatch_open(&b->watch);
	if (b->epoll < 0 || b->signals < 0 || b->ticks < 0 || b->beats < 0 || rc ||
	    timerfd_settime(b->ticks, 0, &every, NULL) < 0 ||
	    (b->app->cold && timerfd_settime(b->beats, 0, &beat, NULL) < 0))
		goto fail;
	for (unsigned i = 0; i < 4; i++) {
		const int fds[] = {b->signals, b->ticks, b->beats, b->watch.fd};

		e.data.fd = fds[i];
		if (epoll_ctl(b->epoll, EPOLL_CTL_ADD, e.data.fd, &e) < 0)
			goto fail;
	}
	notify_open(&b->notify);
	return 0;
fail:
	rc = rc ? rc : -errno;
	base_log(BASE_LOG_ERROR, "box", "cold thread cannot be set up (%s)", strerror(-rc));
	return rc;
}

/* The ready file exists under another name before rights go, and takes its own when workers run. */
static int ready_prepare(struct box *b)
{
	int fd = openat(b->run_dir, "ready.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	int rc = 0;

	if (fd < 0 || dprintf(fd, "%d\n", getpid()) < 0) {
		rc = -errno;
		base_log(BASE_LOG_ERROR, "box", "ready file cannot be made in %s (%s)", b->config.run_dir,
			 strerror(-rc));
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

static int rights_drop(struct box *b, uid_t uid, gid_t gid)
{
	unsigned when = SECCOMP_ALWAYS | SECCOMP_COLD;
	uint64_t keep = 0;
	char why[WHY];
	int rc = 0;

	for (unsigned i = 0; i < b->n_ports; i++) {
		switch (b->ports[i].port.config.device.kind) {
		case DRIVER_TAP:
			when |= SECCOMP_TAP;
			break;
		case DRIVER_MEMIF:
			when |= SECCOMP_MEMIF;
			break;
		case DRIVER_AF_XDP:
			/* taking its program off the interface at the end is a right of its own */
			when |= SECCOMP_XDP;
			keep |= UINT64_C(1) << CAP_NET_ADMIN_BIT | UINT64_C(1) << CAP_BPF_BIT;
			break;
		case DRIVER_PCI:
			when |= SECCOMP_PCI;
			break;
		default:
			break;
		}
	}
	/* first, while the right to do so is still there */
	rc = privileges_bound(keep, why, sizeof(why));
	if (rc < 0) {
		base_log(BASE_LOG_ERROR, "box", "the bounding set stays: %s", why);
		return rc;
	}
	if (rc)
		base_log(BASE_LOG_INFO, "box", "no CAP_SETPCAP: the capability bounding set stays as it is");
	if (*b->config.user) {
		rc = privileges_become(uid, gid);
		if (rc) {
			base_log(BASE_LOG_ERROR, "box",
				 "cannot become user %s (%s), start as root or remove 'user'", b->config.user,
				 strerror(-rc));
			return rc;
		}
	}
	rc = privileges_drop(keep, why, sizeof(why));
	if (rc) {
		base_log(BASE_LOG_ERROR, "box", "rights cannot be dropped: %s", why);
		return rc;
	}
	rc = seccomp_install(when, b->config.seccomp);
	if (rc)
		base_log(BASE_LOG_ERROR, "box", "system call filter cannot be installed (%s)", strerror(-rc));
	else if (b->config.seccomp != BOOT_SECCOMP_KILL)
		base_log(BASE_LOG_WARNING, "box",
			 "SYSTEM CALLS ARE NOT GUARDED ('set dataplane seccomp %s'): for debugging only",
			 b->config.seccomp == BOOT_SECCOMP_LOG ? "log" : "off");
	return rc;
}

int box_open(struct box *b, const struct boot_config *config, const struct worker_app *app, void *app_setup)
{
	uid_t uid = 0;
	gid_t gid = 0;
	int rc;

	memset(b, 0, sizeof(*b));
	b->config = *config;
	b->app = app ? app : &worker_app_none;
	b->app_setup = app_setup;
	b->gid = (gid_t)-1;
	b->uid = geteuid();
	b->ticks_a_second = (uint64_t)sysconf(_SC_CLK_TCK);
	b->run_dir = b->lock = b->epoll = b->signals = b->ticks = b->beats = b->watch.fd = b->notify.fd = -1;

	if (*config->user) {
		const struct passwd *pw = getpwnam(config->user);

		if (!pw) {
			base_log(BASE_LOG_ERROR, "box",
				 "no user %s here, add it or remove 'set dataplane user'", config->user);
			return -ENOENT;
		}
		uid = pw->pw_uid;
		b->gid = gid = pw->pw_gid;
		b->uid = pw->pw_uid;
	}
	rc = run_dir_open(b, uid, gid);
	if (!rc)
		rc = cold_open(b);
	if (!rc)
		rc = eal_start(b);
	if (!rc)
		rc = ports_open(b);
	if (!rc)
		rc = workers_open(b);
	if (!rc)
		rc = box_links_read(b);
	if (!rc)
		rc = ready_prepare(b);
	if (!rc && b->app->cold)
		b->app->cold(b->app_setup, b, base_clock_kernel());
	if (!rc)
		rc = rights_drop(b, uid, gid);
	return rc;
}

void box_close(struct box *b)
{
	for (unsigned i = b->n_workers; i-- > 0;) {
		b->app->close(b->workers[i].app_state);
		net_destroy(b->workers[i].net);
	}
	if (b->prepared && b->app->finish)
		b->app->finish(b->app_setup, b);
	box_counters_update(b);
	for (unsigned i = b->n_ports; i-- > 0;) {
		capture_detach(b->ports[i].capture);
		fault_detach(b->ports[i].fault);
		driver_port_stop(&b->ports[i].port);
	}
	net_shared_destroy(b->shared);
	counters_close(&b->counters, base_clock_kernel());
	free(b->workers);
	if (b->run_dir >= 0) {
		unlinkat(b->run_dir, b->ready ? "ready" : "ready.new", 0);
		close(b->run_dir);
	}
	if (b->eal)
		driver_eal_stop();
	notify_close(&b->notify);
	linkwatch_close(&b->watch);
	if (b->ticks >= 0)
		close(b->ticks);
	if (b->beats >= 0)
		close(b->beats);
	if (b->signals >= 0)
		close(b->signals);
	if (b->epoll >= 0)
		close(b->epoll);
	if (b->lock >= 0)
		close(b->lock);
}
