/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames into a net of two cores. The input is a list of records: length (2 bytes, big endian), what to do (1
 * byte), the frame. `what`: bit 0 the core, bit 1 the port, bit 2 make checksums right, bit 3 cut into small
 * buffers, bit 4 let the network answer, bits 5 to 7 a step of the clock. After every input the books must be
 * right and nothing held but what waits for a neighbour. */
#include <stdlib.h>
#include <string.h>

#include "dataplane/wire/bytes.h"
#include "tests/unit/net/net_rig.h"
#include "tests/unit/net/net_seeds.h"

enum { RECORD = 3, RECORDS_MAX = 32 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rig rig;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	rig_begin();
	return 0;
}

static void record_run(uint8_t what, const uint8_t *data, size_t len)
{
	static const uint64_t steps[8] = {0,	      1000,	  10000000,    500000000,
					  1000000000, 2500000000, 31000000000, 0};
	uint8_t frame[SEED_LEN_MAX];

	if (len > SEED_LEN_MAX)
		len = SEED_LEN_MAX;
	memcpy(frame, data, len);
	if (what & 4)
		seed_checksums_fix(frame, len);
	rig.error_answer = (what & 8) == 0;
	rig_push_cut(&rig, what & 1, what >> 1 & 1, frame, len, what & 8 ? 61 : 2000);
	rig.now_ns += steps[what >> 5];
	rig_turn(&rig);
	if (what & 16)
		rig_answer(&rig, what >> 1 & 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	rig_default(&rig, 2);
	rig.config.ports[0].accept_ra = true;
	rig.config.ports[1].tx_queues = 1;
	rig_start(&rig);
	for (unsigned n = 0; n < RECORDS_MAX && size >= RECORD; n++) {
		size_t len = wire_get16(data);
		uint8_t what = data[2];

		data += RECORD;
		size -= RECORD;
		if (len > size)
			len = size;
		record_run(what, data, len);
		data += len;
		size -= len;
	}
	rig_stop(&rig); /* aborts when a frame is in no counter or a buffer is lost */
	return 0;
}
