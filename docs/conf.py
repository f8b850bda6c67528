"""How Sphinx builds the site: ``make site``."""

import sys
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "_site"))

from generated_pages import filled, has_generated_parts  # noqa: E402

import vaehub  # noqa: E402

project = "vaehub"
author = project_copyright = "The vaehub developers"
version = release = vaehub.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton", "sphinxcontrib.bibtex"]
exclude_patterns = ["_site", "**/.ipynb_checkpoints"]

html_theme = "furo"
html_title = "vaehub"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = html_copy_source = False
html_math_renderer = "mathml"
highlight_language = "sh"

# Links to headings are those of GitHub, where the pages are read as well.
myst_heading_anchors = 4
myst_enable_extensions = ["deflist", "dollarmath"]
# Notebooks are shown as they were last run.
nb_execution_mode = "off"

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
napoleon_use_ivar = True

bibtex_bibfiles = [f"../{path.relative_to(DOCS.parent)}" for path in sorted(DOCS.parent.glob("vaehub/**/*.bib"))]

# Public names must resolve. Types of other packages, and of our inside, stand in signatures and have no page here.
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(?!vaehub\.).*"),
    ("py:(class|obj)", r"vaehub\.(adapters|analysis|core|features|files|hub|plugins|store|testing)\..*"),
]


def formula(translator, node):
    """Write a formula as MathML, which browsers draw without a script from another host."""
    block = isinstance(node, nodes.math_block)
    drawn = tex2mathml(node.astext(), as_block=block)
    translator.body.append(f'<div class="math">{drawn}</div>' if block else drawn)
    raise nodes.SkipNode


def fill(app, name, source):
    """Put the generated parts into a page."""
    source[0] = filled(source[0])


def made_from_code(app, env, added, changed, removed):
    """Return the pages that may have changed although their sources have not."""
    return [name for name in env.found_docs if has_generated_parts(Path(env.doc2path(name)))]


def returned(app, what, name, obj, options, lines):
    """Keep what a function returns in one piece: its sentences have colons, and no type before them."""
    if "Returns:" in lines:
        start = lines.index("Returns:")
        end = next((at for at in range(start + 1, len(lines)) if lines[at].strip() == ""), len(lines))
        lines[start:end] = ["", ":returns: " + " ".join(line.strip() for line in lines[start + 1 : end])]


def is_left_out(app, what, name, obj, skip, options):
    """Leave out fields of named tuples, which their class describes, and aliases of classes of parameters."""
    is_field = (getattr(obj, "__doc__", None) or "").startswith("Alias for field number")
    return True if is_field or name == "Params" else None


def setup(app):
    """Connect what is made here."""
    app.connect("autodoc-process-docstring", returned, priority=400)
    app.connect("autodoc-skip-member", is_left_out)
    app.add_html_math_renderer("mathml", (formula, None), (formula, None))
    app.connect("source-read", fill)
    app.connect("env-get-outdated", made_from_code)
