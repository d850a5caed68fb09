/* SPDX-License-Identifier: BSD-3-Clause */
/* Preloaded into testpmd: gives it a port made of rings, with our generator on the other ends. So its
 * icmpecho engine is measured by its own count of cycles, over the very ports and the very traffic that we
 * are measured with. */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "bench/wire/echo_wire.h"
#include "bench/wire/testpmd_control.h"

struct preload {
	struct testpmd_control *control;
	struct echo_wire wire;
	uint16_t port;
};

static void *generate(void *arg)
{
	struct preload *p = arg;
	struct testpmd_control *c = p->control;
	const struct timespec pause = {.tv_nsec = 500000};
	struct rte_ether_addr mac;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(c->cpu, &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	rte_thread_register(); /* for the pool's cache, as our own generator has one */
	for (;;) {
		if (atomic_load(&c->done) == atomic_load(&c->ordered)) {
			nanosleep(&pause, NULL);
			continue;
		}
		rte_eth_macaddr_get(p->port, &mac);
		memcpy(p->wire.peer.box_mac, mac.addr_bytes, 6);
		if (echo_wire_run(&p->wire, c->requests))
			c->failed = 1;
		c->answered = p->wire.answered;
		c->wrong = p->wire.wrong;
		atomic_fetch_add(&c->done, 1);
	}
	return NULL;
}

static int port_make(struct preload *p)
{
	static const struct echo_peer peer = {
		.mac = {2, 0, 0, 0, 0, 1}, .ip = {198, 18, 1, 1}, .box_ip = {198, 18, 1, 2}, .id = 0x5350};
	pthread_t thread;
	int id;

	p->wire.peer = peer;
	p->wire.to = rte_ring_create("bench.to", 1024, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	p->wire.from = rte_ring_create("bench.from", 1024, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	p->wire.pool = rte_pktmbuf_pool_create("bench.pool", 4095, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	if (!p->wire.to || !p->wire.from || !p->wire.pool)
		return -1;
	id = rte_eth_from_rings("bench", &p->wire.to, 1, &p->wire.from, 1, 0);
	if (id < 0)
		return -1;
	p->port = (uint16_t)id;
	atomic_store(&p->control->ready, 1);
	return pthread_create(&thread, NULL, generate, p);
}

__attribute__((visibility("default"))) int rte_eal_init(int argc, char **argv)
{
	static struct preload p;
	int (*real)(int, char **);
	const char *path = getenv(TESTPMD_CONTROL_ENV);
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	int rc;

	/* its numbers come by printf, its prompt by write: unbuffered, they keep their order in a pipe */
	setvbuf(stdout, NULL, _IONBF, 0);
	*(void **)&real = dlsym(RTLD_NEXT, "rte_eal_init");
	rc = real(argc, argv);
	if (rc < 0 || fd < 0)
		return rc;
	p.control = mmap(NULL, sizeof(*p.control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p.control == MAP_FAILED || port_make(&p))
		return -1;
	return rc;
}
