"""Disclosure control over the releases of a home: read from their folders, carried forward, yanked, rebuilt."""

from collections.abc import Callable, Iterable

import duckdb
import pytest
from public_markets import PRODUCTS, Deal, fill

from expectations.spec import load_standard
from ingest import release, warehouse
from ingest.disclosure import publish, texts, write_public
from ingest.disclosure.products import Declaration
from ingest.errors import StorageError
from ingest.paths import Home
from ingest.release.tables import content_digest

CROWD = [Deal(f"d{n:02}", f"S{n % 5}", f"B{n % 6}", 1000 + 7 * n, 100 + n) for n in range(12)]
NEW = Deal("new", "S1", "B1", 700, 70)

Build = Callable[[str, Iterable[Deal]], None]


@pytest.fixture
def build(npl_home: Home, monkeypatch: pytest.MonkeyPatch) -> Build:
    """Builds the warehouse of a market, as from other inputs each time that another digest is named."""
    for module in (publish, texts):
        monkeypatch.setattr(module, "declaration", lambda: Declaration(products=PRODUCTS))
    npl_home.warehouse.parent.mkdir(parents=True)

    def build(inputs: str, deals: Iterable[Deal]) -> None:
        monkeypatch.setattr(warehouse, "inputs_digest", lambda: inputs * 64)
        npl_home.warehouse.unlink(missing_ok=True)
        with duckdb.connect(":memory:") as con:
            con.execute(f"attach '{npl_home.warehouse}' as npl")
            fill(con, deals, PRODUCTS)
        write_public(npl_home.warehouse, load_standard(), inputs * 64)

    return build


def total(home: Home) -> tuple:
    """Status, origin and figure of the total of the quarter, in the warehouse."""
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        return con.execute("""
            select completed_suppression, completed_from_release, completed_count from public.by_quarter
            where breakdown = 'all'""").fetchone()


def digest(home: Home) -> str:
    with duckdb.connect(str(home.warehouse), read_only=True) as con:
        return content_digest(con, "public.by_quarter")


def test_what_an_earlier_release_shows_is_carried_forward_from_its_folder(npl_home, build):
    build("a", CROWD)
    first = release.publish()
    assert total(npl_home) == ("none", None, 12)
    build("b", [*CROWD, NEW])
    assert total(npl_home) == ("carried_forward", first, 12)
    second = release.publish()
    build("c", [*CROWD, NEW, Deal("newer", "S1", "B1", 800, 80)])
    assert total(npl_home) == ("carried_forward", first, 12)
    assert second != first


def test_a_rebuild_after_publication_gives_the_same_tables(npl_home, build):
    build("a", CROWD)
    release.publish()
    build("b", [*CROWD, NEW])
    before = digest(npl_home)
    release.publish()
    build("b", reversed([*CROWD, NEW]))
    assert digest(npl_home) == before


def test_a_yanked_release_is_not_carried_forward_and_not_forgotten(npl_home, build):
    build("a", CROWD)
    first = release.publish()
    release.yank(first, "a test")
    build("b", [*CROWD, NEW])
    assert total(npl_home) == ("difference", None, None)


def test_a_figure_that_is_not_the_sum_of_its_events_stops_the_build(npl_home, build):
    build("a", CROWD)
    with duckdb.connect(str(npl_home.warehouse)) as con:
        con.execute("update market.by_quarter set completed_claim_cny = completed_claim_cny + 0.01")
    with pytest.raises(StorageError):
        write_public(npl_home.warehouse, load_standard(), "b" * 64)
