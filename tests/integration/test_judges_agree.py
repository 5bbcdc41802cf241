"""Great Expectations and `npl check` judge alike; what breaks inside GX is our fault; stock GX counts what we count."""

import datetime
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from filings import FILER, NOTICE, decide_one, put, sale_notice

from expectations import judge, spec, work_database
from expectations.examples import text_rows
from expectations.spec import load_standard
from ingest import accept, receive, registry
from ingest.check import check_path
from ingest.config import PROJECT_DIR
from ingest.report.answer import FINDINGS_CSV, REPORT_HTML, REPORT_JSON, write_answer
from ingest.synthetic import write_demo_filings

STANDARD = load_standard()
AGE_RULE, OVERDUE_RULE = "NPL-PKG-059", "NPL-PKG-058"
STORES = {"received_at": datetime.datetime(2026, 1, 1)}


def test_every_demo_filing_gets_the_same_report_with_and_without_great_expectations(npl_home):
    filed = write_demo_filings(npl_home.inbox)
    before = {}
    for _, entry in receive.waiting():
        before[receive.content_digest(entry)] = check_path(entry, STANDARD)
    decided = 0
    for filing_id in receive.receive_waiting():
        record = registry.find(filing_id)
        # `npl check` saw an empty home; rules across filings, which only warn here, look at what came before
        state = accept.decide(filing_id)
        after = json.loads((npl_home.answer(record.folder, filing_id) / REPORT_JSON).read_text())
        expected = before[record.sha256]
        assert state == ("rejected" if expected.verdict == "unreadable" else expected.verdict)
        assert after["verdict"] == expected.verdict
        assert reject_and_hold(after) == reject_and_hold(expected.to_dict())
        decided += 1
    assert decided == filed >= 10


def reject_and_hold(report: dict) -> list[tuple[str, str]]:
    return [
        (finding["rule_id"], finding["fingerprint"])
        for finding in report["findings"]
        if finding["severity"] in ("reject", "hold")
    ]


def notices(**first: str) -> list[spec.Row]:
    """Forty notices of one filing; `first` changes cells of the first."""
    rows = [
        sale_notice(
            notice_id=f"GG-{number}",
            project_code=f"SLXJ01-2026-{number:03}",
            package_name=f"示例第一消费金融有限公司关于2026年第{number}期个人不良贷款（个人消费贷款）转让项目",
        )
        for number in range(1, 41)
    ]
    return [rows[0] | first, *rows[1:]]


RELISTED = "示例第一消费金融有限公司关于2026年第1期个人不良贷款（个人消费贷款）转让项目（重新挂牌）"


@pytest.mark.parametrize(
    ("verdict", "first"),
    [
        ("accepted", {}),
        ("accepted_with_holds", {"package_name": RELISTED}),
        ("rejected", {"principal_interest_cny": "77375977.30", "asset_type": "=个人消费<b>"}),
    ],
)
def test_what_is_checked_before_filing_and_answered_after_it_is_equal_to_the_byte(npl_home, tmp_path, verdict, first):
    place = put("march", notices(**first))
    write_answer(tmp_path / "before", check_path(place, STANDARD), STANDARD)
    filing_id, state = decide_one()
    assert state == verdict
    landed = receive.landed_entry(registry.find(filing_id).sha256)
    write_answer(tmp_path / "after", check_path(landed, STANDARD), STANDARD)
    before, after, outbox = (
        {file.name: file.read_bytes() for file in folder.iterdir()}
        for folder in (tmp_path / "before", tmp_path / "after", npl_home.answer(FILER, filing_id))
    )
    assert {REPORT_JSON, REPORT_HTML, FINDINGS_CSV} <= set(before)
    assert before == after
    assert {name: outbox[name] for name in before} == before, "the outbox may hold more: the receipt"


@pytest.fixture
def broken_standard(tmp_path, monkeypatch):
    """A copy of the standard with one rule that fails when it runs."""
    directory = tmp_path / "standard"
    shutil.copytree(spec.STANDARD_DIR, directory)
    path = directory / "rules" / "NPL-PKG-040.yml"
    text = path.read_text(encoding="utf-8")
    start, end = text.index("check:"), text.index("show:")
    path.write_text(text[:start] + "check: error('boom') is null\n" + text[end:], encoding="utf-8")
    broken = load_standard(directory)
    monkeypatch.setattr(accept, "load_standard", lambda: broken)
    return broken


def test_a_broken_rule_is_our_error_and_never_a_rejection(npl_home, broken_standard):
    put("march", [sale_notice()])
    filing_id, state = decide_one()
    assert state == "error"
    report = json.loads((npl_home.answer(FILER, filing_id) / REPORT_JSON).read_text())
    assert report["verdict"] == "error"
    assert report["problem"]["zh"]
    assert not list(npl_home.accepted.rglob(f"{filing_id}.parquet"))
    assert registry.undecided()[0].filing_id == filing_id


