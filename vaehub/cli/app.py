"""The commands. Each reads its options, calls the hub, and prints; what is heavy is imported inside.

No module with commands has ``annotations`` of ``__future__``: Typer evaluates texts several times, for every command.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vaehub.cli import completion
from vaehub.cli.cite import cite
from vaehub.cli.compare import compare
from vaehub.cli.data import data
from vaehub.cli.options import (
    AtEpochsOption,
    AtStepsOption,
    DatasetOption,
    DeviceOption,
    IdsArgument,
    JobsOption,
    JsonOption,
    ModelOption,
    NetworkOption,
    SeedsOption,
    StoreOption,
    TrackerOption,
    TrainingArgument,
    parse_numbers,
    parse_settings,
)
from vaehub.cli.plugins import plugin
from vaehub.cli.report import report
from vaehub.cli.standard_output import Command, answer
from vaehub.cli.stores import store as store_app
from vaehub.cli.study import study
from vaehub.cli.suggest import suggest_dim
from vaehub.cli.train import train
from vaehub.cli.unset_options import Group
from vaehub.core.errors import VaehubError

app = typer.Typer(
    name="vaehub",
    cls=Group,
    help="Latent-space analyses of variational autoencoders, with every result in a database.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(plugin, name="plugin")
app.add_typer(data, name="data")
app.add_typer(study, name="study")
app.add_typer(store_app, name="store")


class Kind(StrEnum):
    """Kinds of the catalog."""

    model = "model"
    network = "network"
    dataset = "dataset"
    metric = "metric"
    study = "study"
    published = "published"
    features = "features"
    executor = "executor"


class Format(StrEnum):
    """How the answer to a query is written."""

    table = "table"
    json = "json"
    csv = "csv"
    parquet = "parquet"


class WeightsFormat(StrEnum):
    """How weights are written."""

    safetensors = "safetensors"
    pt = "pt"


def _version(value: bool) -> None:
    if value:
        from vaehub import __version__

        typer.echo(f"vaehub {__version__}")
        raise typer.Exit


@app.callback()
def settings(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Latent-space analyses of variational autoencoders, with every result in a database."""
    context.obj = {"debug": debug}


