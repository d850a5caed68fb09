/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/world_cold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>

#include "dataplane/base/log.h"
#include "dataplane/base/siphash.h"
#include "dataplane/worker/edge.h"
#include "dataplane/worker/edge_core.h"
#include "dataplane/worker/world_material.h"

enum { RETRY_NS = 1000000000 };

void world_cold_init(struct world_cold *w, int run_dir)
{
	memset(w, 0, sizeof(*w));
	w->run_dir = run_dir;
}

/* ---- what workers are done with ---- */

static void collect(struct edge_mail *mail)
{
	/* acquire: the worker's last use came before it was returned */
	edge_config_free(atomic_exchange_explicit(&mail->returned, NULL, memory_order_acquire));
	tls_world_destroy(atomic_exchange_explicit(&mail->retired, NULL, memory_order_acquire));
}

void world_cold_drain(struct edge_mail *mail)
{
	collect(mail);
	edge_config_free(atomic_exchange_explicit(&mail->offered, NULL, memory_order_acquire));
}

/* ---- new worlds ---- */

static void refuse(struct edge_setup *setup, const char *why)
{
	struct world_cold *w = &setup->world;
	static const struct siphash_key key;
	char text[600];
	uint64_t sum = siphash(&key, why, strlen(why), 1, 3);

	if (sum == w->said)
		return;
	w->said = sum;
	w->refusals++;
	snprintf(text, sizeof(text), "%s%s", why, w->made ? "; what is in use stays" : "");
	base_log(BASE_LOG_ERROR, "tls", "%s", text);
	ring_cold_event(&setup->rings, EXCHANGE_EVENT_CERTIFICATE, 3, text);
}

/* While nothing is in use one bad identity is no reason that nobody is served: it is left out, and said. */
static bool leave_out(struct edge_setup *setup, struct world_material *m)
{
	struct tls_core *core = setup->edges[0]->tls.core;
	struct tls_identity_spec *all = m->identities;
	unsigned good = 0;
	char why[512];

	for (unsigned i = 0; i < m->spec.n_identities; i++) {
		struct tls_world_spec one = m->spec;
		struct tls_world *world;

		if (!all[i].name)
			continue;
		one.identities = &all[i];
		one.n_identities = 1;
		world = tls_world_create(core, &one, why, sizeof(why));
		if (world) {
			tls_world_destroy(world);
			good++;
			continue;
		}
		refuse(setup, why);
		world_material_drop(m, i);
	}
	return good > 0;
}

static void offer(struct edge_mail *mail, struct edge_config *c)
{
	/* release: it is complete. What the worker did not take yet it will never see. */
	edge_config_free(atomic_exchange_explicit(&mail->offered, c, memory_order_acq_rel));
}

static int make(struct edge_setup *setup, struct world_material *m)
{
	struct edge_config *made[BOOT_WORKERS_MAX] = {NULL};
	unsigned n = 0;

	for (; n < setup->n_workers; n++) {
		made[n] = world_material_config(m);
		if (!made[n]) {
			snprintf(m->why, sizeof(m->why), "no memory");
			break;
		}
		made[n]->world =
			tls_world_create(setup->edges[n]->tls.core, &m->spec, m->why, sizeof(m->why));
		if (!made[n]->world)
			break;
	}
	for (unsigned i = 0; i < setup->n_workers; i++) {
		if (n == setup->n_workers)
			offer(&setup->mails[i], made[i]);
		else
			edge_config_free(made[i]);
	}
	return n == setup->n_workers ? 0 : -1;
}

static void say_insecure(const struct edge_listen *l)
{
	char host[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, l->ip.b, host, sizeof(host));
	base_log(BASE_LOG_WARNING, "edge",
		 "INSECURE: %s port %u inside takes SIP without TLS, from the addresses that are named", host,
		 l->port);
}

static void say(struct edge_setup *setup, const struct world_material *m, uint32_t generation)
{
	unsigned identities = 0, profiles = 0;
	char text[160];

	for (unsigned i = 0; i < TLS_IDENTITIES_MAX; i++)
		identities += m->identities[i].name && m->config.identities[i].side == POLICY_SIDE_EXTERNAL;
	for (unsigned i = 0; i < TLS_PROFILES_MAX; i++)
		profiles += m->profiles[i].name != NULL;
	snprintf(text, sizeof(text), "generation %u: %u identities, %u profiles, %u listeners", generation,
		 identities, profiles, m->config.n_listens);
	base_log(BASE_LOG_INFO, "tls", "%s", text);
	ring_cold_event(&setup->rings, EXCHANGE_EVENT_POLICY, 6, text);
	if (m->listens_left_out)
		base_log(BASE_LOG_WARNING, "tls",
			 "%u listeners are left out: their identity or profile cannot be used, or they are "
			 "more than %u",
			 m->listens_left_out, (unsigned)EDGE_LISTENERS);
	for (unsigned i = 0; i < m->config.n_listens; i++) {
		unsigned id = m->config.listens[i].identity;

		if (m->config.listens[i].plain)
			say_insecure(&m->config.listens[i]);
		else if (!m->identities[id].server[0].chain.len && !m->identities[id].server[1].chain.len)
			base_log(BASE_LOG_WARNING, "tls",
				 "identity %s has no certificate: its listeners refuse everybody",
				 m->places.identities[id].name);
	}
}

static void remake(struct edge_setup *setup, const struct policy_view *view, uint64_t inputs, uint64_t now_ns)
{
	struct world_cold *w = &setup->world;
	struct world_material *m = malloc(sizeof(*m));
	uint32_t generation = view->generation;
	int err;

	if (!m)
		return;
	err = world_material_read(m, view, w->run_dir, &w->places, w->made + 1);
	policy_cold_done(&setup->policy);
	if (!err && m->config.n_listens + m->spec.n_identities == 1 && !m->identities[0].name) {
		/* a policy without identities: nothing to serve, nothing wrong */
		w->refused = inputs;
		w->retry_ns = UINT64_MAX;
		world_material_free(m);
		free(m);
		return;
	}
	if (!err)
		err = make(setup, m);
	if (err && !w->made && m->spec.n_identities && leave_out(setup, m))
		err = make(setup, m);
	if (err) {
		refuse(setup, m->why);
		w->refused = inputs;
		w->retry_ns = now_ns + RETRY_NS;
	} else {
		say(setup, m, generation);
		w->places = m->places;
		w->inputs = inputs;
		w->made++;
		w->refused = w->said = 0;
	}
	world_material_free(m);
	free(m);
}

void world_cold_tick(struct edge_setup *setup, uint64_t now_ns)
{
	struct world_cold *w = &setup->world;
	uint64_t word = policy_cold_word(&setup->policy), inputs;
	uint32_t generation;
	const struct policy_view *view;

	for (unsigned i = 0; i < setup->n_workers; i++)
		collect(&setup->mails[i]);
	if (!word || (word == w->word && (!w->refused || now_ns < w->retry_ns)))
		return;
	view = policy_cold_view(&setup->policy);
	if (view) {
		generation = view->generation;
		inputs = world_material_hash(view);
		w->word = word;
		if (inputs == w->inputs)
			w->refused = 0;
		else if (inputs != w->refused || now_ns >= w->retry_ns)
			remake(setup, view, inputs, now_ns);
		/* release: behind what was offered for it */
		for (unsigned i = 0; inputs == w->inputs && i < setup->n_workers; i++)
			atomic_store_explicit(&setup->mails[i].served, generation, memory_order_release);
	}
	policy_cold_done(&setup->policy);
}
