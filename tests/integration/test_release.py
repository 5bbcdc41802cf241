"""Releases of the tiny home: the same bytes when made again, described for every tool, verified, compared, yanked."""

import csv
import hashlib
import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
import yaml
from small_release import built_home

from ingest import cli, registry, release, warehouse
from ingest.paths import Home
from ingest.release import descriptions, model_docs
from ingest.release.folder import CHANGES, CHANGES_PAGE, CHECKSUMS, OUTSIDE_THE_MANIFEST
from ingest.release.publish import code_commit
from ingest.release.tables import RELEASED_SCHEMAS, released_tables

FIRST, CORRECTION, WITHDRAWAL = "SLXJ01-2026-03-0001", "SLXJ01-2026-03-0002", "SLXJ01-2026-03-0003"
HEADER_BYTES = 4096
"""DuckDB's first block: a checksum, and an identifier drawn at random, are the only bytes of a file that it varies."""


class Platform(NamedTuple):
    """A home with two releases: before and after a correction of a filing and the withdrawal of another."""

    home: Home
    before: str
    after: str

    @property
    def folder(self) -> Path:
        return self.home.release(self.after)


def decided(filing_id: str, supersedes: str | None = None, withdraws: str | None = None) -> None:
    """Register a filing and accept it."""
    record = {
        "filing_id": filing_id,
        "folder": "SLXJ01",
        "name": filing_id,
        "sha256": hashlib.sha256(filing_id.encode()).hexdigest(),
        "institution_id": "SLXJ01",
        "subject_id": "SLXJ01",
        "received_at": registry.utc_now(),
    }
    assert registry.register(record)
    row = {
        "verdict": "accepted",
        "standard_version": "2.0",
        "standard_sha256": "0" * 64,
        "report_sha256": "0" * 64,
        "rows_filed": 1,
        "rows_accepted": 1,
        "rows_held": 0,
    }
    decision = registry.Decision(row, filing_id, registry.log_size(), supersedes=supersedes, withdraws=withdraws)
    assert registry.decide(filing_id, decision)


