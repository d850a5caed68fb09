/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/schema/schema_value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int bad(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int bad(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, SCHEMA_WHY_MAX, format, ap);
	va_end(ap);
	return -EINVAL;
}

static int copy(char *out, const char *in, char *why)
{
	if (strlen(in) >= SCHEMA_VALUE_MAX)
		return bad(why, "longer than %d characters", SCHEMA_VALUE_MAX - 1);
	memcpy(out, in, strlen(in) + 1);
	return 0;
}

static bool all_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

static bool is_address(const char *s)
{
	unsigned char b[16];

	return inet_pton(AF_INET, s, b) == 1 || inet_pton(AF_INET6, s, b) == 1;
}

int schema_domain_canon(const char *in, char *out, size_t cap, char *why, schema_idn_fn idn)
{
	char ascii[SCHEMA_VALUE_MAX];
	size_t n = 0, label = 0;
	bool numeric = true;

	if (!all_ascii(in)) {
		if (!idn)
			return bad(why,
				   "'%.100s' has letters outside of ASCII; write its A-label form (xn--…)",
				   in);
		if (idn(in, ascii, sizeof(ascii)))
			return bad(why, "'%.100s' is not a valid internationalised name (IDNA2008)", in);
		in = ascii;
	}
	if (is_address(in))
		return bad(why, "'%.60s' is an address; a domain name is wanted", in);
	for (; in[n]; n++) {
		char c = (char)tolower((unsigned char)in[n]);

		if (n >= SCHEMA_DOMAIN_MAX + 1 || n + 1 >= cap)
			return bad(why, "longer than %d characters", SCHEMA_DOMAIN_MAX);
		if (c == '.') {
			if (label == 0)
				return bad(why, "'%.100s' has an empty label", in);
			if (out[n - 1] == '-')
				return bad(why, "'%.100s' has a label that ends with '-'", in);
			label = 0;
		} else if ((c >= 'a' && c <= 'z') || isdigit((unsigned char)c) || (c == '-' && label > 0)) {
			if (++label > 63)
				return bad(why, "'%.100s' has a label longer than 63 characters", in);
			if (!isdigit((unsigned char)c))
				numeric = false;
		} else if (c == '*') {
			return bad(why,
				   "'%.100s': '*' is allowed only as the first label of a partner: "
				   "*.contoso.com",
				   in);
		} else {
			return bad(why, "'%.100s' has a character that no domain name has: '%c'", in,
				   isprint((unsigned char)c) ? c : '?');
		}
		out[n] = c;
	}
	if (n && out[n - 1] == '.')
		n--; /* the root's dot says nothing more */
	if (n == 0)
		return bad(why, "an empty name; write one such as contoso.com");
	if (out[n - 1] == '-')
		return bad(why, "'%.100s' has a label that ends with '-'", in);
	if (n > SCHEMA_DOMAIN_MAX)
		return bad(why, "longer than %d characters", SCHEMA_DOMAIN_MAX);
	if (numeric)
		return bad(why, "'%.100s' is all digits; a domain name is wanted", in);
	out[n] = '\0';
	return 0;
}

static int canon_name(const char *in, char *out, char *why)
{
	size_t n = strlen(in);

	if (n == 0 || n > 63)
		return bad(why, "a name has 1 to 63 characters");
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)in[i]) && !(i && strchr("._-", in[i])))
			return bad(why,
				   "'%.63s': a name consists of letters, digits, '.', '_', '-' and begins "
				   "with a "
				   "letter or digit",
				   in);
	return copy(out, in, why);
}

static int canon_address(const char *in, char *out, char *why)
{
	unsigned char b[16];

	if (inet_pton(AF_INET, in, b) == 1)
		inet_ntop(AF_INET, b, out, SCHEMA_VALUE_MAX);
	else if (inet_pton(AF_INET6, in, b) == 1)
		inet_ntop(AF_INET6, b, out, SCHEMA_VALUE_MAX);
	else
		return bad(why, "'%.60s' is not an IPv4 or IPv6 address", in);
	return 0;
}

static int parse_uint(const char *in, uint64_t *v)
{
	char *end;

	if (!isdigit((unsigned char)in[0]))
		return -EINVAL;
	errno = 0;
	*v = strtoull(in, &end, 10);
	return errno || *end ? -EINVAL : 0;
}

