from nightschool.night.records import ContextualiseRecord
from nightschool.night.reporting.contexts import describe_contexts, stored_contexts
from nightschool.night.selection.context_ranking import Setting
from nightschool.night.selection.contexts import Context, ContextSelection
from tests.night.records import example

ENDS = (0.004, 0.001, 0.007)


def test_record_and_report_say_what_each_context_does() -> None:
    on = Context("device", ("desk", "phone"), Setting(30.0, 0.4), ENDS)
    off = Context("hour", ("8", "9"), note="not shown")
    selection = ContextSelection((on, off), 300, {"with context": 0.2}, {"without context": ENDS})
    record = describe_contexts(selection, "Europe/Berlin", scale=2.0)
    assert [(entry.name, entry.weight, entry.strength) for entry in record.contexts] == [
        ("device", 0.8, 30.0),
        ("hour", 0.0, None),
    ]
    assert record.measured() == {
        "weight of device": 0.8,
        "weight of hour": 0.0,
        "users with ranked choices": 300.0,
        "ndcg@10 of choices, with context": 0.2,
        "ahead of that without context": 0.004,
        "ahead of that without context from": 0.001,
        "ahead of that without context to": 0.007,
        "added by device": 0.004,
        "added by device from": 0.001,
        "added by device to": 0.007,
    }


def test_a_release_stores_what_requests_need() -> None:
    stored = stored_contexts(example(ContextualiseRecord))
    assert stored["timezone"] == "UTC"
    assert stored["contexts"]["device"]["weight"] == 0.8
    assert stored["contexts"]["device"]["values"] == ["desktop", "mobile"]
    assert stored["contexts"]["hour"]["weight"] == 0.0
    assert stored_contexts(None) == {}
