"""How large the posterior means are."""

import vaehub
from vaehub import Field


class CodeNormParams(vaehub.SampleParams):
    power: float = Field(1.0, gt=0, description="power that magnitudes are raised to")


class CodeNorm(vaehub.ModelMetric[CodeNormParams]):
    needs = vaehub.Needs(observations=2)

    def measure(self, model: vaehub.LatentModel, data: vaehub.Dataset) -> vaehub.Result:
        sample = self.draw(model, data)
        size = sample.mu.abs().pow(self.params.power).mean(dim=0)
        return vaehub.Result(scalars={"total": size.sum(), "n_samples": sample.n}, vectors={"size": size})
