"""The backbone `transformer`: any Hugging Face encoder, split wherever a run's freezing asks for it.

Shapes: B rows of a batch, T tokens of the longest row, H hidden size, L blocks.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn

from mtlkit.builtin.backbones.adapters import (
    adapter_weights,
    add_adapters,
    check_called,
    fold_adapters,
    layer_of,
)
from mtlkit.builtin.backbones.compiling import compile_all, compiler
from mtlkit.builtin.backbones.fast import FastPath, note
from mtlkit.builtin.backbones.first_token import first_tokens_of
from mtlkit.builtin.backbones.flat_rows import FlatTokenRows
from mtlkit.builtin.backbones.fresh_blocks import check_top, renew_top
from mtlkit.builtin.backbones.layout import Layout
from mtlkit.builtin.backbones.options import Transformer
from mtlkit.builtin.backbones.packing import Packing
from mtlkit.builtin.backbones.pretrained import Origin, load_config, load_model, load_tokenizer, locate
from mtlkit.builtin.backbones.recomputing import recompute
from mtlkit.builtin.backbones.splitting import Run, find_blocks, run_from, run_to, showing, trace
from mtlkit.builtin.backbones.text_rows import TextRows
from mtlkit.builtin.backbones.token_batch import Batch, TokenRow, pad_rows
from mtlkit.contracts.backbone import Features, Vocabulary
from mtlkit.contracts.data import Value
from mtlkit.contracts.params import Role
from mtlkit.errors import Problem, RecipeError, ResourceError

_UNTRACEABLE = (AttributeError, LookupError, RuntimeError, NotImplementedError, TypeError, ValueError)


class TransformerBackbone(nn.Module):
    """A Hugging Face encoder without its pooler; weights go by the names they have in its checkpoints.

    Texts come without word numbers: only rows that are lists of words have them. The weights of an adapted
    layer `query` are those of `query.base_layer` and, by peft's names, those of its adapter.

    Raises:
        ResourceError: when the model can't be found, loaded or understood, or asks for code, or when it is to
            have adapters and peft is not installed.
        RecipeError: when `max_length` is more than the model has positions, `reinit_top` more than it has
            blocks, or a target of adapters is no layer that it calls.
    """

    def __init__(self, options: Transformer, pretrained: bool = True) -> None:
        super().__init__()
        self.options = options
        self.origin = locate(options)
        config = load_config(self.origin)
        model = load_model(self.origin, config, pretrained)
        _check_length(options, model, config)
        with _telling_apart(self.origin, config):
            self._path, self._blocks = find_blocks(model, config.num_hidden_layers)
        self.depth = len(self._blocks)
        check_top(options.reinit_top, self.depth, self.origin.name)
        if pretrained:
            renew_top(self._blocks, partial(self._fresh_blocks, config), options.reinit_top)
        kind = options.lora or options.ia3
        self._adapted = add_adapters(model, self._path, kind) if kind is not None else ()
        self._fast = FastPath.of(model, config) if options.fast == "auto" else None
        # In a tuple, so that the model's parts and not the model are this module's children.
        self._whole = (model,)
        self._kept: dict[int, Tensor] = {}
        self._wanted: frozenset[int] = frozenset()
        self._first = False
        self._adopt(model, config)
        if options.checkpoint_blocks:
            recompute(self._blocks, model.config)
        if pretrained:
            _ = self.tokenizer
        self.train()

    def _fresh_blocks(self, config: Any) -> list[nn.Module]:  # noqa: ANN401  a transformers configuration
        return find_blocks(load_model(self.origin, config, pretrained=False), config.num_hidden_layers)[1]

    def _adopt(self, model: nn.Module, config: Any) -> None:  # noqa: ANN401  a transformers configuration
        for name, child in _children(model):
            self.add_module(name, child)
        self._prefix = "model." if "model" in self._modules else ""
        segments = getattr(config, "type_vocab_size", 2)
        self._typed = segments > 1 and "token_type_ids" in signature(model.forward).parameters
        model.eval()  # a run for information only: no dropout, so no random number is taken
        device = next(model.parameters()).device
        with _telling_apart(self.origin, config):
            self.hidden_size = int(config.hidden_size)
            probe = torch.zeros((1, 4), dtype=torch.long, device=device)
            # no attention mask: looking into one is not possible on the meta device
            with torch.no_grad(), _without_padding(model):
                self._trace = trace(model, self._path, self._blocks, partial(model, input_ids=probe))
        outside = [layer for layer in self._adapted if not layer.startswith(f"{self._path}.")]
        check_called([layer for layer in outside if layer not in self._trace.depths])

    @property
    def model(self) -> Any:  # noqa: ANN401  a transformers model
        """The Hugging Face model itself; its weights are this module's."""
        return self._whole[0]

    @cached_property
    def tokenizer(self) -> Any:  # noqa: ANN401  a transformers tokenizer
        """The model's tokenizer, set to cut rows at `max_length`."""
        tokenizer = load_tokenizer(self.origin)
        tokenizer.backend_tokenizer.enable_truncation(self.options.max_length)
        tokenizer.backend_tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _text_rows(self) -> TextRows:
        return TextRows(self.tokenizer, self.options, self._typed)

    def place(self, name: str) -> tuple[Role, int]:
        """Role and depth of a weight.

        What the model uses before its first block is depth 0, and so is what no module's call shows
        (tables of relative positions); block i is depth i+1, with what is used just after it.
        """
        path = name.removeprefix(self._prefix)
        if path.startswith(f"{self._path}."):
            depth = int(path.removeprefix(f"{self._path}.").partition(".")[0]) + 1
        else:
            module = layer_of(path, self._adapted) or path.rpartition(".")[0]
            depth = self._trace.depths.get(module, 0)
        role: Role = "embeddings" if depth == 0 else "block" if depth <= self.depth else "final"
        return role, depth

    def fingerprint(self) -> str:
        """The model's configuration, without what it is called."""
        told: dict[str, Any] = self.model.config.to_dict()
        return json.dumps({key: told[key] for key in sorted(told) if key[0] != "_"}, default=str)

    def uncompiled(self) -> str:
        """Why its blocks can't be compiled; empty where they can."""
        if self._fast is not None:
            return 'rows are packed, which is faster; for compiled blocks set backbone.fast = "off"'
        return "" if compiler() else "there is no C++ compiler"

    def compile_blocks(self) -> None:
        """Compile the blocks when they are first called."""
        for block in self._blocks:
            block.__dict__.pop("forward", None)  # what is computed again is the compiled program
        compile_all(self._blocks)
        if self.options.checkpoint_blocks:
            recompute(self._blocks, self.model.config)

    def note(self) -> str:
        """What a plan says of how rows are run."""
        return note(self.model, self._fast, self.options.fast)

    def adapters(self) -> Collection[str]:
        """Names of the weights that adapters brought."""
        return frozenset(self._prefix + name for name in adapter_weights(self.model, self._adapted))

    def merge(self) -> None:
        """Fold the adapters into the weights of the model, which then gives the same features to rounding.

        Weights go by their names in the model's checkpoints again. For export: a run that still trains knows
        the weights by the names they had.
        """
        if not self._adapted:
            return
        fold_adapters(self.model)
        self._adapted = ()
        for name, child in _children(self.model):
            self.add_module(name, child)

    def vocabulary(self) -> Vocabulary:
        """The tokens of the model, with its own table of embeddings."""
        tokenizer, table = self.tokenizer, self.model.get_input_embeddings().weight
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
        return layout.rows(run_to(self._blocks, depth, lambda: self._run(batch, layout)))

    def tail(self, hidden: Tensor, batch: Batch, depth: int) -> Features:
        """Features from the hidden states that `stem` gave for the same batch and depth."""
        if depth in self._wanted:
            self._kept[depth] = hidden
        layout, answer = self._layout(batch), self._trace.answer
        run = partial(self._run, batch, layout)
        below = self._fast.embeddings if self._fast is not None else []
        rest = partial(run_from, self._blocks, depth, layout.model(hidden), answer, run, below)
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
        possible = layout.windows is None and not self._trace.answer
        return layout.packing if self._first and possible and not self._wanted else None

    def _of_first(self, batch: Batch, packing: Packing, run: Run) -> Features:
        with first_tokens_of(self._blocks[-1], packing):
            tokens = packing.firsts_apart(run().last_hidden_state)
        return Features(tokens, batch.mask[:, :1], batch.words[:, :1])

    @contextmanager
    def _show(self, depths: Collection[int], layout: Layout) -> Iterator[None]:
        shown: dict[int, Tensor] = {}
        with showing(self._blocks, depths, shown):
            yield
        self._kept |= {depth: layout.rows(states) for depth, states in shown.items()}

    def _layout(self, batch: Batch) -> Layout:
        return Layout.of(batch, packed=self.ragged)

    @property
    def ragged(self) -> bool:
        """Whether rows cost what their own tokens cost, so that a batch may have rows of any length."""
        return self._fast is not None and self.model.device.type == "cpu"

    def _run(self, batch: Batch, layout: Layout) -> Any:  # noqa: ANN401  a transformers model's answer
        ids, types = layout.inputs(batch, self.tokenizer.pad_token_id or 0)
        if self._fast is not None and layout.packing is not None:
            return self._fast.run(ids, types, layout.packing)
        typed = {"token_type_ids": types} if types is not None else {}
        return self.model(input_ids=ids, attention_mask=layout.mask.long(), **typed)


