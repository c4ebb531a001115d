"""The attention page's body: where each part is and what it is called. attention.js brings it to life."""

from __future__ import annotations

import json

from unmask.base.language import translate
from unmask.views.maps import Picture
from unmask.views.svg import drawing, escape


def body(small: Picture, large: Picture, tongue: str) -> str:
    """HTML around the grid of heads and the one map."""
    hint = translate("All heads. Click one, or walk with the arrow keys.", tongue)
    one = translate("One head: each row is where a word looks. Point at a cell to read its weight.", tongue)
    lines = translate("The same as lines. Point at a word to see only its own; click to keep it so.", tongue)
    return (
        f'<section id="attention" data-texts="{escape(json.dumps(texts(tongue), ensure_ascii=False))}">'
        f'<p class="shortcuts"></p><p class="hint">{escape(hint)}</p>'
        f'<div class="scroll" id="grid" tabindex="0">{drawing(hint, small.width, small.height, small.parts)}</div>'
        '<h2 id="named" aria-live="polite"></h2><p class="hint" id="small" hidden></p>'
        f'<label class="without"><input type="checkbox"> {escape(without(tongue))}</label>'
        '<div class="pair">'
        f'<figure><figcaption class="hint">{escape(one)}</figcaption>'
        f'<div class="scroll" id="map" tabindex="0">{drawing(one, large.width, large.height, large.parts)}</div>'
        f'</figure><figure><figcaption class="hint">{escape(lines)}</figcaption>'
        '<div class="scroll" id="lines" tabindex="0"><ol class="from"></ol>'
        '<svg preserveAspectRatio="none" aria-hidden="true"></svg><ol class="to"></ol></div>'
        '<p class="hint" id="count"></p></figure></div>'
        f"<h2>{escape(translate('Every head in numbers', tongue))}</h2>"
        f'<div class="scroll tall"><table id="heads">{table_head(tongue)}<tbody></tbody></table></div>'
        '<output id="tip" hidden></output></section>'
    )


def without(tongue: str) -> str:
    return translate("Leave out the first column, on which many heads rest, and let each row sum to 1 again", tongue)


def table_head(tongue: str) -> str:
    columns = {
        "layer": (translate("layer", tongue), ""),
        "head": (translate("head", tongue), ""),
        "entropy": (
            translate("entropy", tongue),
            translate("how widely it spreads, in nats; 0 looks at one token only", tongue),
        ),
        "previous": (translate("token before", tongue), translate("mean weight on the token before", tongue)),
        "first": (translate("first token", tongue), translate("mean weight on the first token", tongue)),
        "itself": (translate("itself", tongue), translate("mean weight on the token itself", tongue)),
        "induction": (
            translate("induction", tongue),
            translate("mean weight on what came after earlier copies of a token", tongue),
        ),
    }
    cells = (
        f'<th data-key="{key}" title="{escape(tip)}"><button type="button">{escape(name)}</button></th>'
        for key, (name, tip) in columns.items()
    )
    return f"<thead><tr>{''.join(cells)}</tr></thead>"


def texts(tongue: str) -> dict[str, str]:
    """What the script says, by its own names; it fills the fields."""
    return {
        "one": translate("Layer {layer}, head {head}", tongue),
        "mean": translate("Layer {layer}, mean of its heads", tongue),
        "average": translate("Mean of a layer's heads", tongue),
        "previous": translate("Looks at the token before", tongue),
        "induction": translate("Looks at what came next last time", tongue),
        "itself": translate("Looks at itself", tongue),
        "narrow": translate("Most focused", tongue),
        "wide": translate("Most spread", tongue),
        "small": translate(
            "Of this head only the thumbnail is in this page: each cell is the strongest of several.", tongue
        ),
        "lines": translate("Lines drawn: {drawn} of {all}; the weakest are left out.", tongue),
        "nolines": translate("There are no lines for a thumbnail.", tongue),
    }
