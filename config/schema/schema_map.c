/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/schema/schema_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 20, INTERN_MAX = 64 };

struct schema_chunk {
	struct schema_chunk *next;
	size_t used, size;
	char data[];
};

void schema_map_fini(struct schema_map *m)
{
	while (m->chunks) {
		struct schema_chunk *next = m->chunks->next;

		free(m->chunks);
		m->chunks = next;
	}
	free(m->entry);
	free(m->slot);
	memset(m, 0, sizeof(*m));
}

static char *keep(struct schema_map *m, const char *s, size_t n)
{
	struct schema_chunk *c = m->chunks;
	char *p;

	if (!c || c->size - c->used < n + 1) {
		/* small maps stay small: the first chunk is 4 KiB, each further one twice as large up to
		 * CHUNK */
		size_t size = c ? c->size * 2 : 4096;

		if (size > CHUNK)
			size = CHUNK;
		if (size < n + 1)
			size = n + 1;
		c = malloc(sizeof(*c) + size);
		if (!c)
			return NULL;
		c->next = m->chunks;
		c->used = 0;
		c->size = size;
		m->chunks = c;
		m->bytes += size;
	}
	p = c->data + c->used;
	memcpy(p, s, n);
	p[n] = '\0';
	c->used += n + 1;
	return p;
}

/* FNV-1a over noun and key, then a finaliser: keys come from operators' files, never from the network */
static uint32_t hash(unsigned noun, const char *key, size_t n)
{
	uint64_t h = 0xcbf29ce484222325ull ^ noun;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)key[i]) * 0x100000001b3ull;
	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15ull;
	return (uint32_t)(h >> 32);
}

static struct schema_entry *find(const struct schema_map *m, unsigned noun, const char *key, size_t n)
{
	if (!m->slots)
		return NULL;
	for (size_t i = hash(noun, key, n) & (m->slots - 1); m->slot[i]; i = (i + 1) & (m->slots - 1)) {
		struct schema_entry *e = &m->entry[m->slot[i] - 1];

		if (e->noun == noun && e->key_len == n && memcmp(e->key, key, n) == 0)
			return e;
	}
	return NULL;
}

static int grow(struct schema_map *m)
{
	size_t slots = m->slots ? m->slots * 2 : 64;
	uint32_t *slot;

	if (m->n == m->cap) {
		size_t cap = m->cap ? m->cap * 2 : 32;
		struct schema_entry *p = realloc(m->entry, cap * sizeof(*p));

		if (!p)
			return -ENOMEM;
		m->entry = p;
		m->cap = cap;
	}
	if ((m->n + 1) * 4 <= m->slots * 3)
		return 0;
	slot = calloc(slots, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	for (size_t e = 0; e < m->n; e++) {
		size_t i = hash(m->entry[e].noun, m->entry[e].key, m->entry[e].key_len) & (slots - 1);

		while (slot[i])
			i = (i + 1) & (slots - 1);
		slot[i] = (uint32_t)e + 1;
	}
	free(m->slot);
	m->slot = slot;
	m->slots = slots;
	return 0;
}

int schema_map_put(struct schema_map *m, unsigned noun, const char *key, const char *body, size_t len,
		   uint32_t line)
{
	size_t n = strlen(key), i;
	struct schema_entry *e = find(m, noun, key, n);
	const char *kept = NULL;

	if (body) {
		if (m->last_body && m->last_len == len && len <= INTERN_MAX &&
		    memcmp(m->last_body, body, len) == 0) {
			kept = m->last_body;
		} else {
			kept = keep(m, body, len);
			if (!kept)
				return -ENOMEM;
			m->last_body = kept;
			m->last_len = (uint32_t)len;
		}
	}
	if (!e) {
		if (grow(m))
			return -ENOMEM;
		key = keep(m, key, n);
		if (!key)
			return -ENOMEM;
		i = hash(noun, key, n) & (m->slots - 1);
		while (m->slot[i])
			i = (i + 1) & (m->slots - 1);
		e = &m->entry[m->n];
		*e = (struct schema_entry){
			.key = key, .key_len = (uint16_t)n, .noun = (uint8_t)noun, .line = line, .dead = 1};
		m->slot[i] = (uint32_t)++m->n;
	}
	if (e->dead)
		m->live++;
	e->dead = 0;
	e->body = kept;
	e->body_len = body ? (uint32_t)len : 0;
	return 0;
}

const struct schema_entry *schema_map_get(const struct schema_map *m, unsigned noun, const char *key)
{
	struct schema_entry *e = find(m, noun, key, strlen(key));

	return e && !e->dead ? e : NULL;
}

void schema_map_drop(struct schema_map *m, unsigned noun, const char *key)
{
	struct schema_entry *e = find(m, noun, key, strlen(key));

	if (e && !e->dead) {
		e->dead = 1;
		m->live--;
	}
}

static int compare(const void *a, const void *b)
{
	const struct schema_entry *x = *(const struct schema_entry *const *)a;
	const struct schema_entry *y = *(const struct schema_entry *const *)b;

	if (x->noun != y->noun)
		return x->noun < y->noun ? -1 : 1;
	return strcmp(x->key, y->key);
}

int schema_map_sorted(const struct schema_map *m, const struct schema_entry ***out, size_t *n)
{
	const struct schema_entry **p = malloc((m->live + 1) * sizeof(*p));
	size_t w = 0;
	bool in_order = true;

	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i < m->n; i++) {
		if (m->entry[i].dead)
			continue;
		p[w++] = &m->entry[i];
		if (w > 1 && compare(&p[w - 2], &p[w - 1]) > 0)
			in_order = false;
	}
	if (!in_order)
		qsort(p, w, sizeof(*p), compare);
	*out = p;
	*n = w;
	return 0;
}

size_t schema_map_count(const struct schema_map *m)
{
	return m->live;
}
