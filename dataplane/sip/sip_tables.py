#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes sip_tables.h: character classes for every scan kernel, and perfect hashes of header and method names.

usage: sip_tables.py sip_header.def sip_method.def sip_param.def OUTPUT"""
import re
import string
import sys

ALNUM = string.ascii_letters + string.digits
UNRESERVED = ALNUM + "-_.!~*'()"
TOKEN = ALNUM + "-.!%*_+`'~"
# One bit each, in the order of enum sip_class. '%' is left out of the two URI classes: the run stops there and
# the escape is looked at.
CLASSES = [
    ("TOKEN", TOKEN),
    ("HOST", ALNUM + "-."),
    ("USER", UNRESERVED + "&=+$,;?/"),
    ("PARAM", UNRESERVED + "[]/:&+$"),
    ("QTEXT", "".join(chr(c) for c in [9] + list(range(0x20, 0x7F)) if chr(c) not in '"\\')),
    ("WORD", TOKEN + "()<>:\\\"/[]?{}"),
    ("PUNCT", "-."),
    ("LF", "\n"),
]
MASK = (1 << 64) - 1
# Short words that the parsers compare with, as SIP_W_<NAME>; of a longer one the first eight bytes.
WORDS = """
2.0 2.0/ alias branch branch= expires gr info lr maddr method phone
received rport rport= sctp sip sip/ sip/2.0 sip/2.0/ sip: sips tag tag=
tcp tel: tls transpor ttl udp user ws wss
""".split()


def class_byte(c):
    return sum(1 << i for i, (_, chars) in enumerate(CLASSES) if chr(c) in chars)


def rows(values, per_line=16, fmt="0x%02x"):
    out = []
    for i in range(0, len(values), per_line):
        out.append("\t" + ", ".join(fmt % v for v in values[i : i + per_line]) + ",")
    return "\n".join(out)


def word(name):
    return int.from_bytes(name.encode()[:8].ljust(8, b"\0"), "little")


def short_hash(name, mul, bits):
    """first, last and middle byte, and the length: what tells our names apart, and is cheap to get at"""
    n = name.encode()
    x = n[0] | n[-1] << 8 | n[len(n) // 2] << 16 | len(n) << 24
    return (x * mul & 0xFFFFFFFF) >> (32 - bits)


def line_hash(name, mul, bits):
    """of a header field's name in its line: the last three bytes (what lies before a shorter one is the end of
    the line before), the first and the middle byte and the length"""
    n = (name[0] + ("\r\n" + name)[-3:]).encode()
    x = int.from_bytes(n, "little") | 0x20202020
    x = x + (((ord(name[len(name) // 2]) | 0x20) + 8 * len(name)) << 13)
    return (x * mul & 0xFFFFFFFF) >> (32 - bits)


def perfect(names, bits, short_hash=short_hash):
    mul = 0x9E3779B1
    for _ in range(3000000):
        if len({short_hash(n, mul, bits) for n in names}) == len(names):
            return mul, {short_hash(n, mul, bits): i for i, n in enumerate(names)}
        mul = (mul * 1664525 + 1013904223) & 0xFFFFFFFF | 1
    sys.exit("no multiplier found: two names share first, last and middle byte and length, or too few slots")


def name_bytes(name):
    """32 bytes of the name, and a mask of what of the first 16 is name"""
    raw = name.encode()
    return raw.ljust(32, b"\0"), b"\xff" * min(len(raw), 16) + b"\0" * (16 - min(len(raw), 16))


def byte_list(raw):
    return "{" + ", ".join("%d" % b for b in raw) + "}"


def emit_hash(out, prefix, entries, bits, short_hash):
    names = [n for n, _ in entries]
    assert len(set(names)) == len(names), "a name twice"
    assert max(len(n) for n in names) <= 32
    mul, slots = perfect(names, bits, short_hash)
    out.append("#define %s_HASH_MUL UINT32_C(0x%08x)" % (prefix, mul))
    out.append("#define %s_HASH_BITS %d" % (prefix, bits))
    out.append("#define %s_NAMES \\" % prefix)
    rowtext = ["\t{{0}, {0}, 0, 0}"]
    for n, ident in entries:
        text, mask = name_bytes(n)
        rowtext.append("\t{%s, %s, %d, %s}" % (byte_list(text), byte_list(mask), len(n), ident))
    out.append(", \\\n".join(rowtext))
    table = [slots[i] + 1 if i in slots else 0 for i in range(1 << bits)]
    out.append("#define %s_SLOTS \\" % prefix)
    out.append(rows(table, 24, "%d").replace("\n", " \\\n"))


def emit_params(out, entries, bits):
    """parameter names and transports: rows in the slots themselves"""
    mul, where = perfect([n for n, _ in entries], bits)
    slots = {slot: entries[i] for slot, i in where.items()}
    out.append("#define SIP_PARAM_HASH_MUL UINT32_C(0x%08x)" % mul)
    out.append("#define SIP_PARAM_HASH_BITS %d" % bits)
    out.append("#define SIP_PARAM_ROWS \\")
    lines = []
    for slot in range(1 << bits):
        name, ident = slots.get(slot, ("", "0"))
        last = ord(name[-1]) if name else 0
        mask = (1 << 8 * min(len(name), 8)) - 1
        lines.append(
            "\t{UINT64_C(0x%x), UINT64_C(0x%x), %d, %d, %s}," % (word(name), mask, len(name), last, ident)
        )
    out.append(" \\\n".join(lines))


def main():
    header_def, method_def, param_def, output = sys.argv[1:5]
    headers, methods, params = [], [], []
    for ident, name, compact in re.findall(r'^X\((\w+), "([^"]+)", "([^"]*)"', open(header_def).read(), re.M):
        headers.append((name.lower(), "SIP_HDR_" + ident.upper()))
        if compact:
            headers.append((compact, "SIP_HDR_" + ident.upper()))
    for ident, name in re.findall(r'^X\((\w+), "([^"]+)"', open(method_def).read(), re.M):
        methods.append((name, "SIP_METHOD_" + ident.upper()))
    for ident, name in re.findall(r'^X\((\w+), "([^"]+)"', open(param_def).read(), re.M):
        params.append((name, "SIP_PARAM_" + ident))

    out = ["/* SPDX-License-Identifier: BSD-3-Clause */", "/* written by sip_tables.py */"]
    out.append("#define SIP_CLASS_BYTES \\")
    out.append(rows([class_byte(c) if c < 128 else 0 for c in range(256)]).replace("\n", " \\\n"))
    # by low nibble: which of the eight ASCII rows hold a member
    out.append("#define SIP_CLASS_NIBBLES \\")
    lines = []
    for _, chars in CLASSES:
        lut = [sum(1 << r for r in range(8) if chr(r << 4 | low) in chars) for low in range(16)]
        lines.append("\t{" + ", ".join("0x%02x" % v for v in lut) + "},")
    out.append(" \\\n".join(lines))
    emit_hash(out, "SIP_HEADER", headers, 10, line_hash)
    emit_hash(out, "SIP_METHOD", methods, 6, short_hash)
    emit_params(out, params, 6)
    for w in WORDS:
        name = w.upper().replace(":", "_COLON").replace("/", "_").replace(".", "_").replace("=", "_EQ")
        out.append("#define SIP_W_%s UINT64_C(0x%x)" % (name, word(w)))
    with open(output, "w") as f:
        f.write("\n".join(out) + "\n")


main()
