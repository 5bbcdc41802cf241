"""谁从谁那里买 Who buys from whom. `marimo run who_buys_from_whom.py -- --release FOLDER`"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="谁从谁那里买 Who buys from whom")


@app.cell
def _():
    import marimo as mo
    from npl_release import OURS, PALE, chinese_font, font_note, keep, label, open_release, options

    return OURS, PALE, chinese_font, font_note, keep, label, mo, open_release, options


@app.cell
def _(chinese_font, open_release, options):
    asked = options()
    release = open_release(asked.release)
    font = chinese_font()
    return asked, font, release


@app.cell
def _(release):
    from collections import Counter

    rows = release.answer("07_who_buys_from_whom")
    names = {
        row["party_type"]: (row["party_type_zh"] or row["party_type"], row["party_type_en"] or row["party_type"])
        for row in release.rows("select distinct party_type, party_type_zh, party_type_en from market.concentration")
    } | {"unknown": ("未知", "Unknown")}
    claims, deals, unmeasured = Counter(), Counter(), 0
    for row in rows:
        pair = row["seller_type"], row["buyer_type"]
        deals[pair] += row["deal_count"]
        claims[pair] += row["claim_yi"] or 0
        unmeasured += row["deal_count"] if row["claim_yi"] is None else 0
    return claims, deals, names, rows, unmeasured


@app.cell
def _(OURS, PALE, asked, claims, deals, font, keep, label, names, release):
    from collections import Counter as _Counter
    from math import pi, sqrt

    from matplotlib import pyplot as plt

    LARGEST_AREA = 1800  # square points

    sold, bought = _Counter(), _Counter()
    for (_seller, _buyer), _claim in claims.items():
        sold[_seller] += _claim
        bought[_buyer] += _claim
    sellers = [name for name, _ in sold.most_common()]
    buyers = [name for name, _ in bought.most_common()]
    figure, axes = plt.subplots(figsize=(4.2 + 1.9 * max(len(buyers), 1), 2 + 1.1 * max(len(sellers), 1)))
    _largest = max(claims.values(), default=0)
    for (_seller, _buyer), _claim in claims.items():
        _place = buyers.index(_buyer), sellers.index(_seller)
        _count = deals[_seller, _buyer]
        # the area tells the claim
        _area = LARGEST_AREA * float(_claim / _largest) if _largest else 0
        axes.scatter(*_place, s=_area, color=PALE, edgecolor=OURS, zorder=2)
        axes.annotate(
            f"{_claim:,.2f}\n{_count} {label(font, '单', 'deals' if _count > 1 else 'deal')}",
            _place,
            xytext=(0, -sqrt(_area / pi) - 3),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=8,
            zorder=3,
        )
    axes.set_xticks(range(len(buyers)), [label(font, *names.get(name, (name, name)), "\n") for name in buyers])
    axes.set_yticks(range(len(sellers)), [label(font, *names.get(name, (name, name)), "\n") for name in sellers])
    axes.tick_params(labelsize=8, length=0)
    axes.set_xlim(-0.6, max(len(buyers), 1) - 0.4)
    axes.set_ylim(max(len(sellers), 1) - 0.3, -0.5)
    axes.set_xlabel(label(font, "受让方", "buyers"))
    axes.set_ylabel(label(font, "出让方", "sellers"))
    axes.grid(color="#eeeeee", zorder=0)
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    axes.set_title(
        label(font, "成交的未偿本息（亿元）", "claims transferred (CNY 100m)", " · "), loc="left", fontsize=11
    )
    figure.text(0.01, 0.005, release.title, fontsize=7, color="#666666")
    figure.tight_layout(rect=(0, 0.03, 1, 1))
    keep(figure, asked.picture)
    return (figure,)


@app.cell
def _(deals, figure, font, font_note, mo, release, rows, unmeasured):
    mo.vstack(
        [
            mo.md(f"# 谁从谁那里买 Who buys from whom\n\n{font_note(font)}发布 release `{release.title}`"),
            figure,
            mo.ui.table(rows, selection=None),
            mo.md(
                f"- {sum(deals.values())} 笔成交，其中 {unmeasured} 笔没有债权金额，有单数而没有面积。"
                "虚构机构和资产证券化不在其中。\n"
                "- 每笔交易只计一次，以出让方所报为准；机构按合并之后计。“未知”是公告没有写明的一方。\n"
                "- 公开公告写明受让方的很少，所见的不是市场的抽样。\n\n"
                f"- {sum(deals.values())} deals, {unmeasured} of them without a claim: counted, but with no area. "
                "Invented institutions and securitisations are not among them.\n"
                "- Each deal counts once, by the seller's word where there is one; institutions as they are after "
                "mergers. Unknown is a side that no notice names.\n"
                "- Few public notices name the buyer: this is no sample of the market."
            ),
        ]
    )
    return


if __name__ == "__main__":
    app.run()
