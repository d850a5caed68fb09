/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/keylog_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/base/log.h"
#include "dataplane/tls/keylog.h"
#include "dataplane/worker/ring_cold.h"

enum { SECOND_NS = 1000000000, TRIES = 100 };

void keylog_file_init(struct keylog_file *f, int run_dir, unsigned n_workers)
{
	*f = (struct keylog_file){.dir = run_dir, .fd = -1, .n_workers = n_workers, .folder = ""};
}

/* What is written there is worth as much as the plaintext: nobody else may put a file or a link in its place.
 * 0, or what is wrong and what to do about it. */
static int folder_check(const struct keylog_file *f, char *why, size_t room)
{
	struct stat st;

	if (!*f->folder)
		return 0;
	if (f->folder_err)
		snprintf(why, room, "%s cannot be opened (%s): make it and start the dataplane again",
			 f->folder, strerror(-f->folder_err));
	else if (fstat(f->dir, &st))
		snprintf(why, room, "%s cannot be looked at (%s)", f->folder, strerror(errno));
	else if (st.st_uid != f->owner)
		snprintf(why, room, "%s belongs to uid %u and not to the dataplane's: chown %u %s", f->folder,
			 (unsigned)st.st_uid, (unsigned)f->owner, f->folder);
	else if (st.st_mode & S_IWOTH)
		snprintf(why, room, "everybody may write into %s: chmod o-w %s", f->folder, f->folder);
	else
		return 0;
	return -EPERM;
}

void keylog_file_folder(struct keylog_file *f, const char *path, uid_t owner)
{
	char why[BOOT_PATH_MAX * 2 + 100];

	if (!*path)
		return;
	f->folder = path;
	f->owner = owner;
	f->dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	f->folder_err = f->dir < 0 ? -errno : 0;
	if (folder_check(f, why, sizeof(why)))
		base_log(BASE_LOG_WARNING, "keylog", "no key log can be written: %s", why);
}

void keylog_file_ask(struct keylog_file *f, const struct exchange_keylog *asked)
{
	f->next = *asked;
	f->has_next = true;
	if (f->next.seconds > EXCHANGE_KEYLOG_MAX_S)
		f->next.seconds = EXCHANGE_KEYLOG_MAX_S;
	if (f->next.len > sizeof(f->next.name))
		f->next.len = 0;
	f->next.user[sizeof(f->next.user) - 1] = '\0';
}

static void say(struct ring_cold *rings, uint8_t level, const char *text)
{
	base_log(level == 3 ? BASE_LOG_ERROR : BASE_LOG_WARNING, "keylog", "%s", text);
	ring_cold_event(rings, EXCHANGE_EVENT_KEYLOG, level, text);
}

