"""What must hold of the built site: every name has an entry, every link leads somewhere.

And no page loads anything from elsewhere: it reads the same without a network.
"""

import inspect
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

import chainrule

_LOADED = {"link", "script", "img", "iframe", "source", "video", "audio"}


class Page(HTMLParser):
    """The anchors of a page, where its links lead, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag names, and what it points at."""
        given = {name: value for name, value in attrs if value}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        found = {given[name] for name in ("href", "src") if name in given}
        found |= {part.split()[0] for part in given.get("srcset", "").split(",") if part.strip()}
        (self.loaded if tag in _LOADED else self.links).update(found)


def every_link_leads_somewhere(app: Sphinx, exception: Exception | None) -> None:
    """Fail the build for a link to nothing, or a page that loads something from elsewhere."""
    if exception is not None or app.builder.format != "html":
        return
    root = Path(app.outdir).resolve()
    written = (path for path in sorted(root.rglob("*.html")) if "_static" not in path.parts)
    pages = {path: Page(path.read_text("utf-8")) for path in written}
    wrong: list[str] = []
    for path, page in pages.items():
        for link in sorted(page.links | page.loaded):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.loaded and parts.scheme != "data":
                    wrong.append(f"{path.relative_to(root)} loads {link}")
                continue
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not there.exists():
                wrong.append(f"{path.relative_to(root)} links to {link}, which is not there")
            elif anchor and there in pages and anchor not in pages[there].anchors:
                wrong.append(f"{path.relative_to(root)} links to {link}, which has no such place")
    if wrong:
        raise ExtensionError("\n".join(wrong))


def every_name_has_an_entry(app: Sphinx, exception: Exception | None) -> None:
    """Fail the build if a public name has no entry."""
    if exception is not None:
        return
    public = {f"chainrule.{name}" for name in chainrule.__all__ if name != "errors"}
    for name in chainrule.errors.__all__:
        if inspect.isclass(getattr(chainrule.errors, name)):
            public.add(f"chainrule.errors.{name}")
    if missing := sorted(public - set(app.env.domaindata["py"]["objects"])):
        raise ExtensionError(f"No page has {', '.join(missing)}: add them to docs/api.md.")


def setup(app: Sphinx) -> dict[str, bool]:
    """Look at the site when it is built."""
    app.connect("build-finished", every_name_has_an_entry)
    app.connect("build-finished", every_link_leads_somewhere)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
