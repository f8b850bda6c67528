"""What a worker asks of the one process that writes the database."""

import threading
from multiprocessing import Pipe

import pytest

from vaehub import StoreError
from vaehub.hub.study.worker_process import RemoteSession, StoreCall, StoreReply
from vaehub.store.store import Store


def test_a_worker_asks_the_one_writer_for_no_more_than_it_may(hub):
    hub.store.prepare()
    with hub.store.session() as session:
        assert StoreCall("trainings", (["none"],)).made_to(session) == {}
        with pytest.raises(StoreError, match="a worker asked the store for 'query'"):
            StoreCall("query", ("from trainings",)).made_to(session)


def test_the_session_of_a_worker_answers_as_the_writers_own(hub):
    [found] = hub.run("vae", "elbo", settings={"train.epochs": 1, "model.latent_dim": 3})
    ours, theirs = Pipe()

    def serve():
        while (call := ours.recv()) is not None:
            with hub.store.session() as session:
                ours.send(StoreReply(call.made_to(session)))

    server = threading.Thread(target=serve)
    server.start()
    try:
        remote = Store(hub.store.path, RemoteSession(theirs))
        with remote.session() as session:
            assert session.ids(found.id) == [("measurement", found.id)]
            assert session.trainings([found.training.id]) == {found.training.id: found.training}
        assert remote.find_many([found.id])[found.id].result.scalars == found.result.scalars
        assert remote.weights(found.training.id).keys() == hub.store.weights(found.training.id).keys()
        assert remote.training_id(found.training.id[:8]) == found.training.id
    finally:
        theirs.send(None)
        server.join()
