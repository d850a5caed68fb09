/* SPDX-License-Identifier: BSD-3-Clause */
/* longer than other files: a table of messages */
#include "tests/unit/sip/sip_torture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MSG(name, rule, verdict, head)                                                 \
	{                                                                              \
		name, rule, head, sizeof(head) - 1, "", 0, false, SIP_REASON_##verdict \
	}
#define RAW(name, rule, verdict, head)                                                \
	{                                                                             \
		name, rule, head, sizeof(head) - 1, "", 0, true, SIP_REASON_##verdict \
	}
#define BODY(name, rule, verdict, head, body)                                                           \
	{                                                                                               \
		name, rule, head, sizeof(head) - 1, body, sizeof(body) - 1, false, SIP_REASON_##verdict \
	}
#define RAWBODY(name, rule, verdict, head, body)                                                       \
	{                                                                                              \
		name, rule, head, sizeof(head) - 1, body, sizeof(body) - 1, true, SIP_REASON_##verdict \
	}

/* the fields that a case does not care about */
#define VIA	"Via: SIP/2.0/TLS edge.fabrikam.test:5061;branch=z9hG4bKtort1\r\n"
#define FROM	"From: <sip:ann@fabrikam.test>;tag=77aa\r\n"
#define TO	"To: <sip:ben@contoso.test>\r\n"
#define CALLID	"Call-ID: tort.4711@fabrikam.test\r\n"
#define MF	"Max-Forwards: 70\r\n"
#define CSEQ(m) "CSeq: 17 " m "\r\n"
#define LINE(m) m " sip:ben@contoso.test SIP/2.0\r\n"
#define REST(m) FROM TO CALLID MF CSEQ(m)
#define ALL(m)	LINE(m) VIA REST(m)

#define LONG10	"abcdefghij"
#define LONG100 LONG10 LONG10 LONG10 LONG10 LONG10 LONG10 LONG10 LONG10 LONG10 LONG10

