#!/usr/bin/env python3
"""Writes msg.json, the golden vectors of the envelope, and the corpus of fuzz_msg.

A msgpack encoder of its own, so that the vectors do not repeat a mistake of the code they test.
Each vector: name, hex, and either "envelope" (what it means; "canonical": the code writes these
very bytes for it) or "error" (the errno of the refusal).
"""
import json
import os
import struct

here = os.path.dirname(os.path.abspath(__file__))


class Raw(bytes):
    """Bytes that stand for themselves."""


class Pairs(list):
    """A map in this order, with any keys, as often as given."""


def head(small, small_max, tag8, tag16, tag32, n):
    if n <= small_max:
        return bytes([small | n])
    if tag8 is not None and n < 1 << 8:
        return struct.pack(">BB", tag8, n)
    if n < 1 << 16:
        return struct.pack(">BH", tag16, n)
    return struct.pack(">BI", tag32, n)


def integer(n):
    if -32 <= n < 128:
        return struct.pack(">b", n) if n < 0 else bytes([n])
    if n > 0:
        for tag, form, bits in ((0xCC, "B", 8), (0xCD, "H", 16), (0xCE, "I", 32), (0xCF, "Q", 64)):
            if n < 1 << bits:
                return struct.pack(">B" + form, tag, n)
    for tag, form, bits in ((0xD0, "b", 7), (0xD1, "h", 15), (0xD2, "i", 31), (0xD3, "q", 63)):
        if n >= -(1 << bits):
            return struct.pack(">B" + form, tag, n)
    raise ValueError(n)


def enc(value):
    if isinstance(value, Raw):
        return bytes(value)
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return integer(value)
    if isinstance(value, float):
        return struct.pack(">Bd", 0xCB, value)
    if isinstance(value, str):
        data = value.encode()
        return head(0xA0, 31, 0xD9, 0xDA, 0xDB, len(data)) + data
    if isinstance(value, Pairs):
        return head(0x80, 15, None, 0xDE, 0xDF, len(value)) + b"".join(
            enc(k) + enc(v) for k, v in value)
    if isinstance(value, dict):
        return enc(Pairs(value.items()))
    if isinstance(value, list):
        return head(0x90, 15, None, 0xDC, 0xDD, len(value)) + b"".join(map(enc, value))
    raise TypeError(value)


vectors = []


def add(name, data, **expect):
    vectors.append({"name": name, "hex": data.hex(), **expect})


def envelope(**changes):
    e = {"v": 1, "k": "reply.v1", "c": "01J9ZC3", "i": "T0SIM1", "t": 1728000000123, "b": {},
         "s": {}}
    e.update(changes)
    return {key: value for key, value in e.items() if value is not ...}


def good(name, e, canonical=True, data=None, means=None):
    add(name, data or enc(e), envelope=means or e, canonical=canonical)


def bad(name, error, e=None, data=None):
    add(name, enc(e) if data is None else data, error=error)


def nested(levels, inside=None):
    value = inside
    for _ in range(levels):
        value = [value]
    return value


def accepted():
    good("the least there can be", envelope())
    good("a body of every type", envelope(b={
        "nil": None, "yes": True, "no": False, "zero": 0, "small": 127, "u8": 255, "u16": 65535,
        "u32": 4294967295, "most": 9223372036854775807, "minus": -32, "i8": -128, "i16": -32768,
        "i32": -2147483648, "least": -9223372036854775808, "real": 1.5, "text": "šlépěj 🚢",
        "nul": "a\0b", "list": [1, [2, {"three": 3}]], "empty": {}}))
    good("lengths where msgpack changes the form", envelope(b={
        "31": "x" * 31, "32": "x" * 32, "255": "x" * 255, "256": "x" * 256, "15": [0] * 15,
        "16": [0] * 16, "map16": {"k%02d" % i: i for i in range(16)}}))
    good("empty texts and an empty key", envelope(c="", i="", b={"": "", "last": ""}))
    good("boxes stay as they are", envelope(s={
        "response_url": "1.ingress.responder.AAAA", "token": "1.auth.executor.____"}))
    good("sixteen boxes", envelope(s={"b%02d" % i: "1.a.b.C" for i in range(16)}))
    good("the longest kind, command and installation",
         envelope(k="k" * 31, c="c" * 63, i="i" * 63))
    good("the deepest there can be", envelope(b={"d": nested(14, 0)}))
    good("a key of 255 bytes", envelope(b={"k" * 255: 1}))
    good("born before 1970", envelope(t=-1))
    good("no boxes at all", envelope(s=...), canonical=False, means=envelope())
    good("an unknown key of a later version", {**envelope(), "z": [1, {"a": None}]},
         canonical=False, means=envelope())
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    good("what caused it", envelope(p=parent))
    for name, p in (("too short", parent[:-1]), ("too long", parent + "0"), ("another version", "01" + parent[2:]),
                    ("capital letters", parent.upper()), ("no trace", "00-" + "0" * 32 + parent[35:]),
                    ("no span", parent[:36] + "0" * 16 + "-01"), ("a number", 7), ("nil", None), ("a dash elsewhere", parent[:10] + "-" + parent[11:])):
        good("an unusable cause, " + name, envelope(p=p), canonical=False, means=envelope())
    good("an order of keys of its own", dict(reversed(list(envelope().items()))),
         canonical=False, means=envelope())
    e = Pairs(envelope().items())
    e[0] = ("v", Raw(b"\xcf" + struct.pack(">Q", 1)))
    e[1] = ("k", Raw(b"\xdb" + struct.pack(">I", 8) + b"reply.v1"))
    e[5] = ("b", Raw(b"\xdf" + struct.pack(">I", 0)))
    good("longer forms than needed", None, canonical=False, data=enc(e), means=envelope())
    good("a real of 32 bits", None, canonical=False, means=envelope(b={"f": 0.5}),
         data=enc(envelope(b={"f": Raw(b"\xca" + struct.pack(">f", 0.5))})))


