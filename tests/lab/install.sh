#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What is installed is whole: programs that run, man pages without a complaint, completion, units that systemd understands.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
need meson
dest=$(mktemp -d /tmp/sallyport-install-XXXXXX)
trap 'rm -rf "$dest"' EXIT
expect "it installs" env DESTDIR="$dest" meson install -C "$SALLYPORT_BUILD" --no-rebuild
prefix=$dest$(meson introspect "$SALLYPORT_BUILD" --buildoptions | python3 -c '
import json, sys
print(next(o["value"] for o in json.load(sys.stdin) if o["name"] == "prefix"))')

step "programs"
for program in sallyport sallyport-control sallyport-dataplane; do
	expect "$program says its version" "$prefix/bin/$program" --version
done

step "man pages"
for page in man1/sallyport.1 man5/sallyport.conf.5 man8/sallyport-control.8 man8/sallyport-dataplane.8; do
	[ -s "$prefix/share/man/$page" ] || fail "$page is not there"
	! command -v man >/dev/null || {
		out=$(LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 "$prefix/share/man/$page" 2>&1 >/dev/null) || true
		[ -z "$out" ] || fail "$page: $out"
	}
done
for words in 'commit confirmed' 'import lync' explain; do
	grep -q "$words" "$prefix/share/man/man1/sallyport.1" || fail "sallyport(1) does not know $words"
done
for daemon in control dataplane; do
	page=$(sed 's/\\-/-/g' "$prefix/share/man/man8/sallyport-$daemon.8")
	for option in $("$prefix/bin/sallyport-$daemon" --help | grep -oE -- '--[a-z]+' | sort -u); do
		grep -qF -- "$option" <<<"$page" || fail "sallyport-$daemon(8) does not know $option"
	done
done

step "completion"
got=$(PATH=$prefix/bin:$PATH bash -c '
	. "$1"
	COMP_WORDS=(sallyport show conf) COMP_CWORD=2 COMP_LINE="sallyport show conf" COMP_POINT=19
	$(complete -p sallyport | sed -E "s/.*-F ([^ ]+) .*/\\1/")
	echo "${COMPREPLY[@]}"' _ "$prefix/share/bash-completion/completions/sallyport.bash")
[ "${got% }" = configuration ] || fail "'sallyport show conf' + TAB gives '$got'"

step "examples and units"
for conf in minimal lync cisco; do
	expect "$conf.conf is fit" "$prefix/bin/sallyport" check "$prefix/share/doc/sallyport/examples/$conf.conf" no-files
done
for unit in sallyport-control sallyport-dataplane; do
	file=$prefix/lib/systemd/system/$unit.service
	[ -s "$file" ] || fail "$unit.service is not there"
	command -v systemd-analyze >/dev/null || continue
	# the programs are where DESTDIR put them
	sed "s,=${prefix#"$dest"}/,=$prefix/," "$file" >"$dest/$unit.service"
done
if command -v systemd-analyze >/dev/null; then
	out=$(systemd-analyze verify "$dest"/*.service 2>&1) || fail "$out"
	! grep -qF "$dest" <<<"$out" || fail "$out"
fi
