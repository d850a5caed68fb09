/* SPDX-License-Identifier: BSD-3-Clause */
/* `set observe metrics-listen`: /metrics and the status page, over HTTP, for reading alone. Loop thread. */
#ifndef CONTROLPLANE_DAEMON_WEB_H
#define CONTROLPLANE_DAEMON_WEB_H

#include "controlplane/daemon/control.h"

/* Listens where the configuration says, and nowhere else; what cannot be listened on is said, and tried again
 * by web_retry(). */
void web_settle(struct control *c);
/* once a second */
void web_retry(struct control *c);
void web_close(struct control *c);

#endif
