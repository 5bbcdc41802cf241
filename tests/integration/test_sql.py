"""`npl sql`: whatever is tried, it only reads the release; it ends in time, and hands out every format."""

import csv
import io
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from small_release import small_release

from ingest import cli, release
from ingest.errors import UsageError
from ingest.paths import Home

SECRET = "the content of another file"

# What must not work. `{other}`, `{parquet}` and `{database}` are files that hold the secret; `{new}` does not exist.
ATTACKS = [
    "copy (select 1) to '{new}'",
    "copy market.figures from '{other}'",
    "export database '{new}'",
    "import database '{new}'",
    "attach '{database}' as other",
    "attach '{new}' as other",
    "detach npl",
    "from '{other}'",
    "from read_csv('{other}')",
    "from read_text('{other}')",
    "from read_blob('{other}')",
    "from read_json('{other}')",
    "from read_parquet('{parquet}')",
    "from '{parquet}'",
    "from parquet_metadata('{parquet}')",
    "from sniff_csv('{other}')",
    "from read_duckdb('{database}')",
    "from glob('{folder}/*')",
    "from read_text('/proc/self/environ')",
    "select getenv('HOME')",
    "from 'https://127.0.0.1:9/x.parquet'",
    "from read_parquet('s3://bucket/x.parquet')",
    "install httpfs",
    "install httpfs from community",
    "load httpfs",
    "load '{new}'",
    "from duckdb_extensions()",
    "from duckdb_secrets()",
    "set enable_external_access = true",
    "set memory_limit = '100GB'",
    "reset threads",
    "set variable x = 1",
    "pragma threads = 8",
    "pragma enable_profiling",
    "pragma database_list",
    "call pragma_version()",
    "checkpoint",
    "vacuum",
    "use memory",
    "begin",
    "create table market.more as select 1",
    "create temp table more as select 1",
    "create view market.more as select 1",
    "create macro more() as 1",
    "create secret s (type s3)",
    "create persistent secret s (type s3)",
    "insert into market.figures values (9)",
    "update market.figures set figure = 9",
    "delete from market.figures",
    "with gone as (delete from market.figures returning *) from gone",
    "merge into market.figures using (select 9 as figure) as other on true when matched then delete",
    "drop table market.figures",
    "alter table market.figures add column more int",
    "comment on table market.figures is 'x'",
    "prepare more as select 1",
    "explain analyze copy (select 1) to '{new}'",
    "explain analyze delete from market.figures",
    "select 1; select 2",
    "select 1; attach '{database}' as other",
    "from local_rows",
    "from query('delete from market.figures')",
    "select error('told')",
    "selec 1",
    "",
    "/* nothing */",
]
MAY_RUN = [
    "select figure from market.figures",
    "from market.figures",
    "with kept as (from market.figures) select * from kept;",
    "describe market.figures",
    "summarize market.figures",
    "show all tables",
    "explain select 1",
    "pivot market.figures on figure using count(*)",
    "from duckdb_columns()",
    "values (1)",
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home with a release of one table; beside it, files that nobody may reach."""
    root = tmp_path_factory.mktemp("sql")
    (root / "other.csv").write_text(f"a\n{SECRET}\n")
    duckdb.sql(f"select '{SECRET}' as a").write_parquet(str(root / "other.parquet"))
    with duckdb.connect(str(root / "other.duckdb")) as con:
        con.execute(f"create table t as select '{SECRET}' as a")
    with small_release(root, memory_limit="200MB") as own:
        yield own


@pytest.fixture
def local_rows() -> pa.Table:
    return pa.table({"a": [SECRET]})


def npl(capsysbinary: pytest.CaptureFixture[bytes], *arguments: object) -> tuple[int, bytes, str]:
    """Exit code of `npl sql`, what it wrote and what it told."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["npl", "sql", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    told = capsysbinary.readouterr()
    return int(ended.value.code or 0), told.out, told.err.decode()


def everything(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and path.name != ".lock"}


@pytest.mark.parametrize("sql", ATTACKS)
def test_nothing_is_written_read_elsewhere_loaded_or_set(home, sql, local_rows, capsysbinary):
    root = home.root.parent
    before = everything(root)
    places = {
        "other": root / "other.csv",
        "parquet": root / "other.parquet",
        "database": root / "other.duckdb",
        "new": root / "new",
        "folder": root,
    }
    code, out, told = npl(capsysbinary, sql.format(**places))
    assert (code, out) == (cli.EXIT_UNREADABLE, b""), told
    assert told.startswith("SQL 无法执行")
    assert "\nThe SQL cannot be run" in told
    assert SECRET not in told
    assert everything(root) == before


@pytest.mark.parametrize("sql", MAY_RUN)
def test_what_only_reads_the_release_runs(home, sql, capsysbinary):
    code, out, told = npl(capsysbinary, sql, "--format", "csv")
    assert (code, told) == (0, "")
    assert len(out.splitlines()) > 1


def test_a_query_that_takes_too_long_is_stopped_and_says_so(home, capsysbinary):
    endless = "select count(*) from range(1000000000) a, range(1000000000) b where hash(a.range, b.range) = 1"
    started = time.monotonic()
    code, _, told = npl(capsysbinary, endless, "--timeout", "0.3")
    assert code == cli.EXIT_UNREADABLE
    assert "超过 0.3 秒" in told
    assert "more than 0.3 seconds" in told
    assert time.monotonic() - started < 60, "it would have run for years"


def test_time_is_limited_while_rows_are_handed_out_as_well(home):
    with (
        pytest.raises(UsageError, match=r"more than 0\.3 seconds"),
        release.open_query("select a.range from range(1000000000) a, range(1000000000) b", None, 0.3) as result,
    ):
        for _ in result:
            pass


def test_no_timer_is_left_behind(home):
    release.query("select 1", None)
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


def test_what_does_not_fit_into_memory_spills_outside_the_release_and_no_trace_stays(home):
    before = everything(home.root)
    sql = "select hash(range)::varchar || repeat('x', 90) as s from range(3000000) order by s"
    with release.open_query(sql, None) as result:
        assert next(iter(result)).num_rows
        spilled = everything(home.root).keys() - before.keys()
    assert spilled
    assert not [path for path in spilled if path.is_relative_to(home.releases)]
    assert everything(home.root) == before


def test_more_than_the_memory_allows_is_told(home):
    with pytest.raises(UsageError, match=r"(?i)memory"):
        release.query("select len(list(hash(range)::varchar || repeat('x', 90))) from range(5000000)", None)


def test_a_big_result_is_handed_out_batch_by_batch(home):
    with release.open_query("select range from range(1000000000000)", None) as result:
        first = next(iter(result))
    assert 0 < first.num_rows < 1_000_000


@pytest.mark.parametrize("format", ["table", "csv", "json", "parquet", "arrow"])
def test_every_format_holds_the_same_rows(home, tmp_path, format, capsysbinary):
    out = tmp_path / f"rows.{format}"
    sql = "select figure, figure / 4 as share, figure::decimal(9,2) as cny, null as nothing from market.figures"
    code, told, _ = npl(capsysbinary, sql, "--format", format, "--out", out)
    assert (code, told) == (0, b"")
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    content = out.read_bytes()
    if format == "table":
        assert content.decode().splitlines()[-2:] == ["     2    0.5  2.00", "(3 rows)"]
        return
    rows = {
        "csv": lambda: [(int(a), float(b), float(c), d or None) for a, b, c, d in csv.reader(lines(content))],
        "json": lambda: [tuple(row.values()) for row in json.loads(content)],
        "parquet": lambda: duckdb.sql(f"from read_parquet('{out}')").fetchall(),
        "arrow": lambda: [tuple(row.values()) for row in pa.ipc.open_file(content).read_all().to_pylist()],
    }[format]()
    assert [(int(a), float(b), float(c), d) for a, b, c, d in rows] == [
        (0, 0, 0, None),
        (1, 0.25, 1, None),
        (2, 0.5, 2, None),
    ]


def lines(content: bytes) -> Iterator[str]:
    rows = iter(io.StringIO(content.decode()))
    assert next(rows) == "figure,share,cny,nothing\n"
    return rows


def test_no_rows_are_an_empty_list_and_a_header(home, capsysbinary):
    empty = "from market.figures where false"
    assert json.loads(npl(capsysbinary, empty, "--format", "json")[1]) == []
    assert npl(capsysbinary, empty, "--format", "csv")[1] == b"figure\n"


def test_a_binary_format_asks_for_a_file(home, capsysbinary):
    code, out, told = npl(capsysbinary, "select 1", "--format", "arrow")
    assert (code, out, "--out" in told) == (cli.EXIT_UNREADABLE, b"", True)


@pytest.mark.parametrize(
    ("sql", "format"),
    [
        ("select case when range < 50000 then 1 else error('told') end from range(60000)", "csv"),
        ("select interval 1 day", "parquet"),
    ],
)
def test_a_query_that_fails_half_way_leaves_the_file_as_it_was(home, tmp_path, sql, format, capsysbinary):
    out = tmp_path / "rows"
    out.write_text("kept")
    code, _, told = npl(capsysbinary, sql, "--format", format, "--out", out)
    assert (code, "Traceback" in told) == (cli.EXIT_UNREADABLE, False)
    assert [path.name for path in tmp_path.iterdir()] == ["rows"]
    assert out.read_text() == "kept"
