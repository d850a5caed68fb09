/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of shelf.h: what reading its files and its lists share. */
#ifndef CONTROLPLANE_SECRET_SHELF_INSIDE_H
#define CONTROLPLANE_SECRET_SHELF_INSIDE_H

#include <sys/types.h>

#include "controlplane/secret/shelf.h"

enum {
	SHELF_PAIR_FILE_MAX = 1 << 20,
	SHELF_TRUST_FILE_MAX = 64 << 20,
};

struct shelf_loading {
	const struct vault *vault;
	const struct shelf *old;
	struct shelf *s;
	int64_t now;
	shelf_report_fn report;
	void *ctx;
	struct schema_object o;
	int r;
};

/* the content of one file, wiped when it goes */
struct shelf_content {
	char *p;
	size_t n, cap;
};

/* says it; -EINVAL */
int shelf_problem(struct shelf_item *it, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* appends the file; one that grows or shrinks meanwhile shows in its PEM. 0 or -EINVAL, said */
int shelf_content_read(struct shelf_item *it, const char *path, size_t max, struct shelf_content *c,
		       mode_t *mode);
/* wipes */
void shelf_content_fini(struct shelf_content *c);
/* what tells that a file is another one now, on top of `sum` */
uint64_t shelf_state_of(const char *path, uint64_t sum);

/* ---- shelf_list.c ---- */

/* what says where its lists are, besides its files */
uint64_t shelf_list_named(struct shelf_loading *l, const struct shelf_item *it, uint64_t sum);
uint64_t shelf_list_state(const struct shelf_loading *l, const struct shelf_item *it, uint64_t sum);
/* what peers' certificates have named; NULL: nothing, or nobody wants it. The caller frees. */
struct crl_points *shelf_list_points(struct shelf_loading *l, const struct shelf_item *it);
/* fills it->list; 0 or -EINVAL, said */
int shelf_list_find(struct shelf_loading *l, struct shelf_item *it, const struct shelf_content *ca,
		    const struct crl_points *points);
/* behind the files' lists, those that were fetched and that these CAs, or those below them, have signed */
void shelf_list_add(struct shelf_loading *l, struct shelf_item *it, const struct shelf_content *ca,
		    struct shelf_content *crl, const struct crl_points *points);

#endif