static int canon_prefix(const char *in, char *out, char *why)
{
	char addr[64];
	const char *slash = strchr(in, '/');
	uint64_t len;
	unsigned max;

	if (!slash || (size_t)(slash - in) >= sizeof(addr))
		return bad(why, "'%.60s': write an address and its prefix length, such as 198.18.1.2/24", in);
	memcpy(addr, in, (size_t)(slash - in));
	addr[slash - in] = '\0';
	if (canon_address(addr, out, why))
		return -EINVAL;
	max = strchr(out, ':') ? 128 : 32;
	if (parse_uint(slash + 1, &len) || len > max)
		return bad(why, "'%.60s': the prefix length is 0 to %u", in, max);
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
			return bad(why, "'%.100s': ']' is missing", in);
		in++;
		colon = end[1] == ':' ? end + 1 : NULL;
		if (!colon && end[1])
			return bad(why, "after ']' comes ':' and a port, or nothing");
	} else {
		colon = strchr(in, ':');
		if (colon && strchr(colon + 1, ':'))
			colon = NULL; /* an IPv6 address without brackets */
		end = colon ? colon : in + strlen(in);
	}
	if ((size_t)(end - in) >= cap)
		return bad(why, "the host is too long");
	memcpy(host, in, (size_t)(end - in));
	host[end - in] = '\0';
	if (colon && (parse_uint(colon + 1, port) || *port == 0 || *port > 65535))
		return bad(why, "'%.20s' is not a port: 1 to 65535", colon + 1);
	return 0;
}

static void join_port(char *out, const char *host, uint64_t port)
{
	if (strchr(host, ':'))
		snprintf(out, SCHEMA_VALUE_MAX, "[%.500s]:%u", host, (unsigned)port);
	else
		snprintf(out, SCHEMA_VALUE_MAX, "%.500s:%u", host, (unsigned)port);
}

static int canon_target(enum schema_type type, uint64_t port, const char *in, char *out, char *why,
			schema_idn_fn idn)
{
	char host[SCHEMA_VALUE_MAX], canon[SCHEMA_VALUE_MAX];

	if (split_port(in, host, sizeof(host), &port, why))
		return -EINVAL;
	if (is_address(host)) {
		if (canon_address(host, canon, why))
			return -EINVAL;
	} else if (type == SCHEMA_ENDPOINT) {
		return bad(why, "'%.60s': an address of this box is wanted, with or without :port", in);
	} else if (schema_domain_canon(host, canon, sizeof(canon), why, idn)) {
		return -EINVAL;
	}
	join_port(out, canon, port);
	return 0;
}

static int canon_user(const char *in, char *out, char *why, schema_idn_fn idn)
{
	const char *at;
	size_t n;

	if (strncasecmp(in, "sip:", 4) == 0)
		in += 4;
	at = strrchr(in, '@');
	n = at ? (size_t)(at - in) : 0;
	if (n == 0 || n > 255)
		return bad(why, "'%.100s': write user@domain", in);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)in[i];

		if (c <= ' ' || c >= 0x7f || strchr("\"<>@:", c))
			return bad(why,
				   "'%.100s': the user part has a character that has to be escaped (%%%02x)",
				   in, c);
		out[i] = (char)tolower(c);
	}
	out[n] = '@';
	return schema_domain_canon(at + 1, out + n + 1, SCHEMA_VALUE_MAX - n - 1, why, idn);
}

static int canon_scope(const char *in, char *out, char *why, schema_idn_fn idn)
{
	static const char *const kinds[] = {"domain/", "site/", "user/"};

	if (strcasecmp(in, "global") == 0)
		return copy(out, "global", why);
	for (unsigned i = 0; i < 3; i++) {
		size_t n = strlen(kinds[i]);
		char rest[SCHEMA_VALUE_MAX];
		int r;

		if (strncasecmp(in, kinds[i], n))
			continue;
		r = i == 0   ? schema_domain_canon(in + n, rest, sizeof(rest), why, idn)
		    : i == 1 ? canon_name(in + n, rest, why)
			     : canon_user(in + n, rest, why, idn);
		if (r)
			return r;
		snprintf(out, SCHEMA_VALUE_MAX, "%s%.900s", kinds[i], rest);
		return 0;
	}
	return bad(why, "'%.60s': write global, domain/NAME, site/NAME or user/USER@DOMAIN", in);
}

