/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/schema/boot.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 8, WORD_MAX = 256, FILE_MAX = 1 << 20 };

struct word {
	char text[WORD_MAX];
	unsigned column;
};

struct line {
	struct word words[WORDS_MAX];
	unsigned n;
	unsigned number, end; /* end: the column after the last word */
};

struct parse {
	struct boot_config *cfg;
	struct boot_port *port; /* of this line, NULL in `set dataplane` */
	boot_complain_fn complain;
	void *ctx;
	unsigned complaints;
	const struct line *line;
	unsigned column; /* of the value */
};

/* A value parser gets where to store and the word; returns NULL or what is wrong. */
typedef const char *(*value_fn)(struct parse *p, void *to, const char *word, unsigned arg);

struct setting {
	const char *name;
	size_t offset;
	value_fn parse;
	unsigned arg; /* bound or buffer size, as the parser reads it */
};

__attribute__((format(printf, 3, 4))) static void complain(struct parse *p, unsigned column, const char *fmt,
							   ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	p->complaints++;
	p->complain(p->ctx, p->line->number, column, text);
}

static bool number_parse(const char *word, unsigned long max, unsigned *to)
{
	unsigned long v = 0;

	if (!*word || strlen(word) > 9)
		return false;
	for (; *word; word++) {
		if (*word < '0' || *word > '9')
			return false;
		v = v * 10 + (unsigned long)(*word - '0');
	}
	if (v > max)
		return false;
	*to = (unsigned)v;
	return true;
}

static const char *value_text(struct parse *p, void *to, const char *word, unsigned arg)
{
	if (!*word)
		return "is empty, give a value";
	if (strlen(word) >= arg)
		return "is too long, shorten it";
	snprintf(to, arg, "%s", word);
	return NULL;
}

static const char *value_device(struct parse *p, void *to, const char *word, unsigned arg)
{
	p->port->device_line = p->line->number;
	p->port->device_column = p->column;
	return value_text(p, to, word, arg);
}

static const char *value_fault(struct parse *p, void *to, const char *word, unsigned arg)
{
	p->port->fault_line = p->line->number;
	p->port->fault_column = p->column;
	return value_text(p, to, word, arg);
}

static const char *value_path(struct parse *p, void *to, const char *word, unsigned arg)
{
	if (*word != '/')
		return "is no absolute path, begin it with '/'";
	return value_text(p, to, word, arg);
}

static const char *value_positive(struct parse *p, void *to, const char *word, unsigned arg)
{
	unsigned v;

	if (!number_parse(word, arg, &v) || v == 0)
		return "is out of range, give a whole number from 1 up to the limit in "
		       "config/schema/README.md";
	*(unsigned *)to = v;
	return NULL;
}

static const char *value_mtu(struct parse *p, void *to, const char *word, unsigned arg)
{
	unsigned v;

	/* RFC 8200 section 5: every link carries 1280 bytes */
	if (!number_parse(word, arg, &v) || v < 1280)
		return "is no MTU, give a number from 1280 to 9000";
	*(unsigned *)to = v;
	return NULL;
}

