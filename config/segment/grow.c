/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/segment/grow.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "config/segment/file.h"
#include "config/segment/maker.h"

enum { GROW_STEP = 2 << 20 }; /* what may have to be waited for when the writer ends */

static int grow_begin(struct segment *seg, const char *path)
{
	uint64_t extent = 1ull << seg->super->extent_shift;
	struct statvfs fs;
	struct stat st;
	int fd;

	/* one that a writer left half made when it died was never announced */
	unlinkat(seg->dirfd, path, 0);
	/* Others live on this file system, too: not even tried where it cannot fit. Where no limit is set
	 * there are no blocks to count. */
	if (fstatvfs(seg->dirfd, &fs) == 0 && fs.f_blocks && (uint64_t)fs.f_bavail * fs.f_frsize < extent)
		return -ENOSPC;
	fd = segment_file_make(seg->dirfd, path, 0, 0640, (gid_t)-1);
	if (fd < 0)
		return fd;
	/* the readers' group, as on every file of the segment */
	if (fstat(seg->alive_fd, &st) == 0)
		(void)!fchown(fd, (uid_t)-1, st.st_gid);
	seg->grow_fd = fd;
	segment_step(seg);
	return 0;
}

/* 1, 0 not yet, or -errno */
static int grow_memory(struct segment *seg, bool now)
{
	uint64_t extent = 1ull << seg->super->extent_shift;
	uint64_t step = segment_file_round(seg->grow_fd, GROW_STEP);

	if (!seg->maker && !now)
		seg->maker = segment_maker_start(seg->grow_fd, extent, step < extent ? step : extent);
	if (seg->maker)
		return segment_maker_poll(seg->maker);
	/* no thread is to be had: late is better than not at all */
	return fallocate(seg->grow_fd, 0, 0, (off_t)extent) < 0 ? -errno : 1;
}

static void grow_end(struct segment *seg)
{
	segment_maker_stop(seg->maker);
	seg->maker = NULL;
	if (seg->grow_fd >= 0)
		close(seg->grow_fd);
	seg->grow_fd = -1;
}

int segment_grow(struct segment *seg, bool now)
{
	char path[SEGMENT_PATH_MAX];
	int rc = 0;

	if (seg->mapped >= seg->super->extents_max)
		return -ENOSPC;
	segment_file_extent(path, seg->name, seg->id, seg->mapped);
	if (seg->grow_fd < 0)
		rc = grow_begin(seg, path);
	if (!rc)
		rc = grow_memory(seg, now);
	if (rc == 0)
		return 0;
	if (rc > 0)
		rc = segment_map_extent(seg, seg->grow_fd, seg->mapped, NULL);
	grow_end(seg);
	if (rc < 0) {
		unlinkat(seg->dirfd, path, 0);
		return rc;
	}
	segment_step(seg);
	segment_store64(seg, &seg->super->extents, seg->mapped);
	return 1;
}

void segment_grow_stop(struct segment *seg)
{
	char path[SEGMENT_PATH_MAX];

	if (!segment_growing(seg))
		return;
	grow_end(seg);
	segment_file_extent(path, seg->name, seg->id, seg->mapped);
	unlinkat(seg->dirfd, path, 0);
}
