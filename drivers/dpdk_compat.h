/* SPDX-License-Identifier: BSD-3-Clause */
/* The one place that knows DPDK releases apart (22.11 … 24.11). */
#ifndef DRIVERS_DPDK_COMPAT_H
#define DRIVERS_DPDK_COMPAT_H

#include <rte_version.h>

#if RTE_VERSION < RTE_VERSION_NUM(22, 11, 0, 0)
#error "DPDK 22.11 or newer is needed"
#endif

/* 24.11 took rte_log's level names out of rte_log.h's neighbours and made log a library of its own */
#include <rte_log.h>

#endif
