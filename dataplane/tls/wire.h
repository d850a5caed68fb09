/* SPDX-License-Identifier: BSD-3-Clause */
/* What a TLS session needs from the byte stream below: tcp_wire.c binds it to TCP, tests to memory. */
#ifndef DATAPLANE_TLS_WIRE_H
#define DATAPLANE_TLS_WIRE_H

#include <stdint.h>

struct tls_view {
	uint8_t *data;
	uint32_t len;
};

/* A piece of output being made: `data` and `room` are set by alloc, `handle` is the wire's. */
struct tls_buffer {
	void *handle;
	uint8_t *data;
	uint32_t room; /* at least TLS_WIRE_ROOM_MIN */
};

enum { TLS_WIRE_ROOM_MIN = 512 };

/* A stream is named by the wire's own number. All calls are allowed inside of every event of that stream. */
struct tls_wire {
	/* up to `max` views of what waits, from the first byte not consumed; bytes may be rewritten in place
	 * and stay so */
	unsigned (*peek)(void *ctx, uint64_t stream, struct tls_view *views, unsigned max);
	uint32_t (*readable)(void *ctx, uint64_t stream);
	/* copies out without consuming; how many bytes */
	uint32_t (*copy)(void *ctx, uint64_t stream, uint32_t offset, void *to, uint32_t len);
	void (*consume)(void *ctx, uint64_t stream, uint32_t len);
	/* bytes that may be queued now; one send is taken whole when this is not 0. After 0, and after a send
	 * that was refused with -EAGAIN, tls_stream_writable() is called when there is room again. */
	uint32_t (*room)(void *ctx, uint64_t stream);
	/* 0 or -ENOBUFS */
	int (*alloc)(void *ctx, uint64_t stream, struct tls_buffer *out);
	/* Queues the first `len` bytes; the buffer is gone whatever is returned. 0, -EAGAIN, -ENOTCONN … */
	int (*send)(void *ctx, uint64_t stream, struct tls_buffer *b, uint32_t len);
	void (*discard)(void *ctx, struct tls_buffer *b);
	void (*shutdown)(void *ctx, uint64_t stream); /* no more output; input goes on */
	void (*close)(void *ctx, uint64_t stream);
	void (*abort)(void *ctx, uint64_t stream);
	/* output is to come: call for the stream's memory. May be NULL. */
	void (*warm)(void *ctx, uint64_t stream);
	void (*deadline)(void *ctx, uint64_t stream, uint64_t at_ns); /* 0: none */
};

#endif
