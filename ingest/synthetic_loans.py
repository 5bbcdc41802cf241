"""Synthetic loans, many at a time: every rule of the standard's loan table holds on them, by the way they are made.

Shapes follow what the market has published: retail balances from 2,800 yuan a loan up, a few large ones making much of
the sum; overdue from half a year to six; most loans never sued; one borrower in three with two loans. Everything is
reckoned in whole numbers (days, cents, thousandths), from a bit generator that numpy promises never to change: the same
seed gives the same loans on every machine, and a longer tape begins with the shorter one.
"""

import datetime
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ingest.synthetic_weights import (
    AGES,
    AVERAGE_PRINCIPAL_CNY,
    BALANCES,
    CONTACTS,
    CORPORATE,
    ENFORCED,
    EVERY_HEAVY,
    INDUSTRIES,
    JUDGED,
    LITIGATION,
    OBLIGORS,
    OVERDUE_DAYS,
    PAPERS,
    PRODUCTS,
    PROVINCES,
    REMARKS,
    RESTRUCTURINGS,
)

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

LOANS_AT_A_TIME = 65_536
LOANS_OF_FOUR, BORROWERS_OF_FOUR = 4, 3  # of four loans in a row two are one borrower's
EPOCH = datetime.date(1970, 1, 1)
LEAST_PRINCIPAL_CENTS = 100_00


@dataclass(frozen=True)
class TapeShape:
    """What all loans of a tape have in common. `average_principal_cny` null takes the usual one of the asset type."""

    project_code: str
    holder_name: str
    cutoff: datetime.date
    asset_type: str = "XF"
    originator_name: str | None = None
    asset_source: str = "non_bank"
    average_principal_cny: int | None = None
    seed: int = 1
    key_seed: int | None = None  # a buyer's tape of loans that it bought: the seller's seed


@dataclass
class Summary:
    """The tape's own figures, which its package's notice must print; amounts in cents."""

    loans: int = 0
    borrowers: int = 0
    principal: int = 0
    interest: int = 0
    fees: int = 0
    claim_days: int = 0  # sum of overdue days x principal and interest
    claim_ages: int = 0  # sum of the middle of the age band x principal and interest, where there is an age
    claim_with_age: int = 0
    largest_borrower: int = 0
    five_tier: dict[str, int] = field(default_factory=dict)
    litigation: dict[str, int] = field(default_factory=dict)
    guarantee: dict[str, int] = field(default_factory=dict)


class Draws:
    """Whole numbers drawn at random: each name has its own stream, so that one more column changes no other."""

    def __init__(self, seed: int, part: int) -> None:
        self._seed, self._part = seed, part

    def raw(self, name: str, count: int) -> npt.NDArray[np.uint64]:
        source = np.random.SeedSequence([self._seed, self._part, zlib.crc32(name.encode())])
        return np.asarray(np.random.PCG64(source).random_raw(count), dtype=np.uint64)

    def below(self, name: str, limit: int | Numbers, count: int) -> Numbers:
        """From 0 to `limit` - 1, evenly; `limit` may be an array and is below 2**31."""
        high = (self.raw(name, count) >> np.uint64(32)).astype(np.int64)
        drawn: Numbers = (high * np.asarray(limit, np.int64)) >> 32
        return drawn

    def pick(self, name: str, weights: Mapping[str, int], count: int) -> Numbers:
        """Places in `weights`, each as often as its weight says."""
        bounds = np.cumsum(list(weights.values()))
        return np.searchsorted(bounds, self.below(name, int(bounds[-1]), count), side="right").astype(np.int64)

    def chance(self, name: str, thousandths: int, count: int) -> Flags:
        return self.below(name, 1000, count) < thousandths

    def along(self, name: str, curve: Sequence[tuple[int, int]], count: int) -> Numbers:
        """A quantity whose share of smaller values is the curve's, in whole numbers."""
        at = np.array([place for place, _ in curve], np.int64) * 1000
        value = np.array([value for _, value in curve], np.int64)
        drawn = self.below(name, 1_000_000, count)
        low = np.searchsorted(at, drawn, side="right") - 1
        found: Numbers = value[low] + (value[low + 1] - value[low]) * (drawn - at[low]) // (at[low + 1] - at[low])
        return found


