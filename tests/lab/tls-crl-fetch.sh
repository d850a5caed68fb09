#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=180
# Revocation lists that control fetches: from where the operator and the certificates of the trust store say, taken when they are
# good, refused with the old one staying when they are not, obeyed at the next handshake, kept over a restart without their server.
# Then lists that nothing but the certificates of partners names, signed by CAs of which the trust store knows nothing.
. "$(dirname "$0")/lib.sh"
need openssl jq python3
for program in "$CONTROL" "$SHELL_BIN"; do [ -x "$program" ] || skip "$program is not built"; done
export LAB_CAPTURE=off
lab_up
C=$LAB_DIR/mine W=$LAB_DIR/www CA=$(dirname "$LAB_CA")
mkdir "$C" "$W"
URL=http://$LAB_DNS4

# ---- an authority that goes on, and its web server ----

printf '[ca]\ndefault_ca = l\n[l]\ndatabase = index.txt\ncrlnumber = crlnumber\ndefault_md = sha256\ndefault_crl_days = 9\n' >"$C/ca.cnf"
: >"$C/index.txt"
list() { # NUMBER OUT [KEY [options]]: what index.txt revokes
	local number=$1 out=$2 who=${3:-ca}
	shift 2
	[ $# = 0 ] || shift
	printf '%s\n' "$number" >"$C/crlnumber"
	(cd "$C" && openssl ca -config ca.cnf -cert "$CA/$who.crt" -keyfile "$CA/$who.key" -gencrl -out work.pem "$@" 2>log &&
		openssl crl -in work.pem -outform DER -out work.der) || fail "no list: $(cat "$C/log")"
	mv "$C/work.der" "$out"
}
revoke() { (cd "$C" && openssl ca -config ca.cnf -cert "$CA/ca.crt" -keyfile "$CA/ca.key" -revoke "$1" 2>log) || fail "$(cat "$C/log")"; }

# an intermediate of the trust store that says where its authority's list is
openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$C/sub.key"
openssl req -new -key "$C/sub.key" -subj "/CN=Sallyport lab sub" -out "$C/sub.csr"
printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\ncrlDistributionPoints=URI:%s/cdp.crl,URI:ldap://x/y\n' \
	"$URL" >"$C/sub.ext"
openssl x509 -req -in "$C/sub.csr" -CA "$CA/ca.crt" -CAkey "$CA/ca.key" -set_serial 4711 -days 30 -extfile "$C/sub.ext" -out "$C/sub.crt" 2>/dev/null
cat "$LAB_CA" "$C/sub.crt" >"$C/trust.pem"

cat >"$C/www.py" <<'PY'
import http.server, os, sys
root = sys.argv[2]
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open(root + "/asked", "a") as asked:
            asked.write(self.path + "\n")
        mode = open(root + "/mode").read().strip() if os.path.exists(root + "/mode") else ""
        if mode == "404":
            return self.send_error(404)
        if mode == "loop" or mode == "https":
            self.send_response(302)
            self.send_header("Location", self.path if mode == "loop" else "https://" + self.headers["Host"] + self.path)
            return self.end_headers()
        if mode == "moved" and not self.path.startswith("/there/"):
            self.send_response(301)
            self.send_header("Location", "/there" + self.path)
            return self.end_headers()
        name = root + "/" + os.path.basename(self.path)
        if not os.path.exists(name):
            return self.send_error(404)
        body = open(name, "rb").read()
        self.send_response(200)
        if mode == "oversize":
            self.send_header("Content-Length", str(1 << 30))
        elif mode == "cut":
            self.send_header("Content-Length", str(len(body) + 10))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a):
        pass
http.server.ThreadingHTTPServer((sys.argv[1], 80), Answer).serve_forever()
PY
web_start() {
	ip netns exec "$LAB-inet" python3 "$C/www.py" "$LAB_DNS4" "$W" >"$LAB_LOG/www.log" 2>&1 &
	WEB=$!
	eventually 5 lab_in inet bash -c "exec 3<>/dev/tcp/$LAB_DNS4/80" || fail "no web server"
}
web_stop() { # nobody answers after that
	kill "$WEB"
	wait "$WEB" 2>/dev/null || true
	refuse "the web server lives on" lab_in inet bash -c "exec 3<>/dev/tcp/$LAB_DNS4/80"
}

