import re
from html import unescape
from typing import Any

import httpx
import pytest

from nightschool.storage.audit import AuditLog
from nightschool.storage.database import open_database
from nightschool.storage.keys import Keys
from tests.serving.client import Api

PAGE = "/operator/rules"


def post(api: Api, text: str, base: int, why: str = "why", do: str = "save", **more: Any) -> httpx.Response:
    fields = {"file": "rules.toml", "text": text, "base": base, "why": why, "do": do, **more}
    return api.request("POST", PAGE, data=fields)


def base_of(text: str) -> int:
    (base,) = re.findall(r'name="base" value="(\d+)"', text)
    return int(base)


def page(api: Api, path: str = PAGE) -> str:
    answer = api.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def texts(api: Api) -> list[str]:
    found = api.service.operating.rule_files.versions.newest("rules.toml", 99)
    return [version.text for version in found]


def test_a_rule_is_written_and_in_force_at_once(writing: Api) -> None:
    user = writing.users[0]
    item = writing.items_of(user)[0]
    assert base_of(page(writing)) == 0
    done = post(writing, f"# hidden\r\nexclude = [{item}]", 0)
    assert (done.status_code, done.headers["location"]) == (303, f"{PAGE}?file=rules.toml&just=saved")
    assert writing.home.paths.rules.read_text() == f"# hidden\nexclude = [{item}]\n"
    assert item not in writing.items_of(user)
    shown = page(writing, done.headers["location"])
    assert "Saved. Lists follow it." in shown
    assert f"exclude = [{item}]\n</textarea>" in shown
    (entry,) = AuditLog(open_database(writing.service.settings.events_address)).newest(9)
    assert (entry.action, entry.what, entry.details["reason"]) == ("file_saved", "rules.toml", "why")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("quota = 2\nquota = ", "rules.toml is not valid TOML: "),
        ("\n\nquota = 0", "rules.toml, line 3: quota; saw 0"),
        ("colour = 1", "rules.toml, line 1: colour"),
        ('filter = "price = 3"', "filter, character 7"),
        ('filter = "no_such_column > 3"', "rules.toml: filter, character 1: there is no such item column"),
    ],
)
@pytest.mark.parametrize("do", ["save", "try"])
def test_a_faulty_text_comes_back_with_its_fault_and_is_not_written(
    writing: Api, text: str, told: str, do: str
) -> None:
    answer = post(writing, text, 0, do=do)
    shown = unescape(answer.text)
    assert (answer.status_code, told in shown) == (422, True), shown
    assert f"{text}</textarea>" in shown
    assert not writing.home.paths.rules.exists()
    assert texts(writing) == []


def test_a_change_needs_a_reason(writing: Api) -> None:
    answer = post(writing, "quota = 2", 0, why=" ")
    assert (answer.status_code, "needs a reason" in answer.text) == (422, True)
    assert not writing.home.paths.rules.exists()


def test_a_text_is_tried_on_a_users_list_without_being_written(writing: Api) -> None:
    user = writing.users[0]
    first, second = writing.items_of(user)[:2]
    shown = unescape(post(writing, f"exclude = [{first}]\n", 0, do="try", user=user).text)
    assert "The text is valid. Nothing was saved." in shown
    assert f"<ins>+exclude = [{first}]</ins>" in shown
    before, after = re.findall(r'<ol class="rows moved">(.*?)</ol>', shown, re.DOTALL)
    titles = [writing.snapshot.catalogue.describe(item)["title"] for item in (first, second)]
    assert before.index(titles[0]) < before.index(titles[1])
    assert titles[0] not in after
    assert "leaves" in before
    assert "from 2" in after
    assert writing.items_of(user)[0] == first
    assert "The same before and after" in post(writing, "", 0, do="try", user=user).text
    assert "User ids in this home are whole numbers" in post(writing, "", 0, do="try", user="x").text


def test_a_new_scenario_is_tried_before_it_is_there(writing: Api) -> None:
    fields = {"file": "scenarios.toml", "user": writing.users[0], "scenario": "hero"}
    shown = post(writing, "[hero]\nk = 3\n", 0, do="try", **fields).text
    assert "</bdi> in <code>hero</code>" in shown
    assert shown.count('<span class="rank">') == 3 + 3
    answer = post(writing, "[side]\n", 0, do="try", **fields)
    assert (answer.status_code, "no such scenario" in answer.text) == (422, True)


