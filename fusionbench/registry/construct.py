"""Importing and constructing a method's class, the only place where code of plug-ins starts to run."""

from __future__ import annotations

import inspect
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from fusionbench.errors import ConfigError, FusionbenchError, PluginError
from fusionbench.method import FusionMethod

if TYPE_CHECKING:
    from fusionbench.registry.method_spec import MethodSpec

Method = TypeVar("Method", bound=FusionMethod)


def instantiate(spec: MethodSpec, method_class: type[Method], arguments: dict[str, Any]) -> Method:
    """Return an instance of the method's class, or of a class derived from it, in eval mode with initial parameters.

    Raises PluginError if it cannot be constructed, ConfigError for an unknown argument.
    """
    accepted = [
        p.name
        for p in inspect.signature(method_class).parameters.values()
        if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    check_arguments(spec.name, arguments, accepted)
    try:
        return method_class(**arguments).eval()
    except FusionbenchError:
        raise
    except (Exception, SystemExit) as error:  # a plug-in can raise anything, and must not end the process
        raise PluginError(
            f"{spec.name} cannot be built with {arguments}: {type(error).__name__}: {error}"
        ) from error


def find_class(spec: MethodSpec) -> type[FusionMethod]:
    """Import the method's module and return its FusionMethod class. Raises PluginError unless there is exactly one."""
    module_name, _, class_name = spec.target.rpartition(":") if ":" in spec.target else (spec.target, "", "")
    try:
        module = (
            _import_file(Path(module_name)) if module_name.endswith(".py") else import_module(module_name)
        )
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {error}"
        raise PluginError(
            f"Method '{spec.name}' cannot be imported: {reason}; fix {spec.source} or install what it needs."
        ) from error
    if class_name:
        named = getattr(module, class_name, None)
        if not (inspect.isclass(named) and issubclass(named, FusionMethod)):
            raise PluginError(f"{spec.target} is not a FusionMethod class: check the name after the colon.")
        return named
    classes = {c for c in vars(module).values() if _is_method(c, module.__name__)}
    if len(classes) != 1:
        listed = ", ".join(sorted(c.__name__ for c in classes)) or "none"
        raise PluginError(
            f"{spec.source} offers {listed} as FusionMethod: export exactly one, or name it after a colon."
        )
    return classes.pop()


def _is_method(candidate: object, module: str) -> bool:
    return (
        inspect.isclass(candidate)
        and issubclass(candidate, FusionMethod)
        and candidate is not FusionMethod
        # without those that the module only imports, such as a base class of another method
        and candidate.__module__.startswith(module)
    )


def _import_file(path: Path) -> ModuleType:
    # a name of its own in sys.modules, so that two files called mine.py do not replace each other
    name = f"fusionbench_local_{abs(hash(path))}_{path.stem}"
    module_spec = spec_from_file_location(name, path)
    assert module_spec is not None
    assert module_spec.loader is not None
    module = module_from_spec(module_spec)
    # before it is executed: dataclasses and pickle look up the module of a class there
    sys.modules[name] = module
    try:
        module_spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def check_arguments(name: str, arguments: dict[str, Any], accepted: list[str]) -> None:
    """Raise ConfigError for a constructor argument that is not accepted."""
    from fusionbench.config import unknown_key

    for key in arguments:
        if key not in accepted:
            raise ConfigError(f"{name}: {unknown_key(f'args.{key}', [f'args.{a}' for a in accepted])}")
