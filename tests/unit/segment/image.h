/* SPDX-License-Identifier: BSD-3-Clause */
/* A finished policy segment on disk that can be damaged, looked at and restored many times. */
#ifndef TESTS_UNIT_SEGMENT_IMAGE_H
#define TESTS_UNIT_SEGMENT_IMAGE_H

#include "tests/unit/segment/rig.h"

enum { IMAGE_FILES = 24 };

struct image {
	struct rig rig;
	unsigned files;
	struct {
		char path[384];
		uint8_t *live; /* the file, mapped */
		uint8_t *copy;
		size_t len;
	} file[IMAGE_FILES];
};

struct image_outcome {
	enum segment_refusal attach, validate, writer;
};

void image_make(struct image *im);
void image_fini(struct image *im);
void image_restore(struct image *im);
/* Attaches, validates, asks everything that a worker asks whatever the verdict was, then lets a writer take
 * over, commit and go. Nothing may crash, hang or read outside. */
struct image_outcome image_exercise(struct image *im);

#endif
