# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What every script shares: where the tree is, how to speak, how to become root of a namespace of one's own.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export ROOT
PROG=${0##*/}

say() { printf '%s: %s\n' "$PROG" "$*" >&2; }
die() {
	say "$*"
	exit 1
}

# 0: this process may make network namespaces (root here, or root of its own user namespace)
can_netns() { [ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null; }

# without root: the same command again, as root of a new user, network and mount namespace
# (its /run is private, so nothing of a lab can outlive it)
rootless_again() {
	can_netns && return 0
	if [ -n "${SALLYPORT_ROOTLESS:-}" ] || ! unshare -Urnm true 2>/dev/null; then
		die "needs root, or user namespaces (kernel.unprivileged_userns_clone=1, on Ubuntu also" \
			"kernel.apparmor_restrict_unprivileged_userns=0): run it as root"
	fi
	SALLYPORT_ROOTLESS=1 exec unshare -Urnm --kill-child --fork bash -c \
		'mount -t tmpfs -o mode=755 sallyport-run /run && ip link set lo up && exec "$@"' rootless "$0" "$@"
}

# the one build folder that a script needs, configured and up to date: build_tree DIR [ninja targets…]
build_tree() {
	local dir=$ROOT/$1 log
	shift
	mkdir -p "$ROOT/build"
	log=$ROOT/build/setup.log
	if [ ! -f "$dir/build.ninja" ]; then
		say "configuring ${dir##*/} (log: $log)"
		meson setup "$dir" "$ROOT" >"$log" 2>&1 || {
			tail -n 20 "$log" >&2
			die "meson setup failed"
		}
	elif [ /var/lib/dpkg/status -nt "$dir/build.ninja" ]; then
		# packages came since: what is optional and was missing then is looked for again
		meson setup --reconfigure "$dir" "$ROOT" >"$log" 2>&1 || {
			tail -n 20 "$log" >&2
			die "meson setup failed"
		}
	fi
	say "building ${dir##*/}"
	ninja -C "$dir" "$@" >"$log" 2>&1 || {
		tail -n 40 "$log" >&2
		die "the build failed (log: $log)"
	}
}