static const char *value_cores(struct parse *p, void *to, const char *word, unsigned arg)
{
	char copy[WORD_MAX], *save = NULL, *item;
	struct boot_config *cfg = p->cfg;

	cfg->n_cores = 0;
	snprintf(copy, sizeof(copy), "%s", word);
	for (item = strtok_r(copy, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
		unsigned low, high;
		char *dash = strchr(item, '-');

		if (dash)
			*dash++ = '\0';
		if (!number_parse(item, 1023, &low) || !number_parse(dash ? dash : item, 1023, &high) ||
		    low > high)
			return "is no list of cores, write it like 0,2-3";
		for (; low <= high; low++) {
			if (cfg->n_cores == BOOT_WORKERS_MAX)
				return "names too many cores, give at most 64";
			cfg->cores[cfg->n_cores++] = low;
		}
	}
	return cfg->n_cores ? NULL : "is no list of cores, write it like 0,2-3";
}

static const char *choice(void *to, const char *word, const char *const *names, const char *complaint)
{
	for (unsigned i = 0; names[i]; i++) {
		if (strcmp(word, names[i]) == 0) {
			*(int *)to = (int)i;
			return NULL;
		}
	}
	return complaint;
}

static const char *value_hugepages(struct parse *p, void *to, const char *word, unsigned arg)
{
	static const char *const names[] = {"auto", "off", "require", NULL};

	return choice(to, word, names, "is not known, choose auto, off or require");
}

static const char *value_idle(struct parse *p, void *to, const char *word, unsigned arg)
{
	static const char *const names[] = {"adaptive", "poll", NULL};

	return choice(to, word, names, "is not known, choose adaptive or poll");
}

static const char *value_seccomp(struct parse *p, void *to, const char *word, unsigned arg)
{
	static const char *const names[] = {"kill", "log", "off", NULL};

	return choice(to, word, names, "is not known, choose kill, log or off");
}

static const char *value_bool(struct parse *p, void *to, const char *word, unsigned arg)
{
	static const char *const names[] = {"no", "yes", NULL};
	int v;
	const char *wrong = choice(&v, word, names, "is not known, choose yes or no");

	if (!wrong)
		*(bool *)to = v;
	return wrong;
}

static const char *value_side(struct parse *p, void *to, const char *word, unsigned arg)
{
	static const char *const names[] = {"", "external", "internal", NULL};

	if (!*word)
		return "is empty, choose external or internal";
	return choice(to, word, names, "is not known, choose external or internal");
}

static bool address_parse(const char *word, struct boot_prefix *to)
{
	struct in_addr v4;

	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, word, &v4) == 1) {
		to->addr[10] = to->addr[11] = 0xff;
		memcpy(&to->addr[12], &v4, 4);
		return true;
	}
	to->v6 = true;
	return inet_pton(AF_INET6, word, to->addr) == 1;
}

/* neither unspecified, loopback nor multicast: what a face can own or send to */
static bool is_host(const struct boot_prefix *a)
{
	static const uint8_t zero[16];
	unsigned first = a->v6 ? a->addr[0] : a->addr[12];

	if (a->v6)
		return first != 0xff && memcmp(a->addr, zero, 15) != 0;
	return first != 0 && first != 127 && first < 224;
}

static const char *value_prefix(struct parse *p, void *to, const char *word, unsigned arg)
{
	char copy[WORD_MAX];
	char *slash;
	struct boot_prefix a;
	unsigned bits;

	snprintf(copy, sizeof(copy), "%s", word);
	slash = strchr(copy, '/');
	if (!slash)
		return "has no prefix length, write it like 198.18.1.2/24 or 2001:db8::2/64";
	*slash = '\0';
	if (!address_parse(copy, &a) || !is_host(&a) || !number_parse(slash + 1, a.v6 ? 128 : 32, &bits) ||
	    !bits)
		return "is no address of a host, write it like 198.18.1.2/24 or 2001:db8::2/64";
	a.bits = (uint8_t)bits;
	if (p->port->n_prefixes == BOOT_PREFIXES_MAX)
		return "is one address too many, give at most 16 to a port";
	for (unsigned i = 0; i < p->port->n_prefixes; i++)
		if (memcmp(p->port->prefixes[i].addr, a.addr, 16) == 0)
			return "is given twice, remove one";
	p->port->prefixes[p->port->n_prefixes++] = a;
	return NULL;
}

