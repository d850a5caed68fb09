/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers: frames of text, rows, errors and progress, and the end of a request. */
#include "config/schema/schema_value.h"
#include "controlplane/daemon/frame.h"
#include "controlplane/daemon/server_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 48 * 1024 };

void reply_parting(struct evbuffer *out, const char *code, const char *why, int status)
{
	char text[2][400];
	uint8_t head[FRAME_HEAD];

	snprintf(text[0], sizeof(text[0]), "{\"id\":0,\"error\":{\"code\":\"%s\",\"message\":\"%.300s\"}}",
		 code, why);
	snprintf(text[1], sizeof(text[1]), "{\"id\":0,\"end\":true,\"status\":%d}", status);
	for (unsigned i = 0; i < 2; i++) {
		frame_head(head, (uint32_t)strlen(text[i]));
		evbuffer_add(out, head, sizeof(head));
		evbuffer_add(out, text[i], strlen(text[i]));
	}
}

static void send_frame(struct request *r, const struct schema_text *body)
{
	uint8_t head[FRAME_HEAD];
	struct client *c = r->client;

	if (!c || c->dead)
		return;
	frame_head(head, (uint32_t)body->n);
	evbuffer_add(c->out, head, sizeof(head));
	evbuffer_add(c->out, body->p, body->n);
	client_wake(c);
}

static void flush_out(struct request *r)
{
	struct schema_text t = {0};

	if (r->out.n) {
		schema_text_printf(&t, "{\"id\":%lld,\"text\":", (long long)r->id);
		schema_json_string(&t, r->out.p);
		schema_text_puts(&t, "}");
		send_frame(r, &t);
		schema_text_reset(&r->out);
		schema_text_reset(&t);
	}
	if (r->rows.n) {
		schema_text_printf(&t, "{\"id\":%lld,\"rows\":[", (long long)r->id);
		schema_text_add(&t, r->rows.p, r->rows.n);
		schema_text_puts(&t, "]}");
		send_frame(r, &t);
		schema_text_reset(&r->rows);
	}
	schema_text_fini(&t);
}

void reply_raw(struct request *r, const char *text, size_t n)
{
	schema_text_add(&r->out, text, n);
	if (r->out.n > PIECE)
		flush_out(r);
}

void reply_text(struct request *r, const char *format, ...)
{
	char buf[4096];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(buf, sizeof(buf), format, ap);
	va_end(ap);
	reply_raw(r, buf, n < (int)sizeof(buf) ? (size_t)n : sizeof(buf) - 1);
}

void reply_row(struct request *r, const char *object, size_t n)
{
	if (r->rows.n)
		schema_text_add(&r->rows, ",", 1);
	schema_text_add(&r->rows, object, n);
	if (r->rows.n > PIECE)
		flush_out(r);
}

void reply_say(struct request *r, const char *format, ...)
{
	char buf[2048];
	struct schema_text t = {0};
	va_list ap;

	va_start(ap, format);
	vsnprintf(buf, sizeof(buf), format, ap);
	va_end(ap);
	if (!r->json) {
		reply_text(r, "%s\n", buf);
		return;
	}
	schema_text_puts(&t, "{\"message\":");
	schema_json_string(&t, buf);
	schema_text_puts(&t, "}");
	reply_row(r, t.p, t.n);
	schema_text_fini(&t);
}

void reply_error(struct request *r, const char *code, unsigned line, unsigned column, const char *format, ...)
{
	struct schema_text t = {0};
	char buf[2048];
	va_list ap;

	r->failed = true;
	flush_out(r);
	va_start(ap, format);
	vsnprintf(buf, sizeof(buf), format, ap);
	va_end(ap);
	schema_text_printf(&t, "{\"id\":%lld,\"error\":{\"code\":\"%s\",\"message\":", (long long)r->id,
			   code);
	schema_json_string(&t, buf);
	if (line)
		schema_text_printf(&t, ",\"line\":%u", line);
	if (column)
		schema_text_printf(&t, ",\"column\":%u", column);
	schema_text_puts(&t, "}}");
	send_frame(r, &t);
	schema_text_fini(&t);
}

void reply_progress(struct request *r, const char *phase, uint64_t done, uint64_t total)
{
	struct schema_text t = {0};

	schema_text_printf(&t, "{\"id\":%lld,\"progress\":{\"phase\":\"%s\",\"done\":%llu,\"total\":%llu}}",
			   (long long)r->id, phase, (unsigned long long)done, (unsigned long long)total);
	send_frame(r, &t);
	schema_text_fini(&t);
}

void request_free(struct request *r)
{
	if (r->gone)
		r->gone(r);
	if (r->fd >= 0)
		close(r->fd);
	schema_call_fini(&r->call);
	schema_text_fini(&r->out);
	schema_text_fini(&r->rows);
	free(r->words);
	free(r);
}

static void request_audit(struct request *r, int status)
{
	struct store_audit a = {.at = (uint64_t)time(NULL), .uid = r->uid};
	const struct schema_command *cmd = r->call.command;
	bool edit = r->words && schema_is_edit(r->words, 0);

	if (!edit && (!cmd || cmd->role == SCHEMA_READ))
		return;
	snprintf(a.user, sizeof(a.user), "%s", r->user);
	snprintf(a.action, sizeof(a.action), "%.255s", r->line);
	snprintf(a.result, sizeof(a.result), "%s (%d)", r->failed ? "refused" : "done", status);
	if (r->control->store->ops->audit(r->control->store, &a))
		control_log("error", "audit", "not stored: %s",
			    r->control->store->ops->error(r->control->store));
	control_log("notice", "audit", "%s (uid %u): %s: %s", r->user, r->uid, a.action, a.result);
}

void reply_end(struct request *r, int status)
{
	struct schema_text t = {0};
	struct client *c = r->client;

	flush_out(r);
	request_audit(r, status);
	schema_text_printf(&t, "{\"id\":%lld,\"end\":true,\"status\":%d}", (long long)r->id, status);
	send_frame(r, &t);
	schema_text_fini(&t);
	if (c)
		c->request = NULL;
	request_free(r);
	if (c)
		client_next(c);
}

void reply_stream(struct request *r)
{
	struct client *c = r->client;
	int more = 1;

	while (more > 0 && c && !c->dead && evbuffer_get_length(c->out) < OUT_HIGH)
		more = r->pump(r);
	if (more < 0) {
		reply_error(r, "store", 0, 0, "the store cannot be read: %s",
			    r->control->store->ops->error(r->control->store));
		reply_end(r, 1);
	} else if (more == 0) {
		reply_end(r, r->failed ? 1 : 0);
	}
}
