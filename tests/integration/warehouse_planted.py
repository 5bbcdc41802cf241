"""Values planted in restricted and personal fields of the tiny home that its rows leave open: no release shows one."""

from decimal import Decimal

from warehouse_rows import Row

from expectations.spec import FieldSpec, Standard

MARK = "planted"


def secret_fields(table: str, standard: Standard) -> list[FieldSpec]:
    """The fields of a table that the standard does not mark as public."""
    return [field for field in standard.tables[table].fields if field.sensitivity != "public"]


def planted(table: str, standard: Standard) -> Row:
    """A value that stands nowhere else, for each secret text and amount of a table."""
    values: Row = {}
    for number, field in enumerate(secret_fields(table, standard)):
        if field.base_type == "text":
            values[field.name] = f"{MARK}-{table}-{field.name}"
        elif field.base_type == "decimal" and field.name in NEVER_FILED:
            values[field.name] = Decimal(f"7310{number:02}.37")
    return values


NEVER_FILED = ("loss_cny", "adjusted_write_off_cny")
"""Secret amounts that no model reckons with, so that planting them changes no figure of other tests."""