static void put(struct keylog_file *f, const char *bytes, size_t n)
{
	/* a full tmpfs costs lines, not the dataplane */
	while (n) {
		ssize_t done = write(f->fd, bytes, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return;
		bytes += done;
		n -= (size_t)done;
	}
}

static void drain(struct keylog_file *f)
{
	char lines[4096];
	uint32_t n;

	for (unsigned i = 0; i < f->n_workers; i++)
		while (f->log[i] && (n = tls_keylog_read(f->log[i], lines, sizeof(lines))))
			put(f, lines, n);
	explicit_bzero(lines, sizeof(lines));
}

static void forget(struct keylog_file *f)
{
	for (unsigned i = 0; i < f->n_workers; i++) {
		if (f->log[i]) {
			/* relaxed: its worker is gone from it */
			f->sessions += atomic_load_explicit(&f->log[i]->sessions, memory_order_relaxed);
			f->missed += atomic_load_explicit(&f->log[i]->missed, memory_order_relaxed);
		}
		tls_keylog_destroy(f->log[i]);
		f->log[i] = NULL;
	}
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	f->ending = false;
}

/* a name that nobody has: what another log holds is not written behind */
static int file_new(struct keylog_file *f)
{
	time_t now = time(NULL);
	struct tm tm;
	int fd = -1;

	gmtime_r(&now, &tm);
	for (unsigned i = 0; i < TRIES && fd < 0; i++) {
		size_t n = strftime(f->name, sizeof(f->name), "keylog-%Y%m%dT%H%M%SZ", &tm);

		if (i)
			snprintf(f->name + n, sizeof(f->name) - n, "-%u", i);
		fd = openat(f->dir, f->name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
			    0600);
		if (fd < 0 && errno != EEXIST)
			return -errno;
	}
	return fd < 0 ? -EEXIST : fd;
}

static void begin(struct keylog_file *f, struct edge_mail *mails, struct ring_cold *rings, uint64_t now_ns)
{
	char text[EXCHANGE_EVENT_TEXT + 900], why[BOOT_PATH_MAX * 2 + 100];
	int n;

	f->asked = f->next;
	memcpy(f->peer, f->asked.name, f->asked.len);
	f->peer[f->asked.len] = '\0';
	f->until_ns = now_ns + (uint64_t)f->asked.seconds * SECOND_NS;
	f->sessions = f->missed = 0;
	for (unsigned i = 0; i < f->n_workers; i++) {
		f->log[i] = tls_keylog_create((struct policy_name){f->asked.name, f->asked.len}, f->until_ns);
		if (!f->log[i])
			goto memory;
	}
	if (folder_check(f, why, sizeof(why))) {
		snprintf(text, sizeof(text), "no key log: %s; peer %s", why, f->peer);
		goto fail;
	}
	f->fd = file_new(f);
	if (f->fd < 0) {
		snprintf(text, sizeof(text), "no key log of %s: the file cannot be made (%s)", f->peer,
			 strerror(-f->fd));
		f->fd = -1;
		goto fail;
	}
	n = snprintf(text, sizeof(text), "# secrets of new TLS sessions with %s, for %u s, asked for by %s\n",
		     f->peer, f->asked.seconds, f->asked.user);
	put(f, text, n > 0 ? strnlen(text, sizeof(text)) : 0);
	for (unsigned i = 0; i < f->n_workers; i++)
		/* release: it is complete */
		atomic_store_explicit(&mails[i].keylog, f->log[i], memory_order_release);
	snprintf(text, sizeof(text), "for %u s the secrets of new sessions go to %s; peer %s",
		 f->asked.seconds, f->name, f->peer);
	say(rings, 4, text);
	return;
memory:
	snprintf(text, sizeof(text), "no key log of %s: no memory", f->peer);
fail:
	forget(f);
	say(rings, 3, text);
}

static bool left(const struct keylog_file *f, struct edge_mail *mails)
{
	for (unsigned i = 0; i < f->n_workers; i++)
		/* acquire: the worker's last line came before */
		if (atomic_load_explicit(&mails[i].keylog_used, memory_order_acquire))
			return false;
	return true;
}

void keylog_file_tick(struct keylog_file *f, struct edge_mail *mails, struct ring_cold *rings,
		      uint64_t now_ns)
{
	char text[EXCHANGE_EVENT_TEXT + 400];

	if (f->fd < 0 && !f->has_next)
		return;
	if (f->fd >= 0)
		drain(f);
	if (f->fd >= 0 && !f->ending && (f->has_next || now_ns >= f->until_ns)) {
		for (unsigned i = 0; i < f->n_workers; i++)
			atomic_store_explicit(&mails[i].keylog, NULL, memory_order_release);
		f->ending = true;
	}
	if (f->ending && left(f, mails)) {
		drain(f);
		forget(f);
		snprintf(text, sizeof(text), "ended: %llu sessions in %s, %llu left out; peer %s",
			 (unsigned long long)f->sessions, f->name, (unsigned long long)f->missed, f->peer);
		say(rings, 4, text);
	}
	if (f->fd < 0 && f->has_next) {
		f->has_next = false;
		if (f->next.seconds && f->next.len)
			begin(f, mails, rings, now_ns);
	}
}

void keylog_file_fini(struct keylog_file *f)
{
	if (f->fd >= 0)
		drain(f);
	forget(f);
	if (*f->folder && f->dir >= 0)
		close(f->dir);
}