def test_a_broken_rule_inside_the_checkpoint_is_found_in_its_exception_info(npl_home, tmp_path, monkeypatch):
    from expectations.suites import JudgementFailedError, judge_with_expectations

    database = database_of(tmp_path, [sale_notice()])
    with work_database.connect(str(database)) as con:
        con.execute(f"drop table filed_{NOTICE}")
    with pytest.raises(JudgementFailedError, match="NPL-"):
        judge_with_expectations(STANDARD, database, [NOTICE], "broken", STORES["received_at"], tmp_path / "gx")


def test_after_the_rule_is_mended_the_filing_is_decided(npl_home, broken_standard, monkeypatch):
    put("march", [sale_notice()])
    _, state = decide_one()
    assert state == "error"
    monkeypatch.setattr(accept, "load_standard", load_standard)
    _, state = decide_one()
    assert state == "accepted"


def test_a_worker_compares_its_checkpoint_with_the_store_before_the_first_filing_and_not_again(tmp_path, monkeypatch):
    from great_expectations.core.expectation_suite import ExpectationSuite

    from expectations.suites import judge_with_expectations

    compared = []
    is_fresh = ExpectationSuite.is_fresh
    monkeypatch.setattr(ExpectationSuite, "is_fresh", lambda suite: compared.append(suite.name) or is_fresh(suite))
    database = database_of(tmp_path, [sale_notice(asset_type="ZZ")])
    times = []
    for name in ("first", "second"):
        outcome = judge_with_expectations(STANDARD, database, [NOTICE], name, STORES["received_at"], tmp_path / "gx")
        assert outcome.verdict == "rejected"
        times.append(len(compared))
    assert times[0] > 0
    assert times[1] == times[0]


def test_what_is_stored_of_a_validation_is_to_the_byte_what_great_expectations_would_store(tmp_path, monkeypatch):
    from great_expectations.data_context.store import ValidationResultsStore as TheirStore

    from expectations.results_store import ValidationResultsStore
    from expectations.suites import JudgementFailedError, judge_with_expectations

    texts, own = [], ValidationResultsStore.serialize

    def both(store, value):
        texts.append((own(store, value), TheirStore.serialize(store, value)))
        return texts[-1][0]

    monkeypatch.setattr(ValidationResultsStore, "serialize", both)
    database = database_of(tmp_path, [sale_notice(asset_type="ZZ")])
    stores = STORES["received_at"], tmp_path / "gx"
    for name in ("first", "second"):
        judge_with_expectations(STANDARD, database, [NOTICE], name, *stores)
    with work_database.connect(str(database)) as con:
        con.execute(f"drop table filed_{NOTICE}")
    with pytest.raises(JudgementFailedError):
        judge_with_expectations(STANDARD, database, [NOTICE], "broken", *stores)
    assert len(texts) == 6
    for ours, theirs in texts:
        assert ours == theirs
    for part in ('"success": true', '"success": false', '"raised_exception": true', '"run_name": "second"'):
        assert part in "".join(ours for ours, _ in texts)


def test_a_page_is_to_the_byte_what_great_expectations_would_write(tmp_path):
    from expectations import data_docs, suites

    stores, theirs = tmp_path / "gx", tmp_path / "theirs"
    rendered = []
    for number, changes in enumerate(({}, {"asset_type": "ZZ"}, {}, {"asset_type": "ZZ"})):
        (tmp_path / str(number)).mkdir()
        database = database_of(tmp_path / str(number), [sale_notice(**changes)])
        received_at = STORES["received_at"] + datetime.timedelta(seconds=number)
        suites.judge_with_expectations(STANDARD, database, [NOTICE], f"F-{number}", received_at, stores)
    with pytest.MonkeyPatch.context() as patch:
        render = data_docs.Pages._render
        patch.setattr(data_docs.Pages, "_render", lambda pages, kind: rendered.append(kind) or render(pages, kind))
        ours = dict(suites.pages_of(stores, [f"F-{number}" for number in range(4)]))
    context = suites._context(stores)
    backend = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(theirs)}
    site = {"class_name": "SiteBuilder", "show_how_to_buttons": False, "store_backend": backend}
    context.add_data_docs_site("theirs", site)
    try:
        context.build_data_docs(site_names=["theirs"])
    finally:
        context.delete_data_docs_site("theirs")
    of_the_moment = re.compile(r"logo-long\.png\?d=\w+\.\w+|(?<=collapse-body-)[0-9a-f-]{36}")
    assert len(ours) == 8
    assert len(rendered) == 3, "the pages of the notices, good and bad, and one of all four filings"
    alone = (
        "import sys, pathlib; from expectations.suites import pages_of;"
        "print(len(dict(pages_of(pathlib.Path(sys.argv[1]), ['F-1']))))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", alone, str(stores)], check=True, capture_output=True, cwd=PROJECT_DIR
    )
    assert printed.stdout.split() == [b"2"], "a process that has judged nothing writes pages as well"
    for place, page in ours.items():
        assert of_the_moment.sub("", page) == of_the_moment.sub("", (theirs / place).read_text(encoding="utf-8"))


