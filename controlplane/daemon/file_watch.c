/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/file_watch.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "config/schema/schema.h"

enum { WATCHES_MAX = 256 };

static void watch_one(struct file_watch *w, const char *path)
{
	char copy[SCHEMA_VALUE_MAX];

	if (w->n >= WATCHES_MAX)
		return;
	/* the directory: whoever renews a file puts another one, or another link, in its place */
	snprintf(copy, sizeof(copy), "%s", path);
	if (inotify_add_watch(w->fd, dirname(copy),
			      IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
				      IN_ATTRIB | IN_ONLYDIR) >= 0)
		w->n++;
}

/* is it a name that the configuration says, or the link by which a whole directory is swapped? */
static bool ours(const struct shelf *shelf, const char *name)
{
	if (strncmp(name, "..", 2) == 0)
		return true;
	for (unsigned i = 0; shelf && i < shelf->n; i++)
		for (const char *p = shelf->item[i].paths.p; p && *p;) {
			size_t n = strcspn(p, "\n"), base = n;

			while (base && p[base - 1] != '/')
				base--;
			if (n - base == strlen(name) && strncmp(p + base, name, n - base) == 0)
				return true;
			p += n + (p[n] == '\n');
		}
	return false;
}

static void on_event(int fd, short what, void *arg)
{
	_Alignas(struct inotify_event) char buf[4096];
	struct file_watch *w = arg;
	bool any = false;
	ssize_t n;

	while ((n = read(w->fd, buf, sizeof(buf))) > 0)
		for (char *p = buf; p < buf + n;) {
			const struct inotify_event *e = (const struct inotify_event *)p;

			any |= (e->mask & IN_Q_OVERFLOW) || (e->len && ours(*w->shelf, e->name));
			p += sizeof(*e) + e->len;
		}
	if (any)
		w->changed(w->ctx);
}

void file_watch_end(struct file_watch *w)
{
	if (w->event)
		event_free(w->event);
	w->event = NULL;
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	w->n = 0;
}

/* Watches are made anew with each shelf: a directory that came later is seen from then on. */
void file_watch_begin(struct file_watch *w, struct event_base *base, struct shelf *const *shelf,
		      void (*changed)(void *ctx), void *ctx)
{
	file_watch_end(w);
	w->shelf = shelf;
	w->changed = changed;
	w->ctx = ctx;
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0)
		return;
	for (unsigned i = 0; *shelf && i < (*shelf)->n; i++) {
		char *paths = (*shelf)->item[i].paths.p ? strdup((*shelf)->item[i].paths.p) : NULL,
		     *save = NULL;

		for (char *p = paths ? strtok_r(paths, "\n", &save) : NULL; p;
		     p = strtok_r(NULL, "\n", &save))
			watch_one(w, p);
		free(paths);
	}
	w->event = event_new(base, w->fd, EV_READ | EV_PERSIST, on_event, w);
	event_add(w->event, NULL);
}