def _features(output: Any, batch: Batch, layout: Layout) -> Features:  # noqa: ANN401  a transformers model's answer
    return Features(layout.rows(output.last_hidden_state), batch.mask, batch.words)


@contextmanager
def _telling_apart(origin: Origin, config: Any) -> Iterator[None]:  # noqa: ANN401  a transformers configuration
    try:
        yield
    except _UNTRACEABLE as error:
        message = f"the blocks of {origin.name} ({config.model_type}) can't be told apart: {error}"
        raise ResourceError(message, "use an encoder of plain blocks, such as BERT") from error


@contextmanager
def _without_padding(model: Any) -> Iterator[None]:  # noqa: ANN401  a transformers model
    # Where there is no mask some models look for padding, which is not possible there either.
    padding, model.config.pad_token_id = model.config.pad_token_id, None
    try:
        yield
    finally:
        model.config.pad_token_id = padding


def _children(model: nn.Module) -> list[tuple[str, nn.Module]]:
    own = [*model.parameters(recurse=False), *model.buffers(recurse=False)]
    return [("model", model)] if own else list(model.named_children())


def _check_length(options: Transformer, model: nn.Module, config: Any) -> None:  # noqa: ANN401  a transformers configuration
    positions = getattr(config, "max_position_embeddings", None)
    if not isinstance(positions, int) or positions < 1:
        return
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            positions -= int(module.padding_idx) + 1  # RoBERTa counts positions from there
    if options.max_length > positions:
        name = options.path.address
        message = f"max_length {options.max_length} is more than the {positions} positions of {name}"
        raise RecipeError(Problem(message, f"at most {positions}", "backbone.max_length"))