@pytest.fixture(scope="module")
def platform(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with built_home(tmp_path_factory.mktemp("release"), built) as home:
        decided(FIRST)
        decided("SLXJ01-2026-02-0001")
        before = release.publish()
        decided(CORRECTION, supersedes=FIRST)
        decided(WITHDRAWAL, withdraws="SLXJ01-2026-02-0001")
        with duckdb.connect(str(home.warehouse)) as con:
            con.execute("""
                update market.quarterly_activity set listed_claim_cny = listed_claim_cny + 0.01, discount_ratio = 0.25
                where quarter = '2025Q3' and breakdown = 'all'""")
            con.execute("delete from market.quarterly_activity where quarter = '2025Q?' and breakdown = 'business'")
        yield Platform(home, before, release.publish())


def npl(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code of an `npl` command, what it said, and what it warned of."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["npl", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out, told.err


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def content(folder: Path, name: str) -> dict:
    return json.loads((folder / name).read_text(encoding="utf-8"))


def inlined(page: str) -> dict:
    """dbt's manifest, as its page holds it."""
    start = page.index('{"child_map"')
    return json.JSONDecoder().raw_decode(page, start)[0]


def test_dbts_page_of_the_models_stands_in_the_release_whole_and_tells_no_place_or_moment_of_the_build(platform):
    page = (platform.folder / descriptions.MODELS).read_text(encoding="utf-8")
    assert "INLINE DATA" not in page
    assert str(platform.home.root) not in page
    manifest = inlined(page)
    node = manifest["nodes"]["model.npl_warehouse.quarterly_activity"]
    assert "平均折扣率" in node["description"]
    assert node["columns"]["discount_ratio"]["description"]
    assert {name.split(".")[1] for name in manifest["macros"]} == {"npl_warehouse"}
    before = model_docs.model_page([])
    made = json.loads(platform.home.warehouse_manifest.read_bytes())
    made["metadata"] |= {"generated_at": "2027-01-01T00:00:00Z", "invocation_id": "another"}
    for each in made["nodes"].values():
        each["created_at"] = 1.5
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda _: json.dumps(made).encode())
        assert model_docs.model_page([]) == before != page


def test_a_release_made_again_is_the_same_to_the_byte_whatever_the_order_of_rows(platform):
    first = bytes_of(platform.folder)
    shutil.rmtree(platform.folder)
    with duckdb.connect(str(platform.home.warehouse)) as con:
        con.execute("create temp table kept as from market.quarterly_activity")
        con.execute("delete from market.quarterly_activity")
        con.execute("insert into market.quarterly_activity from kept order by listed_claim_cny desc, breakdown_value")
    assert release.publish() == platform.after
    again = bytes_of(platform.folder)
    assert again.keys() == first.keys()
    assert {name for name in first if first[name] != again[name]} == {release.DATABASE, CHECKSUMS}
    one, other = first[release.DATABASE], again[release.DATABASE]
    assert len(one) == len(other)
    assert one[HEADER_BYTES:] == other[HEADER_BYTES:]


def test_the_manifest_tells_every_file_and_every_table(platform):
    manifest = content(platform.folder, release.MANIFEST)
    assert manifest["files"].keys() | OUTSIDE_THE_MANIFEST == bytes_of(platform.folder).keys()
    with duckdb.connect(str(platform.folder / release.DATABASE), read_only=True) as con:
        tables = [".".join(each) for each in released_tables(con, "npl")]
        assert [table["table"] for table in manifest["tables"]] == tables
        assert {table.split(".")[0] for table in tables} == set(RELEASED_SCHEMAS)
        for table in manifest["tables"]:
            assert con.execute(f"select count(*) from {table['table']}").fetchone() == (table["rows"],)
    assert manifest["filings_in_force"] == [CORRECTION, WITHDRAWAL]
    assert {each["filing"]: (each["state"], each["by"]) for each in manifest["filings_out_of_force"]} == {
        FIRST: ("superseded", CORRECTION),
        "SLXJ01-2026-02-0001": ("withdrawn", WITHDRAWAL),
    }


def test_the_digest_of_a_table_can_be_worked_out_with_duckdb_alone(platform, tmp_path):
    table = next(
        each for each in content(platform.folder, release.MANIFEST)["tables"] if each["table"] == "core.dim_packages"
    )
    assert table["rows"]
    with duckdb.connect(str(platform.folder / release.DATABASE), read_only=True) as con:
        con.execute(f"copy (select * from core.dim_packages order by all) to '{tmp_path / 'rows.csv'}' (header)")
    assert hashlib.sha256((tmp_path / "rows.csv").read_bytes()).hexdigest() == table["content_sha256"]


def test_checksums_are_those_that_sha256sum_reads(platform):
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", CHECKSUMS],
        cwd=platform.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert len(checked.stdout.splitlines()) == len(bytes_of(platform.folder)) - 1


def test_a_release_opens_with_duckdb_alone_and_bears_its_definitions(platform, tmp_path):
    code = """
import duckdb, sys
con = duckdb.connect(sys.argv[1], read_only=True)
print(con.execute("select count(*) from market.quarterly_activity").fetchone()[0])
print(con.execute("select comment from duckdb_columns() where table_name = 'quarterly_activity' "
                  "and column_name = 'discount_ratio'").fetchone()[0])
print(con.execute("select tags['storage_version'] from duckdb_databases() where database_name = 'npl'").fetchone()[0])
print(sorted({"pyarrow", "pandas", "numpy", "ingest"} & set(sys.modules)))
"""
    opened = subprocess.run(
        [sys.executable, "-I", "-c", code, str(platform.folder / release.DATABASE)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    rows, definition, version, others = opened.stdout.splitlines()
    assert int(rows)
    assert "平均折扣率" in definition
    assert version.startswith("v1.4.0")
    assert others == "[]"


def test_a_data_package_validates(platform):
    import frictionless

    report = frictionless.validate(str(platform.folder / descriptions.DATA_PACKAGE))
    assert report.valid, report.flatten(["name", "message"])
    package = content(platform.folder, descriptions.DATA_PACKAGE)
    described = {each["path"]: each for each in package["resources"]}
    assert {name for name in described if name.endswith(".parquet")} == {
        table["file"] for table in content(platform.folder, release.MANIFEST)["tables"]
    }
    schema = described["market/quarterly_activity.parquet"]["schema"]
    assert schema["primaryKey"] == ["quarter", "breakdown", "breakdown_value"]
    assert {field["name"]: field["type"] for field in schema["fields"]}["listed_claim_cny"] == "number"
    assert described["market/quarterly_activity.parquet"]["usageWarnings"][0].keys() == {"zh", "en"}


def test_croissant_reads_the_rows_of_a_table(platform):
    import mlcroissant

    logging.getLogger("absl").setLevel(logging.ERROR)
    dataset = mlcroissant.Dataset(jsonld=str(platform.folder / descriptions.CROISSANT))
    (row,) = dataset.records("market.start_prices")
    assert row["market.start_prices/package_id"] == b"SLA|P1"


def test_the_dcat_record_tells_where_each_file_is_and_its_digest(platform):
    import rdflib

    graph = rdflib.Graph().parse(platform.folder / descriptions.DCAT, format="json-ld")
    found = graph.query("""
        prefix dcat: <http://www.w3.org/ns/dcat#> prefix spdx: <http://spdx.org/rdf/terms#>
        select ?url ?digest where {
            ?dataset a dcat:Dataset ; dcat:distribution ?file . ?file dcat:downloadURL ?url .
            ?file spdx:checksum/spdx:checksumValue ?digest }""")
    digests = {Path(str(url).removeprefix("file://")): str(digest).lower() for url, digest in found}
    assert len(digests) > len(content(platform.folder, release.MANIFEST)["tables"])
    for path, digest in digests.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digest, path


def test_sdmx_gives_the_figures_of_the_table_back(platform):
    from pysdmx.io import get_datasets, read_sdmx

    structure, data = (platform.folder / "sdmx" / f"quarterly_activity.{kind}" for kind in ("xml", "csv"))
    read_sdmx(structure, validate=True)
    (dataset,) = get_datasets(data, structure)
    keys = ["FREQ", "BREAKDOWN", "BREAKDOWN_VALUE", "INDICATOR", "TIME_PERIOD"]
    assert [component.id for component in dataset.structure.components.dimensions] == keys
    observed = {tuple(row[key] for key in keys): float(row["OBS_VALUE"]) for _, row in dataset.data.iterrows()}
    names, rows = release.query("from market.quarterly_activity where quarter <> '2025Q?'", platform.after)
    expected = {
        ("Q", row["breakdown"], row["breakdown_value"], name, f"{row['quarter'][:4]}-{row['quarter'][4:]}"): float(
            value
        )
        for row in (dict(zip(names, row, strict=True)) for row in rows)
        for name, value in row.items()
        if value is not None and not isinstance(value, str)
    }
    assert len(expected) > 100
    assert observed == expected


def test_the_dictionary_holds_every_column_with_its_definition_and_every_table_its_grain_and_warnings(platform):
    with (platform.folder / descriptions.COLUMNS).open(encoding="utf-8", newline="") as lines:
        told = list(csv.DictReader(lines))
    with duckdb.connect(str(platform.folder / release.DATABASE), read_only=True) as con:
        columns = con.execute("""
            select schema_name || '.' || table_name, column_name from duckdb_columns()
            where not internal order by schema_name, table_name, column_index""").fetchall()
    assert [(row["table"], row["column"]) for row in told] == columns
    assert not [row for row in told if not row["description_en"]]
    by_name = {(row["table"], row["column"]): row for row in told}
    asset_type = by_name["core.dim_packages", "asset_type"]
    assert (asset_type["code_list"], asset_type["label_zh"]) == ("asset_type", "资产类型")
    assert by_name["core.dim_packages", "claim_cny"]["unit"] == "CNY"
    page = (platform.folder / descriptions.DICTIONARY).read_text(encoding="utf-8")
    sections = page.split("\n## ")[1:]
    tables = [section for section in sections if section.split(".")[0] in RELEASED_SCHEMAS]
    assert len(tables) == len({table for table, _ in columns})
    assert not [section.splitlines()[0] for section in tables if "使用须知" not in section]
    assert "## 代码表 code list asset_type" in page
    codes = (platform.folder / descriptions.CODE_LISTS).read_text(encoding="utf-8")
    assert codes.startswith("code_list,code,zh,en")


def test_the_citation_names_the_release(platform):
    said = yaml.safe_load((platform.folder / descriptions.CITATION).read_text(encoding="utf-8"))
    assert (said["type"], said["version"]) == ("dataset", platform.after)
    assert said["authors"]
    assert str(said["date-released"]) == platform.after[:10]


def test_a_diff_tells_which_figures_changed_and_because_of_which_filings(platform, capsys):
    code, told, _ = npl(capsys, "release", "diff", platform.before, platform.after, "--format", "json")
    assert code == 0
    said = json.loads(told)
    assert (said["before"], said["after"], said["inputs_changed"]) == (platform.before, platform.after, ["filings"])
    assert {kind: [each["filing"] for each in filings] for kind, filings in said["filings"].items()} == {
        "new": [CORRECTION, WITHDRAWAL],
        "superseded": [FIRST],
        "withdrawn": ["SLXJ01-2026-02-0001"],
    }
    assert said["filings"]["superseded"][0]["by"] == CORRECTION
    (table,) = said["tables"]
    assert (table["table"], table["rows_added"], table["figures_changed"]) == ("market.quarterly_activity", 0, 2)
    assert table["rows_removed"] == len(table["removed"]) > 0
    assert {key["breakdown"] for key in table["removed"]} == {"business"}
    claim, ratio = table["figures"]
    assert claim["key"] == {"quarter": "2025Q3", "breakdown": "all", "breakdown_value": "all"}
    assert (claim["column"], claim["difference"]) == ("listed_claim_cny", "0.01")
    assert Decimal(claim["new"]) - Decimal(claim["old"]) == Decimal("0.01")
    assert (ratio["column"], ratio["old"], ratio["new"], ratio["difference"]) == ("discount_ratio", None, 0.25, None)
    assert said == content(platform.folder, CHANGES)
    code, page, _ = npl(capsys, "release", "diff", platform.before)
    assert page == (platform.folder / CHANGES_PAGE).read_text(encoding="utf-8")
    assert "| 2025Q3 | all | all | listed_claim_cny | 1050000000.00 | 1050000000.01 | 0.01 |" in page
    assert f"- {FIRST} superseded ← {CORRECTION}" in page


def test_rules_registers_and_models_are_told_as_causes(platform, tmp_path):
    after = tmp_path / platform.after
    shutil.copytree(platform.folder, after)
    rules = (after / descriptions.RULES).read_text(encoding="utf-8").splitlines(keepends=True)
    changed, removed = (line.split(",")[0] for line in rules[1:3])
    rules[1] = rules[1].replace(f"{changed},", f"{changed},other_", 1)
    (after / descriptions.RULES).write_text("".join([*rules[:2], *rules[3:], "NPL-NEW-001,t\n"]), encoding="utf-8")
    manifest = content(after, release.MANIFEST)
    manifest["inputs"] |= {"standard": "other", "registers": "other", "models": "other"}
    (after / release.MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    told = release.compare(platform.folder, after)
    assert told["rules"] == {"added": ["NPL-NEW-001"], "removed": [removed], "changed": [changed]}
    assert told["inputs_changed"] == ["standard", "registers", "models"]
    assert (told["tables"], told["filings"]) == ([], {"new": [], "superseded": [], "withdrawn": []})
    page = release.page_of_changes(told)
    assert "the disclosure standard, the registers, the models" in page
    assert "No figure changed." in page


def test_the_first_release_says_that_none_came_before(platform):
    told = content(platform.home.release(platform.before), CHANGES)
    assert told.keys() == {"before", "not_filed"}
    assert told["before"] is None


def test_both_releases_are_intact(platform, capsys):
    for name in (platform.before, platform.after):
        code, told, _ = npl(capsys, "release", "verify", name)
        assert (code, told) == (0, f"{name}: 完整无误 intact\n")


def test_figures_changed_in_the_database_are_found_even_when_the_checksums_were_made_anew(platform):
    database, sums = platform.folder / release.DATABASE, platform.folder / CHECKSUMS
    kept = database.read_bytes(), sums.read_text()
    try:
        with duckdb.connect(str(database)) as con:
            con.execute("update market.start_prices set press_zhe = 9 where package_id = 'SLA|P1'")
        old, new = (hashlib.sha256(each).hexdigest() for each in (kept[0], database.read_bytes()))
        assert old != new
        sums.write_text(kept[1].replace(old, new))
        assert [en for _, en in release.verify(platform.after)] == [
            "npl.duckdb: rows of market.start_prices are not as listed"
        ]
    finally:
        database.write_bytes(kept[0])
        sums.write_text(kept[1])


def test_a_yanked_release_is_marked_and_not_deleted_and_latest_moves_back(platform, capsys):
    before = bytes_of(platform.folder)
    try:
        assert npl(capsys, "release", "yank", platform.after, "--reason", " ")[0] == cli.EXIT_UNREADABLE
        code, told, _ = npl(capsys, "release", "yank", platform.after, "--reason", "wrong unit of one filing")
        assert (code, platform.before in told) == (0, True)
        assert bytes_of(platform.folder) == before
        assert release.latest() == platform.before
        assert release.publish() == platform.after
        assert release.latest() == platform.before, "publishing the same again does not bring it back"
        assert release.published(warehouse.inputs_digest()) == platform.after
        _, listed, _ = npl(capsys, "release", "list")
        assert [("yanked" in line) for line in listed.splitlines()] == [False, True]
        query = ("sql", "select 1 as one", "--format", "csv")
        code, told, warned = npl(capsys, *query, "--release", platform.after)
        assert (code, told) == (0, "one\n1\n")
        assert "wrong unit of one filing" in warned
        assert npl(capsys, *query)[2] == ""
        assert release.yanked(platform.after)["reason"] == "wrong unit of one filing"
        npl(capsys, "release", "yank", platform.after, "--reason", "another")
        assert release.yanked(platform.after)["reason"] == "wrong unit of one filing", "the first mark is kept"
        assert npl(capsys, "release", "yank", platform.before, "--reason", "both")[0] == 0
        assert release.latest() is None
        assert npl(capsys, *query)[0] == cli.EXIT_UNREADABLE
    finally:
        for name in (platform.before, platform.after):
            platform.home.yanked_release(name).unlink(missing_ok=True)
        release.publish()
    assert release.latest() == platform.after


def test_where_git_is_missing_a_release_names_no_commit(monkeypatch):
    monkeypatch.delenv("NPL_CODE_COMMIT", raising=False)
    assert code_commit()  # a checkout
    monkeypatch.setenv("PATH", "")  # an image
    assert code_commit() is None


def test_the_latest_release_is_known_to_be_made_of_the_present_inputs(platform):
    assert release.published(warehouse.inputs_digest()) == platform.after
    assert release.published(content(platform.home.release(platform.before), release.MANIFEST)["inputs_sha256"]) is None


def test_an_old_release_stays_queryable(platform):
    query = "select listed_claim_cny from market.quarterly_activity where quarter = '2025Q3' and breakdown = 'all'"
    assert release.query(query, platform.before)[1] == [(Decimal("1050000000.00"),)]
    assert release.query(query, None)[1] == [(Decimal("1050000000.01"),)]