static const char *value_gateway(struct parse *p, void *to, const char *word, unsigned arg)
{
	struct boot_prefix a;

	if (!address_parse(word, &a) || !is_host(&a))
		return "is no address of a gateway, write it like 198.18.1.1 or 2001:db8::1";
	a.bits = a.v6 ? 128 : 32;
	*(a.v6 ? &p->port->gateway6 : &p->port->gateway4) = a;
	return NULL;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *value_mac(struct parse *p, void *to, const char *word, unsigned arg)
{
	static const char wrong[] = "is no unicast MAC address, write it like 02:00:00:00:00:01";
	uint8_t mac[6];

	if (strlen(word) != 17)
		return wrong;
	for (unsigned i = 0; i < 6; i++) {
		int high = hex_digit(word[3 * i]), low = hex_digit(word[3 * i + 1]);

		if (high < 0 || low < 0 || (i < 5 && word[3 * i + 2] != ':'))
			return wrong;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	if (mac[0] & 1)
		return wrong;
	memcpy(p->port->mac, mac, 6);
	p->port->has_mac = true;
	return NULL;
}

#define OF(s, f) offsetof(struct s, f)

static const struct setting dataplane_settings[] = {
	{"run-dir", OF(boot_config, run_dir), value_path, BOOT_PATH_MAX - 32},
	{"workers", OF(boot_config, workers), value_positive, BOOT_WORKERS_MAX},
	{"cores", OF(boot_config, cores), value_cores, 0},
	{"memory", OF(boot_config, memory), value_positive, 1 << 20},
	{"mbufs", OF(boot_config, mbufs), value_positive, 1 << 24},
	{"reserve-mbufs", OF(boot_config, reserve_mbufs), value_positive, 1 << 24},
	{"hugepages", OF(boot_config, hugepages), value_hugepages, 0},
	{"idle", OF(boot_config, idle), value_idle, 0},
	{"seccomp", OF(boot_config, seccomp), value_seccomp, 0},
	{"user", OF(boot_config, user), value_text, BOOT_NAME_MAX},
	{"accept-ra", OF(boot_config, accept_ra), value_bool, 0},
	{NULL, 0, NULL, 0},
};

static const struct setting port_settings[] = {
	{"side", OF(boot_port, side), value_side, 0},
	{"device", OF(boot_port, device), value_device, BOOT_DEVICE_MAX},
	{"queues", OF(boot_port, queues), value_positive, BOOT_WORKERS_MAX},
	{"address", OF(boot_port, prefixes), value_prefix, 0},
	{"gateway", OF(boot_port, gateway4), value_gateway, 0},
	{"vlan", OF(boot_port, vlan), value_positive, 4094},
	{"mtu", OF(boot_port, mtu), value_mtu, 9000},
	{"mac", OF(boot_port, mac), value_mac, 0},
	{"capture", OF(boot_port, capture), value_path, BOOT_PATH_MAX},
	{"fault", OF(boot_port, fault), value_fault, BOOT_PATH_MAX},
	{NULL, 0, NULL, 0},
};

/* Splits one line into words; false: a complaint was made. */
static bool line_split(struct parse *p, struct line *l, const char *s, size_t len)
{
	size_t i = 0;

	l->n = 0;
	l->end = 1;
	p->line = l;
	for (;;) {
		struct word *w;
		size_t out = 0;
		bool quoted = false;

		while (i < len && (s[i] == ' ' || s[i] == '\t' || s[i] == '\r'))
			i++;
		if (i == len || s[i] == '#')
			return true;
		if (l->n == WORDS_MAX) {
			complain(p, (unsigned)i + 1, "too many words, remove what follows the value");
			return false;
		}
		w = &l->words[l->n++];
		w->column = (unsigned)i + 1;
		for (; i < len && (quoted || !strchr(" \t\r", s[i])); i++) {
			if (s[i] == '"') {
				quoted = !quoted;
				continue;
			}
			if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f) {
				complain(p, (unsigned)i + 1, "control character, remove it");
				return false;
			}
			if (out == WORD_MAX - 1) {
				complain(p, w->column, "word is too long, shorten it");
				return false;
			}
			w->text[out++] = s[i];
		}
		w->text[out] = '\0';
		l->end = (unsigned)i + 1;
		if (quoted) {
			complain(p, w->column, "quote is never closed, end it with '\"'");
			return false;
		}
	}
}

static struct boot_port *port_get(struct parse *p, const struct word *w)
{
	struct boot_config *cfg = p->cfg;
	struct boot_port *port;

	for (unsigned i = 0; i < cfg->n_ports; i++)
		if (strcmp(cfg->ports[i].name, w->text) == 0)
			return &cfg->ports[i];
	if (strlen(w->text) >= BOOT_NAME_MAX || !*w->text ||
	    strspn(w->text, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != strlen(w->text)) {
		complain(p, w->column, "'%s' is no name of a port, use up to 31 of a-z 0-9 - _ .", w->text);
		return NULL;
	}
	if (cfg->n_ports == BOOT_PORTS_MAX) {
		complain(p, w->column, "'%s' is one port too many, have at most %d", w->text, BOOT_PORTS_MAX);
		return NULL;
	}
	port = &cfg->ports[cfg->n_ports++];
	memset(port, 0, sizeof(*port));
	snprintf(port->name, sizeof(port->name), "%s", w->text);
	port->line = p->line->number;
	return port;
}

static void settings_list(const struct setting *table, char *to, size_t size)
{
	size_t n = 0;

	to[0] = '\0';
	for (; table->name && n < size; table++)
		n += (size_t)snprintf(to + n, size - n, "%s%s", n ? ", " : "", table->name);
}

static void line_apply(struct parse *p, const struct line *l)
{
	const struct setting *s;
	char *base;
	unsigned at = 2;

	if (l->n == 0)
		return;
	if (strcmp(l->words[0].text, "set") != 0) {
		complain(p, l->words[0].column, "'%s' is not known, begin a line with 'set'",
			 l->words[0].text);
		return;
	}
	if (l->n > 1 && strcmp(l->words[1].text, "dataplane") == 0) {
		s = dataplane_settings;
		base = (char *)p->cfg;
		p->port = NULL;
	} else if (l->n > 2 && strcmp(l->words[1].text, "port") == 0) {
		s = port_settings;
		p->port = port_get(p, &l->words[2]);
		if (!p->port)
			return;
		base = (char *)p->port;
		at = 3;
	} else if (l->n == 2 && strcmp(l->words[1].text, "port") == 0) {
		complain(p, l->end, "port has no name, write 'set port NAME …'");
		return;
	} else {
		complain(p, l->n > 1 ? l->words[1].column : l->end,
			 "nothing to set, write 'set dataplane …' or 'set port NAME …'");
		return;
	}
	if (l->n <= at) {
		char known[256];

		settings_list(s, known, sizeof(known));
		complain(p, l->end, "setting is missing, give one of: %s", known);
		return;
	}
	for (; s->name; s++)
		if (strcmp(s->name, l->words[at].text) == 0)
			break;
	if (!s->name) {
		char known[256];

		settings_list(p->port ? port_settings : dataplane_settings, known, sizeof(known));
		complain(p, l->words[at].column, "'%s' is no setting, give one of: %s", l->words[at].text,
			 known);
		return;
	}
	if (l->n == at + 1) {
		complain(p, l->end, "'%s' has no value, give one", s->name);
		return;
	}
	if (l->n > at + 2) {
		complain(p, l->words[at + 2].column, "'%s' takes one value, remove '%s'", s->name,
			 l->words[at + 2].text);
		return;
	}
	p->column = l->words[at + 1].column;
	const char *wrong = s->parse(p, base + s->offset, l->words[at + 1].text, s->arg);

	if (wrong)
		complain(p, l->words[at + 1].column, "%s '%s' %s", s->name, l->words[at + 1].text, wrong);
}

static bool prefix_covers(const struct boot_prefix *net, const struct boot_prefix *host)
{
	unsigned bits = net->bits + (net->v6 ? 0u : 96u);

	if (net->v6 != host->v6)
		return false;
	if (memcmp(net->addr, host->addr, bits / 8) != 0)
		return false;
	return bits % 8 == 0 || ((net->addr[bits / 8] ^ host->addr[bits / 8]) >> (8 - bits % 8)) == 0;
}

static bool gateway_on_link(const struct boot_port *port, const struct boot_prefix *gw)
{
	if (gw->bits == 0 || (gw->v6 && gw->addr[0] == 0xfe && (gw->addr[1] & 0xc0) == 0x80))
		return true;
	for (unsigned i = 0; i < port->n_prefixes; i++)
		if (prefix_covers(&port->prefixes[i], gw))
			return true;
	return false;
}

/* what no single line can show */
static void whole_check(struct parse *p, struct line *at)
{
	if (p->cfg->n_ports == 0 && p->complaints == 0) {
		at->number = 1;
		complain(p, 1, "no port is configured, add 'set port NAME device …'");
	}
	for (unsigned i = 0; i < p->cfg->n_ports; i++) {
		const struct boot_port *port = &p->cfg->ports[i];

		at->number = port->line;
		if (port->side == BOOT_SIDE_NONE)
			complain(p, 1, "port %s has no side, add 'set port %s side external' or '… internal'",
				 port->name, port->name);
		if (!*port->device)
			complain(p, 1, "port %s has no device, add 'set port %s device af_packet:iface=NAME'",
				 port->name, port->name);
		if (!gateway_on_link(port, &port->gateway4) || !gateway_on_link(port, &port->gateway6))
			complain(p, 1,
				 "port %s has a gateway outside of its prefixes, add an address of that "
				 "network",
				 port->name);
		for (unsigned j = 0; j < i; j++)
			/* two ends of one ring are meant to meet */
			if (*port->device && strncmp(port->device, "ring:", 5) != 0 &&
			    strcmp(port->device, p->cfg->ports[j].device) == 0)
				complain(p, 1, "port %s has the device of port %s, give it its own",
					 port->name, p->cfg->ports[j].name);
	}
	if (p->cfg->reserve_mbufs >= p->cfg->mbufs) {
		at->number = 1;
		complain(p, 1, "reserve-mbufs is not below mbufs, raise mbufs or lower reserve-mbufs");
	}
}

unsigned boot_parse(struct boot_config *cfg, const char *text, size_t len, boot_complain_fn complain_fn,
		    void *ctx)
{
	struct parse p = {.cfg = cfg, .complain = complain_fn, .ctx = ctx};
	struct line l = {.n = 0};
	size_t at = 0;

	memset(cfg, 0, sizeof(*cfg));
	snprintf(cfg->run_dir, sizeof(cfg->run_dir), "/run/sallyport");
	cfg->workers = 1;
	cfg->memory = 256;
	cfg->mbufs = 16384;
	cfg->reserve_mbufs = 4096;

	while (at < len) {
		const char *nl = memchr(text + at, '\n', len - at);
		size_t n = nl ? (size_t)(nl - (text + at)) : len - at;

		l.number++;
		if (line_split(&p, &l, text + at, n))
			line_apply(&p, &l);
		at += n + 1;
	}
	p.line = &l;
	whole_check(&p, &l);
	return p.complaints;
}

static void complain_on_stderr(void *ctx, unsigned line, unsigned column, const char *text)
{
	fprintf(stderr, "%s:%u:%u: %s\n", (const char *)ctx, line, column, text);
}

int boot_load(struct boot_config *cfg, const char *path)
{
	char *text = NULL;
	size_t n = 0;
	int rc = 0;
	FILE *f = fopen(path, "re");

	if (f)
		text = malloc(FILE_MAX + 1);
	if (text)
		n = fread(text, 1, FILE_MAX + 1, f);
	if (!f || !text || ferror(f)) {
		rc = -errno;
		fprintf(stderr, "%s: cannot be read (%s), name a file that exists and that you may read\n",
			path, strerror(-rc));
	} else if (n > FILE_MAX) {
		rc = -EFBIG;
		fprintf(stderr, "%s: is over 1 MiB, which no configuration is, name the right file\n", path);
	} else if (boot_parse(cfg, text, n, complain_on_stderr, (void *)(uintptr_t)path)) {
		rc = -EINVAL;
	}
	free(text);
	if (f)
		fclose(f);
	return rc;
}
