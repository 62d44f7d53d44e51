"""Bodies that only a client of the worker itself could send: refused by field, never an error of the worker."""

from __future__ import annotations

import pytest

pytest.importorskip("mlx.core")

from dovetail.core.request import Json
from dovetail.workers.mlx.protocol import Known, RequestError, parse_json, read_completion

KNOWN = Known(100, {2}, -1)


@pytest.mark.parametrize("value", ["1e999", "-1e999", "1" + "0" * 400, "true", '"warm"'])
def test_numbers_beyond_measure_are_refused_by_name(value: str) -> None:
    body = parse_json(b'{"prompt": "a", "temperature": %s}' % value.encode())
    with pytest.raises(RequestError, match="'temperature': must be"):
        read_completion(body, KNOWN)


@pytest.mark.parametrize("amount", [10**400, 1e300, float("inf"), float("nan"), True, "1"])
def test_a_bias_that_no_logit_can_hold_is_refused(amount: Json) -> None:
    with pytest.raises(RequestError, match="'logit_bias': must hold numbers"):
        read_completion({"prompt": "a", "logit_bias": [[1, amount]]}, KNOWN)
