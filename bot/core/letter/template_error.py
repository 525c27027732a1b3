"""Where a template is broken, in one line: "templates/digest.html line 12: 'papers' is undefined". Pure."""

import re
import traceback

import jinja2

_VALUE = re.compile(r"'bot\.core\.[\w.]+\.(\w+) object'")  # "a Card has no attribute 'subtitle'"


def place_of_fault(environment: jinja2.Environment, name: str, error: Exception) -> str:
    """The problem in one line. `name` is the template that was asked for; the fault may sit in one it includes."""
    line: int | None = None
    if isinstance(error, jinja2.TemplateSyntaxError):
        name, line = error.name or name, error.lineno
    elif isinstance(error, jinja2.TemplateNotFound):
        if error.name == name:
            return f"templates/{name}: this template is missing"
        error = jinja2.TemplateError(f"there is no template {error.name}").with_traceback(error.__traceback__)
    if not isinstance(error, jinja2.TemplateSyntaxError):
        known = _files(environment)
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename in known:
                name, line = known[frame.filename], frame.lineno
            elif frame.filename == "<template>":  # one without a file
                line = frame.lineno
    words = _VALUE.sub(r"a \1", " ".join(str(error).split())) or type(error).__name__
    if not isinstance(error, jinja2.TemplateError):
        words = f"{type(error).__name__}: {words}"
    return f"templates/{name}{f' line {line}' if line else ''}: {words}"


def _files(environment: jinja2.Environment) -> dict[str, str]:
    """File names as tracebacks show them -> names of templates."""
    found = {}
    for name in environment.list_templates():
        assert environment.loader is not None
        _source, filename, _fresh = environment.loader.get_source(environment, name)
        if filename:
            found[filename] = name
    return found
