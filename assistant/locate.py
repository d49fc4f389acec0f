"""Find the files that travel with Facecue, and where a person's own belong.

In a checkout, editable installs included, `models/` and `config/` lie beside the package; the wheel carries them
inside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import platformdirs

from assistant.errors import ModelError

_APP: Final = "facecue"


def shipped(name: str) -> Path:
    """Return the folder `models` or `config` that this installation came with, whether or not it exists."""
    package = Path(__file__).resolve().parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


def model_folder(name: str) -> Path:
    """Return the folder of a model: a shipped one by name, or a person's own by path.

    Args:
        name: "compact", "vggface" and so on, or a folder that holds manifest.json.

    Raises:
        ModelError: neither exists; the message lists the names that do.
    """
    own = Path(name).expanduser()
    if (own / "manifest.json").is_file():
        return own
    folder = shipped("models") / name
    if not folder.is_dir():
        raise ModelError(
            f"There is no model {name!r} in {shipped('models')}.",
            f"Use one of: {', '.join(model_names()) or 'none is installed'}; or the path of a folder with "
            "manifest.json. If it should be there, install Facecue again.",
        )
    return folder


def model_names() -> tuple[str, ...]:
    """Return the names of the shipped models that have a manifest, in alphabetical order."""
    return tuple(sorted(path.parent.name for path in shipped("models").glob("*/manifest.json")))


def user_settings() -> Path:
    """Return where a person's settings file is looked for."""
    return platformdirs.user_config_path(_APP) / "settings.toml"


def cache_folder() -> Path:
    """Return where measurements of this machine are remembered; never pictures."""
    return platformdirs.user_cache_path(_APP)
