"""From inbox to verdict: what is kept, what is answered, and what happens when a process dies in between."""

import json
import os
import shutil
import subprocess
import sys
import zipfile

import duckdb
import pytest
from filings import FILER, NOTICE, decide_all, decide_one, put, sale_notice

from expectations.spec import load_standard
from ingest import accept, receive, registry, registry_tables
from ingest.errors import StorageError
from ingest.paths import Home
from ingest.receipts.keys import PUBLIC_KEYS
from ingest.receipts.receipt import RECEIPT_JSON
from ingest.report.answer import REPORT_JSON
from ingest.report.operator import write_operator_page

BROKEN_TIE = {"principal_interest_cny": "77375977.30", "claim_total_cny": ""}
PHONE = "13800000000"
RESIDENT_ID = "11010519900307002X"
PERSON = "张某某"


def accepted_rows(home: Home, table: str = NOTICE) -> list[tuple[str, int]]:
    """(filing id, row number) of everything in the accepted zone."""
    files = [str(file) for file in (home.accepted / table).rglob("*.parquet")] if home.accepted.exists() else []
    if not files:
        return []
    return duckdb.sql(
        f"select filing_id, row_number from read_parquet({files}, hive_partitioning = false) order by all"
    ).fetchall()


def report_of(home: Home, filing_id: str, folder: str = FILER) -> dict:
    return json.loads((home.answer(folder, filing_id) / REPORT_JSON).read_text(encoding="utf-8"))


def test_a_good_filing_is_accepted_kept_and_answered(npl_home):
    put("march", [sale_notice()])
    filing_id, state = decide_one()
    assert state == "accepted"
    assert accepted_rows(npl_home) == [(filing_id, 2)]
    report = report_of(npl_home, filing_id)
    assert (report["verdict"], report["findings_total"]) == ("accepted", 0)
    assert [row["state"] for row in registry.rows_of(registry_tables.states)] == [
        "received",
        "read",
        "checked",
        "accepted",
    ]


def test_the_bytes_as_filed_are_kept_and_leave_the_inbox(npl_home):
    place = put("march", [sale_notice()])
    filed = {file.name: file.read_bytes() for file in place.iterdir()}
    decide_one()
    assert not place.exists()
    landed = receive.landed_entry(registry.all_filings()[0].sha256)
    assert {file.name: file.read_bytes() for file in landed.iterdir()} == filed


def test_the_same_bytes_twice_are_one_filing(npl_home):
    put("march", [sale_notice()])
    decide_one()
    put("march", [sale_notice()])
    assert decide_all() == {}
    assert len(registry.all_filings()) == 1
    assert len(accepted_rows(npl_home)) == 1
    assert not any(receive.waiting())


def test_a_rejected_filing_leaves_no_row_and_tells_row_field_value_and_remedy(npl_home):
    put("march", [sale_notice(**BROKEN_TIE)])
    filing_id, state = decide_one()
    assert state == "rejected"
    assert accepted_rows(npl_home) == []
    (finding,) = [each for each in report_of(npl_home, filing_id)["findings"] if each["severity"] == "reject"]
    assert finding["row"] == 2
    assert finding["values"]["principal_interest_cny"] == "77375977.30"
    assert "77375977.29" in finding["message"]["zh"]
    assert finding["remedy"]["zh"]
    assert finding["remedy"]["en"]


def test_an_unreadable_filing_is_rejected_with_a_reason_and_its_bytes_are_kept(npl_home):
    place = put("march", [sale_notice()])
    (place / "资产包公告.csv").write_bytes(b"\x00\x01 not a table")
    filing_id, state = decide_one()
    assert state == "rejected"
    report = report_of(npl_home, filing_id)
    assert report["verdict"] == "unreadable"
    assert report["problem"]["zh"]
    assert (
        receive.landed_entry(registry.all_filings()[0].sha256) / "资产包公告.csv"
    ).read_bytes() == b"\x00\x01 not a table"


def test_a_link_is_never_followed(npl_home, tmp_path):
    elsewhere = put("march", [sale_notice()]).rename(tmp_path / "elsewhere")
    (npl_home.inbox / FILER / "linked").symlink_to(elsewhere)
    filing_id, state = decide_one()
    assert state == "rejected"
    assert report_of(npl_home, filing_id)["verdict"] == "unreadable"
    assert sorted(file.name for file in elsewhere.iterdir()) == ["filing.json", "资产包公告.csv"]
    assert not any(receive.waiting())


