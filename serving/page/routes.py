"""The router of all pages."""

from fastapi import APIRouter

from serving.page import api_docs, experiments, holds, keys, operator, quarantine, sign_in, static, tables, users

router = APIRouter(include_in_schema=False)
for part in (static, sign_in, operator, holds, quarantine, experiments, tables, keys, api_docs, users):
    router.include_router(part.router)
