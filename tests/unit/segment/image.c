/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/segment/image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/policy/fact.h"
#include "config/policy/overlay.h"
#include "config/policy/writer_internal.h"

enum { NAMES = 300 };

static void die(const char *what)
{
	fprintf(stderr, "image: %s\n", what);
	abort();
}

static void name_of(char out[64], unsigned i)
{
	snprintf(out, 64, i % 2 ? "partner%u.example.org" : "p%u.com", i);
}

static void fill(struct policy_writer *w)
{
	struct {
		struct policy_partner p;
		char text[16];
	} partner = {{.size = sizeof(partner), .proxy_fqdn = {sizeof(partner.p), 11}}, "sip.p.co.uk"};
	struct {
		struct policy_own_domain d;
		char text[12];
	} own = {{.size = sizeof(own), .name = {sizeof(own.d), 11}}, "contoso.com"};
	struct policy_box box = {.size = sizeof(box), .flags = POLICY_BOX_FEDERATION};
	struct policy_dns dns = {.kind = POLICY_DNS_FEDERATION, .state = POLICY_DNS_OK, .expires_ns = 5};
	struct policy_txn *txn = policy_txn_begin(w, true);
	struct policy_overlay *o;
	const void *records[1];
	char text[64];
	int err;

	for (unsigned i = 0; i < NAMES; i++) {
		struct policy_domain d = {.type = i % 5 ? POLICY_DOMAIN_ALLOWED : POLICY_DOMAIN_SERVER,
					  .flags = i % 3 ? POLICY_DOMAIN_SUBTREE : 0};

		name_of(text, i);
		while ((err = policy_txn_put_domain(txn, rig_name(text), &d, i % 5 ? NULL : &partner.p,
						    rig_name(i % 7 ? "" : "a comment"))) == -EAGAIN)
			policy_writer_step(w, POLICY_WRITER_UNITS);
		if (err)
			die("put");
	}
	for (unsigned i = 0; i < 40; i++) {
		struct policy_address a = {rig_name("alice"), rig_name(text)};

		name_of(text, i);
		a.domain = rig_name(text);
		while ((err = policy_txn_put_user(txn, a, &(struct policy_user){.site = 3},
						  rig_name("a@b.example"))) == -EAGAIN)
			policy_writer_step(w, POLICY_WRITER_UNITS);
		if (err)
			die("user");
	}
	records[0] = &own;
	if (policy_txn_small(txn, POLICY_SMALL_OWN_DOMAINS, records, 1) < 0)
		die("own domain");
	records[0] = &box;
	if (policy_txn_small(txn, POLICY_SMALL_BOX, records, 1) < 0)
		die("box");
	if (rig_commit(txn, w) < 0 || policy_writer_settle(w, 25000) < 0)
		die("commit");
	if (policy_fact_put_dns(w, rig_name("p0.com"), &dns, 3) < 0)
		die("fact");
	o = policy_overlay_begin(w, 4, 4, &err);
	if (!o || policy_overlay_domain(o, rig_name("p2.com"), 0, NULL, NULL) < 0 ||
	    policy_overlay_publish(o) < 0)
		die("overlay");
}

