"""Parameters of Dask. Knows no Dask."""

from typing import Self

from pydantic import model_validator

from vaehub import Field, Params


class DaskParams(Params):
    """Which cluster, and what a job needs there."""

    address: str | None = Field(None, description="address of a scheduler, such as tcp://10.0.0.1:8786")
    cluster: str | None = Field(
        None,
        description="function that makes a cluster, called without arguments: module:function, or ./file.py:function",
    )
    shared_disk: bool = Field(
        True,
        description="whether workers see the folder of the store; if not, each job sends a small one, to be merged",
    )
    retries: int = Field(0, ge=0, description="times that Dask tries a job again that raised an error")
    resources: dict[str, float] = Field({}, description="resources of a worker that each job takes, such as {GPU = 1}")
    wait: float = Field(10.0, gt=0, description="seconds to wait for a scheduler, and for its first worker")

    @model_validator(mode="after")
    def _one_cluster(self) -> Self:
        if (self.address is None) is (self.cluster is None):
            raise ValueError(
                "either 'address' or 'cluster' is needed: 'executor.address=tcp://HOST:8786' for a scheduler, "
                "'executor.cluster=distributed:LocalCluster' for one on this machine"
            )
        return self
