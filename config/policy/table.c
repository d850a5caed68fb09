/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/table.h"

struct keyhash_pair table_hash_name(const struct keyhash_key *key, struct policy_name name, unsigned *labels)
{
	struct keyhash_state s = keyhash_init(key);
	char label[POLICY_LABEL_MAX + 9];
	unsigned n = 0;
	uint32_t end = name.len;

	while (end > 0) {
		uint32_t start = end;
		unsigned len;

		while (start > 0 && name.ptr[start - 1] != '.' && end - start < POLICY_LABEL_MAX)
			start--;
		len = end - start;
		memset(label, 0, sizeof(label));
		memcpy(label, name.ptr + start, len);
		table_hash_label(&s, label, len);
		n++;
		end = start > 0 ? start - 1 : 0;
	}
	if (labels)
		*labels = n;
	return keyhash_final(s);
}

uint32_t table_entry_sum(const struct table_entry *e, uint32_t name)
{
	struct {
		uint64_t h2;
		uint8_t raw[16];
		uint64_t name;
	} in = {.h2 = e->h2, .name = name};

	memcpy(in.raw, e->raw, sizeof(in.raw));
	return (uint32_t)keyhash_sum(&in, sizeof(in));
}
