/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/segment/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

void segment_file_super(char out[SEGMENT_PATH_MAX], const char *name)
{
	snprintf(out, SEGMENT_PATH_MAX, "%s.super", name);
}

void segment_file_fresh(char out[SEGMENT_PATH_MAX], const char *name, uint64_t id)
{
	snprintf(out, SEGMENT_PATH_MAX, "%s.%016" PRIx64 ".super", name, id);
}

void segment_file_lock(char out[SEGMENT_PATH_MAX], const char *name)
{
	snprintf(out, SEGMENT_PATH_MAX, "%s.lock", name);
}

void segment_file_readers(char out[SEGMENT_PATH_MAX], const char *name, uint64_t id)
{
	snprintf(out, SEGMENT_PATH_MAX, "%s.%016" PRIx64 ".readers", name, id);
}

void segment_file_extent(char out[SEGMENT_PATH_MAX], const char *name, uint64_t id, uint32_t n)
{
	snprintf(out, SEGMENT_PATH_MAX, "%s.%016" PRIx64 ".%03" PRIu32, name, id, n);
}

int segment_file_give(int dirfd, const char *prefix, gid_t group)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
	struct dirent *e;
	DIR *dir;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while ((e = readdir(dir))) {
		struct stat st;

		if (strncmp(e->d_name, prefix, strlen(prefix)) != 0 ||
		    fstatat(dirfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode) ||
		    st.st_gid == group)
			continue;
		if (fchownat(dirfd, e->d_name, (uid_t)-1, group, AT_SYMLINK_NOFOLLOW))
			err = -errno;
	}
	closedir(dir);
	return err;
}

int segment_file_sweep(int dirfd, const char *name, uint64_t keep)
{
	char mine[SEGMENT_PATH_MAX], super[SEGMENT_PATH_MAX], lock[SEGMENT_PATH_MAX];
	size_t len = strlen(name);
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;
	DIR *dir;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	snprintf(mine, sizeof(mine), "%s.%016" PRIx64 ".", name, keep);
	segment_file_super(super, name);
	segment_file_lock(lock, name);
	while ((e = readdir(dir))) {
		if (strncmp(e->d_name, name, len) != 0 || e->d_name[len] != '.')
			continue;
		if (keep && (strncmp(e->d_name, mine, strlen(mine)) == 0 || strcmp(e->d_name, super) == 0 ||
			     strcmp(e->d_name, lock) == 0))
			continue;
		/* only what has the form of our names: "<name>.<16 digits>." and the two fixed ones */
		if (strcmp(e->d_name, super) != 0 && strcmp(e->d_name, lock) != 0 &&
		    (strspn(e->d_name + len + 1, "0123456789abcdef") != 16 || e->d_name[len + 17] != '.'))
			continue;
		unlinkat(dirfd, e->d_name, 0);
	}
	closedir(dir);
	return 0;
}

uint64_t segment_file_round(int fd, uint64_t len)
{
	const long hugetlbfs = 0x958458f6;
	uint64_t page = 4096;
	struct statfs fs;

	if (fstatfs(fd, &fs) == 0 && (long)fs.f_type == hugetlbfs && fs.f_bsize > 0)
		page = (uint64_t)fs.f_bsize;
	return (len + page - 1) / page * page;
}

int segment_file_make(int dirfd, const char *path, uint64_t len, mode_t mode, gid_t group)
{
	int fd = openat(dirfd, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	int err;

	if (fd < 0)
		return -errno;
	/* the umask is not ours to trust */
	if (fchmod(fd, mode) < 0 || (group != (gid_t)-1 && fchown(fd, (uid_t)-1, group) < 0)) {
		err = -errno;
		goto fail;
	}
	/* never a hole: a store into one would be SIGBUS when the file system is full */
	if (len && fallocate(fd, 0, 0, (off_t)segment_file_round(fd, len)) < 0) {
		err = -errno;
		goto fail;
	}
	return fd;
fail:
	close(fd);
	unlinkat(dirfd, path, 0);
	return err;
}

int segment_file_lock_byte(int fd, short type, off_t byte)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

	if (fcntl(fd, F_OFD_SETLK, &l) == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

bool segment_file_locked(int fd, off_t byte)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

	/* when in doubt somebody lives */
	return fcntl(fd, F_OFD_GETLK, &l) < 0 || l.l_type != F_UNLCK;
}
