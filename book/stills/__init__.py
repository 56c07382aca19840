"""First states of figures as pictures, drawn by the modules that bring the figures to life.

Node runs them on as much of a document as they ask for (``dom.mjs``); what comes out is mark-up
that needs no script (``markup.mjs``).
"""

from __future__ import annotations

import html
import json
import re

from book.bundle import ROOT, run_node

DRAW = ROOT / "book" / "stills" / "draw.mjs"
FIGURE = re.compile(
    r"""(?P<open><figure class="dsf-widget" data-widget="(?P<widget>\w+)"[^>]*>
<div class="dsf-still">
)(?P<still>.*?)(?P<between>
</div>
<noscript>.*?<script type="application/json">)(?P<state>.*?)(?P<caption></script>
<figcaption>.*?)(?P<close></figcaption>
</figure>)""",
    re.DOTALL,
)


def with_stills(texts: list[str]) -> list[str]:
    """Put the pictures of their first states into figures.

    Args:
        texts: HTML with figures as `dsf.widgets.base.Widget.html` writes them.

    Returns:
        The same, with a picture in the place of each table, and the numbers of the first state in
        the caption.

    Raises:
        RuntimeError: a figure cannot be drawn.
    """
    found = [figure for text in texts for figure in FIGURE.finditer(text)]
    if not found:
        return texts
    asked = [{"widget": x["widget"], "state": json.loads(x["state"])} for x in found]
    drawn = iter(json.loads(run_node(str(DRAW), text=json.dumps(asked))))

    def fill(figure: re.Match[str]) -> str:
        still = next(drawn)
        said = html.escape(f" {still['caption']}".rstrip())
        parts = [figure["open"], still["picture"], figure["between"], figure["state"]]
        return "".join([*parts, figure["caption"], said, figure["close"]])

    return [FIGURE.sub(fill, text) for text in texts]
