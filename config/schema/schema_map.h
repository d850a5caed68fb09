/* SPDX-License-Identifier: BSD-3-Clause */
/* A configuration in memory, or a set of changes to one: (noun, key) → body, where a body may be "deleted".
 * One thread. Made for a million entries: they lie in an arena, equal short bodies once. */
#ifndef CONFIG_SCHEMA_SCHEMA_MAP_H
#define CONFIG_SCHEMA_SCHEMA_MAP_H

#include "config/schema/schema.h"

struct schema_entry {
	const char *key;
	const char *body; /* NULL: deleted */
	uint32_t body_len;
	uint16_t key_len;
	uint8_t noun;  /* index into schema_nouns */
	uint8_t dead;  /* taken out of the map again */
	uint32_t line; /* of the file that named it first, 0 = none */
};

struct schema_chunk;

struct schema_map {
	struct schema_entry *entry;
	size_t n, cap; /* n counts dead entries too */
	size_t live;
	uint32_t *slot; /* entry index + 1; open addressing */
	size_t slots;
	struct schema_chunk *chunks;
	size_t bytes;
	const char *last_body;
	uint32_t last_len;
};

/* zeroed memory is an empty map */
void schema_map_fini(struct schema_map *m);
/* body NULL: deleted. Copies key and body. 0 or -ENOMEM */
int schema_map_put(struct schema_map *m, unsigned noun, const char *key, const char *body, size_t len,
		   uint32_t line);
/* NULL when the map has nothing to say about it; valid until the next put */
const struct schema_entry *schema_map_get(const struct schema_map *m, unsigned noun, const char *key);
/* takes an entry out, so that get knows nothing of it */
void schema_map_drop(struct schema_map *m, unsigned noun, const char *key);
/* All entries in the order of print and store: noun, then key bytewise. *out is the caller's to free. */
int schema_map_sorted(const struct schema_map *m, const struct schema_entry ***out, size_t *n);
size_t schema_map_count(const struct schema_map *m);

#endif
