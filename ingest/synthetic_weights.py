"""The shape of the market's loans, as far as it has been published: what synthetic loans are drawn by.

A mapping gives each code or text its weight. Retail balances start at 2,800 yuan a loan on average; the rest is set so
that a tape looks like the notices: most loans never sued, overdue from half a year to six, a few large balances.
"""

from collections.abc import Mapping

PRODUCTS: Mapping[str, Mapping[str, int]] = {
    "XF": {"XF": 9, "QC": 1},
    "XK": {"XK": 1},
    "JY": {"JY": 1},
    "MIX": {"XF": 5, "QC": 1, "JY": 4},
    "DG1": {"LD": 1},
    "DGN": {"LD": 11, "GZ": 4, "FK": 2, "MY": 2, "QT": 1},
}
CORPORATE = ("DG1", "DGN")
AVERAGE_PRINCIPAL_CNY = {"XF": 12_000, "XK": 26_000, "JY": 160_000, "MIX": 48_000, "DG1": 45_000_000, "DGN": 18_000_000}
OBLIGORS: Mapping[str, Mapping[str, int]] = {
    "personal": {"GR": 1},
    "JY": {"GR": 7, "GT": 3},
    "corporate": {"QY": 11, "XW": 8, "PT": 1},
}
# (thousandths of all loans, thousandths of the average): between two points the balance grows evenly
BALANCES = (
    (0, 40),
    (100, 150),
    (300, 330),
    (500, 600),
    (700, 1000),
    (850, 1600),
    (950, 2800),
    (990, 5600),
    (1000, 18000),
)
OVERDUE_DAYS = ((0, 190), (150, 365), (400, 730), (650, 1095), (800, 1460), (920, 1825), (1000, 2190))
LITIGATION = {
    "WS": 700, "SZ": 50, "YS": 28, "ZC": 22, "YZ": 16, "PW": 62, "ZX": 42,
    "CH": 4, "ZZ": 8, "ZJ": 12, "ZB": 34, "TJ": 18, "QT": 4,
}  # fmt: skip
JUDGED = ("YZ", "PW", "ZX", "CH", "ZZ", "ZJ", "ZB", "TJ")
ENFORCED = ("ZX", "CH", "ZZ", "ZJ", "ZB")
AGES = {"A18": 8, "A25": 34, "A35": 30, "A45": 18, "A55": 8, "A65": 2}
PROVINCES = {
    "110000": 3, "120000": 2, "130000": 5, "140000": 3, "150000": 2, "210000": 4, "220000": 2, "230000": 3,
    "310000": 3, "320000": 7, "330000": 6, "340000": 5, "350000": 4, "360000": 4, "370000": 7, "410000": 7,
    "420000": 5, "430000": 5, "440000": 10, "450000": 4, "460000": 1, "500000": 4, "510000": 7, "520000": 3,
    "530000": 3, "610000": 3, "620000": 2,
}  # fmt: skip
INDUSTRIES = {"C": 34, "F": 26, "E": 12, "G": 6, "H": 6, "L": 6, "K": 4, "A": 4, "O": 2}
CONTACTS = {"KL": 45, "SL": 35, "JJ": 15, "SZ": 1, "WX": 4}
RESTRUCTURINGS = {"NONE": 970, "SQ": 8, "LX": 7, "WY": 9, "ZX": 6}
PAPERS = {"无": 950, "QHT": 18, "QPZ": 14, "QFL": 12, "QHT;QPZ": 6}
REMARKS = {None: 960, "客户主张已还款，待核对": 14, "分期,已逾期": 12, "已发律师函": 14}
EVERY_HEAVY = (
    50  # one loan in so many has a heavy defect, and is small: below the fifth of a package that rules remark on
)
