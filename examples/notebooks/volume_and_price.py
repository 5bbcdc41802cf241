"""成交量与价格 Volume and price over time. `marimo run volume_and_price.py -- --release FOLDER`"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="成交量与价格 Volume and price over time")


@app.cell
def _():
    import marimo as mo
    from npl_release import OFFICIAL, OURS, PALE, as_float, chinese_font, font_note, keep, label, open_release, options

    return OFFICIAL, OURS, PALE, as_float, chinese_font, font_note, keep, label, mo, open_release, options


@app.cell
def _(chinese_font, open_release, options):
    asked = options()
    release = open_release(asked.release)
    font = chinese_font()
    return asked, font, release


@app.cell
def _(release):
    # Quarters from the first that either side knows anything of: what lies before is nobody's zero.
    answered = release.answer("01_volume_and_price")
    _figures = ("official_listed_yi", "official_completed_yi", "listed_yi", "completed_yi")
    _known = [row["period"] for row in answered if row["business"] == "all" and any(row[name] for name in _figures)]
    rows = [row for row in answered if _known and min(_known) <= row["period"] <= max(_known)]
    market = [row for row in rows if row["business"] == "all"]
    personal = [row for row in rows if row["business"] == "batch_personal"]
    covered = [row for row in release.answer("02_coverage") if row["measure"] == "completed_claim"]
    last_official = max((row["period"] for row in market if row["official_completed_yi"] is not None), default="-")
    return covered, last_official, market, personal


@app.cell
def _(OFFICIAL, OURS, PALE, as_float, asked, font, keep, label, last_official, market, personal, release):
    from matplotlib import pyplot as plt

    figure, (volume, price) = plt.subplots(2, 1, figsize=(9, 7.6), sharex=True, height_ratios=[3, 2])
    quarters = [row["period"] for row in market]
    places = range(len(quarters))
    _bars = [
        ("official_listed_yi", -0.3, "#c9c9c9", ("官方挂牌", "official, listed")),
        ("official_completed_yi", -0.1, OFFICIAL, ("官方成交", "official, completed")),
        ("listed_yi", 0.1, PALE, ("本平台挂牌", "platform, listed")),
        ("completed_yi", 0.3, OURS, ("本平台成交", "platform, completed")),
    ]
    for _column, _shift, _colour, _name in _bars:
        volume.bar(
            [place + _shift for place in places],
            [as_float(row[_column]) for row in market],
            width=0.2,
            color=_colour,
            label=label(font, *_name),
        )
    volume.set_ylabel(label(font, "未偿本息，亿元", "claims, CNY 100m", "\n"))
    volume.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)

    _lines = [
        ("official_discount_pct", OFFICIAL, "D", ("官方：价格/未偿本息", "official: price on claim")),
        ("official_recovery_pct", OFFICIAL, "s", ("官方：价格/本金", "official: price on principal")),
        ("discount_pct", OURS, "D", ("本平台：价格/未偿本息", "platform: price on claim")),
        ("recovery_pct", OURS, "s", ("本平台：价格/本金", "platform: price on principal")),
    ]
    _by_quarter = {row["period"]: row for row in personal}
    for _column, _colour, _marker, _name in _lines:
        if all(row[_column] is None for row in personal):
            continue
        price.plot(
            list(places),
            [as_float(_by_quarter.get(quarter, {}).get(_column)) for quarter in quarters],
            color=_colour,
            marker=_marker,
            markerfacecolor=_colour if _marker == "D" else "white",
            linewidth=0.8,
            label=label(font, *_name),
        )
    price.set_ylabel(label(font, "批量个人，%", "batch personal, %", "\n"))
    price.margins(y=0.1)
    price.set_ylim(bottom=0)
    price.set_xticks(list(places), quarters, rotation=60)
    price.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    if last_official in quarters:
        for _axes in (volume, price):
            _axes.axvline(quarters.index(last_official) + 0.5, color=OFFICIAL, linestyle=":", linewidth=1)
        volume.annotate(
            label(font, "官方统计止于此", "official figures end here", "\n"),
            (quarters.index(last_official) + 0.55, 0.97),
            xycoords=("data", "axes fraction"),
            fontsize=8,
            va="top",
        )
    for _axes in (volume, price):
        _axes.spines[["top", "right"]].set_visible(False)
    volume.set_title(
        label(font, "不良贷款转让：规模与价格", "NPL transfers: volume and price", " · "), loc="left", pad=40
    )
    figure.text(0.01, 0.005, release.title, fontsize=7, color="#666666")
    figure.tight_layout(rect=(0, 0.02, 1, 1))
    keep(figure, asked.picture)
    return (figure,)


@app.cell
def _(covered, figure, font, font_note, last_official, mo, release):
    _shares = [row["coverage_pct"] for row in covered if row["is_preferred"]]
    _covered = f"{min(_shares):g}–{max(_shares):g} %" if _shares else "-"
    mo.vstack(
        [
            mo.md(f"# 成交量与价格 Volume and price over time\n\n{font_note(font)}发布 release `{release.title}`"),
            figure,
            mo.md(
                f"- 本平台只有所报送和收集的部分：在有官方数字的时期，覆盖成交规模的 {_covered}。"
                f"{last_official} 之后的柱形是接续，不是全市场。\n"
                "- 挂牌按首次挂牌日计入，成交按签约日；只知年份的不在任何季度。没有成交价的季度没有价格点，不是零。\n"
                "- 价格是合计之比；官方价格只指批量个人。两个分母不同，不可相比。\n\n"
                f"- The platform holds what was filed and collected: {_covered} of the claims completed, where there "
                f"is an official figure. Bars after {last_official} go on from there; they are not the whole market.\n"
                "- Listed by the first listing, completed by the signing; what is known by year only lies in no "
                "quarter. A quarter without a price has no point, which is not a zero.\n"
                "- Prices are sums over sums; the official ones are of batch personal. The two denominators do not "
                "compare."
            ),
        ]
    )
    return


if __name__ == "__main__":
    app.run()
