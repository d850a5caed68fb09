/* SPDX-License-Identifier: BSD-3-Clause */
/* Revocation lists that are fetched, one for each trust store that names it. */
#include "controlplane/daemon/crl_fetch.h"
#include "controlplane/daemon/keeper.h"
#include "controlplane/daemon/show.h"
#include "controlplane/daemon/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *when(int64_t at, char buf[32])
{
	time_t t = (time_t)at;
	struct tm tm;

	buf[0] = '\0';
	if (at > 0 && at < INT64_C(253402300800) && gmtime_r(&t, &tm))
		strftime(buf, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buf;
}

static void pair(struct schema_text *t, const char *name, const char *value)
{
	schema_text_printf(t, ",\"%s\":", name);
	schema_json_string(t, value);
}

static void line(struct schema_text *t, const char *what, const char *text)
{
	if (!*text)
		return;
	schema_text_puts(t, "  ");
	text_pad(t, what, 9);
	schema_text_printf(t, "%s\n", text);
}

static void row(struct request *r, const struct shelf_item *it, const struct shelf_list *l, int64_t now)
{
	char this[32], next[32], came[32], try[32];
	const char *state = !l->good ? "none" : "good";
	struct crl_fetch_state s;
	struct schema_text t = {0};

	crl_fetch_state(r->control, l->url, &s);
	if (l->good && l->facts.next_update && l->facts.next_update <= now)
		state = "outdated";
	when(l->good ? l->facts.this_update : 0, this);
	when(l->good ? l->facts.next_update : 0, next);
	when(s.came, came);
	if (s.under_way)
		snprintf(try, sizeof(try), "under way");
	else
		when(s.next_try > now ? s.next_try : now, try);
	if (r->json) {
		schema_text_puts(&t, "{\"trust\":");
		schema_json_string(&t, it->name);
		pair(&t, "url", l->url);
		pair(&t, "learned_from", l->from);
		pair(&t, "state", state);
		pair(&t, "issuer", l->good ? l->facts.issuer : "");
		pair(&t, "number", l->good ? l->facts.number : "");
		pair(&t, "this_update", this);
		pair(&t, "next_update", next);
		schema_text_printf(&t, ",\"entries\":%u", l->good ? l->facts.entries : 0);
		pair(&t, "came", came);
		pair(&t, "error", s.error[0] ? s.error : l->problem);
		schema_text_printf(&t, ",\"failures\":%u", s.failures);
		pair(&t, "next_try", try);
		schema_text_puts(&t, "}");
		reply_row(r, t.p, t.n);
	} else {
		schema_text_printf(&t, "trust %s %s: ", it->name, l->url);
		if (l->good)
			schema_text_printf(&t, "%s, %u entries, of %s, next update %s\n", state,
					   l->facts.entries, this, *next ? next : "not said");
		else
			schema_text_puts(&t, "NO LIST\n");
		if (l->learned)
			schema_text_printf(&t, "  %-9slearned from %s\n", "source", l->from);
		line(&t, "issuer", l->good ? l->facts.issuer : "");
		line(&t, "came", came);
		line(&t, "error", s.error[0] ? s.error : l->problem);
		line(&t, "next try", try);
		reply_raw(r, t.p, t.n);
	}
	schema_text_fini(&t);
}

void show_crls(struct request *r)
{
	const struct shelf *shelf = keeper_shelf(r->control);
	int64_t now = (int64_t)time(NULL);

	for (unsigned i = 0; shelf && i < shelf->n; i++) {
		const struct shelf_item *it = &shelf->item[i];

		for (unsigned k = 0; k < it->lists; k++)
			row(r, it, &it->list[k], now);
		if (it->unfetched[0] && !r->json)
			reply_say(r, "trust %s: %s", it->name, it->unfetched);
	}
	reply_end(r, 0);
}
