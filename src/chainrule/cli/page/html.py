"""The page around the sections: one file, no script, nothing that is fetched."""

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files

__all__ = ["START", "escape", "grid", "page", "section", "table"]

START = "<!doctype html>\n<!-- chainrule report -->"


def page(title: str, sections: Iterable[str], foot: str) -> str:
    """Return the whole page.

    Parameters
    ----------
    title : str
        Its name.
    sections : iterable of str
        HTML.
    foot : str
        What it was made from.

    Returns
    -------
    str
    """
    style = files("chainrule.cli.page").joinpath("page.css").read_text()
    body = "\n".join(section for section in sections if section)
    # The policy forbids the browser to fetch anything, whatever a name in the table holds.
    return f"""{START}
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>
{style}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
{body}
</main>
<footer>Made by <code>chainrule report</code> from {escape(foot)}.</footer>
</body>
</html>
"""


def section(heading: str, body: str, lead: str = "") -> str:
    """Return a section.

    Parameters
    ----------
    heading : str
        Over it.
    body : str
        HTML.
    lead : str
        A sentence or two on how to read it.

    Returns
    -------
    str
    """
    said = f"<p>{escape(lead)}</p>\n" if lead else ""
    return f"<section>\n<h2>{escape(heading)}</h2>\n{said}{body}\n</section>"


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Sequence[int] = (),
    kind: str = "",
) -> str:
    """Return a table, which scrolls by itself where it is too wide.

    Parameters
    ----------
    header : sequence of str
        Over the columns.
    rows : iterable of sequence of str
        The cells, HTML; the first of each is its name.
    numbers : sequence of int
        Which columns are aligned to the right.
    kind : str
        A class.

    Returns
    -------
    str
    """

    def cell(tag: str, at: int, text: str, scope: str = "") -> str:
        right = ' class="n"' if at in numbers else ""
        return f"<{tag}{scope}{right}>{text}</{tag}>"

    head = "".join(cell("th", at, escape(name), ' scope="col"') for at, name in enumerate(header))
    body = "\n".join(
        "<tr>"
        + "".join(
            cell("td", at, text) if at else cell("th", at, text, ' scope="row"')
            for at, text in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide"><table class="{kind}"><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def grid(*figures: str) -> str:
    """Return figures beside each other where there is room, else under each other.

    Parameters
    ----------
    *figures : str
        HTML.

    Returns
    -------
    str
    """
    return f'<div class="grid">{"".join(figures)}</div>'
