/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/segment/limbo.h"

#include <stdlib.h>

void limbo_fini(struct limbo *l)
{
	while (l->head) {
		struct limbo_chunk *c = l->head;

		l->head = c->next;
		free(c);
	}
	*l = (struct limbo){0};
}

void limbo_push(struct limbo *l, uint64_t item)
{
	struct limbo_chunk *c = l->tail;

	if (!c || c->n == LIMBO_CHUNK || c->epoch) {
		c = malloc(sizeof(*c));
		if (!c) {
			l->lost++;
			return;
		}
		c->next = NULL;
		c->epoch = 0;
		c->n = c->done = 0;
		if (l->tail)
			l->tail->next = c;
		else
			l->head = c;
		l->tail = c;
		if (!l->open)
			l->open = c;
	}
	c->item[c->n++] = item;
	l->items++;
}

void limbo_seal(struct limbo *l, uint64_t epoch)
{
	for (struct limbo_chunk *c = l->open; c; c = c->next)
		c->epoch = epoch;
	l->open = NULL;
}

bool limbo_pop(struct limbo *l, uint64_t min, uint64_t *item)
{
	struct limbo_chunk *c = l->head;

	if (!c || !c->epoch || c->epoch > min)
		return false;
	*item = c->item[c->done++];
	l->items--;
	if (c->done == c->n) {
		l->head = c->next;
		if (!l->head)
			l->tail = NULL;
		free(c);
	}
	return true;
}
