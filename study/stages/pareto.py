"""The order in which trials are taken from the Pareto front of several figures, each better when lower."""

from collections.abc import Iterator, Sequence

Point = Sequence[float]


def in_order(points: Sequence[Point]) -> Iterator[int]:
    """Places of the points, Pareto front by front; in one the best of each figure first, then what lies farthest off.

    With one figure that is their order by it; equal points keep theirs.
    """
    left = list(range(len(points)))
    if points and len(points[0]) == 1:
        yield from sorted(left, key=lambda at: points[at][0])
        return
    while left:
        front = [at for at in left if not any(beats(points[other], points[at]) for other in left)]
        yield from _spread(front, points)
        left = [at for at in left if at not in front]


def beats(one: Point, other: Point) -> bool:
    """Whether a point is at least as good in everything and better in something."""
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def _spread(front: list[int], points: Sequence[Point]) -> list[int]:
    places = {at: _ranks(at, front, points) for at in front}
    figures = range(len(points[front[0]]))
    taken = list(dict.fromkeys(min(front, key=lambda at: points[at][figure]) for figure in figures))
    while len(taken) < len(front):
        rest = [at for at in front if at not in taken]
        taken.append(max(rest, key=lambda at: min(_apart(places[at], places[known]) for known in taken)))
    return taken


def _ranks(at: int, front: list[int], points: Sequence[Point]) -> list[int]:
    return [sum(points[other][figure] < value for other in front) for figure, value in enumerate(points[at])]


def _apart(one: Sequence[int], other: Sequence[int]) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))