/* Canonical is the ordinary order: contoso.com, *.contoso.com (it and all below), * (the default route).
 * Cisco's reversed order begins with a dot: .com.contoso, .com.contoso.*, .* and "\*" for a literal asterisk,
 * which no domain has. */
static int canon_pattern(const char *in, char *out, char *why, schema_idn_fn idn)
{
	char buf[SCHEMA_VALUE_MAX], name[SCHEMA_VALUE_MAX];
	size_t n = strlen(in), w = 0;
	bool tree = false;

	if (n > 255)
		return bad(why, "a pattern has at most 255 characters");
	if (strcmp(in, ".*") == 0 || strcmp(in, "*") == 0)
		return copy(out, "*", why);
	if (strstr(in, "\\*"))
		return bad(why, "'%.100s': \"\\*\" stands for a literal asterisk, which no domain name has",
			   in);
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
			return bad(why, "'%.100s' has an empty label", in);
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

static int canon_spki(const char *in, char *out, char *why)
{
	size_t n = 0;

	if (strncasecmp(in, "sha256:", 7) == 0)
		in += 7;
	memcpy(out, "sha256:", strlen("sha256:") + 1);
	for (; *in; in++) {
		if (*in == ':')
			continue;
		if (!isxdigit((unsigned char)*in) || n >= 64)
			break;
		out[7 + n++] = (char)tolower((unsigned char)*in);
	}
	out[7 + n] = '\0';
	if (*in || n != 64)
		return bad(why, "write sha256: and the 64 hex digits of the key's SPKI digest");
	return 0;
}

static int canon_mac(const char *in, char *out, char *why)
{
	unsigned b[6];
	int used = 0;

	if (sscanf(in, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &used) != 6 ||
	    in[used])
		return bad(why, "'%.30s': write a MAC address such as 02:00:00:00:00:01", in);
	if (b[0] & 1)
		return bad(why, "'%.30s' is a group address; the first byte must be even", in);
	snprintf(out, SCHEMA_VALUE_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
	return 0;
}

static int canon_cpus(const char *in, char *out, char *why)
{
	bool set[1024] = {false};
	size_t w = 0;

	for (const char *p = in; *p;) {
		char *end;
		unsigned long a, b;

		if (!isdigit((unsigned char)*p))
			return bad(why, "'%.60s': write core numbers such as 0,2-3", in);
		a = b = strtoul(p, &end, 10);
		if (*end == '-' && isdigit((unsigned char)end[1]))
			b = strtoul(end + 1, &end, 10);
		if ((*end && *end != ',') || (*end == ',' && !end[1]) || a > b || b >= 1024)
			return bad(why, "'%.60s': write core numbers 0 to 1023 such as 0,2-3", in);
		for (unsigned long i = a; i <= b; i++)
			set[i] = true;
		p = *end ? end + 1 : end;
	}
	for (unsigned i = 0; i < 1024; i++) {
		unsigned last = i;

		if (!set[i])
			continue;
		while (last + 1 < 1024 && set[last + 1])
			last++;
		if (w > SCHEMA_VALUE_MAX - 16)
			return bad(why, "too many separate cores");
		w += (size_t)snprintf(out + w, SCHEMA_VALUE_MAX - w, last > i ? "%s%u-%u" : "%s%u",
				      w ? "," : "", i, last);
		i = last;
	}
	if (w == 0)
		return bad(why, "write at least one core number");
	return 0;
}

static int canon_fault(const char *in, char *out, char *why)
{
	static const char *const keys[] = {"drop", "dup", "reorder", "corrupt", "delay", "seed"};
	char part[64];

	if (!*in)
		return bad(why, "write faults such as drop=0.01,delay=5ms,seed=7");
	for (const char *p = in; *p;) {
		size_t n = strcspn(p, ","), eq = strcspn(p, "="), i;
		char *end;
		double v;

		if (n >= sizeof(part) || eq >= n)
			return bad(why, "'%.60s': write NAME=VALUE, separated by commas", p);
		for (i = 0; i < 6; i++)
			if (strlen(keys[i]) == eq && strncmp(keys[i], p, eq) == 0)
				break;
		if (i == 6)
			return bad(why, "'%.*s': the faults are drop, dup, reorder, corrupt, delay and seed",
				   (int)eq, p);
		memcpy(part, p + eq + 1, n - eq - 1);
		part[n - eq - 1] = '\0';
		v = strtod(part, &end);
		if (end == part || v < 0 || (i < 4 && (v > 1 || *end)) ||
		    (i == 4 && strcmp(end, "ms") && strcmp(end, "us")) || (i == 5 && *end))
			return bad(why,
				   "'%.60s': probabilities are 0 to 1, delay has ms or us, seed is a number",
				   p);
		p += n;
		if (*p == ',' && !*++p)
			return bad(why, "nothing follows the last comma");
	}
	return copy(out, in, why);
}

static int canon_duration(const struct schema_field *f, const char *in, char *out, char *why)
{
	static const struct {
		char c;
		unsigned s;
	} units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
	char *end, *stop;
	uint64_t v, unit = 1;

	if (!isdigit((unsigned char)in[0]))
		return bad(why, "'%.40s': write a time such as 30s, 10m, 2h or 30d", in);
	errno = 0;
	v = strtoull(in, &end, 10);
	stop = end + (*end != '\0');
	for (unsigned i = 0; *end && i < 4; i++)
		if (*end == units[i].c)
			unit = units[i].s;
	if (errno || *stop || (*end && !strchr("dhms", *end)) || v > UINT64_MAX / 86400)
		return bad(why, "'%.40s': write a time such as 30s, 10m, 2h or 30d", in);
	v *= unit;
	if (v < f->min || v > f->max) {
		char form[64];

		return bad(why, "'%.40s' is out of range: %s", in, schema_value_form(f, form, sizeof(form)));
	}
	for (unsigned i = 0; i < 4; i++)
		if (v % units[i].s == 0 && (v || units[i].s == 1)) {
			snprintf(out, SCHEMA_VALUE_MAX, "%llu%c", (unsigned long long)(v / units[i].s),
				 units[i].c);
			break;
		}
	return 0;
}

static int canon_bool(const char *in, char *out, char *why)
{
	if (schema_word_in("yes|true|on|1|enabled|$true", in, strlen(in)))
		return copy(out, "yes", why);
	if (schema_word_in("no|false|off|0|disabled|$false", in, strlen(in)))
		return copy(out, "no", why);
	return bad(why, "'%.40s': write yes or no", in);
}

int schema_choice_index(const char *choices, const char *value, size_t len)
{
	int i = 0;

	for (const char *p = choices; *p; i++) {
		size_t n = strcspn(p, "|");

		if (n == len && strncasecmp(p, value, len) == 0)
			return i;
		p += n + (p[n] == '|');
	}
	return -1;
}

/* Lync's names for what has another word here; accepted wherever the choice on the right exists */
static const struct {
	const char *theirs, *ours;
} enum_alias[] = {
	{"AlwaysVerifiable", "always"},
	{"AlwaysUnverifiable", "never"},
	{"UseSourceVerification", "source"},
	{"acceptserverauth", "accept-serverauth"},
	{"TLS1.2", "1.2"},
	{"TLS1.3", "1.3"},
	{"Required", "required"},
	{"Optional", "optional"},
	{"NotSupported", "not-supported"},
	{"PublicUnverified", "public-unverified"},
	{"PublicVerified", "public-verified"},
};

static int canon_enum(const struct schema_field *f, const char *in, char *out, char *why)
{
	const char *found = NULL;
	size_t found_n = 0, len = strlen(in);
	unsigned hits = 0;
	char form[256];

	for (unsigned i = 0; i < sizeof(enum_alias) / sizeof(enum_alias[0]); i++)
		if (strcasecmp(in, enum_alias[i].theirs) == 0 &&
		    schema_choice_index(f->choices, enum_alias[i].ours, strlen(enum_alias[i].ours)) >= 0) {
			in = enum_alias[i].ours;
			len = strlen(in);
		}
	for (const char *p = f->choices; *p && len;) {
		size_t n = strcspn(p, "|");

		if (n >= len && strncasecmp(p, in, len) == 0) {
			if (n == len)
				hits = 0;
			found = p;
			found_n = n;
			hits++;
			if (n == len)
				break;
		}
		p += n + (p[n] == '|');
	}
	if (hits != 1)
		return bad(why, "'%.60s' %s; write one of %s", in,
			   hits ? "could be several" : "is not known here",
			   schema_value_form(f, form, sizeof(form)));
	memcpy(out, found, found_n);
	out[found_n] = '\0';
	return 0;
}

static int canon_text(const char *in, char *out, char *why)
{
	if (!*in)
		return bad(why, "the text is empty; delete the setting instead");
	for (const char *p = in; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return bad(why, "the text has a control character");
	if (strlen(in) > 512)
		return bad(why, "the text is longer than 512 characters");
	return copy(out, in, why);
}

static int canon_url(const char *in, char *out, char *why, schema_idn_fn idn)
{
	static const char *const schemes[] = {"udp:", "tcp:", "unix:"};
	char rest[SCHEMA_VALUE_MAX];

	if (strncmp(in, "unix:/", 6) == 0)
		return copy(out, in, why);
	for (unsigned i = 0; i < 2; i++)
		if (strncasecmp(in, schemes[i], 4) == 0) {
			if (canon_target(SCHEMA_TARGET, 9060, in + 4, rest, why, idn))
				return -EINVAL;
			snprintf(out, SCHEMA_VALUE_MAX, "%s%.900s", schemes[i], rest);
			return 0;
		}
	return bad(why, "'%.60s': write udp:HOST:PORT, tcp:HOST:PORT or unix:/PATH", in);
}

static int canon_path(const char *in, char *out, char *why)
{
	if (in[0] != '/')
		return bad(why, "'%.100s': write the whole file name, from '/' on", in);
	for (const char *p = in; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return bad(why, "the file name has a control character");
	return copy(out, in, why);
}

static int canon_subtree(const char *in, char *out, char *why, schema_idn_fn idn)
{
	size_t skip = 0;

	if (strncmp(in, "*.", 2) == 0) {
		memcpy(out, "*.", 2);
		skip = 2;
	}
	return schema_domain_canon(in + skip, out + skip, SCHEMA_VALUE_MAX - skip, why, idn);
}

static int canon_fqdn(const char *in, char *out, char *why, schema_idn_fn idn)
{
	if (schema_domain_canon(in, out, SCHEMA_VALUE_MAX, why, idn))
		return -EINVAL;
	if (!strchr(out, '.'))
		return bad(why, "'%.60s': write the whole host name, such as sip.contoso.com", in);
	return 0;
}

int schema_value_canon(const struct schema_field *f, const char *in, char *out, char *why, schema_idn_fn idn)
{
	uint64_t v;
	char form[64];

	if (strlen(in) >= SCHEMA_VALUE_MAX - 16)
		return bad(why, "the value is too long");
	switch (f->type) {
	case SCHEMA_FLAG:
		out[0] = '\0';
		return 0;
	case SCHEMA_BOOL:
		return canon_bool(in, out, why);
	case SCHEMA_UINT:
		if (parse_uint(in, &v) || v < f->min || v > f->max)
			return bad(why, "'%.40s' is not a number in %s", in,
				   schema_value_form(f, form, sizeof(form)));
		snprintf(out, SCHEMA_VALUE_MAX, "%llu", (unsigned long long)v);
		return 0;
	case SCHEMA_DURATION:
		return canon_duration(f, in, out, why);
	case SCHEMA_ENUM:
		return canon_enum(f, in, out, why);
	default:
		return schema_key_canon(f->type, f->min, in, out, why, idn);
	}
}

int schema_key_canon(enum schema_type type, uint64_t port, const char *in, char *out, char *why,
		     schema_idn_fn idn)
{
	if (strlen(in) >= SCHEMA_VALUE_MAX - 16)
		return bad(why, "the value is too long");
	switch (type) {
	case SCHEMA_TEXT:
		return canon_text(in, out, why);
	case SCHEMA_NAME:
		return canon_name(in, out, why);
	case SCHEMA_DOMAIN:
		return schema_domain_canon(in, out, SCHEMA_VALUE_MAX, why, idn);
	case SCHEMA_SUBTREE:
		return canon_subtree(in, out, why, idn);
	case SCHEMA_FQDN:
		return canon_fqdn(in, out, why, idn);
	case SCHEMA_HOST:
		return is_address(in) ? canon_address(in, out, why)
				      : schema_domain_canon(in, out, SCHEMA_VALUE_MAX, why, idn);
	case SCHEMA_TARGET:
	case SCHEMA_ENDPOINT:
		return canon_target(type, port ? port : 5061, in, out, why, idn);
	case SCHEMA_ADDRESS:
		return canon_address(in, out, why);
	case SCHEMA_PREFIX:
		return canon_prefix(in, out, why);
	case SCHEMA_URL:
		return canon_url(in, out, why, idn);
	case SCHEMA_PATH:
		return canon_path(in, out, why);
	case SCHEMA_USER:
		return canon_user(in, out, why, idn);
	case SCHEMA_SCOPE:
		return canon_scope(in, out, why, idn);
	case SCHEMA_PATTERN:
		return canon_pattern(in, out, why, idn);
	case SCHEMA_SPKI:
		return canon_spki(in, out, why);
	case SCHEMA_MAC:
		return canon_mac(in, out, why);
	case SCHEMA_CPUS:
		return canon_cpus(in, out, why);
	case SCHEMA_FAULT:
		return canon_fault(in, out, why);
	default:
		return bad(why, "no value of this type can stand here");
	}
}

const char *schema_type_word(enum schema_type type)
{
	static const char *const words[SCHEMA_TYPES] = {
		[SCHEMA_FLAG] = "",
		[SCHEMA_BOOL] = "yes|no",
		[SCHEMA_UINT] = "NUMBER",
		[SCHEMA_DURATION] = "TIME",
		[SCHEMA_ENUM] = "WORD",
		[SCHEMA_TEXT] = "TEXT",
		[SCHEMA_NAME] = "NAME",
		[SCHEMA_DOMAIN] = "DOMAIN",
		[SCHEMA_SUBTREE] = "[*.]DOMAIN",
		[SCHEMA_FQDN] = "FQDN",
		[SCHEMA_HOST] = "HOST",
		[SCHEMA_TARGET] = "HOST[:PORT]",
		[SCHEMA_ADDRESS] = "ADDRESS",
		[SCHEMA_PREFIX] = "ADDRESS/LENGTH",
		[SCHEMA_ENDPOINT] = "ADDRESS[:PORT]",
		[SCHEMA_URL] = "udp:HOST:PORT",
		[SCHEMA_PATH] = "FILE",
		[SCHEMA_USER] = "USER@DOMAIN",
		[SCHEMA_SCOPE] = "SCOPE",
		[SCHEMA_PATTERN] = "PATTERN",
		[SCHEMA_SPKI] = "sha256:HEX",
		[SCHEMA_MAC] = "MAC",
		[SCHEMA_CPUS] = "CORES",
		[SCHEMA_FAULT] = "FAULTS",
	};

	return words[type];
}

static void duration_text(uint64_t v, char *buf, size_t cap)
{
	const struct schema_field any = {.type = SCHEMA_DURATION, .max = UINT64_MAX};
	char in[32], out[SCHEMA_VALUE_MAX], why[SCHEMA_WHY_MAX];

	snprintf(in, sizeof(in), "%llu", (unsigned long long)v);
	canon_duration(&any, in, out, why);
	snprintf(buf, cap, "%.20s", out);
}

const char *schema_value_form(const struct schema_field *f, char *buf, size_t cap)
{
	char a[24], b[24];

	switch (f->type) {
	case SCHEMA_ENUM:
		snprintf(buf, cap, "%s", f->choices);
		break;
	case SCHEMA_UINT:
		snprintf(buf, cap, "%llu..%llu", (unsigned long long)f->min, (unsigned long long)f->max);
		break;
	case SCHEMA_DURATION:
		duration_text(f->min, a, sizeof(a));
		duration_text(f->max, b, sizeof(b));
		snprintf(buf, cap, "%s..%s", a, b);
		break;
	default:
		snprintf(buf, cap, "%s", schema_type_word(f->type));
		break;
	}
	return buf;
}

uint64_t schema_value_number(const char *v)
{
	char *end;
	uint64_t n;

	if (!isdigit((unsigned char)v[0]))
		return strcmp(v, "yes") == 0;
	n = strtoull(v, &end, 10);
	switch (*end) {
	case 'd':
		return n * 86400;
	case 'h':
		return n * 3600;
	case 'm':
		return n * 60;
	default:
		return n;
	}
}
