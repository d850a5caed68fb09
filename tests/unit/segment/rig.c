/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/segment/rig.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

void rig_dir(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	snprintf(rig->dir, sizeof(rig->dir), "/dev/shm/sallyport-test-XXXXXX");
	if (!mkdtemp(rig->dir)) {
		snprintf(rig->dir, sizeof(rig->dir), "/tmp/sallyport-test-XXXXXX");
		if (!mkdtemp(rig->dir)) {
			perror("mkdtemp");
			exit(1);
		}
	}
	rig->cfg = (struct policy_writer_config){
		.segment = {.dir = rig->dir,
			    .name = POLICY_SEGMENT_NAME,
			    .id = 0x1234567890abcdefu,
			    .extent_shift = 20,
			    .span_shift = 12,
			    .group = (gid_t)-1},
		.key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u},
		.facts = 64,
	};
}

void rig_init(struct rig *rig)
{
	enum segment_refusal why;
	int err;

	rig_dir(rig);
	err = policy_writer_create(&rig->w, &rig->cfg, &why);
	if (!err)
		err = policy_writer_publish(rig->w);
	if (!err)
		err = segment_attach(&rig->seg, rig->dir, POLICY_SEGMENT_NAME, POLICY_SEGMENT_ABI, &why);
	if (err) {
		fprintf(stderr, "rig: %s: %s\n", strerror(-err), segment_refusal_text(why));
		exit(1);
	}
}

void rig_fini(struct rig *rig)
{
	if (rig->seg.super)
		segment_close(&rig->seg);
	policy_writer_close(rig->w);
	segment_remove(rig->dir, POLICY_SEGMENT_NAME);
	if (rmdir(rig->dir) < 0)
		fprintf(stderr, "rig: %s was not empty\n", rig->dir);
}

bool rig_small_disk(const char *size, void (*run)(const char *dir))
{
	char dir[] = "/tmp/sallyport-small-XXXXXX", option[32];
	int status;
	pid_t pid;

	if (!mkdtemp(dir)) {
		perror("mkdtemp");
		exit(1);
	}
	snprintf(option, sizeof(option), "size=%s", size);
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount("none", dir, "tmpfs", 0, option) < 0)
			_exit(77);
		run(dir);
		exit(0);
	}
	waitpid(pid, &status, 0);
	rmdir(dir);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		return false;
	if (status != 0) {
		fprintf(stderr, "what was to run on a small disk ended with status 0x%x\n", (unsigned)status);
		exit(1);
	}
	return true;
}

struct policy_name rig_name(const char *text)
{
	return (struct policy_name){text, (uint32_t)strlen(text)};
}

uint64_t rig_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

int rig_put(struct policy_txn *txn, struct policy_writer *w, const char *name, uint8_t type, uint8_t flags,
	    uint8_t mark)
{
	struct policy_domain d = {.type = type, .flags = flags, .limit_class = mark};
	int err;

	for (int i = 0; i < 100000; i++) {
		err = policy_txn_put_domain(txn, rig_name(name), &d, NULL, rig_name(""));
		if (err != -EAGAIN)
			return err;
		policy_writer_step(w, POLICY_WRITER_UNITS);
	}
	return err;
}

int rig_del(struct policy_txn *txn, struct policy_writer *w, const char *name, unsigned slot)
{
	int err;

	for (int i = 0; i < 100000; i++) {
		err = policy_txn_del_domain(txn, rig_name(name), slot);
		if (err != -EAGAIN)
			return err;
		policy_writer_step(w, POLICY_WRITER_UNITS);
	}
	return err;
}

int rig_commit(struct policy_txn *txn, struct policy_writer *w)
{
	int err;

	for (int i = 0; i < 100000; i++) {
		err = policy_txn_commit(txn);
		if (err != -EAGAIN)
			return err;
		policy_writer_step(w, POLICY_WRITER_UNITS);
	}
	return err;
}
