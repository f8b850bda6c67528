"""What goes wrong after the first record is failed work, with exit code 1, and before it a wrong request, with 2."""

import pytest
from studies import small_study

from vaehub import Hub, VaehubError, WorkFailed
from vaehub.core.errors import NotRecorded, StoreError
from vaehub.hub.builder import Builder
from vaehub.hub.study.study import Study
from vaehub.hub.work import work
from vaehub.store.session import Session

SMALL = {"train.epochs": 1, "model.latent_dim": 2, "data.subset": 100}


@pytest.fixture
def hub(tmp_path):
    return Hub.open(tmp_path / "store", device="cpu")


def failing_after_records(monkeypatch, store, owner, name, error):
    """Let a method fail, as on a disk that fails, as soon as something has been recorded."""
    method = getattr(owner, name)

    def failing(self, *given, **named):
        if store.n_recorded:
            raise error
        return method(self, *given, **named)

    monkeypatch.setattr(owner, name, failing)


@pytest.mark.parametrize(
    ("owner", "name", "error", "kind"),
    [
        (Session, "trainings", StoreError("store 'it' cannot be read: Input/output error"), NotRecorded),
        (Session, "find_many", StoreError("store 'it' cannot be read: Input/output error"), NotRecorded),
        (Builder, "trained", VaehubError("the data are gone"), WorkFailed),
    ],
)
def test_an_error_after_the_training_is_failed_work(hub, monkeypatch, owner, name, error, kind):
    failing_after_records(monkeypatch, hub.store, owner, name, error)
    with pytest.raises(WorkFailed) as caught:
        hub.run("vae", "elbo", settings=SMALL)
    assert type(caught.value) is kind
    assert str(caught.value) == str(error)
    monkeypatch.undo()
    [training], measurements = hub.store.recent()
    assert (training.status, measurements) == ("done", [])


def test_what_an_earlier_request_recorded_does_not_count(hub):
    hub.run("vae", "elbo", settings=SMALL)
    with pytest.raises(VaehubError) as caught, work(hub.store):
        raise VaehubError("wrong from the beginning")
    assert not isinstance(caught.value, WorkFailed)


def test_once_a_study_is_entered_its_errors_are_failed_work(hub, monkeypatch, tmp_path):
    (tmp_path / "small.toml").write_text(small_study())
    error = StoreError("store 'it' cannot be read: Input/output error")
    failing_after_records(monkeypatch, hub.store, Study, "_work", error)
    with pytest.raises(NotRecorded, match="^store 'it' cannot be read"):
        hub.study(tmp_path / "small.toml").run(jobs=1)
