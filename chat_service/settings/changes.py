"""Two configurations of one launch: what changed, and what of it needs a restart. Pure."""

from dataclasses import replace
from typing import NamedTuple

from chat_service.config import ConfigError, LaunchConfig
from chat_service.settings.checks import conflicts
from chat_service.settings.launch import launch_config
from chat_service.settings.table import SETTINGS

ROOMS = "retention.rooms"
DIRECT = "retention.direct"
CERTIFICATE = "tls.cert"


class Changes(NamedTuple):
    """Keys of settings, in the order of the table."""

    # Servers that run take their new values at once.
    applied: tuple[str, ...]
    # Their new values hold for what is started from now on.
    after_restart: tuple[str, ...]


def changes(old: LaunchConfig, new: LaunchConfig) -> Changes:
    """Compare what is in force with what is asked for now."""
    changed = [setting for setting in SETTINGS.values() if setting.of(old) != setting.of(new)]
    applied = [setting.key for setting in changed if setting.live]
    if old.retention.rooms != new.retention.rooms:
        applied.append(ROOMS)
    is_own = (old.retention.direct is not None, new.retention.direct is not None)
    if is_own[0] != is_own[1] and not any(key.startswith(DIRECT) for key in applied):
        applied.append(DIRECT)
    same_files = new.tls.given is not None and old.tls.files == new.tls.files
    if same_files and old.tls.fingerprint != new.tls.fingerprint:
        applied.append(CERTIFICATE)
    return Changes(tuple(applied), tuple(setting.key for setting in changed if not setting.live))


def check_meanwhile(old: LaunchConfig, new: LaunchConfig) -> None:
    """See that servers of `old` can run on with what a reload of `new` applies at once.

    Each of the two was checked by itself. Raises ConfigError where the mixture breaks what
    the server promises.
    """
    values = {key: setting.of(new if setting.live else old) for key, setting in SETTINGS.items()}
    retention = new.retention
    mixed = launch_config(values, dict(retention.rooms), has_direct=retention.direct is not None)
    # Each was allowed what it asked for.
    mixed = replace(mixed, insecure=old.insecure or new.insecure)
    problems = [
        f"{' and '.join(keys)}: {why}, with what servers that run have until they are restarted"
        for keys, why in conflicts(mixed)
    ]
    if problems:
        raise ConfigError(*problems)
