"""Dovetail's configuration: one tree of values from `dovetail.toml`, `DOVETAIL_*` and flags, built once in `cli`.

Precedence: flags, then environment (`DOVETAIL_SERVER__PORT`), then the file, then the defaults of `sections`.
Unknown keys are errors, wherever they stand.
"""

from dovetail.settings.sections import (
    AccessSettings,
    CatalogSettings,
    EngineSettings,
    FleetSettings,
    GgufSettings,
    HubSettings,
    JournalSettings,
    KvSettings,
    LoadSettings,
    LogSettings,
    ModelSettings,
    ResponseSettings,
    ServerSettings,
    Settings,
    default_home,
    schema,
)
from dovetail.settings.sent import MediaSettings, SpeechSettings
from dovetail.settings.sources import ENV_PREFIX, FILE_NAME, ConfigError, Source, Sources, load_settings

__all__ = [
    "ENV_PREFIX",
    "FILE_NAME",
    "AccessSettings",
    "CatalogSettings",
    "ConfigError",
    "EngineSettings",
    "FleetSettings",
    "GgufSettings",
    "HubSettings",
    "JournalSettings",
    "KvSettings",
    "LoadSettings",
    "LogSettings",
    "MediaSettings",
    "ModelSettings",
    "ResponseSettings",
    "ServerSettings",
    "Settings",
    "Source",
    "Sources",
    "SpeechSettings",
    "default_home",
    "load_settings",
    "schema",
]
