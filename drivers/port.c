/* SPDX-License-Identifier: BSD-3-Clause */
#include "drivers/port.h"
#include "drivers/dpdk_compat.h"
#include "drivers/pci.h"

#include <errno.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

enum {
	DESCRIPTORS = 1024,
	AF_PACKET_FRAME = 2048,	       /* holds an MTU of 1500 with its tag and the kernel's header */
	AF_PACKET_FRAME_JUMBO = 16384, /* and one of 9000 */
	AF_PACKET_BLOCK = 65536,
	TSO_BUFFERS = 40, /* that TCP may chain for one frame to be cut, and some to spare */
	HASH_KEY = 40,
	HASH_KEY_MAX = 64,
	HASH_TABLE = 128,
	HASH_TABLE_MAX = 2048,
};

__attribute__((format(printf, 4, 5))) static int refuse(char *why, size_t size, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return rc;
}

struct rte_mempool *driver_pool_get(struct driver_pools *s, int socket)
{
	char name[32];
	struct rte_mempool *pool;

	for (unsigned i = 0; i < s->n; i++)
		if (s->pools[i].socket == socket)
			return s->pools[i].pool;
	if (s->n == DRIVER_POOLS_MAX)
		return NULL;
	snprintf(name, sizeof(name), "mbufs.%d", socket);
	pool = rte_pktmbuf_pool_create(name, s->mbufs, s->mbufs >= 4096 ? 256 : 32, 0,
				       (uint16_t)(RTE_PKTMBUF_HEADROOM + s->data_room), socket);
	if (!pool)
		return NULL;
	s->pools[s->n].socket = socket;
	s->pools[s->n].pool = pool;
	s->n++;
	return pool;
}

static bool has_kernel_interface(const struct driver_port *p)
{
	enum driver_kind k = p->config.device.kind;

	return k == DRIVER_AF_PACKET || k == DRIVER_AF_XDP || k == DRIVER_TAP;
}

/* What the PMD is to be told; returns the length, as snprintf does. */
static int pmd_words(const struct driver_port *p, unsigned queues, char *to, size_t size)
{
	const struct driver_devargs *d = &p->config.device;
	unsigned i = p->config.index;

	switch (d->kind) {
	case DRIVER_AF_PACKET:
		return snprintf(to, size, "net_af_packet%u,iface=%s,qpairs=%u,blocksz=%u,framesz=%u%s%s", i,
				d->iface, queues, AF_PACKET_BLOCK,
				p->config.mtu > 1500 ? AF_PACKET_FRAME_JUMBO : AF_PACKET_FRAME,
				strstr(d->extra, ",framecnt=") ? "" : ",framecnt=" RTE_STR(2048), d->extra);
	case DRIVER_AF_XDP:
		return snprintf(to, size, "net_af_xdp%u,iface=%s,queue_count=%u%s", i, d->iface, queues,
				d->extra);
	case DRIVER_TAP:
		return snprintf(to, size, "net_tap%u,iface=%s%s", i, d->iface, d->extra);
	case DRIVER_MEMIF:
		return snprintf(to, size, "net_memif%u%s", i, d->extra);
	default:
		return snprintf(to, size, "pci:%s", d->pci);
	}
}

static int port_id_find(struct driver_port *p, const char *words)
{
	char name[64];
	size_t n;

	if (p->config.device.kind == DRIVER_PCI) {
		snprintf(name, sizeof(name), "%s", p->config.device.pci);
	} else {
		n = strcspn(words, ",");
		snprintf(name, sizeof(name), "%.*s", (int)n, words);
	}
	return rte_eth_dev_get_port_by_name(name, &p->id);
}

/* Multicast and a MAC of our own by way of a packet socket: the kernel takes both back when the process ends,
 * however it ends, where flags set on the interface would stay. */
static int kernel_membership(struct driver_port *p, bool promiscuous)
{
	struct packet_mreq m = {.mr_ifindex = p->ifindex,
				.mr_type = promiscuous ? PACKET_MR_PROMISC : PACKET_MR_ALLMULTI};

	/* protocol 0: this socket receives nothing */
	p->membership = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (p->membership < 0)
		return -errno;
	return setsockopt(p->membership, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof(m)) < 0 ? -errno : 0;
}

