"""A model of the hub as it would be here, by its header alone: enough to reckon what a load of it would take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dovetail.catalog.capabilities import HEARS
from dovetail.catalog.delivery import Delivery, Order
from dovetail.catalog.files import parse_object
from dovetail.catalog.gguf import read_start
from dovetail.catalog.gguf_bytes import MAX_READ, HeaderCut
from dovetail.catalog.gguf_header import GgufHeader
from dovetail.catalog.invalid import InvalidModelFile
from dovetail.catalog.mlx import MAX_CONFIG, quantisation_of, shape_of
from dovetail.catalog.transfer import RemoteFile
from dovetail.catalog.whisper import WEIGHTS, hears
from dovetail.core.model import Model, Weights

# Headers are as large as their vocabulary: a few of these are enough for any.
_STEPS = (1 << 20, 8 << 20, MAX_READ)


def preview(order: Order, endpoint: str | None = None) -> Model:
    """Blocks on the network, for a few megabytes. Raises InvalidModelFile, Unreachable, DownloadFailed."""
    delivery = Delivery(order, Path(), endpoint)
    weights = [file for file in order.files if not file.name.rpartition("/")[2].lower().startswith("mmproj")]
    ggufs = sorted((file for file in weights if file.name.endswith(".gguf")), key=lambda file: file.name)
    size = sum(file.size for file in weights if file.name.endswith((".gguf", ".safetensors", ".bin", ".npz")))
    if any(file.name == WEIGHTS for file in order.files):
        return Model(order.repo, "whisper", Path(order.repo), size=size, capabilities=HEARS)
    return _gguf(delivery, order, ggufs, size) if ggufs else _mlx(delivery, order, size)


def _gguf(delivery: Delivery, order: Order, files: list[RemoteFile], size: int) -> Model:
    header = _header(delivery, files[0])
    whole = header.weights
    if len(files) > 1:  # the other parts are thought to be like the first
        more = size / files[0].size
        whole = Weights(matrices=tuple((kind, int(count * more)) for kind, count in whole.matrices))
    return Model(
        order.repo,
        "gguf",
        Path(files[0].name),
        size=size,
        shape=header.shape,
        weights=whole,
        quantisation=header.quantisation,
    )


def _header(delivery: Delivery, file: RemoteFile) -> GgufHeader:
    for count in _STEPS[:-1]:
        try:
            return read_start(delivery.start(file, count), file.size)
        except HeaderCut:
            pass
    return read_start(delivery.start(file, _STEPS[-1]), file.size)


def _mlx(delivery: Delivery, order: Order, size: int) -> Model:
    configs = [file for file in order.files if file.name == "config.json"]
    if not configs or configs[0].size > MAX_CONFIG:
        raise InvalidModelFile(f"{order.repo} has no config.json that can be read")
    config = parse_object(delivery.start(configs[0], MAX_CONFIG), "config.json")
    if hears(config):
        return Model(order.repo, "whisper", Path(order.repo), size=size, capabilities=HEARS)
    if not isinstance(config.get("model_type"), str):
        raise InvalidModelFile("config.json has no model_type")
    model = Model(order.repo, "mlx", Path(order.repo), size=size, quantisation=quantisation_of(config, {}))
    return replace(model, shape=shape_of(config, 0))
