# SPDX-License-Identifier: BSD-3-Clause
"""longlist.py CA.crt CA.key N OUT NUMBER SERIAL…: a revocation list of N random entries and these (hex), as PEM. openssl(1) takes
minutes for a million."""
import base64
import datetime
import os
import subprocess
import sys


def tlv(tag, body):
    n = len(body)
    if n < 128:
        return bytes([tag, n]) + body
    octets = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + body


def parts(der):
    """the things in the thing that DER begins with"""
    def head(at):
        n, size = der[at + 1], 2
        if n & 0x80:
            size += n & 0x7F
            n = int.from_bytes(der[at + 2:at + size], "big")
        return size, n

    at, n = head(0)
    end = at + n
    out = []
    while at < end:
        size, n = head(at)
        out.append(der[at:at + size + n])
        at += size + n
    return out


def integer(value):
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def main(crt, key, count, out, number, *serials):
    der = subprocess.run(["openssl", "x509", "-in", crt, "-outform", "DER"], capture_output=True, check=True).stdout
    subject = parts(parts(der)[0])[5]
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")  # ecdsa-with-SHA256
    now = datetime.datetime.now(datetime.timezone.utc)

    def when(**ahead):
        return tlv(0x17, (now + datetime.timedelta(**ahead)).strftime("%y%m%d%H%M%SZ").encode())

    then, noise = when(days=-1), os.urandom(15 * int(count))
    entries = [b"\x30\x21\x02\x10\x40" + noise[i:i + 15] + then for i in range(0, len(noise), 15)]
    entries += [tlv(0x30, integer(int(serial, 16)) + then) for serial in serials]
    extensions = tlv(0xA0, tlv(0x30, tlv(0x30, bytes.fromhex("0603551d14") + tlv(4, integer(int(number))))))
    tbs = tlv(0x30, integer(1) + algorithm + subject + when(hours=-1) + when(days=9) + tlv(0x30, b"".join(entries)) + extensions)
    with open(out + ".tbs", "wb") as f:
        f.write(tbs)
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key, out + ".tbs"], capture_output=True, check=True).stdout
    os.unlink(out + ".tbs")
    text = base64.encodebytes(tlv(0x30, tbs + algorithm + tlv(3, b"\0" + signature))).decode()
    with open(out + ".new", "w") as f:
        f.write("-----BEGIN X509 CRL-----\n" + text + "-----END X509 CRL-----\n")
    os.rename(out + ".new", out)


main(*sys.argv[1:])
