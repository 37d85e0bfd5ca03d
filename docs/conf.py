"""Sphinx configuration: the Markdown of docs/ and of the repository's root becomes a site.

The source folder is the repository's root, so that the relative links between the pages of docs/,
CONTRIBUTING.md and the code are the same on GitHub and in the site. `make docs` builds it.
"""

import re
from importlib.metadata import version as version_of
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import SphinxError

project = "convlens"
release = version = version_of("convlens")
author = "the convlens authors"
project_copyright = author

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
root_doc = "docs/README"
include_patterns = [
    "docs/**.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "RELEASING.md",
    "SECURITY.md",
]
exclude_patterns = [
    ".*",
    "benchmarks",
    "build",
    "convlens",
    "deploy",
    "models",
    "service",
    "tests",
    "tools",
    "training",
]

# Anchors as GitHub makes them, so that a link to a heading works in both places.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

# Quotation marks and dashes stay as they are written: --flag is a flag.
smartquotes = False

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 80

html_theme = "furo"
html_title = "convlens"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["_extra"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0550ae", "color-brand-content": "#0550ae"},
    "dark_css_variables": {"color-brand-primary": "#79c0ff", "color-brand-content": "#79c0ff"},
}
copybutton_exclude = ".linenos, .gp, .go"

CONTENTS = """
```{toctree}
:hidden:

tutorial
```

```{toctree}
:hidden:
:caption: How-to guides

how-to/production
Scale out <how-to/scale-out>
how-to/keys-and-rates
how-to/own-images
how-to/python-client
how-to/other-clients
how-to/tensorboard
how-to/reproduce-the-lecture
```

```{toctree}
:hidden:
:caption: Reference

reference/http-api
reference/settings
reference/command-line
reference/refusals
reference/python-client
reference/model-folder
reference/protocols
reference/metrics
Model cards <reference/models>
Reproduction of the lecture <reference/reproduction>
Benchmark: servers <reference/benchmarks/serving>
Benchmark: looking inside <reference/benchmarks/introspection>
Benchmark: throughput <reference/benchmarks/throughput>
Benchmark: seeds <reference/benchmarks/seeds>
Benchmark: soak <reference/benchmarks/soak>
```

```{toctree}
:hidden:
:caption: Explanation

EXPLANATION
```

```{toctree}
:hidden:
:caption: Project

../CONTRIBUTING
../RELEASING
../SECURITY
../CHANGELOG
```
"""
"""The order of the pages. Kept out of docs/README.md, where GitHub would show it as code."""

EXPLANATION = ["architecture", "decisions", "performance", "lecture"]
"""These come first; every other page of docs/explanation follows them."""

_LOADED = re.compile(
    r"<(?:script|img|iframe|source|video|audio)\b[^>]*\bsrc=\"(?:https?:)?//"
    r"|<link\b[^>]*\bhref=\"(?:https?:)?//"
    r"|@import\s+[\"'(]|url\(\s*[\"']?(?:https?:)?//"
)


def setup(app: Sphinx) -> None:
    """Add the order of the pages, and refuse a site that would load anything from another host."""
    app.connect("source-read", _add_contents)
    app.connect("build-finished", _require_offline)


def _add_contents(app: Sphinx, page: str, source: list[str]) -> None:
    if page == root_doc:
        found = {path.stem for path in (Path(app.confdir) / "explanation").glob("*.md")}
        ordered = [*EXPLANATION, *sorted(found.difference(EXPLANATION))]
        pages = "\n".join(f"explanation/{name}" for name in ordered)
        source[0] += CONTENTS.replace("EXPLANATION", pages)


def _require_offline(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.format != "html":
        return
    for path in sorted(Path(app.outdir).rglob("*")):
        if path.suffix in (".html", ".css") and (
            found := _LOADED.search(path.read_text(encoding="utf-8"))
        ):
            raise SphinxError(f"{path} loads from another host: {found[0]}")
