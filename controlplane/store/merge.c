/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/store/merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int merge_open(struct merge *m, struct store *store, const struct schema_map *map, int noun,
	       const char *prefix)
{
	int r;

	memset(m, 0, sizeof(*m));
	m->store = store;
	m->noun = noun;
	if (prefix) {
		m->has_prefix = true;
		snprintf(m->prefix, sizeof(m->prefix), "%s", prefix);
	}
	if (map) {
		r = schema_map_sorted(map, &m->over, &m->n);
		if (r)
			return r;
	}
	r = store->ops->open_cursor(store, noun, prefix, &m->cursor);
	if (r)
		merge_close(m);
	return r;
}

void merge_close(struct merge *m)
{
	if (m->cursor)
		m->store->ops->close_cursor(m->cursor);
	free(m->over);
	m->cursor = NULL;
	m->over = NULL;
}

static bool wanted(const struct merge *m, const struct schema_entry *e)
{
	return (m->noun < 0 || e->noun == (unsigned)m->noun) &&
	       (!m->has_prefix || strncmp(e->key, m->prefix, strlen(m->prefix)) == 0);
}

int merge_next(struct merge *m, unsigned *noun, const char **key, const char **body, size_t *len)
{
	for (;;) {
		const struct schema_entry *e;
		int order;

		if (!m->waiting && !m->ended) {
			int r = m->store->ops->next(m->cursor, &m->c_noun, &m->c_key, &m->c_body, &m->c_len);

			if (r < 0)
				return r;
			m->waiting = r == 1;
			m->ended = r == 0;
		}
		while (m->at < m->n && !wanted(m, m->over[m->at]))
			m->at++;
		e = m->at < m->n ? m->over[m->at] : NULL;
		if (!e && !m->waiting)
			return 0;
		order = !e ? -1 : !m->waiting ? 1 : (int)m->c_noun - (int)e->noun;
		if (order == 0)
			order = strcmp(m->c_key, e->key);
		if (order < 0) {
			*noun = m->c_noun;
			*key = m->c_key;
			*body = m->c_body;
			*len = m->c_len;
			m->waiting = false;
			return 1;
		}
		if (order == 0)
			m->waiting = false; /* overlaid */
		m->at++;
		if (!e->body)
			continue;
		*noun = e->noun;
		*key = e->key;
		*body = e->body;
		*len = e->body_len;
		return 1;
	}
}
