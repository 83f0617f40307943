"""What candidates are looked for beyond those of the store's own figures."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class ProposalsConfig(BaseModel):
    """What a text model is asked to propose."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    combos: Annotated[int, Field(ge=0, le=40)] = 8
    """Most combos that a model is asked about; 0 asks about none."""
    shortlist: Annotated[int, Field(ge=4, le=200)] = 40
    """Products that a model chooses from, for each combo."""
    wanted: Annotated[int, Field(ge=1, le=50)] = 8
    """Most sets of a combo that are taken."""
