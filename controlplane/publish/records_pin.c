/* SPDX-License-Identifier: BSD-3-Clause */
/* The keys that partners pin, as a small table of their own: a handshake must know of them before any domain
 * is. Partners are many and change one by one, so what is in force is kept, and a change notes what it
 * touches. */
#include "controlplane/publish/publish_internal.h"
#include "controlplane/publish/records_make.h"

#include <errno.h>
#include <string.h>

int publish_pins_note(struct publish *p, const char *key, const struct policy_partner *partner)
{
	bool has = partner && partner->pins, had = schema_map_get(&p->pins, 0, key) != NULL;

	if (!has && !had)
		return 0;
	p->pins_due = true;
	return schema_map_put(&p->pins_next, 0, key, has ? (const char *)partner + partner->pin_at : NULL,
			      has ? (size_t)partner->pins * POLICY_SPKI_LEN : 0, 0);
}

static int add(struct records_table *t, const struct schema_entry *e)
{
	struct schema_text text = {0};
	int r = 0;

	for (uint32_t at = 0; !r && !e->dead && e->body && at + POLICY_SPKI_LEN <= e->body_len;
	     at += POLICY_SPKI_LEN) {
		struct policy_pin pin = {.id = t->n + 1};

		schema_text_reset(&text);
		record_begin(&text, sizeof(pin));
		pin.spki = (struct policy_str){(uint16_t)text.n, POLICY_SPKI_LEN};
		schema_text_add(&text, e->body + at, POLICY_SPKI_LEN);
		pin.partner = record_string(&text, e->key);
		r = record_end(&text, &pin, sizeof(pin), t);
	}
	schema_text_fini(&text);
	return r;
}

int publish_pins_records(struct publish *p, struct records_table *t)
{
	int r = 0;

	/* a segment that is made anew has what was read for it alone */
	for (size_t i = 0; !p->fresh && i < p->pins.n && !r; i++)
		if (!schema_map_get(&p->pins_next, 0, p->pins.entry[i].key))
			r = add(t, &p->pins.entry[i]);
	for (size_t i = 0; i < p->pins_next.n && !r; i++)
		r = add(t, &p->pins_next.entry[i]);
	return r;
}

void publish_pins_flip(struct publish *p, bool whole)
{
	if (whole) {
		schema_map_fini(&p->pins);
		p->pins = p->pins_next;
		p->pins_next = (struct schema_map){0};
		return;
	}
	for (size_t i = 0; i < p->pins_next.n; i++) {
		const struct schema_entry *e = &p->pins_next.entry[i];

		schema_map_drop(&p->pins, 0, e->key);
		if (e->body && !e->dead && schema_map_put(&p->pins, 0, e->key, e->body, e->body_len, 0))
			p->stale = true; /* no memory: made anew from the store */
	}
}

int publish_pins_learn(struct publish *p, struct policy_small_view v)
{
	for (unsigned i = 0; v.base && i < policy_small_count(v); i++) {
		const struct policy_pin *pin = policy_small_at(v, POLICY_SMALL_PINS, i);
		const struct schema_entry *e;
		struct policy_name spki, partner;
		char key[SCHEMA_KEY_MAX], body[RECORDS_PARTNER_MAX];
		size_t n = 0;

		if (!pin)
			return -EBADMSG;
		spki = policy_str_get(pin, pin->size, pin->spki);
		partner = policy_str_get(pin, pin->size, pin->partner);
		if (spki.len != POLICY_SPKI_LEN || partner.len >= sizeof(key))
			return -EBADMSG;
		memcpy(key, partner.ptr, partner.len);
		key[partner.len] = '\0';
		e = schema_map_get(&p->pins, 0, key);
		if (e && e->body_len + POLICY_SPKI_LEN <= sizeof(body)) {
			memcpy(body, e->body, e->body_len);
			n = e->body_len;
		}
		memcpy(body + n, spki.ptr, POLICY_SPKI_LEN);
		if (schema_map_put(&p->pins, 0, key, body, n + POLICY_SPKI_LEN, 0))
			return -ENOMEM;
	}
	return 0;
}
