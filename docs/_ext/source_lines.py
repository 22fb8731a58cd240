"""The ``equation`` directive: a formula of the notes, and the lines of code that are it.

The lines are found in the source when the site is built, by the tag in their comments, by the words
after ``:line:``, or from the words after ``:from:`` to the end, so that the page cannot say what
the code no longer does: a tag that is not there any more is an error of the build.
"""

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[2]


def found(dotted: str) -> tuple[Path, int, list[str]]:
    """Return the file of a function or class, the number of its first line, and its lines."""
    module, _, name = dotted.partition(":")
    thing: Any = import_module(module)
    for part in name.split(".") if name else ():
        thing = getattr(thing, part)
    lines, first = inspect.getsourcelines(thing)
    path = Path(inspect.getsourcefile(thing) or "").resolve().relative_to(ROOT)
    return path, max(first, 1), [line.rstrip("\n") for line in lines]


class Equation(SphinxDirective):
    """A formula and its lines of code."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar = {
        "in": directives.unchanged_required,
        "line": directives.unchanged,
        "from": directives.unchanged,
    }

    def run(self) -> list[nodes.Node]:
        """Build the formula, the code, and where the code stands."""
        path, first, lines = found(self.options["in"])
        numbered = list(enumerate(lines, first))
        wanted = self.options.get("from") or self.options.get("line") or self.arguments[0]
        tagged = [at for at, (_, line) in enumerate(numbered) if wanted in line]
        if not tagged:
            raise ExtensionError(f"No line of {self.options['in']} holds {wanted!r}.")
        if "from" in self.options:
            numbered = numbered[tagged[0] :]
        else:
            numbered = [numbered[at] for at in tagged]
        indent = min(len(line) - len(line.lstrip()) for _, line in numbered if line)
        code = "\n".join(line[indent:] for _, line in numbered)

        frame = nodes.container(classes=["equation"])
        frame += nodes.paragraph("", "", nodes.strong(text=self.arguments[0]), classes=["tag"])
        if self.content:
            formula = "\n".join(self.content)
            block = nodes.math_block(formula, formula, nowrap=False, number=None, label=None)
            frame += block
        block = nodes.literal_block(code, code, language="python")
        frame += block
        last = numbered[-1][0]
        start = numbered[0][0]
        where = f"line {start}" if start == last else f"lines {start} to {last}"
        where = nodes.paragraph("", "", nodes.literal(text=str(path)), nodes.Text(f", {where}"))
        where["classes"] = ["where"]
        frame += where
        return [frame]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("equation", Equation)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
