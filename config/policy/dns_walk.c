/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/dns_walk.h"

struct policy_dns_walk policy_dns_walk(const struct policy_view *view, struct policy_name name,
				       const struct policy_dns *answer)
{
	bool whole = answer->kind != POLICY_DNS_FEDERATION || answer->state != POLICY_DNS_OK;

	return (struct policy_dns_walk){.view = view,
					.name = name,
					.page = answer,
					.serial = answer->serial,
					.parts = whole				   ? 0
						 : answer->more < POLICY_DNS_PARTS ? answer->more
										   : POLICY_DNS_PARTS};
}

bool policy_dns_next(struct policy_dns_walk *w, struct policy_name *target)
{
	while (w->next >= policy_dns_count(w->page)) {
		const struct policy_dns *page;
		unsigned part = w->part;

		if (part >= w->parts)
			return false;
		w->part++;
		page = w->view->ops->dns(w->view, w->name, (enum policy_dns_kind)(POLICY_DNS_MORE + part),
					 NULL);
		/* evicted, or replaced between the answer and here */
		if (!page || page->state != POLICY_DNS_OK || page->serial != w->serial) {
			w->incomplete = true;
			continue;
		}
		w->page = page;
		w->next = 0;
	}
	w->at = w->next++;
	*target = policy_dns_target_name(w->page, w->at);
	return true;
}
