/* SPDX-License-Identifier: BSD-3-Clause */
/* The certificates of the edge's bench: one CA, the box's, the pool's, and one of each partner. */
#ifndef BENCH_EDGE_EDGE_CERTS_H
#define BENCH_EDGE_EDGE_CERTS_H

/* Writes DIR/ca.pem and DIR/{box,inner,pool,0,1,…}.{pem,key}: all P-256. 0 or -1. */
int edge_certs_make(const char *dir, unsigned partners);

#endif
