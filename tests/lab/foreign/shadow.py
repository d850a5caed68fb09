# SPDX-License-Identifier: BSD-3-Clause
"""A candidate is tried beside live traffic, for fed-shadow.sh: one pool, two partners."""
import re
import sys

from sippeer import ENV, Lab, Server, link, ok, request, wait_until

lab = Lab()
wrong = 0
COUNTERS = ("shadow_judged", "shadow_differs", "shadow_would_refuse", "shadow_would_accept")
pool = Server("inside", ENV["LAB_INSIDE4"], 5061, "inside", lambda m, l: ok(m))


def complain(what, why):
    global wrong
    wrong += 1
    print(f"WRONG {what}: {why}")


def status(certificate, frm):
    l = link("partner", certificate)
    l.send(request(frm=frm))
    m = l.final(8)
    l.close()
    return m.status if m else None


def expect(what, counters, allowed=200, blocked=403):
    """a message of each partner, what became of it, and what is counted by then"""
    before = len(pool.got)
    got = status("partner", "alice@fabrikam.test"), status("blocked", "eve@blocked.test")
    if got != (allowed, blocked):
        complain(what, f"answers {got}")
    if len(pool.got) - before != 1:
        complain(what, f"{len(pool.got) - before} arrived")
    if not wait_until(lambda: tuple(lab.sum("proxy", c) for c in COUNTERS) == counters, 2):
        complain(what, f"counted {[lab.sum('proxy', c) for c in COUNTERS]}, {counters} expected")


if not wait_until(lambda: status("partner", "alice@fabrikam.test") == 200, 15, 0.3):
    raise SystemExit("FAILED: the pool is not reached")
expect("before", (0, 0, 0, 0))
lab.shell("set", "partner", "fabrikam.test", "block")
lab.shell("delete", "partner", "*.blocked.test")
lab.shell("set", "partner", "blocked.test", "allow")
expect("a candidate that is not tried", (0, 0, 0, 0))
lab.shell("commit", "shadow")
expect("tried", (2, 2, 1, 1))
for line in (r"domain fabrikam\.test .*: accepted, would be refused: 403 reason 321 ", r"domain blocked\.test .*status 403 .*: refused, would be accepted",
             r"shadow_would_refuse\s.*\b1\b"):
    if not wait_until(lambda: re.search(line, lab.shell("show", "shadow")), 3):
        complain(line, lab.shell("show", "shadow"))
lab.shell("discard")
expect("discarded", (2, 2, 1, 1))
if "no candidate" not in lab.shell("show", "shadow"):
    complain("discarded", lab.shell("show", "shadow"))
# the rights of one user of ours, and of a site's members, are tried too
lab.shell("set", "access", "user/bob@contoso.test", "federation", "no")
lab.shell("commit", "shadow")
expect("a user's rights", (4, 4, 2, 1))  # the other one is refused as before, and for another reason
lab.shell("discard")
lab.shell("set", "site", "quiet", "user", "bob@contoso.test")
lab.shell("set", "access", "site/quiet", "federation", "no")
lab.shell("commit", "shadow")
expect("a site's", (6, 6, 3, 1))
lab.shell("discard")
print(f"shadow: {wrong} wrong")
sys.exit(wrong != 0)
