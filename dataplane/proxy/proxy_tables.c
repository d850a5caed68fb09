/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/proxy_tables.h"

enum {
	/* rows of one worker, but for peers, whose rows are shared out: ten thousand connections are few */
	PEERS = 16384,
	PEERS_MIN = 1024,
	TRANSACTIONS = 512,
	PARTNERS = PROXY_PARTNERS,
	LIMITS = 256,
	SLICE = 32, /* objects in one turn */
	NAME = 96,
};

/* ---- rows ---- */

struct peer_row {
	uint8_t address[16];
	uint16_t port;
	uint8_t side, state, direction, type, trusted, worker;
	uint64_t peer;
	uint32_t names, upstream, downstream, waiting, queued;
	uint32_t reserved;
	uint64_t used;
	char name[NAME], domain[NAME];
};

static const struct exchange_column peer_columns[] = {
	EXCHANGE_COLUMN(struct peer_row, name, EXCHANGE_TEXT, "first name of its certificate"),
	EXCHANGE_COLUMN(struct peer_row, address, EXCHANGE_ADDRESS, "its address"),
	EXCHANGE_COLUMN(struct peer_row, port, EXCHANGE_NUMBER, "its port"),
	EXCHANGE_COLUMN(struct peer_row, side, EXCHANGE_STATE, "external|internal"),
	EXCHANGE_COLUMN(struct peer_row, direction, EXCHANGE_STATE, "accepted|opened"),
	EXCHANGE_COLUMN(struct peer_row, state, EXCHANGE_STATE, "free|opening|up|ending"),
	EXCHANGE_COLUMN(struct peer_row, type, EXCHANGE_STATE, "none|direct|auto|authorized|public"),
	EXCHANGE_COLUMN(struct peer_row, domain, EXCHANGE_TEXT, "domain whose message gave it its type"),
	EXCHANGE_COLUMN(struct peer_row, trusted, EXCHANGE_STATE, "no|yes"),
	EXCHANGE_COLUMN(struct peer_row, names, EXCHANGE_NUMBER, "names in its certificate"),
	EXCHANGE_COLUMN(struct peer_row, upstream, EXCHANGE_NUMBER, "transactions that it began"),
	EXCHANGE_COLUMN(struct peer_row, downstream, EXCHANGE_NUMBER, "requests that it has not answered"),
	EXCHANGE_COLUMN(struct peer_row, waiting, EXCHANGE_NUMBER, "requests of it that wait"),
	EXCHANGE_COLUMN(struct peer_row, queued, EXCHANGE_NUMBER, "bytes that it has not taken"),
	EXCHANGE_COLUMN(struct peer_row, used, EXCHANGE_SINCE, "when it sent or got something last"),
	EXCHANGE_COLUMN(struct peer_row, worker, EXCHANGE_NUMBER, "where it lives"),
	EXCHANGE_COLUMN(struct peer_row, peer, EXCHANGE_HEX, "who: hash of its key, as in events"),
};

struct transaction_row {
	char method[16];
	uint8_t side, state, wait, tried;
	uint16_t status;
	uint8_t worker, reserved;
	uint64_t began;
	char peer[NAME], next_hop[NAME];
};

static const struct exchange_column transaction_columns[] = {
	EXCHANGE_COLUMN(struct transaction_row, method, EXCHANGE_TEXT, "of the request"),
	EXCHANGE_COLUMN(struct transaction_row, side, EXCHANGE_STATE, "external|internal"),
	EXCHANGE_COLUMN(struct transaction_row, state, EXCHANGE_STATE, "free|waiting|sent|refused|accepted"),
	EXCHANGE_COLUMN(struct transaction_row, wait, EXCHANGE_STATE, "-|DNS|connection|limit"),
	EXCHANGE_COLUMN(struct transaction_row, status, EXCHANGE_NUMBER, "last one that was sent up"),
	EXCHANGE_COLUMN(struct transaction_row, tried, EXCHANGE_NUMBER, "next hops that were tried"),
	EXCHANGE_COLUMN(struct transaction_row, began, EXCHANGE_SINCE, "when the request came"),
	EXCHANGE_COLUMN(struct transaction_row, peer, EXCHANGE_TEXT, "who sent it"),
	EXCHANGE_COLUMN(struct transaction_row, next_hop, EXCHANGE_TEXT, "who is to answer"),
	EXCHANGE_COLUMN(struct transaction_row, worker, EXCHANGE_NUMBER, "where it lives"),
};

struct partner_row {
	char domain[POLICY_NAME_MAX + 3];
	uint8_t type, worker;
	uint16_t status, reason, reserved;
	uint64_t in, out, refused, seen;
};

