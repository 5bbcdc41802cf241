"""`npl generate`: the same seed gives the same bytes, and what it refuses."""

from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from expectations.spec import load_standard
from ingest.cli import app
from ingest.errors import UsageError
from ingest.synthetic.market import Order, write_market

SMALL = Order(institutions=5, first="2025Q4", last="2026Q1", loans=80, defects=Decimal("0.5"), seed=3)


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_market(tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("two", 3), ("other", 4)):
        order = Order(SMALL.institutions, SMALL.first, SMALL.last, SMALL.loans, SMALL.defects, seed)
        write_market(order, tmp_path / name, load_standard())
    one = contents(tmp_path / "one")
    assert len(one) > 10
    assert one == contents(tmp_path / "two")
    assert one["truth/market.json"] != contents(tmp_path / "other")["truth/market.json"]


@pytest.mark.parametrize(
    "arguments", [("--periods", "2025Q2..2025Q1"), ("--periods", "2025"), ("--defects", "2"), ("--defects", "many")]
)
def test_what_cannot_be_made_is_refused(arguments: tuple[str, ...], tmp_path: Path) -> None:
    outcome = CliRunner().invoke(app, ["generate", "--out", str(tmp_path / "m"), *arguments])
    assert isinstance(outcome.exception, UsageError)
    assert not (tmp_path / "m").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("mine")
    outcome = CliRunner().invoke(app, ["generate", "--out", str(tmp_path)])
    assert isinstance(outcome.exception, UsageError)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
