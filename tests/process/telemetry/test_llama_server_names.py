"""llama-server's own metrics, from the engine itself: the names that ours are held against."""

import re
import subprocess
import sys

import pytest

from dovetail import demo
from dovetail.telemetry.families import LLAMA_SERVER

pytest.importorskip("xllamacpp")

# What it counts of its own decoding steps, and a gateway cannot know.
NOT_KNOWN = {
    "llamacpp:n_decode_total",
    "llamacpp:n_busy_slots_per_decode",
    "llamacpp:spec_decode_num_draft_tokens_total",
    "llamacpp:spec_decode_num_accepted_tokens_total",
    "llamacpp:spec_decode_num_drafts_total",
}
# It calls the longest sequence so far a counter, which in Prometheus' sense it is not.
OTHERWISE = {"llamacpp:n_tokens_max": "gauge"}
SCRIPT = """
import sys, urllib.request, xllamacpp
params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.endpoint_metrics = True
params.n_ctx = 256
params.cpuparams.n_threads = 1
server = xllamacpp.Server(params)
print(urllib.request.urlopen(server.listening_address + "/metrics", timeout=30).read().decode())
"""


def test_our_names_and_types_are_llama_server_s() -> None:
    (file,) = sorted(demo.models_dir().rglob("tiny-gguf*.gguf"))[:1]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(file)], capture_output=True, text=True, timeout=60, check=True
    )
    theirs = dict(re.findall(r"^# TYPE (\S+) (\S+)$", done.stdout, re.MULTILINE))
    ours = {family.name: family.kind for family in LLAMA_SERVER}
    assert ours.keys() == theirs.keys() - NOT_KNOWN
    assert theirs.keys() >= NOT_KNOWN
    assert ours == {name: OTHERWISE.get(name, theirs[name]) for name in ours}
