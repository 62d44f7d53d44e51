"""What `pip install` brings where: the engines of each platform, read from the package's own requirements."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
ENGINES = {"xllamacpp", "mlx", "mlx-lm", "llguidance"}
LINUX = {"sys_platform": "linux", "platform_machine": "x86_64"}
ARM_LINUX = {"sys_platform": "linux", "platform_machine": "aarch64"}
APPLE = {"sys_platform": "darwin", "platform_machine": "arm64"}
INTEL_MAC = {"sys_platform": "darwin", "platform_machine": "x86_64"}
WINDOWS = {"sys_platform": "win32", "platform_machine": "AMD64"}


def wanted(platform: dict[str, str]) -> list[str]:
    """Engine packages on `platform`, with their extras."""
    lines = tomllib.loads(PYPROJECT.read_text())["project"]["dependencies"]
    parsed = [Requirement(line) for line in lines]
    here = [r for r in parsed if r.name in ENGINES and (not r.marker or r.marker.evaluate(platform))]
    return sorted(r.name + "".join(f"[{extra}]" for extra in r.extras) for r in here)


@pytest.mark.accept("E7")
@pytest.mark.parametrize(
    ("platform", "engines"),
    [
        (LINUX, "llguidance mlx-lm mlx[cpu] xllamacpp"),
        (ARM_LINUX, "llguidance mlx-lm mlx[cpu] xllamacpp"),
        (APPLE, "llguidance mlx mlx-lm xllamacpp"),
        (INTEL_MAC, "xllamacpp"),
        (WINDOWS, "xllamacpp"),
    ],
)
def test_each_platform_gets_the_engines_that_exist_for_it(platform: dict[str, str], engines: str) -> None:
    assert wanted(platform) == engines.split()
