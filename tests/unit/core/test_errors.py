import inspect

from dovetail.core import errors
from dovetail.core.errors import ContextTooLong, DovetailError, ModelNotFound, UnsupportedField


def tree() -> list[type[DovetailError]]:
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass)]
    return [c for c in classes if issubclass(c, DovetailError)]


def test_every_error_stands_in_the_drawn_tree_with_its_status() -> None:
    drawing = errors.__doc__ or ""
    for kind in tree():
        if kind is not DovetailError:
            line = next(line for line in drawing.splitlines() if line.lstrip("│├└─ ").startswith(kind.__name__))
            assert str(kind.status) in line, kind


def test_an_unknown_model_is_answered_with_the_known_ones() -> None:
    error = ModelNotFound("x" * 9999, ["a", "b"])
    assert error.message.endswith("models here: a, b")
    assert len(error.message) < 400
    assert error.param == "model"
    assert "none yet" in ModelNotFound("x", []).message


def test_a_refused_field_is_named() -> None:
    assert UnsupportedField("prediction").param == "prediction"


def test_both_numbers_of_an_overflow_are_told() -> None:
    error = ContextTooLong(9000, 8192)
    assert "9000" in error.message
    assert "8192" in error.message
    assert error.code == "context_length_exceeded"