static int kernel_interface(struct driver_port *p, char *why, size_t why_size)
{
	const char *iface = p->config.device.iface;
	struct ifreq ifr = {.ifr_ifindex = 0};
	unsigned mtu = p->config.mtu;
	int fd, rc;

	p->ifindex = (int)if_nametoindex(iface);
	if (p->ifindex == 0)
		return refuse(why, why_size, -ENODEV,
			      "no interface %s here, make it first or name another one ('ip link')", iface);
	if (p->config.device.kind == DRIVER_TAP)
		return 0;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return refuse(why, why_size, -errno, "cannot ask about %s (%s)", iface, strerror(errno));
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", iface);
	rc = ioctl(fd, SIOCGIFMTU, &ifr) < 0 ? -errno : 0;
	close(fd);
	if (rc)
		return refuse(why, why_size, rc, "cannot ask for the MTU of %s (%s)", iface, strerror(-rc));
	if (mtu > (unsigned)ifr.ifr_mtu)
		return refuse(why, why_size, -EINVAL,
			      "MTU %u is over that of %s, lower it to %d or: ip link set %s mtu %u", mtu,
			      iface, ifr.ifr_mtu, iface, mtu);
	/* larger frames need larger buffers, so they are asked for by name */
	p->mtu = (uint16_t)(mtu ? mtu : RTE_MIN((unsigned)ifr.ifr_mtu, 1500u));
	rc = kernel_membership(p, p->config.has_mac);
	return rc ? refuse(why, why_size, rc, "cannot join multicast on %s (%s)", iface, strerror(-rc)) : 0;
}

static int attach(struct driver_port *p, unsigned queues, char *why, size_t why_size)
{
	const struct driver_devargs *d = &p->config.device;
	char words[DRIVER_ARGS_MAX + 128];
	int rc;

	if (d->kind == DRIVER_RING) {
		rc = driver_ring_open(p, queues);
		return rc ? refuse(why, why_size, rc, "rings cannot be made (%s)", strerror(-rc)) : 0;
	}
	if (d->kind == DRIVER_PCI) {
		rc = driver_pci_check("", d->pci, why, why_size);
		if (rc)
			return rc;
	}
	if ((d->kind == DRIVER_AF_PACKET || d->kind == DRIVER_AF_XDP) && if_nametoindex(d->iface) == 0)
		return refuse(why, why_size, -ENODEV,
			      "no interface %s here, make it first or name another one ('ip link')",
			      d->iface);
	if (pmd_words(p, queues, words, sizeof(words)) >= (int)sizeof(words))
		return refuse(why, why_size, -ENAMETOOLONG, "device arguments are too long, shorten them");
	rc = rte_dev_probe(words);
	if (rc == 0)
		rc = port_id_find(p, words);
	if (rc < 0) {
		const char *hint = rc == -EPERM || rc == -EACCES || geteuid() != 0
					   ? ", run as root or inside 'unshare -Urnm'"
					   : ", DPDK's own lines are above";

		return refuse(why, why_size, rc, "%s does not open (%s)%s", driver_kind_name(d->kind),
			      strerror(-rc), hint);
	}
	return 0;
}

/* Cutting large segments is of use only together with what it builds on, and with room for a whole chain. */
static uint64_t tx_offloads_usable(const struct rte_eth_dev_info *info)
{
	const uint64_t sums = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
	const uint64_t all = sums | RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	uint16_t chain = info->tx_desc_lim.nb_seg_max; /* 0: the device names no limit */

	if ((info->tx_offload_capa & all) == all && (chain == 0 || chain >= TSO_BUFFERS))
		return all;
	return info->tx_offload_capa & sums;
}

