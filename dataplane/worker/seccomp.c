/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WITH_SANITIZER SECCOMP_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(undefined_behavior_sanitizer)
#define WITH_SANITIZER SECCOMP_SANITIZED
#endif
#endif
#ifndef WITH_SANITIZER
#define WITH_SANITIZER 0
#endif

struct rule {
	unsigned nr;
	unsigned when;
};

static const struct rule rules[] = {
#define X(name, when, why) {__NR_##name, SECCOMP_##when},
#include "dataplane/worker/seccomp.def"
#undef X
};

struct program {
	struct sock_filter *to;
	unsigned n, max;
};

static void emit(struct program *p, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	if (p->n < p->max)
		p->to[p->n] = (struct sock_filter){code, jt, jf, k};
	p->n++;
}

static void load(struct program *p, uint32_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offset);
}

static void verdict(struct program *p, uint32_t ret)
{
	emit(p, BPF_RET | BPF_K, 0, 0, ret);
}

/* `nr` with its third argument free of PROT_EXEC */
static void allow_not_executable(struct program *p, uint32_t nr, uint32_t otherwise)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, nr);
	load(p, offsetof(struct seccomp_data, args[2]));
	emit(p, BPF_JMP | BPF_JSET | BPF_K, 1, 0, PROT_EXEC);
	verdict(p, SECCOMP_RET_ALLOW);
	verdict(p, otherwise);
}

unsigned seccomp_program(struct sock_filter *to, unsigned max, unsigned when, uint32_t otherwise)
{
	struct program p = {to, 0, max};
	bool executable_too = when & SECCOMP_SANITIZED;

	load(&p, offsetof(struct seccomp_data, arch));
	emit(&p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, AUDIT_ARCH_X86_64);
	verdict(&p, SECCOMP_RET_KILL_PROCESS);
	load(&p, offsetof(struct seccomp_data, nr));
	/* the x32 numbers: the same calls by another name */
	emit(&p, BPF_JMP | BPF_JGE | BPF_K, 0, 1, 0x40000000);
	verdict(&p, SECCOMP_RET_KILL_PROCESS);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (!(rules[i].when & when))
			continue;
		if ((rules[i].nr == __NR_mmap || rules[i].nr == __NR_mprotect) && !executable_too) {
			allow_not_executable(&p, rules[i].nr, otherwise);
			continue;
		}
		emit(&p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, rules[i].nr);
		verdict(&p, SECCOMP_RET_ALLOW);
	}
	verdict(&p, otherwise);
	return p.n <= p.max ? p.n : 0;
}

/* A process with a port of another kind may have such a call for that; its workers have no use for it either
 * way. */
unsigned seccomp_worker_program(struct sock_filter *to, unsigned max, uint32_t otherwise)
{
	struct program p = {to, 0, max};

	load(&p, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (!(rules[i].when & SECCOMP_COLD))
			continue;
		emit(&p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, rules[i].nr);
		verdict(&p, otherwise);
	}
	verdict(&p, SECCOMP_RET_ALLOW);
	return p.n <= p.max ? p.n : 0;
}

int seccomp_worker(enum boot_seccomp mode)
{
	struct sock_filter code[SECCOMP_PROGRAM_MAX];
	struct sock_fprog program = {.filter = code};

	/* a sanitizer opens files from any thread */
	if (mode == BOOT_SECCOMP_OFF || WITH_SANITIZER)
		return 0;
	program.len = (unsigned short)seccomp_worker_program(
		code, SECCOMP_PROGRAM_MAX,
		mode == BOOT_SECCOMP_KILL ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_LOG);
	/* prctl() and not seccomp(2), which the filter of the process does not have; it is for this thread */
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0ul, 0ul) < 0 ? -errno : 0;
}

int seccomp_install(unsigned when, enum boot_seccomp mode)
{
	struct sock_filter code[SECCOMP_PROGRAM_MAX];
	struct sock_fprog program = {.filter = code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1ul, 0ul, 0ul, 0ul) < 0)
		return -errno;
	if (mode == BOOT_SECCOMP_OFF)
		return 0;
	program.len = (unsigned short)seccomp_program(code, SECCOMP_PROGRAM_MAX, when | WITH_SANITIZER,
						      mode == BOOT_SECCOMP_KILL ? SECCOMP_RET_KILL_PROCESS
										: SECCOMP_RET_LOG);
	if (program.len == 0)
		return -E2BIG;
	/* TSYNC: worker and interrupt threads are there already. A positive answer names a thread that has a
	 * filter of its own, which nothing here installs. */
	switch (syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program)) {
	case 0:
		return 0;
	case -1:
		return -errno;
	default:
		return -ESRCH;
	}
}
