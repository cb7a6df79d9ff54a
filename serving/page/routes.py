"""The router of all pages."""

from fastapi import APIRouter

from serving.page import (
    api_docs,
    audit,
    catalogue,
    experiments,
    holds,
    items,
    keys,
    operator,
    own,
    quarantine,
    rules,
    sign_in,
    static,
    steering,
    tables,
    users,
)

_OPERATOR = (operator, steering, rules, holds, quarantine, experiments, tables, keys, audit)

router = APIRouter(include_in_schema=False)
for part in (static, sign_in, *_OPERATOR, api_docs, catalogue, items, own, users):
    router.include_router(part.router)
