"""`python tools/reference_pages.py`: settings, commands, refusals become pages of docs/reference.

They are written from what the code itself says: the fields of `Settings`, the parameters of the
`convlens` commands and the table of refusals. A test compares the committed pages with these.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import annotated_types
import typer
from pydantic.fields import FieldInfo

from convlens.__main__ import app
from service.errors import REFUSALS, ServiceError, protocol_status
from service.settings import Settings

FOLDER = Path(__file__).parent.parent / "docs" / "reference"

GENERATED = "<!-- Written by `python tools/reference_pages.py`; a test compares the two. -->"

SETTINGS = f"""{GENERATED}

# Settings

Every setting of the service is a flag of `convlens serve` and an environment variable. A flag goes
before its variable, the variable before the default. A value outside its bounds stops the start
with a sentence that names the setting.

| setting | flag and variable | default | meaning |
|---|---|---|---|
"""

COMMANDS = f"""{GENERATED}

# Command line

`convlens COMMAND --help` prints the same in the terminal. From a clone, the command is
`.venv/bin/convlens`; `python -m convlens` is the same command.
"""

ERRORS = f"""{GENERATED}

# Refusals

Who refuses what, with which status. `service/errors.py` has the errors and this table; a module
raises an error where it knows the fact, and only `service/http/problems.py` turns errors into
answers: `application/problem+json` with `title`, `status`, `detail` (a sentence that says what to
do) and, for some errors, further members. Below `/v1` and `/v2` the answer is
`{{"error": "the sentence"}}`, with the status in the second column.

| status | below `/v1`, `/v2` | title | when | modules in `service/` |
|---:|---:|---|---|---|
"""


def settings() -> str:
    """docs/reference/settings.md, from the fields of `Settings`."""
    return SETTINGS + "".join(
        f"| `{name}` | `--{name.replace('_', '-')}`<br>`CONVLENS_{name.upper()}`"
        f" | {_default(name, field)} | {_escaped(' '.join(_meaning(field)))} |\n"
        for name, field in Settings.model_fields.items()
    )


def commands() -> str:
    """docs/reference/command-line.md, from the commands and their parameters."""
    group: Any = typer.main.get_command(app)
    return COMMANDS + "".join(_command(name, one) for name, one in group.commands.items())


def refusals() -> str:
    """docs/reference/refusals.md, from the table in `service.errors`."""
    rows = [
        (row.error, row.when, ", ".join(f"`{module}`" for module in row.refused_by))
        for row in REFUSALS
    ]
    unexpected = "An error that nobody expected. The log of the service has the details."
    rows.append((ServiceError, unexpected, "`http.problems`"))
    return ERRORS + "".join(
        f"| {error.status} | {protocol_status(error.status)} | {error.title} | {when} |"
        f" {modules} |\n"
        for error, when, modules in sorted(rows, key=lambda row: row[0].status)
    )


PAGES = {"settings.md": settings, "command-line.md": commands, "refusals.md": refusals}


def _default(name: str, field: FieldInfo) -> str:
    if name == "workers":  # Its factory counts the cores of the machine that runs this.
        return "number of cores"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if name.endswith("_bytes"):
        return f"{value // 2**20} MiB"
    return f"{value:,}" if isinstance(value, int | float) and name != "port" else f"`{value}`"


def _meaning(field: FieldInfo) -> Iterator[str]:
    """The description, the values that a choice has, and the bounds of a number."""
    yield field.description or ""
    if choices := [one for one in get_args(field.annotation) if isinstance(one, str)]:
        yield f"One of {', '.join(f'`{one}`' for one in choices)}."
    bounds = []
    for rule in field.metadata:
        match rule:
            case annotated_types.Ge(ge=bound):
                bounds.append(f"at least {bound:,}")
            case annotated_types.Gt(gt=bound):
                bounds.append(f"more than {bound:,}")
            case annotated_types.Le(le=bound):
                bounds.append(f"at most {bound}")
    if bounds:
        yield f"({', '.join(bounds)})"


def _command(name: str, command: Any) -> str:
    paragraphs = command.help.split("\n\n")
    examples = [one.removeprefix("Example: ") for one in paragraphs if one.startswith("Example: ")]
    words = [one for one in paragraphs if not one.startswith("Example: ")]
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    usage = " ".join(
        f"{one.name.upper() if one.required else f'[{one.name.upper()}]'}"
        f"{'…' if one.nargs != 1 else ''}"
        for one in arguments
    )
    parts = [f"## convlens {name}", *(_escaped(one) for one in words)]
    parts.append("```sh\n" + "\n".join(examples) + "\n```")
    if name == "serve":
        parts.append("Its flags are the [settings](settings.md).")
    else:
        rows = "".join(_row(one) for one in command.params)
        parts.append(f"`convlens {name} [OPTIONS] {usage}`")
        parts.append("| parameter | default | meaning |\n|---|---|---|\n" + rows.rstrip("\n"))
    return "\n" + "\n\n".join(parts) + "\n"


def _row(one: Any) -> str:
    names = [one.name.upper()] if one.param_type_name == "argument" else one.opts
    shown = ", ".join(f"`{name}`" for name in [*names, *one.secondary_opts])
    default = "required" if one.required else ""
    if not one.required and one.default not in (None, False, ()):
        default = f"`{one.default}`"
    variable = f" Or `{one.envvar}` in the environment." if one.envvar else ""
    return f"| {shown} | {default} | {_escaped(one.help or '')}{variable} |\n"


def _escaped(text: str) -> str:
    """`text` for a cell: names between < and > would otherwise be HTML."""
    return re.sub(r"<([\w/<>]+)>(/?)", r"`<\1>\2`", " ".join(text.split())).replace("|", "\\|")


if __name__ == "__main__":
    for page, text in PAGES.items():
        (FOLDER / page).write_text(text(), encoding="utf-8")
