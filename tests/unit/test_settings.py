from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail.catalog.guesses import Guesses
from dovetail.gateway.model_settings import guesses
from dovetail.settings import ConfigError, Settings, default_home, load_settings, schema


def load(home: Path, environ: dict[str, str] | None = None, **flags: object) -> Settings:
    return load_settings(None, flags, home, environ or {})


def write(folder: Path, text: str) -> Path:
    path = folder / "dovetail.toml"
    path.write_text(text, "utf-8")
    return path


def test_nothing_configured_gives_the_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings == Settings(home=tmp_path)
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8080)


def test_home_defaults_to_the_platforms_data_folder() -> None:
    assert Settings().home == default_home()


def test_flags_beat_environment_beats_file_beats_defaults(tmp_path: Path) -> None:
    write(tmp_path, '[server]\nport = 1\nhost = "file"\nmax_body = 1\n[log]\nlevel = "debug"\n')
    environ = {"DOVETAIL_SERVER__PORT": "2", "DOVETAIL_SERVER__HOST": "environment"}
    settings = load(tmp_path, environ, server={"port": 3})
    assert settings.server.port == 3
    assert settings.server.host == "environment"
    assert settings.server.max_body == 1
    assert settings.server.keep_alive_every == 5.0
    assert settings.log.level == "debug"


def test_home_comes_from_the_flag_then_the_environment(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        write(folder, f'[server]\nhost = "{folder.name}"\n')
    environ = {"DOVETAIL_HOME": str(there)}
    assert load_settings(None, {}, None, environ).server.host == "there"
    assert load_settings(None, {}, here, environ).server.host == "here"
    assert load_settings(None, {}, here, environ).home == here


def test_a_file_elsewhere_may_name_the_home_folder(tmp_path: Path) -> None:
    config = tmp_path / "mine.toml"
    config.write_text('home = "data"\n')
    assert load_settings(config, {}, None, {}).home == tmp_path / "data"
    assert load_settings(None, {}, None, {"DOVETAIL_CONFIG": str(config)}).home == tmp_path / "data"


def test_the_home_folders_own_file_cannot_move_it(tmp_path: Path) -> None:
    path = write(tmp_path, 'home = "elsewhere"\n')
    with pytest.raises(ConfigError, match="--home") as raised:
        load(tmp_path)
    assert str(raised.value).startswith(f"{path}: home:")


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    assert load(tmp_path, {"DOVETAIL_SERVER__PORT": "", "DOVETAIL_WORKER_SECRET": "s", "PATH": "x"}) == load(tmp_path)


def test_lists_and_models_in_the_environment(tmp_path: Path) -> None:
    environ = {
        "DOVETAIL_FLEET__PRELOAD": '["a", "b"]',
        "DOVETAIL_MODELS__Qwen3-8B__CONTEXT": "4096",
        "DOVETAIL_CATALOG__DEMO": "false",
    }
    settings = load(tmp_path, environ)
    assert settings.fleet.preload == ("a", "b")
    assert settings.models["Qwen3-8B"].context == 4096
    assert settings.catalog.demo is False


def test_relative_paths_belong_to_the_file_that_says_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, working = tmp_path / "home", tmp_path / "working"
    home.mkdir()
    working.mkdir()
    monkeypatch.chdir(working)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    write(home, '[catalog]\nfolders = ["near", "~/far", "/abs"]\n[models.m]\nmmproj = "eye.gguf"\n')
    settings = load(home)
    assert settings.catalog.folders == (home / "near", tmp_path / "user" / "far", Path("/abs"))
    assert settings.models["m"].mmproj == home / "eye.gguf"
    assert load(home, catalog={"folders": ["flag"]}).catalog.folders == (working / "flag",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[server]\nprot = 1\n", "server.prot: unknown key; did you mean port?"),
        ("zzz = 1\n", "zzz: unknown key"),
        ("[server]\nport = 70000\n", "server.port: must be less than or equal to 65535"),
        ("[models.m]\ncontxt = 1\n", "models.m.contxt: unknown key; did you mean context?"),
        ('[log]\nformat = "xml"\n', "log.format: must be 'text' or 'json'"),
        ("server = 3\n", "server: must be"),
        ("[fleet]\npreload = [1]\n", "fleet.preload.0: must be a valid string"),
    ],
)
def test_a_mistake_names_file_and_key(tmp_path: Path, text: str, expected: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as raised:
        load(tmp_path)
    assert f"{path}: {expected}" in str(raised.value)


def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path) -> None:
    write(tmp_path, "[server]\nport = 1\n")
    with pytest.raises(ConfigError, match="environment: DOVETAIL_SERVER__PORT: must be"):
        load(tmp_path, {"DOVETAIL_SERVER__PORT": "many"})
    with pytest.raises(ConfigError, match="environment: DOVETAIL_SERVR: unknown key; did you mean server"):
        load(tmp_path, {"DOVETAIL_SERVR__PORT": "1"})
    with pytest.raises(ConfigError, match="DOVETAIL_FLEET__PRELOAD: not valid JSON"):
        load(tmp_path, {"DOVETAIL_FLEET__PRELOAD": "[a]"})


def test_a_mistake_in_a_flag_names_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^command line: server\.port: must be"):
        load(tmp_path, server={"port": -1})


