/* SPDX-License-Identifier: BSD-3-Clause */
/* Names, addresses, and what is made of them. */
#include "config/schema/value_canon.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool value_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

int schema_domain_canon(const char *in, char *out, size_t cap, char *why, schema_idn_fn idn)
{
	char ascii[SCHEMA_VALUE_MAX];
	size_t n = 0, label = 0;
	bool numeric = true;

	if (!value_ascii(in)) {
		if (!idn)
			return value_bad(
				why, "'%.100s' has letters outside of ASCII; write its A-label form (xn--…)",
				in);
		if (idn(in, ascii, sizeof(ascii)))
			return value_bad(why, "'%.100s' is not a valid internationalised name (IDNA2008)",
					 in);
		in = ascii;
	}
	if (value_is_address(in))
		return value_bad(why, "'%.60s' is an address; a domain name is wanted", in);
	for (; in[n]; n++) {
		char c = (char)tolower((unsigned char)in[n]);

		if (n >= SCHEMA_DOMAIN_MAX + 1 || n + 1 >= cap)
			return value_bad(why, "longer than %d characters", SCHEMA_DOMAIN_MAX);
		if (c == '.') {
			if (label == 0)
				return value_bad(why, "'%.100s' has an empty label", in);
			if (out[n - 1] == '-')
				return value_bad(why, "'%.100s' has a label that ends with '-'", in);
			label = 0;
		} else if ((c >= 'a' && c <= 'z') || isdigit((unsigned char)c) || (c == '-' && label > 0)) {
			if (++label > 63)
				return value_bad(why, "'%.100s' has a label longer than 63 characters", in);
			if (!isdigit((unsigned char)c))
				numeric = false;
		} else if (c == '*') {
			return value_bad(why,
					 "'%.100s': '*' is allowed only as the first label of a partner: "
					 "*.contoso.com",
					 in);
		} else {
			return value_bad(why, "'%.100s' has a character that no domain name has: '%c'", in,
					 isprint((unsigned char)c) ? c : '?');
		}
		out[n] = c;
	}
	if (n && out[n - 1] == '.')
		n--; /* the root's dot says nothing more */
	if (n == 0)
		return value_bad(why, "an empty name; write one such as contoso.com");
	if (out[n - 1] == '-')
		return value_bad(why, "'%.100s' has a label that ends with '-'", in);
	if (n > SCHEMA_DOMAIN_MAX)
		return value_bad(why, "longer than %d characters", SCHEMA_DOMAIN_MAX);
	if (numeric)
		return value_bad(why, "'%.100s' is all digits; a domain name is wanted", in);
	out[n] = '\0';
	return 0;
}

int value_name(const char *in, char *out, char *why)
{
	size_t n = strlen(in);

	if (n == 0 || n > 63)
		return value_bad(why, "a name has 1 to 63 characters");
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)in[i]) && !(i && strchr("._-", in[i])))
			return value_bad(
				why,
				"'%.63s': a name consists of letters, digits, '.', '_', '-' and begins "
				"with a "
				"letter or digit",
				in);
	return value_copy(out, in, why);
}

int value_address(const char *in, char *out, char *why)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	unsigned char b[16];

	if (inet_pton(AF_INET, in, b) == 1)
		inet_ntop(AF_INET, b, out, SCHEMA_VALUE_MAX);
	/* one address, one spelling: whoever compares it must not miss it (RFC 4291 section 2.5.5.2) */
	else if (inet_pton(AF_INET6, in, b) == 1 && memcmp(b, mapped, sizeof(mapped)) == 0)
		inet_ntop(AF_INET, b + sizeof(mapped), out, SCHEMA_VALUE_MAX);
	else if (inet_pton(AF_INET6, in, b) == 1)
		inet_ntop(AF_INET6, b, out, SCHEMA_VALUE_MAX);
	else
		return value_bad(why, "'%.60s' is not an IPv4 or IPv6 address", in);
	return 0;
}

int value_uint(const char *in, uint64_t *v)
{
	char *end;

	if (!isdigit((unsigned char)in[0]))
		return -EINVAL;
	errno = 0;
	*v = strtoull(in, &end, 10);
	return errno || *end ? -EINVAL : 0;
}

int value_prefix(const char *in, char *out, char *why)
{
	char addr[64];
	const char *slash = strchr(in, '/');
	uint64_t len;
	unsigned max;

	if (!slash || (size_t)(slash - in) >= sizeof(addr))
		return value_bad(
			why, "'%.60s': write an address and its prefix length, such as 198.18.1.2/24", in);
	memcpy(addr, in, (size_t)(slash - in));
	addr[slash - in] = '\0';
	if (value_address(addr, out, why))
		return -EINVAL;
	max = strchr(out, ':') ? 128 : 32;
	if (value_uint(slash + 1, &len) || len > max)
		return value_bad(why, "'%.60s': the prefix length is 0 to %u", in, max);
	snprintf(out + strlen(out), 8, "/%u", (unsigned)len);
	return 0;
}