def test_a_change_by_hand_meanwhile_is_shown_and_nothing_is_lost(writing: Api) -> None:
    base = base_of(page(writing))
    writing.home.paths.rules.write_text("quota = 7\n")
    answer = post(writing, "quota = 3", base)
    assert answer.status_code == 409
    assert "was changed meanwhile" in answer.text
    assert "<ins>+quota = 7</ins>" in answer.text
    assert "quota = 3</textarea>" in answer.text
    assert writing.home.paths.rules.read_text() == "quota = 7\n"
    assert post(writing, "quota = 3", base_of(answer.text)).status_code == 303
    assert texts(writing) == ["quota = 3\n", "quota = 7\n"]


def test_of_two_who_save_at_once_the_second_is_told(writing: Api) -> None:
    assert post(writing, "quota = 2", 0).status_code == 303
    second = post(writing, "quota = 3", 0)
    assert (second.status_code, "<ins>+quota = 2</ins>" in second.text) == (409, True)
    assert writing.home.paths.rules.read_text() == "quota = 2\n"


def test_versions_are_compared_and_brought_back(writing: Api) -> None:
    for text in ("quota = 2", "quota = 3", ""):
        assert post(writing, text, base_of(page(writing))).status_code == 303
    third, second, first = writing.service.operating.rule_files.versions.newest("rules.toml", 9)
    shown = page(writing, f"{PAGE}/version?file=rules.toml&version={second.sequence}")
    assert "<del>-quota = 2</del>" in shown
    assert "<ins>+quota = 3</ins>" in shown
    other = page(writing, f"{PAGE}/version?file=rules.toml&version={second.sequence}&other={third.sequence}")
    assert "<del>" not in other
    undone = {"file": "rules.toml", "version": first.sequence, "base": third.sequence, "why": "better"}
    assert writing.request("POST", f"{PAGE}/undo", data=undone).status_code == 303
    assert writing.home.paths.rules.read_text() == "quota = 2\n"
    (newest,) = writing.service.operating.rule_files.versions.newest("rules.toml", 1)
    assert newest.why == f"back to version {first.sequence}: better"
    late = writing.request("POST", f"{PAGE}/undo", data=undone)
    assert late.status_code == 409
    assert writing.service.policy.rules.quota == 2


def test_a_version_that_fits_no_longer_comes_back_as_a_text(writing: Api) -> None:
    writing.home.paths.rules.write_text("quota = 0\n")
    base = base_of(page(writing))
    assert post(writing, "quota = 1", base).status_code == 303
    undone = {"file": "rules.toml", "version": base, "base": base_of(page(writing))}
    answer = writing.request("POST", f"{PAGE}/undo", data=undone)
    assert (answer.status_code, "quota = 0\n</textarea>" in answer.text) == (422, True)
    assert writing.home.paths.rules.read_text() == "quota = 1\n"


def test_a_faulty_file_is_told_on_the_page_and_on_the_operators(writing: Api) -> None:
    writing.home.paths.rules.write_text("quota = 0\n")
    writing.service.upkeep.attempt("the rules")
    for path in (PAGE, "/operator"):
        assert "rules.toml, line 1: quota; saw 0" in page(writing, path)
    assert post(writing, "quota = 1", base_of(page(writing))).status_code == 303
    for path in (PAGE, "/operator"):
        assert "saw 0" not in page(writing, path)


@pytest.mark.parametrize(
    "query", ["?file=events.db", "/version?file=rules.toml&version=7", "/version?file=x&version=1"]
)
def test_what_is_not_there_is_told(writing: Api, query: str) -> None:
    assert writing.get(f"{PAGE}{query}").status_code == 404


def test_a_key_that_only_reads_cannot_edit(writing: Api) -> None:
    reader = Keys(open_database(writing.service.settings.events_address)).add("reader", "read")
    writing.service.refresh()
    headers = {"authorization": f"Bearer {reader}"}
    shown = writing.get(PAGE, headers=headers).text
    assert "readonly" in shown
    assert "Save</button>" not in shown
    assert writing.request("POST", PAGE, data={}, headers=headers).status_code == 403
