"""Every page of the handbook as bytes: `npl standard build` writes them and `--check` holds them equal."""

import json
import string
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from expectations.headers import REQUIRED_MARK, template_header, unit_words
from expectations.spec import ANY_TABLE, Bilingual, FieldSpec, Rule, Standard, TableSpec
from expectations.words import type_words
from ingest.handbook import words
from ingest.handbook.examples import example_lines, more_rows, surroundings
from ingest.handbook.sql import sql_pieces, sql_words
from ingest.handbook.words import HTML_LANGUAGE, LANGUAGES, UI, Language
from ingest.report.wording import CATEGORY_WORDS, SEVERITY_MEANINGS, SEVERITY_WORDS

if TYPE_CHECKING:
    from jinja2 import Environment

HANDBOOK_FOLDER = "docs/handbook"
TEMPLATES_DIR = Path(__file__).parent / "templates"
INDEX, SQL_WORDS, STYLE = "index.html", "words.html", "style.css"


@lru_cache(maxsize=4)
def handbook_files(standard: Standard) -> Mapping[str, bytes]:
    """Path within the project and content of every page; the same standard gives the same bytes."""
    files = {f"{HANDBOOK_FOLDER}/{name}": text for name, text in _shared(standard)}
    for language in LANGUAGES:
        pages = _Pages(standard, language)
        files |= {f"{HANDBOOK_FOLDER}/{language}/{name}": text for name, text in pages.all()}
    return MappingProxyType({name: text.encode() for name, text in files.items()})


def rule_page(rule_id: str) -> str:
    """The page of a rule, within a language's folder; the reports of filings link to it."""
    return f"{rule_id}.html"


def table_page(table: str) -> str:
    return f"table-{table}.html"


def codes_page(code_list: str) -> str:
    return f"codes-{code_list}.html"


def _shared(standard: Standard) -> Iterator[tuple[str, str]]:
    environment = _environment()
    yield STYLE, environment.get_template("style.css.j2").render()
    yield INDEX, environment.get_template("door.html.j2").render(name=standard.head.title, ui=UI)


def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES_DIR),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


