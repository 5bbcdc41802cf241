"""From cells by EBA code to a row of `loan` or `collateral`: keys, dates of birth, choices, amounts, valuations."""

import datetime
import hashlib
import hmac
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from expectations.spec import FieldSpec, Standard
from ingest.eba import eba_fields, eba_values

Cells = dict[str, str | None]

LOAN, COLLATERAL = "loan", "collateral"
LOAN_ID, BIRTH_DATE, CURRENCY, CUTOFF, COURT_AMOUNT = "3.01", "1.07", "3.08", "3.00", "4.34"
VALUATIONS = (("4.24", "4.23", "4.26"), ("4.20", "4.19", "4.22"), ("4.35", COURT_AMOUNT, None))
"""Date, amount and method of the external, the internal and the court's valuation; the latest one is kept."""
COURT_METHOD = "COURT"
YES, NO = ("y", "yes", "true", "1"), ("n", "no", "false", "0")
HOME_CURRENCY = "CNY"
PSEUDONYM_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
SHOWN_TYPES = ("choice", "yes/no", "multi-choice")


@dataclass(frozen=True)
class EbaFiling:
    """Whose filing it becomes; `rates` are CNY per unit of a currency, `key` (never filed) makes the pseudonyms."""

    institution: str
    holder_name: str
    project_code: str
    key: bytes
    sequence: int = 1
    rates: Mapping[str, Decimal] = field(default_factory=dict)


def pseudonym(key: bytes, identifier: str) -> str:
    """HMAC-SHA-256 of an internal number, its first 16 bytes in letters a to p (see `loan_key` in the standard)."""
    return hmac.new(key, identifier.encode(), hashlib.sha256).digest()[:16].hex().translate(PSEUDONYM_LETTERS)


class Translator:
    """Turns cells by EBA code into a row of ours, and remembers what it could not turn."""

    def __init__(self, standard: Standard, filing: EbaFiling) -> None:
        self.standard = standard
        self.filing = filing
        self.unread: Counter[tuple[str, str]] = Counter()
        self.taken: Counter[tuple[str, str]] = Counter()

    def row(self, table: str, cells: Cells) -> Cells:
        """One row of a table, fields without a value left out."""
        cells = _with_latest_valuation(cells) if table == COLLATERAL else cells
        row: Cells = {"project_code": self.filing.project_code}
        for spec in self.standard.tables[table].fields:
            for code in spec.eba:
                text = cells.get(code)
                value = self._value(spec, code, text, cells) if text else None
                if value and spec.name not in row:
                    self.taken[(table, code)] += 1
                    row[spec.name] = value
        if table == LOAN:
            row["holder_name"] = self.filing.holder_name
            parts = [_number(row.get(name)) for name in ("principal_cny", "interest_cny")]
            if None not in parts:
                row["principal_interest_cny"] = str(sum(part for part in parts if part is not None))
            return row
        key = cells[LOAN_ID]
        method = {"valuation_method": COURT_METHOD} if cells.get(COURT_AMOUNT) and "valuation_cny" in row else {}
        return {**method, **row, "loan_key": key and pseudonym(self.filing.key, key), "cutoff_date": cells.get(CUTOFF)}

    def _value(self, spec: FieldSpec, code: str, text: str, cells: Cells) -> str | None:
        if eba_fields()[code].type == "key":
            return pseudonym(self.filing.key, text)
        if code == BIRTH_DATE:
            return self._known(code, text, _age_band(text, cells.get(CUTOFF), self.standard))
        if spec.base_type == "boolean":
            return self._known(code, text, "是" if text.lower() in YES else "否" if text.lower() in NO else None)
        if spec.unit == HOME_CURRENCY:
            return self._in_cny(spec, code, text, cells.get(CURRENCY) or HOME_CURRENCY)
        codes = self.standard.codes.get(spec.code_list or _list_named_in(spec, self.standard), ())
        if not codes:
            return text
        spelled = next((each.code for each in codes if text in each.spellings), None)
        word = "y" if text.lower() in YES else "n" if text.lower() in NO else text.lower()
        return self._known(code, text, spelled or eba_values().get((code, word)))

    def _in_cny(self, spec: FieldSpec, code: str, text: str, currency: str) -> str | None:
        if currency == HOME_CURRENCY:
            return text
        rate, amount = self.filing.rates.get(currency), _number(text)
        if rate is None or amount is None:
            return self._known(code, f"{currency}: no rate" if rate is None else "not a number", None)
        return str((amount * rate).quantize(Decimal(1).scaleb(-int(spec.arguments[1]))))

    def _known(self, code: str, text: str, value: str | None) -> str | None:
        if value is None:
            # free text and dates may name a person: only choices are repeated to the reader
            is_choice = eba_fields()[code].type.startswith(SHOWN_TYPES) or ": no rate" in text
            self.unread[(code, text if is_choice else "")] += 1
        return value


def _list_named_in(spec: FieldSpec, standard: Standard) -> str:
    """Defects are text with codes of the list of that name: several may stand in one cell."""
    return "defect" if spec.name == "defects" and "defect" in standard.codes else ""


def _with_latest_valuation(cells: Cells) -> Cells:
    """The cells without the valuations that a later one has overtaken; a value must not meet another's date."""
    told = [(cells.get(day) or "", parts) for parts in VALUATIONS if cells.get(parts[1]) for day in parts[:1]]
    latest = max(told, default=("", None), key=lambda each: each[0])[1]
    overtaken = {code for parts in VALUATIONS if parts != latest for code in parts if code}
    return {code: text for code, text in cells.items() if code not in overtaken}


def _number(text: str | None) -> Decimal | None:
    try:
        return Decimal(text) if text else None
    except InvalidOperation:
        return None


def _age_band(birth: str, cutoff: str | None, standard: Standard) -> str | None:
    """The code of the age band at the cut-off date: the codes carry the lower end of their band (`A35`)."""
    try:
        born, day = datetime.date.fromisoformat(birth), datetime.date.fromisoformat(cutoff or "")
    except ValueError:
        return None
    age = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    lowest = [code.code for code in standard.codes.get("age_band", ()) if int(code.code[1:]) <= age]
    return max(lowest, default=None)
