"""Settings, each with its embedded default; an environment variable `NPL_<NAME>` overrides it."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_DIR = Path(__file__).resolve().parent.parent
LOCK_FILE = PROJECT_DIR / "requirements.lock"
SECRETS_DIR = Path("/run/secrets")


class Settings(BaseSettings):
    """Where the platform keeps things and how much it may take.

    `home` holds every zone (inbox to releases). `registry_url` is any SQLAlchemy URL; empty means SQLite in the home.
    `handbook_url` is where the handbook is published (the folder that holds `zh/` and `en/`): reports then link to the
    page of each rule; empty, they name the command that shows it. `lanes` is how many tasks decide side by side: under
    a scheduler, as many as there are workers. With one lane the outcome never depends on who is faster.
    A CSV, Parquet or JSON lines file of more than `stream_from_mb` is never held in memory: `largest_streamed_mb`
    bounds a filing of such files, `largest_file_mb` what of it has to be held, and any workbook, packed and unpacked.
    `memory_limit` is DuckDB's part of what a process takes: with 1200 MB the whole of it stays below 2 GB.
    `warehouse_memory_limit` is the same of a build of the warehouse, which spills to the home's disk beyond it.
    `settle_seconds`: an upload that shows no end counts as ended when nothing of it has changed for so long.
    `keys_dir` holds the keys that sign the log; empty means in the home. `log_origin` is the log's name in every
    receipt; it is taken when the first key is made. `sql_seconds` is how long a query of `npl sql` may run.
    `sftp_host` and `sftp_port` are where `npl sftp` listens: on loopback unless told otherwise. `sftp_keys_dir`
    holds its own key and those of the institutions; empty means beside the other keys.
    `pages_url` is where a web server shows the home to operators; empty, links lead to the files themselves.
    `code_commit` is the commit that this program was made from, where no checkout can tell it (an image).
    `log_format` is how processes of our own (`npl sftp`) log; tasks log as Airflow is configured.
    `smtp_host` empty sends no mail: reminders are then in the outbox alone. `smtp_security` is `starttls`, `tls` (from
    the first byte) or `none` (a relay on this machine). `mail_from` is the sender; `mail_escalation` is the operator's
    mailbox that gets a copy of what says that filings are missing.
    `backup_target` is where `npl backup` puts backups when none is named: a folder, or `s3://bucket/prefix`. The `s3_*`
    settings are for a store that is not Amazon's: `s3_endpoint` is its URL; empty ones are found as by any S3 client.

    A secret need not stand in the environment: the file `/run/secrets/npl_<name>` holds it just as well.
    """

    model_config = SettingsConfigDict(
        env_prefix="NPL_", frozen=True, secrets_dir=SECRETS_DIR if SECRETS_DIR.is_dir() else None
    )

    home: Path = Path("var")
    registry_url: str = ""
    collection_desk: str = "DESK"
    handbook_url: str = Field(default="", pattern=r"^(?:(?:https?|file)://\S+)?$")
    pages_url: str = Field(default="", pattern=r"^(?:https?://\S+)?$")
    lanes: int = Field(default=1, ge=1)
    keys_dir: Path | None = None
    log_origin: str = Field(default="npl-transaction-warehouse", pattern=r"^[^\s+]+$")
    findings_per_rule: int = 1000
    largest_file_mb: int = 4096
    largest_streamed_mb: int = 65536
    stream_from_mb: float = Field(default=64, ge=0)
    settle_seconds: int = Field(default=600, ge=0)
    memory_limit: str = "1200MB"
    warehouse_memory_limit: str = "4GB"
    threads: int = 2
    sql_seconds: float = Field(default=60, gt=0)
    sftp_host: str = "127.0.0.1"
    sftp_port: int = Field(default=2222, ge=0, le=65535)
    sftp_keys_dir: Path | None = None
    code_commit: str = ""
    log_format: Literal["text", "json"] = "text"
    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_seconds: float = Field(default=30, gt=0)
    mail_from: str = Field(default="npl-warehouse@localhost", pattern=r"^[^\s@,]+@[^\s@,]+$")
    mail_escalation: str = Field(default="", pattern=r"^(?:[^\s@,]+@[^\s@,]+)?$")
    backup_target: str = ""
    s3_endpoint: str = Field(default="", pattern=r"^(?:https?://[^\s/]+)?$")
    s3_region: str = ""
    s3_access_key: str = ""
    s3_secret_key: SecretStr = SecretStr("")


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    loaded = Settings()
    return loaded.model_copy(update={"home": loaded.home.resolve()})
