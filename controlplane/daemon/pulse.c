/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/pulse.h"
#include "config/exchange/counters.h"
#include "controlplane/daemon/control.h"
#include "controlplane/resolve/resolve.h"

#include <string.h>

static uint64_t beat_of(const struct counters_view *v)
{
	for (unsigned i = 0; i < v->super->n_tables; i++) {
		const struct counters_table *t = &v->super->tables[i];

		for (unsigned k = 0; strcmp(t->name, "process") == 0 && k < t->n_rows; k++)
			if (strcmp(counters_view_row(v, t, k)->name, "heartbeat") == 0 && t->n_instances)
				return counters_view_value(v, t, 0, k);
	}
	return 0;
}

bool pulse_take(const struct control *c, uint64_t *age_ms)
{
	uint64_t now, beat;
	struct counters_view v;
	const char *why;
	bool runs;

	*age_ms = 0;
	if (counters_read(&v, c->run_dir, &why))
		return false;
	runs = v.alive;
	beat = beat_of(&v);
	counters_view_free(&v);
	now = resolve_now();
	if (runs && beat && beat < now)
		*age_ms = (now - beat) / 1000000;
	return runs;
}
