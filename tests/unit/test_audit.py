"""`deploy/audit.py` never calls packages safe that nobody looked up."""

import subprocess
import sys
from pathlib import Path

import pytest

from ingest.config import PROJECT_DIR

CHECKED = '{"name": "x", "version": "1", "vulns": []}'
BROKEN = '{"name": "y", "version": "1", "vulns": [{"id": "PYSEC-0", "fix_versions": ["2"]}]}'
SKIPPED = '{"name": "z", "skip_reason": "Dependency not found on PyPI and could not be audited: z (1)"}'


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([CHECKED], 0, "no known vulnerability in 1 packages"),
        ([CHECKED, BROKEN, SKIPPED], 1, "y 1: PYSEC-0, fixed in 2"),
        ([CHECKED, SKIPPED], 3, "unchecked packages (1): z"),
        ([], 3, "no vulnerability database"),
        (None, 3, "no vulnerability database"),
    ],
)
def test_the_exit_code_tells_safe_from_vulnerable_from_unknown(
    tmp_path: Path, packages: list[str] | None, code: int, said: str
) -> None:
    auditor = tmp_path / "auditor.py"
    answer = "" if packages is None else f'{{"dependencies": [{", ".join(packages)}], "fixes": []}}'
    # as pip-audit does: it ends with 0 also when it could look up nothing
    auditor.write_text(f"import sys\nassert '--require-hashes' in sys.argv, sys.argv\nprint('''{answer}''')\n")
    done = subprocess.run(
        [sys.executable, PROJECT_DIR / "deploy" / "audit.py", sys.executable, auditor],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert said in done.stdout
