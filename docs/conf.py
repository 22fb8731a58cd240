"""How the documentation is built: `make docs`. Nothing is fetched, here or by the pages."""

import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

import chainrule

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "chainrule"
copyright = "The chainrule developers"
version = release = chainrule.__version__

extensions = [
    "complete",
    "mathml",
    "source_lines",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "lessons/*.ipynb", "lessons/*.py", "**/GALLERY_HEADER.rst"]
nitpicky = True
language = "en"
default_role = "literal"

# Markdown
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# Formulas
html_math_renderer = "mathml"

# API
autosummary_generate = True
autodoc_typehints = "none"  # the docstrings have the types, in words
autodoc_default_options = {"member-order": "bysource"}
numpydoc_class_members_toctree = False
numpydoc_show_class_members = False
numpydoc_attributes_as_param_list = True
add_module_names = False
toc_object_entries_show_parents = "hide"

# Code
pygments_style = "default"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# The lessons: examples/*.py, run
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "lessons",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "lessons.place_of",
    "parallel": True,  # as many at once as sphinx-build -j says
    "reset_modules": ("lessons.style_figures",),
    "reset_modules_order": "before",
    "image_srcset": ["2x"],
    "matplotlib_animations": False,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 3600,
    "remove_config_comments": True,
    "abort_on_example_error": False,
    "only_warn_on_example_error": False,
    "write_computation_times": False,
    "capture_repr": ("_repr_html_", "__repr__"),
    "ignore_repr_types": r"matplotlib\.|builtins\.(list|tuple)",
}

# Pages
html_theme = "pydata_sphinx_theme"
html_title = "chainrule"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_copy_source = False
html_theme_options = {
    "logo": {"text": "chainrule"},
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "show_prev_next": True,
    "show_toc_level": 2,
    "back_to_top_button": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "github-dark",
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {"index": [], "start": [], "performance": [], "changes": []}


def is_not_ours(app: Sphinx, what: str, name: str, thing: Any, skip: bool, options: Any) -> bool:
    """Leave out what a class inherits from other libraries: their documentation has it."""
    home = getattr(thing, "fget", None) or getattr(thing, "__objclass__", None) or thing
    module = getattr(home, "__module__", None) or "chainrule"
    return skip or not module.startswith("chainrule")


def setup(app: Sphinx) -> None:
    """Choose what of a class is shown."""
    app.connect("autodoc-skip-member", is_not_ours)
