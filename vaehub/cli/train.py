"""The command that trains without measuring."""

from typing import Annotated

import typer

from vaehub.cli.options import (
    AtEpochsOption,
    AtStepsOption,
    DatasetOption,
    DeviceOption,
    JsonOption,
    ModelOption,
    NetworkOption,
    SeedsOption,
    StoreOption,
    TrackerOption,
    parse_numbers,
    parse_settings,
)
from vaehub.core.errors import VaehubError


def train(
    model: ModelOption,
    dataset: DatasetOption = "digits",
    network: NetworkOption = "mlp",
    seeds: SeedsOption = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="SCOPE.NAME=VALUE", help="Parameter of model, network, data or train."),
    ] = None,
    at_epochs: AtEpochsOption = "",
    at_steps: AtStepsOption = "",
    device: DeviceOption = "auto",
    force: Annotated[bool, typer.Option("--force", help="Train even what is stored.")] = False,
    store: StoreOption = None,
    _trackers: TrackerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a model and store it, without measuring anything."""
    from vaehub.cli import records, terminal
    from vaehub.cli.progress import progress
    from vaehub.hub import Hub
    from vaehub.hub.work import work
    from vaehub.training.devices import one_device_name

    settings, epochs = parse_settings(assignments or []), parse_numbers(at_epochs, "--at-epochs")
    steps = parse_numbers(at_steps, "--at-steps")
    hub = Hub.open(store, device=one_device_name(device))
    recipes = [
        hub.recipe(model, dataset=dataset, network=network, seed=each, settings=settings) for each in seeds or [0]
    ]
    if len(recipes) > 1 and any(recipe.train.together for recipe in recipes):
        raise VaehubError(
            "'train.together' trains the seeds of 'vaehub run' as one program, and 'vaehub train' takes one after the "
            "other; leave it out, or use 'vaehub run'"
        )
    with work(hub.store), progress():
        known = {recipe.id: hub.store.training(recipe.id) for recipe in recipes}
        found = [hub.train(each, at_epochs=epochs, at_steps=steps, force=force) for each in recipes]
    if as_json:
        terminal.print_json(list(map(records.training_as_json, found)))
        return
    for each in found:
        before = known[each.id]
        records.training(each, reused=before is not None and before.started == each.started)
    terminal.hint(f"next: vaehub show {found[-1].id[: records.SHORT]} · vaehub run with the same options and --metric")
