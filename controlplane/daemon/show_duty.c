/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/crl_http.h"
#include "controlplane/daemon/duty.h"
#include "controlplane/daemon/keeper.h"
#include "controlplane/daemon/show.h"
#include "controlplane/daemon/text.h"

#include <stdio.h>
#include <string.h>

static void row(struct request *r, const char *const *names, const char *const *values,
		const unsigned *widths, unsigned n)
{
	struct schema_text t = {0};

	if (r->json) {
		for (unsigned i = 0; i < n; i++) {
			schema_text_printf(&t, "%s\"%s\":", i ? "," : "{", names[i]);
			schema_json_string(&t, values[i]);
		}
		schema_text_puts(&t, "}");
		reply_row(r, t.p, t.n);
	} else {
		for (unsigned i = 0; i < n; i++) {
			if (i + 1 < n)
				text_pad(&t, values[i], widths[i]);
			else
				schema_text_printf(&t, "%s\n", values[i]);
		}
		reply_raw(r, t.p, t.n);
	}
	schema_text_fini(&t);
}

static void dns_row(void *ctx, const struct duty_record *d)
{
	static const char *const names[] = {"name", "type", "data", "why"};
	static const unsigned widths[] = {44, 4, 36, 0};
	const char *const values[] = {d->name, d->type, d->data, d->why};

	row(ctx, names, values, widths, 4);
}

void show_dns_records(struct request *r)
{
	struct candidate live = {.store = r->control->store}; /* nothing on top: what is in force */
	struct schema_source s = candidate_source(&live);

	duty_dns(&s, dns_row, r);
	reply_end(r, 0);
}

static void port_row(void *ctx, const struct duty_port *p)
{
	static const char *const names[] = {"side", "way", "protocol", "local", "remote", "why"};
	static const unsigned widths[] = {10, 3, 8, 24, 28, 0};
	const char *const values[] = {p->side, p->way, p->proto, p->local, p->remote, p->why};

	row(ctx, names, values, widths, 6);
}

/* where revocation lists are fetched from, each server once a trust store */
static void list_rows(struct request *r)
{
	const struct shelf *shelf = keeper_shelf(r->control);
	struct duty_port p = {.side = "management", .way = "out", .proto = "TCP", .local = "any"};

	for (unsigned i = 0; shelf && i < shelf->n; i++) {
		char host[256], before[sizeof(p.remote)] = "";
		uint16_t port;

		for (unsigned k = 0; k < shelf->item[i].lists; k++) {
			if (!crl_http_host(shelf->item[i].list[k].url, host, &port))
				continue;
			snprintf(p.remote, sizeof(p.remote), "%.70s:%u", host, port);
			if (strcmp(p.remote, before) == 0)
				continue;
			memcpy(before, p.remote, sizeof(before));
			snprintf(p.why, sizeof(p.why), "revocation lists of trust %s", shelf->item[i].name);
			port_row(r, &p);
		}
	}
}

void show_firewall(struct request *r)
{
	struct candidate live = {.store = r->control->store}; /* nothing on top: what is in force */
	struct schema_source s = candidate_source(&live);

	duty_firewall(&s, port_row, r);
	list_rows(r);
	reply_end(r, 0);
}
