"""Imports go one way, dags -> ingest -> expectations, and what is heavy waits until it is needed."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("expectations", "ingest", "dags")
# GX's base classes are needed where a class derives from them
GX_MODULE, GX_STORE = "expectations.rule_expectation", "expectations.results_store"
HEAVY = ("great_expectations", "airflow", "dbt")


@dataclass(frozen=True)
class Import:
    """One imported module, and whether the import runs when the file is imported."""

    importer: str
    module: str
    at_top: bool

    def __str__(self) -> str:
        return f"{self.importer} -> {self.module}"

    def is_of(self, package: str) -> bool:
        return self.module == package or self.module.startswith(f"{package}.")


def module_name(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(tree: ast.Module, importer: str, is_package: bool = False) -> Iterator[Import]:
    """Every import of a parsed file; in `if TYPE_CHECKING:` too, since the direction holds for types as well."""

    def walk(node: ast.AST, at_top: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from (Import(importer, alias.name, at_top) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = child.module or ""
                if child.level:
                    around = importer.split(".")[: len(importer.split(".")) - child.level + is_package]
                    base = ".".join([*around, *([base] if base else [])])
                yield Import(importer, base, at_top)
                # `from ingest import warehouse` imports a module of that name too
                yield from (Import(importer, f"{base}.{alias.name}", at_top) for alias in child.names)
            else:
                is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from walk(child, at_top and not is_function)

    return walk(tree, at_top=True)


def all_imports() -> list[Import]:
    found: list[Import] = []
    for package in PACKAGES:
        for path in sorted((PROJECT / package).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
            found += imports_of(tree, module_name(path), path.name == "__init__.py")
    return found


IMPORTS = all_imports()


def test_the_files_of_every_package_were_read() -> None:
    importers = {each.importer for each in IMPORTS}
    assert {importer.partition(".")[0] for importer in importers} == set(PACKAGES)
    assert len(importers) > 30
    assert {"expectations.engine", "ingest.check", "ingest.cli", "dags.build_warehouse", GX_MODULE} <= importers
    assert any(not each.at_top for each in IMPORTS)


@pytest.mark.parametrize(
    ("text", "module", "at_top"),
    [
        ("import airflow.sdk", "airflow.sdk", True),
        ("from airflow import sdk", "airflow.sdk", True),
        ("def f():\n    import airflow", "airflow", False),
        ("async def f():\n    if x:\n        from airflow import sdk", "airflow.sdk", False),
        ("class C:\n    import airflow", "airflow", True),
        ("try:\n    import airflow\nexcept ImportError:\n    pass", "airflow", True),
        ("from . import check", "ingest.check", True),
        ("from .check import x", "ingest.check", True),
    ],
)
def test_an_import_is_seen_however_it_is_written(text: str, module: str, at_top: bool) -> None:
    assert Import("ingest.somewhere", module, at_top) in list(imports_of(ast.parse(text), "ingest.somewhere"))


def offenders(forbidden: str, allowed: tuple[str, ...] = ()) -> list[str]:
    """Who imports a package without being in one of those that may."""
    return [str(each) for each in IMPORTS if each.is_of(forbidden) and each.importer.partition(".")[0] not in allowed]


def test_imports_go_from_dags_to_ingest_to_expectations_only() -> None:
    assert any(each.is_of("ingest") and each.importer.startswith("dags.") for each in IMPORTS)
    assert any(each.is_of("expectations") and each.importer.startswith("ingest.") for each in IMPORTS)
    assert offenders("dags", allowed=("dags",)) == []
    assert offenders("ingest", allowed=("dags", "ingest")) == []


def test_only_dags_import_airflow() -> None:
    assert any(each.is_of("airflow") for each in IMPORTS)
    assert offenders("airflow", allowed=("dags",)) == []


def test_only_expectations_import_great_expectations_and_two_modules_alone_at_their_top() -> None:
    gx = [each for each in IMPORTS if each.is_of("great_expectations")]
    assert {each.importer for each in gx if each.at_top} == {GX_MODULE, GX_STORE}
    assert any(not each.at_top for each in gx)
    assert offenders("great_expectations", allowed=("expectations",)) == []


def test_nobody_imports_the_great_expectations_module_before_it_is_needed() -> None:
    users = [each for each in IMPORTS if each.is_of(GX_MODULE)]
    assert users
    assert [str(each) for each in users if each.at_top] == []


def loaded_by(arguments: list[str], home: Path) -> tuple[int, set[str]]:
    """Exit code of an `npl` command in a process of its own, and the packages that it loaded."""
    code = (
        "import json, sys\n"
        "from ingest.cli import program\n"
        f"sys.argv = ['npl', *{arguments!r}]\n"
        "try:\n    program()\n    code = 0\n"
        "except SystemExit as done:\n    code = done.code or 0\n"
        "sys.stderr.write('\\n' + json.dumps([code, sorted({name.partition('.')[0] for name in sys.modules})]))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"NPL_HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
    )
    exit_code, modules = json.loads(ran.stderr.splitlines()[-1])
    assert ran.stdout.strip(), "the command said nothing"
    return exit_code, set(modules)


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    exit_code, modules = loaded_by(["--help"], tmp_path)
    assert exit_code == 0
    assert "typer" in modules
    assert modules.isdisjoint({*HEAVY, "duckdb", "sqlalchemy", "pyarrow", "pandas", "scipy"})


@pytest.mark.parametrize(("example", "exit_code"), [("good", 0), ("rejected", 1), ("unreadable", 2)])
def test_checking_a_filing_loads_neither_the_judge_of_record_nor_the_scheduler(
    tmp_path: Path, example: str, exit_code: int
) -> None:
    told, modules = loaded_by(["check", f"examples/filings/{example}"], tmp_path)
    assert told == exit_code
    assert {"duckdb", "pyarrow"} <= modules
    assert modules.isdisjoint({*HEAVY, "pandas", "scipy"})
