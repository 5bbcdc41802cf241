"""How a template words a column's header: mark, label and unit. The reader takes it back to the field it means."""

import unicodedata

from expectations.model import Bilingual, FieldSpec, Standard, TableSpec

REQUIRED_MARK = "*"
UNIT_LIST = "unit"
"""The code list that words units; a standard without one shows a unit as its field has it."""


def unit_words(standard: Standard, unit: str) -> Bilingual:
    """A unit as people write it: `CNY` is 元."""
    for code in standard.codes.get(UNIT_LIST, ()):
        if code.code == unit:
            return Bilingual(zh=code.zh, en=code.en)
    return Bilingual(zh=unit, en=unit)


def template_header(standard: Standard, field: FieldSpec) -> str:
    """`*未偿本金总额(元)`: the Chinese label, marked where always required, with its unit unless it says one."""
    mark = REQUIRED_MARK if field.required else ""
    has_unit = field.unit is None or field.zh.endswith((")", "）"))
    return mark + field.zh + ("" if has_unit or field.unit is None else f"({unit_words(standard, field.unit).zh})")


def plain_header(header: str) -> str:
    """A header as headers are compared: spaces, line breaks, width, case and the `*` of templates make no other one."""
    return "".join(unicodedata.normalize("NFKC", header).split()).lstrip(REQUIRED_MARK).casefold()


def field_headers(standard: Standard, field: FieldSpec) -> tuple[str, ...]:
    """Every header that means the field: the one of our templates, its name, its label, and its further labels."""
    return template_header(standard, field), field.name, field.zh, *field.labels


def headers_of(standard: Standard, spec: TableSpec) -> dict[str, str]:
    """Every header a file may use, with the field it means; the loader refuses one that could mean two."""
    return {header: field.name for field in spec.fields for header in field_headers(standard, field)}
