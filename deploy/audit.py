"""Look up every package of the lock among the known vulnerabilities: `python deploy/audit.py`.

Ends with 0 when none is known, 1 when some are (listed), 3 when packages could not be looked up: that proves nothing,
and pip-audit itself ends with 0 then. Needs the network; nothing is installed.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK = Path(__file__).resolve().parent.parent / "requirements.lock"
SAFE, VULNERABLE, UNKNOWN = 0, 1, 3
MOST_NAMED = 5


def audit(command: list[str]) -> str:
    """What pip-audit answers on the lock."""
    asked = [*command, "--requirement", str(LOCK), "--require-hashes", "--disable-pip", "--progress-spinner", "off"]
    done = subprocess.run([*asked, "--format", "json"], stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout


def told(answer: str) -> tuple[int, str]:
    """The exit code for an answer, and what to say."""
    try:
        packages: list[dict[str, Any]] = json.loads(answer)["dependencies"]
    except (ValueError, KeyError, TypeError):
        packages = []
    vulnerable = [
        f"{package['name']} {package.get('version')}: {each['id']}, fixed in {', '.join(each['fix_versions']) or '-'}"
        for package in packages
        for each in package.get("vulns", ())
    ]
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    if vulnerable:
        return VULNERABLE, "\n".join(
            [*vulnerable, "有已知漏洞：升级后运行 make lock", "known vulnerabilities: upgrade, then make lock"]
        )
    if unknown or not packages:
        named = ", ".join(unknown[:MOST_NAMED])
        return UNKNOWN, (
            f"查不到漏洞库，以下软件包未作检查（共 {len(unknown)} 个）：{named}\n"
            f"no vulnerability database could be asked; unchecked packages ({len(unknown)}): {named}"
        )
    return SAFE, f"{len(packages)} 个软件包没有已知漏洞\nno known vulnerability in {len(packages)} packages"


if __name__ == "__main__":
    code, text = told(audit(sys.argv[1:] or [sys.executable, "-m", "pip_audit"]))
    print(text)
    sys.exit(code)
