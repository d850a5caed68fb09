/* SPDX-License-Identifier: BSD-3-Clause */
/* pcap capture of a port: rx and tx callbacks copy frames into rings, the cold thread writes the file. A slow
 * disk loses copies (counted), never frames. A port without capture has no callback at all. */
#ifndef DRIVERS_CAPTURE_H
#define DRIVERS_CAPTURE_H

#include <stdint.h>

#include "drivers/port.h"

struct capture;

struct capture_counts {
	uint64_t written, lost;
};

/* Cold, after driver_port_start() and before workers: opens (truncates) the file. NULL with errno set. */
struct capture *capture_attach(const struct driver_port *port, const char *path);
/* Cold thread: writes what waits; returns how many frames. */
unsigned capture_drain(struct capture *c);
/* Cold, after workers ended and before driver_port_stop(): writes the rest and closes. */
void capture_detach(struct capture *c);
struct capture_counts capture_counts_get(const struct capture *c);

#endif
