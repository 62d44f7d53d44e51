"""Starts Dovetail as mlx_gguf_server was: `python main.py`, at port 4000, with the models of `models/` beside you."""

import sys
from pathlib import Path

from dovetail.cli.app import run

models = ["--models-dir", "models"] if Path("models").is_dir() else []
sys.exit(run(["serve", "--port", "4000", *models, *sys.argv[1:]]))
