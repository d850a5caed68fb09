/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/transfer.h"

#include <errno.h>
#include <stdlib.h>

#include "config/policy/fact.h"

struct transfer {
	struct policy_txn *txn;
	struct policy_writer *w;
	const struct policy_view *view; /* of the draft */
	policy_transfer_wait_fn wait;
	void *ctx;
};

static int transfer_wait(struct transfer *t)
{
	if (t->wait)
		return t->wait(t->ctx, t->w);
	/* no memory is said by the change that needs it */
	(void)policy_writer_step(t->w, POLICY_WRITER_UNITS);
	return 0;
}

static int each_domain(void *ctx, struct policy_name name, const struct policy_domain *entry)
{
	struct transfer *t = ctx;
	const struct policy_partner *partner = t->view->ops->partner(t->view, entry->partner);
	int err;

	while ((err = policy_txn_put_domain(t->txn, name, entry, partner, (struct policy_name){"", 0})) ==
	       -EAGAIN) {
		err = transfer_wait(t);
		if (err)
			break;
	}
	return err;
}

static int each_user(void *ctx, struct policy_address address, const struct policy_user *user)
{
	struct transfer *t = ctx;
	int err;

	while ((err = policy_txn_put_user(t->txn, address, user, (struct policy_name){"", 0})) == -EAGAIN) {
		err = transfer_wait(t);
		if (err)
			break;
	}
	return err;
}

static int transfer_small(struct transfer *t, enum policy_small which)
{
	const void **records = NULL;
	unsigned n = 0, cap = 0;
	const void *r;
	int err = 0;

	while ((r = t->view->ops->small_at(t->view, which, n))) {
		if (n == cap) {
			const void **more = realloc(records, (cap = cap ? 2 * cap : 64) * sizeof(*records));

			if (!more) {
				free(records);
				return -ENOMEM;
			}
			records = more;
		}
		records[n++] = r;
	}
	while ((err = policy_txn_small(t->txn, which, records, n)) == -EAGAIN) {
		err = transfer_wait(t);
		if (err)
			break;
	}
	free(records);
	return err;
}

int policy_transfer(struct policy_txn *txn, struct policy_writer *w, const struct policy_draft *draft,
		    policy_transfer_wait_fn wait, void *ctx)
{
	struct transfer t = {txn, w, policy_draft_view(draft), wait, ctx};
	int err = policy_draft_each_domain(draft, each_domain, &t);

	if (!err)
		err = policy_draft_each_user(draft, each_user, &t);
	for (unsigned i = 0; i < POLICY_SMALL_REVISION && !err; i++)
		err = transfer_small(&t, (enum policy_small)i);
	return err ? err : transfer_small(&t, POLICY_SMALL_PINS);
}

static int each_dns(void *ctx, struct policy_name name, const struct policy_dns *dns)
{
	struct policy_writer *w = ctx;
	int err;

	for (unsigned i = 0; (err = policy_fact_put_dns(w, name, dns, 0)) == -EAGAIN && i < 100000; i++)
		(void)policy_writer_step(w, POLICY_WRITER_UNITS);
	return err;
}

int policy_transfer_dns(struct policy_writer *w, const struct policy_draft *draft)
{
	return policy_draft_each_dns(draft, each_dns, w);
}
