"""Params: validated, documented parameters, parsed from a user's values in one place."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Literal, TypeAlias, TypeVar, cast, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from pydantic import Field as Field

from vaehub.core.errors import VaehubError
from vaehub.core.identity import Json
from vaehub.core.problems import problems_of


class Incidental:
    """Marks a parameter that cannot change a number, such as a folder: it is excluded from every identity.

    Used as ``root: Annotated[Path | None, Incidental()] = None``.
    """


class StoredTraining:
    """Marks a parameter that names a stored training by a prefix of its id; the whole id is part of the identity.

    Used as ``encoder: Annotated[str | None, StoredTraining()] = None``; a metric loads it by ``self.model_of(id)``.
    """


class AddedLater:
    """Marks a parameter that a published class got later: at its default it is excluded from the identity.

    So what was stored before the parameter was there keeps its identity. The default has to do what was done before.
    Used as ``scale: Annotated[str | None, AddedLater()] = None``.
    """


class Params(BaseModel):
    """Parameters of a model, network, dataset or metric: frozen, typed, bounded; unknown names are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True, protected_namespaces=()
    )

    @field_validator("*")
    @classmethod
    def _without_tilde(cls, value: object) -> object:
        return value.expanduser() if isinstance(value, Path) else value

    @field_validator("*")
    @classmethod
    def _of_64_bits(cls, value: object) -> object:
        if (beyond := _beyond_64_bits(value)) is not None:
            raise ValueError(f"should fit into 64 bits, and the whole number given takes {beyond.bit_length() + 1}")
        return value

    def identity(self) -> dict[str, Json]:
        """Return the values that decide a number, ready for JSON: defaults included, but for parameters added later."""
        excluded = self._incidental() | self._added_later()
        return cast(dict[str, Json], self.model_dump(mode="json", exclude=excluded))

    def incidental(self) -> dict[str, Json]:
        """Return the incidental values that were set, ready for JSON; a store keeps them to find files again."""
        return cast(dict[str, Json], self.model_dump(mode="json", include=self._incidental(), exclude_defaults=True))

    def name_in_results(self) -> str | None:
        """Return the name that results have for this component, where it is not that of the catalog."""
        return None

    @classmethod
    def _incidental(cls) -> set[str]:
        fields = cls.model_fields.items()
        return {name for name, field in fields if any(isinstance(item, Incidental) for item in field.metadata)}

    def _added_later(self) -> set[str]:
        """Return the parameters that came later and have their default."""
        return {
            name
            for name, field in type(self).model_fields.items()
            if any(isinstance(item, AddedLater) for item in field.metadata) and getattr(self, name) == field.default
        }


def _beyond_64_bits(value: object) -> int | None:
    """Return a whole number that neither the store nor an array can hold, of a value or of what is in it."""
    if isinstance(value, int):
        return None if -(2**63) <= value < 2**63 else value
    inside: Iterable[object] = ()
    if isinstance(value, Mapping):
        inside = value.values()
    elif isinstance(value, tuple | list | set | frozenset):
        inside = value
    return next((found for item in inside if (found := _beyond_64_bits(item)) is not None), None)


LikelihoodName = Literal["bernoulli", "gaussian", "squared_error", "poisson", "negative_binomial"]
"""Names of the likelihoods, here because parameters must load without torch."""
COUNT_LIKELIHOODS = ("poisson", "negative_binomial")
"""Names of those for counts, whose means are shares of an observation's total."""

Positive = Annotated[float, Field(gt=0)]


class ModelParams(Params):
    """Parameters of every model; a model adds its own."""

    latent_dim: int = Field(16, gt=0, description="number of latents")


class LikelihoodParams(ModelParams):
    """Parameters of models with a likelihood p(x|z), which :func:`vaehub.likelihood` builds."""

    likelihood: LikelihoodName = Field("bernoulli", description="distribution of an observation given its latents")
    decoder_variance: Positive | Literal["learned"] = Field(
        1.0, description="variance of a Gaussian likelihood, the same for every value; learned makes it a weight"
    )


SplitName = Literal["train", "validation", "test", "all"]
"""Names of the splits of a dataset; ``all`` is the whole."""
SampleSize = Annotated[int, Field(gt=0)] | Literal["all"]
"""How many observations are drawn."""


class SplitParams(Params):
    """Parameters of every metric that looks at one split of the data."""

    split: SplitName = Field("train", description="split of the data that is used")


class SampleParams(SplitParams):
    """Parameters of every metric that draws observations from one split; a metric sets its own default size."""

    n_samples: SampleSize = Field(1000, description="observations drawn; all there are, if the split has fewer")


P = TypeVar("P", bound=Params)
AnyParams: TypeAlias = Params

# With a default, a contract without type argument is one of any parameters. At run time nobody needs it, and Python
# has it from 3.13 on.
if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    P_co = TypeVarWithDefault("P_co", bound=Params, covariant=True, default=Params)
    M_co = TypeVarWithDefault("M_co", bound=ModelParams, covariant=True, default=ModelParams)
    L_co = TypeVarWithDefault("L_co", bound=LikelihoodParams, covariant=True, default=LikelihoodParams)
else:
    P_co = TypeVar("P_co", bound=Params, covariant=True)
    M_co = TypeVar("M_co", bound=ModelParams, covariant=True)
    L_co = TypeVar("L_co", bound=LikelihoodParams, covariant=True)


class Parametrised(Generic[P_co]):
    """What has parameters: of the class that is its type argument, as in ``class Relevance(ModelMetric[Mine])``.

    Attributes:
        Params: The parameters' class; a subclass without type argument has that of the class it derives from.
        params: The parameters.
    """

    Params: ClassVar[type[AnyParams]] = AnyParams
    params: P_co

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "Params" in vars(cls):
            return
        for base in vars(cls).get("__orig_bases__", ()):
            for argument in get_args(base):
                if isinstance(argument, type) and issubclass(argument, AnyParams):
                    cls.Params = argument


def parse(params: type[P], values: Mapping[str, object], *, owner: str) -> P:
    """Return validated parameters from a user's values.

    Args:
        params: The parameters' class.
        values: Names and values as the user gave them; text is converted where a type allows it.
        owner: Owner of the parameters, as messages name it, such as ``model 'ard'``.

    Raises:
        VaehubError: If a value is invalid; one sentence names every problem.
    """
    try:
        return params.model_validate(dict(values))
    except ValidationError as error:
        problems = problems_of(error, params)
        raise VaehubError(f"{owner} was given parameters that do not fit: {'; '.join(problems)}") from error
