/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests inside dialogs and responses: what was signed into our routes, against the policy of this moment.
 */
#include "tests/unit/policy/row.h"

#define NEXT                                                                    \
	"in dialog INVITE alice@contoso.com bob@ours.com cert=sip.contoso.com " \
	"stored=allowed:contoso.com:sip.contoso.com "
#define BYE                                                                  \
	"in dialog BYE alice@contoso.com bob@ours.com cert=sip.contoso.com " \
	"stored=allowed:contoso.com:sip.contoso.com "

static void test_peer(void **state)
{
	static const struct row rows[] = {
		{"same peer", "allow contoso.com", NEXT, "accept allowed unverified"},
		{"no SRV is looked up", "allow contoso.com; srv contoso.com failed", NEXT,
		 "accept allowed unverified"},
		{"another peer", "allow contoso.com",
		 "in dialog INVITE alice@contoso.com bob@ours.com cert=sip.evil.com "
		 "stored=allowed:contoso.com:sip.contoso.com",
		 "refuse 504/1007 DIALOG_PEER"},
		{"same key", "allow contoso.com",
		 "in dialog INVITE alice@contoso.com bob@ours.com cert=x key=7 stored=allowed:contoso.com "
		 "stored-key=7",
		 "accept allowed unverified"},
		{"another key", "allow contoso.com",
		 "in dialog INVITE alice@contoso.com bob@ours.com cert=x key=8 stored=allowed:contoso.com "
		 "stored-key=7",
		 "refuse 504/1007 DIALOG_PEER"},
		{"same key, nothing else proven", "allow contoso.com check=pinned pin=7",
		 "in dialog INVITE alice@contoso.com bob@ours.com key=7 key-alone stored=allowed:contoso.com "
		 "stored-key=7",
		 "accept allowed unverified"},
		{"the same, an answer", "allow contoso.com check=pinned pin=7",
		 "in response INVITE bob@ours.com alice@contoso.com key=7 key-alone "
		 "stored=allowed:contoso.com "
		 "stored-key=7",
		 "accept allowed unverified"},
		{"the pin is gone", "allow contoso.com",
		 "in dialog INVITE alice@contoso.com bob@ours.com key=7 key-alone stored=allowed:contoso.com "
		 "stored-key=7",
		 "refuse 504/1010 NO_CERTIFICATE"},
		{"the pin is somebody else's now", "allow contoso.com; allow z.net check=pinned pin=7",
		 "in dialog INVITE alice@contoso.com bob@ours.com key=7 key-alone stored=allowed:contoso.com "
		 "stored-key=7",
		 "refuse 504/1010 PIN_MISMATCH"},
		{"the key alone in a dialog by name", "allow contoso.com; allow z.net check=pinned pin=7",
		 "in dialog INVITE alice@contoso.com bob@ours.com cert=sip.contoso.com key=7 key-alone "
		 "stored=allowed:contoso.com:sip.contoso.com",
		 "refuse 504/1007 DIALOG_PEER"},
		{"no Route of ours", "allow contoso.com",
		 "in dialog INVITE alice@contoso.com bob@ours.com cert=contoso.com route=none",
		 "refuse 481/1004 ROUTE_MISSING"},
		{"bad signature", "allow contoso.com",
		 "in dialog BYE alice@contoso.com bob@ours.com cert=contoso.com route=stale",
		 "refuse 481/1004 ROUTE_STALE"},
		{"foreign Route", "allow contoso.com",
		 "in dialog INVITE alice@contoso.com bob@ours.com cert=contoso.com route=foreign",
		 "refuse 504/1007 ROUTE_FOREIGN"},
		{"our Route, but nothing is known of it", "allow contoso.com",
		 "in dialog INVITE alice@contoso.com bob@ours.com cert=contoso.com",
		 "refuse 504/1007 ROUTE_FOREIGN"},
		{"From changed its domain", "allow contoso.com; allow evil.com",
		 "in dialog INVITE a@evil.com bob@ours.com cert=sip.contoso.com "
		 "stored=allowed:contoso.com:sip.contoso.com",
		 "refuse 403/1017 DIALOG_DOMAIN"},
		{"revoked since, even for a BYE", "allow contoso.com", BYE "revoked",
		 "refuse 504/1010 REVOKED"},
		{"REGISTER inside a dialog", "allow contoso.com",
		 "in dialog REGISTER alice@contoso.com bob@ours.com cert=sip.contoso.com "
		 "stored=allowed:contoso.com:sip.contoso.com",
		 "refuse 403/1027 METHOD"},
		{"marked as ever", "allow contoso.com verify=always", NEXT, "accept allowed verified"},
		{"a chat does not become a call", "allow contoso.com services=im", NEXT "service=calls",
		 "refuse 403/1027 SERVICE"},
		{"… nor a chat with a call", "allow contoso.com services=im", NEXT "service=im,calls",
		 "refuse 403/1027 SERVICE"},
		{"an address whose user may", "allow contoso.com; user carol@ours.com rights=+federation",
		 NEXT "ruri=carol@ours.com", "accept allowed unverified"},
		{"an address whose user may not", "allow contoso.com; user carol@ours.com rights=-federation",
		 NEXT "ruri=carol@ours.com", "refuse 403/1002 USER_FEDERATION"},
		{"… ends what is open", "allow contoso.com; user carol@ours.com rights=-federation",
		 BYE "ruri=carol@ours.com", "accept allowed unverified"},
		{"… is acknowledged", "allow contoso.com; user carol@ours.com rights=-federation",
		 "in dialog ACK alice@contoso.com bob@ours.com cert=sip.contoso.com ruri=carol@ours.com "
		 "stored=allowed:contoso.com:sip.contoso.com",
		 "accept allowed unverified"},
		{"one who lost the right since", "allow contoso.com; user bob@ours.com rights=-federation",
		 NEXT, "refuse 403/1002 USER_FEDERATION"},
		{"a Contact at a host of ours", "allow contoso.com; user carol@ours.com rights=-federation",
		 NEXT "ruri=carol@pc.ours.com", "accept allowed unverified"},
		{"a host that our end named", "allow contoso.com", NEXT "ruri=x@pc.ours.com",
		 "accept allowed unverified"},
		{"a host that it did not name", "allow contoso.com", NEXT "ruri=x@pc.ours.com strange",
		 "refuse 403/1027 DIALOG_TARGET"},
		{"… is no place for a BYE", "allow contoso.com", BYE "ruri=x@pc.ours.com strange",
		 "refuse 403/1027 DIALOG_TARGET"},
		{"a domain of ours is no host", "allow contoso.com", NEXT "strange",
		 "accept allowed unverified"},
		{"a block is told first", "block contoso.com", NEXT "ruri=x@pc.ours.com strange",
		 "refuse 403/1027 BLOCKED"},
		{"what is open goes on", "allow contoso.com services=im", NEXT "service=im",
		 "accept allowed unverified"},
		{"a call ends when calls are closed", "allow contoso.com services=im", BYE,
		 "accept allowed unverified"},
		{"a call from inside", "allow contoso.com services=im",
		 "out dialog INVITE bob@ours.com alice@contoso.com service=calls "
		 "stored=allowed:contoso.com:sip.contoso.com",
		 "refuse 403/1027 SERVICE"},
		{"from inside", "allow contoso.com",
		 "out dialog INVITE bob@ours.com alice@contoso.com "
		 "stored=allowed:contoso.com:sip.contoso.com",
		 "accept allowed"},
		{"from inside, not trusted", "allow contoso.com",
		 "out dialog INVITE bob@ours.com alice@contoso.com untrusted "
		 "stored=allowed:contoso.com:sip.contoso.com",
		 "refuse 403/1027 INTERNAL_UNTRUSTED"},
		{"from inside, From is not ours", "allow contoso.com",
		 "out dialog INVITE bob@third.com alice@contoso.com "
		 "stored=allowed:contoso.com:sip.contoso.com",
		 "refuse 403/1017 FROM_NOT_OURS"},
	};

	ROWS(rows);
}

