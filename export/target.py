"""A user's module, by its name: `package.module:attribute`."""

from __future__ import annotations

import importlib
import os
import re
import sys
from pathlib import Path
from types import ModuleType

from torch import nn

from export.source import ExportRefused
from export.user_code import running

TARGET = re.compile(r"(?P<module>\w+(\.\w+)*):(?P<attribute>\w+(\.\w+)*)")


def load(target: str) -> nn.Module:
    """The `nn.Module` that `target` names, found from the current directory.

    The attribute is a module, a class of modules, or a function that returns one; the last two
    are called without arguments. Raises ExportRefused.
    """
    name, attribute = _parts(target)
    sys.path.insert(0, os.getcwd())  # it stays: the module may import more when it runs
    _check_unshadowed(name.partition(".")[0])
    found = _attribute(_imported(name), attribute)
    if isinstance(found, nn.Module):
        return found
    if not callable(found):
        raise ExportRefused(f"{target} is {_a(found)}: {EXPECTED}")
    with running(f"{target}()"):
        made = found()
    if not isinstance(made, nn.Module):
        raise ExportRefused(f"{target}() gives {_a(made)}: {EXPECTED}")
    return made


EXPECTED = "an nn.Module, or what gives one when called without arguments, is needed"


def model_name(target: str) -> str:
    """What the model is called if nothing is said: a class's name, else the Python module's.

    `robots.arm:ArmNetwork` is `arm-network`, `robots.arm_control:build` is `arm-control`.
    """
    module, attribute = _parts(target)
    last = attribute.rpartition(".")[2]
    name = last if last[:1].isupper() else module.rpartition(".")[2]
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    return words.replace("_", "-").strip("-").lower()


def _parts(target: str) -> tuple[str, str]:
    parts = TARGET.fullmatch(target)
    if not parts:
        raise ExportRefused(f"{target!r} names no module: write package.module:attribute")
    return parts["module"], parts["attribute"]


def _check_unshadowed(root: str) -> None:
    """Python gives a module of the same name that is loaded already instead of the user's."""
    here = Path.cwd().resolve()
    own = next((path for path in (here / root, here / f"{root}.py") if path.exists()), None)
    loaded = getattr(sys.modules.get(root), "__file__", None)
    if own and loaded and not Path(loaded).resolve().is_relative_to(here):
        raise ExportRefused(
            f"{own} cannot be imported: its name clashes with {loaded}, which Stepwire "
            "itself uses: rename it"
        )


def _imported(name: str) -> ModuleType:
    with running(f"importing {name}"):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise
            raise ExportRefused(
                f"there is no Python module {error.name!r}, neither installed nor in {os.getcwd()}"
            ) from error


def _attribute(module: ModuleType, attribute: str) -> object:
    found: object = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise ExportRefused(f"{module.__file__} has no {attribute!r}")
        found = getattr(found, part)
    return found


def _a(found: object) -> str:
    return f"an object of type {type(found).__name__}"
