"""What a model's makers advise, where a request says nothing."""

from __future__ import annotations

from dataclasses import replace

from dovetail.core.model import Model
from dovetail.core.request import GenerateRequest, Sampling


def advised(sampling: Sampling, model: Model) -> Sampling:
    """`sampling` with the model's own values for what it leaves open."""
    unsaid = {name: value for name, value in model.sampling if getattr(sampling, name) is None}
    if model.logit_bias and not sampling.logit_bias:
        sampling = replace(sampling, logit_bias=dict(model.logit_bias))
    return replace(sampling, **unsaid) if unsaid else sampling


def bounded(request: GenerateRequest, model: Model) -> GenerateRequest:
    """`request` with the model's own bound on its answer, where it says none."""
    if model.max_tokens is None or request.bound_said:
        return request
    return replace(request, max_tokens=model.max_tokens)
