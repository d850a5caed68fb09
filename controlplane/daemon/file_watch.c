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
	int watch;

	if (w->n >= WATCHES_MAX)
		return;
	/* the directory: whoever renews a file puts another one, or another link, in its place */
	snprintf(copy, sizeof(copy), "%s", path);
	watch = inotify_add_watch(w->fd, dirname(copy),
				  IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
					  IN_ATTRIB | IN_ONLYDIR);
	/* counted from 1, and the same number again for the same directory */
	if (watch > (int)w->n)
		w->n = (unsigned)watch;
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

/* reads all that there is to read: did any of it concern `shelf`? */
static bool drain(int fd, const struct shelf *shelf)
{
	_Alignas(struct inotify_event) char buf[4096];
	bool any = false;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (char *p = buf; p < buf + n;) {
			const struct inotify_event *e = (const struct inotify_event *)p;

			any |= (e->mask & IN_Q_OVERFLOW) || (e->len && ours(shelf, e->name));
			p += sizeof(*e) + e->len;
		}
	return any;
}

static void on_event(int fd, short what, void *arg)
{
	struct file_watch *w = arg;

	if (drain(fd, *w->shelf))
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
	struct file_watch before = *w;

	w->shelf = shelf;
	w->changed = changed;
	w->ctx = ctx;
	w->event = NULL;
	w->n = 0;
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	for (unsigned i = 0; w->fd >= 0 && *shelf && i < (*shelf)->n; i++) {
		char *paths = (*shelf)->item[i].paths.p ? strdup((*shelf)->item[i].paths.p) : NULL,
		     *save = NULL;

		for (char *p = paths ? strtok_r(paths, "\n", &save) : NULL; p;
		     p = strtok_r(NULL, "\n", &save))
			watch_one(w, p);
		free(paths);
	}
	if (w->fd >= 0) {
		w->event = event_new(base, w->fd, EV_READ | EV_PERSIST, on_event, w);
		event_add(w->event, NULL);
	}
	/* what changed while the new shelf was being read, and nobody has heard of yet */
	if (before.fd >= 0 && drain(before.fd, *shelf))
		changed(ctx);
	file_watch_end(&before);
}
