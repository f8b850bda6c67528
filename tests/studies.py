"""Studies that several tests carry out."""


def small_study(*, subset: int = 200, batch_size: int = 100, epochs: int = 1) -> str:
    """Return a study of four trainings on digits, each with its bound."""
    return f"""
[recipe]
model = "vae"
"data.subset" = {subset}
"train.batch_size" = {batch_size}
"train.epochs" = {epochs}
[axes]
"model.latent_dim" = [2, 3]
seed = [0, 1]
[metrics.elbo]
split = "train"
"""


def curve(name: str, *, y: str = "y", value: str = "value", where: str = "") -> str:
    """Return an analysis of a study: its bounds by the number of latents."""
    return f"""
[[analyses]]
name = "{name}"
metric = "curves"
params = {{x = "latent_dim", {y} = ["elbo"]}}
sql = "select latent_dim, {value} as elbo from results where name = 'elbo'{where}"
"""
