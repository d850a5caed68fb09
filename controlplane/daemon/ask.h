/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers that need the DNS or decide(): explain, test partner, test dns, show dns, reset dns. */
#ifndef CONTROLPLANE_DAEMON_ASK_H
#define CONTROLPLANE_DAEMON_ASK_H

#include "controlplane/daemon/server.h"

void ask_explain(struct request *r);
/* the end of test partner: a message of ours to `domain`, dry; takes r->state and answers */
void ask_way(struct request *r, const char *domain);
void ask_test_partner(struct request *r);
void ask_test_dns(struct request *r);
void ask_show_dns(struct request *r);
void ask_reset_dns(struct request *r);

#endif
