/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of a configuration file that the dataplane reads: `dataplane` and `port`, through the schema's own
 * reader. Lines of every other noun are control's and are passed over. */
#include "config/schema/boot.h"
#include "config/schema/schema_file.h"
#include "config/schema/schema_value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parse {
	struct boot_config *cfg;
	boot_complain_fn complain;
	void *ctx;
	unsigned complaints, number;
	struct schema_map map;
	struct schema_reader reader;
	/* where devices and faults stand, for whoever looks inside of them */
	struct {
		char name[BOOT_NAME_MAX];
		unsigned device_line, device_column, fault_line, fault_column;
	} place[BOOT_PORTS_MAX];
	unsigned places;
	struct schema_object object;
};

__attribute__((format(printf, 4, 5))) static void complain(struct parse *p, unsigned line, unsigned column,
							   const char *fmt, ...)
{
	char text[SCHEMA_WHY_MAX + 64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	p->complaints++;
	p->complain(p->ctx, line, column, text);
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

/* the first address of an IPv4 network is its name and the last one its broadcast, but for pairs (RFC 3021)
 */
static bool is_network(const struct boot_prefix *a)
{
	uint32_t host = a->bits > 30 ? 1 : UINT32_MAX >> a->bits, own;

	memcpy(&own, &a->addr[12], sizeof(own));
	own = ntohl(own) & host;
	return !a->v6 && a->bits <= 30 && (own == 0 || own == host);
}

/* "198.18.1.2/24", or without a length: then of the whole address */
static bool prefix_parse(const char *text, struct boot_prefix *to)
{
	char copy[64];
	size_t n = strcspn(text, "/");

	if (n >= sizeof(copy))
		return false;
	memcpy(copy, text, n);
	copy[n] = '\0';
	if (!address_parse(copy, to) || !is_host(to))
		return false;
	to->bits = (uint8_t)(text[n] ? strtoul(text + n + 1, NULL, 10) : to->v6 ? 128 : 32);
	return to->bits != 0 && !is_network(to);
}

static bool fits(struct parse *p, unsigned column, const char *name, const char *value, size_t cap)
{
	if (strlen(value) < cap)
		return true;
	complain(p, p->number, column, "%s: longer than %zu characters", name, cap - 1);
	return false;
}

/* A line was read: is what it says something that a dataplane can do, and where does it stand? */
static void line_check(struct parse *p)
{
	const struct schema_edit *e = &p->reader.edit;
	const struct schema_words *ws = &p->reader.words;
	bool port = strcmp(e->noun->name, "port") == 0;
	unsigned slot = p->places, word = port ? 3 : 2;

	for (unsigned i = 0; port && i < p->places; i++)
		if (strcmp(p->place[i].name, e->key) == 0)
			slot = i;
	if (port && !fits(p, ws->w[2].column, "port", e->key, BOOT_NAME_MAX)) {
		schema_map_drop(&p->map, schema_noun_index(e->noun), e->key);
		return;
	}
	if (port && slot == p->places && !e->remove) {
		if (p->places == BOOT_PORTS_MAX) {
			complain(p, p->number, ws->w[2].column, "'%s' is one port too many, give at most %d",
				 e->key, BOOT_PORTS_MAX);
			schema_map_drop(&p->map, schema_noun_index(e->noun), e->key);
			return;
		}
		snprintf(p->place[p->places++].name, BOOT_NAME_MAX, "%s", e->key);
	}
	/* settings of these nouns are pairs of words throughout */
	for (unsigned i = 0; i < e->n && !e->remove && word + 1 < ws->n; i++, word += 2) {
		const char *name = e->noun->fields[e->item[i].field].name, *value = e->text.p + e->item[i].at;
		unsigned column = ws->w[word + 1].column;
		struct boot_prefix a;

		if ((strcmp(name, "address") == 0 || strcmp(name, "gateway") == 0) &&
		    !prefix_parse(value, &a))
			complain(p, p->number, column, "%s '%s' is no address of a host", name, value);
		if (strcmp(name, "device") == 0 && slot < BOOT_PORTS_MAX &&
		    fits(p, column, name, value, BOOT_DEVICE_MAX)) {
			p->place[slot].device_line = p->number;
			p->place[slot].device_column = column;
		}
		if (strcmp(name, "fault") == 0 && slot < BOOT_PORTS_MAX &&
		    fits(p, column, name, value, BOOT_PATH_MAX)) {
			p->place[slot].fault_line = p->number;
			p->place[slot].fault_column = column;
		}
		if (strcmp(name, "run-dir") == 0 || strcmp(name, "capture") == 0 ||
		    strcmp(name, "keylog-folder") == 0)
			fits(p, column, name, value, BOOT_PATH_MAX);
		if (strcmp(name, "user") == 0)
			fits(p, column, name, value, BOOT_NAME_MAX);
	}
}

/* the noun of a line when it is control's alone */
static bool others(const char *line)
{
	const char *p = line + strspn(line, " \t");
	size_t verb = strcspn(p, " \t"), n;
	const struct schema_noun *noun;
	char word[16];
	bool many;

	if (verb == 0 || verb >= sizeof(word))
		return false;
	memcpy(word, p, verb);
	word[verb] = '\0';
	if (!schema_is_edit_word(word))
		return false;
	p += verb;
	p += strspn(p, " \t");
	n = strcspn(p, " \t\r\n");
	noun = schema_noun_find(p, n, &many);
	return noun && noun->applies != SCHEMA_BOOT;
}

static void line_read(struct parse *p, const char *text, size_t n)
{
	char line[SCHEMA_LINE_MAX];
	struct schema_error error = {.column = 1};

	if (n >= sizeof(line)) {
		complain(p, p->number, 1, "the line is longer than %zu bytes", sizeof(line) - 1);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' && text[i] != '\t' && text[i] != '\r') {
			complain(p, p->number, (unsigned)i + 1, "control character, remove it");
			return;
		}
	memcpy(line, text, n);
	line[n] = '\0';
	if (others(line))
		return;
	if (schema_reader_line(&p->reader, line, p->number, &error))
		complain(p, p->number, error.column, "%s", error.why);
	else if (p->reader.words.n)
		line_check(p);
}

static void take_cores(struct boot_config *cfg, const char *text)
{
	while (text && *text) {
		char *end;
		unsigned long a = strtoul(text, &end, 10), b = *end == '-' ? strtoul(end + 1, &end, 10) : a;

		for (; a <= b && cfg->n_cores < BOOT_WORKERS_MAX; a++)
			cfg->cores[cfg->n_cores++] = (unsigned)a;
		text = *end ? end + 1 : NULL;
	}
}

static void take_text(char *to, size_t cap, const char *from)
{
	snprintf(to, cap, "%.*s", (int)cap - 1, from ? from : "");
}

static int choice(const struct schema_object *o, const char *field)
{
	const char *v = schema_object_find(o, field);

	return schema_choice_index(o->noun->fields[schema_field_named(o->noun, field)].choices, v, strlen(v));
}

static void take_dataplane(struct boot_config *cfg, const struct schema_object *o)
{
	take_text(cfg->run_dir, sizeof(cfg->run_dir), schema_object_find(o, "run-dir"));
	take_text(cfg->user, sizeof(cfg->user), schema_object_find(o, "user"));
	take_text(cfg->keylog_folder, sizeof(cfg->keylog_folder), schema_object_find(o, "keylog-folder"));
	cfg->workers = (unsigned)schema_object_number(o, "workers");
	cfg->memory = (unsigned)schema_object_number(o, "memory");
	cfg->mbufs = (unsigned)schema_object_number(o, "mbufs");
	cfg->reserve_mbufs = (unsigned)schema_object_number(o, "reserve-mbufs");
	cfg->accept_ra = schema_object_yes(o, "accept-ra");
	/* the table's choices stand in the order of the enums */
	cfg->hugepages = (enum boot_hugepages)choice(o, "hugepages");
	cfg->idle = (enum boot_idle)choice(o, "idle");
	cfg->seccomp = (enum boot_seccomp)choice(o, "seccomp");
	cfg->x25519 = (enum boot_x25519)choice(o, "x25519");
	take_cores(cfg, schema_object_find(o, "cores"));
}

static bool prefix_covers(const struct boot_prefix *net, const struct boot_prefix *host)
{
	unsigned bits = net->bits + (net->v6 ? 0u : 96u);

	if (net->v6 != host->v6 || memcmp(net->addr, host->addr, bits / 8) != 0)
		return false;
	return bits % 8 == 0 || ((net->addr[bits / 8] ^ host->addr[bits / 8]) >> (8 - bits % 8)) == 0;
}

static bool same_address(const struct boot_port *a, const struct boot_port *b)
{
	for (unsigned i = 0; i < a->n_prefixes; i++)
		for (unsigned k = 0; k < b->n_prefixes; k++)
			if (memcmp(a->prefixes[i].addr, b->prefixes[k].addr, sizeof(a->prefixes[i].addr)) ==
			    0)
				return true;
	return false;
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

static void take_port(struct parse *p, const struct schema_object *o, unsigned line)
{
	struct boot_port *port = &p->cfg->ports[p->cfg->n_ports++];
	const char *mtu = schema_object_get(o, (unsigned)schema_field_named(o->noun, "mtu")), *mac, *side;

	memset(port, 0, sizeof(*port));
	port->line = line;
	take_text(port->name, sizeof(port->name), o->key);
	side = schema_object_find(o, "side");
	port->side = strcmp(side, "external") == 0 ? BOOT_SIDE_EXTERNAL : BOOT_SIDE_INTERNAL;
	take_text(port->device, sizeof(port->device), schema_object_find(o, "device"));
	take_text(port->capture, sizeof(port->capture), schema_object_find(o, "capture"));
	take_text(port->fault, sizeof(port->fault), schema_object_find(o, "fault"));
	port->queues = (unsigned)schema_object_number(o, "queues");
	port->vlan = (unsigned)schema_object_number(o, "vlan");
	port->mtu = mtu ? (unsigned)schema_value_number(mtu) : 0;
	mac = schema_object_find(o, "mac");
	port->has_mac = mac != NULL;
	for (unsigned i = 0; mac && i < 6; i++)
		port->mac[i] = (uint8_t)strtoul(mac + 3 * i, NULL, 16);
	for (unsigned i = 0; i < o->n; i++) {
		const char *name = o->noun->fields[o->item[i].field].name;
		struct boot_prefix a;

		if ((strcmp(name, "address") && strcmp(name, "gateway")) ||
		    !prefix_parse(schema_object_value(o, &o->item[i]), &a))
			continue;
		if (strcmp(name, "gateway") == 0)
			*(a.v6 ? &port->gateway6 : &port->gateway4) = a;
		else if (port->n_prefixes < BOOT_PREFIXES_MAX)
			port->prefixes[port->n_prefixes++] = a;
		else
			complain(p, line, 1, "port %s has one address too many, give at most %d", port->name,
				 BOOT_PREFIXES_MAX);
	}
	for (unsigned i = 0; i < p->places; i++)
		if (strcmp(p->place[i].name, port->name) == 0) {
			port->device_line = p->place[i].device_line;
			port->device_column = p->place[i].device_column;
			port->fault_line = p->place[i].fault_line;
			port->fault_column = p->place[i].fault_column;
		}
	if (!gateway_on_link(port, &port->gateway4) || !gateway_on_link(port, &port->gateway6))
		complain(p, line, 1,
			 "port %s has a gateway outside of its prefixes, add an address of that network",
			 port->name);
	for (unsigned k = 0; k + 1 < p->cfg->n_ports; k++)
		if (same_address(port, &p->cfg->ports[k]))
			complain(p, line, 1, "port %s has an address of port %s, give it its own", port->name,
				 p->cfg->ports[k].name);
	for (unsigned k = 0; k + 1 < p->cfg->n_ports; k++)
		/* two ends of one ring are meant to meet */
		if (strncmp(port->device, "ring:", 5) != 0 &&
		    strcmp(port->device, p->cfg->ports[k].device) == 0)
			complain(p, line, 1, "port %s has the device of port %s, give it its own", port->name,
				 p->cfg->ports[k].name);
}

/* everything was read: objects in the order in which the file named them */
static void whole_read(struct parse *p)
{
	const struct schema_noun *dataplane = schema_noun_named("dataplane");

	schema_object_reset(&p->object, dataplane, "");
	take_dataplane(p->cfg, &p->object);
	for (size_t i = 0; i < p->map.n; i++) {
		const struct schema_entry *e = &p->map.entry[i];
		const struct schema_noun *noun = &schema_nouns[e->noun];
		char why[SCHEMA_WHY_MAX];

		if (e->dead || schema_object_load(&p->object, noun, e->key, e->body, e->body_len))
			continue;
		if (schema_object_check(&p->object, why)) {
			complain(p, noun == dataplane ? 1 : e->line, 1, "%s%s%s: %s", noun->name,
				 *e->key ? " " : "", e->key, why);
			continue;
		}
		if (noun == dataplane)
			take_dataplane(p->cfg, &p->object);
		else
			take_port(p, &p->object, e->line);
	}
	if (p->cfg->n_ports == 0 && p->complaints == 0)
		complain(p, 1, 1, "no port is configured, add 'set port NAME device …'");
}

unsigned boot_parse(struct boot_config *cfg, const char *text, size_t len, boot_complain_fn complain_fn,
		    void *ctx)
{
	struct parse *p = calloc(1, sizeof(*p));
	unsigned complaints;

	memset(cfg, 0, sizeof(*cfg));
	if (!p) {
		complain_fn(ctx, 1, 1, "out of memory");
		return 1;
	}
	p->cfg = cfg;
	p->complain = complain_fn;
	p->ctx = ctx;
	p->reader.map = &p->map;
	for (size_t at = 0; at < len;) {
		const char *nl = memchr(text + at, '\n', len - at);
		size_t n = nl ? (size_t)(nl - (text + at)) : len - at;

		p->number++;
		line_read(p, text + at, n);
		at += n + 1;
	}
	whole_read(p);
	complaints = p->complaints;
	schema_reader_fini(&p->reader);
	schema_map_fini(&p->map);
	schema_object_fini(&p->object);
	free(p);
	return complaints;
}

static void complain_on_stderr(void *ctx, unsigned line, unsigned column, const char *text)
{
	fprintf(stderr, "%s:%u:%u: %s\n", (const char *)ctx, line, column, text);
}

int boot_load(struct boot_config *cfg, const char *path)
{
	char *text = NULL;
	size_t n = 0;
	int rc = schema_file_slurp(path, &text, &n);

	if (rc)
		fprintf(stderr, "%s: cannot be read (%s), name a file that exists and that you may read\n",
			path, strerror(-rc));
	else if (boot_parse(cfg, text, n, complain_on_stderr, (void *)(uintptr_t)path))
		rc = -EINVAL;
	free(text);
	return rc;
}
