"""The public products as they are declared in products.yml, and the thresholds as the standard sets them."""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from expectations.model import Bilingual, Standard

DECLARATION = Path(__file__).with_name("products.yml")
Quantity = Literal["count", "claim_cny", "principal_cny", "price_cny"]
Side = Literal["seller", "buyer"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PublicColumn(_Model):
    """A figure: the sum of a quantity over the events for which the SQL condition holds."""

    quantity: Quantity
    where: str


class Group(_Model):
    """Figures that are shown or suppressed together: knowing one of them would tell of the others."""

    sides: tuple[Side, ...]
    columns: dict[str, PublicColumn]
    ratios: tuple[str, ...] = ()


class Product(_Model):
    """A public table. Each partition gives every dimension as SQL over the contributions.

    `market_rows` is SQL over the market table: the rows that become public at all.
    """

    market_table: str
    market_rows: str = "true"
    description: Bilingual
    dimensions: tuple[str, ...]
    labels: tuple[str, ...] = ()
    partitions: tuple[dict[str, str], ...]
    groups: dict[str, Group]

    def columns(self) -> dict[str, PublicColumn]:
        """All figures by name, in the order of the declaration."""
        return {name: column for group in self.groups.values() for name, column in group.columns.items()}

    def group_of(self, column: str) -> str:
        """The group in which a figure stands."""
        return next(name for name, group in self.groups.items() if column in group.columns)


class Declaration(_Model):
    products: dict[str, Product]
    withheld: dict[str, Bilingual] = {}


@dataclass(frozen=True)
class Thresholds:
    """What must stand behind a public figure; shares are 0-1."""

    obligors: int
    institutions: int
    dominance_institutions: int
    dominance_share: Decimal
    p_share: Decimal


@lru_cache(maxsize=1)
def declaration() -> Declaration:
    """What is public, and what is not."""
    return Declaration.model_validate(yaml.safe_load(DECLARATION.read_text(encoding="utf-8")))


def thresholds(standard: Standard) -> Thresholds:
    """The thresholds that the standard's parameters set."""
    parameters = standard.head.parameters
    return Thresholds(
        obligors=int(parameters["public_minimum_obligors"].value),
        institutions=int(parameters["public_minimum_institutions"].value),
        dominance_institutions=int(parameters["public_dominance_institutions"].value),
        dominance_share=Decimal(parameters["public_dominance_share"].value),
        p_share=Decimal(parameters["public_p_share"].value),
    )
