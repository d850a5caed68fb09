/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/ask_probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/exchange/probe.h"
#include "config/policy/choice.h"
#include "config/policy/record.h"
#include "controlplane/daemon/text.h"
#include "controlplane/daemon/uplink.h"
#include "controlplane/publish/publish.h"
#include "controlplane/resolve/resolve.h"

enum { TARGETS = 4, SUITES = 32, ANSWER_S = 3 + EXCHANGE_PROBE_MS / 1000 };

struct probing {
	struct control *c;
	struct request *r; /* NULL: the asker went away */
	struct explain_question q;
	struct policy_target target[TARGETS];
	unsigned n, at;
	struct exchange_probe ask;
	struct event *timer;
	bool good, next; /* so far; another address is to be tried */
	unsigned n_suites;
	struct {
		uint16_t version;
		char name[49];
	} suite[SUITES];
};

static const char *const states[] = {"ok", "busy", "unreachable", "silent", "failed", "refused", "cut"};

static void probing_free(struct probing *p)
{
	p->c->probing = NULL;
	event_free(p->timer);
	free(p);
}

static void probing_gone(struct request *r)
{
	struct probing *p = r->state;

	/* the dataplane goes on for a while, and nobody else is served before it has ended */
	p->r = NULL;
}

static void finish(struct probing *p, int status)
{
	struct request *r = p->r;

	if (r) {
		r->state = NULL;
		r->gone = NULL;
	}
	probing_free(p);
	if (r)
		reply_end(r, status);
}

static void on_timer(int fd, short what, void *arg)
{
	struct probing *p = arg;

	if (p->r)
		reply_say(p->r, "the dataplane did not say in time what came of its handshakes");
	finish(p, 1);
}

static int send_next(struct probing *p)
{
	const struct policy_target *t = &p->target[p->at];
	static const struct timeval in = {ANSWER_S, 0};
	int err;

	p->ask.id++;
	memcpy(p->ask.address, t->ip, sizeof(p->ask.address));
	p->ask.port = t->port;
	p->ask.sni_len = t->name_len;
	memcpy(p->ask.sni, t->name, t->name_len);
	err = uplink_probe(p->c, &p->ask);
	if (!err)
		event_add(p->timer, &in);
	return err;
}

/* as the proxy would choose: the verdict's own, else that of the domain which sends */
static uint32_t identity_of(const struct explain *e)
{
	const struct policy_own_domain *own = e->view->ops->own_domain(e->view, e->facts.from_domain);

	return e->verdict.own_identity ? e->verdict.own_identity : own ? own->identity : 0;
}

static unsigned targets_of(const struct explain *e, struct policy_target out[TARGETS])
{
	struct policy_target all[16];
	struct policy_shortfall more;
	unsigned n = policy_targets(e->view, &e->verdict.route, NULL, resolve_now(), resolve_now(), all, 16,
				    &more),
		 kept = 0;

	for (unsigned i = 0; i < n && kept < TARGETS; i++)
		if (!all[i].insecure)
			out[kept++] = all[i];
	return kept;
}

bool ask_probe_begin(struct request *r, const struct explain_question *q, const struct explain *e,
		     int *status)
{
	struct control *c = r->control;
	struct uplink_state up;
	struct probing *p;

	uplink_state(c, &up);
	*status = 0;
	/* Its file of rings stays when it ends. Not asked of the segment now: this question's own explain
	 * reads it. */
	if (!up.attached || !c->dataplane_alive) {
		reply_say(r, "the dataplane is not there: no handshake was tried, and what both sides have "
			     "in common "
			     "is not known");
		return false;
	}
	*status = 1;
	if (c->probing) {
		reply_say(r, "no handshake was tried: another test is at it, try again in a few seconds");
		return false;
	}
	p = calloc(1, sizeof(*p));
	if (!p || !(p->timer = event_new(c->base, -1, 0, on_timer, p))) {
		free(p);
		reply_say(r, "no handshake was tried: out of memory");
		return false;
	}
	p->c = c;
	p->r = r;
	p->q = *q;
	p->good = true;
	p->n = targets_of(e, p->target);
	p->ask = (struct exchange_probe){.id = resolve_now(),
					 .identity = identity_of(e),
					 .tls_profile = (uint8_t)e->verdict.tls_profile};
	c->probing = p;
	if (!p->n || send_next(p)) {
		reply_say(r, p->n ? "no handshake was tried: the dataplane does not listen"
				  : "no handshake was tried: no address is known");
		probing_free(p);
		return false;
	}
	r->state = p;
	r->gone = probing_gone;
	return true;
}

