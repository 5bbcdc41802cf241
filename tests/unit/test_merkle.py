"""The log's tree against the reference vectors of RFC 6962, against the RFC's own definition, and under change."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.receipts import merkle

# The reference tree of the certificate-transparency implementations.
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
EMPTY_ROOT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAF_1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
LEAF_4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
LEAVES_2_3 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
LEAVES_4_5 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
LEAVES_6_7 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
LEAVES_4_7 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
INCLUSION = [
    (0, 1, []),
    (0, 8, [LEAF_1, LEAVES_2_3, LEAVES_4_7]),
    (5, 8, [LEAF_4, LEAVES_6_7, ROOTS[3]]),
    (2, 3, [ROOTS[1]]),
    (1, 5, [ROOTS[0], LEAVES_2_3, LEAF_4]),
]
CONSISTENCY = [
    (1, 1, []),
    (1, 8, [LEAF_1, LEAVES_2_3, LEAVES_4_7]),
    (6, 8, [LEAVES_4_5, LEAVES_6_7, ROOTS[3]]),
    (2, 5, [LEAVES_2_3, LEAF_4]),
]
SIZES = st.integers(1, 70)


def grown(leaves: list[bytes]) -> merkle.Subtrees:
    """The complete subtrees of a log that grew leaf by leaf."""
    levels: list[list[bytes]] = []

    def subtrees(level: int, index: int) -> bytes:
        return levels[level][index]

    for position, leaf in enumerate(leaves):
        for level, each in enumerate(merkle.completed_by(position, merkle.leaf_hash(leaf), subtrees)):
            levels += [[]] * (level == len(levels))
            levels[level] = [*levels[level], each]
    return subtrees


def as_the_rfc_defines_it(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, over all leaves."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = max(2**power for power in range(10) if 2**power < len(leaves))
    return hashlib.sha256(
        b"\1" + as_the_rfc_defines_it(leaves[:split]) + as_the_rfc_defines_it(leaves[split:])
    ).digest()


def numbered(size: int) -> list[bytes]:
    return [f"leaf {number}".encode() for number in range(size)]


TREE = grown(numbered(70))


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_of_the_reference_tree(size):
    assert merkle.root(size, grown(LEAVES)).hex() == [EMPTY_ROOT, *ROOTS][size]


@pytest.mark.parametrize(("index", "size", "path"), INCLUSION)
def test_the_inclusion_proofs_are_those_of_the_reference_tree(index, size, path):
    assert [each.hex() for each in merkle.inclusion_proof(index, size, grown(LEAVES))] == path


@pytest.mark.parametrize(("first", "second", "path"), CONSISTENCY)
def test_the_consistency_proofs_are_those_of_the_reference_tree(first, second, path):
    assert [each.hex() for each in merkle.consistency_proof(first, second, grown(LEAVES))] == path


@given(SIZES)
def test_a_grown_tree_has_the_root_that_the_rfc_defines(size):
    assert merkle.root(size, TREE) == as_the_rfc_defines_it(numbered(size))


def test_every_leaf_of_every_size_is_proved():
    for size in range(1, 40):
        root = merkle.root(size, TREE)
        for index in range(size):
            path = merkle.inclusion_proof(index, size, TREE)
            assert merkle.verify_inclusion(merkle.leaf_hash(numbered(size)[index]), index, size, path, root)


def test_every_size_is_shown_to_continue_every_smaller_one():
    for second in range(40):
        for first in range(second + 1):
            path = merkle.consistency_proof(first, second, TREE)
            roots = merkle.root(first, TREE), merkle.root(second, TREE)
            assert merkle.verify_consistency(first, second, *roots, path)


def changed(content: bytes, place: int, bit: int) -> bytes:
    place %= len(content)
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


@given(SIZES, st.data(), st.integers(0, 31), st.integers(0, 7))
def test_one_changed_bit_of_leaf_path_or_root_is_not_proved(size, data, place, bit):
    index = data.draw(st.integers(0, size - 1))
    parts = [
        merkle.leaf_hash(numbered(size)[index]),
        merkle.root(size, TREE),
        *merkle.inclusion_proof(index, size, TREE),
    ]
    victim = data.draw(st.integers(0, len(parts) - 1))
    leaf, root, *path = [changed(part, place, bit) if at == victim else part for at, part in enumerate(parts)]
    assert not merkle.verify_inclusion(leaf, index, size, path, root)


@given(SIZES, st.data())
def test_a_proof_for_another_place_or_of_another_length_proves_nothing(size, data):
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(-1, size + 1))
    leaf, root = merkle.leaf_hash(numbered(size)[index]), merkle.root(size, TREE)
    path = merkle.inclusion_proof(index, size, TREE)
    assert merkle.verify_inclusion(leaf, other, size, path, root) == (other == index)
    assert not merkle.verify_inclusion(leaf, index, size, [*path, leaf], root)
    if path:
        assert not merkle.verify_inclusion(leaf, index, size, path[:-1], root)


@given(st.integers(2, 70), st.data(), st.integers(0, 31), st.integers(0, 7))
def test_one_changed_bit_of_either_root_or_of_the_path_shows_no_continuation(second, data, place, bit):
    first = data.draw(st.integers(1, second - 1))
    parts = [merkle.root(first, TREE), merkle.root(second, TREE), *merkle.consistency_proof(first, second, TREE)]
    victim = data.draw(st.integers(0, len(parts) - 1))
    earlier, later, *path = [changed(part, place, bit) if at == victim else part for at, part in enumerate(parts)]
    assert not merkle.verify_consistency(first, second, earlier, later, path)
    assert not merkle.verify_consistency(second, first, earlier, later, path)


@given(st.integers(2, 70), st.data())
def test_a_log_whose_history_was_rewritten_is_no_continuation(size, data):
    first = data.draw(st.integers(1, size - 1))
    forged = numbered(size)
    forged[data.draw(st.integers(0, first - 1))] = b"another verdict"
    rewritten = grown(forged)
    path = merkle.consistency_proof(first, size, rewritten)
    assert not merkle.verify_consistency(first, size, merkle.root(first, TREE), merkle.root(size, rewritten), path)


def test_what_does_not_exist_has_no_proof():
    for index, size in ((0, 0), (3, 3), (-1, 3)):
        with pytest.raises(ValueError, match="no leaf"):
            merkle.inclusion_proof(index, size, TREE)
    with pytest.raises(ValueError, match="does not continue"):
        merkle.consistency_proof(4, 3, TREE)
