/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages as tests read and write them. */
#include <string.h>
#include <strings.h>

#include "tests/replay/proxy/proxy_rig.h"

static const char *find_field(const char *message, const char *name, unsigned nth)
{
	const char *end = strstr(message, "\n\n");
	size_t n = strlen(name);

	for (const char *t = message; t && t < end; t = strchr(t + 1, '\n'))
		if (*t == '\n' && strncasecmp(t + 1, name, n) == 0 && t[1 + n] == ':' && nth-- == 0)
			return t + 1 + n + 1;
	return NULL;
}

const char *rig_field(const char *message, const char *name, unsigned nth)
{
	static char out[4][8192];
	static unsigned turn;
	char *to = out[turn++ % 4];
	const char *v = find_field(message, name, nth);

	to[0] = '\0';
	if (!v)
		return to;
	v += strspn(v, " ");
	snprintf(to, sizeof(out[0]), "%.*s", (int)strcspn(v, "\n"), v);
	return to;
}

unsigned rig_fields(const char *message, const char *name)
{
	unsigned n = 0;

	while (find_field(message, name, n))
		n++;
	return n;
}

void rig_is_status(const char *message, unsigned status)
{
	char want[32];

	snprintf(want, sizeof(want), "SIP/2.0 %u ", status);
	if (strncmp(message, want, strlen(want)) != 0)
		fail_msg("not a %u: %s", status, message);
}

void rig_is_request(const char *message, const char *method)
{
	if (strncmp(message, method, strlen(method)) != 0 || message[strlen(method)] != ' ')
		fail_msg("not %s: %s", method, message);
}

void rig_answer(struct rig *r, unsigned link, const char *request, unsigned status, const char *tag,
		const char *lines)
{
	static char text[65536];
	int n = snprintf(text, sizeof(text), "SIP/2.0 %u Whatever\n", status);

	for (unsigned i = 0; i < rig_fields(request, "Via"); i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "Via: %s\n", rig_field(request, "Via", i));
	for (unsigned i = 0; i < rig_fields(request, "Record-Route"); i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "Record-Route: %s\n",
			      rig_field(request, "Record-Route", i));
	n += snprintf(text + n, sizeof(text) - (size_t)n, "From: %s\nTo: %s", rig_field(request, "From", 0),
		      rig_field(request, "To", 0));
	if (!strstr(rig_field(request, "To", 0), ";tag=") && status > 100)
		n += snprintf(text + n, sizeof(text) - (size_t)n, ";tag=%s", tag);
	n += snprintf(text + n, sizeof(text) - (size_t)n, "\nCall-ID: %s\nCSeq: %s\n%sContent-Length: 0\n\n",
		      rig_field(request, "Call-ID", 0), rig_field(request, "CSeq", 0), lines);
	rig_send(r, link, "%s", text);
}
