/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/moved_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/base/log.h"
#include "dataplane/proxy/moved.h"

#define NAME "moved"

static struct moved *map(int fd)
{
	void *at = mmap(NULL, sizeof(struct moved), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* Who may write it says where strangers may go. */
static bool ours(int fd, uid_t uid)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == (off_t)sizeof(struct moved) &&
	       (st.st_uid == geteuid() || st.st_uid == uid) && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

static struct moved *as_it_is(int dir, uid_t uid)
{
	int fd = openat(dir, NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct moved *t = NULL;

	if (fd < 0)
		return NULL;
	if (ours(fd, uid))
		t = map(fd);
	close(fd);
	if (t && !moved_is(t)) {
		moved_file_close(t);
		t = NULL;
	}
	return t;
}

/* made whole before it has its name */
static struct moved *made(int dir, uid_t uid)
{
	uint8_t secret[MOVED_SECRET];
	struct moved *t = NULL;
	int fd, err;

	unlinkat(dir, NAME ".new", 0);
	fd = openat(dir, NAME ".new", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return NULL;
	/* a file with holes would be a SIGBUS when the file system is full */
	err = posix_fallocate(fd, 0, sizeof(*t));
	if (!err && uid != (uid_t)-1 && uid != geteuid() && fchown(fd, uid, (gid_t)-1) < 0)
		err = errno;
	if (!err && getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		err = EIO;
	if (!err && !(t = map(fd)))
		err = errno;
	close(fd);
	if (t) {
		moved_begin(t, secret);
		if (renameat(dir, NAME ".new", dir, NAME) < 0) {
			err = errno;
			moved_file_close(t);
			t = NULL;
		}
	}
	if (!t)
		unlinkat(dir, NAME ".new", 0);
	errno = err;
	return t;
}

struct moved *moved_file_open(int dir, uid_t uid)
{
	struct moved *t = as_it_is(dir, uid);

	if (!t)
		t = made(dir, uid);
	if (!t)
		base_log(BASE_LOG_WARNING, "edge",
			 "the file `" NAME
			 "` cannot be made in the run directory (%s): Contacts that move are "
			 "forgotten when this process ends",
			 strerror(errno));
	return t;
}

void moved_file_close(struct moved *t)
{
	if (t)
		munmap(t, sizeof(*t));
}
