"""The Merkle tree of RFC 6962 and RFC 9162: hashes, proofs, and what verifies them. Pure functions over bytes.

Every complete subtree is hashed once and then looked up: `Subtrees(level, index)` is the hash over the `2**level`
leaves from `index * 2**level` on. Roots and proofs ask for O(log size) of them, whatever the size of the log.
"""

import hashlib
from collections.abc import Callable, Sequence

Subtrees = Callable[[int, int], bytes]


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def completed_by(index: int, hashed_leaf: bytes, subtrees: Subtrees) -> list[bytes]:
    """The hashes of all complete subtrees that end with this leaf, the leaf's own first."""
    hashes = [hashed_leaf]
    while index & 1:
        hashes.append(node_hash(subtrees(len(hashes) - 1, index - 1), hashes[-1]))
        index >>= 1
    return hashes


def root(size: int, subtrees: Subtrees) -> bytes:
    return _hash_of(0, size, subtrees) if size else hashlib.sha256(b"").digest()


def _split(size: int) -> int:
    """The largest power of two below `size`: where the RFC divides a tree."""
    return 1 << (size - 1).bit_length() - 1


def _hash_of(start: int, end: int, subtrees: Subtrees) -> bytes:
    size = end - start
    if size & (size - 1) == 0:
        return subtrees(size.bit_length() - 1, start // size)
    middle = start + _split(size)
    return node_hash(_hash_of(start, middle, subtrees), _hash_of(middle, end, subtrees))


def inclusion_proof(index: int, size: int, subtrees: Subtrees) -> list[bytes]:
    """The audit path of leaf `index` in the tree of `size` leaves, from the leaf upwards."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_hash_of(middle, end, subtrees))
            end = middle
        else:
            path.append(_hash_of(start, middle, subtrees))
            start = middle
    return path[::-1]


def consistency_proof(first: int, second: int, subtrees: Subtrees) -> list[bytes]:
    """What shows that the tree of `second` leaves begins with the whole tree of `first`."""
    if not 0 <= first <= second:
        raise ValueError(f"a tree of {second} does not continue one of {first}")
    if first in (0, second):
        return []
    start, end, path = 0, second, []
    while end != first:
        middle = start + _split(end - start)
        if first <= middle:
            path.append(_hash_of(middle, end, subtrees))
            end = middle
        else:
            path.append(_hash_of(start, middle, subtrees))
            start = middle
    if start:  # else the verifier knows this hash: it is the first tree's root
        path.append(_hash_of(start, end, subtrees))
    return path[::-1]


def verify_inclusion(hashed_leaf: bytes, index: int, size: int, path: Sequence[bytes], expected_root: bytes) -> bool:
    """RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        return False
    position, last, found = index, size - 1, hashed_leaf
    for sibling in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            found = node_hash(sibling, found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and found == expected_root


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]) -> bool:
    """RFC 9162, 2.1.4.2."""
    if not 0 <= first <= second:
        return False
    if first in (0, second):
        empty = first_root == hashlib.sha256(b"").digest()
        return not path and (empty if first == 0 else first_root == second_root)
    hashes = list(path)
    if first & (first - 1) == 0:
        hashes.insert(0, first_root)
    if not hashes:
        return False
    position, last = first - 1, second - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    earlier = later = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            earlier, later = node_hash(sibling, earlier), node_hash(sibling, later)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            later = node_hash(later, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and earlier == first_root and later == second_root
