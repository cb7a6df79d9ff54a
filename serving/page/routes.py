"""The router of all pages."""

from fastapi import APIRouter

from serving.page import (
    api_docs,
    audit,
    catalogue,
    items,
    operator,
    own,
    rules,
    sign_in,
    static,
    steering,
    users,
)

router = APIRouter(include_in_schema=False)
for part in (static, sign_in, operator, steering, rules, audit, api_docs, catalogue, items, own, users):
    router.include_router(part.router)
