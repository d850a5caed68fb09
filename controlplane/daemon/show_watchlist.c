/* SPDX-License-Identifier: BSD-3-Clause */
/* The watch list as it is kept: it is there without a dataplane too. What changes by the second is in `show
 * limits`. */
#include "controlplane/daemon/text.h"
#include "controlplane/daemon/watchlist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ROWS = 1000, SAMPLES = 4, KEY_TEXT = 2 * POLICY_WATCH_KEY_LEN + 1 };

static const struct {
	uint8_t bit;
	const char *word;
} reasons[] = {
	{POLICY_WATCH_URIS, "uris"},
	{POLICY_WATCH_MANY, "many"},
	{POLICY_WATCH_SUSPICIOUS, "suspicious"},
	{POLICY_WATCH_RATE, "rate"},
};

struct row {
	char key[KEY_TEXT], why[48], domains[POLICY_WATCH_DOMAINS + 1], since[32], why_at[32];
};

static void fill(struct row *t, const struct policy_watch *e)
{
	size_t at = 0, n = 0;

	for (unsigned i = 0; i < POLICY_WATCH_KEY_LEN; i++)
		snprintf(t->key + (size_t)2 * i, 3, "%02x", e->key[i]);
	t->why[0] = '\0';
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (e->why & reasons[i].bit)
			at += (size_t)snprintf(t->why + at, sizeof(t->why) - at, "%s%s", at ? "," : "",
					       reasons[i].word);
	/* the other plane's word: printed as far as it can be */
	for (; n < e->domains_len && n < POLICY_WATCH_DOMAINS; n++) {
		char c = e->domains[n];

		if (!c)
			t->domains[n] = n + 1u < e->domains_len ? ',' : '\0';
		else
			t->domains[n] = (unsigned char)c < ' ' || c == 0x7f ? '?' : c;
	}
	t->domains[n] = '\0';
	text_time((uint64_t)e->since_s, t->since);
	t->why_at[0] = '\0';
	if (e->why_s > 0)
		text_time((uint64_t)e->why_s, t->why_at);
}

static bool wanted(const struct row *t, const char *with)
{
	return !with || strcasestr(t->key, with) || strcasestr(t->why, with) || strcasestr(t->domains, with);
}

static void print_json(struct request *r, const struct policy_watch *e, const struct row *t,
		       struct schema_text *out)
{
	const char *d = t->domains;
	bool some = false;

	schema_text_printf(out, "{\"key\":\"%s\",\"domains\":[", t->key);
	while (*d) {
		char one[POLICY_WATCH_DOMAINS + 1];
		size_t len = strcspn(d, ",");

		snprintf(one, sizeof(one), "%.*s", (int)len, d);
		schema_text_puts(out, some ? "," : "");
		schema_json_string(out, one);
		some = true;
		d += len + (d[len] == ',');
	}
	schema_text_puts(out, "],\"why\":[");
	some = false;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (e->why & reasons[i].bit) {
			schema_text_printf(out, "%s\"%s\"", some ? "," : "", reasons[i].word);
			some = true;
		}
	schema_text_printf(out,
			   "],\"limit_class\":%u,\"uris\":%u,\"uris_refused\":%u,\"over\":%u,"
			   "\"good\":%u,\"bad\":%u,\"since\":%lld,\"why_at\":%lld,\"refused_samples\":[",
			   e->limit_class, e->uris, e->uris_refused, e->over, e->good, e->bad,
			   (long long)e->since_s, (long long)e->why_s);
	some = false;
	for (unsigned i = 0; i < SAMPLES; i++)
		if (e->sample[i]) {
			schema_text_printf(out, "%s\"%016llx\"", some ? "," : "",
					   (unsigned long long)e->sample[i]);
			some = true;
		}
	schema_text_puts(out, "]}");
	reply_row(r, out->p, out->n);
}

static void cell(struct schema_text *out, uint32_t n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	text_pad(out, text, 8);
}

static void print_text(struct request *r, const struct policy_watch *e, struct row *t,
		       struct schema_text *out)
{
	t->key[WATCH_SHOWN] = '\0';
	text_pad(out, t->key, WATCH_SHOWN + 2);
	text_pad(out, t->why, 22);
	cell(out, e->uris);
	cell(out, e->uris_refused);
	cell(out, e->over);
	cell(out, e->good);
	cell(out, e->bad);
	text_pad(out, t->since, 22);
	text_pad(out, t->why_at, 22);
	schema_text_printf(out, "%s\n", t->domains);
	reply_raw(r, out->p, out->n);
}

static void print_head(struct request *r, struct schema_text *out)
{
	static const char *const names[] = {"uris", "refused", "over", "good", "bad"};

	text_pad(out, "peer", WATCH_SHOWN + 2);
	text_pad(out, "why", 22);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		text_pad(out, names[i], 8);
	text_pad(out, "since", 22);
	text_pad(out, "why_at", 22);
	schema_text_puts(out, "domains\n");
	reply_raw(r, out->p, out->n);
}

void watch_show(struct request *r)
{
	const char *count = schema_call_get(&r->call, "count"), *with = schema_call_get(&r->call, "with");
	unsigned left = count ? (unsigned)strtoul(count, NULL, 10) : ROWS, more = 0, shown = 0;
	const struct policy_watch *e;
	struct schema_text out = {0};
	struct row t;

	for (unsigned i = 0; (e = watch_at(r->control, i)); i++) {
		fill(&t, e);
		/* counted, and nothing against it */
		if (!e->why || !wanted(&t, with))
			continue;
		if (!left) {
			more++;
			continue;
		}
		left--;
		if (!shown++ && !r->json)
			print_head(r, &out);
		schema_text_reset(&out);
		if (r->json)
			print_json(r, e, &t, &out);
		else
			print_text(r, e, &t, &out);
	}
	if (!r->json && !shown)
		reply_text(r, "nobody is watched\n");
	if (!r->json && more)
		reply_text(r, "… and %u more; say how many\n", more);
	schema_text_fini(&out);
	reply_end(r, 0);
}