static const struct exchange_column partner_columns[] = {
	EXCHANGE_COLUMN(struct partner_row, domain, EXCHANGE_TEXT, "the partner"),
	EXCHANGE_COLUMN(struct partner_row, type, EXCHANGE_STATE,
			"-|direct|allowed|discovered|hosting|public|clearing|shared|default"),
	EXCHANGE_COLUMN(struct partner_row, in, EXCHANGE_NUMBER, "requests from it that were accepted"),
	EXCHANGE_COLUMN(struct partner_row, out, EXCHANGE_NUMBER, "requests to it that were accepted"),
	EXCHANGE_COLUMN(struct partner_row, refused, EXCHANGE_NUMBER, "of both, refused"),
	EXCHANGE_COLUMN(struct partner_row, status, EXCHANGE_NUMBER, "of the last refusal"),
	EXCHANGE_COLUMN(struct partner_row, reason, EXCHANGE_NUMBER, "our diagnostic id of it"),
	EXCHANGE_COLUMN(struct partner_row, seen, EXCHANGE_SINCE, "last request"),
	EXCHANGE_COLUMN(struct partner_row, worker, EXCHANGE_NUMBER, "where it was seen"),
};

struct limit_row {
	char domain[POLICY_NAME_MAX + 3];
	uint8_t why, limit_class, worker, reserved;
	uint32_t uris, uris_refused, over, good, bad;
	uint64_t since, why_at;
	uint8_t spki[32], issuer_serial[32];
};

#define WHY "uris|many|suspicious|rate"
static const struct exchange_column limit_columns[] = {
	EXCHANGE_COLUMN(struct limit_row, domain, EXCHANGE_TEXT, "domain that it used last"),
	EXCHANGE_COLUMN(struct limit_row, why, EXCHANGE_FLAGS, WHY),
	EXCHANGE_COLUMN(struct limit_row, limit_class, EXCHANGE_NUMBER, "its limit class"),
	EXCHANGE_COLUMN(struct limit_row, uris, EXCHANGE_NUMBER, "local addresses that it tried"),
	EXCHANGE_COLUMN(struct limit_row, uris_refused, EXCHANGE_NUMBER, "beyond the limit, refused"),
	EXCHANGE_COLUMN(struct limit_row, over, EXCHANGE_NUMBER, "requests over its rate, refused"),
	EXCHANGE_COLUMN(struct limit_row, good, EXCHANGE_NUMBER, "good answers in the sample"),
	EXCHANGE_COLUMN(struct limit_row, bad, EXCHANGE_NUMBER, "failures in the sample"),
	EXCHANGE_COLUMN(struct limit_row, since, EXCHANGE_WALL, "first address"),
	EXCHANGE_COLUMN(struct limit_row, why_at, EXCHANGE_WALL, "newest reason"),
	EXCHANGE_COLUMN(struct limit_row, spki, EXCHANGE_HEX, "hash of its key"),
	EXCHANGE_COLUMN(struct limit_row, issuer_serial, EXCHANGE_HEX, "hash of issuer and serial number"),
	EXCHANGE_COLUMN(struct limit_row, worker, EXCHANGE_NUMBER, "its home"),
};

static void text_of(char *to, uint32_t cap, struct policy_name name)
{
	uint32_t n = name.len < cap - 1 ? name.len : cap - 1;

	if (n)
		memcpy(to, name.ptr, n);
	to[n] = '\0';
}

static struct policy_name name_of(const struct proxy_conn *c)
{
	return c->peer.names_n ? c->peer.names[0] : (struct policy_name){"", 0};
}

/* Each walks from *at and fills the next row: false when there are no more objects; *row stays unused when
 * the object at hand is none to be shown. */
static bool next_peer(const struct proxy *p, uint32_t *at, void *out, bool *used)
{
	const struct proxy_conn *c;
	struct peer_row *row = out;

	if (*at >= p->conn_pool.touched)
		return false;
	c = proxy_conn_at(p, (*at)++);
	if (c->state == PROXY_CONN_FREE || c->shadow)
		return true;
	*used = true;
	memset(row, 0, sizeof(*row));
	memcpy(row->address, c->remote.b, sizeof(row->address));
	row->port = c->remote_port;
	row->side = c->side;
	row->state = c->state;
	row->direction = c->outgoing;
	row->type = c->peer.pin;
	row->trusted = c->peer.trusted_internal;
	row->worker = (uint8_t)p->core;
	row->peer = __builtin_bswap64(c->who_hash);
	row->names = c->peer.names_n;
	row->upstream = c->servers_n;
	row->downstream = c->clients_n;
	row->waiting = c->parked_n;
	row->queued = c->out_bytes;
	row->used = p->now_ns - (uint64_t)(p->now_ms - c->used_ms) * 1000000;
	text_of(row->name, sizeof(row->name), name_of(c));
	text_of(row->domain, sizeof(row->domain), c->peer.pin_domain);
	return true;
}

