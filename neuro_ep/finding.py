"""Rules and data by the words of a user: a name, a file, a module, a package.

``ep``                      a rule of this package, see :mod:`neuro_ep.models`
``my_rules.py:DECAY``       the rule of that name in a file
``package.module:DECAY``    the same in a module that can be imported
``decay``                   what an installed package offers as an entry point of the
                            group ``neuro_ep.rules``
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module, metadata
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from neuro_ep import models, tasks
from neuro_ep.errors import InputError
from neuro_ep.records.condition import BoundaryCondition, SecondRun
from neuro_ep.records.dataset import Dataset
from neuro_ep.records.parameter import suggestion
from neuro_ep.records.rule import Rule

GROUP = "neuro_ep.rules"


def find_rule(word: str | Rule) -> Rule:
    """The rule that a word names; a rule is returned as it is.

    Raises
    ------
    InputError
        Where there is none, with what is known; where a file cannot be imported.
    """
    if isinstance(word, Rule):
        return word
    if not isinstance(word, str):
        raise InputError(
            f"rule = {short(word)}: give a Rule, or its name, such as 'continual-ep'"
        )
    if ":" in word:
        return _is_rule(word, _named(word))
    if word in models.RULES:
        return models.load(models.RULES[word])
    offered = {point.name: point for point in metadata.entry_points(group=GROUP)}
    if word in offered:
        return _is_rule(word, _imported(word, offered[word].load))
    if word in models.CONDITIONS or word in models.SECOND_RUNS:
        raise InputError(f"{word} is no rule of learning: only check takes it")
    if word.endswith(".py"):
        raise InputError(f"{word}: name the rule in this file too, as {word}:NAME")
    known = [*models.RULES, *offered]
    raise InputError(
        f"no rule is called {word!r}{suggestion(word, known)}; or FILE.py:NAME"
    )


def find_checked(word) -> Rule | BoundaryCondition | SecondRun:
    """What a word names of all that can be checked; such a record as it is.

    Raises InputError where there is nothing of that name.
    """
    if isinstance(word, (BoundaryCondition, SecondRun)):
        return word
    if not isinstance(word, str):
        return find_rule(word)
    place = (models.CONDITIONS | models.SECOND_RUNS).get(word)
    return find_rule(word) if place is None else models.load(place)


def find_dataset(word: str | Dataset) -> Dataset:
    """The data of the task or in the file that a word names; a data set as it is.

    Raises
    ------
    InputError
        Where there is no such task, and where its data cannot be read.
    """
    if isinstance(word, Dataset):
        return word
    if not isinstance(word, (str, Path)):
        raise InputError(
            f"dataset = {short(word)}: give a Dataset, the name of a task, such as "
            "'digits', or a file of data"
        )
    return tasks.load(word)


def source_folders() -> list[Path]:
    """The source code that every build depends on: this package, and the models."""
    return [Path(__file__).parent, Path(str(models.__file__)).parent]


def short(value) -> str:
    """A value as it is shown in a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _named(word: str):
    """What FILE.py:NAME or package.module:NAME stands for."""
    place, _, name = word.rpartition(":")
    is_file = place.endswith(".py") or "/" in place or "\\" in place
    module = _imported(
        word, lambda: _from_file(Path(place)) if is_file else _from_module(place)
    )
    if not hasattr(module, name):
        rules = [key for key, value in vars(module).items() if isinstance(value, Rule)]
        raise InputError(f"{place} has no {name!r}; its rules: {', '.join(rules)}")
    return getattr(module, name)


def _from_module(name: str) -> ModuleType:
    if "" not in sys.path:
        sys.path.insert(0, "")
    return import_module(name)


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path}: not a Python file")
    module = module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)  # dataclasses of the file look there
    spec.loader.exec_module(module)
    return module


def _imported(word: str, load: Callable):
    """What a load gives; its errors in one line."""
    try:
        return load()
    except InputError:
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0]
        raise InputError(
            f"{word} cannot be imported: {type(error).__name__}: {reason}; --debug "
            "shows where"
        ) from error


def _is_rule(word: str, found) -> Rule:
    if not isinstance(found, Rule):
        raise InputError(
            f"{word} is a {type(found).__name__}, not a Rule; see neuro_ep.Rule"
        )
    return found