/* ---- what is said of the first handshake ---- */

static const char *version_word(uint16_t version)
{
	return version >= 0x0304 ? "1.3" : "1.2";
}

/* as certificates have them: a name, or "*." and one */
static bool is_peer_name(struct policy_name n)
{
	if (n.len > 2 && n.ptr[0] == '*' && n.ptr[1] == '.')
		n = (struct policy_name){n.ptr + 2, n.len - 2};
	return policy_name_check(n) == POLICY_NAME_OK;
}

static unsigned names_of(const struct exchange_probed *m, struct policy_name out[POLICY_PEER_NAMES])
{
	unsigned at = 0, n = 0;

	while (n < m->names_n && n < POLICY_PEER_NAMES && at < m->names_len && at < sizeof(m->names)) {
		uint8_t len = (uint8_t)m->names[at];

		if (at + 1u + len > sizeof(m->names))
			break;
		out[n] = (struct policy_name){m->names + at + 1, len};
		n += is_peer_name(out[n]);
		at += 1u + len;
	}
	return n;
}

/* Is it who was expected, and is its usage what the policy asks for? False: it cannot be judged any more. */
static bool judge(struct probing *p, const struct exchange_probed *m, const struct policy_name *names,
		  unsigned n, bool *named, bool *usage)
{
	struct explain *e = calloc(1, sizeof(*e));
	struct policy_peer peer = {.names = names,
				   .names_n = (uint16_t)(m->pinned ? 0 : n),
				   .eku = m->eku,
				   .certificate = !m->pinned,
				   .pinned_only = m->pinned,
				   .has_spki = m->has_key};
	char why[SCHEMA_WHY_MAX];
	bool accepted;

	if (!e || explain_open(e, publish_dir(p->c->publish), why)) {
		free(e);
		return false;
	}
	memcpy(peer.spki, m->spki, sizeof(peer.spki));
	explain_judge(e, &p->q, resolve_now());
	accepted = e->verdict.action == POLICY_ACCEPT;
	*named = accepted && policy_target_is(&p->target[p->at], &e->verdict.route, e->verdict.flags, &peer,
					      e->view->ops->partner(e->view, e->verdict.partner));
	*usage = policy_eku_fits((enum policy_eku_mode)e->verdict.eku, m->eku, false);
	explain_close(e);
	free(e);
	return accepted;
}

/* nothing that a terminal, or JSON, takes for anything but itself */
static void text_of(const char *from, unsigned len, size_t room, char *to, size_t cap)
{
	unsigned n = len < room ? len : (unsigned)room, at = 0;

	for (unsigned i = 0; i < n && at + 1 < cap; i++)
		to[at++] =
			from[i] < ' ' || from[i] > '~' || from[i] == '"' || from[i] == '\\' ? '?' : from[i];
	to[at] = '\0';
}

struct first {
	char address[64], suite[49], group[25], signature[33], verdict[17], why[161];
	struct policy_name names[POLICY_PEER_NAMES];
	unsigned n;
	bool judged, named, usage;
};

static void first_json(struct request *r, const struct probing *p, const struct exchange_probed *m,
		       const struct first *f)
{
	const struct policy_target *t = &p->target[p->at];
	struct schema_text x = {0};

	schema_text_printf(
		&x,
		"{\"probe\":\"handshake\",\"host\":\"%.*s\",\"address\":\"%s\",\"port\":%u,\"state\":\"%s\"",
		(int)t->name_len, t->name, f->address, t->port, states[m->state]);
	if (m->version)
		schema_text_printf(&x,
				   ",\"tls\":\"%s\",\"suite\":\"%s\",\"group\":\"%s\",\"signature\":\"%s\"",
				   version_word(m->version), f->suite, f->group, f->signature);
	if (m->alert)
		schema_text_printf(&x, ",\"alert\":%u", m->alert);
	if (m->has_key) {
		schema_text_printf(&x, ",\"verdict\":\"%s\",\"spki\":\"sha256:", f->verdict);
		for (unsigned i = 0; i < sizeof(m->spki); i++)
			schema_text_printf(&x, "%02x", m->spki[i]);
		schema_text_puts(&x, "\",\"names\":[");
		for (unsigned i = 0; i < f->n; i++)
			schema_text_printf(&x, "%s\"%.*s\"", i ? "," : "", (int)f->names[i].len,
					   f->names[i].ptr);
		schema_text_puts(&x, "]");
		if (f->judged)
			schema_text_printf(&x, ",\"names_next_hop\":%s,\"usage_fits\":%s",
					   f->named ? "true" : "false", f->usage ? "true" : "false");
	}
	schema_text_puts(&x, ",\"why\":");
	schema_json_string(&x, f->why);
	schema_text_puts(&x, "}");
	reply_row(r, x.p, x.n);
	schema_text_fini(&x);
}

