"""Two published hashes of bytes: FarmHash's Fingerprint64, and SipHash-2-4.

Fingerprint64: Pike and Alakuijala, FarmHash 1.1, `farmhashna`, for up to 64 bytes, https://github.com/google/farmhash.
SipHash: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012, section 2.
"""

from __future__ import annotations

from conformance.reference.base import LayerError

_ALL = 2**64 - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
LONGEST = 64


def _word(data: bytes, start: int, size: int = 8) -> int:
    return int.from_bytes(data[start : start + size], "little")


def _right(x: int, by: int) -> int:
    """x turned round to the right."""
    return ((x >> by) | (x << (64 - by))) & _ALL


def _mixed(u: int, v: int, times: int) -> int:
    """Two words in one: multiplied, and folded by 47 bits, twice."""
    a = ((u ^ v) * times) & _ALL
    a ^= a >> 47
    b = ((v ^ a) * times) & _ALL
    b ^= b >> 47
    return (b * times) & _ALL


def fingerprint(data: bytes) -> int:
    """Fingerprint64. Raises LayerError for more bytes than 64: their rule is not written down here."""
    size = len(data)
    if size > LONGEST:
        raise LayerError(f"texts of more than {LONGEST} bytes are not hashed here; this one has {size}")
    times = (_K2 + size * 2) & _ALL
    if size > 32:
        return _long(data, times)
    if size > 16:
        a, b = (_word(data, 0) * _K1) & _ALL, _word(data, 8)
        c, d = (_word(data, size - 8) * times) & _ALL, (_word(data, size - 16) * _K2) & _ALL
        first = (_right((a + b) & _ALL, 43) + _right(c, 30) + d) & _ALL
        return _mixed(first, (a + _right((b + _K2) & _ALL, 18) + c) & _ALL, times)
    if size >= 8:
        a, b = (_word(data, 0) + _K2) & _ALL, _word(data, size - 8)
        c = (_right(b, 37) * times + a) & _ALL
        return _mixed(c, ((_right(a, 25) + b) * times) & _ALL, times)
    if size >= 4:
        return _mixed((size + (_word(data, 0, 4) << 3)) & _ALL, _word(data, size - 4, 4), times)
    if size > 0:
        y, z = data[0] + (data[size >> 1] << 8), size + (data[size - 1] << 2)
        mixed = ((y * _K2) & _ALL) ^ ((z * _K0) & _ALL)
        return ((mixed ^ (mixed >> 47)) * _K2) & _ALL
    return _K2


def _long(data: bytes, times: int) -> int:
    """33 to 64 bytes."""
    size = len(data)
    a, b = (_word(data, 0) * _K2) & _ALL, _word(data, 8)
    c, d = (_word(data, size - 8) * times) & _ALL, (_word(data, size - 16) * _K2) & _ALL
    y = (_right((a + b) & _ALL, 43) + _right(c, 30) + d) & _ALL
    z = _mixed(y, (a + _right((b + _K2) & _ALL, 18) + c) & _ALL, times)
    e, f = (_word(data, 16) * times) & _ALL, _word(data, 24)
    g, h = ((y + _word(data, size - 32)) * times) & _ALL, ((z + _word(data, size - 24)) * times) & _ALL
    first = (_right((e + f) & _ALL, 43) + _right(g, 30) + h) & _ALL
    return _mixed(first, (e + _right((f + a) & _ALL, 18) + g) & _ALL, times)


def keyed(data: bytes, salt: int | tuple[int, ...]) -> int:
    """SipHash-2-4 under a key of two words; one number stands for both."""
    k0, k1 = (salt, salt) if isinstance(salt, int) else salt
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    blocks = data + bytes(7 - len(data) % 8) + bytes([len(data) % 256])
    for start in range(0, len(blocks), 8):
        word = _word(blocks, start)
        v[3] ^= word
        _rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xFF
    _rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _rounds(v: list[int], times: int) -> None:
    """SipRound, section 2.2 of the paper."""
    for _ in range(times):
        v[0] = (v[0] + v[1]) & _ALL
        v[2] = (v[2] + v[3]) & _ALL
        v[1] = _right(v[1], 64 - 13) ^ v[0]
        v[3] = _right(v[3], 64 - 16) ^ v[2]
        v[0] = _right(v[0], 32)
        v[2] = (v[2] + v[1]) & _ALL
        v[0] = (v[0] + v[3]) & _ALL
        v[1] = _right(v[1], 64 - 17) ^ v[2]
        v[3] = _right(v[3], 64 - 21) ^ v[0]
        v[2] = _right(v[2], 32)


_TIMES = 0xC6A4A7935BD1E995


def concatenated(one: int, other: int) -> int:
    """Two fingerprints as one, as MurmurHash2 takes in a word (Appleby, 2008)."""
    folded = (other * _TIMES) & _ALL
    folded ^= folded >> 47
    result = (one ^ _TIMES) ^ ((folded * _TIMES) & _ALL)
    result = (result * _TIMES) & _ALL
    result = ((result ^ (result >> 47)) * _TIMES) & _ALL
    return result ^ (result >> 47)
