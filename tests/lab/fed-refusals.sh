#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# test: release timeout=400
# Every refusal of the federation rules as a peer sees it: the status on the wire, ms-diagnostics (inside always, outside only with the
# switch), the reason in the events, and what explain says of the same facts. One row a refusal; the peers are raw sockets.
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/foreign/foreign.sh
. "$(dirname "$0")/foreign/foreign.sh"
need python3 unbound
export LAB_CAPTURE=off
export FOREIGN_DNS_EXTRA='local-data: "_sipfederationtls._tcp.elsewhere.test. 300 IN SRV 0 0 5061 sip.fabrikam.test."
	local-data: "_sipfederationtls._tcp.hosted.test. 300 IN SRV 0 0 5061 edge.provider.test."
	local-data: "_sipfederationtls._tcp.homeless.test. 300 IN SRV 0 0 5061 sip.homeless.test."
	local-data: "_sipfederationtls._tcp.dead.test. 300 IN SRV 0 0 5999 sip.dead.test."
	local-data: "sip.dead.test. 300 IN A '"198.18.1.10"'"
	local-data: "_sipfederationtls._tcp.strange.test. 300 IN SRV 0 0 5561 sip.strange.test."
	local-data: "sip.strange.test. 300 IN A '"198.18.1.10"'"
	local-data: "_sipfederationtls._tcp.plain.test. 300 IN SRV 0 0 5662 sip.plain.test."
	local-data: "sip.plain.test. 300 IN A '"198.18.1.10"'"
	local-data: "edge.provider.test. 300 IN A '"198.18.1.1"'"
	local-data: "_sipfederationtls._tcp.forged.test. 300 IN SRV 0 0 5061 sip.fabrikam.test."
	local-zone: "silent.test." deny
	local-zone: "mute.test." deny
	local-data: "_sipfederationtls._tcp.resets.test. 300 IN SRV 0 0 5663 sip.resets.test."
	local-data: "sip.resets.test. 300 IN A '"198.18.1.10"'"
	local-zone: "broken.test." always_refuse'
lab_up
foreign_dns
lab_box_start "${FED_WORKERS:-1}"
export CONTROL SHELL_BIN
# a key that nobody has signs forged.test, so that no answer for it can be true
printf 'forged.test. IN DS 12345 13 2 %064d\n' 7 >"$LAB_DIR/anchor"
chmod 0644 "$LAB_DIR/anchor"

