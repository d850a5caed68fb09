/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dataplane/base/log.h"

void notify_open(struct notify *n)
{
	const char *path = getenv("NOTIFY_SOCKET"), *usec = getenv("WATCHDOG_USEC"),
		   *pid = getenv("WATCHDOG_PID");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len = path ? strlen(path) : 0;

	*n = (struct notify){.fd = -1};
	if (len == 0 || len >= sizeof(to.sun_path) || (*path != '/' && *path != '@'))
		return;
	memcpy(to.sun_path, path, len);
	if (*path == '@')
		to.sun_path[0] = '\0';
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->fd < 0 || connect(n->fd, (struct sockaddr *)&to,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0) {
		base_log(BASE_LOG_WARNING, "notify", "service manager at %s does not listen (%s)", path,
			 strerror(errno));
		notify_close(n);
		return;
	}
	if (usec && (!pid || strtol(pid, NULL, 10) == getpid()))
		n->watchdog_ns = strtoull(usec, NULL, 10) * 1000 / 2;
}

void notify_send(const struct notify *n, const char *words)
{
	if (n->fd >= 0 && send(n->fd, words, strlen(words), MSG_NOSIGNAL) < 0)
		base_log(BASE_LOG_WARNING, "notify", "%s was not delivered (%s)", words, strerror(errno));
}

void notify_close(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}