static bool next_transaction(const struct proxy *p, uint32_t *at, void *out, bool *used)
{
	const struct server_half *s;
	struct transaction_row *row = out;

	if (*at >= p->server_pool.touched)
		return false;
	s = server_at(p, (*at)++);
	if (s->state == SERVER_FREE)
		return true;
	*used = true;
	memset(row, 0, sizeof(*row));
	text_of(row->method, sizeof(row->method), policy_name_of(sip_method_texts[s->method]));
	row->side = !s->external;
	row->state = s->state;
	row->wait = s->wait;
	row->tried = s->tried;
	row->status = s->status;
	row->worker = (uint8_t)p->core;
	row->began = s->began_ns;
	text_of(row->peer, sizeof(row->peer), name_of(proxy_conn_at(p, s->conn)));
	if (s->client.slot < p->client_pool.touched && client_at(p, s->client.slot)->gen == s->client.gen)
		text_of(row->next_hop, sizeof(row->next_hop),
			name_of(proxy_conn_at(p, client_at(p, s->client.slot)->conn)));
	return true;
}

static uint64_t partner_seen(const struct proxy *p, uint32_t at)
{
	return p->partner_sets[at / PROXY_PARTNERS_WAYS].seen_ns[at % PROXY_PARTNERS_WAYS];
}

static bool next_partner(const struct proxy *p, uint32_t *at, void *out, bool *used)
{
	const struct proxy_partner *d;
	struct partner_row *row = out;
	uint64_t seen_ns = 0;

	if (*at >= PROXY_PARTNERS)
		return false;
	/* free places are looked at a few lines at a time */
	for (unsigned i = 0; i < 4 * PROXY_PARTNERS_WAYS && *at < PROXY_PARTNERS && !seen_ns; i++)
		seen_ns = partner_seen(p, (*at)++);
	if (!seen_ns)
		return true;
	d = &p->partners[*at - 1];
	*used = true;
	memset(row, 0, sizeof(*row));
	text_of(row->domain, sizeof(row->domain), (struct policy_name){d->domain, d->len});
	row->type = d->type;
	row->worker = (uint8_t)p->core;
	row->status = d->status;
	row->reason = d->reason;
	row->in = d->in;
	row->out = d->out;
	row->refused = d->refused;
	row->seen = seen_ns;
	return true;
}

static bool next_limit(const struct proxy *p, uint32_t *at, void *out, bool *used)
{
	struct limit_row *row = out;
	struct policy_watch w;

	if (!limit_table_next(p->limits_of, at, false, &w))
		return false;
	*used = true;
	memset(row, 0, sizeof(*row));
	text_of(row->domain, sizeof(row->domain),
		(struct policy_name){w.domains, (uint32_t)strnlen(w.domains, sizeof(w.domains))});
	row->why = w.why;
	row->limit_class = w.limit_class;
	row->worker = (uint8_t)p->core;
	row->uris = w.uris;
	row->uris_refused = w.uris_refused;
	row->over = w.over;
	row->good = w.good;
	row->bad = w.bad;
	row->since = (uint64_t)w.since_s * UINT64_C(1000000000);
	row->why_at = (uint64_t)w.why_s * UINT64_C(1000000000);
	memcpy(row->spki, w.key, 32);
	memcpy(row->issuer_serial, w.key + 32, 32);
	return true;
}

/* ---- tables ---- */

#define TABLE(text, what, columns, row, n, next)                                                           \
	{                                                                                                  \
		{text, what, columns, sizeof(columns) / sizeof((columns)[0]), n, sizeof(struct row)}, next \
	}

static const struct {
	struct exchange_table_spec spec;
	bool (*next)(const struct proxy *p, uint32_t *at, void *out, bool *used);
} tables[PROXY_TABLES] = {
	TABLE("peers", "authenticated connections", peer_columns, peer_row, PEERS, next_peer),
	TABLE("transactions", "requests under way", transaction_columns, transaction_row, TRANSACTIONS,
	      next_transaction),
	TABLE("partners", "domains that were met", partner_columns, partner_row, PARTNERS, next_partner),
	TABLE("limits", "peers under limits", limit_columns, limit_row, LIMITS, next_limit),
};

_Static_assert(sizeof(struct peer_row) % 8 == 0 && sizeof(struct transaction_row) % 8 == 0 &&
		       sizeof(struct partner_row) % 8 == 0 && sizeof(struct limit_row) % 8 == 0,
	       "rows of the tables file");

