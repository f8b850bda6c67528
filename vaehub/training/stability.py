"""When a number that a training is to find has converged."""

from __future__ import annotations

from dataclasses import dataclass, field

FEWEST_STEPS = 2000
"""Steps before which nothing counts as converged: at first all latents are active, until some begin to leave."""
SHARE = 0.25
"""Share of all steps so far over which a count has stayed the same when it is called stable. A share, because unused
latents leave ever more slowly: what has not moved for 500 steps may still move after the next 500."""
BETWEEN_COUNTS = 1.08
"""Factor between the steps of two counts, so that three or four lie in that share, and counting stays cheap."""
TOLERANCE = 0.02
"""Share of a count by which it may still move: nothing for fewer than fifty latents."""


@dataclass
class Stability:
    """Counts of a training, and whether they have stopped moving.

    Attributes:
        counts: Steps and count of each time that was counted, in order.
    """

    counts: list[tuple[int, int]] = field(default_factory=list)

    def is_due(self, steps: int) -> bool:
        """Whether it is time to count again."""
        return not self.counts or steps >= BETWEEN_COUNTS * self.counts[-1][0]

    def add(self, steps: int, count: int) -> None:
        """Add a count."""
        self.counts.append((steps, count))

    @property
    def is_reached(self) -> bool:
        """Whether the count has stayed the same for a quarter of all steps so far, and these are enough."""
        if not self.counts:
            return False
        steps = self.counts[-1][0]
        before = [at for at, _ in self.counts if at <= (1 - SHARE) * steps]
        if steps < FEWEST_STEPS or not before:
            return False
        recent = [count for at, count in self.counts if at >= before[-1]]
        return max(recent) - min(recent) <= TOLERANCE * max(recent)

    def note(self, *, ended_early: bool) -> str:
        """Return how it ended, as a phrase for the training's record."""
        steps, count = self.counts[-1]
        if ended_early:
            return f"training ended after {steps} steps, since the number of latents has converged to {count}"
        moved = f"{count} latents after {steps} steps"
        return f"the number of latents did not converge within the whole training: {moved}; more may change it"