def test_a_file_that_is_still_being_written_is_left_alone(npl_home):
    place = put("march", [sale_notice()])
    place.rename(place.with_name("march.part"))
    assert decide_all() == {}
    place.with_name("march.part").rename(place)
    assert list(decide_all().values()) == ["accepted"]


def test_a_filing_through_another_institutions_folder_is_rejected(npl_home):
    put("march", [sale_notice()], folder="SLYH02")
    filing_id, state = decide_one()
    assert state == "rejected"
    assert "NPL-FIL-004" in {rule["rule_id"] for rule in report_of(npl_home, filing_id, "SLYH02")["rules"]}


def test_declared_rows_that_do_not_match_are_told(npl_home):
    place = put("march", [sale_notice()])
    manifest = json.loads((place / "filing.json").read_text())
    manifest["tables"][0]["rows"] = 2
    (place / "filing.json").write_text(json.dumps(manifest))
    filing_id, state = decide_one()
    assert state == "rejected"
    assert "NPL-FIL-001" in {rule["rule_id"] for rule in report_of(npl_home, filing_id)["rules"]}


def test_a_second_original_of_the_same_sequence_is_rejected(npl_home):
    put("march", [sale_notice()])
    decide_one()
    put("again", [sale_notice(remarks="另一份")])
    filing_id, state = decide_one()
    assert state == "rejected"
    assert "NPL-FIL-010" in {rule["rule_id"] for rule in report_of(npl_home, filing_id)["rules"]}


def test_a_correction_replaces_when_it_is_accepted_and_not_before(npl_home):
    put("march", [sale_notice()])
    original, _ = decide_one()
    put("bad correction", [sale_notice(**BROKEN_TIE)], sequence=2, replaces=original)
    _, state = decide_one()
    assert state == "rejected"
    assert registry.find(original).state == "accepted"
    put("correction", [sale_notice(weighted_overdue_days="800.00")], sequence=3, replaces=original)
    corrected, state = decide_one()
    assert state == "accepted"
    assert registry.find(original).state == "superseded"
    assert [record.filing_id for record in registry.in_force()] == [corrected]


def test_a_correction_of_a_filing_that_is_not_in_force_is_rejected(npl_home):
    put("correction", [sale_notice()], sequence=2, replaces="SLXJ01-2026-03-0001-00000000")
    filing_id, state = decide_one()
    assert state == "rejected"
    assert "NPL-FIL-011" in {rule["rule_id"] for rule in report_of(npl_home, filing_id)["rules"]}


def test_personal_data_in_any_text_rejects_and_is_masked_everywhere_but_in_the_bytes_as_filed(npl_home):
    put("remarks", [sale_notice(remarks=f"联系人：{PERSON}，电话 {PHONE}")])
    put("condition", [sale_notice(notice_id="GG-2", buyer_conditions=f"请联系 {RESIDENT_ID}")], sequence=2)
    put("id", [sale_notice(notice_id=f"GG{PHONE}"[:-11] + f"-{PHONE}")], sequence=3)
    states = decide_all()
    assert set(states.values()) == {"rejected"}
    assert len(states) == 3
    for filing_id in states:
        assert "NPL-SCH-005" in {rule["rule_id"] for rule in report_of(npl_home, filing_id)["rules"]}
    accept.publish_data_docs(list(states))
    write_operator_page()
    seen = 0
    for file in npl_home.root.rglob("*"):
        if file.is_file() and npl_home.landing not in file.parents:
            content = file.read_bytes()
            seen += 1
            for secret in (PERSON, PHONE, RESIDENT_ID):
                assert secret.encode() not in content, file
    assert seen > 10
    report = report_of(npl_home, next(iter(states)))
    assert "***" in json.dumps(report, ensure_ascii=False)


def test_rows_are_conserved_by_every_verdict(npl_home):
    rows = [
        sale_notice(
            notice_id=f"GG-{number}",
            project_code=f"SLXJ01-2026-{number:03}",
            package_name=f"示例第一消费金融有限公司关于2026年第{number}期个人不良贷款（个人消费贷款）转让项目",
        )
        for number in range(1, 41)
    ]
    rows[0] |= {"package_name": rows[0]["package_name"] + "（重新挂牌）"}
    put("holds", rows)
    filing_id, state = decide_one()
    report = report_of(npl_home, filing_id)
    (table,) = report["tables"]
    assert state == "accepted_with_holds", report["rules"]
    assert (table["rows"], table["accepted"], table["held"]) == (40, 39, 1)
    held = list(npl_home.held.rglob("*.parquet"))
    assert len(held) == 1
    held_rows = duckdb.sql(f"select row_number from read_parquet('{held[0]}')").fetchall()
    assert held_rows == [(2,)]
    assert sorted([*(row for _, row in accepted_rows(npl_home)), 2]) == list(range(2, 42))


