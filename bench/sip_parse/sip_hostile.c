/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/sip_parse/sip_hostile.h"

#include <stdio.h>
#include <string.h>

#define START "INVITE sip:b@contoso.test SIP/2.0\r\n"
#define VIA   "Via: SIP/2.0/TLS e.fabrikam.test;branch=z9hG4bKh\r\n"
#define REST                                                                         \
	"From: <sip:a@fabrikam.test>;tag=1\r\nTo: <sip:b@contoso.test>\r\nCall-ID: " \
	"h@fabrikam.test\r\nCSeq: 1 "                                                \
	"INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n"

/* head, the piece to repeat, tail: together one message */
static const struct {
	const char *name, *head, *piece, *tail;
} kinds[] = {
	{"vias_in_a_line", START REST "Via: SIP/2.0/TLS a.test", ", SIP/2.0/TLS a.test;branch=z9hG4bK1",
	 "\r\n\r\n"},
	{"via_params", START REST "Via: SIP/2.0/TLS a.test", ";a=b", "\r\n\r\n"},
	{"via_quotes", START REST "Via: SIP/2.0/TLS a.test;x=\"", "\\\"", "\"\r\n\r\n"},
	{"uri_params", START REST VIA "Contact: <sip:a@b.test", ";a", ">\r\n\r\n"},
	{"uri_escapes", START REST VIA "Contact: <sip:", "%41", "@b.test>\r\n\r\n"},
	{"uri_param_escapes", START REST VIA "Contact: <sip:a@b.test", ";%41", ">\r\n\r\n"},
	{"uri_colons", START REST VIA "Contact: <sip:a", ":a", "@b.test>\r\n\r\n"},
	{"uri_headers", START REST VIA "Contact: <sip:a@b.test?a=b", "&a=b", ">\r\n\r\n"},
	{"long_host", START REST VIA "Contact: <sip:a@b", ".b", ".test>\r\n\r\n"},
	{"contacts_in_a_line", START REST VIA "Contact: <sip:a@b.test>", ",<sip:a@b.test>", "\r\n\r\n"},
	{"display_words", START REST VIA "Contact: a", " a", " <sip:a@b.test>\r\n\r\n"},
	{"display_utf8", START REST VIA "Contact: \"", "\xc3\xa9", "\" <sip:a@b.test>\r\n\r\n"},
	{"folds", START REST VIA "X: a", "\r\n a", "\r\n\r\n"},
	{"route_folds", START REST VIA "Route: <sip:a.test;lr>", ",\r\n <sip:a.test;lr>", "\r\n\r\n"},
	{"white_space", START REST VIA "Route:", "    \t   ", "<sip:a.test;lr>\r\n\r\n"},
	{"short_lines", START REST VIA, "a:\r\n", "\r\n"},
	{"no_colon", START REST VIA, "a\r\n", "\r\n"},
	{"one_long_value", START REST VIA "Subject: ", "aaaaaaaa", "\r\n\r\n"},
	{"quoted_controls", START REST VIA "X: \"", "\\\x01", "\"\r\n\r\n"},
	{"colons_for_ip6", START REST "Via: SIP/2.0/TLS [", "1:", "]\r\n\r\n"},
	{"digits", START REST VIA "RSeq: ", "11111111", "\r\n\r\n"},
};

const unsigned sip_hostile_n = sizeof(kinds) / sizeof(kinds[0]);

const char *sip_hostile_name(unsigned which)
{
	return kinds[which].name;
}

uint32_t sip_hostile_make(unsigned which, char *out, uint32_t size)
{
	size_t head = strlen(kinds[which].head), piece = strlen(kinds[which].piece),
	       tail = strlen(kinds[which].tail), n;

	memcpy(out, kinds[which].head, head);
	for (n = head; n + piece + tail <= size; n += piece)
		memcpy(out + n, kinds[which].piece, piece);
	memcpy(out + n, kinds[which].tail, tail);
	return (uint32_t)(n + tail);
}
