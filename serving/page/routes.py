"""The router of all pages."""

from fastapi import APIRouter

from serving.page import api_docs, catalogue, items, operator, own, sign_in, static, users

router = APIRouter(include_in_schema=False)
for part in (static, sign_in, operator, api_docs, catalogue, items, own, users):
    router.include_router(part.router)
