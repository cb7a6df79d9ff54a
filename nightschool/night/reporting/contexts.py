"""Contexts as the record of their stage, and as a release stores them."""

from typing import Any

from nightschool.night.entries import ContextEntry
from nightschool.night.records import ContextualiseRecord
from nightschool.night.selection.contexts import Context, ContextSelection


def describe_contexts(selection: ContextSelection, timezone: str, scale: float = 1.0) -> ContextualiseRecord:
    """Build the record of the stage.

    Args:
        selection: The contexts with their settings.
        timezone: The zone of hour and weekday.
        scale: What the weights of settings are in units of.
    """
    return ContextualiseRecord(
        timezone=timezone,
        contexts=tuple(_entry(context, scale) for context in selection.contexts),
        figures=_figures(selection),
    )


def stored_contexts(record: ContextualiseRecord | None) -> dict[str, Any]:
    """Return what a release stores of its contexts, so that requests can be answered in them."""
    if record is None:
        return {}
    entries = (entry.model_dump(mode="json", exclude={"name"}) for entry in record.contexts)
    names = (entry.name for entry in record.contexts)
    return {"timezone": record.timezone, "contexts": dict(zip(names, entries, strict=True))}


def _figures(selection: ContextSelection) -> dict[str, float]:
    ranked = {"users with ranked choices": float(selection.n_users)} if selection.n_users else {}
    figures = {f"ndcg@10 of choices, {name}": value for name, value in selection.ndcg.items()}
    ahead = {f"ahead of that {name}": ends for name, ends in selection.differences.items()}
    ahead |= {f"added by {each.name}": each.difference for each in selection.contexts if each.difference}
    ends = {f"{name}{end}": triple[i] for name, triple in ahead.items() for i, end in enumerate(("", " from", " to"))}
    return {**ranked, **figures, **ends}


def _entry(context: Context, scale: float) -> ContextEntry:
    return ContextEntry(
        name=context.name,
        values=context.values,
        strength=context.setting.strength if context.setting else None,
        weight=float(f"{context.setting.weight * scale:.3g}") if context.setting else 0.0,
        difference=context.difference,
        note=context.note,
    )
