"""What researchers are given: each query of examples/queries answers on the tiny home, by hand and through `npl sql`,
the page shows each one as it runs, and the notebooks draw what the queries say."""

import importlib.util
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import matplotlib
import pytest
from small_release import built_home

from ingest import cli, release
from ingest.config import PROJECT_DIR

matplotlib.use("Agg")

DOCS = PROJECT_DIR / "docs"
QUERIES = sorted((PROJECT_DIR / "examples" / "queries").glob("*.sql"))
NOTEBOOKS = PROJECT_DIR / "examples" / "notebooks"
PAGES = [DOCS / "researchers.md", DOCS / "researchers.zh.md"]
CHINESE = re.compile(r"[\u3400-\u9fff]")


def sql_of(name: str) -> str:
    [query] = [path for path in QUERIES if path.stem[3:] == name]
    return query.read_text(encoding="utf-8")


def rows_of(warehouse: duckdb.DuckDBPyConnection, name: str) -> list[dict[str, Any]]:
    result = warehouse.execute(sql_of(name))
    columns = [column[0] for column in result.description]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


# One line each of what a hand adds up from the rows of `warehouse_*.py`: which rows, and what they must say.
# None of it says something of the official figures: what is published is in the seeds.
BY_HAND: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    # P1, of 1050 million, was first listed in 2025Q3 and sold with P2, P5, P12 (and P9's ABS is no sale) in 2025Q4
    ("volume_and_price", {"period": "2025Q3", "business": "all"}, {"listed_yi": 10.5, "completed_yi": 0}),
    ("volume_and_price", {"period": "2025Q4", "business": "all"}, {"listed_yi": 6.1, "discount_pct": 13.59}),
    # K1, K2, K3 and three deals of docs/price-index.md: 400 + 300 + 300 + 150 + 50 + 40
    ("coverage", {"period": "2024Q2", "measure": "listed_claim", "business": "all"}, {"warehouse_value": 2.4}),
    # I8 and I10 are 11 of 140 million; I9, at 30 of 100, is of an invented seller
    (
        "price_by_overdue",
        {"period": "2024Q1", "overdue_band": "all"},
        {"package_count": 2, "price_on_claim_pct": 7.86, "official_on_claim_pct": 4.6},
    ),
    # P1 was offered at 110 of 1100 and sold at 105 of 1050
    ("press_zhe", {"project_code": "P1"}, {"press_zhe": 1, "deal_on_claim_pct": 10, "deal_to_start_pct": 95.5}),
    # K1 from 31 January to 30 June
    ("sale_speed", {"cohort": "signed", "span": "cutoff_to_signing"}, {"days_median": 151, "exact_count": 1}),
    # K1, K2 and 240 million of docs/price-index.md are personal, K3's 300 are not
    ("retail_share", {"period": "2024Q2", "scope": "all"}, {"listed_personal_yi": 2.4, "listed_all_yi": 2.4}),
    # 6 of 300 million; bank G is bank E today
    (
        "who_buys_from_whom",
        {"seller": "虚构己银行股份有限公司", "buyer_type": "LAMC"},
        {"deal_count": 1, "claim_yi": 3, "price_on_claim_pct": 2},
    ),
    ("concentration", {"period": "2023", "side": "buyer", "party_type": "all"}, {"hhi": 10000, "cr4_pct": 100}),
    # the worked example of docs/price-index.md
    ("price_index", {"quarter": "2023Q2"}, {"index_value": 103.39, "naive_index_value": 50.2}),
    (
        "relisted_packages",
        {"package_id": "SLA|P1"},
        {"first_start_pct": 10, "last_start_pct": None, "last_start_missing": "HIDDEN", "first_claim_yi": 11},
    ),
    (
        "outside_the_pilot",
        {"year_number": 2023},
        {"institution_type": "CF", "not_eligible_count": 4, "certainty": "P"},
    ),
    # of five cells one was not collected and one left blank
    ("completeness", {"field_name": "overdue_definition"}, {"filled_pct": 60, "blank_without_reason": 1}),
    ("sides_disagree", {"package_id": "SLB|P2"}, {"disputed_fields": "signed_date price_cny"}),
    # what was decided later is not known then: of the second quarter of 2024 everything
    ("as_known_then", {"signed_quarter": "2025Q4", "known": "then"}, {"price_cny": 246_000_000}),
    ("as_known_then", {"signed_quarter": "2024Q1", "known": "now"}, {"deal_count": 2, "price_cny": 11_000_000}),
    # I2 ends with month 2: in month 3 it is I1's 4 + 2 on its price of 12, after costs of 1.1 and 0.5
    (
        "recoveries",
        {"vintage": "2023Q1", "months_since_signing": 3},
        {"deal_count": 2, "at_risk_deal_count": 1, "gross_on_price_pct": 50, "cumulative_cost_cny": 1_600_000},
    ),
    ("collectors", {"collector": "虚构第二催收有限公司"}, {"share_of_accounts_pct": 25}),
    ("trace_to_filings", {"package_id": "SLA|P1"}, {"quarter": "2025Q3", "filing_id": "A-3", "row_number": 2}),
]