def refused():
    bad("nothing", "EBADMSG", data=b"")
    bad("a later version", "EPROTONOSUPPORT", envelope(v=2))
    bad("a later version whose rest is unknown", "EPROTONOSUPPORT", {"v": 1000, "x": 1})
    bad("version zero", "EBADMSG", envelope(v=0))
    bad("a negative version", "EBADMSG", envelope(v=-1))
    bad("a version that is text", "EBADMSG", envelope(v="1"))
    bad("a version that is real", "EBADMSG", envelope(v=1.0))
    for key in "vkctib":
        bad("no " + key, "EBADMSG", envelope(**{key: ...}))
        bad("nil for " + key, "EBADMSG", envelope(**{key: None}))
    bad("a kind of 32 characters", "EBADMSG", envelope(k="k" * 32))
    bad("a command of 64 characters", "EBADMSG", envelope(c="c" * 64))
    bad("an installation of 64 characters", "EBADMSG", envelope(i="i" * 64))
    bad("a NUL in the command", "EBADMSG", envelope(c="a\0b"))
    bad("born at a real", "EBADMSG", envelope(t=1.5))
    bad("a body that is a list", "EBADMSG", envelope(b=[]))
    bad("boxes that are a list", "EBADMSG", envelope(s=[]))
    bad("boxes that are nil", "EBADMSG", envelope(s=None))
    bad("a box that is a number", "EBADMSG", envelope(s={"a": 1}))
    bad("seventeen boxes", "EBADMSG", envelope(s={"b%02d" % i: "1.a.b.C" for i in range(17)}))
    bad("not a map", "EBADMSG", [1, 2, 3])
    bad("one byte too many", "EBADMSG", data=enc(envelope()) + b"\xc0")
    bad("two envelopes", "EBADMSG", data=enc(envelope()) * 2)
    bad("one byte too few", "EBADMSG", data=enc(envelope())[:-1])
    bad("a byte that msgpack never uses", "EBADMSG", envelope(b={"x": Raw(b"\xc1")}))
    bad("binary", "EBADMSG", envelope(b={"x": Raw(b"\xc4\x01a")}))
    bad("an extension", "EBADMSG", envelope(b={"x": Raw(b"\xd4\x01a")}))
    bad("text that is not UTF-8", "EBADMSG", envelope(b={"x": Raw(b"\xa2\xc3\x28")}))
    bad("a surrogate as UTF-8", "EBADMSG", envelope(b={"x": Raw(b"\xa3\xed\xa0\x80")}))
    bad("a key that is not UTF-8", "EBADMSG", envelope(b=Pairs([(Raw(b"\xa1\xff"), 1)])))
    bad("a key that is a number", "EBADMSG", envelope(b=Pairs([(1, 1)])))
    bad("a key with a NUL", "EBADMSG", envelope(b={"a\0b": 1}))
    bad("a key of 256 bytes", "EBADMSG", envelope(b={"k" * 256: 1}))
    bad("not a number", "EBADMSG", envelope(b={"x": Raw(b"\xcb\x7f\xf8" + bytes(6))}))
    bad("infinity", "EBADMSG", envelope(b={"x": Raw(b"\xcb\x7f\xf0" + bytes(6))}))
    bad("an integer over 63 bits", "EBADMSG", envelope(b={"x": Raw(b"\xcf\x80" + bytes(7))}))
    bad("one level too deep", "EBADMSG", envelope(b={"d": nested(15, 0)}))
    bad("very deep", "EBADMSG", data=b"\x91" * 5000 + b"\xc0")
    bad("a list that claims four billion", "EBADMSG",
        envelope(b={"x": Raw(b"\xdd\xff\xff\xff\xff")}))
    bad("a map that claims four billion", "EBADMSG", data=b"\xdf\xff\xff\xff\xff")
    bad("lists that each claim a quarter of a billion", "EBADMSG",
        data=b"\xdd\x0f\xff\xff\xff" * 12)
    bad("text that claims four billion", "EBADMSG", data=b"\xdb\xff\xff\xff\xff")


def main():
    accepted()
    refused()
    with open(os.path.join(here, "msg.json"), "w", encoding="ascii") as out:
        out.write("[\n")
        out.write(",\n".join(json.dumps(v) for v in vectors))
        out.write("\n]\n")
    corpus = os.path.join(here, "..", "fuzz", "corpus", "msg")
    os.makedirs(corpus, exist_ok=True)
    for vector in vectors:
        name = vector["name"].replace(" ", "-")
        with open(os.path.join(corpus, name), "wb") as out:
            out.write(bytes.fromhex(vector["hex"]))


main()
