"""The form of a workflow's *Run workflow* button, and the inputs that it gives to a run."""

from collections.abc import Mapping
from typing import Any

import yaml

from scripts.core.errors import UsageError

BUTTON = "workflow_dispatch"


def fill_in(path: str, text: str, typed: Mapping[str, str]) -> dict[str, str]:
    """Return the inputs that GitHub gives to a run: the typed text or the default, as a string.

    `text` is the workflow file at `path`. act does not check the inputs. Raises `UsageError` if
    GitHub would reject them: a workflow without a button, an unknown or missing input, or a value
    outside the choices.
    """
    form = _form(path, yaml.safe_load(text))
    if unknown := sorted(typed.keys() - form.keys()):
        known = ", ".join(form) or "none"
        raise UsageError(f"{path} has no input {', '.join(unknown)}", f"its inputs: {known}")
    return {name: _value(name, one or {}, typed.get(name)) for name, one in form.items()}


def _form(path: str, workflow: Mapping[Any, Any]) -> Mapping[str, Any]:
    triggers = workflow[True]  # YAML 1.1 reads the key `on` as a truth value
    names = [triggers] if isinstance(triggers, str) else triggers
    if BUTTON not in names:
        raise UsageError(f"{path} has no button", f"it is started by: {', '.join(names)}")
    form = triggers.get(BUTTON) if isinstance(triggers, dict) else None
    return (form or {}).get("inputs") or {}


def _value(name: str, field: Mapping[str, Any], typed: str | None) -> str:
    kind, default = field.get("type", "string"), field.get("default", "")
    value = str(default).lower() if isinstance(default, bool) else str(default)
    value = value if typed is None else typed
    if not value and kind == "boolean":
        value = "false"
    if not value and field.get("required"):
        raise UsageError(f"the input {name} is required", f"give it: --input {name}=…")
    allowed = {"boolean": ["true", "false"], "choice": field.get("options", [])}.get(kind, [])
    if allowed and value not in allowed:
        raise UsageError(f"{value!r} is not a valid {name}", f"choose one of: {', '.join(allowed)}")
    return value