@pytest.mark.parametrize(("name", "where", "expected"), BY_HAND, ids=[f"{row[0]}-{row[1]}" for row in BY_HAND])
def test_a_query_says_what_a_hand_adds_up(warehouse, name, where, expected):
    found = [row for row in rows_of(warehouse, name) if where.items() <= row.items()]
    assert len(found) == 1, found
    assert {column: found[0][column] for column in expected} == pytest.approx(expected)


def test_every_query_is_tested_by_hand():
    assert len(QUERIES) >= 12
    assert {path.stem[3:] for path in QUERIES} == {name for name, _, _ in BY_HAND}


def test_the_official_figures_stand_in_the_answer_beside_ours(warehouse):
    rows = {(row["period"], row["business"]): row for row in rows_of(warehouse, "volume_and_price")}
    seeds = dict(
        warehouse.execute("""
            select period, official_value_yi from market.official_reconciliation
            where measure = 'completed_claim' and business = 'all' and is_preferred and official_value_yi is not null
              and period_kind = 'quarter'""").fetchall()
    )
    assert len(seeds) >= 5
    assert {period: rows[period, "all"]["official_completed_yi"] for period in seeds} == seeds
    assert rows["2025Q4", "all"]["official_completed_yi"] is None


def test_what_was_decided_later_was_not_known_then(warehouse):
    known = {(row["signed_quarter"], row["known"]) for row in rows_of(warehouse, "as_known_then")}
    assert ("2024Q2", "now") in known
    assert ("2024Q2", "then") not in known


def test_both_scopes_of_the_official_total_of_2023_are_in_the_coverage(warehouse):
    rows = [
        row
        for row in rows_of(warehouse, "coverage")
        if (row["period"], row["measure"], row["business"]) == ("2023", "completed_claim", "all")
    ]
    assert len({row["official_value"] for row in rows}) == len(rows) == 2
    for row in rows:
        assert row["coverage_pct"] == pytest.approx(
            100 * row["warehouse_value"] / float(row["official_value"]), abs=0.06
        )


def test_no_query_counts_invented_institutions_as_the_market(warehouse):
    invented = {
        name
        for (name,) in warehouse.execute("from (select name_zh from core.dim_institutions where is_demo)").fetchall()
    }
    assert invented
    for path in QUERIES:
        values = {str(value) for row in rows_of(warehouse, path.stem[3:]) for value in row.values()}
        assert not {value for value in values if any(name in value for name in invented) or "SLC" in value}, path


def test_a_figure_is_the_sum_of_the_filings_that_it_is_traced_to(warehouse):
    traced: dict[str, Decimal] = {}
    for row in rows_of(warehouse, "trace_to_filings"):
        traced[row["quarter"]] = traced.get(row["quarter"], Decimal(0)) + (row["claim_cny"] or 0)
    figures = warehouse.execute("""
        select quarter, listed_claim_cny - demo_listed_claim_cny from market.quarterly_activity
        where breakdown = 'all' and listed_count > demo_listed_count""").fetchall()
    assert len(traced) >= 6
    assert traced == dict(figures)


