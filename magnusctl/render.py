"""Templates become text: sandboxed Jinja, undefined names refused, the project's folder first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from magnusctl.builtin import builtin_folder
from magnusctl.errors import InputError
from magnusctl.inventory.units import plain_number, systemd_size
from magnusctl.quote import quoted

Render = Callable[..., str]


def template_folders(project: Path) -> list[Path]:
    """Where templates are looked for, in order: the project's own, then the built-in ones."""
    return [project / "templates", builtin_folder("templates")]


def renderer(project: Path) -> Render:
    """A function `render(name, **values)`. It raises InputError with the template's file:line."""
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader([str(folder) for folder in template_folders(project)]),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters |= {"quoted": quoted, "size": systemd_size, "plain": plain_number}

    def render(template: str, /, **values: Any) -> str:
        return _render(environment, template, values)

    return render


def _render(environment: Any, name: str, values: Mapping[str, Any]) -> str:
    from jinja2 import TemplateError, TemplateNotFound, TemplateSyntaxError

    try:
        return str(environment.get_template(name).render(**values))
    except InputError as error:
        error.where = error.where or _where(error, name)
        raise
    except TemplateNotFound as error:
        hint = "Templates are in the project's folder 'templates', or come with magnusctl."
        raise InputError(f"there is no template '{error.name}'", hint=hint) from None
    except TemplateSyntaxError as error:
        # Its lexer calls the file the name.
        where = f"{error.filename or error.name or name}:{error.lineno}"
        raise InputError(error.message or "template syntax", where=where) from None
    except RecursionError:
        raise InputError("the template includes itself without end", where=name) from None
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise InputError(str(error), where=_where(error, name)) from None


def _where(error: BaseException, name: str) -> str:
    """The innermost template line of a traceback."""
    found = name
    trace = error.__traceback__
    while trace:
        code = trace.tb_frame.f_code
        if "__jinja_template__" in trace.tb_frame.f_globals or code.co_filename.endswith(".j2"):
            found = f"{code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found
