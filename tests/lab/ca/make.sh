#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# make.sh DIR: a test CA and a certificate for every party of the lab, the good ones and every bad one that an edge must meet.
# DIR/NAME.{key,crt,chain}: key, certificate, and certificate with its intermediates in the order in which TLS sends them.
# DIR/ca.crt is the root that all sides trust, DIR/other-ca.crt one that nobody trusts, DIR/ca.crl revokes "revoked".
set -euo pipefail

dir=${1:?make.sh DIR}
mkdir -p "$dir/work"
cd "$dir"
umask 022
: >work/index.txt
echo 1000 >work/serial
echo 01 >work/crlnumber

day() { date -u -d "$1" +%Y%m%d%H%M%SZ; }
start=$(day '-2 days')
end=$(day '+60 days')

cat >work/ca.cnf <<'CNF'
[ca]
default_ca = lab
[lab]
new_certs_dir = work
database = work/index.txt
serial = work/serial
crlnumber = work/crlnumber
default_md = sha256
default_crl_days = 60
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = optional
organizationName = optional
[req]
distinguished_name = dn
prompt = no
[dn]
CNF

key() { # NAME KIND
	case $2 in
	ec) openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" ;;
	ec384) openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$1.key" ;;
	rsa*) openssl genpkey -quiet -algorithm RSA -pkeyopt "rsa_keygen_bits:${2#rsa}" -out "$1.key" ;;
	ed25519) openssl genpkey -quiet -algorithm ed25519 -out "$1.key" ;;
	esac 2>/dev/null
}

# sign NAME SUBJECT ISSUER START END < extensions (ISSUER "self": by its own key)
sign() {
	local name=$1 subject=$2 issuer=$3 from=$4 to=$5
	{
		echo '[ext]'
		cat
	} >"work/$name.ext"
	openssl req -new -key "$name.key" -subj "$subject" -config work/ca.cnf -out "work/$name.csr"
	local by=(-cert "$issuer.crt" -keyfile "$issuer.key")
	[ "$issuer" != self ] || by=(-selfsign -keyfile "$name.key")
	openssl ca -batch -notext -config work/ca.cnf "${by[@]}" -in "work/$name.csr" -startdate "$from" -enddate "$to" \
		-extfile "work/$name.ext" -extensions ext -out "$name.crt" 2>work/log || {
		cat work/log >&2
		return 1
	}
}

authority() { # NAME CN ISSUER KIND
	key "$1" "$4"
	sign "$1" "/O=Sallyport lab/CN=$2" "$3" "$start" "$end" <<'EXT'
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
EXT
}

# leaf NAME CN SAN EKU [ISSUER [KIND [START [END]]]]; "-" leaves a thing out
leaf() {
	local name=$1 cn=$2 san=$3 eku=$4 issuer=${5:-ca} kind=${6:-ec} subject='/O=Sallyport lab'
	[ "$cn" = - ] || subject+="/CN=$cn"
	key "$name" "$kind"
	{
		echo 'basicConstraints = critical, CA:FALSE'
		echo 'keyUsage = critical, digitalSignature'
		echo 'subjectKeyIdentifier = hash'
		[ "$eku" = - ] || echo "extendedKeyUsage = $eku"
		[ "$san" = - ] || echo "subjectAltName = $san"
	} | sign "$name" "$subject" "$issuer" "${7:-$start}" "${8:-$end}"
	cp "$name.crt" "$name.chain"
}

authority ca 'Sallyport lab root' self ec
authority other-ca 'Some other root' self ec
cp ca.crt ca.chain
cp other-ca.crt other-ca.chain
both=serverAuth,clientAuth

# our own: the public face (server and client slot, one with RSA), and the pool inside
leaf edge-server sip.contoso.test DNS:sip.contoso.test,DNS:contoso.test serverAuth
leaf edge-client sip.contoso.test DNS:sip.contoso.test,DNS:contoso.test "$both"
leaf edge-rsa sip.contoso.test DNS:sip.contoso.test,DNS:contoso.test "$both" ca rsa2048
leaf edge-internal edge.inside.contoso.test DNS:edge.inside.contoso.test "$both"
leaf inside pool.inside.contoso.test DNS:pool.inside.contoso.test,DNS:fe01.inside.contoso.test "$both"

