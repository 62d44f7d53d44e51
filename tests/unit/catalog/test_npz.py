"""Archives of NumPy's arrays: what they say is read in Python alone, within bounds, and nothing in them is believed."""

import io
import struct
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dovetail.catalog import npz
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.catalog.npz import read_arrays
from dovetail.catalog.safetensors import Tensor


def array(
    descr: str = "'<f2'", shape: str = "(2, 4)", data: int = 16, *, order: str = "False", version: int = 1
) -> bytes:
    """As NumPy writes it."""
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    length = struct.pack("<H" if version == 1 else "<I", len(header) + 1)
    return b"\x93NUMPY" + bytes((version, 0)) + length + header + b"\n" + bytes(data)


def packed(method: int = zipfile.ZIP_STORED, **members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                member.write(data)
    return out.getvalue()


def written(folder: Path, data: bytes) -> Path:
    path = folder / "weights.npz"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_arrays_are_read_without_their_values(tmp_path: Path, method: int) -> None:
    own = b"\x93NUMPY\x01\x00\x42\x00{'descr': '<V2', 'fortran_order': True, 'shape': (2, 3, )}       \n"  # as MLX does
    whole = packed(
        method, a=array(), b=array("'|b1'", "()", 1), c=array("'>i4'", "(3,)", 12, version=2), d=own + bytes(12)
    )
    assert read_arrays(written(tmp_path, whole)) == {
        "a": Tensor("F16", (2, 4), 16),
        "b": Tensor("BOOL", (), 1),
        "c": Tensor("I32", (3,), 12),
        "d": Tensor("BF16", (2, 3), 12),
    }


def test_mlx_reads_what_is_taken_and_refuses_objects_too(tmp_path: Path) -> None:
    mx = pytest.importorskip("mlx.core")
    path = written(tmp_path, packed(a=array(), b=array("'<f4'", "(2, 2)", 16, order="True")))
    assert {name: each.shape for name, each in read_arrays(path).items()} == {
        name: each.shape for name, each in mx.load(str(path)).items()
    }
    with pytest.raises(ValueError, match="type"):
        mx.load(str(written(tmp_path, packed(a=array("'|O'")))))


@pytest.mark.bad_input("36")
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no archive of arrays"),
        (b"\x80\x04pickle", "pickles are never read"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"PK\x03\x04" + bytes(50), "truncated, or no archive"),
        (packed(a=array())[:-30], "truncated, or no archive"),
        (packed(a=array())[:60] + packed(a=array())[80:], "truncated, or no archive"),
        (packed(a=array("'|O'", "(1,)")), "holds objects"),
        (packed(a=array("[('x', '<f4')]")), "holds objects"),
        (packed(a=array("'<U5'")), "unknown type 'U5'"),
        (packed(a=array("'<f4'", "(2, 5)")), "claims 40 bytes and has 16"),
        (packed(a=array(shape="(99999999999,)")), "no possible shape"),
        (packed(a=array(shape="(1, 1, 1, 1, 1, 1, 1, 1, 1)")), "no possible shape"),
        (packed(a=array(shape="(-1,)")), "cannot be read"),
        (packed(a=array(version=3)), "is no array"),
        (packed(a=b"\x80\x04pickle in a member"), "is no array"),
        (packed(a=array()[:9]), "is no array"),
        (packed(a=b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(2000)), "cannot be read"),
        (packed(zipfile.ZIP_LZMA, a=array()), "a method that NumPy does not use"),
        (packed(zipfile.ZIP_BZIP2, a=array()), "a method that NumPy does not use"),
    ],
)
def test_what_the_loader_could_not_read_says_why(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(InvalidModelFile) as refused:
        read_arrays(written(tmp_path, data))
    assert said in refused.value.reason


def test_what_is_locked_says_so(tmp_path: Path) -> None:
    data = bytearray(packed(a=array()))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    with pytest.raises(InvalidModelFile, match="encrypted"):
        read_arrays(written(tmp_path, bytes(data)))


def test_no_more_is_read_than_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, packed(zipfile.ZIP_STORED, **{f"a{number}": array() for number in range(20)}))
    for bound, most, said in (
        ("MAX_ARRAYS", 19, "more than 19"),
        ("MAX_DIRECTORY", 64, "a directory larger"),
        ("MAX_READ", 2048, "headers of more"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(npz, bound, most)
            with pytest.raises(InvalidModelFile, match=said):
                read_arrays(path)
    now = iter((0.0, 1.0, *[9.0] * 99))
    with pytest.raises(InvalidModelFile, match="longer than 5 s"):
        read_arrays(path, lambda: next(now))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_nothing_that_is_damaged_gets_further_than_a_reason(tmp_path: Path, data: st.DataObject) -> None:
    whole = bytearray(packed(zipfile.ZIP_DEFLATED, a=array(), b=array("'<f4'", "(2, 2)")))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = written(tmp_path, bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    with suppress(InvalidModelFile):
        assert all(isinstance(each, Tensor) for each in read_arrays(path).values())
