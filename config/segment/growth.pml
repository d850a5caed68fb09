/* SPDX-License-Identifier: BSD-3-Clause */
/* An index that grows under readers: the model of table_write.c (link, unlink, copy), of the root that swaps the
 * indexes, and of the old one's memory. grace.pml has shown that a grace period is one, under store buffers; here a
 * pin is simply seen, and what is searched is the order of the writer's own steps.
 *
 * Two keys, each with a version at every generation; two slots a key in each index. The writer copies key by key, and
 * between any two steps it may commit another version, unlink a dead one, use its cell again, publish the larger index,
 * use the smaller one's memory again. A reader loads the root once and looks for one key: at its generation it finds
 * exactly one version, whole, and neither the index nor a cell is used for something else while it looks.
 *
 * The variants that must fail: -DONE_INDEX (a new version goes into the index in use alone), -DUNLINK_ONE (a dead one is
 * taken out of the index in use alone), -DEARLY_SWAP (the larger index is published before all is copied),
 * -DNO_GRACE_INDEX (the smaller one's memory is used again at once), -DTWO_LOADS (a reader loads generation and index
 * by two loads). */

#define KEYS  2
#define CELLS 4
#ifndef READERS
#define READERS 1
#endif
#ifndef COMMITS
#define COMMITS 2
#endif

#define OFFLINE 0
#define AT(i, k, s) ((i) * 4 + (k) * 2 + (s))

byte live_gen = 1, live_index = 0; /* one word: changed in one step */
byte epoch = 1;
byte pin[READERS];
byte slot[8];                      /* cell + 1; 0 empty */
byte birth[CELLS], death[CELLS], use[CELLS];
byte index_use[2];                 /* how often its memory was used for something else */

proctype reader(byte r)
{
	byte e, g, i, k, s, c, u, found, index_was, bursts;

	do
	:: bursts < 2 ->
		e = epoch;
		pin[r] = e;
#ifdef TWO_LOADS
		i = live_index;
		index_was = index_use[i];
		g = live_gen;
#else
		atomic { g = live_gen; i = live_index; index_was = index_use[i] }
#endif
		if
		:: k = 0
		:: k = 1
		fi;
		found = 0;
		s = 0;
		do
		:: s < 2 ->
			atomic {
				c = slot[AT(i, k, s)];
				if
				:: c -> u = use[c - 1]
				:: else
				fi
			}
			if
			:: c ->
				if
				:: birth[c - 1] <= g && (death[c - 1] == 0 || g < death[c - 1]) -> found++
				:: else
				fi;
				assert(use[c - 1] == u)
			:: else
			fi;
			s++
		:: else -> break
		od;
		assert(index_use[i] == index_was);
		assert(found == 1);
		pin[r] = OFFLINE;
		bursts++
	:: else -> break
	od
}

inline passed(since, ok)
{
	d_step {
		ok = 1;
		n = 0;
		do
		:: n < READERS ->
			if
			:: pin[n] != OFFLINE && pin[n] < since -> ok = 0
			:: else
			fi;
			n++
		:: else -> break
		od;
		n = 0
	}
}

/* takes the first free slot of the key */
inline link(i, k, cell)
{
	if
	:: slot[AT(i, k, 0)] == 0 -> slot[AT(i, k, 0)] = cell + 1
	:: else -> assert(slot[AT(i, k, 1)] == 0); slot[AT(i, k, 1)] = cell + 1
	fi
}

inline unlink(i, k, cell)
{
	if
	:: slot[AT(i, k, 0)] == cell + 1 -> slot[AT(i, k, 0)] = 0
	:: slot[AT(i, k, 0)] != cell + 1 && slot[AT(i, k, 1)] == cell + 1 -> slot[AT(i, k, 1)] = 0
	:: else
	fi
}

proctype writer()
{
	byte now_of[KEYS];             /* cell of the version that is live */
	byte in_use = 0;               /* the index */
	byte cursor = 0;               /* keys below are copied */
	byte g = 1, commits = 0, k, c, n, ok;
	byte dead = 0, dead_key, dead_since, dead_at;  /* cell + 1; 1: waits to be unlinked, 2: to be used again */
	byte old_since = 0, old_done = 0;

	now_of[1] = 1;
	do
	/* a commit */
	:: commits < COMMITS && dead == 0 ->
		if
		:: k = 0
		:: k = 1
		fi;
		d_step {
			c = 0;
			do
			:: birth[c] != 0 -> c++
			:: else -> break
			od
		}
		use[c] = use[c] + 1;
		death[c] = 0;
		birth[c] = g + 1;
#ifndef ONE_INDEX
		if
		:: in_use == 0 && k < cursor -> link(1, k, c)
		:: else
		fi;
#endif
		link(in_use, k, c);
		death[now_of[k]] = g + 1;
		g++;
		live_gen = g;
		dead = now_of[k] + 1;
		dead_key = k;
		now_of[k] = c;
		epoch = epoch + 1;
		dead_since = epoch;
		dead_at = 1;
		commits++
	/* a dead version is unlinked */
	:: dead && dead_at == 1 ->
		passed(dead_since, ok);
		if
		:: ok ->
			unlink(in_use, dead_key, dead - 1);
#ifndef UNLINK_ONE
			if
			:: in_use == 0 && dead_key < cursor -> unlink(1, dead_key, dead - 1)
			:: else
			fi;
#endif
			epoch = epoch + 1;
			dead_since = epoch;
			dead_at = 2
		:: else
		fi
	/* and its cell is free */
	:: dead && dead_at == 2 ->
		passed(dead_since, ok);
		if
		:: ok -> birth[dead - 1] = 0; dead = 0
		:: else
		fi
	/* a step of the copy: whatever is linked, dead ones too */
	:: in_use == 0 && cursor < KEYS ->
		n = 0;
		do
		:: n < 2 ->
			if
			:: slot[AT(0, cursor, n)] -> c = slot[AT(0, cursor, n)] - 1; link(1, cursor, c)
			:: else
			fi;
			n++
		:: else -> break
		od;
		n = 0;
		cursor++
	/* the root with the larger index: same generation */
#ifdef EARLY_SWAP
	:: in_use == 0 && cursor >= 1 ->
#else
	:: in_use == 0 && cursor == KEYS ->
#endif
		live_index = 1;
		in_use = 1;
		epoch = epoch + 1;
		old_since = epoch
	/* the smaller one's memory serves for something else */
	:: in_use == 1 && !old_done ->
#ifdef NO_GRACE_INDEX
		ok = 1;
#else
		passed(old_since, ok);
#endif
		if
		:: ok ->
			atomic {
				index_use[0] = index_use[0] + 1;
				slot[0] = 0;
				slot[1] = 0;
				slot[2] = 0;
				slot[3] = 0
			};
			old_done = 1
		:: else
		fi
	:: commits == COMMITS && dead == 0 && old_done -> break
	od
}

init {
	atomic {
		birth[0] = 1;
		birth[1] = 1;
		use[0] = 1;
		use[1] = 1;
		slot[AT(0, 0, 0)] = 1;
		slot[AT(0, 1, 0)] = 2;
		byte r = 0;
		do
		:: r < READERS -> run reader(r); r++
		:: else -> break
		od;
		run writer()
	}
}