# the others who are what they say
leaf partner sip.fabrikam.test DNS:sip.fabrikam.test,DNS:fabrikam.test "$both"
leaf partner-rsa sip.fabrikam.test DNS:sip.fabrikam.test,DNS:fabrikam.test "$both" ca rsa2048
leaf discovered sip.litware.test DNS:sip.litware.test,DNS:litware.test "$both"
leaf blocked sip.blocked.test DNS:sip.blocked.test,DNS:blocked.test "$both"
leaf provider edge.provider.test DNS:edge.provider.test,DNS:provider.test "$both"

# odd, but seen in the world
leaf server-only sip.fabrikam.test DNS:sip.fabrikam.test,DNS:fabrikam.test serverAuth
leaf client-only sip.fabrikam.test DNS:sip.fabrikam.test,DNS:fabrikam.test clientAuth
leaf no-eku sip.fabrikam.test DNS:sip.fabrikam.test,DNS:fabrikam.test -
leaf san-uri - URI:sip:fabrikam.test,DNS:sip.fabrikam.test "$both"
leaf uri-only - URI:sip:fabrikam.test "$both"
leaf cn-only sip.fabrikam.test - "$both"
leaf wildcard '*.fabrikam.test' 'DNS:*.fabrikam.test' "$both"
leaf many-names - "$(for i in $(seq 1 100); do printf 'DNS:d%03d.hosted.test,' "$i"; done)DNS:sip.fabrikam.test" "$both"
leaf p384 sip.fabrikam.test DNS:sip.fabrikam.test,DNS:fabrikam.test "$both" ca ec384

# those who must not get in
leaf wrong-name sip.adventure.test DNS:sip.adventure.test "$both"
leaf expired sip.fabrikam.test DNS:sip.fabrikam.test,DNS:fabrikam.test "$both" ca ec "$(day '-400 days')" "$(day '-2 days')"
leaf not-yet sip.fabrikam.test DNS:sip.fabrikam.test,DNS:fabrikam.test "$both" ca ec "$(day '+30 days')" "$(day '+60 days')"
leaf wrong-ca sip.fabrikam.test DNS:sip.fabrikam.test,DNS:fabrikam.test "$both" other-ca
leaf self-signed sip.fabrikam.test DNS:sip.fabrikam.test,DNS:fabrikam.test "$both" self
leaf code-signing sip.fabrikam.test DNS:sip.fabrikam.test,DNS:fabrikam.test codeSigning
leaf revoked sip.fabrikam.test DNS:sip.fabrikam.test,DNS:fabrikam.test "$both"
# signed by a certificate that may not sign
leaf not-a-ca sip.fabrikam.test DNS:sip.fabrikam.test,DNS:fabrikam.test "$both" partner
cat not-a-ca.crt partner.crt >not-a-ca.chain
leaf weak sip.fabrikam.test DNS:sip.fabrikam.test,DNS:fabrikam.test "$both" ca rsa1024

# four certificates with RSA-4096 keys: a handshake that does not fit into one flight of a small window
authority big1 'Sallyport lab big 1' ca rsa4096
authority big2 'Sallyport lab big 2' big1 rsa4096
authority big3 'Sallyport lab big 3' big2 rsa4096
leaf chain4 sip.fabrikam.test DNS:sip.fabrikam.test,DNS:fabrikam.test "$both" big3 rsa4096
cat chain4.crt big3.crt big2.crt big1.crt >chain4.chain

# a key that belongs to no certificate here, and a pair cut in half while it was written
key stray ec
head -c 200 edge-server.crt >half.crt
cp edge-server.key half.key

openssl ca -config work/ca.cnf -cert ca.crt -keyfile ca.key -revoke revoked.crt 2>work/log
openssl ca -config work/ca.cnf -cert ca.crt -keyfile ca.key -gencrl -out ca.crl 2>work/log
rm -rf work
# it is a lab: foreign daemons run under all sorts of users
chmod 644 ./*.key
