/* SPDX-License-Identifier: BSD-3-Clause */
/* Keeps the secrets of the dataplane fresh: certificates, trust stores and lists whose files change, without
 * a commit; rotating keys. Loop thread, but for keeper_first(). */
#ifndef CONTROLPLANE_DAEMON_KEEPER_H
#define CONTROLPLANE_DAEMON_KEEPER_H

#include "controlplane/daemon/control.h"
#include "controlplane/secret/shelf.h"

struct keeper;

/* The secrets directory and the rotating keys; before the segment is opened. 0 or -errno with `why` */
int keeper_open(struct control *c, char *why);
/* the files that the configuration names are looked at now */
void keeper_look(struct control *c);
void keeper_close(struct control *c);
/* is a thread of it at work on files? It cannot be told to stop. */
bool keeper_works(const struct control *c);
/* Thread that opens the segment: what the configuration in force names, `old` being what the segment named.
 */
void keeper_first(struct control *c, const struct shelf *old);
/* the segment is open: what was loaded counts, and files are watched from here on */
void keeper_begin(struct control *c);
/* For a change: the files that `source` names. Called by its thread; the caller drops *out. Problems are
 * reported. 0 or -errno */
int keeper_load(struct control *c, const struct schema_source *source, bool dry, shelf_report_fn report,
		void *ctx, struct shelf **out);
/* a change with this shelf (NULL: without one) is in force */
void keeper_committed(struct control *c, struct shelf *shelf);
/* what counts now, NULL before the start is through; good until the loop goes on */
const struct shelf *keeper_shelf(const struct control *c);
/* how often files of a certificate or trust store could not be taken, since the daemon began */
uint64_t keeper_refused(const struct control *c);
/* from now on `group` may read the secrets */
void keeper_regroup(struct control *c, gid_t group);
/* the primary group of `set dataplane user`: who may read segments and secrets; (gid_t)-1: none is set */
gid_t keeper_group(struct store *store);

#endif
