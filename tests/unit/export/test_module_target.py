"""`package.module:attribute`: what it may name, and what it is called when served."""

from __future__ import annotations

import pytest

import models
from export import target
from tests.unit.export.user import User

OBJECTS = """\
def build():
    return Base()

def nothing():
    return None

def raises():
    raise ValueError("no file")

def leaves():
    raise SystemExit(3)

made = Base()
number = 4

class Group:
    Inner = Base
"""


@pytest.mark.parametrize("attribute", ["Base", "build", "made", "Group.Inner"])
def test_a_class_a_function_and_a_module_are_modules(user: User, attribute: str) -> None:
    user.write(OBJECTS)
    assert type(target.load(f"{user.module}:{attribute}")).__name__ == "Base"


@pytest.mark.parametrize(
    ("attribute", "reason"),
    [
        ("absent", "has no 'absent'"),
        ("number", "is an object of type int: an nn.Module, or what gives one"),
        ("nothing", "nothing() gives an object of type NoneType: an nn.Module"),
        ("raises", "raises() raises ValueError: no file ("),
        ("leaves", "leaves() raises SystemExit: 3 ("),
        ("a b", "names no module: write package.module:attribute"),
    ],
)
def test_anything_else_is_refused(user: User, attribute: str, reason: str) -> None:
    user.write(OBJECTS)
    assert reason in user.refused(attribute)


def test_a_python_module_that_is_not_there_is_named(user: User) -> None:
    assert user.refused("Base") == (
        f"there is no Python module {user.module!r}, neither installed nor in {user.home}"
    )


@pytest.mark.parametrize("name", ["models/net.py", "models.py"])
def test_a_name_that_stepwire_has_itself_is_told(user: User, name: str) -> None:
    path = user.home / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    user.module = name.removesuffix(".py").replace("/", ".")
    own = user.home / name.partition("/")[0]
    assert user.refused("Base") == (
        f"{own} cannot be imported: its name clashes with {models.__file__}, which Stepwire "
        "itself uses: rename it"
    )


def test_an_import_that_fails_is_told_with_its_place(user: User) -> None:
    user.path.write_text("import torch\n\nimport no_such_library\n")
    assert user.refused("Base") == (
        f"importing {user.module} raises ModuleNotFoundError: No module named 'no_such_library' "
        f"({user.path}, line 3)"
    )


def test_a_python_module_that_does_not_parse_is_told_with_its_place(user: User) -> None:
    user.path.write_text("import torch\nclass\n")
    line = user.refused("Base")
    assert "raises SyntaxError: " in line and f"({user.path.name}, line 2)" in line


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("robots.arm:build", "arm"),
        ("robots.arm_control:network", "arm-control"),
        ("robots.arm:ArmNetwork", "arm-network"),
        ("arm:GRUNetwork2", "grunetwork2"),
        ("arm:Nets.Small", "small"),
    ],
)
def test_a_model_is_named_after_its_class_or_its_file(name: str, model: str) -> None:
    assert target.model_name(name) == model
