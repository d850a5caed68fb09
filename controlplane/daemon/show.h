/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers that only look: each takes a request whose call was parsed, and ends it. */
#ifndef CONTROLPLANE_DAEMON_SHOW_H
#define CONTROLPLANE_DAEMON_SHOW_H

#include "controlplane/daemon/server.h"

/* what lies over the live configuration so that it is revision `id`; 0 or -errno */
int show_overlay(struct request *r, uint64_t id, struct schema_map *over);
void show_configuration(struct request *r);
void show_partner(struct request *r);
void show_acl(struct request *r);
void show_blocks(struct request *r);
void show_revisions(struct request *r);
void show_revision(struct request *r);
void show_audit(struct request *r);
void show_status(struct request *r);
void show_compare(struct request *r);
void export_configuration(struct request *r);
void export_domains(struct request *r);
/* what to publish, open and install: duty.c */
void show_dns_records(struct request *r);
void show_firewall(struct request *r);
void show_crls(struct request *r);
void show_certificates(struct request *r);
/* what the dataplane has, counts and tells: show_live.c */
void show_peers(struct request *r);
void show_partners(struct request *r);
void show_transactions(struct request *r);
void show_limits(struct request *r);
void show_drops(struct request *r);
void show_counters(struct request *r);
void show_events(struct request *r);
void show_shadow(struct request *r);

#endif