void image_make(struct image *im)
{
	enum segment_refusal why;
	struct dirent *e;
	char path[384];
	DIR *dir;

	memset(im, 0, sizeof(*im));
	rig_dir(&im->rig);
	im->rig.cfg.segment.extent_shift = 16;
	im->rig.cfg.facts = 8;
	if (policy_writer_create(&im->rig.w, &im->rig.cfg, &why) < 0 || policy_writer_publish(im->rig.w) < 0)
		die(segment_refusal_text(why));
	fill(im->rig.w);
	/* as if killed: the candidate stays */
	im->rig.w->shadow_owned.n = 0;
	policy_writer_close(im->rig.w);
	im->rig.w = NULL;
	dir = opendir(im->rig.dir);
	while (dir && (e = readdir(dir))) {
		struct stat st;
		int fd;

		if (e->d_name[0] == '.' || im->files == IMAGE_FILES)
			continue;
		snprintf(path, sizeof(path), "%s/%s", im->rig.dir, e->d_name);
		memcpy(im->file[im->files].path, path, sizeof(path));
		fd = open(path, O_RDWR);
		if (fd < 0 || fstat(fd, &st) < 0)
			die("open");
		if (st.st_size > 0) {
			unsigned n = im->files++;

			im->file[n].len = (size_t)st.st_size;
			im->file[n].live =
				mmap(NULL, im->file[n].len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
			im->file[n].copy = malloc(im->file[n].len);
			if (im->file[n].live == MAP_FAILED || !im->file[n].copy)
				die("memory");
			memcpy(im->file[n].copy, im->file[n].live, im->file[n].len);
		}
		close(fd);
	}
	closedir(dir);
	if (im->files < 3)
		die("files");
}

void image_restore(struct image *im)
{
	for (unsigned i = 0; i < im->files; i++) {
		if (truncate(im->file[i].path, (off_t)im->file[i].len) < 0)
			die("restore");
		memcpy(im->file[i].live, im->file[i].copy, im->file[i].len);
	}
}

void image_fini(struct image *im)
{
	for (unsigned i = 0; i < im->files; i++) {
		munmap(im->file[i].live, im->file[i].len);
		free(im->file[i].copy);
	}
	segment_remove(im->rig.dir, POLICY_SEGMENT_NAME);
	rmdir(im->rig.dir);
}

static int count_names(void *arg, struct policy_name name, const struct policy_domain *entry)
{
	unsigned *n = arg;

	/* reads every byte that it was given */
	for (uint32_t i = 0; i < name.len; i++)
		*n += (uint8_t)name.ptr[i];
	*n += entry->type;
	return 0;
}

static unsigned ask(const struct policy_view *view)
{
	static char text[POLICY_BURST][64];
	struct policy_name names[POLICY_BURST];
	struct policy_hit hits[POLICY_BURST];
	struct policy_address a[2] = {{rig_name("alice"), rig_name("p0.com")},
				      {rig_name("bob"), rig_name("partner1.example.org")}};
	const struct policy_user *users[2];
	const struct policy_dns *dns;
	unsigned sum = 0;

	for (unsigned i = 0; i < NAMES + POLICY_BURST; i += POLICY_BURST) {
		for (unsigned k = 0; k < POLICY_BURST; k++) {
			name_of(text[k], i + k);
			names[k] = rig_name(text[k]);
		}
		view->ops->domains(view, names, POLICY_BURST, hits);
		for (unsigned k = 0; k < POLICY_BURST; k++) {
			const struct policy_domain *d = hits[k].allow.entry;
			const struct policy_partner *p = d ? view->ops->partner(view, d->partner) : NULL;

			sum += d ? d->type + policy_view_string(view, d->comment).len : 0;
			if (p) {
				struct policy_name fqdn = policy_str_get(p, p->size, p->proxy_fqdn);

				for (uint32_t n = 0; n < fqdn.len; n++)
					sum += (uint8_t)fqdn.ptr[n];
			}
		}
	}
	view->ops->users(view, a, 2, users);
	sum += users[0] ? users[0]->site : 0;
	dns = view->ops->dns(view, rig_name("p0.com"), POLICY_DNS_FEDERATION, NULL);
	sum += dns ? dns->state : 0;
	sum += view->ops->own_domain(view, rig_name("contoso.com")) != NULL;
	sum += view->ops->route_by_name(view, rig_name("a.b.c"), 0) != NULL;
	sum += view->ops->provider(view, 1) != NULL;
	sum += view->box->flags;
	policy_view_domains_each(view, count_names, &sum);
	return sum;
}

static void read_all(struct image *im, struct image_outcome *out)
{
	const struct policy_view *view;
	struct policy_reader r;
	struct segment seg;

	if (segment_attach(&seg, im->rig.dir, POLICY_SEGMENT_NAME, POLICY_SEGMENT_ABI, &out->attach) < 0)
		return;
	out->validate = policy_reader_validate(&seg, 1);
	policy_reader_init(&r, &seg, 0);
	view = policy_reader_wake(&r);
	if (view) {
		volatile unsigned sink = ask(view);

		view = policy_reader_shadow(&r);
		if (view)
			sink += ask(view);
		(void)sink;
	}
	policy_reader_sleep(&r);
	segment_close(&seg);
}

static void write_some(struct image *im, struct image_outcome *out)
{
	struct policy_txn *txn;
	struct policy_writer *w;
	int err;

	err = policy_writer_open(&w, &im->rig.cfg, &out->writer);
	if (err)
		return;
	txn = policy_txn_begin(w, true);
	for (unsigned i = 0; txn && i < 40; i++) {
		char text[64];

		name_of(text, i * 7);
		if (i % 2)
			(void)policy_txn_put_domain(txn, rig_name(text),
						    &(struct policy_domain){.type = POLICY_DOMAIN_ALLOWED},
						    NULL, rig_name(""));
		else
			(void)policy_txn_del_domain(txn, rig_name(text), 0);
		policy_writer_step(w, POLICY_WRITER_UNITS);
	}
	if (txn && policy_txn_commit(txn) < 0)
		policy_txn_abort(txn);
	for (unsigned i = 0; i < 40; i++)
		policy_writer_step(w, POLICY_WRITER_UNITS);
	policy_writer_close(w);
}

struct image_outcome image_exercise(struct image *im)
{
	struct image_outcome out = {SEGMENT_REFUSED_none, SEGMENT_REFUSED_none, SEGMENT_REFUSED_none};
	char path[192];

	read_all(im, &out);
	write_some(im, &out);
	/* what the writer added goes: an image has the extents that it was made with */
	for (unsigned n = im->files - 2; n < IMAGE_FILES + 8; n++) {
		snprintf(path, sizeof(path), "%s/%s.%016llx.%03u", im->rig.dir, POLICY_SEGMENT_NAME,
			 (unsigned long long)im->rig.cfg.segment.id, n);
		if (unlink(path) < 0)
			break;
	}
	return out;
}
