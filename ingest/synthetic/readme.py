"""The README that lies in a generated market."""

README = """# 虚构的市场 · An invented market

`npl generate` 按种子生成：同样的参数，逐字节相同。机构、交易和贷款均为虚构，登记为示例机构（`is_demo`）。
Made by `npl generate` from a seed: the same arguments give the same bytes. Institutions, deals and loans are invented
and registered as such (`is_demo`).

## 怎样报送 · How to file it

把登记册的补充放入目录，再按顺序逐批放入收件箱，每批之后运行一次：
Put the additions to the register into the home, then wave by wave into the inbox, and run after each:

```
mkdir -p "$NPL_HOME/register" && cp register/*.csv "$NPL_HOME/register/"
for wave in waves/*; do mkdir -p "$NPL_HOME/inbox" && cp -r "$wave"/. "$NPL_HOME/inbox/" && npl run --no-demo; done
```

补充不得改写随附的登记册；目录中已有自己的补充时，请合并各行。
Additions may not change the register that comes with the platform. If the home has additions already, merge the rows.

## 里面有什么 · What is in it

- `waves/`: 每季度一批，最后一批只有更正和撤回；一批之内，按机构和名称的次序报送。
  One wave a quarter, the last one with corrections and withdrawals alone. Within a wave, by institution and name.
- `truth/filings.json`: 每份报送的编号、应得的裁定、最终状态、必须查出问题的规则，以及重复报送的批次（不产生新报送）。
  Each filing's id, the verdict that it must get, its state in the end, the rules that must find something in it, and
  the wave in which the same bytes come once more (no new filing).
- `truth/market.json`: 由虚构的事实直接相加得到的数字，与平台的程序无关：`quarterly_activity`（各项分类；比率给出分子和
  分母）、`deals`、`recoveries`、`tapes`。金额单位为元。
  Figures added up from the invented facts, with nothing of the platform's code: `quarterly_activity` (all breakdowns;
  a ratio by its two parts), `deals`, `recoveries`, `tapes`. Amounts in CNY.
- `truth/defects/`: 各贷款明细中埋入的差错：行号、字段、种类、规则。
  The defects in each loan tape: row, field, kind, rule.

`deals[].sides`：`agreed` 双方一致；`disputed` 不一致；`waiting` 只有一方报送（限期内为 `pending`，过期为
`one_sided`）；`observed` 只有公开公告。
`deals[].sides`: `agreed`; `disputed`; `waiting`, one side alone has filed (`pending` until the other's time is up, then
`one_sided`); `observed`, a public notice alone.
"""
