/* SPDX-License-Identifier: BSD-3-Clause */
/* Publication, pinning, sleep and two grace periods, on a machine whose stores wait in a buffer (x86-TSO: first in,
 * first out, a load sees its own buffer; a fence drains it). The model of grace.h, table_write.c (unlink) and
 * writer.c (publish, limbo).
 *
 * One key. Its versions lie in cells; a slot names the linked cell of each version. The writer publishes generation
 * after generation: a new version with its birth, a stamp of death on the old one, then `live`. The old version is
 * unlinked when everybody has passed its death, and its cell is used again when everybody has passed the unlinking.
 *
 * A reader looks in three steps, as the code does: it takes the slot, then the entry, then judges birth and death. What
 * must hold: (1) at its generation it finds exactly one version, whole; (2) no cell that it holds is used for another
 * version meanwhile.
 *
 * The variants that must fail: -DNO_SECOND_GRACE (a cell is used again as soon as it is unlinked), -DNO_FIRST_GRACE
 * (unlinked as soon as it is dead), -DNO_FENCE (a waking reader's pin stays in its buffer while it looks),
 * -DNO_WRITER_FENCE (the writer reads pins while its new epoch is still in its buffer), -DEARLY_LIVE (published before
 * the new version is linked). */

#define CELLS   3
#define READERS 2
#ifndef GENS
#define GENS 3 /* the last generation: two are published, cells come round; 4 is for --long */
#endif

#ifdef ALL_SLEEP /* nearly twice the states */
#define SLEEPER(r) true
#else
#define SLEEPER(r) (r == 0)
#endif

#define OFFLINE 0

/* shared memory as everybody sees it */
byte live = 1;
byte epoch = 1;
byte pin[READERS];
byte slot[2] = {1, 0};        /* cell + 1; 0 empty */
byte birth[CELLS] = {1, 0, 0};
byte death[CELLS] = {0, 0, 0};
byte use[CELLS] = {1, 0, 0};  /* how often the cell was filled: a reader that holds it must not see this change */

/* a reader's store buffer: one word at a time is enough, for a reader writes nothing but its pin */
bit buffered[READERS];
byte buffer[READERS];

/* the writer's store buffer; what it writes besides these three it writes when this is empty, in the same order */
mtype = { LIVE, EPOCH, CLEAR };
chan wb = [4] of { mtype, byte };

byte alive = READERS + 1;

inline reader_drain(r)
{
	if
	:: atomic { buffered[r] -> pin[r] = buffer[r]; buffered[r] = 0 }
	:: !buffered[r]
	fi
}

/* the pin goes to memory some time, whatever the reader does */
proctype drain(byte r)
{
end:
	do
	:: atomic { buffered[r] -> pin[r] = buffer[r]; buffered[r] = 0 }
	:: atomic { alive == 0 -> break }
	od
}

proctype drain_writer()
{
	byte v;
end:
	do
	:: atomic { wb?LIVE(v) -> live = v }
	:: atomic { wb?EPOCH(v) -> epoch = v }
	:: atomic { wb?CLEAR(v) -> slot[v] = 0 }
	:: atomic { alive == 0 && empty(wb) -> break }
	od
}

inline writer_fence()
{
	empty(wb)
}

proctype reader(byte r)
{
	byte e, g, c, u, i, found, bursts;

wake:
	e = epoch;
	/* a buffer that still holds the OFFLINE of before goes first */
	!buffered[r];
	buffer[r] = e;
	buffered[r] = 1;
#ifndef NO_FENCE
	reader_drain(r);
#endif
	g = live;
look:
	found = 0;
	i = 0;
	do
	:: i < 2 ->
		atomic {
			c = slot[i];
			if
			:: c -> u = use[c - 1]
			:: else
			fi
		}
		/* between taking the number and reading the entry anything may happen */
		if
		:: c == 0
		:: c != 0 ->
			if
			:: birth[c - 1] <= g && (death[c - 1] == 0 || g < death[c - 1]) ->
				found++
			:: else
			fi;
			/* what it holds until the burst ends */
			assert(use[c - 1] == u)
		fi;
		i++
	:: i == 2 -> break
	od;
	assert(found == 1);
	bursts++;
	if
	:: bursts < 2 ->
		/* the next burst: a new pin without a fence; the old one holds more */
		e = epoch;
		g = live;
		!buffered[r];
		buffer[r] = e;
		buffered[r] = 1;
		goto look
	:: bursts < 2 && SLEEPER(r) ->
		/* sleep: OFFLINE comes behind every load */
		!buffered[r];
		buffer[r] = OFFLINE;
		buffered[r] = 1;
		goto wake
	:: else
	fi;
	!buffered[r];
	buffer[r] = OFFLINE;
	buffered[r] = 1;
	!buffered[r];
	alive--
}

/* begins an epoch behind all stores so far, and waits until no pin is older */
inline grace()
{
	now++;
	wb!EPOCH(now);
#ifndef NO_WRITER_FENCE
	writer_fence();
#endif
	k = 0;
	do
	:: k < READERS ->
		/* blocks until it is so: the code looks again and again */
		(pin[k] == OFFLINE || pin[k] >= now);
		k++
	:: k == READERS -> break
	od
}

proctype writer()
{
	byte g = 1, now = 1, old = 0, new, k;
	byte at = 0;

	do
	:: g < GENS ->
		/* a free cell, filled while nobody can reach it */
		writer_fence();
		d_step {
			new = 0;
			do
			:: birth[new] != 0 -> new++
			:: else -> break
			od
		}
		assert(new < CELLS);
#ifdef EARLY_LIVE
		wb!LIVE(g + 1);
		writer_fence();
#endif
		use[new] = use[new] + 1;
		death[new] = 0;
		birth[new] = g + 1;
		slot[1 - at] = new + 1;
		death[old] = g + 1;
#ifndef EARLY_LIVE
		wb!LIVE(g + 1);
#endif
		g++;
#ifndef NO_FIRST_GRACE
		grace();
#endif
		wb!CLEAR(at);
#ifndef NO_SECOND_GRACE
		grace();
#endif
		/* free: its cell may be filled again */
		writer_fence();
		birth[old] = 0;
		old = new;
		at = 1 - at
	:: g == GENS -> break
	od;
	writer_fence();
	alive--
}

init {
	atomic {
		run drain(0);
		run drain(1);
		run drain_writer();
		run reader(0);
		run reader(1);
		run writer()
	}
}