int driver_port_probe(struct driver_port *p, const struct driver_port_config *config, char *why,
		      size_t why_size)
{
	unsigned queues = config->queues ? config->queues : config->workers;
	struct rte_eth_dev_info info;
	struct rte_ether_addr mac;
	int rc;

	*p = (struct driver_port){.config = *config, .membership = -1, .mtu = 1500};
	if (config->mtu)
		p->mtu = (uint16_t)config->mtu;
	if (queues > config->workers)
		queues = config->workers; /* a queue belongs to a worker */
	if (queues > driver_kind_queues_max(config->device.kind))
		queues = driver_kind_queues_max(config->device.kind);
	/* a NIC's queues cannot be had in parts on af_xdp: what the interface lacks fails the bind */
	if (config->device.kind == DRIVER_AF_XDP && config->queues == 0)
		queues = 1;

	rc = attach(p, queues, why, why_size);
	if (rc)
		return rc;
	p->probed = true;
	if (has_kernel_interface(p)) {
		rc = kernel_interface(p, why, why_size);
		if (rc)
			return rc;
	}
	rc = rte_eth_dev_info_get(p->id, &info);
	if (rc)
		return refuse(why, why_size, rc, "device says nothing about itself (%s)", strerror(-rc));
	p->socket = rte_eth_dev_socket_id(p->id);
	if (p->socket < 0)
		p->socket = 0;
	p->rx_queues = (uint16_t)RTE_MIN(queues, info.max_rx_queues);
	p->tx_queues = (uint16_t)RTE_MIN(queues, info.max_tx_queues);
	if (config->device.kind == DRIVER_TAP || config->device.kind == DRIVER_AF_PACKET)
		p->tx_queues = p->rx_queues = RTE_MIN(p->rx_queues, p->tx_queues);
	if (p->rx_queues == 0 || p->tx_queues == 0)
		return refuse(why, why_size, -ENODEV, "device has no queues");

	if (config->device.kind == DRIVER_PCI) {
		uint64_t hf = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP;

		p->hash_is_ours = (info.flow_type_rss_offloads & hf) == hf &&
				  info.hash_key_size >= HASH_KEY && info.hash_key_size <= HASH_KEY_MAX &&
				  (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_RSS_HASH);
		p->tx_offloads = tx_offloads_usable(&info);
	}
	/* virtual devices sum in software inside of the PMD, which our own kernels do faster: only chains are
	 * used */
	p->tx_offloads |= info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;

	if (config->has_mac) {
		memcpy(p->mac, config->mac, 6);
	} else {
		rc = rte_eth_macaddr_get(p->id, &mac);
		if (rc)
			return refuse(why, why_size, rc,
				      "device tells no MAC address, add 'set port %s mac …'", config->name);
		memcpy(p->mac, mac.addr_bytes, 6);
	}
	/* the kernel holds the other end of a tap under the device's own address, and takes no frames from
	 * itself */
	if (config->device.kind == DRIVER_TAP && !config->has_mac)
		p->mac[5] ^= 1;
	/* net_ring has the zero address */
	if (memcmp(p->mac, "\0\0\0\0\0", 6) == 0) {
		const uint8_t own[6] = {0x02, 0x53, 0x50, 0, 0, (uint8_t)config->index};

		memcpy(p->mac, own, 6);
	}
	return 0;
}

static int configure(struct driver_port *p, const uint8_t *key, char *why, size_t why_size)
{
	uint8_t long_key[HASH_KEY_MAX] = {0};
	struct rte_eth_conf conf = {.rxmode = {.mq_mode = RTE_ETH_MQ_RX_NONE}};
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(p->id, &info);

	if (rc)
		return refuse(why, why_size, rc, "device says nothing about itself (%s)", strerror(-rc));
	conf.txmode.offloads = p->tx_offloads;
	if (p->config.device.kind == DRIVER_PCI) {
		conf.rxmode.offloads =
			info.rx_offload_capa & (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM);
		if (p->mtu > 1500)
			conf.rxmode.offloads |= info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
		conf.rxmode.mtu = p->mtu;
	}
	if (p->hash_is_ours && key) {
		/* Toeplitz reads 36 bytes of key for the longest tuple (IPv6 and ports): what a longer key of
		 * the device has behind ours is never used */
		memcpy(long_key, key, HASH_KEY);
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_RSS_HASH;
		conf.rx_adv_conf.rss_conf = (struct rte_eth_rss_conf){
			.rss_key = long_key,
			.rss_key_len = info.hash_key_size,
			.rss_hf = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP,
		};
	}
	rc = rte_eth_dev_configure(p->id, p->rx_queues, p->tx_queues, &conf);
	return rc ? refuse(why, why_size, rc, "device refuses %u queues (%s), try 'set port %s queues 1'",
			   p->rx_queues, strerror(-rc), p->config.name)
		  : 0;
}