def loans_of(shape: TapeShape, part: int, count: int, summary: Summary) -> dict[str, pa.Array]:
    """The loans of one part of a tape (at most `LOANS_AT_A_TIME`), as text columns in no order; adds to `summary`.

    Codes stand as codes, dates as ISO, booleans as 是 / 否, amounts with two places; what is not filled is null.
    """
    draw = Draws(shape.seed, part)
    whose = np.arange(count, dtype=np.int64) * (0 if shape.asset_type == "DG1" else BORROWERS_OF_FOUR) // LOANS_OF_FOUR
    borrowers = int(whose[-1]) + 1
    corporate = shape.asset_type in CORPORATE
    cutoff = (shape.cutoff - EPOCH).days
    columns: dict[str, pa.Array] = {}

    def codes(name: str, weights: Mapping[str, int], places: Numbers) -> None:
        columns[name] = _taken(list(weights), places)

    # the borrower: the same in all of its loans
    obligors = OBLIGORS["corporate" if corporate else "JY" if shape.asset_type == "JY" else "personal"]
    obligor = draw.pick("obligor_kind", obligors, borrowers)[whose]
    codes("obligor_kind", obligors, obligor)
    person = np.isin(obligor, [place for place, code in enumerate(obligors) if code == "GR"])
    age = draw.pick("age_band", AGES, borrowers)[whose]
    columns["age_band"] = _where(person, _taken(list(AGES), age))
    province = draw.pick("borrower_province", PROVINCES, borrowers)[whose]
    codes("borrower_province", PROVINCES, province)
    columns["industry"] = _where(~person, _taken(list(INDUSTRIES), draw.pick("industry", INDUSTRIES, borrowers)[whose]))
    keys = Draws(shape.seed if shape.key_seed is None else shape.key_seed, part)
    columns["borrower_key"] = _keys(keys.raw("borrower_key", 2 * borrowers)).take(pa.array(whose))
    columns["loan_key"] = _keys(keys.raw("loan_key", 2 * count))

    # the contract
    products = PRODUCTS[shape.asset_type]
    product = draw.pick("product", products, count)
    codes("product", products, product)
    card = shape.asset_type == "XK"
    heavy = np.arange(count) % EVERY_HEAVY == EVERY_HEAVY - 1
    average = 100 * (shape.average_principal_cny or AVERAGE_PRINCIPAL_CNY[shape.asset_type])
    size = draw.along("balance", BALANCES, count)
    principal = average * np.where(heavy, np.minimum(size, 1000) // 4, size) // 1000
    principal = np.maximum(principal + draw.below("cents", 10_000, count), LEAST_PRINCIPAL_CENTS)
    rate = 380 + draw.below("annual_rate", 520, count) if corporate else 435 + 5 * draw.below("annual_rate", 394, count)
    columns["annual_rate"] = _where(~draw.chance("no_rate", 20, count), _decimals(rate * 100, 6), "ND1")
    line = -(-(principal + principal * draw.below("credit_line", 60, count) // 100) // 100_000) * 100_000
    columns["credit_line_cny"] = _money(line) if card else pa.nulls(count, pa.string())

    # what happened, backwards from the cut-off date
    days = draw.along("overdue_days", OVERDUE_DAYS, count)
    start = cutoff - days
    default = start - draw.below("default", 31, count)
    origination = default - 60 - draw.below("origination", 1500, count)
    term = np.array([365, 730, 1095, 1825])[draw.below("term", 4, count)]
    span = cutoff - default

    def since_default(name: str) -> Numbers:
        return default + 1 + draw.below(name, span - 1, count)

    columns["overdue_days"] = pa.array(days).cast(pa.string())
    columns["overdue_start_date"], columns["default_date"] = _dates(start), _dates(default)
    columns["origination_date"] = _dates(origination)
    columns["maturity_date"] = pa.nulls(count, pa.string()) if card else _dates(origination + term)
    paid = draw.chance("paid", 700, count)
    columns["last_payment_date"] = _where(paid, _dates(since_default("last_payment_date")))
    columns["last_payment_cny"] = _where(paid, _money(50_00 + draw.below("last_payment_cny", 950_00, count)))
    written_off = (days > 360) & draw.chance("written_off", 550, count)
    columns["is_written_off"] = _yes(written_off)
    columns["write_off_date"] = _where(written_off, _dates(since_default("write_off_date")))
    better = draw.chance("tier", 400, count)
    tier = np.where(written_off | ((days > 360) & ~better), 2, np.where((days <= 360) & better, 0, 1))
    columns["five_tier"] = _taken(["3", "4", "5"], tier)

    # the courts
    state = draw.pick("litigation_state", LITIGATION, count)
    names = list(LITIGATION)
    sued = state != names.index("WS")
    judged = np.isin(state, [names.index(code) for code in JUDGED])
    enforced = np.isin(state, [names.index(code) for code in ENFORCED])
    codes("litigation_state", LITIGATION, state)
    suit = default + 1 + draw.below("litigation_date", span // 3, count)
    judgment = suit + draw.below("judgment_date", cutoff - suit + 1, count)
    enforcement = judgment + draw.below("enforcement_date", cutoff - judgment + 1, count)
    columns["litigation_date"] = _where(sued, _dates(suit))
    columns["judgment_date"] = _where(judged, _dates(judgment))
    columns["enforcement_date"] = _where(enforced, _dates(enforcement))
    columns["enforcement_state"] = _where(enforced, columns["litigation_state"], "NONE")
    columns["court_province"] = _where(sued, columns["borrower_province"])
    columns["limitation_date"] = _where(~sued, _dates(cutoff + 30 + draw.below("limitation_date", 1000, count)))

    # security and defects
    guarantees = {"XY": 20, "BZ": 40, "DY": 35, "ZY": 5} if corporate else {"XY": 92, "BZ": 8}
    guarantee = draw.pick("guarantee", guarantees, count)
    codes("guarantee", guarantees, guarantee)
    guaranteed = guarantee == 1
    columns["guarantor_kind"] = _where(guaranteed, _taken(["GR", "QY"], draw.below("guarantor_kind", 2, count)))
    grave = _taken(["ZY", "ZPC" if corporate else "ZWS"], draw.below("grave", 2, count))
    columns["defects"] = _where(~heavy, _taken(list(PAPERS), draw.pick("defects", PAPERS, count)), grave)

    # collection and restructuring
    contact = draw.pick("contact_state", CONTACTS, count)
    reached = np.isin(contact, [0, 2])
    never = contact == list(CONTACTS).index("WX")
    attempts = np.where(never, 0, 1 + draw.below("contact_attempts", 60, count))
    reply = cutoff - draw.below("last_contact_date", 180, count)
    for name, values in {
        "contact_state": _taken(list(CONTACTS), contact),
        "contact_attempts": pa.array(attempts).cast(pa.string()),
        "last_contact_date": _where(reached, _dates(reply)),
    }.items():
        columns[name] = pa.nulls(count, pa.string()) if corporate else values
    agreement = draw.pick("restructuring_state", RESTRUCTURINGS, count)
    codes("restructuring_state", RESTRUCTURINGS, agreement)
    agreed_on = since_default("restructuring_date")
    columns["restructuring_date"] = _where(agreement >= 2, _dates(agreed_on))
    ends = agreed_on + 90 + draw.below("restructuring_end_date", 720, count)
    columns["restructuring_end_date"] = _where(agreement >= 2, _dates(ends))
    forgiven = np.where(draw.chance("forgiven", 30, count), draw.below("forgiven_cny", 500_00, count), 0)
    columns["forgiven_cny"] = _money(forgiven)
    remarks = draw.pick("remarks", {f"{text}": weight for text, weight in REMARKS.items()}, count)
    columns["remarks"] = _taken(list(REMARKS), remarks)

    # amounts: at a rate of 4 decimals, half as much again for penalty interest, never above five times the principal
    interest = np.minimum(principal * rate // 10_000 * days * 3 // (2 * 365), 5 * principal)
    fees = np.where(sued, 50_00 + principal // 80, draw.below("other_fees_cny", 40_00, count))
    for name, cents in {
        "principal_cny": principal,
        "interest_cny": interest,
        "other_fees_cny": fees,
        "principal_interest_cny": principal + interest,
        "claim_total_cny": principal + interest + fees,
    }.items():
        columns[name] = _money(cents)

    theme = pa.array(["general_corporate" if corporate else "retail"] * count, pa.string())
    if corporate:
        platform = obligor == list(obligors).index("PT")
        building = np.isin(product, [place for place, code in enumerate(products) if code == "FK"])
        theme = _where(~building, theme, "real_estate")
        theme = _where(~platform, theme, "local_government_platform")
    columns["asset_theme"] = theme
    for name, text in {
        "project_code": shape.project_code,
        "holder_name": shape.holder_name,
        "originator_name": shape.originator_name or shape.holder_name,
        "asset_source": shape.asset_source,
        "overdue_definition": "STATEMENT" if card else "LATEST",
        "cutoff_date": shape.cutoff.isoformat(),
        "precision": "exact",
        "currency": "CNY",
        "is_baojiaolou": "否",
        "is_securitised": "否",
        "transfer_bar": "NONE",
    }.items():
        columns[name] = pa.DictionaryArray.from_arrays(np.zeros(count, np.int8), pa.array([text])).cast(pa.string())
    _add_up(summary, columns, whose, principal, interest, fees, days, np.where(person, age, -1))
    return columns


def _add_up(
    summary: Summary,
    columns: Mapping[str, pa.Array],
    whose: Numbers,
    principal: Numbers,
    interest: Numbers,
    fees: Numbers,
    days: Numbers,
    age: Numbers,
) -> None:
    total = principal + interest
    summary.loans += len(total)
    summary.borrowers += int(whose[-1]) + 1
    summary.principal += int(principal.sum())
    summary.interest += int(interest.sum())
    summary.fees += int(fees.sum())
    summary.claim_days += int((total * days).sum())
    middles = np.array([int(band[1:]) + 5 for band in AGES])
    summary.claim_ages += int(np.where(age >= 0, total * middles[age], 0).sum())
    summary.claim_with_age += int(np.where(age >= 0, total, 0).sum())
    firsts = np.flatnonzero(np.diff(whose, prepend=-1))
    summary.largest_borrower = max(summary.largest_borrower, int(np.add.reduceat(total, firsts).max()))
    for states, name in (
        (summary.five_tier, "five_tier"),
        (summary.litigation, "litigation_state"),
        (summary.guarantee, "guarantee"),
    ):
        for each in pc.value_counts(columns[name]).to_pylist():
            states[each["values"]] = states.get(each["values"], 0) + each["counts"]


def _taken(texts: Sequence[str | None], places: Numbers) -> pa.Array:
    return pa.array(texts, pa.string()).take(pa.array(places))


def _where(flags: Flags, values: pa.Array, otherwise: str | pa.Array | None = None) -> pa.Array:
    other = otherwise if isinstance(otherwise, pa.Array) else pa.scalar(otherwise, pa.string())
    return pc.if_else(pa.array(flags), values, other)


def _yes(flags: Flags) -> pa.Array:
    return pc.if_else(pa.array(flags), "是", "否")


def _dates(days: Numbers) -> pa.Array:
    return pa.array(days.astype(np.int32)).cast(pa.date32()).cast(pa.string())


def _money(cents: Numbers) -> pa.Array:
    return _decimals(cents, 2)


def _decimals(numbers: Numbers, places: int) -> pa.Array:
    """Whole numbers of the last place as text: 1234 with two places is 12.34."""
    low = np.ascontiguousarray(numbers, np.int64)
    words = np.stack([low, low >> 63], axis=1)  # little-endian, 128 bits, with their sign
    values = pa.Array.from_buffers(pa.decimal128(38, places), len(low), [None, pa.py_buffer(words.tobytes())])
    return values.cast(pa.string())


def _keys(raw: npt.NDArray[np.uint64]) -> pa.Array:
    """Pseudonyms: 128 random bits each, in base 16 written with the letters a to p."""
    octets = raw.astype("<u8").view(np.uint8)
    letters = np.stack([octets >> 4, octets & 15], axis=1).reshape(-1) + np.uint8(ord("a"))
    count = len(letters) // 32
    ends = pa.py_buffer(np.arange(0, 32 * count + 1, 32, dtype=np.int32).tobytes())
    return pa.Array.from_buffers(pa.string(), count, [None, ends, pa.py_buffer(letters.tobytes())])
