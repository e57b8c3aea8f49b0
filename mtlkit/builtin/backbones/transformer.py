"""The backbone `transformer`: any Hugging Face encoder, split wherever a run's freezing asks for it.

Shapes: B rows of a batch, T tokens of the longest row, H hidden size, L blocks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Any

from attrs import evolve
from torch import Tensor

from mtlkit.builtin.backbones.adapters import adapter_weights, fold_adapters
from mtlkit.builtin.backbones.compiling import compile_all, compiler
from mtlkit.builtin.backbones.deferred import Description
from mtlkit.builtin.backbones.fast import has_fast_path, note
from mtlkit.builtin.backbones.first_token import first_tokens_of
from mtlkit.builtin.backbones.flat_rows import FlatTokenRows
from mtlkit.builtin.backbones.layout import Layout
from mtlkit.builtin.backbones.lazy_model import LazyModel
from mtlkit.builtin.backbones.loaded import children_of
from mtlkit.builtin.backbones.options import Transformer
from mtlkit.builtin.backbones.packing import Packing
from mtlkit.builtin.backbones.recomputing import recompute
from mtlkit.builtin.backbones.splitting import Run, run_from, run_to, showing
from mtlkit.builtin.backbones.text_rows import TextRows
from mtlkit.builtin.backbones.token_batch import Batch, TokenRow, pad_rows
from mtlkit.contracts.backbone import Features, Vocabulary
from mtlkit.contracts.data import Value
from mtlkit.contracts.params import Role


class TransformerBackbone(LazyModel):
    """A Hugging Face encoder without its pooler; weights go by the names they have in its checkpoints.

    Texts come without word numbers: only rows that are lists of words have them. The weights of an adapted
    layer `query` are those of `query.base_layer` and, by peft's names, those of its adapter. With a
    `description` the model is laid out, and loaded when it is to compute something.

    Raises:
        ResourceError: when the model can't be found, loaded or understood, or asks for code, or when it is to
            have adapters and peft is not installed.
        RecipeError: when `max_length` is more than the model has positions, `reinit_top` more than it has
            blocks, or a target of adapters is no layer that it calls.
    """

    def __init__(
        self, options: Transformer, pretrained: bool = True, description: Description | None = None
    ) -> None:
        super().__init__(options, pretrained, description)
        self.depth = self._anatomy.depth
        self._kept: dict[int, Tensor] = {}
        self._wanted: frozenset[int] = frozenset()
        self._first = False
        self.train()

    @cached_property
    def _text_rows(self) -> TextRows:
        return TextRows(self.tokenizer, self.options, self._anatomy.typed)

    def place(self, name: str) -> tuple[Role, int]:
        """Role and depth of a weight."""
        return self._anatomy.place(name)

    def fingerprint(self) -> str:
        """The model's configuration, without what it is called."""
        return self._anatomy.told

    def uncompiled(self) -> str:
        """Why its blocks can't be compiled; empty where they can."""
        if self._packs:
            return 'rows are packed, which is faster; for compiled blocks set backbone.fast = "off"'
        return "" if compiler() else "there is no C++ compiler"

    def compile_blocks(self) -> None:
        """Compile the blocks when they are first called."""
        blocks = self._ready.blocks
        for block in blocks:
            block.__dict__.pop("forward", None)  # what is computed again is the compiled program
        compile_all(blocks)
        if self.options.checkpoint_blocks:
            recompute(blocks, self.model.config)

    def note(self) -> str:
        """What a plan says of how rows are run."""
        return note(self._config.model_type, self._packs, self.options.fast)

    def adapters(self) -> Collection[str]:
        """Names of the weights that adapters brought."""
        adapted, prefix = self._anatomy.adapted, self._anatomy.prefix
        return (
            frozenset(prefix + name for name in adapter_weights(self.model, adapted))
            if adapted
            else frozenset()
        )

    def merge(self) -> None:
        """Fold the adapters into the weights of the model, which then gives the same features to rounding.

        Weights go by their names in the model's checkpoints again. For export: a run that still trains knows
        the weights by the names they had.
        """
        if not self._anatomy.adapted:
            return
        fold_adapters(self.model)
        self._anatomy = evolve(self._anatomy, adapted=())
        for name, child in children_of(self.model):
            self.add_module(name, child)

    def vocabulary(self) -> Vocabulary:
        """The tokens of the model, with its own table of embeddings."""
        tokenizer = self.tokenizer
        table = (
            self.get_parameter(self._anatomy.prefix + self._anatomy.table)
            if self._loaded is None
            else self._loaded.model.get_input_embeddings().weight
        )
        special = frozenset(tokenizer.all_special_ids)
        padding, mask = tokenizer.pad_token_id or 0, tokenizer.mask_token_id
        return Vocabulary(len(table), padding, special, mask, table, self.tokens)

    def tokens(self, ids: Sequence[int]) -> list[str]:
        """The tokens with these ids, as the tokenizer spells them."""
        spelt: list[str] = self.tokenizer.convert_ids_to_tokens(list(ids))
        return spelt

    def prepare(self, rows: Sequence[tuple[Value, ...]]) -> list[TokenRow]:
        """Encode rows of one text, two texts or one list of words, each of `max_length` tokens at most.

        A row of more is cut, or encoded in windows of as many.
        """
        return self._text_rows.of(rows, located=False)

    def locate(self, rows: Sequence[tuple[Value, ...]]) -> list[TokenRow]:
        """The same rows, where each token is in its text included; this takes a little longer."""
        return self._text_rows.of(rows, located=True)

    def flat(self) -> FlatTokenRows:
        """Prepared rows as numbers."""
        return self._text_rows.flat

    def collate(self, items: Sequence[TokenRow]) -> Batch:
        """A batch padded to its longest row."""
        return pad_rows(items, self.tokenizer.pad_token_id or 0)

    def forward(self, batch: Batch) -> Features:
        """Features of the batch."""
        layout = self._layout(batch)
        if (packing := self._by_first(layout)) is not None:
            return self._of_first(batch, packing, partial(self._run, batch, layout))
        with self._show(self._wanted, layout):
            return _features(self._run(batch, layout), batch, layout)

    def stem(self, batch: Batch, depth: int) -> Tensor:
        """Hidden states [B, T, H] below block `depth`+1."""
        layout = self._layout(batch)
        return layout.rows(run_to(self._ready.blocks, depth, lambda: self._run(batch, layout)))

    def tail(self, hidden: Tensor, batch: Batch, depth: int) -> Features:
        """Features from the hidden states that `stem` gave for the same batch and depth."""
        if depth in self._wanted:
            self._kept[depth] = hidden
        layout, answer, loaded = self._layout(batch), self._anatomy.answer, self._ready
        run = partial(self._run, batch, layout)
        below = loaded.fast.embeddings if loaded.fast is not None else []
        rest = partial(run_from, loaded.blocks, depth, layout.model(hidden), answer, run, below)
        if depth < self.depth and (packing := self._by_first(layout)) is not None:
            return self._of_first(batch, packing, rest)
        with self._show([above for above in self._wanted if above > depth], layout):
            return _features(rest(), batch, layout)

    @contextmanager
    def keep(self, depths: Sequence[int]) -> Iterator[Mapping[int, Tensor]]:
        """Keep the states [B, T, H] after these depths of what runs inside the block."""
        before = self._kept, self._wanted
        self._kept, self._wanted = {}, frozenset(depths)
        try:
            yield self._kept
        finally:
            self._kept, self._wanted = before

    @contextmanager
    def first_alone(self) -> Iterator[None]:
        """Inside, features are those of the first token of each row, where that takes less."""
        before, self._first = self._first, True
        try:
            yield
        finally:
            self._first = before

    def _by_first(self, layout: Layout) -> Packing | None:
        possible = layout.windows is None and not self._anatomy.answer
        return layout.packing if self._first and possible and not self._wanted else None

    def _of_first(self, batch: Batch, packing: Packing, run: Run) -> Features:
        with first_tokens_of(self._ready.blocks[-1], packing):
            tokens = packing.firsts_apart(run().last_hidden_state)
        return Features(tokens, batch.mask[:, :1], batch.words[:, :1])

    @contextmanager
    def _show(self, depths: Collection[int], layout: Layout) -> Iterator[None]:
        shown: dict[int, Tensor] = {}
        with showing(self._ready.blocks, depths, shown):
            yield
        self._kept |= {depth: layout.rows(states) for depth, states in shown.items()}

    def _layout(self, batch: Batch) -> Layout:
        return Layout.of(batch, packed=self.ragged)

    @property
    def ragged(self) -> bool:
        """Whether rows cost what their own tokens cost, so that a batch may have rows of any length."""
        return self._packs and next(self.parameters()).device.type != "cuda"

    @property
    def _packs(self) -> bool:
        return self.options.fast == "auto" and has_fast_path(self._config)

    def _run(self, batch: Batch, layout: Layout) -> Any:  # noqa: ANN401  a transformers model's answer
        ids, types = layout.inputs(batch, self.tokenizer.pad_token_id or 0)
        fast = self._ready.fast
        if fast is not None and layout.packing is not None:
            return fast.run(ids, types, layout.packing)
        typed = {"token_type_ids": types} if types is not None else {}
        return self.model(input_ids=ids, attention_mask=layout.mask.long(), **typed)


def _features(output: Any, batch: Batch, layout: Layout) -> Features:  # noqa: ANN401  a transformers model's answer
    return Features(layout.rows(output.last_hidden_state), batch.mask, batch.words)
