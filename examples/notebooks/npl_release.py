"""For the notebooks beside this file: open a release, run the queries of examples/queries, label in two languages.

Needs duckdb and matplotlib only, nothing of the platform: a release can be looked at where the platform is not.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from matplotlib import font_manager, rcParams
from matplotlib.figure import Figure

QUERIES = Path(__file__).resolve().parents[1] / "queries"
# Fonts that hold Chinese, by the name that matplotlib knows them by; the first that is installed is taken.
CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "PingFang SC",
    "Microsoft YaHei",
    "SimHei",
)
OFFICIAL, OURS, PALE = "#444444", "#b5442e", "#e3b7ab"


@dataclass(frozen=True)
class Options:
    """What was asked for: which release, and where to keep the picture."""

    release: Path
    picture: Path | None


@dataclass(frozen=True)
class Release:
    """An open release: its id, when it was decided last, whether it was yanked, and a connection that only reads."""

    release_id: str
    as_of: str
    yanked: str | None
    connection: duckdb.DuckDBPyConnection

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a SELECT, by column name."""
        result = self.connection.execute(sql)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def answer(self, name: str) -> list[dict[str, Any]]:
        """The rows of one of the queries in examples/queries, named without its ending."""
        return self.rows((QUERIES / f"{name}.sql").read_text(encoding="utf-8"))

    @property
    def title(self) -> str:
        """What to cite under a picture; a yanked release is called so."""
        mark = f" · 已撤回 yanked: {self.yanked}" if self.yanked else ""
        return f"{self.release_id} ({self.as_of}){mark}"


def options(arguments: Sequence[str] | None = None) -> Options:
    """The folder after `--release`, else NPL_RELEASE, else the latest release of the home NPL_HOME (default `var`)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--release", default=os.environ.get("NPL_RELEASE"))
    parser.add_argument("--picture", help="write the picture into this PNG", type=Path)
    # a notebook server has arguments of its own
    told, _ = parser.parse_known_args(sys.argv[1:] if arguments is None else arguments)
    return Options(Path(told.release) if told.release else _latest(), told.picture)


def _latest() -> Path:
    releases = Path(os.environ.get("NPL_HOME", "var")) / "releases"
    named = releases / "latest.json"
    if not named.is_file():
        raise SystemExit(
            f"{releases} 中没有发布；请用 --release 指定发布的目录。\n"
            f"There is no release in {releases}; name a release's folder with --release."
        )
    return releases / str(json.loads(named.read_text(encoding="utf-8"))["release"])


def open_release(folder: Path) -> Release:
    """Open a release's database for reading.

    Raises:
        FileNotFoundError: `folder` is no release.
    """
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    mark = folder.with_name(f"{folder.name}.yanked.json")
    yanked = json.loads(mark.read_text(encoding="utf-8"))["reason"] if mark.is_file() else None
    return Release(
        manifest["release"],
        (manifest["as_of"] or "-")[:10],
        yanked,
        duckdb.connect(str(folder / "npl.duckdb"), read_only=True),
    )


def chinese_font() -> str | None:
    """Let matplotlib write Chinese, and return the font that it will use; null, and English alone, where none is."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    for font in CHINESE_FONTS:
        if font in installed:
            rcParams["font.sans-serif"] = [font, "DejaVu Sans"]
            rcParams["axes.unicode_minus"] = False
            # fonts of one weight only: matplotlib tells of it at every text
            logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
            return font
    return None


def font_note(font: str | None) -> str:
    """What a reader of the picture should know of its letters; nothing when all is well."""
    if font:
        return ""
    return (
        "> 没有找到中文字体，图中只有英文；例如 Debian 可安装 `fonts-wqy-zenhei`，然后删除 matplotlib 的字体缓存。\n"
        "> No Chinese font was found, so the picture has English alone. On Debian `fonts-wqy-zenhei` has one; "
        "delete matplotlib's font cache afterwards.\n\n"
    )


def label(font: str | None, zh: str, en: str, between: str = " ") -> str:
    """A label in both languages, or in English where no font has Chinese."""
    return f"{zh}{between}{en}" if font else en


def keep(figure: Figure, picture: Path | None) -> None:
    """Write the picture where it was asked for."""
    if picture:
        figure.savefig(picture, dpi=130)


def as_float(value: Any) -> float:
    """A figure to draw; what is not known is not drawn."""
    return float("nan") if value is None else float(value)