class _Pages:
    """The pages of one language."""

    def __init__(self, standard: Standard, language: Language) -> None:
        self.standard = standard
        self.language = language
        self.environment = _environment()
        self.environment.globals |= {
            "t": self.text,
            "ui": {key: self.text(words) for key, words in UI.items()},
            "standard": standard,
            "language": language,
            "html_language": HTML_LANGUAGE[language],
            "other": next(each for each in LANGUAGES if each != language),
            "severity": self.look_up(SEVERITY_WORDS),
            "severity_meaning": self.look_up(SEVERITY_MEANINGS),
            "category": self.look_up(CATEGORY_WORDS),
            "why_of": self.look_up(words.WHY_OF_CATEGORY),
            "scope": self.look_up(words.SCOPE_WORDS),
            "state": self.look_up(words.STATE_WORDS),
            "sensitivity": self.look_up(words.SENSITIVITY_WORDS),
            "for_each": self.look_up(words.FOR_EACH_WORDS),
            "label": self.label,
            "type_of": lambda field: self.text(type_words(field)),
            "unit_of": lambda unit: self.text(unit_words(standard, unit)),
            "headers": lambda field: _headers(standard, field),
            "told": self.told,
            "tables": sorted(standard.all_tables.values(), key=lambda spec: spec.system),
            "rule_page": rule_page,
            "table_page": table_page,
            "codes_page": codes_page,
            "sql_pieces": lambda text: sql_pieces(standard, text),
            "said": self.said,
        }

    def text(self, words_: Bilingual) -> str:
        said: str = getattr(words_, self.language)
        return said

    def look_up(self, table: Any) -> Callable[[str], str]:
        return lambda key: self.text(table[key])

    def label(self, field: FieldSpec) -> str:
        return field.zh if self.language == "zh" else field.en

    def all(self) -> Iterator[tuple[str, str]]:
        lists = [(name, codes, self.users(name)) for name, codes in self.standard.codes.items()]
        yield INDEX, self._page("index.html.j2", INDEX, groups=self.groups, lists=lists, entries=self.entries())
        yield SQL_WORDS, self._page("words.html.j2", SQL_WORDS, words=sql_words(self.standard))
        for spec in self.standard.all_tables.values():
            name = table_page(spec.table)
            yield name, self._page("table.html.j2", name, spec=spec, rules=self.rules_about(spec))
        for rule in self.standard.rules.values():
            name = rule_page(rule.id)
            yield name, self._page("rule.html.j2", name, **self.rule_facts(rule))
        for code_list, codes in self.standard.codes.items():
            name = codes_page(code_list)
            users = self.users(code_list)
            yield name, self._page("codes.html.j2", name, code_list=code_list, codes=codes, users=users)

    def _page(self, template: str, page: str, **facts: Any) -> str:
        return self.environment.get_template(template).render(page=page, **facts)

    @cached_property
    def groups(self) -> list[tuple[TableSpec | None, list[Rule]]]:
        """The rules of every table, whatever their state; null is the rules that judge every table."""
        filed = [spec for spec in self.standard.all_tables.values() if not spec.system]
        system = [spec for spec in self.standard.all_tables.values() if spec.system]
        tables: list[TableSpec | None] = [*filed, None, *system]
        grouped = [(spec, self.rules_of(spec.table if spec else ANY_TABLE)) for spec in tables]
        return [(spec, rules) for spec, rules in grouped if rules]

    def rules_of(self, table: str) -> list[Rule]:
        return [rule for rule in self.standard.rules.values() if rule.table == table]

    def rules_about(self, spec: TableSpec) -> list[Rule]:
        return [*self.rules_of(spec.table), *([] if spec.system else self.rules_of(ANY_TABLE))]

    def users(self, code_list: str) -> list[tuple[TableSpec, FieldSpec]]:
        """The fields whose values or states come from a code list."""
        return [
            (spec, field)
            for spec in self.standard.all_tables.values()
            for field in spec.fields
            if code_list in (field.code_list, field.states)
        ]

    def rule_facts(self, rule: Rule) -> dict[str, Any]:
        spec = self.standard.all_tables[rule.judged_table]
        return {
            "rule": rule,
            "spec": spec,
            "judged": None if rule.table == ANY_TABLE else self.standard.all_tables[rule.table],
            "named": [spec.by_name[name] for name in rule.fields],
            "since": next(each for each in self.standard.head.versions if each.version == rule.since),
            "lines": example_lines(self.standard, rule),
            "good_total": more_rows(rule.good_rows),
            "bad_total": more_rows(rule.bad_rows),
            "around": surroundings(self.standard, rule),
        }

    def told(self, spec: TableSpec, name: str, text: str) -> str:
        """A cell with what it means: a code with its name, anything else as it is."""
        field = spec.by_name.get(name)
        if field is None or field.code_list is None:
            return text
        names = {code.code: getattr(code, self.language) for code in self.standard.codes[field.code_list]}
        parts = text.split(field.separator) if field.separator else [text]
        meant = [names.get(part.strip(), part.strip()) for part in parts]
        return text if meant == parts else f"{text} {(field.separator or '').join(meant)}"

    def said(self, rule: Rule, text: Bilingual) -> list[tuple[str, bool]]:
        """A message in pieces: plain text, and (true) what a finding puts in its place."""
        spec = self.standard.all_tables[rule.judged_table]
        pieces: list[tuple[str, bool]] = []
        for plain, name, _, _ in string.Formatter().parse(self.text(text)):
            pieces.append((plain, False))
            if name is not None:
                pieces.append((self.placeholder(rule, spec, name), True))
        return [piece for piece in pieces if piece[0]]

    def placeholder(self, rule: Rule, spec: TableSpec, name: str) -> str:
        if rule.for_each and name in words.PLACEHOLDER_WORDS:
            return self.text(words.PLACEHOLDER_WORDS[name])
        return self.label(spec.by_name[name]) if name in spec.by_name else name

    def entries(self) -> str:
        """What the search finds beside the index page's own rows, as JSON: text, small text, page."""
        found: list[tuple[str, str, str]] = []
        for spec in self.standard.all_tables.values():
            for field in spec.fields:
                small = f"{self.text(spec.title)} · {field.name}" + (f" · {field.en}" if self.language == "zh" else "")
                found.append((self.label(field), small, f"{table_page(spec.table)}#{field.name}"))
        for name, codes in self.standard.codes.items():
            other = "en" if self.language == "zh" else "zh"
            for code in codes:
                small = f"{name} · {code.code} · {getattr(code, other)} {code.aliases}".rstrip()
                found.append((getattr(code, self.language), small, f"{codes_page(name)}#{code.code}"))
        # a script's text ends at the first "</": there is none left in it
        return json.dumps(found, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _headers(standard: Standard, field: FieldSpec) -> list[str]:
    """The headers a file may use for a field, the template's first (its mark makes no other header)."""
    worded = template_header(standard, field).removeprefix(REQUIRED_MARK)
    return list(dict.fromkeys((worded, field.zh, field.name, *field.labels)))
