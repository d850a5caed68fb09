/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes on the control socket, from somebody who may do everything: the daemon answers or hangs up, and
 * lives. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "controlplane/daemon/change.h"
#include "controlplane/daemon/frame.h"
#include "controlplane/daemon/keeper.h"
#include "controlplane/daemon/server.h"
#include "controlplane/daemon/uplink.h"
#include "controlplane/daemon/watchlist.h"
#include "controlplane/resolve/resolve.h"
#include "controlplane/store/idn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct control control;
static char dir[64];

static void remove_dir(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	if (system(command))
		perror(command);
}

static void begin(void)
{
	char why[SCHEMA_WHY_MAX];

	strcpy(dir, "/tmp/sallyport-fuzz-XXXXXX");
	if (!mkdtemp(dir))
		abort();
	atexit(remove_dir);
	control.listen_fd = control.lock_fd = -1;
	snprintf(control.socket, sizeof(control.socket), "%s/s", dir);
	snprintf(control.store_dir, sizeof(control.store_dir), "%s/store", dir);
	if (store_sqlite_open(control.store_dir, &control.store, why))
		abort();
	candidate_init(&control.candidate, control.store, idn_to_ascii);
	control.base = event_base_new();
	snprintf(control.run_dir, sizeof(control.run_dir), "%s", dir);
	control.group_of_dataplane = (gid_t)-1;
	if (resolve_open(&control.resolve, control.base, NULL, NULL) || server_open(&control, why) ||
	    keeper_open(&control, why) || uplink_open(&control, why))
		abort();
	watch_load(&control);
}

/* Frames are cut out of the input at NUL bytes: each piece becomes a line of a request, or is sent raw. */
static void send_piece(int fd, const uint8_t *p, size_t n, bool raw)
{
	struct schema_text line = {0}, body = {0};
	uint8_t head[FRAME_HEAD];

	if (raw) {
		if (write(fd, p, n) < 0)
			return;
		return;
	}
	schema_text_add(&line, (const char *)p, n);
	schema_text_puts(&body, "{\"id\":1,\"json\":true,\"line\":");
	schema_json_string(&body, line.p);
	schema_text_puts(&body, "}");
	frame_head(head, (uint32_t)body.n);
	if (write(fd, head, sizeof(head)) < 0 || write(fd, body.p, body.n) < 0)
		n = 0;
	schema_text_fini(&line);
	schema_text_fini(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char drain[65536];
	int fd;

	if (!control.base)
		begin();
	if (size > 8192)
		return 0;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	strcpy(a.sun_path, control.socket);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)))
		abort();
	while (size) {
		const uint8_t *end = memchr(data + 1, 0, size - 1);
		size_t n = end ? (size_t)(end - data) - 1 : size - 1;

		send_piece(fd, data + 1, n, data[0] & 1);
		size -= n + 1 < size ? n + 2 : n + 1;
		data += n + 2;
	}
	shutdown(fd, SHUT_WR);
	for (unsigned i = 0; i < 200; i++) {
		event_base_loop(control.base, EVLOOP_NONBLOCK);
		while (read(fd, drain, sizeof(drain)) > 0)
			;
		if (!control.clients && !control.change)
			break;
	}
	close(fd);
	for (unsigned i = 0; i < 1000 && (control.clients || control.change); i++) {
		event_base_loop(control.base, EVLOOP_NONBLOCK);
		usleep(100);
	}
	return 0;
}
