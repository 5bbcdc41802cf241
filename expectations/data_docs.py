"""Great Expectations' pages of filings, for the operator: its own renderer makes them, each kind of page once.

Of some hundred results of a page hardly any differs from filing to filing, and most filings' results are the same but
for their name and moment. Such a page is rendered once with words in their places that stand nowhere else, and filled.
"""

import datetime
import json
from typing import Any

MOST_KEPT = 100
# A name, moments as results write them (the page shows the run's to the second), and the marks of a batch.
NAME = "NAME-OF-A-RUN-THAT-NEVER-WAS"
RUN, VALIDATION = "1601-02-03T04:05:06.070809+00:00", "1602-03-04T05:06:07.080910+00:00"
LOAD, BATCH = "16030405T060708.091011Z", "MARK-OF-A-BATCH-THAT-NEVER-WAS"
SHOWN = "%Y-%m-%dT%H:%M:%SZ"


class Pages:
    """Writes pages of stored results; `store` is Great Expectations' store of validation results."""

    def __init__(self, store: Any) -> None:
        from great_expectations.render.renderer import ValidationResultsPageRenderer
        from great_expectations.render.view import DefaultJinjaPageView

        import expectations.rule_expectation  # noqa: F401  # a process that judges nothing has to make it known, too

        self._store = store
        self._kept: dict[str, str] = {}
        self._renderer = ValidationResultsPageRenderer()
        self._view = DefaultJinjaPageView()

    def page(self, result: str) -> str:
        """The page of one stored result (its JSON text), as Great Expectations would render it."""
        meta = json.loads(result)["meta"]
        own = {
            NAME: meta["run_id"]["run_name"],
            RUN: meta["run_id"]["run_time"],
            VALIDATION: meta["validation_time"],
            LOAD: meta["batch_markers"]["ge_load_time"],
            BATCH: meta["batch_markers"]["pandas_data_fingerprint"],
        }
        kind = result
        for word, value in own.items():
            kind = kind.replace(value, word)
        if kind not in self._kept:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[kind] = self._render(kind)
        page = self._kept[kind]
        for word, value in own.items():
            page = page.replace(word, value)
        return page.replace(_shown(RUN), _shown(own[RUN]))

    def _render(self, result: str) -> str:
        document = self._renderer.render(self._store.deserialize(result))
        return str(self._view.render(document, show_how_to_buttons=False))


def _shown(moment: str) -> str:
    return datetime.datetime.fromisoformat(moment).strftime(SHOWN)
