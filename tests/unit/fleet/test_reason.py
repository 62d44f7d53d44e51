import pytest

from dovetail.fleet.reason import reason, reason_in_service, want_of_memory

GARBAGE = (
    "0.00.009.620 W srv          init: security: no API key is set",
    "0.00.010.046 E gguf_init_from_reader: invalid magic characters: '???t', expected 'GGUF'",
    "0.00.010.126 E llama_model_load: error loading model: llama_model_loader: failed to load model from /m.gguf",
    "0.00.010.414 E srv          init: exiting due to model loading error",
    "/m.gguf: Failed to init server, please check the input params.",
)
NO_MEMORY = (
    "0.28.567.475 E llama_init_from_model: failed to initialize the context: std::bad_alloc",
    "0.28.567.544 E cmn  common_init_: failed to create context with model '/m.gguf'",
)
TRACEBACK = (
    "Traceback (most recent call last):",
    '  File "/x.py", line 9, in <module>',
    "safetensors_rust.SafetensorError: incomplete metadata, file not fully covered",
)
OLD_SERVER = ("llama_model_load: error loading model: unknown architecture", "main: exiting due to model loading error")


@pytest.mark.parametrize(
    ("lines", "status", "expected"),
    [
        (GARBAGE, 1, "invalid magic characters: '???t', expected 'GGUF'"),
        (NO_MEMORY, 1, "failed to initialize the context: std::bad_alloc"),
        (TRACEBACK, 1, "safetensors_rust.SafetensorError: incomplete metadata, file not fully covered"),
        (OLD_SERVER, 1, "llama_model_load: error loading model: unknown architecture"),
        (
            ("INFO loading", "ERROR the model could not be loaded: no weights in the folder"),
            1,
            "no weights in the folder",
        ),
        ((), 3, "the worker ended with status 3"),
        ((), -9, "the worker was ended by SIGKILL, perhaps by the system for want of memory"),
        (NO_MEMORY, -11, "the worker was ended by SIGSEGV (failed to initialize the context: std::bad_alloc)"),
        ((), -200, "the worker was ended by signal 200"),
        (("hello",), None, "the worker ended with status None"),
    ],
)
def test_the_engines_own_words_come_first(lines: tuple[str, ...], status: int | None, expected: str) -> None:
    assert reason(lines, status) == expected


def test_the_systems_own_count_says_what_killed_it() -> None:
    assert reason((), -9, out_of_memory=True) == "the worker was ended by SIGKILL, by the system: out of memory"
    assert reason((), -11, out_of_memory=True) == "the worker was ended by SIGSEGV"


@pytest.mark.parametrize(
    ("line", "starved"),
    [
        ("ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 34", True),
        ("ggml_vulkan: Device memory allocation failed: vk::Device::allocateMemory: ErrorOutOfDeviceMemory", True),
        ("CUDA error: out of memory", True),
        ("ERROR the model could not be loaded: MemoryError", True),
        ("[metal::malloc] Attempting to allocate 99 bytes which is greater than the maximum", True),
        ("", False),
        ("unknown model architecture: 'memory'", False),
    ],
)
def test_want_of_memory_is_told_from_other_ends(line: str, starved: bool) -> None:
    assert want_of_memory([line]) is starved


@pytest.mark.parametrize(
    "line",
    [
        "0.00.144.163 E srv    send_error: task id = 23, error: request (35011 tokens) exceeds the context",
        '0.00.146.918 W srv    operator(): got exception: {"error":{"message":"Missing tool call: {\\"SECRET\\":1}"}}',
        '0.00.146.918 W srv    operator(): got exception: {"error":{"message":"CUDA error SECRET"}}',
        "ValueError: SECRET",
        "ERROR SECRET",
    ],
)
def test_what_a_request_was_refused_for_is_no_reason_of_a_death(line: str) -> None:
    assert reason_in_service([line], -11) == "the worker was ended by SIGSEGV"
    assert reason_in_service([line], 1) == "the worker ended with status 1"


@pytest.mark.parametrize(
    "line",
    [
        "/src/ggml/src/ggml.c:1234: GGML_ASSERT(a->ne[0] == b->ne[0]) failed",
        "Fatal Python error: Segmentation fault",
        "CUDA error: an illegal memory access was encountered",
        "terminate called after throwing an instance of 'std::bad_alloc'",
    ],
)
def test_what_ended_a_worker_that_served_is_its_reason(line: str) -> None:
    before = ["0.00.144.163 E srv    send_error: task id = 23, error: no"]
    assert reason_in_service([*before, line, "  frame 1"], -6) == f"the worker was ended by SIGABRT ({line})"
    assert reason_in_service([line, *["I later"] * 40], -6) == "the worker was ended by SIGABRT"
