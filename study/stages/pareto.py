"""The order in which trials are taken from the Pareto front of several figures, each better when lower."""

from collections.abc import Iterator, Sequence

Point = Sequence[float]


def in_order(points: Sequence[Point]) -> Iterator[int]:
    """Places of the points, Pareto front by front; in one the best of each figure first, then what lies farthest off.

    With one figure that is their order by it; equal points keep theirs.
    """
    if points and len(points[0]) == 1:
        yield from sorted(range(len(points)), key=lambda at: points[at][0])
        return
    for front in fronts(points):
        yield from spread(front, points, ends(front, points))


def fronts(points: Sequence[Point]) -> Iterator[list[int]]:
    """Places of the points of the Pareto front, then of the front of those that are left, and so on."""
    left = sorted(range(len(points)), key=lambda at: tuple(points[at]))  # what beats a point stands before it
    while left:
        front: list[int] = []
        for at in left:
            if not any(beats(points[other], points[at]) for other in front):
                front.append(at)
        yield sorted(front)
        taken = set(front)
        left = [at for at in left if at not in taken]


def beats(one: Point, other: Point) -> bool:
    """Whether a point is at least as good in everything and better in something."""
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def ends(front: Sequence[int], points: Sequence[Point]) -> list[int]:
    """The best point of each figure, each once."""
    figures = range(len(points[front[0]]))
    return list(dict.fromkeys(min(front, key=lambda at: points[at][figure]) for figure in figures))


def knee(inner: Sequence[int], front: Sequence[int], points: Sequence[Point]) -> int | None:
    """Which of `inner` gives up least: the lowest sum of its figures, each scaled to 0 to 1 over the front."""
    figures = range(len(points[front[0]]))
    low = [min(points[at][figure] for at in front) for figure in figures]
    span = [max(points[at][figure] for at in front) - low[figure] or 1.0 for figure in figures]

    def lost(at: int) -> float:
        return sum((points[at][figure] - low[figure]) / span[figure] for figure in figures)

    return min(inner, key=lost, default=None)


def spread(front: Sequence[int], points: Sequence[Point], first: Sequence[int]) -> list[int]:
    """The places of a front: `first`, then always the one that lies farthest from those that are taken."""
    places = {at: _ranks(at, front, points) for at in front}
    taken = list(dict.fromkeys(first))
    nearest = {at: min(_apart(places[at], places[known]) for known in taken) for at in front if at not in taken}
    while nearest:
        farthest = max(nearest, key=lambda at: nearest[at])
        taken.append(farthest)
        del nearest[farthest]
        nearest = {at: min(apart, _apart(places[at], places[farthest])) for at, apart in nearest.items()}
    return taken


def _ranks(at: int, front: Sequence[int], points: Sequence[Point]) -> list[int]:
    return [sum(points[other][figure] < value for other in front) for figure, value in enumerate(points[at])]


def _apart(one: Sequence[int], other: Sequence[int]) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))
