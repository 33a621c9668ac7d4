"""Summary: what a run did, as a line, as a table, and as JSON."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from carla_plugin.certificate import Certificate
from carla_plugin.refusals import CAUSES
from protocols.bundle import Bundle

if TYPE_CHECKING:
    from rich.table import Table


@dataclass
class Ticks:
    """Settle ticks of one appearance."""

    count: int = 0
    total: int = 0
    most: int = 0

    def add(self, ticks: int) -> None:
        """Count the ticks of one image."""
        self.count += 1
        self.total += ticks
        self.most = max(self.most, ticks)

    @property
    def mean(self) -> float:
        """Return the mean, 0 when there is none."""
        return self.total / self.count if self.count else 0.0


@dataclass
class Summary:
    """Count what a run did; masks are checked once for each image after the first."""

    bundles: int = 0
    masks_checked: int = 0
    ticks: int = 0
    second_tries: int = 0
    recoveries: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    settle: dict[str, Ticks] = field(default_factory=dict)
    town: str = ""
    enough: bool = False
    first: float | None = None
    last: float = 0.0

    def add(self, bundles: Sequence[Bundle]) -> None:
        """Count the bundles of one moment, one for each camera, with what their certificates say."""
        self.bundles += len(bundles)
        self.last = time.monotonic()
        if self.first is None:
            self.first = self.last
        for number, bundle in enumerate(bundles):
            certificate = Certificate.from_meta(bundle.header.meta)
            self.masks_checked += certificate.masks_compared
            if number:
                continue  # cameras share the ticks
            self.second_tries += certificate.attempt > 1
            for name, ticks in zip(bundle.header.appearances, certificate.settle_ticks, strict=True):
                self.settle.setdefault(name, Ticks()).add(ticks)

    @property
    def bundles_per_s(self) -> float:
        """Return the rate from the first bundle to the last, 0 before the second."""
        if self.first is None or self.last <= self.first:
            return 0.0
        return (self.bundles - 1) / (self.last - self.first)

    def line(self) -> str:
        """Return the summary as one line."""
        refused = self.refused.total()
        causes = ", ".join(f"{cause} {count}" for cause, count in sorted(self.refused.items()))
        return (
            f"bundles sent {self.bundles}, masks checked {self.masks_checked}, refused {refused}"
            + (f" ({causes})" if causes else "")
            + (f", servers lost and found again {self.recoveries}" if self.recoveries else "")
            + (" - the trainer has enough" if self.enough else "")
        )

    def table(self) -> Table:
        """Return the summary as a table for terminals and logs."""
        from rich.table import Table

        table = Table(title=f"{self.bundles} bundles of {self.town or 'no town'}", title_justify="left")
        table.add_column("what")
        table.add_column("count", justify="right")
        table.add_column("in words")
        table.add_row("bundles", str(self.bundles), f"{self.bundles_per_s:.2f} a second")
        table.add_row("masks checked", str(self.masks_checked), "equal to the first of their bundle, byte by byte")
        table.add_row("second tries", str(self.second_tries), "bundles that failed first, and stood still then")
        table.add_row("refused", str(self.refused.total()), "bundles that failed every try, never sent")
        for cause, count in sorted(self.refused.items()):
            table.add_row(f"  {cause}", str(count), CAUSES.get(cause, "of another cause"))
        table.add_row("recoveries", str(self.recoveries), "servers lost and found again")
        table.add_row("ticks", str(self.ticks), "steps of the simulator")
        for name, ticks in self.settle.items():
            table.add_row(f"  {name}", f"{ticks.mean:.1f}", f"mean ticks to settle, {ticks.most} at most")
        return table

    def values(self) -> dict[str, Any]:
        """Return the summary for JSON."""
        return {
            "bundles": self.bundles,
            "masks_checked": self.masks_checked,
            "masks_refused": self.refused.total(),
            "refused": dict(self.refused),
            "second_tries": self.second_tries,
            "recoveries": self.recoveries,
            "settle_ticks": {
                name: {"mean": round(each.mean, 3), "most": each.most} for name, each in self.settle.items()
            },
            "ticks": self.ticks,
            "town": self.town,
            "bundles_per_s": round(self.bundles_per_s, 3),
            "enough": self.enough,
        }
