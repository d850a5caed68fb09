/* SPDX-License-Identifier: BSD-3-Clause */
/* The interactive shell: libedit with TAB and '?', history, prompts. */
#ifndef CONTROLPLANE_SHELL_EDIT_H
#define CONTROLPLANE_SHELL_EDIT_H

#include "controlplane/shell/run.h"

/* until exit or the end of input; the status of the last line */
int edit_loop(struct shell *s);

#endif
