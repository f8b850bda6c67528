"""The command that suggests a number of latents, and its output."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vaehub.cli import completion
from vaehub.cli.options import (
    BudgetOption,
    DevicesOption,
    JobsOption,
    JsonOption,
    NetworkOption,
    StoreOption,
    TimeLeft,
    TrackerOption,
    parse_settings,
)

if TYPE_CHECKING:
    from vaehub.hub.suggest_dim import Answer, Suggestion


def suggest_dim(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="Dataset, or a path to yours: a folder or a file.",
            autocompletion=completion.names_of("dataset"),
        ),
    ],
    network: NetworkOption = "mlp",
    methods: Annotated[
        list[str] | None,
        typer.Option("--method", "-m", help="Metric to ask; repeatable.", show_default="all that can say"),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How often each method is asked.")] = 3,
    budget: BudgetOption = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="SCOPE.NAME=VALUE", help="Parameter of data, network or train."),
    ] = None,
    jobs: JobsOption = None,
    device: DevicesOption = "auto",
    _trackers: TrackerOption = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", "-o", help="Where to write a picture of it, such as dim.png.")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Suggest how many latents the data need, by several methods side by side."""
    from vaehub.cli import pictures, terminal
    from vaehub.cli.progress import progress
    from vaehub.hub import Hub
    from vaehub.hub.plots import suggestion_plot
    from vaehub.hub.work import work

    settings = parse_settings(assignments or [])
    time_left = TimeLeft(budget)
    if picture is not None:
        pictures.check(picture)
    hub = Hub.open(store, device=device)
    with work(hub.store):
        with progress():
            found = hub.suggest_dim(
                data,
                network=network,
                methods=methods,
                seeds=seeds,
                settings=settings,
                budget=time_left.seconds,
                jobs=jobs,
            )
        if picture is not None:
            pictures.write(suggestion_plot(found), picture)
    if as_json:
        terminal.print_json(_as_json(found))
    else:
        _show(found)
        terminal.hint("the same command with --picture dim.png draws it" if picture is None else f"picture: {picture}")
    if found.latent_dim is None:
        raise typer.Exit(1)


def _show(found: "Suggestion") -> None:
    from vaehub.cli import terminal
    from vaehub.cli.tables import table

    rows = [
        [
            each.method,
            _number(each),
            f"{len(each.values)} of {each.n_asked}",
            _time(each.seconds),
            each.suggests.meaning,
        ]
        for each in found.answers
    ]
    table(["method", "says", "seeds", "took", "which is the number of"], rows)
    terminal.out().print(found.words, markup=False)


def _number(answer: "Answer") -> str:
    if answer.mean is None:
        return "failed" if answer.failures else ""
    return f"{answer.mean:.3g}" + (f" ± {answer.spread:.2g}" if answer.spread is not None else "")


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.1f} min"


def _as_json(found: "Suggestion") -> dict[str, object]:
    answers = [
        {
            "method": each.method,
            "meaning": each.suggests.meaning,
            "is_bound": each.suggests.is_bound,
            "values": each.values,
            "mean": each.mean,
            "spread": each.spread,
            "seconds": each.seconds,
            "failures": each.failures,
            "n_asked": each.n_asked,
        }
        for each in found.answers
    ]
    return {
        "data": found.data,
        "network": found.network,
        "epochs": found.epochs,
        "latent_dim": found.latent_dim,
        "words": found.words,
        "answers": answers,
    }
