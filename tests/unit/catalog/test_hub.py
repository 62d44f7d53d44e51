"""The hub is not to be had in tests: a local server with the hub's own routes stands for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dovetail.catalog import delivery
from dovetail.catalog.delivery import CARD, STAGING, Delivery, check_room, download, order
from dovetail.catalog.hub import (
    HubSpec,
    Repository,
    choose,
    fit,
    parse_spec,
    quantisation_in,
    recommended,
    search,
    variants,
    wanted,
)
from dovetail.catalog.scan import scan
from dovetail.catalog.transfer import ChecksumMismatch, DownloadFailed, RemoteFile, Stop, Stopped, Unreachable
from dovetail.core.errors import DiskFull, InvalidRequest

from .hub_server import REPO, SHA, Hub, hub_server

MODEL = bytes(range(256)) * 8192  # 2 MiB


def at_once(_attempt: int, _asked: float | None = None) -> float:
    return 0.0


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(delivery, "wait_before", at_once)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with hub_server() as served:
        served.files = {"m.gguf": MODEL}
        yield served


def fetch(hub: Hub, models: Path, spec: str = REPO) -> Path:
    return download(parse_spec(spec), models, endpoint=hub.address)


# What comes


@pytest.mark.accept("E10")
def test_a_file_of_a_repository_lands_in_the_models_folder(hub: Hub, tmp_path: Path) -> None:
    hub.files = {"tiny-Q4_K_M.gguf": b"q4" * 5000, "tiny-Q8_0.gguf": b"q8" * 9000, "README.md": b"x"}
    seen: list[tuple[int, int]] = []
    spec = parse_spec(f"{REPO}:tiny-Q8_0.gguf")
    path = download(spec, tmp_path, lambda done, total: seen.append((done, total)), hub.address)
    assert path == tmp_path / "tiny" / "tiny-Q8_0.gguf"
    assert path.read_bytes() == hub.files["tiny-Q8_0.gguf"]
    assert seen[-1] == (18_000, 18_000)
    assert sorted(p.name for p in path.parent.iterdir()) == [CARD, "tiny-Q8_0.gguf"]


def test_an_mlx_repository_is_fetched_without_its_code(hub: Hub, tmp_path: Path) -> None:
    hub.files = {"config.json": b"{}", "model.safetensors": b"w" * 100, "model.py": b"evil", "pytorch_model.bin": b"p"}
    hub.small = frozenset({"config.json"})
    folder = fetch(hub, tmp_path)
    assert sorted(p.name for p in folder.iterdir()) == [CARD, "config.json", "model.safetensors"]


def test_what_is_there_is_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    fetch(hub, tmp_path)
    fetch(hub, tmp_path)
    assert len(hub.sent) == 1
    (tmp_path / "tiny" / CARD).unlink()
    fetch(hub, tmp_path)
    assert len(hub.sent) == 1, "it has the hub's checksum, wherever it came from"
    hub.files["m.gguf"] = MODEL[::-1]
    assert fetch(hub, tmp_path).read_bytes() == MODEL[::-1]
    assert len(hub.sent) == 2


def test_anothers_repository_of_the_same_name_has_a_folder_of_its_own(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / CARD).write_text('{"repo": "else/tiny"}')
    assert fetch(hub, tmp_path) == tmp_path / "someone-tiny" / "m.gguf"


@pytest.mark.parametrize("name", ["config.json", "m.gguf"])
def test_what_somebody_put_there_by_hand_is_neither_mixed_with_nor_replaced(
    hub: Hub, tmp_path: Path, name: str
) -> None:
    for folder in ("tiny", "someone-tiny"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text("mine")
    path = fetch(hub, tmp_path)
    assert path.parent.name.startswith("someone-tiny-")
    assert path.read_bytes() == MODEL
    assert [p.name for p in (tmp_path / "tiny").iterdir()] == [name]
    assert (tmp_path / "tiny" / name).read_text() == "mine"
    assert fetch(hub, tmp_path) == path
    assert len(hub.sent) == 1


def test_a_folder_appears_with_its_card_and_where_another_was_quicker_files_join_it(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.files = {"m-Q4_0.gguf": b"4" * 100, "m-Q8_0.gguf": b"8" * 100}
    rename = Path.rename

    def late(staging: Path, folder: Path) -> Path:
        assert (staging / CARD).exists()
        monkeypatch.setattr(Path, "rename", rename)
        fetch(hub, tmp_path, f"{REPO}:Q8_0")
        return rename(staging, folder)

    monkeypatch.setattr(Path, "rename", late)
    path = fetch(hub, tmp_path, f"{REPO}:Q4_0")
    assert sorted(each.name for each in path.parent.iterdir()) == [CARD, *hub.files]
    fetch(hub, tmp_path, f"{REPO}:Q4_0")
    fetch(hub, tmp_path, f"{REPO}:Q8_0")
    assert len(hub.sent) == 2


def test_a_model_is_not_seen_before_it_is_whole(hub: Hub, tmp_path: Path) -> None:
    hub.files = {f"m-0000{n}-of-00002.gguf": MODEL for n in (1, 2)}
    hub.statuses = []
    hub.cuts = [len(MODEL), 1000]
    with pytest.raises(Unreachable):
        Delivery(order(parse_spec(REPO), hub.address), tmp_path, hub.address).run()
    assert scan([tmp_path]) == []
    assert not (tmp_path / "tiny").exists()
    fetch(hub, tmp_path)
    assert sorted(p.name for p in (tmp_path / "tiny").glob("*.gguf")) == sorted(hub.files)
    assert list((tmp_path / STAGING).glob("*tiny@*[!k]")) == []


# What is cut


@pytest.mark.parametrize("cuts", [[1_000_000], [1, 1, 1], [len(MODEL) - 1], [500_000, 500_000, 500_000]])
def test_a_cut_download_goes_on_where_it_stopped(hub: Hub, tmp_path: Path, cuts: list[int]) -> None:
    hub.cuts = [*cuts]
    assert fetch(hub, tmp_path).read_bytes() == MODEL
    starts = [sent.start for sent in hub.sent]
    assert starts == [sum(cuts[:n]) for n in range(len(cuts) + 1)], "no byte is fetched twice"


def test_a_hub_without_ranges_begins_anew(hub: Hub, tmp_path: Path) -> None:
    hub.cuts, hub.ranges = [1_000_000], False
    assert fetch(hub, tmp_path).read_bytes() == MODEL
    assert [sent.start for sent in hub.sent] == [0, 0]


def test_what_does_not_move_on_is_given_up(hub: Hub, tmp_path: Path) -> None:
    hub.statuses = [503] * 20
    with pytest.raises(Unreachable, match=r"answers 503.*resume"):
        fetch(hub, tmp_path)
    assert 20 - len(hub.statuses) == delivery.ATTEMPTS


def test_a_stop_ends_a_silent_connection_and_loses_nothing(hub: Hub, tmp_path: Path) -> None:
    hub.hold = threading.Event()
    stop = Stop()
    ordered = order(parse_spec(REPO), hub.address)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            Delivery(ordered, tmp_path, hub.address, stop=stop).run(
                lambda done, _: moved.set() if done == half else None
            )
        except Stopped as stopped:
            failed.append(stopped)

    half, moved = len(MODEL) // 2, threading.Event()
    thread = threading.Thread(target=run)
    thread.start()
    assert moved.wait(10)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert len(failed) == 1
    hub.hold.set()
    assert Delivery(ordered, tmp_path, hub.address).have() == half
    hub.hold = None
    assert fetch(hub, tmp_path).read_bytes() == MODEL
    assert [sent.start for sent in hub.sent][-1] == half


# What is wrong


def test_a_wrong_checksum_is_named_and_its_bytes_are_thrown_away(hub: Hub, tmp_path: Path) -> None:
    hub.served = {"m.gguf": MODEL[:-1] + b"!"}
    with pytest.raises(ChecksumMismatch, match=r"m\.gguf arrived damaged: its checksum is [0-9a-f]{64}, the hub lists"):
        fetch(hub, tmp_path)
    assert not (tmp_path / "tiny").exists()
    hub.served = {}
    assert fetch(hub, tmp_path).read_bytes() == MODEL
    assert [sent.start for sent in hub.sent] == [0, 0]


def test_a_small_files_checksum_is_gits(hub: Hub, tmp_path: Path) -> None:
    hub.small = frozenset({"m.gguf"})
    fetch(hub, tmp_path)
    hub.files = {"other.gguf": b"x" * 100}
    hub.small, hub.served = frozenset({"other.gguf"}), {"other.gguf": b"y" * 100}
    with pytest.raises(ChecksumMismatch):
        fetch(hub, tmp_path)


def test_a_half_that_was_changed_on_the_disk_is_found(hub: Hub, tmp_path: Path) -> None:
    hub.cuts = [1_000_000]
    with pytest.raises(Unreachable):
        Delivery(order(parse_spec(REPO), hub.address), tmp_path, hub.address).run()
    (part,) = (tmp_path / STAGING).rglob("*.part")
    part.write_bytes(b"?" * 1_000_000)
    with pytest.raises(ChecksumMismatch):
        fetch(hub, tmp_path)
    assert not part.exists()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"announce": 7}, "due and the hub announces 7"),
        ({"announce": len(MODEL) + 5, "served": {"m.gguf": MODEL + b"extra"}}, "due and the hub announces"),
        ({"cuts": [1000], "span": "bytes 5-9/10"}, r"bytes from 1000 are due and the hub sends bytes 5-9/10"),
        ({"statuses": [401]}, "HF_TOKEN"),
        ({"statuses": [404]}, "changed or gone"),
        ({"redirect": "http://example.com/x"}, "only https is followed"),
        ({"redirect": "https://127.0.0.1:1/x"}, "private network"),
        ({"redirect": "https://169.254.169.254/latest"}, "private network"),
        ({"redirect": "https://[64:ff9b::a9fe:a9fe]/latest"}, "private network"),
        ({"redirect": "https://[2002:a00:1::]/x"}, "private network"),
        ({"redirect": "file:///etc/passwd"}, "only https is followed"),
        ({"redirect": f"/{REPO}/resolve/{SHA}/m.gguf"}, "redirects more than"),
    ],
)
def test_a_hub_that_lies_is_refused(hub: Hub, tmp_path: Path, change: dict[str, object], reason: str) -> None:
    for name, value in change.items():
        setattr(hub, name, value)
    with pytest.raises(DownloadFailed, match=reason):
        fetch(hub, tmp_path)
    assert not (tmp_path / "tiny").exists()


def test_the_token_goes_to_the_hub(hub: Hub, tmp_path: Path) -> None:
    fetch(hub, tmp_path)
    assert hub.sent[0].token == "Bearer hf_secret"


@pytest.mark.parametrize("revision", ["main", "x/../../../..", "../../etc", "", "A" * 40])
def test_a_revision_that_is_none_is_no_part_of_a_path(hub: Hub, tmp_path: Path, revision: str) -> None:
    hub.revision = revision
    with pytest.raises(DownloadFailed, match="at which revision"):
        fetch(hub, tmp_path / "models")
    assert list(tmp_path.iterdir()) == []


def test_code_is_fetched_by_nobodys_wish(hub: Hub, tmp_path: Path) -> None:
    hub.files = {"m.gguf": MODEL, "modeling_m.py": b"evil", "weights.bin": b"pickle"}
    for name in ("modeling_m.py", "weights.bin"):
        with pytest.raises(InvalidRequest, match=r"has m\.gguf: name one"):
            fetch(hub, tmp_path, f"{REPO}:{name}")
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_there_is_named(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="not on the hub"):
        download(HubSpec("no/body"), tmp_path, endpoint=hub.address)
    with pytest.raises(InvalidRequest, match=r"has m\.gguf"):
        download(HubSpec(REPO, "other.gguf"), tmp_path, endpoint=hub.address)
    hub.files = {"README.md": b""}
    with pytest.raises(InvalidRequest, match="neither"):
        download(HubSpec(REPO), tmp_path, endpoint=hub.address)


def test_a_hub_out_of_reach_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="cannot be reached"):
        download(HubSpec(REPO), tmp_path, endpoint="http://127.0.0.1:9")


def test_a_full_disk_is_told_before_a_byte_moves(tmp_path: Path) -> None:
    ordered = delivery.Order(REPO, SHA, (RemoteFile("m.gguf", 1 << 60),))
    with pytest.raises(DiskFull, match="are free on the disk"):
        check_room(ordered, tmp_path / "not" / "there")
    check_room(ordered, tmp_path, have=1 << 60)
    with pytest.raises(DiskFull):
        check_room(ordered, tmp_path, have=1 << 60, others=1 << 60)


def test_two_at_once_do_not_spoil_each_other(hub: Hub, tmp_path: Path) -> None:
    ordered = order(parse_spec(REPO), hub.address)
    first = Delivery(ordered, tmp_path, hub.address)
    with first._alone(), pytest.raises(Unreachable, match="another process"):
        Delivery(ordered, tmp_path, hub.address).run()


# What there is


def test_a_search_lists_repositories(hub: Hub) -> None:
    (hit,) = search("tiny", "gguf", hub.address)
    assert (hit.repo, hit.downloads, hit.formats) == (REPO, 7, ("gguf",))
    assert search("nothing like it", None, hub.address) == []


GIB = 1 << 30
SIZES = {
    "m-Q4_K_M.gguf": 4, "m-Q8_0.gguf": 8, "F16/m-F16-00001-of-00002.gguf": 10, "F16/m-F16-00002-of-00002.gguf": 6,
    "mmproj-m-f16.gguf": 1, "README.md": 0,
}  # fmt: skip
LISTED = Repository("o/n", SHA, tuple(RemoteFile(name, size * GIB) for name, size in SIZES.items()))


def test_variants_have_sizes_and_say_whether_they_fit() -> None:
    found = variants(LISTED)
    assert [(each.choice, each.quantisation, each.bytes // GIB, each.projector) for each in found] == [
        ("m-Q4_K_M.gguf", "Q4_K_M", 5, False),
        ("m-Q8_0.gguf", "Q8_0", 9, False),
        ("F16", "F16", 16, False),
        ("mmproj-m-f16.gguf", "F16", 1, True),
    ]
    assert [fit(each.bytes, 12 * GIB) for each in found[:3]] == ["fits", "tight", "too_large"]
    for each in found[:3]:
        assert sorted(file.name for file in wanted(HubSpec("o/n", each.choice), LISTED)) == sorted(each.files)


def test_a_projector_comes_with_the_model_beside_it() -> None:
    assert found_for("Q8_0") == {"m-Q8_0.gguf", "mmproj-m-f16.gguf"}
    assert found_for("F16") == {name for name in SIZES if name.startswith("F16/")}
    assert found_for("mmproj-m-f16.gguf") == {"mmproj-m-f16.gguf"}


def found_for(choice: str) -> set[str]:
    return {file.name for file in wanted(HubSpec("o/n", choice), LISTED)}


@pytest.mark.parametrize(("room", "choice"), [(64, "m-Q4_K_M.gguf"), (4, None), (None, "m-Q4_K_M.gguf")])
def test_one_is_recommended(room: int | None, choice: str | None) -> None:
    best = recommended(variants(LISTED), None if room is None else room * GIB)
    assert (best.choice if best else None) == choice


def test_an_mlx_repository_is_one_variant() -> None:
    files = (RemoteFile("model.safetensors", 9), RemoteFile("config.json", 1), RemoteFile("x.py", 5))
    (found,) = variants(Repository("mlx-community/Qwen3-8B-4bit", SHA, files))
    assert (found.choice, found.files, found.bytes) == (None, ("model.safetensors", "config.json"), 10)


@pytest.mark.parametrize(
    ("name", "quantisation"),
    [
        ("Qwen3-8B-Q4_K_M.gguf", "Q4_K_M"),
        ("x.IQ2_XXS.gguf", "IQ2_XXS"),
        ("UD-Q3_K_XL/m-UD-Q3_K_XL.gguf", "UD-Q3_K_XL"),
        ("m-bf16.gguf", "BF16"),
        ("plain.gguf", ""),
    ],
)
def test_names_say_their_quantisation(name: str, quantisation: str) -> None:
    assert quantisation_in(name) == quantisation


FILES = ["a-Q4_K_M.gguf", "a-Q8_0.gguf", "b-F16-00001-of-00002.gguf", "b-F16-00002-of-00002.gguf", "mmproj-a.gguf"]


@pytest.mark.parametrize(
    ("choice", "chosen"),
    [("q8_0", ["a-Q8_0.gguf"]), ("F16", FILES[2:4]), (FILES[2], FILES[2:4]), ("a-Q4_K_M.gguf", ["a-Q4_K_M.gguf"])],
)
def test_a_quantisation_stands_for_its_files(choice: str, chosen: list[str]) -> None:
    assert choose(HubSpec(REPO, choice), FILES) == chosen


@pytest.mark.parametrize("choice", [None, "Q", "nothing"])
def test_an_unclear_choice_lists_the_files(choice: str | None) -> None:
    with pytest.raises(InvalidRequest, match=r"a-Q8_0\.gguf"):
        choose(HubSpec(REPO, choice), FILES)


def test_specs() -> None:
    assert parse_spec("o/n") == HubSpec("o/n")
    assert parse_spec("o/n:Q8_0") == parse_spec("o/n/Q8_0") == HubSpec("o/n", "Q8_0")
    for bad in ("n", "/etc/passwd", "o/../n", "http://o/n", "o/n:..", ""):
        with pytest.raises(InvalidRequest):
            parse_spec(bad)