static void test_cut(void **state)
{
	static const struct row rows[] = {
		{"blocked since", "block contoso.com", NEXT, "refuse 403/1027 BLOCKED"},
		{"blocked since: BYE passes", "block contoso.com", BYE, "accept allowed unverified"},
		{"blocked since: CANCEL passes", "block contoso.com",
		 "in dialog CANCEL alice@contoso.com bob@ours.com cert=sip.contoso.com "
		 "stored=allowed:contoso.com:sip.contoso.com",
		 "accept allowed unverified"},
		{"blocked since: ACK is dropped", "block contoso.com",
		 "in dialog ACK alice@contoso.com bob@ours.com cert=sip.contoso.com "
		 "stored=allowed:contoso.com:sip.contoso.com",
		 "drop BLOCKED"},
		{"emergency block", "allow contoso.com; hard contoso.com", NEXT,
		 "refuse 403/1027 HARD_BLOCKED"},
		{"emergency block: BYE passes", "allow contoso.com; hard contoso.com", BYE,
		 "accept allowed unverified"},
		{"blocked since, from inside", "block contoso.com",
		 "out dialog INVITE bob@ours.com alice@contoso.com "
		 "stored=allowed:contoso.com:sip.contoso.com",
		 "refuse 403/1027 BLOCKED"},
		{"blocked since, BYE from inside", "block contoso.com",
		 "out dialog BYE bob@ours.com alice@contoso.com stored=allowed:contoso.com:sip.contoso.com",
		 "accept allowed"},
		{"federation off since", "federation off; allow contoso.com", NEXT,
		 "refuse 403/1027 FEDERATION_OFF"},
		{"federation off since: BYE passes", "federation off; allow contoso.com", BYE,
		 "accept allowed unverified"},
		{"SIP domain closed since", "own our.org closed; allow contoso.com",
		 "in dialog INVITE alice@contoso.com bob@our.org cert=sip.contoso.com "
		 "stored=allowed:contoso.com:sip.contoso.com",
		 "refuse 403/1027 FEDERATION_OFF_HERE"},
		{"allow removed", "", NEXT, "refuse 403/1027 ALLOW_REMOVED"},
		{"allow removed: BYE passes", "", BYE, "accept allowed unverified"},
		{"allow removed, discovery on: it would be let in again", "discovery on", NEXT,
		 "accept allowed unverified"},
		{"allow of a server removed, discovery on", "discovery on",
		 "in dialog INVITE alice@contoso.com bob@ours.com cert=gw.x.net "
		 "stored=direct:contoso.com:gw.x.net",
		 "refuse 403/1027 ALLOW_REMOVED"},
		{"discovery off since: stops new dialogs only", "",
		 "in dialog INVITE alice@contoso.com bob@ours.com cert=sip.contoso.com "
		 "stored=discovered:contoso.com:sip.contoso.com:discovered",
		 "accept discovered unverified"},
		{"discovered, blocked since", "discovery on; block contoso.com",
		 "in dialog INVITE alice@contoso.com bob@ours.com cert=sip.contoso.com "
		 "stored=discovered:contoso.com:sip.contoso.com:discovered",
		 "refuse 403/1027 BLOCKED"},
		{"hosting provider", "hosting h.com; allow contoso.com",
		 "in dialog INVITE alice@contoso.com bob@ours.com cert=h.com "
		 "stored=hosting:contoso.com:h.com",
		 "accept hosting unverified"},
		{"hosting provider switched off since", "hosting h.com off; allow contoso.com",
		 "in dialog INVITE alice@contoso.com bob@ours.com cert=h.com "
		 "stored=hosting:contoso.com:h.com",
		 "refuse 403/1027 ALLOW_REMOVED"},
		{"hosted domain's allow removed", "hosting h.com",
		 "in dialog INVITE alice@contoso.com bob@ours.com cert=h.com "
		 "stored=hosting:contoso.com:h.com",
		 "refuse 403/1027 ALLOW_REMOVED"},
		{"hosted domain that discovery let in, off since", "hosting h.com",
		 "in dialog INVITE alice@contoso.com bob@ours.com cert=h.com "
		 "stored=hosting:contoso.com:h.com:discovered",
		 "accept hosting unverified"},
		{"public provider needs no allow", "public p.com",
		 "in dialog INVITE alice@contoso.com bob@ours.com cert=p.com stored=public:contoso.com:p.com",
		 "accept public unverified"},
		{"public provider removed", "",
		 "in dialog INVITE alice@contoso.com bob@ours.com cert=p.com stored=public:contoso.com:p.com",
		 "refuse 403/1027 ALLOW_REMOVED"},
		{"shared address space", "hosting h.com shared",
		 "in dialog INVITE carol@ours.net bob@ours.com cert=h.com stored=shared:ours.net:h.com",
		 "accept shared unverified"},
		{"shared address space ended", "hosting h.com",
		 "in dialog INVITE carol@ours.net bob@ours.com cert=h.com stored=shared:ours.net:h.com",
		 "refuse 403/1027 ALLOW_REMOVED"},
		{"clearing house", "allow contoso.com via=aol.com",
		 "in dialog INVITE alice@contoso.com bob@ours.com cert=sip.aol.com "
		 "stored=clearing:contoso.com:sip.aol.com",
		 "accept clearing unverified"},
		{"default route", "default-routing dr.net; allow contoso.com",
		 "in dialog INVITE alice@contoso.com bob@ours.com cert=dr.net "
		 "stored=default:contoso.com:dr.net",
		 "accept default unverified"},
		{"default route removed", "allow contoso.com",
		 "in dialog INVITE alice@contoso.com bob@ours.com cert=dr.net "
		 "stored=default:contoso.com:dr.net",
		 "refuse 403/1027 ALLOW_REMOVED"},
		{"the far end of a clearing house, blocked since",
		 "clearing on; allow contoso.com; block fabrikam.com",
		 "in dialog INVITE alice@contoso.com dan@fabrikam.com cert=sip.contoso.com "
		 "stored=allowed:contoso.com:sip.contoso.com",
		 "refuse 403/1027 BLOCKED"},
	};

	ROWS(rows);
}