static int queues_set_up(struct driver_port *p, struct driver_pools *pools, char *why, size_t why_size)
{
	struct rte_mempool *pool = driver_pool_get(pools, p->socket);
	uint16_t rx = DESCRIPTORS, tx = DESCRIPTORS;
	int rc = 0;

	if (!pool)
		return refuse(why, why_size, -ENOMEM,
			      "no memory for %u packet buffers, lower 'set dataplane mbufs' or raise 'set "
			      "dataplane memory'",
			      pools->mbufs);
	rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &rx, &tx);
	for (uint16_t q = 0; q < p->rx_queues && !rc; q++)
		rc = rte_eth_rx_queue_setup(p->id, q, rx, (unsigned)p->socket, NULL, pool);
	for (uint16_t q = 0; q < p->tx_queues && !rc; q++)
		rc = rte_eth_tx_queue_setup(p->id, q, tx, (unsigned)p->socket, NULL);
	return rc ? refuse(why, why_size, rc, "queues cannot be set up (%s), DPDK's own lines are above",
			   strerror(-rc))
		  : 0;
}

static int table_program(struct driver_port *p, const uint8_t *table)
{
	struct rte_eth_rss_reta_entry64 reta[HASH_TABLE_MAX / RTE_ETH_RETA_GROUP_SIZE];
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(p->id, &info);

	if (rc || info.reta_size == 0 || info.reta_size > HASH_TABLE_MAX)
		return rc ? rc : -ENOTSUP;
	memset(reta, 0, sizeof(reta));
	for (unsigned i = 0; i < info.reta_size; i++) {
		reta[i / RTE_ETH_RETA_GROUP_SIZE].mask = UINT64_MAX;
		reta[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] =
			table[i % HASH_TABLE] % p->rx_queues;
	}
	return rte_eth_dev_rss_reta_update(p->id, reta, info.reta_size);
}

static void device_tune(struct driver_port *p)
{
	struct rte_ether_addr mac;

	if (p->config.device.kind == DRIVER_TAP && p->config.mtu)
		rte_eth_dev_set_mtu(p->id, p->mtu);
	if (p->config.device.kind == DRIVER_PCI) {
		if (p->config.mtu)
			rte_eth_dev_set_mtu(p->id, p->mtu);
		if (p->config.has_mac) {
			memcpy(mac.addr_bytes, p->mac, 6);
			if (rte_eth_dev_default_mac_addr_set(p->id, &mac) < 0)
				rte_eth_promiscuous_enable(p->id);
		}
		/* neighbour discovery lives on multicast */
		if (rte_eth_allmulticast_enable(p->id) < 0)
			rte_eth_promiscuous_enable(p->id);
	}
}

int driver_port_start(struct driver_port *p, struct driver_pools *pools, const uint8_t *key,
		      const uint8_t *table, char *why, size_t why_size)
{
	int rc = configure(p, key, why, why_size);

	if (!rc)
		rc = queues_set_up(p, pools, why, why_size);
	if (rc)
		return rc;
	rc = rte_eth_dev_start(p->id);
	if (rc)
		return refuse(why, why_size, rc, "device does not start (%s)", strerror(-rc));
	p->started = true;
	device_tune(p);
	/* without the table frames only arrive on wrong cores more often, and are steered */
	if (p->hash_is_ours && table && table_program(p, table) < 0)
		fprintf(stderr,
			"warning: port %s: the device takes no RSS table: frames are steered in software\n",
			p->config.name);
	return 0;
}

void driver_port_stop(struct driver_port *p)
{
	if (p->started)
		rte_eth_dev_stop(p->id);
	if (p->probed)
		rte_eth_dev_close(p->id);
	if (p->membership >= 0)
		close(p->membership);
	p->membership = -1;
	p->started = p->probed = false;
}
