"""What this distribution offers to mtlkit; imports no torch."""

import mtlkit


@mtlkit.hookimpl
def mtlkit_cards() -> list[mtlkit.Card]:
    """The card of the head `crf`."""
    return [
        mtlkit.Card(
            kind="head",
            name="crf",
            summary="one tag for each word of a sentence, the best sequence of tags as a whole",
            options="mtlkit_crf.options:Crf",
            build="mtlkit_crf.head:CrfHead",
            install="pip install mtlkit-crf",
            paper="Lafferty, McCallum & Pereira, ICML 2001",
            example={},
        )
    ]