static void test_response(void **state)
{
#define ANSWER "in response INVITE bob@ours.com alice@contoso.com "
#define STORED "stored=allowed:contoso.com:sip.contoso.com "
	static const struct row rows[] = {
		{"from the peer to which the request went", "allow contoso.com",
		 ANSWER STORED "cert=sip.contoso.com", "accept allowed unverified"},
		{"from another peer", "allow contoso.com", ANSWER STORED "cert=sip.evil.com",
		 "drop DIALOG_PEER"},
		{"to no request", "allow contoso.com", ANSWER "cert=sip.contoso.com", "drop DIALOG_PEER"},
		{"blocked since", "block contoso.com", ANSWER STORED "cert=sip.contoso.com", "drop BLOCKED"},
		{"blocked since, answer to a BYE", "block contoso.com",
		 "in response BYE bob@ours.com alice@contoso.com cert=sip.contoso.com " STORED,
		 "accept allowed unverified"},
		{"the To domain is another one, and blocked", "allow contoso.com; block fabrikam.com",
		 "in response INVITE bob@ours.com dan@fabrikam.com cert=sip.contoso.com " STORED,
		 "drop BLOCKED"},
		{"the To domain is another one, emergency block", "allow contoso.com; hard fabrikam.com",
		 "in response INVITE bob@ours.com dan@fabrikam.com cert=sip.contoso.com " STORED,
		 "drop HARD_BLOCKED"},
		{"revoked since", "allow contoso.com", ANSWER STORED "cert=sip.contoso.com revoked",
		 "drop REVOKED"},
		{"federation off since", "federation off; allow contoso.com",
		 ANSWER STORED "cert=sip.contoso.com", "drop FEDERATION_OFF"},
		{"allow removed since", "", ANSWER STORED "cert=sip.contoso.com", "drop ALLOW_REMOVED"},
		{"reject-unmarked does not eat answers", "allow contoso.com reject-unmarked",
		 ANSWER STORED "cert=sip.contoso.com", "accept allowed unverified"},
		{"our answer", "allow contoso.com",
		 "out response INVITE alice@contoso.com bob@ours.com " STORED, "accept allowed"},
		{"our answer, blocked since", "block contoso.com",
		 "out response INVITE alice@contoso.com bob@ours.com " STORED, "drop BLOCKED"},
		{"an answer from inside by a server that is not trusted", "allow contoso.com",
		 "out response INVITE alice@contoso.com bob@ours.com untrusted " STORED,
		 "drop INTERNAL_UNTRUSTED"},
	};

	ROWS(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_peer), cmocka_unit_test(test_cut),
					   cmocka_unit_test(test_response)};

	return cmocka_run_group_tests_name("policy dialog", tests, NULL, NULL);
}