# name; direction; certificate; configuration, lines joined by "|", "-" before what goes away; message (python); status; ms id; reason
# Direction: in, out; pin: the second message of a connection; many: the last of several; burst: so many that no answer is waited for;
# back: sent from inside, and brought back by who got it; dlg: in a dialog that was begun before.
# An empty ms id: the refusal has none. "-" as a reason: the parser's, which is told by name. "same": explain is asked too.
PYTHONPATH=$FOREIGN python3 "$FOREIGN/refusals.py" <<'TABLE'
no way in from a stranger's name   ; in  ; wrong-name ; set partner fabrikam.test allow ; request() ; 504 ; 1010 ; 403 ; same
registration                       ; in  ; partner ; set partner fabrikam.test allow ; request("REGISTER") ; 403 ; 1027 ; 201 ; same
publication                        ; in  ; partner ; set partner fabrikam.test allow ; request("PUBLISH") ; 403 ; 1027 ; 201 ; same
service                            ; in  ; partner ; set partner fabrikam.test allow ; request("SERVICE") ; 403 ; 1027 ; 201 ; same
a route of others                  ; in  ; partner ; set partner fabrikam.test allow ; request(extra="Route: <sip:evil.test;lr>\r\n") ; 504 ; 1007 ; 202 ;
a route to the inside              ; in  ; partner ; set partner fabrikam.test allow ; request(extra="Route: <sip:198.18.2.10;transport=tls;lr>\r\n") ; 504 ; 1007 ; 202 ;
our route, forged                  ; in  ; partner ; set partner fabrikam.test allow ; request(ttag="t", extra="Route: <sip:sp1.AQEBAAAAAQAAAAAAAAAAAAAAAAAAAAAA@sip.contoso.test:5061;transport=tls;lr>\r\n") ; 481 ; 1004 ; 203 ;
inside a dialog without route      ; in  ; partner ; set partner fabrikam.test allow ; request("INFO", ttag="t") ; 481 ; 1004 ; 204 ;
a domain that is not ours          ; in  ; partner ; set partner fabrikam.test allow ; request(to="bob@adatum.test") ; 404 ; 1005 ; 205 ; same
a destination that is an address   ; in  ; partner ; set partner fabrikam.test allow ; request(to="bob@198.18.2.10") ; 404 ; 1005 ; 205 ;
a destination without a domain     ; in  ; partner ; set partner fabrikam.test allow ; request(uri="tel:+4930123") ; 404 ; 1005 ; 205 ;
From that is an address            ; in  ; partner ; set partner fabrikam.test allow ; request(frm="alice@198.18.1.10") ; 403 ; 1027 ; 206 ;
our own domain from outside        ; in  ; partner ; set partner fabrikam.test allow ; request(frm="boss@contoso.test") ; 403 ; 1017 ; 207 ; same
remote call control                ; in  ; partner ; set partner fabrikam.test allow ; request("INFO", body="<x/>", ctype="application/csta+xml") ; 403 ; 1027 ; 217 ;
a user without the right           ; in  ; partner ; set partner fabrikam.test allow|set access user/bob@contoso.test federation no ; request() ; 403 ; 1002 ; 301 ; same
a site without the right           ; in  ; partner ; set partner fabrikam.test allow|set site north user bob@contoso.test|set access site/north federation no ; request() ; 403 ; 1002 ; 301 ; same
a SIP domain without the right     ; in  ; partner ; set partner fabrikam.test allow|set access domain/contoso.test federation no ; request() ; 403 ; 1002 ; 301 ; same
nobody has the right               ; in  ; partner ; set partner fabrikam.test allow|-set access global federation yes ; request() ; 403 ; 1002 ; 301 ; same
a public provider, no right        ; in  ; provider ; set provider pub public proxy-fqdn edge.provider.test enabled yes verification always ; request(frm="x@hosted.test") ; 403 ; 1001 ; 302 ; same
federation off                     ; in  ; partner ; set partner fabrikam.test allow|-set federation allow-federated-users yes ; request() ; 403 ; 1027 ; 311 ; same
federation off for the SIP domain  ; in  ; partner ; set partner fabrikam.test allow|set sip-domain contoso.test allow-federated-users no ; request() ; 403 ; 1027 ; 312 ; same
blocked                            ; in  ; blocked ; set partner blocked.test block|set federation partner-discovery yes ; request(frm="eve@blocked.test") ; 403 ; 1027 ; 321 ; same
below a block                      ; in  ; blocked ; set partner blocked.test block|set federation partner-discovery yes ; request(frm="eve@a.b.blocked.test") ; 403 ; 1027 ; 321 ; same
unknown, discovery off             ; in  ; discovered ; set partner fabrikam.test allow ; request(frm="carol@litware.test") ; 403 ; 1027 ; 323 ; same
a provider for a domain not its own; in  ; provider ; set provider hosted hosting proxy-fqdn edge.provider.test enabled yes verification always|set partner fabrikam.test allow|set access global federation yes public yes ; request() ; 403 ; 1027 ; 324 ; same
a hosted domain that is not listed ; in  ; provider ; set provider hosted hosting proxy-fqdn edge.provider.test enabled yes verification always ; request(frm="x@hosted.test") ; 403 ; 1027 ; 323 ; same
the sender is not marked           ; in  ; partner ; set partner fabrikam.test allow reject-unmarked yes ; request() ; 403 ; 1027 ; 326 ;
not the partner's server           ; in  ; partner ; set partner fabrikam.test allow proxy-fqdn edge.fabrikam.test ; request() ; 504 ; 1010 ; 401 ; same
not the pinned key                 ; in  ; partner ; set partner fabrikam.test allow identity-check pinned spki sha256:0000000000000000000000000000000000000000000000000000000000000000 ; request() ; 504 ; 1010 ; 402 ;
not the domain itself (rfc5922)    ; in  ; wildcard ; set partner fabrikam.test allow identity-check rfc5922 ; request() ; 504 ; 1010 ; 404 ;
SRV elsewhere                      ; in  ; partner ; set partner elsewhere.test allow identity-check lync ; request(frm="a@elsewhere.test") ; 504 ; 1009 ; 405 ; same
no SRV                             ; in  ; partner ; set partner nowhere.test allow identity-check lync ; request(frm="a@nowhere.test") ; 504 ; 1008 ; 411 ; same
DNS refuses                        ; in  ; partner ; set partner broken.test allow identity-check lync ; request(frm="a@broken.test") ; 504 ; 1008 ; 412|411 ;
not validated                      ; in  ; partner ; set partner fabrikam.test allow identity-check dnssec ; request() ; 504 ; 1009 ; 406 ; same
key usage, strict                  ; in  ; server-only ; set partner fabrikam.test allow eku strict ; request() ; 504 ; 1010 ; 103 ;
no certificate                     ; in  ; none ; set partner fabrikam.test allow ; request() ; tls ;  ; absent ;
expired                            ; in  ; expired ; set partner fabrikam.test allow ; request() ; tls ;  ; expired ;
not valid yet                      ; in  ; not-yet ; set partner fabrikam.test allow ; request() ; tls ;  ; not_yet_valid ;
a CA that nobody trusts            ; in  ; wrong-ca ; set partner fabrikam.test allow ; request() ; tls ;  ; untrusted ;
signed by itself                   ; in  ; self-signed ; set partner fabrikam.test allow ; request() ; tls ;  ; self_signed ;
revoked                            ; in  ; revoked ; set partner fabrikam.test allow ; request() ; tls ;  ; revoked ;
signed by one who may not          ; in  ; not-a-ca ; set partner fabrikam.test allow ; request() ; tls ;  ; chain_form ;
a weak key                         ; in  ; weak ; set partner fabrikam.test allow ; request() ; tls ;  ; weak ;
key usage, code signing            ; in  ; code-signing ; set partner fabrikam.test allow ; request() ; tls ;  ; usage ;
SRV forged                         ; in  ; partner ; set dns trust-anchor @DIR@/anchor|set partner forged.test allow identity-check lync ; request(frm="a@forged.test") ; 504 ; 1008 ; 413 ;
DNS is silent                      ; in  ; partner ; set dns timeout 20s|set partner silent.test allow identity-check lync ; request(frm="a@silent.test") ; 504 ; 1008 ; 807 ;
DNS is silent, out                 ; out ; inside ; set dns timeout 20s|set partner silent.test allow ; request(frm="bob@contoso.test", to="a@silent.test") ; 504 ; 1008 ; 807 ;
not behind the default route       ; in  ; partner ; set federation routing default-route|set federation default-route edge.elsewhere.test|set partner fabrikam.test allow identity-check lync ; request() ; 504 ; 1010 ; 407 ; same
split domain, wrong word           ; in  ; provider ; @SHARED@ ; request(frm="ann@contoso.test", extra="ms-split-domain-info: ms-traffic-type=SplitOuter\r\n") ; 403 ; 1017 ; 211 ;
split domain, said twice           ; in  ; provider ; @SHARED@ ; request(frm="ann@contoso.test", extra="ms-split-domain-info: ms-traffic-type=SplitIntra\r\n" * 2) ; 403 ; 1017 ; 211 ;
ours outside, by the clearing house; in  ; provider ; @SHARED@|set federation clearing-house yes|set partner fabrikam.test allow ; request(frm="ann@contoso.test") .replace(b"sip:bob@contoso.test", b"sip:al@fabrikam.test") ; 403 ; 1017 ; 216 ;
back out of the shared space       ; back ; provider ; @SHARED@ ; request(frm="bob@contoso.test", to="ann@contoso.test") ; 403 ; 1017 ; 212 ;
too much to strip                  ; out ; inside ; set partner fabrikam.test allow ; request(frm="bob@contoso.test", to="alice@fabrikam.test", extra="P-Asserted-Identity: <sip:a@b.test>\r\nOdd: y\r\n" * 110) ; 513 ;  ; 808 ;
more than may wait                 ; burst ; partner ; set dns timeout 20s|set partner mute.test allow identity-check lync ; request(frm="a@mute.test") ; 503 ;  ; 805 ;
another kind on the connection     ; pin ; provider   ; set partner provider.test allow|set provider hosted public proxy-fqdn edge.provider.test enabled yes verification always|set access global public yes ; request(frm="x@hosted.test") ; 403 ; 1027 ; 325 ;
a service that is closed           ; in  ; partner ; set partner fabrikam.test allow service im ; request("SUBSCRIBE", extra="Event: presence\r\n", body="") ; 403 ; 1027 ; 215 ;
no pool                            ; in  ; partner ; set partner fabrikam.test allow|-set sip-domain contoso.test|set sip-domain contoso.test identity main ; request() ; 504 ; 1007 ; 506 ;
asserted by another                ; in  ; partner ; set partner fabrikam.test allow trust-asserted-identity yes ; request(extra="P-Asserted-Identity: <sip:x@adatum.test>\r\n") ; 403 ; 1027 ; 213 ;
the pool is down                   ; in  ; partner ; set partner fabrikam.test allow ; request() ; 504 ; 1038 ; 813 ;
compression                        ; in  ; partner ; set partner fabrikam.test allow ; request("NEGOTIATE") ; 405 ;  ; 811 ;
CANCEL of nothing                  ; in  ; partner ; set partner fabrikam.test allow ; request("CANCEL", body="") ; 481 ;  ; 812 ;
no hops left                       ; in  ; partner ; set partner fabrikam.test allow ; request(forwards=0) ; 483 ;  ; - ;
an extension nobody knows          ; in  ; partner ; set partner fabrikam.test allow ; request(extra="Proxy-Require: time-travel\r\n") ; 420 ;  ; - ;
another version                    ; in  ; partner ; set partner fabrikam.test allow ; request().replace(b" SIP/2.0\r\nVia", b" SIP/3.0\r\nVia", 1) ; 505 ;  ; - ;
another scheme                     ; in  ; partner ; set partner fabrikam.test allow ; request(uri="gopher:bob") ; 416 ;  ; - ;
no Content-Length                  ; in  ; partner ; set partner fabrikam.test allow ; request(length=False, body="") ; 400 ;  ; - ;
no From                            ; in  ; partner ; set partner fabrikam.test allow ; re.sub(rb"From:[^\n]*\n", b"", request()) ; 400 ;  ; - ;
header fields without end          ; in  ; partner ; set partner fabrikam.test allow ; request(extra="X: y\r\n" * 300) ; 513 ;  ; - ;
a body that is too long            ; in  ; partner ; set partner fabrikam.test allow ; request(length=False, extra="Content-Length: 1048577\r\n", body="") ; 413 ;  ; - ;
not one of our servers             ; out ; partner ; set partner fabrikam.test allow ; request(frm="bob@contoso.test", to="alice@fabrikam.test") ; 403 ; 1027 ; 104 ;
From that is not ours              ; out ; inside ; set partner fabrikam.test allow ; request(frm="bob@adatum.test", to="alice@fabrikam.test") ; 403 ; 1017 ; 208 ; same
to nobody whose domain is known     ; out ; inside ; set partner fabrikam.test allow ; request(frm="bob@contoso.test", to="alice@fabrikam.test", uri="tel:+4930123") ; 404 ; 1005 ; 210 ;
to our own domain                  ; out ; inside ; set partner fabrikam.test allow ; request(frm="bob@contoso.test", to="ann@contoso.test") ; 403 ; 1017 ; 209 ; same
the user has no right              ; out ; inside ; set partner fabrikam.test allow|set access user/bob@contoso.test federation no ; request(frm="bob@contoso.test", to="alice@fabrikam.test") ; 403 ; 1002 ; 301 ; same
the server says no                 ; out ; inside ; set partner fabrikam.test allow ; request(frm="bob@contoso.test", to="alice@fabrikam.test", extra="Sallyport-Rights: no-federation\r\n") ; 403 ; 1002 ; 301 ;
the server says not outside        ; out ; inside ; set partner fabrikam.test allow ; request(frm="bob@contoso.test", to="alice@fabrikam.test", extra="Sallyport-Rights: no-outside\r\n") ; 403 ; 1012 ; 303 ;
to a public provider, no right     ; out ; inside ; set provider pub public proxy-fqdn edge.provider.test enabled yes verification always ; request(frm="bob@contoso.test", to="x@hosted.test") ; 403 ; 1001 ; 302 ; same
to the blocked                     ; out ; inside ; set partner blocked.test block ; request(frm="bob@contoso.test", to="eve@blocked.test") ; 403 ; 1027 ; 321 ; same
to the unknown                     ; out ; inside ; set partner fabrikam.test allow ; request(frm="bob@contoso.test", to="carol@litware.test") ; 403 ; 1027 ; 323 ; same
a static route admits nobody       ; out ; inside ; set static-route litware.test to sip.litware.test ; request(frm="bob@contoso.test", to="carol@litware.test") ; 403 ; 1027 ; 323 ; same
federation off, out                ; out ; inside ; set partner fabrikam.test allow|-set federation allow-federated-users yes ; request(frm="bob@contoso.test", to="alice@fabrikam.test") ; 403 ; 1027 ; 311 ; same
no SRV, out                        ; out ; inside ; set partner nowhere.test allow ; request(frm="bob@contoso.test", to="a@nowhere.test") ; 504 ; 1008 ; 411 ; same
SRV elsewhere, out                 ; out ; inside ; set partner elsewhere.test allow identity-check lync ; request(frm="bob@contoso.test", to="a@elsewhere.test") ; 504 ; 1009 ; 405 ; same
no address                         ; out ; inside ; set partner homeless.test allow ; request(frm="bob@contoso.test", to="a@homeless.test") ; 504 ; 1014 ; 414 ; same
a blocked route                    ; out ; inside ; set partner litware.test allow|set static-route litware.test to sip.litware.test block ; request(frm="bob@contoso.test", to="carol@litware.test") ; 404 ; 1005 ; 502 ; same
a route out of service             ; out ; inside ; set partner litware.test allow|set static-route litware.test to sip.litware.test in-service no less-specific no ; request(frm="bob@contoso.test", to="carol@litware.test") ; 504 ; 1007 ; 503 ; same
a next hop that the rules deny     ; out ; inside ; set partner litware.test allow ; request(frm="bob@contoso.test", to="carol@litware.test", extra="Route: <sip:sip.fabrikam.test;transport=tls;lr>;ms-edge-route\r\n") ; 504 ; 1007 ; 505 ;
nobody listens                     ; out ; inside ; set partner dead.test allow ; request(frm="bob@contoso.test", to="a@dead.test") ; 504 ; 1046 ; 801 ;
an emergency block                 ; in  ; partner ; set partner fabrikam.test allow|!block fabrikam.test ; request() ; 403 ; 1027 ; 322 ; same
an emergency block, out            ; out ; inside ; set partner fabrikam.test allow|!block fabrikam.test ; request(frm="bob@contoso.test", to="alice@fabrikam.test") ; 403 ; 1027 ; 322 ; same
back to the domain, clearing house ; in  ; partner ; set partner fabrikam.test allow|set federation clearing-house yes ; request(to="al@fabrikam.test") ; 403 ; 1017 ; 214 ; same
back to the peer, clearing house   ; in  ; partner ; set partner fabrikam.test allow|set partner litware.test allow|set static-route litware.test to sip.fabrikam.test|set federation clearing-house yes ; request(to="al@litware.test") ; 482 ;  ; 504 ; same
too fast                           ; many ; discovered ; set federation partner-discovery yes|set limit-class slow rate 1 burst 2 pause 0s|set federation discovered-limits slow ; request(frm="c@litware.test") ; 503 ;  ; 701 ;
too many addresses                 ; many ; discovered ; set federation partner-discovery yes|set limit-class few contacts 3 rate 1000|set federation discovered-limits few ; request(frm="c@litware.test", to=name("u") + "@contoso.test") ; 403 ; 1027 ; 702 ;
the dialog of another peer         ; dlg ; discovered ; set partner fabrikam.test allow|set partner litware.test allow ; dialog("INFO") ; 504 ; 1007 ; 601 ;
another domain in the dialog       ; dlg ; partner ; set partner fabrikam.test allow ; dialog("INFO", frm="alice@litware.test") ; 403 ; 1017 ; 602 ;
the dialog's partner is gone       ; dlg ; partner ; set partner litware.test allow ; dialog("INFO") ; 403 ; 1027 ; 603 ;
the dialog's partner is blocked    ; dlg ; partner ; set partner fabrikam.test block ; dialog("INFO") ; 403 ; 1027 ; 321 ;
federation ended in the dialog     ; dlg ; partner ; set partner fabrikam.test allow|-set federation allow-federated-users yes ; dialog("INFO") ; 403 ; 1027 ; 311 ;
but BYE ends it                    ; dlg ; partner ; set partner fabrikam.test block ; dialog("BYE") ; 200 ;  ; none ;
no TLS there                       ; out ; inside ; set partner plain.test allow ; request(frm="bob@contoso.test", to="a@plain.test") ; 504 ; 1047 ; 802 ;
but a route may say insecure        ; out ; inside ; set partner plain.test allow|set static-route plain.test to sip.plain.test:5664 insecure tcp ; request(frm="bob@contoso.test", to="a@plain.test") ; 200 ;  ; none ;
no TLS in the pool                 ; in  ; partner ; set partner fabrikam.test allow|-set sip-domain contoso.test|set sip-domain contoso.test identity main next-hop 198.18.2.10:5665 ; request() ; 504 ; 1038 ; 813 ;
but it may say insecure too        ; in  ; partner ; set partner fabrikam.test allow|-set sip-domain contoso.test|set sip-domain contoso.test identity main next-hop 198.18.2.10:5665 insecure tcp ; request() ; 200 ;  ; none ;
reset in the handshake             ; out ; inside ; set partner resets.test allow ; request(frm="bob@contoso.test", to="a@resets.test") ; 504 ; 1047 ; 802 ;
somebody else there                ; out ; inside ; set partner strange.test allow ; request(frm="bob@contoso.test", to="a@strange.test") ; 504 ; 1010 ; 803 ;
a partner that says nothing why    ; out ; inside ; set partner fabrikam.test allow ; request(frm="bob@contoso.test", to="refuse@fabrikam.test") ; 488 ; 1034 ; none ;
lost before the answer             ; out ; inside ; set partner fabrikam.test allow ; request(frm="bob@contoso.test", to="hangup@fabrikam.test") ; 504 ; 1046 ; 804 ;
TABLE
