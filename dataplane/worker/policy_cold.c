/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/policy_cold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/policy/writer.h"
#include "dataplane/base/log.h"

enum { LOOK_NS = 100000000 };

void policy_cold_init(struct policy_cold *p, const char *dir, unsigned n_workers)
{
	*p = (struct policy_cold){.dir = dir, .n_workers = n_workers, .said = -1};
}

static void policy_free(struct edge_policy *e)
{
	if (!e)
		return;
	segment_close(&e->segment);
	free(e->memos);
	free(e);
}

/* once per reason: control may be away for long */
static void say(struct policy_cold *p, enum segment_refusal why, int err)
{
	if (p->said == (int)why)
		return;
	p->said = (int)why;
	if (why == SEGMENT_REFUSED_absent)
		base_log(BASE_LOG_NOTICE, "policy", "no policy in %s yet: nothing is listened to", p->dir);
	else
		base_log(BASE_LOG_ERROR, "policy", "the policy in %s is refused: %s (%s)%s", p->dir,
			 segment_refusal_text(why), strerror(-err),
			 p->now ? "; the one before stays in force" : "");
}

static struct edge_policy *attach(struct policy_cold *p)
{
	unsigned readers = p->n_workers + 1;
	struct edge_policy *e = calloc(1, sizeof(*e) + readers * sizeof(e->readers[0]));
	enum segment_refusal why = SEGMENT_REFUSED_none;
	int err;

	if (!e)
		return NULL;
	e->memos = aligned_alloc(_Alignof(struct policy_memo), p->n_workers * sizeof(*e->memos));
	if (!e->memos) {
		free(e);
		return NULL;
	}
	memset(e->memos, 0, p->n_workers * sizeof(*e->memos));
	err = segment_attach(&e->segment, p->dir, POLICY_SEGMENT_NAME, POLICY_SEGMENT_ABI, &why);
	if (err) {
		say(p, why, err);
		free(e->memos);
		free(e);
		return NULL;
	}
	why = policy_reader_validate(&e->segment, p->n_workers);
	for (unsigned i = 0; i < readers && !err; i++)
		err = policy_reader_init(&e->readers[i], &e->segment, i);
	for (unsigned i = 0; i < p->n_workers; i++)
		policy_reader_remember(&e->readers[i], &e->memos[i]);
	if (err || why != SEGMENT_REFUSED_none) {
		say(p, why, err ? err : -EBADMSG);
		policy_free(e);
		return NULL;
	}
	p->said = -1;
	p->attached++;
	return e;
}

/* Does everybody look into the new one? Not looking into the old one is not enough: somebody may be about to.
 */
static bool left(const struct policy_cold *p, struct edge_mail *mails)
{
	for (unsigned i = 0; i < p->n_workers; i++)
		/* acquire: the worker's last look into the old one came before */
		if (atomic_load_explicit(&mails[i].policy_used, memory_order_acquire) != p->now)
			return false;
	return true;
}

bool policy_cold_tick(struct policy_cold *p, struct edge_mail *mails, uint64_t now_ns)
{
	struct edge_policy *next;
	int moved = 1;

	if (p->old && left(p, mails)) {
		policy_free(p->old);
		p->old = NULL;
	}
	if (now_ns < p->look_ns || p->old)
		return false;
	p->look_ns = now_ns + LOOK_NS;
	if (p->now) {
		moved = segment_poll(&p->now->segment);
		if (moved < 0)
			base_log(BASE_LOG_ERROR, "policy", "the segment cannot be followed (%s)",
				 strerror(-moved));
	}
	if (moved != 1)
		return false;
	next = attach(p);
	if (!next)
		return false;
	p->old = p->now;
	p->now = next;
	base_log(BASE_LOG_NOTICE, "policy", "%s the policy in %s",
		 p->old ? "changed to a new segment of" : "read", p->dir);
	for (unsigned i = 0; i < p->n_workers; i++)
		/* release: the readers are set up */
		atomic_store_explicit(&mails[i].policy, next, memory_order_release);
	return true;
}

const struct policy_view *policy_cold_view(struct policy_cold *p)
{
	return p->now ? policy_reader_wake(&p->now->readers[p->n_workers]) : NULL;
}

void policy_cold_done(struct policy_cold *p)
{
	if (p->now)
		policy_reader_sleep(&p->now->readers[p->n_workers]);
}

uint64_t policy_cold_word(const struct policy_cold *p)
{
	uint64_t word;

	if (!p->now)
		return 0;
	word = __atomic_load_n(&p->now->segment.super->live, __ATOMIC_RELAXED);
	return word ^ p->attached << 56;
}

void policy_cold_fini(struct policy_cold *p)
{
	policy_free(p->old);
	policy_free(p->now);
	p->old = p->now = NULL;
}