crl() { lab_shell -j show crls | jq -r --arg u "$URL/$1" ".rows[] | select(.url==\$u) | .$2"; }
number() { [ "$(crl "$1" number)" = "$(printf %040x "$2")" ] && [ "$(crl "$1" state)" = good ]; }
anew() { kill -HUP "$(control_pid)"; }
handshakes() { # CERT: does the box take it? 1.2, where the client hears of it before it has finished
	local crt=LAB_CERT_$1 key=LAB_KEY_$1
	talk 'Verify return code: |alert' lab_in partner timeout 10 openssl s_client -connect "$LAB_BOX_EXT4:5061" -CAfile "$LAB_CA" -tls1_2 \
		-cert "${!crt}" -key "${!key}" -no_ticket </dev/null >"$C/talk"
	! grep -q 'alert' "$C/talk" && grep -q 'Verify return code: 0' "$C/talk"
}
refused() { ! handshakes "$1"; }

list 0a "$W/root.crl"
web_start
# the lab's policy, without the file that has all lists
eval "$(declare -f lab_policy | sed '1s/lab_policy/lab_policy_all/')"
lab_policy() { lab_policy_all | sed "s| crl $LAB_CRL||; s|ca $LAB_CA|ca $C/trust.pem|"; }
export LAB_POLICY_EXTRA="set trust lab crl-url $URL/root.crl"

step "a list comes from where the operator says; one that a certificate names is not there yet"
lab_box_start 1
eventually 5 number root.crl 10 || fail "no list: $(lab_shell show crls)"
[[ $(crl cdp.crl error) = *404* ]] || fail "the list of the intermediate: $(lab_shell show crls)"
grep -q ldap <<<"$(lab_shell show crls)" || fail "ldap is not said to be left out"
[ "$(stat -c %a "$LAB_DIR"/store/crl/* | sort -u)" = 600 ] || fail "the lists are open"
expect "the firewall's list has it" grep -q "$LAB_DNS4:80" <<<"$(lab_shell show firewall)"
expect "who is not revoked yet comes in" handshakes REVOKED

step "the list that the intermediate names comes, and is obeyed"
revoke "$LAB_CERT_REVOKED"
list 0b "$W/cdp.crl"
anew
eventually 5 number cdp.crl 11 || fail "no list: $(lab_shell show crls)"
eventually 5 refused REVOKED || fail "a revoked partner comes in: $(cat "$C/talk")"
expect "another one comes in" handshakes PARTNER

step "what is not good is refused, and the one before stays"
bad() { # WHAT REASON
	anew
	says() { [[ $(crl cdp.crl error) = *"$1"* ]]; }
	eventually 5 says "$2" || fail "$1: $(lab_shell show crls)"
	number cdp.crl 11 || fail "$1 replaced the list: $(lab_shell show crls)"
}
cp "$W/cdp.crl" "$C/good"
for mode in 404:404 loop:redirect https:http oversize:large cut:early; do
	echo "${mode%:*}" >"$W/mode"
	bad "${mode%:*}" "${mode#*:}"
done
rm "$W/mode"
{
	printf '\1' # 0x30 would begin DER
	head -c 3000 /dev/urandom
} >"$W/cdp.crl"
bad garbage "neither DER nor PEM"
head -c 100 "$C/good" >"$W/cdp.crl"
bad "half a list" damaged
list 0c "$W/cdp.crl" other-ca
bad "another authority's" "none of the trusted"
list 09 "$W/cdp.crl"
bad "an older one" below
python3 -c 'import sys; b = bytearray(open(sys.argv[1], "rb").read()); b[-1] ^= 1; open(sys.argv[2], "wb").write(b)' "$C/good" "$W/cdp.crl"
bad "a forged one" signature
expect "still refused" refused REVOKED
grep -q 'is not taken' <<<"$(lab_shell show events)" || fail "no event"