def test_every_mistake_is_listed(tmp_path: Path) -> None:
    write(tmp_path, "a = 1\nb = 2\n")
    with pytest.raises(ConfigError) as raised:
        load(tmp_path)
    assert len(str(raised.value).splitlines()) == 2


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    path = write(tmp_path, "[server]\nport = = 2\n")
    with pytest.raises(ConfigError, match="line 2") as raised:
        load(tmp_path)
    assert str(raised.value).startswith(f"{path}: ")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "dovetail.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"dovetail\.toml: "):
        load(tmp_path)


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_settings(tmp_path / "none.toml", {}, tmp_path, {})
    with pytest.raises(ConfigError, match="directory"):
        load_settings(tmp_path, {}, tmp_path, {})


def test_load_options_of_one_model_lie_over_the_general_ones() -> None:
    settings = Settings.model_validate(
        {"load": {"context": 1024, "threads": 2}, "models": {"m": {"context": 2048, "aliases": ["n"]}}}
    )
    assert settings.load_for("other") is settings.load
    assert settings.load_for("m").context == 2048
    assert settings.load_for("m").threads == 2


@pytest.mark.parametrize(
    ("said", "memory"),
    [
        ("1000", 1000),
        ('"1000"', 1000),
        ('"12 GiB"', 12 << 30),
        ('"1.5GB"', 1_500_000_000),
        ('"512 mib"', 512 << 20),
        ('"75%"', "75%"),
        ('"12.5 %"', "12.5%"),
    ],
)
def test_memory_is_bytes_or_text(tmp_path: Path, said: str, memory: int | str) -> None:
    write(tmp_path, f"[fleet]\nmemory = {said}\n")
    assert load(tmp_path).fleet.memory == memory


@pytest.mark.parametrize(
    "said",
    [
        '"much"',
        '"0%"',
        '"101%"',
        '"-1 GiB"',
        "-5",
        "1.5",
        "true",
        '"5 GiB or so"',
        "'0'",
        "'0 GiB'",
        "'1.5'",
        "1152921504606846977",
        f"'{'9' * 400} GiB'",
    ],
)
def test_memory_that_is_none_is_a_mistake(tmp_path: Path, said: str) -> None:
    write(tmp_path, f"[fleet]\nmemory = {said}\n")
    with pytest.raises(ConfigError, match=r"fleet\.memory"):
        load(tmp_path)


def test_layers_may_be_left_to_the_arithmetic_by_name(tmp_path: Path) -> None:
    write(tmp_path, '[load]\ngpu_layers = "auto"\n')
    assert load(tmp_path).load.gpu_layers == -1


def test_a_model_has_one_chat_template(tmp_path: Path) -> None:
    said = {"models": {"m": {"chat_template": "a.jinja", "chat_format": "chatml"}}}
    with pytest.raises(ConfigError, match="cannot be had at once"):
        load_settings(None, said, tmp_path, {})
    found = load_settings(None, {"models": {"m": {"chat_template": "a.jinja"}}}, tmp_path, {})
    assert found.models["m"].chat_template == Path.cwd() / "a.jinja"
    assert "chat_template" not in found.load_for("m").model_dump()


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().strict = True  # pyright: ignore[reportAttributeAccessIssue]


def test_the_schema_is_json_and_closed() -> None:
    published = json.loads(json.dumps(schema()))
    assert published["additionalProperties"] is False
    assert set(published["properties"]) == set(Settings.model_fields)


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)))
def test_no_file_content_escapes_as_another_exception(values: dict[str, object]) -> None:
    try:
        Settings.model_validate(load_settings(None, values, Path("/nonexistent"), {}))
    except ConfigError:
        return


def test_a_draft_is_an_id_or_a_file_beside_the_settings(tmp_path: Path) -> None:
    write(tmp_path, '[models.a]\ndraft = "small"\n[models.b]\ndraft = "sub/small.gguf"\nngram = "map-k4v"\n')
    settings = load(tmp_path)
    assert settings.models["a"].draft == "small"
    assert str(settings.models["b"].draft) == str(tmp_path / "sub" / "small.gguf")
    assert guesses(settings, "a") == Guesses("small")
    assert guesses(settings, "b") == Guesses(tmp_path / "sub" / "small.gguf", "map-k4v")
    assert guesses(settings, "c") == Guesses()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[models.x]\nurl = "http://h/v1"\nreplicas = 2\n', "replicas: not of a model that another server loads"),
        ("[fleet]\nmax_models = 2\n[models.x]\nreplicas = 3\n", "models.x.replicas: 3, and fleet.max_models is less"),
        ("[models.x]\nreplicas = 0\n", "models.x.replicas"),
    ],
)
def test_replicas_that_cannot_be_had_are_refused(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "dovetail.toml").write_text(text)
    with pytest.raises(ConfigError, match=why):
        load_settings(None, {}, tmp_path, {})


@pytest.mark.parametrize(
    "url", ["http://h:99999/v1", "http://h:0/v1", "http://h:x", "http://h/a b", "http://\u00fc/v1"]
)
def test_an_address_that_cannot_be_asked_is_a_mistake(tmp_path: Path, url: str) -> None:
    (tmp_path / "dovetail.toml").write_text(f'[models.x]\nurl = "{url}"\n', "utf-8")
    with pytest.raises(ConfigError, match=r"models\.x: "):
        load_settings(None, {}, tmp_path, {})


def test_a_number_that_nobody_can_read_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "dovetail.toml").write_text(f"strict = {'1' * 5000}\n")
    with pytest.raises(ConfigError, match=r"dovetail\.toml: "):
        load_settings(None, {}, tmp_path, {})
