/* SPDX-License-Identifier: BSD-3-Clause */
#include "drivers/fault_plan.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool probability(const char *v, uint32_t *to)
{
	char *end;
	double p = strtod(v, &end);

	if (end == v || *end || !(p >= 0.0 && p <= 1.0))
		return false;
	*to = p >= 1.0 ? UINT32_MAX : (uint32_t)(p * 4294967296.0);
	return true;
}

static bool duration(const char *v, uint64_t *to)
{
	char *end;
	double n = strtod(v, &end);
	double unit = strcmp(end, "us") == 0   ? 1e3
		      : strcmp(end, "ms") == 0 ? 1e6
		      : strcmp(end, "s") == 0  ? 1e9
					       : 0;

	if (end == v || unit == 0 || !(n >= 0.0) || n * unit > 10e9)
		return false;
	*to = (uint64_t)(n * unit);
	return true;
}

static const char *take(struct fault_spec *s, const char *key, const char *v)
{
	static const struct {
		const char *name;
		size_t offset;
	} chances[] = {{"drop", offsetof(struct fault_spec, drop)},
		       {"dup", offsetof(struct fault_spec, dup)},
		       {"reorder", offsetof(struct fault_spec, reorder)},
		       {"corrupt", offsetof(struct fault_spec, corrupt)}};
	char *end;

	for (size_t i = 0; i < sizeof(chances) / sizeof(chances[0]); i++)
		if (strcmp(key, chances[i].name) == 0)
			return probability(v, (uint32_t *)((char *)s + chances[i].offset))
				       ? NULL
				       : "is no probability, give 0 to 1";
	if (strcmp(key, "delay") == 0)
		return duration(v, &s->delay_ns) ? NULL
						 : "is no delay, write it like 5ms (us, ms, s; at most 10s)";
	if (strcmp(key, "seed") == 0) {
		s->seed = strtoull(v, &end, 10);
		return *v >= '0' && *v <= '9' && !*end ? NULL : "is no seed, give a whole number";
	}
	if (strcmp(key, "dir") == 0) {
		s->rx = strcmp(v, "tx") != 0;
		s->tx = strcmp(v, "rx") != 0;
		return strcmp(v, "rx") == 0 || strcmp(v, "tx") == 0 || strcmp(v, "both") == 0
			       ? NULL
			       : "is no direction, choose rx, tx or both";
	}
	return "is not known, give drop, dup, reorder, corrupt, delay, seed or dir";
}

int fault_spec_parse(struct fault_spec *spec, const char *text, char *why, size_t why_size)
{
	char copy[256], *save = NULL;

	*spec = (struct fault_spec){.seed = 1, .rx = true, .tx = true};
	if (strlen(text) >= sizeof(copy)) {
		snprintf(why, why_size, "specification is too long, shorten it");
		return -EINVAL;
	}
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *item = strtok_r(copy, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
		char *eq = strchr(item, '=');
		const char *wrong;

		if (!eq) {
			snprintf(why, why_size, "'%s' has no value, write it like drop=0.01", item);
			return -EINVAL;
		}
		*eq = '\0';
		wrong = take(spec, item, eq + 1);
		if (wrong) {
			snprintf(why, why_size, "%s '%s' %s", item, eq + 1, wrong);
			return -EINVAL;
		}
	}
	return 0;
}
