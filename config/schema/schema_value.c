/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/schema/value_canon.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int value_bad(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, SCHEMA_WHY_MAX, format, ap);
	va_end(ap);
	return -EINVAL;
}

int value_copy(char *out, const char *in, char *why)
{
	if (strlen(in) >= SCHEMA_VALUE_MAX)
		return value_bad(why, "longer than %d characters", SCHEMA_VALUE_MAX - 1);
	memcpy(out, in, strlen(in) + 1);
	return 0;
}

bool value_is_address(const char *s)
{
	unsigned char b[16];

	return inet_pton(AF_INET, s, b) == 1 || inet_pton(AF_INET6, s, b) == 1;
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
		return value_bad(why, "write sha256: and the 64 hex digits of the key's SPKI digest");
	return 0;
}

static int canon_mac(const char *in, char *out, char *why)
{
	unsigned b[6];
	int used = 0;

	if (sscanf(in, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &used) != 6 ||
	    in[used])
		return value_bad(why, "'%.30s': write a MAC address such as 02:00:00:00:00:01", in);
	if (b[0] & 1)
		return value_bad(why, "'%.30s' is a group address; the first byte must be even", in);
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
			return value_bad(why, "'%.60s': write core numbers such as 0,2-3", in);
		a = b = strtoul(p, &end, 10);
		if (*end == '-' && isdigit((unsigned char)end[1]))
			b = strtoul(end + 1, &end, 10);
		if ((*end && *end != ',') || (*end == ',' && !end[1]) || a > b || b >= 1024)
			return value_bad(why, "'%.60s': write core numbers 0 to 1023 such as 0,2-3", in);
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
			return value_bad(why, "too many separate cores");
		w += (size_t)snprintf(out + w, SCHEMA_VALUE_MAX - w, last > i ? "%s%u-%u" : "%s%u",
				      w ? "," : "", i, last);
		i = last;
	}
	if (w == 0)
		return value_bad(why, "write at least one core number");
	return 0;
}

