"""Settings, each with its embedded default; an environment variable `NPL_<NAME>` overrides it."""

from functools import lru_cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_DIR = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Where the platform keeps things and how much it may take.

    `home` holds every zone (inbox to releases). `registry_url` is any SQLAlchemy URL; empty means SQLite in the home.
    `handbook_url` is where the handbook is published (the folder that holds `zh/` and `en/`): reports then link to the
    page of each rule; empty, they name the command that shows it.
    """

    model_config = SettingsConfigDict(env_prefix="NPL_", frozen=True)

    home: Path = Path("var")
    registry_url: str = ""
    collection_desk: str = "DESK"
    handbook_url: str = Field(default="", pattern=r"^(?:(?:https?|file)://\S+)?$")
    findings_per_rule: int = 1000
    largest_file_mb: int = 4096
    memory_limit: str = "2GB"
    threads: int = 2


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    loaded = Settings()
    return loaded.model_copy(update={"home": loaded.home.resolve()})
