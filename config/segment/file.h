/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of a segment: names, sizes, locks. Private to config/segment. */
#ifndef CONFIG_SEGMENT_FILE_H
#define CONFIG_SEGMENT_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { SEGMENT_PATH_MAX = 80 };

void segment_file_super(char out[SEGMENT_PATH_MAX], const char *name);
void segment_file_fresh(char out[SEGMENT_PATH_MAX], const char *name, uint64_t id);
void segment_file_lock(char out[SEGMENT_PATH_MAX], const char *name);
void segment_file_readers(char out[SEGMENT_PATH_MAX], const char *name, uint64_t id);
void segment_file_extent(char out[SEGMENT_PATH_MAX], const char *name, uint64_t id, uint32_t n);

/* unlinks every file of the name but those of id `keep` (0: all of them, superblock and lock too) */
int segment_file_sweep(int dirfd, const char *name, uint64_t keep);
/* len rounded up to what the file system can map: 2 MiB and more on hugetlbfs, 4 KiB elsewhere */
uint64_t segment_file_round(int fd, uint64_t len);
/* Gives the regular files whose names begin with `prefix` to a group. 0, or -errno of one that could not be.
 */
int segment_file_give(int dirfd, const char *prefix, gid_t group);
/* creates the file with all of its memory. fd or -errno. */
int segment_file_make(int dirfd, const char *path, uint64_t len, mode_t mode, gid_t group);
/* OFD lock on one byte. 0, -EAGAIN when somebody else has it, or another -errno. */
int segment_file_lock_byte(int fd, short type, off_t byte);
/* would a write lock on that byte conflict with somebody? */
bool segment_file_locked(int fd, off_t byte);

#endif