static void first_text(struct request *r, const struct probing *p, const struct exchange_probed *m,
		       const struct first *f)
{
	static const char *const words[] = {"",
					    "no handshake was tried",
					    "no connection",
					    "connected, but the handshake did not end in time",
					    "connected, but the handshake failed",
					    "connected, but its certificate is refused"};
	const struct policy_target *t = &p->target[p->at];
	struct schema_text x = {0};

	if (t->name_len)
		schema_text_printf(&x, "handshake with %.*s:%u at %s: ", (int)t->name_len, t->name, t->port,
				   f->address);
	else
		schema_text_printf(&x, "handshake with %s port %u: ", f->address, t->port);
	if (m->state)
		schema_text_printf(&x, "%s%s%s%s", words[m->state], *f->why ? ": " : "", f->why,
				   m->version ? "; " : "");
	if (m->version)
		schema_text_printf(&x, "TLS %s, %s%s%s%s%s", version_word(m->version), f->suite,
				   *f->group ? ", group " : "", f->group, *f->signature ? ", signature " : "",
				   f->signature);
	schema_text_puts(&x, "\n");
	if (m->has_key) {
		schema_text_printf(&x, "  its certificate: %s; names",
				   *f->verdict ? f->verdict : "not judged");
		for (unsigned i = 0; i < f->n; i++)
			schema_text_printf(&x, "%s %.*s", i ? "," : "", (int)f->names[i].len,
					   f->names[i].ptr);
		schema_text_puts(&x, f->n ? "\n  its key: sha256:" : " nobody\n  its key: sha256:");
		for (unsigned i = 0; i < sizeof(m->spki); i++)
			schema_text_printf(&x, "%02x", m->spki[i]);
		schema_text_puts(&x, "\n");
	}
	reply_raw(r, x.p, x.n);
	schema_text_fini(&x);
}

/* RFC 8446 6.2: alerts about a certificate, and with ours they are about it when we have shown one */
static bool about_certificate(unsigned alert)
{
	return (alert >= 42 && alert <= 46) || alert == 48 || alert == 49 || alert == 113 || alert == 116;
}

static void take_first(struct probing *p, const struct exchange_probed *m)
{
	struct request *r = p->r;
	struct first f = {.judged = false};
	bool good = m->state == EXCHANGE_PROBED_OK;

	/* the next address is for those whom this one does not answer, as for a message */
	p->next = (m->state == EXCHANGE_PROBED_UNREACHABLE || m->state == EXCHANGE_PROBED_SILENT) &&
		  p->at + 1 < p->n;
	text_address(p->target[p->at].ip, f.address);
	text_of(m->suite, m->suite_len, sizeof(m->suite), f.suite, sizeof(f.suite));
	text_of(m->group, m->group_len, sizeof(m->group), f.group, sizeof(f.group));
	text_of(m->signature, m->signature_len, sizeof(m->signature), f.signature, sizeof(f.signature));
	text_of(m->verdict, m->verdict_len, sizeof(m->verdict), f.verdict, sizeof(f.verdict));
	text_of(m->text, m->text_len, sizeof(m->text), f.why, sizeof(f.why));
	f.n = names_of(m, f.names);
	if (good)
		f.judged = judge(p, m, f.names, f.n, &f.named, &f.usage);
	if (r->json)
		first_json(r, p, m, &f);
	else
		first_text(r, p, m, &f);
	if (good && f.judged && !f.named && m->pinned)
		reply_say(r, "warning: nobody vouches for its certificate, and its key is pinned by another "
			     "partner");
	else if (good && f.judged && !f.named)
		reply_say(r, "warning: its certificate is not that of the next hop that is asked for; "
			     "messages to it "
			     "would be refused with 504");
	if (good && f.judged && !f.usage)
		reply_say(r,
			  "warning: the extended key usage of its certificate is not what eku asks for; see "
			  "set "
			  "partner %s … eku",
			  p->q.to_domain);
	if (m->state == EXCHANGE_PROBED_FAILED && about_certificate(m->alert))
		reply_say(r,
			  "warning: it refuses our certificate (alert %u): see show certificates for its "
			  "names, usage "
			  "and dates; it may not trust our authority",
			  m->alert);
	p->good = good && f.judged && f.named && f.usage;
	if (m->version && p->n_suites < SUITES) {
		p->suite[p->n_suites].version = m->version;
		memcpy(p->suite[p->n_suites++].name, f.suite, sizeof(f.suite));
	}
}