def test_an_expectation_tells_of_itself_what_great_expectations_would():
    from great_expectations.expectations.expectation import BatchExpectation

    from expectations.rule_expectation import ExpectDisclosureRule

    theirs = BatchExpectation.configuration.fget
    told = {"rule_id": "NPL-PKG-001", "filed_table": NOTICE}
    for more in ({}, {"batch_id": "b", "id": "i", "meta": {"rule_id": "r"}, "severity": "info", "description": "d"}):
        expectation = ExpectDisclosureRule(**told, **more)
        assert repr(expectation.configuration.to_json_dict()) == repr(theirs(expectation).to_json_dict())


def database_of(folder: Path, rows: list[spec.Row]) -> Path:
    database = folder / "work.duckdb"
    with work_database.connect(str(database)) as con:
        work_database.prepare(con, STANDARD, STANDARD.head.examples.context)
        work_database.load_rows(con, NOTICE, text_rows(rows))
        work_database.load_rows(con, "filing", text_rows([STANDARD.example_row("filing")]))
        judge.type_filing(con, STANDARD, [NOTICE])
    return database


def sample_rows() -> list[spec.Row]:
    """Three hundred notices, with blanks, bad codes, repeated ids and out-of-range ages among them."""
    rows = []
    for number in range(300):
        rows.append(
            sale_notice(
                notice_id=f"GG-{number % 290}",
                seller_name=None if number % 7 == 0 else "示例第一消费金融有限公司",
                asset_type="XF" if number % 11 else "ZZ",
                weighted_age_years=f"{15 + number % 70}.00",
                weighted_overdue_days=f"{number * 30}.00",
                loan_count="756" if number % 13 else "七百",
                seller_uscc="91350100M000100Y43" if number % 5 else "no code",
            )
        )
    return rows


def test_what_stock_great_expectations_can_say_it_counts_as_we_do(tmp_path):
    """Not null, sets, ranges, uniqueness and a pattern, as stock expectations on pandas, against the one pass."""
    import great_expectations as gx

    rows = sample_rows()
    database = database_of(tmp_path, rows)
    with work_database.connect(str(database)) as con:
        result = judge.judge_one(con, STANDARD, NOTICE, [NOTICE])
        typed = {
            name: con.execute(f"select {name} from filed_{NOTICE} order by row_number").fetchall()
            for name in ("weighted_age_years", "weighted_overdue_days")
        }
    frame = pd.DataFrame(
        {name: [row[name] for row in rows] for name in ("notice_id", "seller_name", "asset_type", "loan_count")}
    )
    for name, values in typed.items():
        frame[name] = [float(value) for (value,) in values]
    spellings = [text for code in STANDARD.codes["asset_type"] for text in code.spellings]
    ours = {(check.rule.id, check.field): count for check, count in result.counts.items()}
    stock = gx.expectations
    pairs = [
        (("NPL-SCH-003", "seller_name"), stock.ExpectColumnValuesToNotBeNull(column="seller_name")),
        (("NPL-SCH-002", "asset_type"), stock.ExpectColumnValuesToBeInSet(column="asset_type", value_set=spellings)),
        (("NPL-SCH-001", "loan_count"), stock.ExpectColumnValuesToMatchRegex(column="loan_count", regex="^-?[0-9]+$")),
        (("NPL-PKG-001", None), stock.ExpectColumnValuesToBeUnique(column="notice_id")),
        (
            (AGE_RULE, None),
            stock.ExpectColumnValuesToBeBetween(column="weighted_age_years", min_value=18, max_value=80),
        ),
        ((OVERDUE_RULE, None), stock.ExpectColumnValuesToBeBetween(column="weighted_overdue_days", max_value=7300)),
    ]
    context = gx.get_context(mode="ephemeral")
    batch = (
        context.data_sources.add_pandas("sample")
        .add_dataframe_asset("rows")
        .add_batch_definition_whole_dataframe("all")
    )
    suite = context.suites.add(
        gx.ExpectationSuite(name="stock", expectations=[expectation for _, expectation in pairs])
    )
    definition = context.validation_definitions.add(gx.ValidationDefinition(name="stock", data=batch, suite=suite))
    outcome = definition.run(batch_parameters={"dataframe": frame}, result_format="COMPLETE")
    theirs = {each.expectation_config.kwargs["column"]: each.result["unexpected_count"] for each in outcome.results}
    assert {expectation.column: ours[key] for key, expectation in pairs} == theirs
    assert len(theirs) == len(pairs)
    assert all(count > 0 for count in theirs.values())
