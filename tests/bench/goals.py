"""What is to be reached, in the order of the page."""

from typing import Literal

from tests.bench.values import Cell, Goal

HF, TOKENS = "HF Trainer", "tokens_per_second"
MAP = "`datasets.map(batched=True)`"


def _faster(
    work: str, peer: str, measure: str, ours: str, theirs: tuple[str, ...], bounds: tuple[float, float]
) -> Goal:
    """How often a variant's figure holds the peer's, or the other way round; variants are BENCH/NAME."""
    cells = tuple(_cell(each, measure) for each in theirs)
    return Goal(work, peer, _cell(ours, measure), cells, "speedup", *bounds)


def _rate(
    work: str, peer: str, ours: str, theirs: tuple[str, ...], least: float, aim: float, measure: str = ""
) -> Goal:
    return _faster(work, peer, measure or "examples_per_second", ours, theirs, (least, aim))


def _time(work: str, peer: str, ours: str, theirs: str, least: float, aim: float) -> Goal:
    return _faster(work, peer, "seconds", ours, (theirs,), (least, aim))


def _memory(work: str, ours: str, theirs: str, least: float, aim: float) -> Goal:
    measure = "peak_mb"
    return Goal(work, HF, _cell(ours, measure), (_cell(theirs, measure),), "share", least, aim)


def _cell(variant: str, measure: str) -> Cell:
    bench, _, name = variant.partition("/")
    return Cell(bench, name, measure)


def _alone(variant: str, measure: str, work: str, bounds: tuple[float, float], unit: str) -> Goal:
    how: Literal["alone"] = "alone"
    return Goal(work, "–", _cell(variant, measure), (), how, *bounds, unit)


FULL = "full fine-tuning, one task"
GOALS = (
    _rate(f"{FULL}, fp32", f"{HF}, defaults", "full/mtlkit", ("full/hf",), 1.8, 2.4),
    _rate(f"{FULL}, fp32", f"{HF}, `group_by_length`", "full/mtlkit", ("full/hf-grouped",), 1.15, 1.4),
    _rate(
        f"{FULL}, bf16",
        f"{HF}, `group_by_length`, bf16",
        "full/mtlkit-bf16",
        ("full/hf-grouped-bf16",),
        1.15,
        1.35,
    ),
    _rate(
        "three tasks, fp32",
        "the best of HF Trainer, sentence-transformers, MaChAmp-like",
        "tasks/mtlkit",
        ("tasks/hf", "tasks/sentence-transformers", "tasks/machamp-like"),
        1.5,
        1.8,
        TOKENS,
    ),
    _rate("three tasks, bf16", f"{HF}, bf16", "tasks/mtlkit-bf16", ("tasks/hf-bf16",), 1.4, 1.8, TOKENS),
    _time("frozen backbone, 5 epochs, fp32", HF, "frozen/mtlkit", "frozen/hf", 9, 11),
    _time("frozen backbone, 5 epochs, bf16", HF, "frozen/mtlkit-bf16", "frozen/hf", 17, 22),
    _time("frozen backbone, 5 epochs, warm store", HF, "frozen/mtlkit-warm", "frozen/hf", 200, 1000),
    _time("bottom 4 of 6 blocks frozen, 5 epochs, fp32", HF, "bottom/mtlkit", "bottom/hf", 4, 5),
    _time("bottom 4 of 6 blocks frozen, 5 epochs, bf16", HF, "bottom/mtlkit-bf16", "bottom/hf", 5, 6.5),
    _alone("overhead/fp32", "overhead_percent", "engine over a bare loop, fp32", (3, 1), " %"),
    _alone("overhead/bf16", "overhead_percent", "engine over a bare loop, bf16", (3, 1), " %"),
    _memory("peak memory, full fine-tuning", "full/mtlkit", "full/hf", 0.85, 0.7),
    _memory("peak memory, frozen backbone", "frozen/mtlkit", "frozen/hf", 0.8, 0.75),
    _memory("peak memory, head from a warm store", "frozen/mtlkit-warm", "frozen/hf", 0.5, 0.44),
    _alone("calls/mtlkit", "percent", "planning, sampling and policies, of a step", (1, 0.5), " %"),
    _time("tokenising 8,000 rows, cold", MAP, "tokens/mtlkit", "tokens/datasets", 1.4, 1.6),
    Goal(
        "tokenising 8,000 rows, cached",
        MAP,
        Cell("tokens", "mtlkit", "cached_seconds"),
        (Cell("tokens", "datasets", "seconds"),),
        "speedup",
        100,
        140,
    ),
    _faster("optimizer step, any grouping", HF, "milliseconds", "update/mtlkit", ("update/hf",), (1, 1.5)),
    _faster(
        "checkpoint, time the loop waits",
        "`torch.save`",
        "milliseconds",
        "save/mtlkit",
        ("save/torch",),
        (5, 16),
    ),
    Goal(
        "`mtlkit run` of 0 steps",
        "`import torch, transformers`",
        Cell("start", "mtlkit", "seconds"),
        (Cell("start", "imports", "seconds"),),
        "share",
        1.3,
        1.1,
    ),
)