/* ---- what both have ---- */

static bool needs_ec(const struct probing *p)
{
	for (unsigned i = 0; i < p->n_suites; i++)
		if (p->suite[i].version < 0x0304 && strncmp(p->suite[i].name, "ECDHE-", 6) != 0)
			return false;
	return true;
}

static void print_suites(struct request *r, const struct probing *p, bool complete)
{
	struct schema_text x = {0};

	if (r->json)
		schema_text_printf(&x, "{\"probe\":\"suites\",\"complete\":%s", complete ? "true" : "false");
	else
		schema_text_printf(&x, "suites in common:%s\n", p->n_suites ? "" : " none");
	for (unsigned version = 0x0304; version >= 0x0303; version--) {
		unsigned n = 0;

		if (r->json)
			schema_text_printf(&x, ",\"tls1%u\":[", version - 0x0301);
		for (unsigned i = 0; i < p->n_suites; i++) {
			if (p->suite[i].version != version)
				continue;
			if (r->json)
				schema_text_printf(&x, "%s\"%s\"", n ? "," : "", p->suite[i].name);
			else
				schema_text_printf(&x, "%s%s",
						   n		       ? ":"
						   : version == 0x0304 ? "  TLS 1.3  "
								       : "  TLS 1.2  ",
						   p->suite[i].name);
			n++;
		}
		schema_text_puts(&x, r->json ? "]" : n ? "\n" : "");
	}
	if (r->json) {
		schema_text_puts(&x, "}");
		reply_row(r, x.p, x.n);
	} else {
		if (!complete)
			schema_text_puts(&x, "  and perhaps more: not all could be tried\n");
		reply_raw(r, x.p, x.n);
	}
	schema_text_fini(&x);
}

static void warn(struct request *r, const struct probing *p, bool complete)
{
	if (!p->n_suites && complete)
		reply_say(r,
			  "warning: this partner takes none of what we offer. One that knows no elliptic "
			  "curves (Lync on "
			  "old Windows) needs set partner %s … tls-profile compat, and an RSA certificate of "
			  "ours",
			  p->q.to_domain);
	else if (p->n_suites && needs_ec(p))
		reply_say(r, "note: all of these need elliptic curves. Another server of this partner that "
			     "knows none would "
			     "need tls-profile compat");
}

static void take_end(struct probing *p, const struct exchange_probed *m)
{
	bool complete = m->state == EXCHANGE_PROBED_OK;

	if (p->next) {
		p->next = false;
		p->at++;
		if (!send_next(p))
			return;
	}
	if (m->state == EXCHANGE_PROBED_BUSY) {
		reply_say(p->r, "no handshake was tried: the dataplane is still at another one, try again in "
				"a few seconds");
	} else if (p->n_suites || complete) {
		print_suites(p->r, p, complete);
		warn(p->r, p, complete);
	}
	finish(p, p->good && p->n_suites ? 0 : 1);
}

void ask_probe_take(struct control *c, const struct exchange_probed *m)
{
	struct probing *p = c->probing;

	if (!p || m->id != p->ask.id || m->state > EXCHANGE_PROBED_CUT)
		return;
	if (!p->r) {
		if (m->what == EXCHANGE_PROBED_END)
			finish(p, 1);
		return;
	}
	if (m->what == EXCHANGE_PROBED_FIRST && m->state < EXCHANGE_PROBED_CUT) {
		take_first(p, m);
	} else if (m->what == EXCHANGE_PROBED_SUITE && p->n_suites < SUITES) {
		p->suite[p->n_suites].version = m->version;
		text_of(m->suite, m->suite_len, sizeof(m->suite), p->suite[p->n_suites].name,
			sizeof(p->suite[0].name));
		p->n_suites++;
	} else if (m->what == EXCHANGE_PROBED_END) {
		take_end(p, m);
	}
}

void ask_probe_close(struct control *c)
{
	if (c->probing)
		probing_free(c->probing);
}
