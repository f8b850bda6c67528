"""Plot of the graph between causal latents, from stored values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vaehub import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Circle

Values = NDArray[Any]

FEWEST_DRAWN = 12
"""Edges that are drawn whatever the number of latents: all there can be between four."""
DRAWN_PER_LATENT = 2
"""Edges for each causal latent above which they cover each other; the weakest are then left out, and counted."""
WIDEST = 2.8
"""Points that the strongest edge is wide; the others in proportion."""
PALEST = 0.82
"""Grey of an edge without strength; the strongest is black."""
COLOURS = ("#9ecae1", "#fdae6b", "#a1d99b", "#bcbddc", "#fc9f97", "#e7cb94", "#c7e9c0", "#fde0ef")
"""Of variables of several latents: pale enough for a black number."""
LEAST = 0.06
"""Radius of a latent that is no part of the graph; the circle that the others are on has radius 1."""
STEP, ACROSS = 0.14, 18
"""How far such latents are from each other, and how many are in a row."""
PULL = 0.45
"""How far edges are drawn towards the middle of the circle, so that none runs behind another: share of the way."""
APART = 0.2
"""How far from each other the two directions of a pair are drawn."""
SHARPEST = 1.5
"""Bend of an edge between neighbours at most, in units of their distance."""


class Edge(NamedTuple):
    """What is drawn of an edge.

    Attributes:
        cause: Latent that acts.
        effect: Latent that it acts on.
        response: How far that one moves.
    """

    cause: int
    effect: int
    response: float


def side_of(n_latents: int) -> float:
    """Return how many inches a graph of so many latents takes, in width and height."""
    return float(np.clip(0.2 * n_latents + 2.6, 4.0, 7.0))


def draw_graph(axes: Axes, result: Result) -> None:
    """Draw latents of the graph on a circle, in their order, with an arrow for each edge, as wide as it is strong.

    If there are too many edges to read, only the strongest are drawn, and the title says how many. Latents without a
    response of their own have a dashed rim; those that neither act nor respond are in rows below. Nothing is random, so
    that the same result gives the same plot.

    Args:
        axes: Where to.
        result: Of :class:`~vaehub.plugins.latent_response.latent_response_matrix.LatentResponseMatrix`.
    """
    is_displaced = result.vectors["is_displaced"].values > 0
    is_node = (result.vectors["is_causal"].values > 0) | is_displaced
    shown, others = np.flatnonzero(is_node).tolist(), np.flatnonzero(~is_node).tolist()
    edges = _edges(result)
    drawn = edges[: max(FEWEST_DRAWN, DRAWN_PER_LATENT * len(shown))]
    nodes = _on_circle(axes, shown, result.vectors["variable"].values)
    for latent in np.flatnonzero(is_displaced).tolist():
        nodes[latent].set(linestyle="--", linewidth=1.4)
    # The strongest last, so that it crosses above the others.
    for edge in reversed(drawn):
        _arrow(axes, nodes, edge, edge.response / drawn[0].response)
    below = STEP * _rows(axes, others)
    _key(axes, drawn)
    axes.set(xlim=(-1.3, 1.3), ylim=(-1.7 - below, 1.25), aspect="equal")
    axes.axis("off")
    title = [_title(len(drawn), len(edges), result.vectors["edge_threshold"].values[is_node])]
    if result.scalars["n_variables"] < len(shown):
        title.append("one colour: parts of one variable")
    if is_displaced.any():
        title.append("dashed: without a response of its own")
    axes.set_title("\n".join(title), fontsize=10)


def _edges(result: Result) -> list[Edge]:
    """Return all edges, the strongest first, as the metric has them."""
    if "edges" not in result.tables:
        return []
    table = result.tables["edges"]
    ends = (map(int, table.keys[name]) for name in ("cause", "effect"))
    return [Edge(*each) for each in zip(*ends, table.columns["response"].tolist(), strict=True)]


def _on_circle(axes: Axes, latents: Sequence[int], variables: Values) -> dict[int, Circle]:
    """Draw latents clockwise from the top; those of one variable have one colour."""
    from matplotlib.patches import Circle

    n = max(1, len(latents))
    radius = min(0.15, 0.65 * np.pi / n)
    shared = [variable for variable in dict.fromkeys(variables[latents]) if (variables == variable).sum() > 1]
    nodes = {}
    for latent, angle in zip(latents, np.pi / 2 - 2 * np.pi * np.arange(n) / n, strict=False):
        variable = variables[latent]
        colour = COLOURS[shared.index(variable) % len(COLOURS)] if variable in shared else "white"
        place = (float(np.cos(angle)), float(np.sin(angle)))
        nodes[latent] = Circle(
            place, radius, facecolor=colour, edgecolor="black", linewidth=0.8, zorder=3, gid=str(latent)
        )
        axes.add_patch(nodes[latent])
        axes.text(*place, str(latent), ha="center", va="center", fontsize=11 if n <= 12 else 8, zorder=4)
    return nodes


def _arrow(axes: Axes, nodes: Mapping[int, Circle], edge: Edge, share: float) -> None:
    """Draw an edge from the rim of one latent to that of another."""
    from matplotlib.patches import FancyArrowPatch

    cause, effect = nodes[edge.cause], nodes[edge.effect]
    bend = _bend(np.array(cause.center), np.array(effect.center))
    axes.add_patch(
        FancyArrowPatch(
            cause.center,
            effect.center,
            patchA=cause,
            patchB=effect,
            shrinkA=0,
            shrinkB=1,
            connectionstyle=f"arc3,rad={bend}",
            arrowstyle="-|>",
            mutation_scale=7 + 5 * share,
            zorder=2,
            **_stroke(share),
        )
    )


def _bend(start: Values, end: Values) -> float:
    """Return how far to the right an arc leads, in units of its chord: inwards, and there away from the way back."""
    (x, y), (middle_x, middle_y) = end - start, (start + end) / 2
    chord = np.hypot(x, y)
    inwards = PULL * (middle_y * x - middle_x * y) / chord
    return float(np.clip((inwards + APART) / chord, -SHARPEST, SHARPEST))


def _stroke(share: float) -> dict[str, Any]:  # matplotlib's own options
    return {"linewidth": WIDEST * share, "color": str(PALEST * (1 - share))}


def _rows(axes: Axes, others: Sequence[int]) -> int:
    """Draw latents that are not causal, small and grey, below the circle, and return in how many rows."""
    from matplotlib.patches import Circle

    rows = [others[at : at + ACROSS] for at in range(0, len(others), ACROSS)]
    for down, row in enumerate(rows):
        for across, latent in enumerate(row):
            place = (STEP * (across - (len(row) - 1) / 2), -1.36 - STEP * down)
            axes.add_patch(Circle(place, LEAST, facecolor="0.95", edgecolor="0.8", linewidth=0.5))
            axes.text(*place, str(latent), ha="center", va="center", fontsize=5, color="0.55")
    return len(rows)


def _key(axes: Axes, drawn: list[Edge]) -> None:
    """Say which response the widest and the narrowest arrow have."""
    from matplotlib.lines import Line2D

    ends = {f"{edge.response:.2g}": edge.response / drawn[0].response for edge in drawn[:1] + drawn[-1:]}
    lines = [Line2D([], [], label=label, **_stroke(share)) for label, share in ends.items()]
    if lines:
        axes.legend(
            handles=lines, title="response", loc="lower center", ncols=2, fontsize=8, title_fontsize=8, frameon=False
        )


def _title(n_drawn: int, n: int, thresholds: Values) -> str:
    if len(thresholds) < 2:
        return "no two latents are causal"
    edges = "1 edge" if n == 1 else f"{n} edges"
    which = edges if n == n_drawn else f"strongest {n_drawn} of {edges}"
    low, high = f"{thresholds.min():.2g}", f"{thresholds.max():.2g}"
    return f"{which} above {low}" if low == high else f"{which} above thresholds of {low} to {high}"
