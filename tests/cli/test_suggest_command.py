"""How many latents, as a user asks."""

import json

import pytest
from PIL import Image

QUICK = ("--seeds", "2", "--jobs", "1", "--set", "data.subset=300", "--set", "train.epochs=2")
METHODS = ("--method", "relevant_dimension", "--method", "intrinsic_dimension_mle")


@pytest.mark.slow
def test_methods_stand_side_by_side_and_are_drawn(vaehub):
    asked = vaehub("suggest-dim", "digits", *METHODS, *QUICK, "--picture", "dim.png")
    assert asked.returncode == 0, asked.stderr
    assert "relevant_dimension" in asked.stdout
    assert "2 of 2" in asked.stdout
    assert "Use " in asked.stdout
    assert "dimensions of their own" in asked.stdout
    with Image.open("dim.png") as picture:
        assert picture.size[0] > 500

    again = vaehub("suggest-dim", "digits", *METHODS, *QUICK, "--json")
    found = json.loads(again.stdout)
    assert found["data"] == "digits"
    by_method = {each["method"]: each for each in found["answers"]}
    assert by_method["intrinsic_dimension_mle"]["is_bound"]
    assert len(by_method["relevant_dimension"]["values"]) == 2
    assert found["latent_dim"] == max(1, round(by_method["relevant_dimension"]["mean"]))
    assert f"Use {found['latent_dim']} latents" in asked.stdout


@pytest.mark.slow
def test_without_an_answer_it_fails_and_says_so(vaehub):
    asked = vaehub("suggest-dim", "digits", "--method", "intrinsic_dimension_mle", "--seeds", "1", "--jobs", "1")
    assert asked.returncode == 1
    assert "There is no recommendation yet" in asked.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nothing"], "unknown dataset 'nothing'"),
        (["./nothing"], "there is nothing at './nothing'"),
        (["digits", "--budget", "soon"], "--budget is 'soon'"),
        (["digits", "--picture", "nowhere/dim.png"], "there is no folder 'nowhere'"),
        (["digits", "--picture", "dim.xyz"], "its name should end with one of"),
        (["digits", "--method", "elbo"], "'elbo' does not say how many latents data need"),
        (["digits", "--set", "model.beta=2"], "each method brings its own model"),
        (["digits", "--network", "mpl"], "did you mean 'mlp'"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(vaehub, arguments, says, tmp_path):
    asked = vaehub("suggest-dim", *arguments)
    assert asked.returncode == 2
    assert says in asked.stderr
    assert len(asked.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "vaehub-store").exists()
