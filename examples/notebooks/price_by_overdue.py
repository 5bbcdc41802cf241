"""逾期与价格 Price by overdue age. `marimo run price_by_overdue.py -- --release FOLDER`"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="逾期与价格 Price by overdue age")


@app.cell
def _():
    import marimo as mo
    from npl_release import OFFICIAL, OURS, chinese_font, font_note, keep, label, open_release, options

    return OFFICIAL, OURS, chinese_font, font_note, keep, label, mo, open_release, options


@app.cell
def _(chinese_font, open_release, options):
    asked = options()
    release = open_release(asked.release)
    font = chinese_font()
    return asked, font, release


@app.cell
def _(release):
    import re

    def band_name(band):
        """`1_to_2_years` in words."""
        number = "–".join(re.findall(r"\d+", band))
        if not number:
            return "未知", band
        if band.startswith("under"):
            return f"{number} 年以下", f"< {number} year"
        return (
            (f"{number} 年以上", f"> {number} years")
            if band.startswith("over")
            else (f"{number} 年", f"{number} years")
        )

    drawn = [row for row in release.answer("03_price_by_overdue") if row["overdue_band"] != "all"]
    # young to old, and the unknown last; between the ends also those that nothing fell into
    seen = {row["overdue_band"] for row in drawn}
    ends = [int(band.split("_")[1]) for band in seen if band.startswith(("under", "over"))]
    years = range(min(ends), max(ends)) if ends else ()
    ages = sorted(
        seen | {f"{year}_to_{year + 1}_years" for year in years},
        key=lambda band: (band == "unknown", band.startswith("over"), not band.startswith("under"), band),
    )
    bands = {band: band_name(band) for band in ages}
    return bands, drawn


@app.cell
def _(OFFICIAL, OURS, asked, bands, drawn, font, keep, label, release):
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(10, 5.4))
    places = {band: place for place, band in enumerate(bands)}
    _kinds = [
        ("start", -0.14, "white", (-9, 0), "right", ("本平台：起始价", "platform: start price")),
        ("deal", 0, OURS, (0, -11), "center", ("本平台：成交价", "platform: deal price")),
    ]
    for _kind, _shift, _face, _beside, _side, _name in _kinds:
        _points = [
            row
            for row in drawn
            if row["period"] == "all" and row["price_kind"] == _kind and row["price_on_claim_pct"] is not None
        ]
        axes.scatter(
            [places[row["overdue_band"]] + _shift for row in _points],
            [row["price_on_claim_pct"] for row in _points],
            s=[40 + 14 * row["package_count"] for row in _points],
            facecolor=_face,
            edgecolor=OURS,
            zorder=3,
            label=label(font, *_name),
        )
        for _row in _points:
            axes.annotate(
                f"{_row['price_on_claim_pct']:g} % (n={_row['package_count']})",
                (places[_row["overdue_band"]] + _shift, _row["price_on_claim_pct"]),
                xytext=_beside,
                textcoords="offset points",
                ha=_side,
                va="center",
                fontsize=8,
                color=OURS,
            )
    _official = [row for row in drawn if row["official_on_claim_pct"] is not None]
    axes.scatter(
        [places[row["overdue_band"]] + 0.14 for row in _official],
        [row["official_on_claim_pct"] for row in _official],
        marker="D",
        color=OFFICIAL,
        zorder=4,
        label=label(font, "官方：成交价", "official: deal price"),
    )
    for _row in _official:
        axes.annotate(
            f"{_row['period']}: {_row['official_on_claim_pct']:g} %",
            (places[_row["overdue_band"]] + 0.14, _row["official_on_claim_pct"]),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=OFFICIAL,
        )
    axes.set_xticks(list(places.values()), [label(font, *name, "\n") for name in bands.values()])
    axes.set_xlim(-0.9, len(places) - 0.3)
    axes.margins(y=0.1)
    axes.set_ylim(bottom=0)
    axes.set_ylabel(label(font, "价格 / 未偿本息，%", "price on claim, %", "\n"))
    axes.set_xlabel(label(font, "资产包加权平均逾期", "weighted overdue age of the package"))
    axes.set_title(
        label(font, "批量个人：逾期与价格", "batch personal: price by overdue age", " · "), loc="left", pad=26
    )
    axes.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.text(0.01, 0.005, release.title, fontsize=7, color="#666666")
    figure.tight_layout(rect=(0, 0.02, 1, 1))
    keep(figure, asked.picture)
    return (figure,)


@app.cell
def _(drawn, figure, font, font_note, mo, release):
    _deals = sum(row["package_count"] for row in drawn if row["period"] == "all" and row["price_kind"] == "deal")
    _known = sum(
        row["package_count"]
        for row in drawn
        if row["period"] == "all" and row["price_kind"] == "deal" and row["overdue_band"] != "unknown"
    )
    mo.vstack(
        [
            mo.md(f"# 逾期与价格 Price by overdue age\n\n{font_note(font)}发布 release `{release.title}`"),
            figure,
            mo.md(
                f"- 全部时期有成交价的 {_deals} 个资产包中，{_known} 个已知逾期天数；圆点越大，资产包越多。\n"
                "- 起始价是要价，不是成交价；公告极少印出成交价。点是合计之比，不是均值。\n"
                "- 逾期天数是整包的加权平均，各家起算日不同（`overdue_definition`），一档之内并不相同。\n\n"
                f"- Of {_deals} packages with a deal price, of all periods, the overdue age of {_known} is known; the "
                "larger a dot, the more packages.\n"
                "- A start price is asked, not paid, and notices rarely print what was paid. Points are sums over "
                "sums, no means.\n"
                "- Overdue days are a package's weighted mean, and sellers count from different days "
                "(`overdue_definition`): a band holds unlike packages."
            ),
        ]
    )
    return


if __name__ == "__main__":
    app.run()