const struct sip_torture sip_torture_set[] = {
	/* RFC 4475 section 3.1.1: ugly, but legal */
	BODY("wsinv", "4475 3.1.1.1", OK,
	     "INVITE sip:ben@contoso.test;strange-param SIP/2.0\r\n"
	     "TO :\r\n\t sip:ben@contoso.test ;   tag\t= 1a2b\r\n"
	     "fRoM   : \"A. \\\\\\\"N\\\" Nichols\"       <sip:ann@fabrikam.test>\r\n  ;\r\n  tag = 98as\r\n"
	     "MAX-forwards: 0070\r\n"
	     "call-ID: ws.8823@192.0.2.7\r\n"
	     "cseq: 0012\r\n  INVITE\r\n"
	     "Via  : SIP  /   2.0\r\n /TCP\r\n    192.0.2.7;branch=390skdj\r\n"
	     "s :\r\n"
	     "BrandNewField:   one value\r\n that goes on\r\n"
	     "FieldOfSeparators: ;;,,;;,;\r\n"
	     "Content-Type: application/sdp\r\n"
	     "Route:\r\n <sip:gate.contoso.test;lr;odd=value;odd-alone>\r\n"
	     "v:  SIP  / 2.0  / TLS     edge.fabrikam.test   ;\r\n  branch  =   z9hG4bK9k ,\r\n SIP  /    "
	     "2.0   "
	     "/ UDP  192.168.0.11   ; branch=\r\n z9hG4bK30\r\n"
	     "m:\"All \\\"quoted\\\"\" <sip:ann@fabrikam.test> ; newparam =\r\n      newvalue ;\r\n  second "
	     "; q = "
	     "0.33\r\n",
	     "v=0\r\n"),
	MSG("intmeth", "4475 3.1.1.2", OK,
	    "!odd-Method0_*+`.%of'ours~ "
	    "sip:1_odd.user~(is-it!so)&doesn't+it$/crazy?,/;;*:&it+has=1,odd!*pas$wo~d@"
	    "contoso.test SIP/2.0\r\n"
	    "Via: SIP/2.0/TLS a1.fabrikam.test;branch=z9hG4bK-.!%66*_+`'~\r\n"
	    "To: \"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f\" <sip:1_odd.user~(is-it!so)@contoso.test>\r\n"
	    "From: token1~` token2'+_ token3*%!.- "
	    "<sip:plain@fabrikam.test>;from''~+*_!.-%=\"\xd1\x80\xd0\xb0\";tag=_"
	    "tok~1'+`*%!-.\r\n"
	    "Call-ID: intm.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\r\n"
	    "CSeq: 139122385 !odd-Method0_*+`.%of'ours~\r\nMax-Forwards: 255\r\n"
	    "odd-Field-!.%*_+`'~: \xef\xbb\xbf\xe5\xa4\xa7\r\n"),
	MSG("esc01", "4475 3.1.1.3", OK,
	    "INVITE sip:sips%3Auser%40fabrikam.test@contoso.test SIP/2.0\r\n"
	    "To: sip:%62%65n@contoso.test\r\nFrom: <sip:I%20am%20spaced@fabrikam.test>;tag=938\r\n" VIA CALLID
		    MF CSEQ("INVITE") "Contact: "
				      "<sip:cal%6Cer@h5.fabrikam.test;%6C%72;n%61me=v%61lue%25%34%31>\r\n"),
	MSG("escnull", "4475 3.1.1.4", OK,
	    "MESSAGE sip:contoso.test SIP/2.0\r\nTo: sip:null-%00-null@contoso.test\r\nFrom: "
	    "sip:null-%00-null@fabrikam.test;tag=8\r\n" VIA CALLID MF CSEQ(
		    "MESSAGE") "Contact: <sip:%00@h5.fabrikam.test>\r\nContact: "
			       "<sip:%00%00@h5.fabrikam.test>\r\n"),
	MSG("esc02", "4475 3.1.1.5", OK,
	    "MES%53AGE sip:contoso.test SIP/2.0\r\nTo: \"%Z%45\" <sip:ben@contoso.test>\r\nFrom: \"%Z%45\" "
	    "<sip:ann@fabrikam.test>;tag=f2\r\n" VIA CALLID MF CSEQ("MES%53AGE")),
	MSG("lwsdisp", "4475 3.1.1.6", OK,
	    LINE("OPTIONS") VIA TO
	    "From: caller<sip:ann@fabrikam.test>;tag=323\r\n" CALLID MF CSEQ("OPTIONS")),
	MSG("longreq", "4475 3.1.1.7", OK,
	    LINE("INVITE") "To: I have a display name of extreme extent <sip:ben@contoso.test:6000;longparam"
			   "=" LONG100 ";other=" LONG10 ">\r\nF: sip:" LONG100 "@fabrikam.test;tag=12" LONG100
			   ";long" LONG100 "name=" LONG100 ";short=\"quoted " LONG100 LONG100
			   "\"\r\nCall-ID: long." LONG100 LONG100 LONG100
			   "\r\nCSeq: 3882340 INVITE\r\nUnknown-" LONG100 "-Field: " LONG100 LONG100
			   "; long-param" LONG100 "\r\nMax-Forwards: 70\r\n"
			   "Via: SIP/2.0/TCP s33.fabrikam.test\r\nv: SIP/2.0/TCP s32.fabrikam.test\r\nV: "
			   "SIP/2.0/TCP "
			   "s31.fabrikam.test\r\n"
			   "Via: SIP/2.0/TCP s30.fabrikam.test;received=192.0.2.30;branch=ver" LONG100 LONG100
			   "\r\n"
			   "Contact: <sip:amazingly" LONG100 "caller@h5.fabrikam.test>\r\n"),
	MSG("semiuri", "4475 3.1.1.9", OK,
	    "OPTIONS sip:user;par=u%40fabrikam.test@contoso.test SIP/2.0\r\n"
	    "To: <sip:j_user@contoso.test>\r\n" FROM VIA CALLID MF CSEQ("OPTIONS")),
	MSG("transports", "4475 3.1.1.10", OK,
	    LINE("OPTIONS") "Via: SIP/2.0/UDP t1.fabrikam.test;branch=z9hG4bKa\r\nVia: SIP/2.0/SCTP "
			    "t2.fabrikam.test;branch=z9hG4bKb\r\nVia: SIP/2.0/TLS "
			    "t3.fabrikam.test;branch=z9hG4bKc\r\n"
			    "Via: SIP/2.0/UNKNOWN t4.fabrikam.test;branch=z9hG4bKd\r\nVia: SIP/2.0/TCP "
			    "t5.fabrikam.test;branch=z9hG4bKe\r\n" REST("OPTIONS")),
	BODY("mpart01", "4475 3.1.1.11", OK,
	     ALL("MESSAGE") "Content-Type: multipart/mixed;boundary=7a9cbec02ceef655\r\n",
	     "--7a9cbec02ceef655\r\nContent-Type: "
	     "text/plain\r\n\r\nHi\r\n--7a9cbec02ceef655\r\n\r\n\x00\x01\r\n\r\n"
	     "\x80\xff--7a9cbec02ceef655--\r\n"),
	MSG("unreason", "4475 3.1.1.12", OK,
	    "SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe \xd1\x81\r\n" VIA REST(
		    "INVITE") "Contact: <sip:ben@h1.contoso.test>\r\n"),
	MSG("noreason", "4475 3.1.1.13", OK, "SIP/2.0 100 \r\n" VIA REST("INVITE")),
	/* section 3.1.2: broken */
	MSG("badinv01", "4475 3.1.2.1", BAD_VIA,
	    LINE("INVITE") REST("INVITE") "Via: SIP/2.0/TLS 192.0.2.15;;,;,,\r\n"),
	MSG("badinv01-contact", "4475 3.1.2.1", BAD_CONTACT,
	    ALL("INVITE") "Contact: \"Ann\" <sip:ann@fabrikam.test>;;;;\r\n"),
	MSG("badinv01-to", "4475 3.1.2.1", BAD_TO,
	    LINE("INVITE") VIA FROM "To: <sip:ben@contoso.test>;,\r\n" CALLID MF CSEQ("INVITE")),
	RAW("ncl", "4475 3.1.2.3", LENGTH_SYNTAX, ALL("INVITE") "Content-Length: -999\r\n"),
	MSG("scalar02-cseq", "4475 3.1.2.4", BAD_CSEQ,
	    LINE("MESSAGE") VIA FROM TO CALLID MF "CSeq: 36893488147419103232 MESSAGE\r\n"),
	MSG("scalar02-max-forwards", "4475 3.1.2.4", BAD_MAX_FORWARDS,
	    LINE("MESSAGE") VIA FROM TO CALLID "Max-Forwards: 300\r\n" CSEQ("MESSAGE")),
	MSG("scalar02-expires", "4475 3.1.2.4", OK,
	    ALL("SUBSCRIBE") "Event: presence\r\nExpires: 10000000000000000000000000000000000000000000\r\n"
			     "Contact: <sip:ann@h5.fabrikam.test>;expires=280297596632815\r\n"),
	MSG("scalarlg", "4475 3.1.2.5", BAD_CSEQ,
	    "SIP/2.0 503 Service Unavailable\r\n" VIA FROM TO CALLID "CSeq: 9223372036854775808 OPTIONS\r\n"
	    "Retry-After: 949302838503028349304023988\r\n"),
	MSG("quotbal", "4475 3.1.2.6", BAD_TO,
	    LINE("INVITE") VIA FROM "To: \"Mr. B. User <sip:ben@contoso.test>\r\n" CALLID MF CSEQ("INVITE")),
	MSG("ltgtruri", "4475 3.1.2.7", URI_SYNTAX,
	    "INVITE <sip:ben@contoso.test> SIP/2.0\r\n" VIA REST("INVITE")),
	MSG("lwsruri", "4475 3.1.2.8", URI_SYNTAX,
	    "INVITE sip:ben@contoso.test; lr SIP/2.0\r\n" VIA REST("INVITE")),
	MSG("lwsstart", "4475 3.1.2.9", START_LINE,
	    "INVITE  sip:ben@contoso.test  SIP/2.0\r\n" VIA REST("INVITE")),
	MSG("trws", "4475 3.1.2.10", START_LINE,
	    "OPTIONS sip:ben@contoso.test SIP/2.0  \r\n" VIA REST("OPTIONS")),
	MSG("escruri", "4475 3.1.2.11", URI_HEADERS,
	    "INVITE sip:ben@contoso.test?Route=%3Csip:fabrikam.test%3E SIP/2.0\r\n" VIA REST("INVITE")),
	MSG("baddate", "4475 3.1.2.12", OK, ALL("INVITE") "Date: Fri, 01 Jan 2010 16:00:00 EST\r\n"),
	MSG("regbadct", "4475 3.1.2.13", BAD_CONTACT,
	    ALL("REGISTER") "Contact: sip:ann@fabrikam.test?Route=%3Csip:gate.fabrikam.test%3E\r\n"),
	MSG("badaspec", "4475 3.1.2.14", BAD_TO,
	    LINE("OPTIONS") VIA FROM
	    "To: \"Watson, T\" < sip:ben@contoso.test >\r\n" CALLID MF CSEQ("OPTIONS")),
	MSG("baddn", "4475 3.1.2.15", BAD_FROM,
	    LINE("OPTIONS") VIA TO
	    "From: Bell, Alex <sip:ann@fabrikam.test>;tag=43\r\n" CALLID MF CSEQ("OPTIONS")),
	MSG("badvers", "4475 3.1.2.16", VERSION,
	    "OPTIONS sip:ben@contoso.test SIP/7.0\r\n" VIA REST("OPTIONS")),
	MSG("mismatch01", "4475 3.1.2.17", CSEQ_METHOD, LINE("OPTIONS") VIA FROM TO CALLID MF CSEQ("INVITE")),
	MSG("mismatch02", "4475 3.1.2.18", CSEQ_METHOD,
	    LINE("NEWMETHOD") VIA FROM TO CALLID MF CSEQ("INVITE")),
	MSG("bigcode", "4475 3.1.2.19", START_LINE,
	    "SIP/2.0 4294967301 better not break the receiver\r\n" VIA REST("INVITE")),
	/* sections 3.2 to 3.4 */
	MSG("badbranch", "4475 3.2.1", BAD_BRANCH,
	    LINE("OPTIONS") "Via: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK\r\n" REST("OPTIONS")),
	MSG("insuf", "4475 3.3.1", MISSING_FROM, LINE("INVITE") VIA MF CSEQ("INVITE")),
	MSG("insuf-via", "3261 8.1.1", MISSING_VIA, LINE("INVITE") REST("INVITE")),
	MSG("insuf-to", "3261 8.1.1", MISSING_TO, LINE("INVITE") VIA FROM CALLID MF CSEQ("INVITE")),
	MSG("insuf-call-id", "3261 8.1.1", MISSING_CALL_ID, LINE("INVITE") VIA FROM TO MF CSEQ("INVITE")),
	MSG("insuf-cseq", "3261 8.1.1", MISSING_CSEQ, LINE("INVITE") VIA FROM TO CALLID MF),
	MSG("unkscm", "4475 3.3.2", URI_SCHEME,
	    "OPTIONS nobodysScheme:opaquecontent SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("novelsc", "4475 3.3.3", URI_SCHEME,
	    "OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("unksm2", "4475 3.3.4", OK,
	    "MESSAGE sip:contoso.test SIP/2.0\r\nTo: isbn:2983792873\r\nFrom: "
	    "<http://www.fabrikam.test>;tag=32\r\n" VIA CALLID MF CSEQ(
		    "MESSAGE") "Contact: <name:Ann_Nichols>\r\n"),
	MSG("bext01", "4475 3.3.5", PROXY_REQUIRE,
	    ALL("OPTIONS") "Require: nobodyHasThis, norThis\r\nProxy-Require: noProxyHasThis, norThat\r\n"),
	BODY("invut", "4475 3.3.6", OK, ALL("INVITE") "Content-Type: application/unknownformat\r\n",
	     "<audio/>\r\n"),
	MSG("regaut01", "4475 3.3.7", OK,
	    ALL("REGISTER") "Authorization: NobodysScheme opaque-data=here\r\n"),
	MSG("multi01", "4475 3.3.8", REPEATED,
	    ALL("INVITE") "CSeq: 18 INVITE\r\nCall-ID: other@fabrikam.test\r\nFrom: "
			  "<sip:eve@fabrikam.test>;tag=1\r\n"),
	MSG("multi01-to-compact", "4475 3.3.8", REPEATED, ALL("INVITE") "t: <sip:eve@contoso.test>\r\n"),
	MSG("multi01-max-forwards", "4475 3.3.8", REPEATED, ALL("INVITE") "mAX-fORWARDS: 5\r\n"),
	RAWBODY("mcl01", "4475 3.3.9", LENGTH_REPEATED,
		ALL("OPTIONS") "Content-Length: 13\r\nContent-Length: 5\r\n",
		"There's no way to know how many octets"),
	MSG("bcast", "4475 3.3.10", OK,
	    "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS 192.0.2.198;branch=z9hG4bK13, SIP/2.0/UDP "
	    "255.255.255.255;branch=z9hG4bK1s\r\n" REST("INVITE")),
	MSG("zeromf", "4475 3.3.11", MAX_FORWARDS_ZERO,
	    LINE("OPTIONS") VIA FROM TO CALLID "Max-Forwards: 0\r\n" CSEQ("OPTIONS")),
	MSG("cparam01", "4475 3.3.12", OK,
	    ALL("REGISTER") "Contact: sip:+19725552222@gw1.fabrikam.test;unknownparam\r\n"),
	MSG("cparam02", "4475 3.3.13", OK,
	    ALL("REGISTER") "Contact: <sip:+19725552222@gw1.fabrikam.test;unknownparam>\r\n"),
	MSG("regescrt", "4475 3.3.14", OK,
	    ALL("REGISTER") "Contact: <sip:ann@fabrikam.test?Route=%3Csip:gate.fabrikam.test%3E>\r\n"),
	MSG("sdp01", "4475 3.3.15", OK, ALL("INVITE") "Accept: text/nobodyKnowsThis\r\n"),
	BODY("inv2543", "4475 3.4.1", OK,
	     "INVITE sip:ben@contoso.test SIP/2.0\r\nVia: SIP/2.0/UDP gw.fabrikam.test\r\nFrom: "
	     "<sip:+13035551111@gw.fabrikam.test;user=phone>\r\nRecord-Route: "
	     "<sip:ben@contoso.test;maddr=ss1.contoso.test>\r\nTo: "
	     "sip:+16505552222@ss1.contoso.test;user=phone\r\n"
	     "Call-ID: 1717@gw.fabrikam.test\r\nCSeq: 56 INVITE\r\nContact: "
	     "<sip:+13035551111@gw.fabrikam.test;user="
	     "phone>\r\nContent-Type: application/sdp\r\n",
	     "v=0\r\n"),
	/* RFC 5118 */
	MSG("ipv6-good", "5118 4.1", OK,
	    "REGISTER sip:[2001:db8::10] SIP/2.0\r\nVia: SIP/2.0/TLS [2001:db8::9:1];branch=z9hG4bKas3\r\n"
	    "Contact: \"Ann\" <sip:ann@[2001:db8::1]>\r\n" REST("REGISTER")),
	MSG("ipv6-bad", "5118 4.2", URI_SYNTAX, "REGISTER sip:2001:db8::10 SIP/2.0\r\n" VIA REST("REGISTER")),
	MSG("port-ambiguous", "5118 4.3", OK,
	    "REGISTER sip:[2001:db8::10:5070] SIP/2.0\r\n" VIA REST(
		    "REGISTER") "Contact: "
				"<sip:ann@[2001:db8::1:5060]>\r\n"),
	MSG("port-unambiguous", "5118 4.4", OK,
	    "REGISTER sip:[2001:db8::10]:5070 SIP/2.0\r\n" VIA REST("REGISTER")),
	MSG("via-received-delim", "5118 4.5", OK,
	    LINE("BYE") "Via: SIP/2.0/TLS "
			"[2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKa\r\n" REST("BYE")),
	MSG("via-received-no-delim", "5118 4.5", OK,
	    LINE("BYE") "Via: SIP/2.0/TLS [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKa\r\n" REST(
		    "BYE")),
	MSG("via-received-bad", "5118 4.5", BAD_VIA,
	    LINE("BYE") "Via: SIP/2.0/TLS [2001:db8::9:1];received=[2001:db8::9:255;branch=z9hG4bKa\r\n" REST(
		    "BYE")),
	BODY("ipv6-in-sdp", "5118 4.6", OK, ALL("INVITE") "Content-Type: application/sdp\r\n",
	     "v=0\r\no=ann 1 1 IN IP6 2001:db8::20\r\nc=IN IP6 2001:db8::20\r\n"),
	MSG("mult-ip-in-header", "5118 4.7", OK,
	    LINE("BYE") "Via: SIP/2.0/TLS [2001:db8::9:1]:6050;branch=z9hG4bKa\r\nVia: SIP/2.0/UDP "
			"192.0.2.1;branch=z9hG4bKb\r\nVia: SIP/2.0/TCP "
			"[2001:db8::9:255];branch=z9hG4bKc;received=[2001:db8::"
			"9:255]\r\n" REST("BYE")),
	BODY("mult-ip-in-sdp", "5118 4.8", OK, ALL("INVITE") "Content-Type: application/sdp\r\n",
	     "v=0\r\no=ann 1 1 IN IP6 2001:db8::20\r\ns= \r\nt=0 0\r\nm=audio 22334 RTP/AVP 0\r\nc=IN IP4 "
	     "192.0.2.1\r\nm=video 6024 RTP/AVP 107\r\nc=IN IP6 2001:db8::1\r\n"),
	MSG("ipv4-mapped", "5118 4.9", OK,
	    "INVITE sip:ben@[::ffff:192.0.2.10]:19823 SIP/2.0\r\nVia: SIP/2.0/TLS "
	    "[::ffff:192.0.2.2]:19823;branch="
	    "z9hG4bKb\r\n" REST("INVITE") "Contact: \"T\" <sip:ann@[::ffff:192.0.2.2]:19823>\r\n"),
	MSG("ipv6-bug-abnf-3-colons", "5118 4.10, 5954 4.1", URI_SYNTAX,
	    "OPTIONS sip:ben@[2001:db8:::192.0.2.1] SIP/2.0\r\n" VIA REST("OPTIONS")),
	/* one reading only */
	RAW("no-content-length", "3261 18.3", LENGTH_MISSING, ALL("OPTIONS")),
	RAW("length-twice-equal", "3261 20.14", LENGTH_REPEATED,
	    ALL("OPTIONS") "l: 0\r\nContent-Length: 0\r\n"),
	RAW("length-list", "3261 20.14", LENGTH_SYNTAX, ALL("OPTIONS") "Content-Length: 0, 5\r\n"),
	RAW("length-plus", "3261 20.14", LENGTH_SYNTAX, ALL("OPTIONS") "Content-Length: +0\r\n"),
	RAW("length-hex", "3261 20.14", LENGTH_SYNTAX, ALL("OPTIONS") "Content-Length: 0x0\r\n"),
	RAW("length-empty", "3261 20.14", LENGTH_SYNTAX, ALL("OPTIONS") "Content-Length:\r\n"),
	RAW("length-2^32", "3261 20.14", LENGTH_LIMIT, ALL("OPTIONS") "Content-Length: 4294967296\r\n"),
	RAW("length-2^32+5", "3261 20.14", LENGTH_LIMIT, ALL("OPTIONS") "l: 4294967301\r\n"),
	RAW("length-2^64", "3261 20.14", LENGTH_LIMIT,
	    ALL("OPTIONS") "Content-Length: 18446744073709551616\r\n"),
	RAW("length-2^64+3-fold", "3261 20.14", LENGTH_LIMIT,
	    ALL("OPTIONS") "Content-Length :\r\n\t18446744073709551619\r\n"),
	RAW("length-number-in-fold", "3261 20.14", LENGTH_SYNTAX,
	    ALL("OPTIONS") "Content-Length: 0\r\n 1\r\n"),
	RAWBODY("length-fold-legal", "3261 7.3.1", OK, ALL("OPTIONS") "L  :\r\n  002\r\n", "ab"),
	MSG("fold-blank", "3261 7.3.1, ours", HEADER_FOLD, ALL("OPTIONS") "Subject: a\r\n \r\n"),
	MSG("fold-blank-then-more", "3261 7.3.1, ours", HEADER_FOLD,
	    ALL("OPTIONS") "Subject: a\r\n\t\r\n b\r\n"),
	MSG("fold-behind-start-line", "3261 7.1", HEADER_FOLD,
	    LINE("OPTIONS") " continued\r\n" VIA REST("OPTIONS")),
	MSG("fold-before-colon", "3261 25.1", HEADER_SYNTAX, ALL("OPTIONS") "Subject\r\n : x\r\n"),
	MSG("no-colon", "3261 25.1", HEADER_SYNTAX, ALL("OPTIONS") "just words\r\n"),
	MSG("no-name", "3261 25.1", HEADER_SYNTAX, ALL("OPTIONS") ": value\r\n"),
	MSG("name-with-space", "3261 25.1", HEADER_SYNTAX, ALL("OPTIONS") "Sub ject: x\r\n"),
	RAW("bare-lf", "3261 7", FRAME_BARE, ALL("OPTIONS") "Subject: a\nContent-Length: 0\r\n"),
	RAW("bare-cr", "3261 7", FRAME_BARE, ALL("OPTIONS") "Subject: a\rContent-Length: 0\r\n"),
	RAW("bare-crcrlf", "3261 7", FRAME_BARE, ALL("OPTIONS") "Subject: a\r\r\nContent-Length: 0\r\n"),
	MSG("nul-in-value", "3261 25.1", CONTROL,
	    ALL("OPTIONS") "Subject: a\x00"
			   "b\r\n"),
	MSG("nul-in-name", "3261 25.1", HEADER_SYNTAX, ALL("OPTIONS") "Sub\x00ject: b\r\n"),
	MSG("vt-before-colon", "3261 25.1", HEADER_SYNTAX, ALL("OPTIONS") "Content-Length\x0b: 5\r\n"),
	MSG("nul-quoted-raw", "3261 25.1", CONTROL, ALL("OPTIONS") "X: \"\x00\"\r\n"),
	MSG("del-in-value", "3261 25.1", CONTROL, ALL("OPTIONS") "Subject: a\x7f\r\n"),
	MSG("control-in-start-line", "3261 25.1", CONTROL,
	    "OPTIONS sip:ben\x01@contoso.test SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("branch-twice", "3261 7.3.1", BAD_VIA,
	    LINE("OPTIONS") "Via: SIP/2.0/TLS e.fabrikam.test;branch=z9hG4bKa;branch=z9hG4bKb\r\n" REST(
		    "OPTIONS")),
	MSG("tag-twice", "3261 7.3.1", BAD_FROM,
	    LINE("OPTIONS") VIA TO "From: <sip:ann@fabrikam.test>;tag=a;TAG=b\r\n" CALLID MF CSEQ("OPTIONS")),
	MSG("two-uris-in-from", "3261 20.20", BAD_FROM,
	    LINE("OPTIONS") VIA TO
	    "From: <sip:ann@fabrikam.test>, <sip:eve@contoso.test>;tag=b\r\n" CALLID MF CSEQ("OPTIONS")),
	MSG("bare-uri-comma", "3261 20.10", BAD_FROM,
	    LINE("OPTIONS") VIA TO "From: sip:ann,eve@fabrikam.test\r\n" CALLID MF CSEQ("OPTIONS")),
	MSG("bare-uri-semicolon-user", "3261 20.10", BAD_FROM,
	    LINE("OPTIONS") VIA TO "From: sip:ann;x=y@fabrikam.test;tag=1\r\n" CALLID MF CSEQ("OPTIONS")),
	MSG("two-hosts", "3261 25.1", URI_SYNTAX,
	    "OPTIONS sip:a@contoso.test@evil.test SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("maddr-twice-escaped", "3261 19.1.1", URI_SYNTAX,
	    "OPTIONS sip:contoso.test;maddr=a.test;m%61ddr=b.test SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("utf8-host", "3261 25.1", URI_SYNTAX,
	    "OPTIONS sip:ben@conto\xc3\xb6so.test SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("escaped-host", "3261 25.1", URI_SYNTAX,
	    "OPTIONS sip:ben@contoso%2etest SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("host-underscore", "3261 25.1", URI_SYNTAX,
	    "OPTIONS sip:ben@con_toso.test SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("host-empty-label", "3261 25.1", URI_SYNTAX,
	    "OPTIONS sip:ben@contoso..test SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("host-octal", "3261 25.1, ours", URI_SYNTAX,
	    "OPTIONS sip:ben@192.0.2.010 SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("port-zero", "3261 25.1", URI_SYNTAX,
	    "OPTIONS sip:ben@contoso.test:0 SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("port-wrap", "3261 25.1", URI_SYNTAX,
	    "OPTIONS sip:ben@contoso.test:70597 SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("escape-cut", "3261 25.1", URI_SYNTAX,
	    "OPTIONS sip:b%4@contoso.test SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("quote-overlong-utf8", "3629 4", BAD_FROM,
	    LINE("OPTIONS") VIA TO
	    "From: \"a\xc0\xa2\" <sip:ann@fabrikam.test>;tag=1\r\n" CALLID MF CSEQ("OPTIONS")),
	MSG("route-without-brackets", "3261 20.34", BAD_ROUTE,
	    ALL("OPTIONS") "Route: sip:gate.contoso.test;lr\r\n"),
	MSG("route-empty", "3261 20.34", BAD_ROUTE, ALL("OPTIONS") "Route:\r\n"),
	MSG("record-route-comma-end", "3261 7.3.1", BAD_RECORD_ROUTE,
	    ALL("INVITE") "Record-Route: <sip:gate.contoso.test;lr>,\r\n"),
	MSG("cseq-without-space", "3261 20.16", BAD_CSEQ,
	    LINE("OPTIONS") VIA FROM TO CALLID MF "CSeq: 17OPTIONS\r\n"),
	MSG("call-id-two-ats", "3261 20.8", BAD_CALL_ID,
	    LINE("OPTIONS") VIA FROM TO "Call-ID: a@b@c\r\n" MF CSEQ("OPTIONS")),
	MSG("call-id-space", "3261 20.8", BAD_CALL_ID,
	    LINE("OPTIONS") VIA FROM TO "Call-ID: a b\r\n" MF CSEQ("OPTIONS")),
	MSG("max-forwards-sign", "3261 20.22", BAD_MAX_FORWARDS,
	    LINE("OPTIONS") VIA FROM TO CALLID "Max-Forwards: -1\r\n" CSEQ("OPTIONS")),
	MSG("status-099", "3261 7.2", STATUS, "SIP/2.0 099 Odd\r\n" VIA REST("INVITE")),
	MSG("status-700", "3261 7.2", STATUS, "SIP/2.0 700 Odd\r\n" VIA REST("INVITE")),
	MSG("status-two-digits", "3261 7.2", START_LINE, "SIP/2.0 20 Odd\r\n" VIA REST("INVITE")),
	MSG("version-lower-case", "3261 7.1", OK,
	    "OPTIONS sip:ben@contoso.test sip/2.0\r\n" VIA REST("OPTIONS")),
	MSG("version-list", "3261 7.1", START_LINE,
	    "OPTIONS sip:ben@contoso.test SIP/2.0.1\r\n" VIA REST("OPTIONS")),
	MSG("method-lower-case", "3261 7.1", OK,
	    "invite sip:ben@contoso.test SIP/2.0\r\n" VIA FROM TO CALLID MF CSEQ("invite")),
	MSG("tel-global", "3966 3", OK, "INVITE tel:+1-201-555-0123 SIP/2.0\r\n" VIA REST("INVITE")),
	MSG("tel-local-without-context", "3966 5.1.5", URI_SYNTAX,
	    "INVITE tel:7042 SIP/2.0\r\n" VIA REST("INVITE")),
	MSG("tel-local", "3966 5.1.5", OK,
	    "INVITE tel:7042;phone-context=contoso.test SIP/2.0\r\n" VIA REST("INVITE")),
	MSG("contact-star", "3261 20.10", OK, ALL("REGISTER") "Contact: *\r\nExpires: 0\r\n"),
	MSG("pai-two", "3325 9.1", OK,
	    ALL("INVITE") "P-Asserted-Identity: \"Ann\" <sip:ann@fabrikam.test>, <tel:+12015550123>\r\n"),
	MSG("pai-broken", "3325 9.1", BAD_IDENTITY,
	    ALL("INVITE") "P-Asserted-Identity: <sip:ann@fabrikam.test\r\n"),
	MSG("supported-empty", "3261 20.37", OK, ALL("INVITE") "Supported:\r\nAllow: INVITE,ACK\r\n"),
	MSG("require-empty", "3261 20.32", BAD_REQUIRE, ALL("INVITE") "Require:\r\n"),
	MSG("require-list-hole", "3261 7.3.1", BAD_REQUIRE, ALL("INVITE") "Require: a,,b\r\n"),
	MSG("content-type-broken", "3261 20.15", BAD_CONTENT_TYPE, ALL("INVITE") "Content-Type: text\r\n"),
	/* a field that may occur once, in its other spelling */
	MSG("from-twice-compact", "3261 7.3.1", REPEATED,
	    ALL("OPTIONS") "f: <sip:eve@fabrikam.test>;tag=2\r\n"),
	MSG("call-id-twice-compact", "3261 7.3.1", REPEATED, ALL("OPTIONS") "I : other@fabrikam.test\r\n"),
	MSG("cseq-twice-case", "3261 7.3.1", REPEATED, ALL("OPTIONS") "cSEQ: 17 OPTIONS\r\n"),
	MSG("content-type-twice-compact", "3261 7.3.1", REPEATED,
	    ALL("OPTIONS") "Content-Type: text/plain\r\nC: text/html\r\n"),
	MSG("event-twice-compact", "3261 7.3.1", REPEATED,
	    ALL("SUBSCRIBE") "Event: presence\r\no: dialog\r\n"),
	MSG("expires-twice", "3261 7.3.1", REPEATED, ALL("SUBSCRIBE") "Expires: 1\r\nExpires: 2\r\n"),
	/* where a message ends */
	RAWBODY("length-twice-compact", "3261 20.14", LENGTH_REPEATED,
		ALL("OPTIONS") "l: 0\r\nX: y\r\nCONTENT-LENGTH : 5\r\n", "abcde"),
	RAW("length-2^32-1", "3261 20.14", LENGTH_LIMIT, ALL("OPTIONS") "Content-Length: 4294967295\r\n"),
	RAW("length-2^64-1", "3261 20.14", LENGTH_LIMIT, ALL("OPTIONS") "l: 18446744073709551615\r\n"),
	RAW("length-2^65", "3261 20.14", LENGTH_LIMIT, ALL("OPTIONS") "l: 36893488147419103232\r\n"),
	RAW("length-two-numbers", "3261 20.14", LENGTH_SYNTAX, ALL("OPTIONS") "Content-Length: 0 5\r\n"),
	RAW("length-param", "3261 20.14", LENGTH_SYNTAX, ALL("OPTIONS") "Content-Length: 0;x=5\r\n"),
	RAW("length-quoted", "3261 20.14", LENGTH_SYNTAX, ALL("OPTIONS") "Content-Length: \"0\"\r\n"),
	RAW("length-comment", "3261 20.14", LENGTH_SYNTAX, ALL("OPTIONS") "Content-Length: 0 (five)\r\n"),
	RAW("length-underscore", "3261 20.14", LENGTH_MISSING, ALL("OPTIONS") "Content_Length: 0\r\n"),
	RAW("length-in-fold", "3261 7.3.1", LENGTH_MISSING, ALL("OPTIONS") "X: y\r\n Content-Length: 0\r\n"),
	RAW("length-tab", "3261 25.1", OK, ALL("OPTIONS") "Content-Length\t:\t0\t\r\n"),
	RAW("lf-cr", "3261 7", FRAME_BARE, ALL("OPTIONS") "Subject: a\n\rContent-Length: 0\r\n"),
	RAW("bare-lf-empty-line", "3261 7", FRAME_BARE, ALL("OPTIONS") "Content-Length: 0\r\n\nX: y\r\n"),
	MSG("fold-in-name", "3261 7.3.1", HEADER_SYNTAX, ALL("OPTIONS") "Sub\r\n ject: x\r\n"),
	MSG("fold-in-quotes", "3261 25.1", OK,
	    LINE("OPTIONS") VIA TO
	    "From: \"a\r\n b\" <sip:ann@fabrikam.test>;tag=1\r\n" CALLID MF CSEQ("OPTIONS")),
	MSG("fold-in-brackets", "3261 25.1", BAD_FROM,
	    LINE("OPTIONS") VIA TO "From: <sip:ann@\r\n fabrikam.test>;tag=1\r\n" CALLID MF CSEQ("OPTIONS")),
	MSG("fold-hides-field", "3261 7.3.1", MISSING_TO,
	    LINE("OPTIONS") VIA FROM " " TO CALLID MF CSEQ("OPTIONS")),
	MSG("name-utf8", "3261 25.1", HEADER_SYNTAX, ALL("OPTIONS") "X-\xc3\xbc: x\r\n"),
	/* start line */
	MSG("start-tab", "3261 7.1", START_LINE,
	    "OPTIONS\tsip:ben@contoso.test\tSIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("start-tab-in-uri", "3261 7.1", URI_SYNTAX,
	    "OPTIONS sip:ben@contoso.test\t;lr SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("start-no-uri", "3261 7.1", START_LINE, "OPTIONS SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("start-nul", "3261 25.1", CONTROL,
	    "OPTIONS sip:ben\x00@contoso.test SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("version-zeros", "3261 7.1", VERSION,
	    "OPTIONS sip:ben@contoso.test SIP/02.0\r\n" VIA REST("OPTIONS")),
	MSG("status-no-space", "3261 7.2", START_LINE, "SIP/2.0 200OK\r\n" VIA REST("INVITE")),
	RAW("start-space", "3261 7", FRAME_START, " " ALL("OPTIONS") "Content-Length: 0\r\n"),
	/* lists and what is none */
	MSG("cseq-list", "3261 20.16", BAD_CSEQ,
	    LINE("OPTIONS") VIA FROM TO CALLID MF "CSeq: 17 OPTIONS, 18 OPTIONS\r\n"),
	MSG("cseq-case", "3261 7.1", CSEQ_METHOD, LINE("OPTIONS") VIA FROM TO CALLID MF CSEQ("options")),
	MSG("call-id-list", "3261 20.8", BAD_CALL_ID,
	    LINE("OPTIONS") VIA FROM TO "Call-ID: a@b, c@d\r\n" MF CSEQ("OPTIONS")),
	MSG("call-id-empty", "3261 20.8", BAD_CALL_ID,
	    LINE("OPTIONS") VIA FROM TO "Call-ID:\r\n" MF CSEQ("OPTIONS")),
	MSG("max-forwards-list", "3261 20.22", BAD_MAX_FORWARDS,
	    LINE("OPTIONS") VIA FROM TO CALLID "Max-Forwards: 70, 70\r\n" CSEQ("OPTIONS")),
	MSG("max-forwards-empty", "3261 20.22", BAD_MAX_FORWARDS,
	    LINE("OPTIONS") VIA FROM TO CALLID "Max-Forwards:\r\n" CSEQ("OPTIONS")),
	MSG("max-forwards-2^32", "3261 20.22", BAD_MAX_FORWARDS,
	    LINE("OPTIONS") VIA FROM TO CALLID "Max-Forwards: 4294967366\r\n" CSEQ("OPTIONS")),
	MSG("route-hole", "3261 7.3.1", BAD_ROUTE,
	    ALL("OPTIONS") "Route: <sip:a.test;lr>,,<sip:b.test;lr>\r\n"),
	MSG("route-quoted-comma", "3261 7.3.1", OK,
	    ALL("OPTIONS") "Route: \"a, <sip:x>\" <sip:a.test;lr>;x=\"b,c\\\",d\" , <sip:b.test;lr>\r\n"),
	MSG("contact-star-list", "3261 20.10", BAD_CONTACT,
	    ALL("REGISTER") "Contact: *, <sip:ann@fabrikam.test>\r\n"),
	MSG("via-empty", "3261 20.42", BAD_VIA, LINE("OPTIONS") "Via:\r\n" REST("OPTIONS")),
	MSG("via-comma-first", "3261 7.3.1", BAD_VIA,
	    LINE("OPTIONS") "Via: , SIP/2.0/TLS a.test;branch=z9hG4bKa\r\n" REST("OPTIONS")),
	MSG("via-two-hosts", "3261 20.42", BAD_VIA,
	    LINE("OPTIONS") "Via: SIP/2.0/TLS a.test b.test;branch=z9hG4bKa\r\n" REST("OPTIONS")),
	MSG("via-two-ports", "3261 20.42", BAD_VIA,
	    LINE("OPTIONS") "Via: SIP/2.0/TLS a.test:5061:5062;branch=z9hG4bKa\r\n" REST("OPTIONS")),
	MSG("via-user", "3261 20.42", BAD_VIA,
	    LINE("OPTIONS") "Via: SIP/2.0/TLS u@a.test;branch=z9hG4bKa\r\n" REST("OPTIONS")),
	MSG("via-second-broken", "3261 20.42", BAD_VIA,
	    LINE("OPTIONS") VIA "v: SIP/2.0/TLS\r\n" REST("OPTIONS")),
	MSG("via-received-twice", "3261 7.3.1", BAD_VIA,
	    LINE("OPTIONS") "Via: SIP/2.0/TLS a.test;received=192.0.2.1;branch=z9hG4bKa;Received = "
			    "192.0.2.2\r\n" REST("OPTIONS")),
	/* addresses */
	MSG("from-escaped-quotes", "3261 25.1", OK,
	    LINE("OPTIONS") VIA TO
	    "From: \"Bell, \\\"A\\\" <sip:x@y.test>;tag=0\\\\\" <sip:ann@fabrikam.test>;tag=1\r\n" CALLID MF
		    CSEQ("OPTIONS")),
	MSG("from-quote-escaped-open", "3261 25.1", BAD_FROM,
	    LINE("OPTIONS") VIA TO
	    "From: \"Bell\\\" <sip:ann@fabrikam.test>;tag=1\r\n" CALLID MF CSEQ("OPTIONS")),
	MSG("from-utf8-unquoted", "3261 25.1", BAD_FROM,
	    LINE("OPTIONS") VIA TO
	    "From: \xc3\x85sa <sip:ann@fabrikam.test>;tag=1\r\n" CALLID MF CSEQ("OPTIONS")),
	MSG("from-tag-utf8", "3261 25.1", BAD_FROM,
	    LINE("OPTIONS") VIA TO
	    "From: <sip:ann@fabrikam.test>;tag=\xc3\xa5\r\n" CALLID MF CSEQ("OPTIONS")),
	MSG("from-tag-quoted", "3261 25.1", BAD_FROM,
	    LINE("OPTIONS") VIA TO "From: <sip:ann@fabrikam.test>;tag=\"1\"\r\n" CALLID MF CSEQ("OPTIONS")),
	MSG("from-second-uri", "3261 25.1", BAD_FROM,
	    LINE("OPTIONS") VIA TO
	    "From: <sip:ann@fabrikam.test> <sip:eve@fabrikam.test>\r\n" CALLID MF CSEQ("OPTIONS")),
	MSG("from-two-brackets", "3261 25.1", BAD_FROM,
	    LINE("OPTIONS") VIA TO "From: <<sip:ann@fabrikam.test>>;tag=1\r\n" CALLID MF CSEQ("OPTIONS")),
	MSG("from-comma-end", "3261 20.20", BAD_FROM,
	    LINE("OPTIONS") VIA TO "From: <sip:ann@fabrikam.test>;tag=1,\r\n" CALLID MF CSEQ("OPTIONS")),
	MSG("to-rubbish", "3261 25.1", BAD_TO,
	    LINE("OPTIONS") VIA FROM "To: <sip:ben@contoso.test> x\r\n" CALLID MF CSEQ("OPTIONS")),
	MSG("to-tag-empty", "3261 25.1", BAD_TO,
	    LINE("OPTIONS") VIA FROM "To: <sip:ben@contoso.test>;tag=\r\n" CALLID MF CSEQ("OPTIONS")),
	MSG("to-bracket-in-user", "3261 25.1", BAD_TO,
	    LINE("OPTIONS") VIA FROM "To: <sip:ben>@contoso.test>\r\n" CALLID MF CSEQ("OPTIONS")),
	/* URIs */
	MSG("uri-nul-escaped-host", "3261 25.1", URI_SYNTAX,
	    "OPTIONS sip:ben@contoso.test%00.fabrikam.test SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("uri-nul-escaped-param", "3261 25.1", OK,
	    "OPTIONS sip:ben@contoso.test;x=%00;%00=y SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("uri-at-escaped", "3261 25.1", OK,
	    "OPTIONS sip:a%40evil.test@contoso.test SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("uri-user-like-host", "3261 25.1", OK,
	    "OPTIONS sip:evil.test;transport=tls;lr?x=y@contoso.test SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("uri-password-like-port", "3261 25.1", OK,
	    "OPTIONS sip:evil.test:5061@contoso.test SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("uri-password-with-params", "3261 25.1", URI_SYNTAX,
	    "OPTIONS sip:evil.test:5061;lr@contoso.test SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("uri-fragment", "3261 25.1", URI_SYNTAX,
	    "OPTIONS sip:ben@contoso.test#x SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("uri-slashes", "3261 25.1", URI_SYNTAX,
	    "OPTIONS sip://contoso.test SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("uri-backslash", "3261 25.1", URI_SYNTAX,
	    "OPTIONS sip:ben@contoso.test\\x SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("uri-quad-and-name", "3261 25.1", URI_SYNTAX,
	    "OPTIONS sip:ben@192.0.2.1.5 SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("uri-number-host", "3261 25.1", URI_SYNTAX,
	    "OPTIONS sip:ben@3221225985 SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("uri-hex-host", "3261 25.1", URI_SYNTAX,
	    "OPTIONS sip:ben@0xc0000201 SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("uri-ip6-zone", "4291 2.2", URI_SYNTAX,
	    "OPTIONS sip:ben@[fe80::1%25eth0] SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("uri-ip6-behind", "3261 25.1", URI_SYNTAX,
	    "OPTIONS sip:ben@[2001:db8::1]x SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("uri-ip6-octal", "3261 25.1, ours", URI_SYNTAX,
	    "OPTIONS sip:ben@[::ffff:192.0.2.010] SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("uri-ip6-maddr", "3261 25.1", OK,
	    "OPTIONS sip:ben@contoso.test;maddr=[2001:db8::1] SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("uri-transport-twice", "3261 19.1.1", URI_SYNTAX,
	    "OPTIONS sip:contoso.test;transport=tls;TRANSPORT=tcp SIP/2.0\r\n" VIA REST("OPTIONS")),
	MSG("uri-lr-twice", "3261 19.1.1", BAD_ROUTE, ALL("OPTIONS") "Route: <sip:a.test;lr;x;l%52>\r\n"),
};

const size_t sip_torture_n = sizeof(sip_torture_set) / sizeof(sip_torture_set[0]);

size_t sip_torture_bytes(const struct sip_torture *t, char *out, size_t size)
{
	char length[48] = "";
	size_t n = 0, k;

	if (!t->own_length)
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n", t->body_len);
	k = strlen(length);
	if (t->head_len + k + 2 + t->body_len > size)
		abort();
	memcpy(out, t->head, t->head_len);
	n = t->head_len;
	memcpy(out + n, length, k);
	n += k;
	memcpy(out + n, "\r\n", 2);
	n += 2;
	memcpy(out + n, t->body, t->body_len);
	return n + t->body_len;
}
