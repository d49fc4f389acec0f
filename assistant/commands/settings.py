"""Show, change, explain and serve the settings."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path
from typing import Any

from assistant.commands import options
from assistant.errors import SettingsError
from assistant.settings.commented import commented
from assistant.settings.edit import with_values
from assistant.settings.file import override, parse, read_text
from assistant.settings.keys import Key, keys
from assistant.settings.layers import PROFILES
from assistant.settings.manual import manual
from assistant.settings.save import save
from assistant.settings.schema import Settings
from assistant.settings.store import Change, Store, differences


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `facecue settings` and what can be done to them."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    get = _action(actions, "get", "print one setting, or all that are in force")
    get.add_argument("key", nargs="?", metavar="KEY", help="such as speech.verbosity")
    change = _action(actions, "set", "change one setting")
    change.add_argument("key", metavar="KEY", help="such as speech.verbosity")
    change.add_argument("value", metavar="VALUE", help="such as 2, true or en-gb")
    change.add_argument("--profile", choices=tuple(PROFILES), help="change it for this profile only")
    reset = _action(actions, "reset", "give one setting, or all, their defaults again")
    reset.add_argument("key", nargs="?", metavar="KEY", help="such as speech.verbosity")
    export = _action(actions, "export", "print what is in force as a commented file", json=False)
    export.add_argument("--defaults", action="store_true", help="print the shipped defaults instead")
    bring = _action(actions, "import", "take over the settings of a file")
    bring.add_argument("file", type=Path, metavar="FILE", help="from facecue settings export, or the page")
    explain = _action(actions, "explain", "say what a setting, or each, does and takes, and where its value comes from")
    explain.add_argument("key", nargs="?", metavar="KEY", help="such as speech.verbosity")
    explain.add_argument("--markdown", action="store_true", help="print docs/settings.md")
    serve = _action(actions, "serve", "serve the page on which a caregiver changes them", json=False)
    serve.add_argument(
        "--host", metavar="H", help="address; 127.0.0.1 is this machine alone, 0.0.0.0 the local network"
    )
    serve.add_argument("--port", type=int, metavar="P", help="port; 0 takes any that is free")
    serve.add_argument("--mute", action="store_true", help="play no sound; pairing codes are printed")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked of the settings."""
    answer = {
        "get": _get,
        "set": _set,
        "reset": _reset,
        "export": _export,
        "import": _import,
        "explain": _explain,
        "serve": _serve,
    }[arguments.action](arguments)
    if isinstance(answer, str):
        sys.stdout.write(answer)
    else:
        options.print_json(answer)
    return 0


def _action(actions: Any, name: str, words: str, json: bool = True) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=words, description=f"{words[0].upper()}{words[1:]}.", allow_abbrev=False
    )
    parser.add_argument(
        "--settings", type=Path, metavar="FILE", default=argparse.SUPPRESS, help="of this settings file, not your own"
    )
    if json:
        parser.add_argument("--json", action="store_true", help="answer in one line of JSON")
    return parser


def _get(arguments: argparse.Namespace) -> Any:
    settings = _store(arguments).settings
    if arguments.key:
        value = _key(arguments.key).of(settings)
        return {arguments.key: value} if arguments.json else f"{_shown(value)}\n"
    values = {path: key.of(settings) for path, key in keys().items()}
    return values if arguments.json else "".join(f"{path} = {_shown(value)}\n" for path, value in values.items())


def _set(arguments: argparse.Namespace) -> Any:
    store, key = _store(arguments), _key(arguments.key)
    value = key.read(arguments.value)
    if arguments.profile is None:
        return _answer(arguments, store.change({key.path: value}, "You"), store)
    text = read_text(store.path) if store.path.is_file() else ""
    save(store.path, with_values(text, {key.path: value}, str(store.path), arguments.profile))
    return _answer(arguments, differences(store.settings, Store(store.path).settings, "You"), store)


def _reset(arguments: argparse.Namespace) -> Any:
    store = _store(arguments)
    paths = {_key(arguments.key).path} if arguments.key else set(keys())
    return _answer(arguments, store.reset(paths, "You"), store)


def _export(arguments: argparse.Namespace) -> str:
    return commented(Settings()) if arguments.defaults else _store(arguments).export()


def _import(arguments: argparse.Namespace) -> Any:
    store = _store(arguments)
    settings = parse(read_text(arguments.file), str(arguments.file))
    values = {path: key.of(settings) for path, key in keys().items() if key.of(settings) != key.of(store.settings)}
    return _answer(arguments, store.change(values, "You"), store)


def _explain(arguments: argparse.Namespace) -> Any:
    if arguments.markdown:
        return manual()
    store = _store(arguments)
    sources = store.sources()
    chosen = [_key(arguments.key)] if arguments.key else list(keys().values())
    rows = [_explained(key, store.settings, sources[key.path]) for key in chosen]
    if arguments.json:
        return {row.pop("key"): row for row in rows}
    return "\n".join(
        f"{row['key']} = {_shown(row['value'])}, from: {row['from']}\n  {row['label']}. {row['help']}\n"
        f"  Takes {row['takes']}; the default is {_shown(row['default'])}. A change is taken up "
        f"{'at once' if row['live'] else 'at the next start'}.\n"
        for row in rows
    )


def _explained(key: Key, settings: Settings, source: str) -> dict[str, Any]:
    return {
        "key": key.path,
        "value": key.of(settings),
        "from": source,
        "label": key.label,
        "help": key.help,
        "takes": key.expected,
        "unit": key.unit,
        "default": key.default,
        "live": key.live,
    }


def _serve(arguments: argparse.Namespace) -> str:
    store = options.open_store(arguments, lambda settings: override(settings, "web", host=arguments.host))
    from assistant.serving import serve  # here, so that the other actions do not wait for the voice's packages

    port = store.settings.web.port if arguments.port is None else arguments.port
    serve(store, store.settings.web.host, port, arguments.mute, lambda line: print(line, flush=True), sys.stdin)
    return ""


def _answer(arguments: argparse.Namespace, changes: tuple[Change, ...], store: Store) -> Any:
    if arguments.json:
        return {"file": str(store.path), "changed": {change.key.path: change.new for change in changes}}
    if not changes:
        return "Nothing in force is different.\n"
    return "".join(f"{change.key.path} = {_shown(change.new)}\n" for change in changes) + f"Written to {store.path}.\n"


def _store(arguments: argparse.Namespace) -> Store:
    """Open the store of the file; on the command line a wrong file is an error, so that nothing of it is lost."""
    path: Path | None = arguments.settings
    if path is not None and not path.is_file() and arguments.action not in ("set", "import"):
        read_text(path)
    store = Store(path)
    if store.path.is_file():
        parse(read_text(store.path), str(store.path))
    return store


def _key(path: str) -> Key:
    if path in keys():
        return keys()[path]
    near = difflib.get_close_matches(path, keys(), 1, 0.4)
    raise SettingsError(
        f"There is no setting {path!r}.", f"The nearest is {near[0]!r}." if near else "List all: facecue settings get"
    )


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
