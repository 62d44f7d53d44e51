"""What a model's makers advise, where a request says nothing."""

from __future__ import annotations

from dataclasses import replace

from dovetail.core.model import Model
from dovetail.core.request import Sampling


def advised(sampling: Sampling, model: Model) -> Sampling:
    """`sampling` with the model's own values for what it leaves open."""
    unsaid = {name: value for name, value in model.sampling if getattr(sampling, name) is None}
    return replace(sampling, **unsaid) if unsaid else sampling