@pytest.fixture(scope="module")
def published(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a release of the tiny home; the platform's home is around it."""
    with built_home(tmp_path_factory.mktemp("researchers"), built) as home:
        yield home.release(release.publish())


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_every_query_runs_through_npl_sql_and_finds_something(published, warehouse, capsys, path):
    with pytest.MonkeyPatch.context() as patch:
        # as the page says: npl sql "$(cat FILE)"
        patch.setattr("sys.argv", ["npl", "sql", path.read_text(encoding="utf-8"), "--format", "json"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert not ended.value.code
    assert len(json.loads(capsys.readouterr().out)) == len(rows_of(warehouse, path.stem[3:])) > 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_shows_every_query_as_it_runs(page):
    shown = re.findall(
        r"\(\.\./examples/queries/(\w+\.sql)\)\n\n```sql\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL
    )
    assert dict(shown) == {path.name: path.read_text(encoding="utf-8") for path in QUERIES}
    assert len(shown) == len(QUERIES)


def test_both_languages_of_the_page_show_the_same_and_lead_somewhere():
    english, chinese = (page.read_text(encoding="utf-8") for page in PAGES)
    assert re.findall(r"```.*?```", english, re.DOTALL) == re.findall(r"```.*?```", chinese, re.DOTALL)
    assert re.findall(r"^#+ ", english, re.MULTILINE) == re.findall(r"^#+ ", chinese, re.MULTILINE)
    for text in (english, chinese):
        links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
        assert len(links) > len(QUERIES)
        assert not [link for link in links if not (DOCS / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_the_page_says_of_opening_a_release_works_in_its_folder(page, published, monkeypatch, capsys):
    [opening] = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(published)
    exec(compile(opening, page.name, "exec"), {})
    shown = capsys.readouterr().out
    assert "2025Q3" in shown
    assert "listed_without_claim_count" in shown


def run_notebook(name: str, published: Path, *arguments: str) -> tuple[list[Any], dict[str, Any]]:
    """The outputs of a notebook's cells and what they define, for a release."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", [name, "--release", str(published), *arguments])
        patch.syspath_prepend(str(NOTEBOOKS))
        spec = importlib.util.spec_from_file_location(name, NOTEBOOKS / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        outputs, defined = module.app.run()
    defined["release"].connection.close()
    return list(outputs), dict(defined)


def told(outputs: list[Any]) -> str:
    return " ".join(getattr(output, "text", "") for output in outputs)


def heights(figure: Any) -> list[float]:
    """The heights of all bars that are drawn."""
    return [round(bar.get_height(), 2) for axes in figure.axes for bar in axes.patches]


def dots(figure: Any) -> list[float]:
    """The heights of all dots that are drawn."""
    return [round(float(y), 2) for axes in figure.axes for dots in axes.collections for _, y in dots.get_offsets()]


def texts(figure: Any) -> list[str]:
    from matplotlib.text import Text

    return [each.get_text() for each in figure.findobj(Text) if each.get_text()]


def test_volume_and_price_are_drawn_as_the_query_says(published, warehouse, tmp_path):
    _, defined = run_notebook("volume_and_price", published, "--picture", str(tmp_path / "drawn.png"))
    figure = defined["figure"]
    answer = rows_of(warehouse, "volume_and_price")
    drawn = heights(figure)
    for column in ("official_completed_yi", "listed_yi", "completed_yi"):
        known = {round(float(row[column]), 2) for row in answer if row["business"] == "all" and row[column]}
        assert known
        assert known <= set(drawn)
    lines = {round(float(y), 2) for line in figure.axes[1].lines for y in line.get_ydata() if y == y}
    assert {13.59, 4.1} <= lines
    assert "2025Q1" in defined["last_official"]
    assert (tmp_path / "drawn.png").stat().st_size > 10_000


def test_price_by_overdue_age_is_drawn_beside_the_official_points(published, warehouse):
    _, defined = run_notebook("price_by_overdue", published)
    answer = [row for row in rows_of(warehouse, "price_by_overdue") if row["overdue_band"] != "all"]
    ours = {row["price_on_claim_pct"] for row in answer if row["period"] == "all"} - {None}
    official = {row["official_on_claim_pct"] for row in answer} - {None}
    assert len(ours) >= 4
    assert len(official) >= 4
    assert ours | official == set(dots(defined["figure"]))
    first, *_, last, unknown = defined["bands"]
    assert (first, last, unknown) == ("under_1_year", "over_5_years", "unknown")
    assert "2_to_3_years" in defined["bands"]


def test_who_buys_from_whom_is_drawn_with_areas_by_claim(published, warehouse):
    _, defined = run_notebook("who_buys_from_whom", published)
    areas = {
        tuple(dots.get_offsets()[0]): dots.get_sizes()[0]
        for dots in defined["figure"].axes[0].collections
        if len(dots.get_offsets())
    }
    claims: dict[tuple[int, int], float] = {}
    for row in rows_of(warehouse, "who_buys_from_whom"):
        place = defined["buyers"].index(row["buyer_type"]), defined["sellers"].index(row["seller_type"])
        claims[place] = claims.get(place, 0) + float(row["claim_yi"])
    everything = warehouse.execute("""
        select sum(claim_cny) / 1e8 from core.fct_transfers where is_completed and not is_demo""").fetchone()
    assert sum(claims.values()) == pytest.approx(everything[0])
    assert len(claims) >= 4
    largest = max(claims, key=lambda place: claims[place])
    assert areas == pytest.approx({place: areas[largest] * claim / claims[largest] for place, claim in claims.items()})
    assert areas[largest] > 0


@pytest.mark.parametrize("name", ["volume_and_price", "price_by_overdue", "who_buys_from_whom"])
def test_without_a_chinese_font_a_picture_has_english_alone_and_the_page_says_so(published, name):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(helper(), "CHINESE_FONTS", ())
        outputs, defined = run_notebook(name, published)
    assert defined["font"] is None
    written = texts(defined["figure"])
    assert len(written) > 10
    assert not [each for each in written if CHINESE.search(each)]
    page = told(outputs)
    assert "No Chinese font" in page
    assert "没有找到中文字体" in page
    assert published.name in page


@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")
@pytest.mark.parametrize("name", ["volume_and_price", "price_by_overdue", "who_buys_from_whom"])
def test_with_a_chinese_font_labels_are_in_both_languages(published, name):
    with pytest.MonkeyPatch.context() as patch:
        # the font that every matplotlib has: boxes are of no concern where nobody looks
        patch.setattr(helper(), "CHINESE_FONTS", ("DejaVu Sans",))
        outputs, defined = run_notebook(name, published)
    written = texts(defined["figure"])
    assert [each for each in written if CHINESE.search(each)]
    assert "No Chinese font" not in told(outputs)


def helper() -> ModuleType:
    """What the notebooks share, as they will find it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(NOTEBOOKS))
        return importlib.import_module("npl_release")


def test_the_latest_release_of_the_home_is_opened_and_a_yanked_one_is_called_so(published):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("NPL_RELEASE", raising=False)
        found = helper().options([]).release
    assert found.resolve() == published.resolve()
    mark = published.with_name(f"{published.name}.yanked.json")
    try:
        mark.write_text(json.dumps({"release": published.name, "reason": "错了"}), encoding="utf-8")
        opened = helper().open_release(found)
        opened.connection.close()
    finally:
        mark.unlink()
    assert "错了" in opened.title


def test_a_home_without_a_release_is_told_of(tmp_path, monkeypatch):
    monkeypatch.delenv("NPL_RELEASE", raising=False)
    monkeypatch.setenv("NPL_HOME", str(tmp_path))
    with pytest.raises(SystemExit, match="There is no release"):
        helper().options([])