def test_an_entry_that_cannot_be_taken_in_stays_and_does_not_stop_the_others(npl_home, monkeypatch, caplog):
    put("april", [sale_notice()], institution="SLYH01")
    put("march", [sale_notice()])
    digest = receive.content_digest

    def unreadable(path):
        if path.name == "march":
            raise StorageError("无法读取。", "cannot be read")
        return digest(path)

    monkeypatch.setattr(receive, "content_digest", unreadable)
    (filing_id,) = receive.receive_waiting()
    assert filing_id.startswith("SLYH01-")
    assert [entry.name for _, entry in receive.waiting()] == ["march"]
    assert "SLXJ01/march" in caplog.text
    registry.set_state(filing_id, "rejected")
    with pytest.raises(StorageError):
        receive.receive_waiting()


# what tells of when it was received, in which log, and under whose key
OF_THIS_RECEIPT = (RECEIPT_JSON, PUBLIC_KEYS)


@pytest.mark.parametrize("name", ["pipe.zip", "march/filing.json"])
def test_a_pipe_in_the_inbox_is_told_and_neither_waited_for_nor_lost(npl_home, caplog, name):
    pipe = npl_home.inbox / FILER / name
    pipe.parent.mkdir(parents=True)
    os.mkfifo(pipe)
    put("april", [sale_notice()])
    assert list(decide_all().values()) == ["accepted"]
    assert "管道" in caplog.text
    assert pipe.exists()


def test_a_rerun_from_the_same_bytes_writes_the_same_bytes(npl_home, tmp_path):
    put("march", [sale_notice()])
    filing_id, _ = decide_one()
    first = {
        file.relative_to(npl_home.root): file.read_bytes()
        for zone in (npl_home.accepted, npl_home.outbox)
        for file in zone.rglob("*")
        if file.is_file() and file.name not in OF_THIS_RECEIPT
    }
    shutil.rmtree(npl_home.root)
    put("march", [sale_notice()])
    again, _ = decide_one()
    second = {
        file.relative_to(npl_home.root): file.read_bytes()
        for zone in (npl_home.accepted, npl_home.outbox)
        for file in zone.rglob("*")
        if file.is_file() and file.name not in OF_THIS_RECEIPT
    }
    assert again == filing_id
    assert len(first) >= 4
    assert first == second


def test_eight_processes_on_one_home_decide_each_filing_once(npl_home):
    for number in range(1, 5):
        put(
            f"filing {number}",
            [
                sale_notice(
                    notice_id=f"GG-{number}",
                    project_code=f"SLXJ01-2026-{number:03}",
                    package_name=f"示例第一消费金融有限公司关于2026年第{number}期个人不良贷款（个人消费贷款）转让项目",
                )
            ],
            sequence=number,
        )
    script = "from ingest import receive; receive.receive_waiting()"
    workers = [subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE) for _ in range(8)]
    errors = [worker.communicate()[1].decode() for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 8, errors
    states = decide_all()
    assert sorted(states.values()) == ["accepted"] * 4
    assert len(registry.all_filings()) == 4
    assert len(accepted_rows(npl_home)) == 4


def test_a_zip_is_judged_like_its_folder(npl_home):
    place = put("march", [sale_notice()])
    archive = place.with_name("march.zip")
    with zipfile.ZipFile(archive, "w") as bundle:
        for file in sorted(place.iterdir()):
            bundle.write(file, file.name)
    shutil.rmtree(place)
    _, state = decide_one()
    assert state == "accepted"


def test_completeness_is_kept_with_the_decision_and_told_in_the_report(npl_home):
    late = "ND4-2026-12-31"
    put("march", [sale_notice(weighted_overdue_days=late), sale_notice(notice_id="GG-2", project_code="P-2")])
    filing_id, state = decide_one()
    assert state in registry.IN_FORCE
    kept = {row["field_name"]: row for row in registry.rows_of(registry_tables.completeness)}
    assert set(kept) == set(load_standard().tables[NOTICE].by_name)
    overdue = kept["weighted_overdue_days"]
    assert (overdue["filing_id"], overdue["rows_filed"], overdue["asked_count"], overdue["nd2_4_count"]) == (
        filing_id,
        2,
        2,
        1,
    )
    ((table, score),) = [each.values() for each in report_of(npl_home, filing_id)["completeness"]]
    assert (table, score[1]) == (NOTICE, "2")
