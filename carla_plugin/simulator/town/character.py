"""The character of a town: what the dice of its plan may throw."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Character:
    """Describe towns of one kind.

    Attributes:
        blocks: along each axis.
        gaps: shortest and longest distance between neighbouring streets, in metres.
        avenues: how many of the `blocks + 1` streets along each axis have two lanes in each direction.
        avenue_kmh: their speed limit.
        street_kmh: the speed limits of the others, one of which is drawn for each.
        parking: widths of parking lanes beside single lanes, one of which is drawn for each; 0 for none.
        verge: widths of the grass between kerb and pavement, one of which is drawn for each.
        missing: fewest and most inner streets that are left out.
        signalled: share of the smaller crossings with traffic lights; those of avenues all have them.
        downtown: how many blocks from its heart the town has tall houses.
        old_town: how many blocks from its heart it has terraces; suburbs lie beyond.
        parks: share of blocks that are parks.
        works: share of blocks that are yards and sheds.
        slope: least and greatest slope of the bends.
    """

    blocks: int = 5
    gaps: tuple[float, float] = (66.0, 108.0)
    avenues: int = 2
    avenue_kmh: int = 50
    street_kmh: tuple[int, ...] = (30, 40)
    parking: tuple[float, ...] = (0.0, 2.2)
    verge: tuple[float, ...] = (0.0, 0.0, 1.4)
    missing: tuple[int, int] = (3, 5)
    signalled: float = 0.8
    downtown: float = 1.25
    old_town: float = 2.3
    parks: float = 0.1
    works: float = 0.1
    slope: tuple[float, float] = (0.09, 0.2)


GRID = Character()
VILLAGE = Character(
    blocks=3, avenues=0, missing=(0, 1), signalled=0.6, downtown=0.0, old_town=1.3, parking=(0.0, 0.0, 2.2)
)
SMALL_TOWN = Character(blocks=4, avenues=0, missing=(1, 2), downtown=0.4, old_town=2.2, verge=(0.0, 1.4))
CITY = Character(blocks=6, avenues=3, missing=(4, 7), downtown=1.8, old_town=3.2)
FAST_ROADS = Character(
    blocks=4, gaps=(125.0, 180.0), avenues=4, avenue_kmh=90, missing=(2, 3), downtown=0.5, old_town=0.9, parks=0.45,
    verge=(1.4,), slope=(0.15, 0.2),
)  # fmt: skip
AVENUES = Character(gaps=(80.0, 110.0), avenues=5, missing=(2, 3), downtown=1.6, old_town=2.0, works=0.2)
LONG_ROADS = Character(
    blocks=4, gaps=(120.0, 170.0), avenues=3, avenue_kmh=60, missing=(1, 2), downtown=0.4, old_town=1.0,
    slope=(0.02, 0.05),
)  # fmt: skip
COUNTRY = Character(
    blocks=4, gaps=(105.0, 160.0), avenues=0, street_kmh=(30, 40, 60), parking=(0.0,), verge=(0.0, 1.4), missing=(2, 3),
    signalled=0.3, downtown=0.0, old_town=0.3, parks=0.5, works=0.15, slope=(0.16, 0.2),
)  # fmt: skip
DOWNTOWN = Character(
    blocks=5, gaps=(64.0, 92.0), avenues=3, missing=(3, 4), downtown=2.6, old_town=3.2, parks=0.08, works=0.03
)  # fmt: skip
