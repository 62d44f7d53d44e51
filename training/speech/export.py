"""Writes the trained model as CTranslate2 loads it, at 8 bits: ``python -m training.speech.export``."""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from ctranslate2.specs import common_spec, transformer_spec, whisper_spec

from training.speech.model import Attention, Block, Shape, Whisper
from training.speech.words import END, KNOWN, START, TRANSLATE, VOCABULARY

SECONDS = 6  # of a window
TOKENIZER = Path(__file__).with_name("tokenizer.json")
Array = npt.NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="a folder for both models")
    args = parser.parse_args()
    model = Whisper(Shape())
    model.load_state_dict(torch.load(args.checkpoint))
    write_ct2(model.eval(), args.out / "tiny-whisper")


def embedding(model: Whisper) -> Array:
    """A row for each id of Whisper's vocabulary: those that are not known share the last one that was trained."""
    trained = _array(model.decoder.token_embedding.weight)
    rows = np.repeat(trained[-1:], VOCABULARY, axis=0)
    rows[list(KNOWN)] = trained[:-1]
    return rows


def write_ct2(model: Whisper, folder: Path) -> None:
    shape = model.shape
    spec = whisper_spec.WhisperSpec(shape.n_audio_layer, shape.n_audio_head, shape.n_text_layer, shape.n_text_head)
    encoder, decoder = spec.encoder, spec.decoder
    for written, layer in ((encoder.conv1, model.encoder.conv1), (encoder.conv2, model.encoder.conv2)):
        written.weight, written.bias = _array(layer.weight), _array(layer.bias)
    encoder.position_encodings.encodings = _array(model.encoder.positional_embedding)
    _norm(encoder.layer_norm, model.encoder.ln_post)
    decoder.embeddings.weight = embedding(model)
    decoder.projection.weight = decoder.embeddings.weight
    decoder.position_encodings.encodings = _array(model.decoder.positional_embedding)
    _norm(decoder.layer_norm, model.decoder.ln)
    for written, block in zip(
        [*encoder.layer, *decoder.layer], [*model.encoder.blocks, *model.decoder.blocks], strict=True
    ):
        _block(written, block)
    spec.register_vocabulary(_tokens())
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [], []
    spec.config.lang_ids = list(range(START + 1, TRANSLATE))
    spec.config.alignment_heads = [(shape.n_text_layer - 1, head) for head in range(shape.n_text_head)]
    spec.validate()
    spec.optimize(quantization="int8")
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    shutil.copy(TOKENIZER, folder / "tokenizer.json")
    # What reads it must not give it windows that it was not trained on.
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_size": 80, "chunk_length": SECONDS}) + "\n")


def _tokens() -> list[str]:
    known = json.loads(TOKENIZER.read_text())["model"]["vocab"]
    names = {index: token for token, index in known.items()}
    steps = {TRANSLATE + 6 + step: f"<|{step * 0.02:.2f}|>" for step in range(1501)}
    tokens = [names.get(index) or steps.get(index) or f"<|{index}|>" for index in range(VOCABULARY)]
    tokens[END - 1] = ""  # by which CTranslate2 knows a model of many languages
    return tokens


def _block(
    written: "transformer_spec.TransformerEncoderLayerSpec | transformer_spec.TransformerDecoderLayerSpec", block: Block
) -> None:
    _attention(written.self_attention, block.attn, block.attn_ln, cross=False)
    if isinstance(written, transformer_spec.TransformerDecoderLayerSpec):
        _attention(written.attention, block.cross_attn, block.cross_attn_ln, cross=True)
    _norm(written.ffn.layer_norm, block.mlp_ln)
    _linear(written.ffn.linear_0, [block.mlp[0]])
    _linear(written.ffn.linear_1, [block.mlp[2]])


def _attention(
    written: "transformer_spec.MultiHeadAttentionSpec", attention: Attention, norm: torch.nn.LayerNorm, *, cross: bool
) -> None:
    _norm(written.layer_norm, norm)
    inner = [attention.query, attention.key, attention.value]
    parts = [inner[:1], inner[1:]] if cross else [inner]
    for place, layers in zip(written.linear, [*parts, [attention.out]], strict=True):
        _linear(place, layers)


def _linear(written: "common_spec.LinearSpec", layers: list[torch.nn.Linear]) -> None:
    """Several layers of one input are one matrix; Whisper's keys have no bias."""
    written.weight = np.concatenate([_array(layer.weight) for layer in layers])
    biases = [
        np.zeros(layer.out_features, np.float32) if layer.bias is None else _array(layer.bias) for layer in layers
    ]
    written.bias = np.concatenate(biases)


def _norm(written: "common_spec.LayerNormSpec", norm: torch.nn.LayerNorm) -> None:
    written.gamma, written.beta = _array(norm.weight), _array(norm.bias)


def _array(tensor: torch.Tensor) -> Array:
    return tensor.detach().numpy().astype(np.float32)


if __name__ == "__main__":
    main()