@app.command()
def run(
    model: ModelOption,
    metrics: Annotated[
        list[str],
        typer.Option(
            "--metric", "-k", help="Metric to measure; repeatable.", autocompletion=completion.names_of("metric")
        ),
    ],
    dataset: DatasetOption = "digits",
    network: NetworkOption = "mlp",
    seeds: SeedsOption = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set", "-s", metavar="SCOPE.NAME=VALUE", help="Parameter of model, network, data, train or metric."
        ),
    ] = None,
    at_epochs: AtEpochsOption = "",
    at_steps: AtStepsOption = "",
    jobs: JobsOption = None,
    device: DeviceOption = "auto",
    _trackers: TrackerOption = None,
    force: Annotated[bool, typer.Option("--force", help="Train and measure even what is stored.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a model, measure it, and store the results."""
    from vaehub.cli import records, terminal
    from vaehub.cli.progress import progress
    from vaehub.cli.seeds import show_over_seeds
    from vaehub.hub import Hub
    from vaehub.training.devices import one_device_name

    chosen, epochs = parse_settings(assignments or []), parse_numbers(at_epochs, "--at-epochs")
    hub = Hub.open(store, device=one_device_name(device))
    with progress():
        found = hub.run(
            model,
            metrics,
            dataset=dataset,
            network=network,
            seed=seeds or [0],
            settings=chosen,
            at_epochs=epochs,
            at_steps=parse_numbers(at_steps, "--at-steps"),
            force=force,
            jobs=jobs,
        )
    if as_json:
        terminal.print_json([records.as_json(each) for each in found])
        return
    shown: set[str] = set()
    for each in found:
        if each.training is not None and each.training.id not in shown:
            shown.add(each.training.id)
            records.training(each.training, reused=each.reused)
        records.measurement(each)
    if len(set(seeds or [])) > 1:
        show_over_seeds(list(found))
    last = found[-1].id[: records.SHORT]
    terminal.hint(f"next: vaehub show {last} · vaehub plot {last} · vaehub sql 'from summary'")


app.command()(train)
app.command()(compare)
app.command()(cite)
app.command(name="suggest-dim", short_help="Suggest how many latents the data need.")(suggest_dim)


@app.command(name="list", short_help="List models, networks, datasets, metrics and studies.")
def list_(
    kind: Annotated[Kind | None, typer.Argument(help="Only this kind.")] = None,
    search: Annotated[
        str | None,
        typer.Option(
            "--search", help="Only what has these words in its name or its line, such as 'posterior collapse'."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List models, networks, datasets, metrics, studies and feature extractors."""
    from vaehub.cli import tables, terminal
    from vaehub.registry.catalog import Catalog

    found = list(Catalog().entries(kind.value if kind else None))
    if search is not None:
        found = [each for each in found if tables.has_words(each, search)]
        if not found:
            of_kind = f"no {kind.value}" if kind else "nothing"
            raise VaehubError(f"{of_kind} has {search!r} in its name or its line; 'vaehub list' shows all")
    if as_json:
        terminal.print_json([tables.registered_as_json(each) for each in found])
    else:
        tables.catalog(found)


@app.command(short_help="Describe a name with its parameters, or a study.")
def describe(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[KIND] NAME",
            help="Name in the catalog, distribution:name, or train; after a kind, such as model, only of that kind.",
            autocompletion=completion.described,
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Describe a model, network, dataset, metric, feature extractor or training with its parameters, or a study."""
    from dataclasses import asdict

    from vaehub.cli import studies, tables, terminal
    from vaehub.hub import Hub

    if len(words) > 2:
        raise VaehubError(f"one name is described at a time, after its kind if need be, and {len(words)} words came")
    *kind, name = words
    if kind and kind[0] not in list(Kind):
        raise VaehubError(f"unknown kind {kind[0]!r}; the kinds are {', '.join(Kind)}")
    found = Hub.open().describe(name, kind[0] if kind else None)
    if as_json:
        terminal.print_json(
            [
                tables.registered_as_json(each.registered)
                | {"params": list(map(asdict, each.params))}
                | ({"scales": studies.described_as_json(each.study)} if each.study is not None else {})
                for each in found
            ]
        )
        return
    for each in found:
        tables.description(each.registered, each.params)
        if each.study is not None:
            studies.described(each.study)


@app.command()
def show(
    record: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="Id, or the beginning of one.", autocompletion=completion.ids),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Records listed without an id.")] = 20,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a training or a measurement, or the latest of both."""
    from vaehub.cli import records, terminal
    from vaehub.hub import Hub
    from vaehub.hub.views import Measurement

    hub = Hub.open(store)
    if record is None:
        hub.store.must_exist()
        trainings, measurements = hub.recent(limit)
        if as_json:
            listed = {"measurements": list(map(records.record_as_json, measurements))}
            terminal.print_json({"trainings": list(map(records.training_as_json, trainings)), **listed})
        else:
            records.recent(trainings, measurements)
        return
    found = hub.show(record)
    if isinstance(found, Measurement):
        if as_json:
            terminal.print_json(records.as_json(found))
        else:
            records.measurement(found)
    elif as_json:
        parts = {"epochs": found.epochs, "measurements": list(map(records.record_as_json, found.measurements))}
        terminal.print_json(records.training_as_json(found) | parts)
    else:
        records.training_view(found)


@app.command()
def plot(
    ids: IdsArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; its ending decides the format.")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw a measurement, or the losses of a training, into a file; or several of one kind into one picture."""
    from vaehub.cli import pictures, terminal
    from vaehub.hub import Hub

    path = output or Path(f"{ids[0]}.png")
    pictures.check(path)
    pictures.write(Hub.open(store).figure(*ids), path)
    if as_json:
        terminal.print_json({"file": str(path)})
    else:
        terminal.echo(path)


app.command(short_help="Write one self-contained page of what is stored.")(report)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One query, such as: from results")],
    format_: Annotated[Format, typer.Option("--format", "-f", help="How to write the answer.")] = Format.table,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; parquet needs one.")] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=0.001, help="Give the query up after this time.")
    ] = 300.0,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Query the store with SQL; it can be read, not changed. A table shows the first 1,000 rows; other formats, all."""
    from vaehub.cli import answers
    from vaehub.hub import Hub

    chosen = Format.json if as_json else format_
    if chosen is Format.parquet and output is None and answer().isatty():
        raise VaehubError("parquet is no text; name a file with '--output', or pipe it")
    answers.check(chosen.value, output)
    with Hub.open(store).store.spilled(query, timeout=timeout) as spill:
        rows = answers.Streamed(spill)
        if chosen is Format.table:
            answers.show(rows)
        else:
            answers.write(rows, chosen.value, output)


@app.command()
def export(
    record: TrainingArgument,
    format_: Annotated[
        WeightsFormat, typer.Option("--format", "-f", help="How to write the weights.")
    ] = WeightsFormat.safetensors,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write.")] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Export the weights of a stored training."""
    from vaehub.cli import terminal
    from vaehub.hub import Hub

    path = Hub.open(store).export(record, output, format=format_.value)
    if as_json:
        terminal.print_json({"file": str(path)})
    else:
        terminal.echo(path)


@app.command(short_help="Check every value, checksum and pointer of the store.")
def verify(
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Delete files that interrupted work left an hour ago.")
    ] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read every value of the store, and check every checksum and pointer."""
    from vaehub.cli import records, terminal
    from vaehub.hub import Hub

    found = Hub.open(store).verify(remove_leftovers=sweep)
    if as_json:
        counts = {
            name: getattr(found, name) for name in ("n_trainings", "n_measurements", "n_files", "tables", "problems")
        }
        terminal.print_json(counts | {"leftovers": [str(path) for path in found.leftovers]})
    else:
        records.verification(found)
    if found.problems:
        raise typer.Exit(1)


def _with_stdout_to_itself(group: typer.Typer) -> None:
    for command in group.registered_commands:
        command.cls = Command
    for each in group.registered_groups:
        if each.typer_instance is not None:
            _with_stdout_to_itself(each.typer_instance)


_with_stdout_to_itself(app)
