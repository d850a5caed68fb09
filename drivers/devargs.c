/* SPDX-License-Identifier: BSD-3-Clause */
#include "drivers/devargs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct kind {
	const char *name;
	const char *keys; /* blank-separated, what may be written; iface and link are taken out, the rest is
			     the PMD's */
	bool needs_iface;
	unsigned queues_max;
} kinds[DRIVER_KINDS] = {
	[DRIVER_AF_PACKET] = {"af_packet", "iface qdisc_bypass framecnt", true, 16},
	[DRIVER_AF_XDP] = {"af_xdp", "iface start_queue shared_umem xdp_prog busy_budget force_copy", true,
			   64},
	[DRIVER_TAP] = {"tap", "iface mac remote persist", true, 16},
	[DRIVER_MEMIF] = {"memif", "role id socket socket-abstract rsize bsize secret mac", false, 64},
	[DRIVER_RING] = {"ring", "link", false, 16},
	[DRIVER_PCI] = {"pci", "", false, 64},
};

const char *driver_kind_name(enum driver_kind kind)
{
	return kinds[kind].name;
}

unsigned driver_kind_queues_max(enum driver_kind kind)
{
	return kinds[kind].queues_max;
}

static bool word_in(const char *list, const char *word, size_t len)
{
	while (*list) {
		size_t n = strcspn(list, " ");

		if (n == len && memcmp(list, word, n) == 0)
			return true;
		list += n + (list[n] == ' ');
	}
	return false;
}

static bool is_pci_address(const char *s)
{
	static const char form[] = "hhhh:hh:hh.o";

	if (strlen(s) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i]; i++) {
		if (form[i] == 'h'   ? !strchr("0123456789abcdef", s[i])
		    : form[i] == 'o' ? !strchr("01234567", s[i])
				     : s[i] != form[i])
			return false;
	}
	return true;
}

static int pci_parse(struct driver_devargs *d, const char *rest, char *why, size_t why_size)
{
	if (!is_pci_address(rest)) {
		snprintf(why, why_size,
			 "'%s' is no PCI address, write it like pci:0000:01:00.0 (lspci -D shows it)", rest);
		return -EINVAL;
	}
	snprintf(d->pci, sizeof(d->pci), "%s", rest);
	return 0;
}

/* a name that the kernel takes for an interface, and that stays one word in devargs */
static bool take_name(char *to, const char *value, size_t len)
{
	if (len == 0 || len >= DRIVER_IFACE_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)value[i] <= ' ' || value[i] == '/' || value[i] == ':')
			return false;
	memcpy(to, value, len);
	to[len] = '\0';
	return strcmp(to, ".") != 0 && strcmp(to, "..") != 0;
}

static int key_take(struct driver_devargs *d, const char *item, size_t len, char *why, size_t why_size)
{
	const struct kind *k = &kinds[d->kind];
	const char *eq = memchr(item, '=', len);
	size_t key = eq ? (size_t)(eq - item) : len;
	size_t have = strlen(d->extra);

	if (!eq || key + 1 == len) {
		snprintf(why, why_size, "'%.*s' has no value, write it like key=value", (int)len, item);
		return -EINVAL;
	}
	if (!word_in(k->keys, item, key)) {
		snprintf(why, why_size, "'%.*s' is no argument of %s, give one of: %s", (int)key, item,
			 k->name, k->keys);
		return -EINVAL;
	}
	if ((key == 5 && memcmp(item, "iface", 5) == 0) || (key == 4 && memcmp(item, "link", 4) == 0)) {
		if (!take_name(*item == 'i' ? d->iface : d->link, eq + 1, len - key - 1)) {
			snprintf(why, why_size, "'%.*s' is no name of an interface, use up to 15 characters",
				 (int)(len - key - 1), eq + 1);
			return -EINVAL;
		}
		return 0;
	}
	if (have + len + 2 > sizeof(d->extra)) {
		snprintf(why, why_size, "arguments are too long, shorten them");
		return -EINVAL;
	}
	d->extra[have] = ',';
	memcpy(d->extra + have + 1, item, len);
	d->extra[have + 1 + len] = '\0';
	return 0;
}

int driver_devargs_parse(struct driver_devargs *d, const char *text, char *why, size_t why_size)
{
	size_t n = strcspn(text, ":");
	const char *rest = text[n] ? text + n + 1 : text + n;
	unsigned kind = 0;

	memset(d, 0, sizeof(*d));
	while (kind < DRIVER_KINDS &&
	       (strlen(kinds[kind].name) != n || memcmp(kinds[kind].name, text, n) != 0))
		kind++;
	if (kind == DRIVER_KINDS) {
		snprintf(why, why_size,
			 "'%.*s' is no kind of device, give af_packet, af_xdp, tap, memif, ring or pci",
			 (int)n, text);
		return -EINVAL;
	}
	d->kind = (enum driver_kind)kind;
	if (d->kind == DRIVER_PCI)
		return pci_parse(d, rest, why, why_size);
	while (*rest) {
		size_t len = strcspn(rest, ",");
		int rc = key_take(d, rest, len, why, why_size);

		if (rc)
			return rc;
		rest += len + (rest[len] == ',');
	}
	if (kinds[kind].needs_iface && !*d->iface) {
		snprintf(why, why_size, "%s needs an interface, write it like %s:iface=NAME",
			 kinds[kind].name, kinds[kind].name);
		return -EINVAL;
	}
	return 0;
}
