"""How large the posterior means are."""

import vaehub
from vaehub import Field


class CodeNorm(vaehub.ModelMetric):
    class Params(vaehub.Params):
        power: float = Field(1.0, gt=0, description="power that magnitudes are raised to")

    def measure(self, model, data):
        mu = model.encode_all(data).mu
        size = mu.abs().pow(self.params.power).mean(dim=0)
        return vaehub.Result(scalars={"total": size.sum()}, vectors={"size": size})
