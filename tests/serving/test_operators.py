from pathlib import Path

from nightschool.settings import Settings
from nightschool.storage.audit import AuditLog
from serving.operators import note_action, operators_database


def test_an_action_is_noted_with_who_took_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    note_action(settings, "ops", "held", "publishing", {"reason": "exams"})
    with operators_database(settings) as engine:
        (entry,) = AuditLog(engine).newest(10)
    assert (entry.who, entry.action, entry.what, entry.details) == ("ops", "held", "publishing", {"reason": "exams"})
