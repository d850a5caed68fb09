/* SPDX-License-Identifier: BSD-3-Clause */
/* Do the certificates fit the identities that name them? federation.md section 1.8 */
#include "controlplane/secret/shelf.h"

#include <stdio.h>
#include <string.h>

struct fitting {
	const struct shelf *s;
	const struct schema_source *source;
	shelf_report_fn report;
	void *ctx;
	struct schema_object o;
};

static bool has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = words; (p = strstr(p, word)); p += n)
		if ((p == words || p[-1] == ' ') && (p[n] == '\0' || p[n] == ' '))
			return true;
	return false;
}

static void slot(struct fitting *f, const char *field, const char *fqdn, bool server)
{
	char text[PEM_WHY_MAX + SCHEMA_KEY_MAX];
	unsigned n = 0, ec = 0, named = 0, good = 0;

	for (unsigned i = 0; i < f->o.n; i++) {
		const char *name = schema_object_value(&f->o, &f->o.item[i]);
		const struct shelf_item *it;

		if (strcmp(f->o.noun->fields[f->o.item[i].field].name, field))
			continue;
		it = shelf_find(f->s, SHELF_CERTIFICATE, name);
		n++;
		if (!it || !it->good || !it->info.names[0])
			continue;
		good++;
		ec += it->info.ec;
		named += has_word(it->info.names, fqdn);
		if (server && !has_word(it->info.usage, "serverAuth") && !has_word(it->info.usage, "any")) {
			snprintf(text, sizeof(text),
				 "%s %.63s has no serverAuth in its extended key usage: clients refuse it",
				 field, name);
			f->report(f->ctx, "identity", f->o.key, text, true);
		}
	}
	if (good && !named) {
		snprintf(text, sizeof(text),
			 "%s does not name %.200s: partners refuse it; get one with this name", field, fqdn);
		f->report(f->ctx, "identity", f->o.key, text, true);
	}
	if (server && good && ec == good) {
		snprintf(text, sizeof(text),
			 "%s has an EC key alone: peers that know RSA only (Lync 2010 on older Windows) "
			 "cannot "
			 "connect; name an RSA certificate beside it",
			 field);
		f->report(f->ctx, "identity", f->o.key, text, true);
	}
	if (n == 2 && good == 2 && ec != 1) {
		snprintf(text, sizeof(text),
			 "%s names two certificates with the same kind of key: the second is never shown",
			 field);
		f->report(f->ctx, "identity", f->o.key, text, true);
	}
}

static bool fit_identity(void *arg, const char *key, const char *body, size_t len)
{
	struct fitting *f = arg;
	const char *fqdn;

	if (schema_object_load(&f->o, schema_noun_named("identity"), key, body, len))
		return true;
	fqdn = schema_object_find(&f->o, "public-fqdn");
	if (!fqdn)
		return true;
	slot(f, "server-certificate", fqdn, true);
	slot(f, "client-certificate", fqdn, false);
	return true;
}

/* Where a list is demanded and none can come, every peer is refused. */
static bool fit_profile(void *arg, const char *key, const char *body, size_t len)
{
	char text[PEM_WHY_MAX];
	struct fitting *f = arg;
	const struct shelf_item *it;
	const char *word, *trust;

	if (schema_object_load(&f->o, schema_noun_named("tls-profile"), key, body, len))
		return true;
	word = schema_object_find(&f->o, "revocation");
	trust = schema_object_find(&f->o, "trust");
	it = shelf_find(f->s, SHELF_TRUST, trust ? trust : SHELF_SYSTEM_TRUST);
	if (!word || strcmp(word, "crl-required") || !it || !it->good || it->more.chain || it->lists)
		return true;
	snprintf(text, sizeof(text),
		 "revocation crl-required, but %s%.63s has neither a crl file nor a URL to fetch one from: "
		 "every peer is refused%s",
		 trust ? "trust " : "", trust ? trust : SHELF_SYSTEM_TRUST,
		 it->fetches ? " until the lists have come that peers' certificates name" : "");
	f->report(f->ctx, "tls-profile", f->o.key, text, true);
	return true;
}

void shelf_fitness(const struct shelf *s, const struct schema_source *source, shelf_report_fn report,
		   void *ctx)
{
	struct fitting f = {.s = s, .source = source, .report = report, .ctx = ctx};

	source->each(source->ctx, schema_noun_index(schema_noun_named("identity")), fit_identity, &f);
	source->each(source->ctx, schema_noun_index(schema_noun_named("tls-profile")), fit_profile, &f);
	schema_object_fini(&f.o);
}