/* splits host[:port] or [v6][:port]; a bare v6 address has no port */
static int split_port(const char *in, char *host, size_t cap, uint64_t *port, char *why)
{
	const char *end, *colon;

	if (in[0] == '[') {
		end = strchr(in, ']');
		if (!end)
			return value_bad(why, "'%.100s': ']' is missing", in);
		in++;
		colon = end[1] == ':' ? end + 1 : NULL;
		if (!colon && end[1])
			return value_bad(why, "after ']' comes ':' and a port, or nothing");
	} else {
		colon = strchr(in, ':');
		if (colon && strchr(colon + 1, ':'))
			colon = NULL; /* an IPv6 address without brackets */
		end = colon ? colon : in + strlen(in);
	}
	if ((size_t)(end - in) >= cap)
		return value_bad(why, "the host is too long");
	memcpy(host, in, (size_t)(end - in));
	host[end - in] = '\0';
	if (colon && (value_uint(colon + 1, port) || *port == 0 || *port > 65535))
		return value_bad(why, "'%.20s' is not a port: 1 to 65535", colon + 1);
	return 0;
}

static void join_port(char *out, const char *host, uint64_t port)
{
	if (strchr(host, ':'))
		snprintf(out, SCHEMA_VALUE_MAX, "[%.500s]:%u", host, (unsigned)port);
	else
		snprintf(out, SCHEMA_VALUE_MAX, "%.500s:%u", host, (unsigned)port);
}

int value_target(enum schema_type type, uint64_t port, const char *in, char *out, char *why,
		 schema_idn_fn idn)
{
	char host[SCHEMA_VALUE_MAX], canon[SCHEMA_VALUE_MAX];

	if (split_port(in, host, sizeof(host), &port, why))
		return -EINVAL;
	if (value_is_address(host)) {
		if (value_address(host, canon, why))
			return -EINVAL;
	} else if (type == SCHEMA_ENDPOINT) {
		return value_bad(why, "'%.60s': an address of this box is wanted, with or without :port", in);
	} else if (schema_domain_canon(host, canon, sizeof(canon), why, idn)) {
		return -EINVAL;
	}
	join_port(out, canon, port);
	return 0;
}

int value_user(const char *in, char *out, char *why, schema_idn_fn idn)
{
	const char *at;
	size_t n;

	if (strncasecmp(in, "sip:", 4) == 0)
		in += 4;
	at = strrchr(in, '@');
	n = at ? (size_t)(at - in) : 0;
	if (n == 0 || n > 255)
		return value_bad(why, "'%.100s': write user@domain", in);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)in[i];

		if (c <= ' ' || c >= 0x7f || strchr("\"<>@:", c))
			return value_bad(
				why,
				"'%.100s': the user part has a character that has to be escaped (%%%02x)", in,
				c);
		out[i] = (char)tolower(c);
	}
	out[n] = '@';
	return schema_domain_canon(at + 1, out + n + 1, SCHEMA_VALUE_MAX - n - 1, why, idn);
}

int value_scope(const char *in, char *out, char *why, schema_idn_fn idn)
{
	static const char *const kinds[] = {"domain/", "site/", "user/"};

	if (strcasecmp(in, "global") == 0)
		return value_copy(out, "global", why);
	for (unsigned i = 0; i < 3; i++) {
		size_t n = strlen(kinds[i]);
		char rest[SCHEMA_VALUE_MAX];
		int r;

		if (strncasecmp(in, kinds[i], n))
			continue;
		r = i == 0   ? schema_domain_canon(in + n, rest, sizeof(rest), why, idn)
		    : i == 1 ? value_name(in + n, rest, why)
			     : value_user(in + n, rest, why, idn);
		if (r)
			return r;
		snprintf(out, SCHEMA_VALUE_MAX, "%s%.900s", kinds[i], rest);
		return 0;
	}
	return value_bad(why, "'%.60s': write global, domain/NAME, site/NAME or user/USER@DOMAIN", in);
}

/* Canonical is the ordinary order: contoso.com, *.contoso.com (it and all below), * (the default route).
 * Cisco's reversed order begins with a dot: .com.contoso, .com.contoso.*, .* and "\*" for a literal asterisk,
 * which no domain has. */
int value_pattern(const char *in, char *out, char *why, schema_idn_fn idn)
{
	char buf[SCHEMA_VALUE_MAX], name[SCHEMA_VALUE_MAX];
	size_t n = strlen(in), w = 0;
	bool tree = false;

	if (n > 255)
		return value_bad(why, "a pattern has at most 255 characters");
	if (strcmp(in, ".*") == 0 || strcmp(in, "*") == 0)
		return value_copy(out, "*", why);
	if (strstr(in, "\\*"))
		return value_bad(
			why, "'%.100s': \"\\*\" stands for a literal asterisk, which no domain name has", in);
	if (in[0] != '.') {
		if (strncmp(in, "*.", 2) == 0) {
			tree = true;
			in += 2;
		}
		if (schema_domain_canon(in, name, sizeof(name), why, idn))
			return -EINVAL;
		snprintf(out, SCHEMA_VALUE_MAX, "%s%.900s", tree ? "*." : "", name);
		return 0;
	}
	if (n > 2 && strcmp(in + n - 2, ".*") == 0) {
		tree = true;
		n -= 2;
	}
	/* turn the labels around */
	for (size_t end = n; end > 0;) {
		size_t start = end;

		while (start > 0 && in[start - 1] != '.')
			start--;
		if (start == end || start == 0)
			return value_bad(why, "'%.100s' has an empty label", in);
		if (w)
			buf[w++] = '.';
		memcpy(buf + w, in + start, end - start);
		w += end - start;
		end = start - 1;
	}
	buf[w] = '\0';
	if (schema_domain_canon(buf, name, sizeof(name), why, idn))
		return -EINVAL;
	snprintf(out, SCHEMA_VALUE_MAX, "%s%.900s", tree ? "*." : "", name);
	return 0;
}