static unsigned rows_of(unsigned table, unsigned cores)
{
	unsigned n = tables[table].spec.rows;

	if (n != PEERS || cores <= 1)
		return n;
	return n / cores > PEERS_MIN ? n / cores : PEERS_MIN;
}

unsigned proxy_tables_specs(struct exchange_table_spec out[PROXY_TABLES], unsigned cores)
{
	for (unsigned i = 0; i < PROXY_TABLES; i++) {
		out[i] = tables[i].spec;
		out[i].rows = rows_of(i, cores) * cores;
	}
	return PROXY_TABLES;
}

void proxy_tables_attach(struct proxy *p, const struct exchange_tables *t)
{
	p->tables = t;
}

static struct exchange_row *row_of(const struct proxy *p, unsigned table, unsigned row)
{
	unsigned n = rows_of(table, p->cores);

	return row < n ? exchange_tables_row(p->tables, tables[table].spec.name, p->core * n + row) : NULL;
}

static void next_table(struct proxy *p)
{
	/* rows that are used no more */
	for (unsigned i = p->table_row; i < p->table_rows[p->table]; i++)
		exchange_row_clear(row_of(p, p->table, i));
	p->table_rows[p->table] = p->table_row;
	p->table_row = p->table_at = 0;
	p->table = (p->table + 1) % PROXY_TABLES;
	if (p->table == 0)
		p->table_due_ms = p->now_ms + 1000;
}

void proxy_tables_turn(struct proxy *p)
{
	uint64_t data[EXCHANGE_ROW_MAX / 8];

	if (!p->tables || (int32_t)(p->now_ms - p->table_due_ms) < 0)
		return;
	for (unsigned i = 0; i < SLICE; i++) {
		struct exchange_row *row = row_of(p, p->table, p->table_row);
		bool used = false;

		if (!row || !tables[p->table].next(p, &p->table_at, data, &used)) {
			next_table(p);
			if (p->table == 0)
				return;
		} else if (used) {
			exchange_row_put(row, data, tables[p->table].spec.row_bytes);
			p->table_row++;
		}
	}
}

/* ---- partners ---- */

/* the one that is at `noted`, if it still is of that domain: mostly a conn speaks for one */
static struct proxy_partner *partner_again(struct proxy *p, uint32_t noted, struct policy_name domain)
{
	struct proxy_partner *d = noted ? &p->partners[noted - 1] : NULL;

	if (!d || d->len != domain.len || memcmp(d->domain, domain.ptr, domain.len) != 0)
		return NULL;
	p->partner_sets[(noted - 1) / PROXY_PARTNERS_WAYS].seen_ns[(noted - 1) % PROXY_PARTNERS_WAYS] =
		p->now_ns;
	return d;
}

static struct proxy_partner *partner_of(struct proxy *p, struct policy_name domain)
{
	uint64_t hash = siphash13(&p->table_key, domain.ptr, domain.len);
	unsigned number = (unsigned)(hash % (PROXY_PARTNERS / PROXY_PARTNERS_WAYS)), way = 0;
	struct proxy_partner_set *set = &p->partner_sets[number];
	struct proxy_partner *d = &p->partners[number * PROXY_PARTNERS_WAYS];

	for (unsigned i = 0; i < PROXY_PARTNERS_WAYS; i++) {
		if (set->seen_ns[i] && set->hash[i] == hash) {
			set->seen_ns[i] = p->now_ns;
			return &d[i];
		}
		if (set->seen_ns[i] < set->seen_ns[way])
			way = i;
	}
	set->hash[way] = hash;
	set->seen_ns[way] = p->now_ns;
	d += way;
	memset(d, 0, offsetof(struct proxy_partner, domain));
	d->len = (uint8_t)domain.len;
	memcpy(d->domain, domain.ptr, domain.len);
	return d;
}

void proxy_tables_note(struct proxy *p, const struct proxy_passing *r, unsigned status, unsigned reason)
{
	struct proxy_partner *d;

	if (!r->verdict.domain.len || r->verdict.domain.len > POLICY_NAME_MAX)
		return;
	d = partner_again(p, r->c->noted, r->verdict.domain);
	if (!d)
		d = partner_of(p, r->verdict.domain);
	r->c->noted = (uint32_t)(d - p->partners) + 1;
	if (status) {
		d->refused++;
		d->status = (uint16_t)status;
		d->reason = policy_reason_info(reason)->id;
		return;
	}
	d->type = r->verdict.type;
	if (r->c->side == LINK_EXTERNAL)
		d->in++;
	else
		d->out++;
}
