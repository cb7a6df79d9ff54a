"""Settings of a simulation."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator

from nightschool.errors import ConfigurationError

PERIOD_END: Final = datetime(2025, 7, 1, tzinfo=UTC)
"""The instant, not itself included, at which every simulated period ends."""


class SimulatorConfig(BaseModel):
    """Size, mode and seed of a simulated learning platform."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    users: int = Field(default=5_000, ge=1, description="Number of users.")
    items: int = Field(default=1_000, ge=1, description="Number of content items.")
    interactions: int = Field(default=150_000, ge=1, description="Number of engagements, repeats included.")
    mode: Literal["latent", "independent"] = Field(
        default="latent", description="latent: planted preferences; independent: no preference at all, the null."
    )
    seed: int = Field(default=42, ge=0, description="Everything drawn follows from it.")
    days: int = Field(default=365, ge=1, le=36_500, description="Length of the period, which ends on a fixed date.")
    ordered: float = Field(
        default=0.0, ge=0.0, le=1.0, description="Share of users who take the items of a topic in its planted order."
    )
    devices: bool = Field(
        default=False, description="Whether engagements say on which device; what suits it is planted in latent mode."
    )
    damage: float = Field(default=0.0, ge=0.0, le=0.5, description="Share of each file's rows that is spoilt.")

    @model_validator(mode="wrap")
    @classmethod
    def _refuse(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(values)
        except ValidationError as error:
            first = error.errors()[0]
            setting = ".".join(str(part) for part in first["loc"])
            raise ConfigurationError(
                f"Simulator setting '{setting}' is not valid", seen=first["input"], do=f"{first['msg']}."
            ) from error

    @property
    def period_start(self) -> datetime:
        """The first instant of the simulated period."""
        return PERIOD_END - timedelta(days=self.days)

    @property
    def seconds(self) -> int:
        """Length of the simulated period in seconds."""
        return self.days * 86_400
