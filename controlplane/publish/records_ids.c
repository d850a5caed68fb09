/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers by which records name each other, and blocks of bytes that become records. */
#include "controlplane/publish/records_make.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t records_id(struct records_ids *ids, enum records_kind kind, const char *name)
{
	const struct schema_entry *e;
	char text[16];

	if (!name)
		return 0;
	e = schema_map_get(&ids->map[kind], 0, name);
	if (e)
		return (uint32_t)strtoul(e->body, NULL, 10);
	if ((kind == RECORDS_LIMIT || kind == RECORDS_TLS) && ids->last[kind] >= 255)
		return 0;
	snprintf(text, sizeof(text), "%u", ids->last[kind] + 1);
	if (schema_map_put(&ids->map[kind], 0, name, text, strlen(text), 0))
		return 0;
	return ++ids->last[kind];
}

void records_id_known(struct records_ids *ids, enum records_kind kind, const char *name, size_t len,
		      uint32_t id)
{
	char text[16], key[SCHEMA_KEY_MAX];

	snprintf(text, sizeof(text), "%u", id);
	snprintf(key, sizeof(key), "%.*s", (int)len, name);
	schema_map_put(&ids->map[kind], 0, key, text, strlen(text), 0);
	if (id > ids->last[kind])
		ids->last[kind] = id;
}

void records_ids_fini(struct records_ids *ids)
{
	for (unsigned i = 0; i < RECORDS_KINDS; i++)
		schema_map_fini(&ids->map[i]);
}

int records_listener_name(const struct policy_listener *l, char *out, size_t cap)
{
	char ip[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, l->ip, ip, sizeof(ip));
	return snprintf(out, cap, "%u %u %u %s %u", l->identity, l->side, l->protocol, ip, l->port);
}

/* ---- a record: a struct, then its strings ---- */

void record_begin(struct schema_text *t, size_t bytes)
{
	static const char zero[256];

	schema_text_reset(t);
	schema_text_add(t, zero, bytes);
}

struct policy_str record_string(struct schema_text *t, const char *s)
{
	struct policy_str r = {(uint16_t)t->n, (uint16_t)(s ? strlen(s) : 0)};

	if (!r.len)
		return (struct policy_str){0, 0};
	schema_text_add(t, s, r.len);
	return r;
}

void record_align(struct schema_text *t)
{
	schema_text_add(t, "\0\0\0", (4 - t->n % 4) % 4);
}

/* seals the record (its size stands first) and keeps a copy */
int record_seal(struct schema_text *t, struct records_table *table)
{
	uint32_t size;
	void *copy;

	record_align(t);
	size = (uint32_t)t->n;
	memcpy(t->p, &size, sizeof(size));
	if (table->n == table->cap) {
		unsigned cap = table->cap ? table->cap * 2 : 16;
		void **p = realloc(table->record, cap * sizeof(*p));

		if (!p)
			return -ENOMEM;
		table->record = p;
		table->cap = cap;
	}
	copy = malloc(t->n);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, t->p, t->n);
	table->record[table->n++] = copy;
	return 0;
}

int record_end(struct schema_text *t, const void *fixed, size_t bytes, struct records_table *table)
{
	memcpy(t->p, fixed, bytes);
	return record_seal(t, table);
}

void records_table_fini(struct records_table *t)
{
	for (unsigned i = 0; i < t->n; i++)
		free(t->record[i]);
	free(t->record);
	memset(t, 0, sizeof(*t));
}

int records_revision_add(struct records_table *t, uint64_t revision, const char *fingerprint)
{
	struct records_revision v = {.id = 1, .revision = revision};
	struct schema_text text = {0};
	int r;

	memcpy(v.fingerprint, fingerprint, strnlen(fingerprint, sizeof(v.fingerprint)));
	record_begin(&text, sizeof(v));
	r = record_end(&text, &v, sizeof(v), t);
	schema_text_fini(&text);
	return r;
}
