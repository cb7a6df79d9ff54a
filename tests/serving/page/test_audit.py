import re
from html import unescape

from nightschool.storage.audit import AuditLog
from nightschool.storage.database import open_database
from tests.serving.client import Api

PAGE = "/operator/audit"


def noted(text: str) -> list[str]:
    return re.findall(r'data-of="What"><bdi>([^<]*)', text)


def test_who_did_what_is_listed_by_pages_the_newest_first(writing: Api) -> None:
    assert "Nothing was noted yet" in writing.get(PAGE).text
    log = AuditLog(open_database(writing.service.settings.events_address))
    for number in range(120):
        log.note(("night", "editors")[number % 2], "held", f"release {number}", {"reason": "<why> & how", "hold": True})
    path, found = PAGE, list[str]()
    while path:
        text = unescape(writing.get(path).text)
        found += noted(text)
        older = re.findall(r'href="([^"]*before=\d+)">Older', text)
        path = older[0] if older else ""
    assert found == [f"release {number}" for number in reversed(range(120))]
    assert "<why>" not in writing.get(PAGE).text


def test_the_log_is_narrowed_by_who_and_action_on_every_page(writing: Api) -> None:
    log = AuditLog(open_database(writing.service.settings.events_address))
    for number in range(110):
        log.note(("night", "a & b")[number % 2], ("held", "rolled_back")[number // 55], str(number))
    text = unescape(writing.get(PAGE, params={"who": "a & b", "action": "held"}).text)
    assert len(noted(text)) == 27
    assert '<option value="rolled_back">rolled back</option>' in text
    assert "<option selected>a & b</option>" in text
    everything = unescape(writing.get(PAGE, params={"who": "a & b"}).text)
    (older,) = re.findall(r'href="([^"]*before=\d+)">Older', everything)
    assert len(noted(writing.get(older).text)) == 5
    assert "Nothing was noted that fits yet" in writing.get(PAGE, params={"who": "nobody"}).text
    assert writing.get(PAGE, params={"before": "x"}).status_code == 422