step "a restart without the server, and without a network, has them"
web_stop
lab_control_kill
lab_control_start
expect "both lists" eval 'eventually 5 number cdp.crl 11 && number root.crl 10'
expect "obeyed" refused REVOKED

step "the server is back: the next list comes, over a redirect; and one as PEM"
web_start
: >"$C/index.txt"
revoke "$LAB_CERT_PARTNER"
list 0c "$W/cdp.crl"
list 0b "$W/root.crl"
openssl crl -inform DER -in "$W/root.crl" -out "$C/pem" && mv "$C/pem" "$W/root.crl"
echo moved >"$W/mode"
anew
eventually 5 number cdp.crl 12 || fail "no newer list: $(lab_shell show crls)"
eventually 5 number root.crl 11 || fail "no list from PEM: $(lab_shell show crls)"
eventually 5 refused PARTNER || fail "the newer list is not obeyed"
eventually 5 handshakes REVOKED || fail "the older list is still obeyed"

# ---- what nothing but the certificates of partners names ----

below() { # NAME ISSUER ISSUER_KEY KIND URL: a CA or a partner below somebody
	openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$C/$1.key"
	openssl req -new -key "$C/$1.key" -subj "/CN=$1" -out "$C/$1.csr"
	case $4 in
	ca) printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n' ;;
	*) printf 'subjectAltName=DNS:sip.fabrikam.test\n' ;;
	esac >"$C/$1.ext"
	printf 'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\ncrlDistributionPoints=URI:%s\n' "$5" >>"$C/$1.ext"
	openssl x509 -req -in "$C/$1.csr" -CA "$2" -CAkey "$3" -set_serial "0x$(openssl rand -hex 8 | sed 's/^./1/')" -days 30 -extfile "$C/$1.ext" \
		-out "$C/$1.crt" 2>/dev/null
}
mid_list() { # CA NUMBER OUT [REVOKED]
	printf '[ca]\ndefault_ca = l\n[l]\ndatabase = %s.txt\ncrlnumber = %s.number\ndefault_md = sha256\ndefault_crl_days = 9\n' "$1" "$1" >"$C/$1.cnf"
	: >"$C/$1.txt"
	printf '%s\n' "$2" >"$C/$1.number"
	(cd "$C" && { [ $# = 3 ] || openssl ca -config "$1.cnf" -cert "$1.crt" -keyfile "$1.key" -revoke "$4.crt"; } &&
		openssl ca -config "$1.cnf" -cert "$1.crt" -keyfile "$1.key" -gencrl -out "$1.pem" && openssl crl -in "$1.pem" -outform DER -out "$1.der") \
		2>"$C/log" || fail "no list of $1: $(cat "$C/log")"
	mv "$C/$1.der" "$3"
}
comes() { # NAME CA: does a partner below this CA come in?
	talk 'Verify return code: |alert' lab_in partner timeout 10 openssl s_client -connect "$LAB_BOX_EXT4:5061" -CAfile "$LAB_CA" -tls1_2 \
		-cert "$C/$1.crt" -key "$C/$1.key" -cert_chain "$C/$2.crt" -no_ticket </dev/null >"$C/talk"
	! grep -q 'alert' "$C/talk" && grep -q 'Verify return code: 0' "$C/talk"
}
turned_away() { ! comes "$@"; }
of_root=("$CA/ca.crt" "$CA/ca.key")
below mid "${of_root[@]}" ca "$URL/root.crl"
below late "${of_root[@]}" ca "$URL/root.crl"
below sly "$C/mid.crt" "$C/mid.key" partner "$URL/mid.crl"
below fine "$C/mid.crt" "$C/mid.key" partner "$URL/mid.crl"
below tardy "$C/late.crt" "$C/late.key" partner "$URL/late.crl"
below inward "$C/mid.crt" "$C/mid.key" partner http://127.0.0.1/inward.crl
below elsewhere "$C/mid.crt" "$C/mid.key" partner "$URL:8080/elsewhere.crl"
below aside "$CA/other-ca.crt" "$CA/other-ca.key" ca "$URL/outsider.crl"
below outsider "$C/aside.crt" "$C/aside.key" partner "$URL/outsider.crl"
rm -f "$W/mode"

step "a list that a partner's certificate names alone, of a CA below the trusted one: learned, fetched, obeyed"
mid_list mid 01 "$W/mid.crl" sly
expect "who is not known to be revoked comes in" comes sly mid
eventually 5 number mid.crl 1 || fail "no list: $(lab_shell show crls)"
eventually 5 turned_away sly mid || fail "a revoked partner comes in: $(lab_shell show crls)"
expect "another one of this CA comes in" comes fine mid
[[ $(crl mid.crl learned_from) = CN=sly ]] || fail "learned from: $(lab_shell show crls)"
grep -q 'learned from CN=sly' <<<"$(lab_shell show crls)" || fail "show crls does not say from where"
grep -q 'named by the certificate of CN=sly' <<<"$(lab_shell show events)" || fail "no event: $(lab_shell show events)"

step "outsiders and inner addresses: nothing is asked for what they name"
refuse "an outsider comes in" comes outsider aside
expect "inward" comes inward mid
expect "elsewhere" comes elsewhere mid
inward() { [[ $(lab_shell -j show crls | jq -r '.rows[] | select(.url=="http://127.0.0.1/inward.crl") | .error') = *loopback* ]]; }
eventually 5 inward || fail "the loopback address is not refused: $(lab_shell show crls)"
refuse "another port is learned" grep -q 8080 <<<"$(lab_shell show crls)"
refuse "an outsider's list is fetched" grep -q outsider "$W/asked"
refuse "and shown" grep -q outsider <<<"$(lab_shell show crls)"

step "where a list is required: not before it is there"
mid_list late 01 "$W/late.crl"
worlds() { box_log | grep -c 'tls: generation'; }
before=$(worlds)
expect "required" lab_shell set tls-profile outside revocation crl-required
status=0
lab_shell commit >/dev/null || status=$?
[ $status = 0 ] || [ $status = 2 ] || fail "no commit"
# a handshake under the profile before would let him in, and have his list fetched: from then on nobody is turned away
another_world() { [ "$(worlds)" -gt "$before" ]; }
eventually 5 another_world || fail "the profile is not in force: $(box_log)"
refuse "no list, and yet he comes in" comes tardy late
eventually 8 comes tardy late || fail "the list has come, and he does not: $(lab_shell show crls) $(cat "$C/talk")"
expect "the other CA's" comes fine mid
expect "still revoked" turned_away sly mid

step "both die, and begin again without the server: what was learned is known"
web_stop
lab_control_kill
kill -KILL "$(box_pid)"
eventually 5 test -e "$LAB_DIR/exit"
rm -f "$LAB_DIR/exit" "$LAB_DIR/dataplane.pid"
lab_start 1
lab_control_start
eventually 10 box_listens || fail "the box does not listen"
expect "they are there" eval 'eventually 5 number mid.crl 1 && number late.crl 1'
eventually 10 comes fine mid || fail "he is not let in: $(cat "$C/talk")"
expect "revoked" turned_away sly mid
expect "the later one" comes tardy late
web_start

step "nobody names them any more: they go"
expect "switched off" lab_shell set trust lab crl-fetch no
expect "nobody asks for lists" lab_shell set tls-profile outside revocation crl
status=0
lab_shell commit >/dev/null || status=$?
[ $status = 0 ] || [ $status = 2 ] || fail "no commit"
none() { [ -z "$(lab_shell show crls)" ] && [ -z "$(ls "$LAB_DIR/store/crl")" ]; }
eventually 5 none || fail "they stay: $(lab_shell show crls) $(ls "$LAB_DIR/store/crl")"
eventually 5 handshakes PARTNER || fail "a list that nobody names is obeyed"
refuse "https" lab_shell set trust lab crl-url https://crl.contoso.test/x
web_stop
