"""Stage contextualise: which contexts of a request change a list, learned and shown on validation."""

import logging

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.catalog import build
from nightschool.application.stage import resumable
from nightschool.data.splits.splitting import validation_split
from nightschool.night.night import Night
from nightschool.night.records import ContextualiseRecord, PrepareRecord, ProveRecord
from nightschool.night.reporting.contexts import describe_contexts
from nightschool.night.selection.context_ranking import ContextData, ContextEvaluator
from nightschool.night.selection.contexts import ContextSelection, choose_contexts, learn_contexts
from nightschool.recipe import RERANKER
from nightschool.settings import Settings
from tasks.prepare import load

logger = logging.getLogger("nightschool.tasks")


@task(cache_policy=NO_CACHE)
def contextualise(night: Night, prepared: PrepareRecord, proved: ProveRecord) -> ContextualiseRecord:
    """Learn how much each context changes the scores of the approved recipe; those not shown to help stay off."""
    return resumable(night, ContextualiseRecord, lambda _: _contextualise(night, prepared, proved))


def _contextualise(night: Night, prepared: PrepareRecord, proved: ProveRecord) -> ContextualiseRecord:
    data, seed = load(night, prepared), night.config.seed
    split, zone = validation_split(data.log, data.cut), data.log.timezone
    known = ContextData(split.fitted, data.log.contexts, zone)
    contexts, held_out = choose_contexts(split, known, seed)
    names = [context.name for context in contexts if not context.note]
    if not names:
        return describe_contexts(ContextSelection(tuple(contexts)), zone)
    # Lifts are added to the blend; a reranker's order is laid over it when a list is made.
    blend = build(proved.recipe.model_copy(update={RERANKER: None})).fit(split.fitted, seed=seed)
    evaluator = ContextEvaluator(blend, known, held_out, names, Settings().block_megabytes)
    selection = learn_contexts(evaluator, contexts, seed)
    logger.info("contextualise: %s", [each.name for each in selection.contexts if each.setting] or "no context helps")
    return describe_contexts(selection, zone, evaluator.scale)
