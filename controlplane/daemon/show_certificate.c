/* SPDX-License-Identifier: BSD-3-Clause */
/* Certificates: what each identity needs, and what it has. */
#include "controlplane/daemon/duty.h"
#include "controlplane/daemon/keeper.h"
#include "controlplane/daemon/show.h"
#include "controlplane/daemon/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DAY_S = 86400, NEAR_DAYS = 30 };

struct showing {
	struct request *r;
	const struct shelf *shelf;
	struct schema_text t, missing;
	int64_t now;
};

static bool word_in(const char *words, const char *word, size_t n)
{
	for (const char *p = words; *p;) {
		size_t len = strcspn(p, " ");

		if (len == n && strncmp(p, word, n) == 0)
			return true;
		p += len + (p[len] == ' ');
	}
	return false;
}

/* the wanted names that it does not have; wildcards do not count: RFC 5922 section 7.2 */
static void find_missing(struct schema_text *out, const char *wanted, const char *has)
{
	schema_text_reset(out);
	schema_text_puts(out, "");
	for (const char *p = wanted; *p;) {
		size_t len = strcspn(p, " ");

		if (!word_in(has, p, len)) {
			if (out->n)
				schema_text_puts(out, " ");
			schema_text_add(out, p, len);
		}
		p += len + (p[len] == ' ');
	}
}

static const char *date(int64_t at, char buf[32])
{
	time_t t = (time_t)at;
	struct tm tm;

	buf[0] = '\0';
	if (at && at < INT64_C(253402300800) && gmtime_r(&t, &tm))
		strftime(buf, 32, "%Y-%m-%d", &tm);
	return buf;
}

static void pair(struct schema_text *t, const char *name, const char *value)
{
	schema_text_printf(t, ",\"%s\":", name);
	schema_json_string(t, value);
}

static void row_json(struct showing *s, const struct duty_certificate *c, const struct shelf_item *it)
{
	char until[32];

	schema_text_reset(&s->t);
	schema_text_puts(&s->t, "{\"identity\":");
	schema_json_string(&s->t, c->identity);
	pair(&s->t, "slot", c->slot);
	pair(&s->t, "certificate", c->name);
	pair(&s->t, "subject", c->subject);
	pair(&s->t, "eku", c->eku);
	pair(&s->t, "names", c->san.p);
	schema_text_printf(&s->t, ",\"installed\":%s", it && it->good ? "true" : "false");
	if (it && it->info.chain) {
		pair(&s->t, "key", it->info.key);
		pair(&s->t, "has_subject", it->info.subject);
		pair(&s->t, "has_issuer", it->info.issuer);
		pair(&s->t, "has_eku", it->info.usage);
		pair(&s->t, "has_names", it->info.names);
		pair(&s->t, "missing", s->missing.p);
		pair(&s->t, "until", date(it->info.not_after, until));
		schema_text_printf(&s->t, ",\"days\":%lld,\"chain\":%u",
				   (long long)((it->info.not_after - s->now) / DAY_S), it->info.chain);
		schema_text_printf(&s->t, ",\"ocsp\":%s", it->ocsp[0] ? "true" : "false");
		if (it->info.warning[0])
			pair(&s->t, "warning", it->info.warning);
	}
	if (it && it->problem[0])
		pair(&s->t, "problem", it->problem);
	schema_text_puts(&s->t, "}");
	reply_row(s->r, s->t.p, s->t.n);
}

static void line(struct showing *s, const char *what, const char *text)
{
	if (!*text)
		return;
	schema_text_puts(&s->t, "  ");
	text_pad(&s->t, what, 9);
	schema_text_printf(&s->t, "%s\n", text);
}

static void row_text(struct showing *s, const struct duty_certificate *c, const struct shelf_item *it)
{
	char until[32];

	schema_text_reset(&s->t);
	schema_text_printf(&s->t, "%s %s certificate %s: ", c->identity, c->slot, c->name);
	if (it && it->good && it->info.chain) {
		long long days = (long long)((it->info.not_after - s->now) / DAY_S);

		schema_text_printf(&s->t, "%s, until %s (%lld days left%s)\n", it->info.key,
				   date(it->info.not_after, until), days,
				   days < NEAR_DAYS ? ": RENEW IT" : "");
		line(s, "subject", it->info.subject);
		line(s, "issuer", it->info.issuer);
		line(s, "names", it->info.names);
		line(s, "missing", s->missing.p);
		line(s, "eku", it->info.usage);
		line(s, "warning", it->info.warning);
	} else if (it && it->good) {
		schema_text_puts(&s->t, "as it was before the daemon started\n");
	} else {
		schema_text_puts(&s->t, "NOT INSTALLED\n");
		line(s, "subject", c->subject);
		line(s, "names", c->san.p);
		line(s, "eku", c->eku);
	}
	if (it)
		line(s, "problem", it->problem);
	reply_raw(s->r, s->t.p, s->t.n);
}

static void row(void *ctx, const struct duty_certificate *c)
{
	struct showing *s = ctx;
	const struct shelf_item *it = shelf_find(s->shelf, SHELF_CERTIFICATE, c->name);

	find_missing(&s->missing, c->san.p && !(c->private_name && it && *it->info.names) ? c->san.p : "",
		     it ? it->info.names : "");
	(s->r->json ? row_json : row_text)(s, c, it);
}

static void trust_row(struct showing *s, const struct shelf_item *it)
{
	char until[32], lists[32];

	schema_text_reset(&s->t);
	if (s->r->json) {
		schema_text_puts(&s->t, "{\"trust\":");
		schema_json_string(&s->t, it->name);
		schema_text_printf(&s->t, ",\"installed\":%s,\"anchors\":%u,\"lists\":%u",
				   it->good ? "true" : "false", it->info.chain, it->more.chain);
		pair(&s->t, "until", date(it->info.not_after, until));
		pair(&s->t, "lists_until", date(it->more.not_after, lists));
		pair(&s->t, "warning", it->info.warning[0] ? it->info.warning : it->more.warning);
		pair(&s->t, "problem", it->problem);
		schema_text_puts(&s->t, "}");
		reply_row(s->r, s->t.p, s->t.n);
		return;
	}
	schema_text_printf(&s->t, "trust %s: ", it->name);
	if (it->good && it->info.chain) {
		schema_text_printf(&s->t, "%u CAs, the first ends on %s", it->info.chain,
				   date(it->info.not_after, until));
		if (it->more.chain)
			schema_text_printf(&s->t, "; %u revocation lists, good until %s", it->more.chain,
					   date(it->more.not_after, lists));
		schema_text_puts(&s->t, "\n");
	} else {
		schema_text_puts(&s->t,
				 it->good ? "as it was before the daemon started\n" : "NOT INSTALLED\n");
	}
	line(s, "warning", it->info.warning);
	line(s, "warning", it->more.warning);
	line(s, "problem", it->problem);
	reply_raw(s->r, s->t.p, s->t.n);
}

void show_certificates(struct request *r)
{
	struct candidate live = {.store = r->control->store}; /* nothing on top: what is in force */
	struct schema_source source = candidate_source(&live);
	struct showing s = {.r = r, .shelf = keeper_shelf(r->control), .now = (int64_t)time(NULL)};

	duty_certificates(&source, row, &s);
	for (unsigned i = 0; s.shelf && i < s.shelf->n; i++)
		if (s.shelf->item[i].sort == SHELF_TRUST)
			trust_row(&s, &s.shelf->item[i]);
	schema_text_fini(&s.t);
	schema_text_fini(&s.missing);
	reply_end(r, 0);
}
