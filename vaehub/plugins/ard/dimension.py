"""How many latents are relevant, however many the model has."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from vaehub import (
    Dataset,
    LatentModel,
    ModelParams,
    Needs,
    Recipe,
    RecipeMetric,
    Result,
    Runner,
    Table,
    VaehubError,
)
from vaehub.analysis import MUTED, PALETTE, frame, new_figure
from vaehub.plugins.ard.params import RelevantDimensionParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
class RelevantDimension(RecipeMetric[RelevantDimensionParams]):
    """Number of active latents of a model that has latents to spare.

    Saha, Joshi & Whitaker 2025, Section 4.1.2 and Table 3: ARD-VAE finds about as many active latents with twice
    and four times as many to choose from. Here a model is given twice as many, starting from the recipe's, until some
    of them are not needed. ``relevance``, which defines active latents, is measured and stored for each model.
    """

    needs = Needs(varies="latent_dim", derivatives=True)

    def check(self, recipe: Recipe, model: LatentModel, data: Dataset) -> None:
        """Refuse a recipe that begins with more latents than may be tried."""
        latent_dim = _latent_dim(recipe)
        if latent_dim > self.params.widest:
            raise VaehubError(
                f"metric {self.name!r} tries up to {self.params.widest} latents, and the recipe begins with "
                f"{latent_dim}; set '-s model.latent_dim' lower or '-s metric.widest' higher"
            )

    def measure(self, recipe: Recipe, runner: Runner) -> Result:
        """Return the number of active latents, with those of all models tried.

        Raises:
            VaehubError: If no latent is active, or all of the most that may be tried are.
        """
        tried: dict[int, int] = {}
        latent_dim = _latent_dim(recipe)
        while latent_dim <= self.params.widest:
            found = runner.measure(
                "relevance",
                recipe.vary(model={"latent_dim": latent_dim}),
                n_samples=self.params.n_samples,
                explained=self.params.explained,
            )
            if found.scalars["is_collapsed"]:
                raise VaehubError(
                    f"no latent of the model with {latent_dim} changes what is decoded; train it for longer, "
                    "'-s train.epochs', or lower '-s model.beta'"
                )
            tried[latent_dim] = int(found.scalars["n_active"])
            if tried[latent_dim] < latent_dim:
                table = Table({"latent_dim": list(tried)}, {"n_active": list(tried.values())})
                return Result(
                    scalars={"n_latents": tried[latent_dim], "latent_dim": latent_dim, "n_trained": len(tried)},
                    tables={"search": table},
                )
            latent_dim *= 2
        raise VaehubError(
            f"all {max(tried)} latents are active, and '-s metric.widest' is {self.params.widest}; raise it to try more"
        )

    def plot(self, result: Result) -> Figure:
        """Return active latents against latents, of all models that were trained."""
        from matplotlib.ticker import MaxNLocator

        table = result.tables["search"]
        widths, active = table.keys["latent_dim"], table.columns["n_active"]
        figure = new_figure(4.5, 3.6)
        axes = figure.subplots()
        axes.plot([0, max(widths)], [0, max(widths)], color=MUTED, linewidth=1, label="all")
        axes.plot(widths, active, "o-", color=PALETTE[0], label="active")
        axes.set_xlabel("latents of the model")
        axes.set_ylabel("active latents")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_title(f"{int(result.scalars['n_latents'])} latents are relevant", fontsize=10)
        axes.legend(frameon=False)
        frame(axes)
        return figure


def _latent_dim(recipe: Recipe) -> int:
    params = recipe.model.params
    assert isinstance(params, ModelParams), "every model's are"
    return params.latent_dim