static int canon_fault(const char *in, char *out, char *why)
{
	static const char *const keys[] = {"drop", "dup", "reorder", "corrupt", "delay", "seed"};
	char part[64];

	if (!*in)
		return value_bad(why, "write faults such as drop=0.01,delay=5ms,seed=7");
	for (const char *p = in; *p;) {
		size_t n = strcspn(p, ","), eq = strcspn(p, "="), i;
		char *end;
		double v;

		if (n >= sizeof(part) || eq >= n)
			return value_bad(why, "'%.60s': write NAME=VALUE, separated by commas", p);
		for (i = 0; i < 6; i++)
			if (strlen(keys[i]) == eq && strncmp(keys[i], p, eq) == 0)
				break;
		if (i == 6)
			return value_bad(why,
					 "'%.*s': the faults are drop, dup, reorder, corrupt, delay and seed",
					 (int)eq, p);
		memcpy(part, p + eq + 1, n - eq - 1);
		part[n - eq - 1] = '\0';
		v = strtod(part, &end);
		if (end == part || v < 0 || (i < 4 && (v > 1 || *end)) ||
		    (i == 4 && strcmp(end, "ms") && strcmp(end, "us")) || (i == 5 && *end))
			return value_bad(
				why,
				"'%.60s': probabilities are 0 to 1, delay has ms or us, seed is a number", p);
		p += n;
		if (*p == ',' && !*++p)
			return value_bad(why, "nothing follows the last comma");
	}
	return value_copy(out, in, why);
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
		return value_bad(why, "'%.40s': write a time such as 30s, 10m, 2h or 30d", in);
	errno = 0;
	v = strtoull(in, &end, 10);
	stop = end + (*end != '\0');
	for (unsigned i = 0; *end && i < 4; i++)
		if (*end == units[i].c)
			unit = units[i].s;
	if (errno || *stop || (*end && !strchr("dhms", *end)) || v > UINT64_MAX / 86400)
		return value_bad(why, "'%.40s': write a time such as 30s, 10m, 2h or 30d", in);
	v *= unit;
	if (v < f->min || v > f->max) {
		char form[64];

		return value_bad(why, "'%.40s' is out of range: %s", in,
				 schema_value_form(f, form, sizeof(form)));
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
		return value_copy(out, "yes", why);
	if (schema_word_in("no|false|off|0|disabled|$false", in, strlen(in)))
		return value_copy(out, "no", why);
	return value_bad(why, "'%.40s': write yes or no", in);
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
		return value_bad(why, "'%.60s' %s; write one of %s", in,
				 hits ? "could be several" : "is not known here",
				 schema_value_form(f, form, sizeof(form)));
	memcpy(out, found, found_n);
	out[found_n] = '\0';
	return 0;
}

static int canon_text(const char *in, char *out, char *why)
{
	if (!*in)
		return value_bad(why, "the text is empty; delete the setting instead");
	for (const char *p = in; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return value_bad(why, "the text has a control character");
	if (strlen(in) > 512)
		return value_bad(why, "the text is longer than 512 characters");
	return value_copy(out, in, why);
}

static int canon_path(const char *in, char *out, char *why)
{
	if (in[0] != '/')
		return value_bad(why, "'%.100s': write the whole file name, from '/' on", in);
	for (const char *p = in; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return value_bad(why, "the file name has a control character");
	return value_copy(out, in, why);
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
		return value_bad(why, "'%.60s': write the whole host name, such as sip.contoso.com", in);
	return 0;
}

int schema_value_canon(const struct schema_field *f, const char *in, char *out, char *why, schema_idn_fn idn)
{
	uint64_t v;
	char form[64];

	if (strlen(in) >= SCHEMA_VALUE_MAX - 16)
		return value_bad(why, "the value is too long");
	switch (f->type) {
	case SCHEMA_FLAG:
		out[0] = '\0';
		return 0;
	case SCHEMA_BOOL:
		return canon_bool(in, out, why);
	case SCHEMA_UINT:
		if (value_uint(in, &v) || v < f->min || v > f->max)
			return value_bad(why, "'%.40s' is not a number in %s", in,
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
		return value_bad(why, "the value is too long");
	switch (type) {
	case SCHEMA_TEXT:
		return canon_text(in, out, why);
	case SCHEMA_NAME:
		return value_name(in, out, why);
	case SCHEMA_DOMAIN:
		return schema_domain_canon(in, out, SCHEMA_VALUE_MAX, why, idn);
	case SCHEMA_SUBTREE:
		return canon_subtree(in, out, why, idn);
	case SCHEMA_FQDN:
		return canon_fqdn(in, out, why, idn);
	case SCHEMA_HOST:
		return value_is_address(in) ? value_address(in, out, why)
					    : schema_domain_canon(in, out, SCHEMA_VALUE_MAX, why, idn);
	case SCHEMA_TARGET:
	case SCHEMA_ENDPOINT:
		return value_target(type, port ? port : 5061, in, out, why, idn);
	case SCHEMA_ADDRESS:
		return value_address(in, out, why);
	case SCHEMA_PREFIX:
		return value_prefix(in, out, why);
	case SCHEMA_PATH:
		return canon_path(in, out, why);
	case SCHEMA_USER:
		return value_user(in, out, why, idn);
	case SCHEMA_SCOPE:
		return value_scope(in, out, why, idn);
	case SCHEMA_PATTERN:
		return value_pattern(in, out, why, idn);
	case SCHEMA_SPKI:
		return canon_spki(in, out, why);
	case SCHEMA_MAC:
		return canon_mac(in, out, why);
	case SCHEMA_CPUS:
		return canon_cpus(in, out, why);
	case SCHEMA_FAULT:
		return canon_fault(in, out, why);
	default:
		return value_bad(why, "no value of this type can stand here");
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
