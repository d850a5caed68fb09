/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to proxy/: RFC 3261 table 4, in milliseconds. */
#ifndef DATAPLANE_PROXY_PROXY_TIMERS_H
#define DATAPLANE_PROXY_PROXY_TIMERS_H

enum {
	PROXY_TIMER_T1 = 500,
	PROXY_TIMER_64T1 = 64 * PROXY_TIMER_T1, /* B, F, H, L, M */
	PROXY_DNS_FIRST_MS = 2,			/* a parked request looks for its answer again */
	PROXY_DNS_STEP_MAX_MS = 20,
	PROXY_OTHER_HOP_MS = 800, /* a next hop that is silent loses who has another one */
	PROXY_TRY_MS = 1000,	  /* a next hop that failed is not called again at once */
	PROXY_STALL_MS = 32000,	  /* half a message, or output that nobody takes */
	PROXY_STUCK_MS = 800, /* a next hop that takes nothing gets nothing new; sent again twice by then */
	PROXY_STUCK_MAX_MS = 16000, /* and is cut off: half of timers B and F is left for another one */
	PROXY_STUCK_LOOK_MS = 200,
	PROXY_AGAIN_MS = 2000, /* a conn that is late has another one begun beside it so often */
	PROXY_FRESH_MS = 400,  /* and is waited for so long */
	PROXY_ASK_MS = 1000,   /* nor is control asked the same at once again */
};

#endif
