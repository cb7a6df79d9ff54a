"""From a folder of somebody's own files to a manifest, and on to what it was written for."""

import json
import shlex
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from nightschool.data.manifest.manifest import load_manifest
from tests.cli.conftest import NIGHT, Run, require_refusal, spawn

N_USERS, N_ITEMS = 40, 25


def lines(*rows: str) -> str:
    return "".join(f"{row}\n" for row in rows)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    folder = tmp_path / "our export"
    folder.mkdir()
    return folder


def write_semicolons(folder: Path) -> None:
    """An export of a German shop: decimal commas, dates and letters of its own."""
    rows = [
        f"{user};{item};{(user + item) % 4 + 1},5;{item % 28 + 1}.03.2024"
        for user in range(N_USERS)
        for item in range(N_ITEMS)
    ]
    text = "\r\n".join(["Nutzer-ID;Artikel-ID;Bewertung;Datum", *rows])
    (folder / "bewertungen.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    titles = [f'{item};"Übung {item}; für alle";{"Mathe" if item % 2 else "Kunst"};9,99' for item in range(N_ITEMS)]
    (folder / "artikel.csv").write_bytes("\r\n".join(["Artikel-ID;Titel;Kategorie;Preis", *titles]).encode("cp1252"))


def write_moodle(folder: Path) -> None:
    """A log as Moodle exports it, and the grades."""
    people = [f"Person {number}" for number in range(N_USERS)]
    start = datetime(2024, 3, 1)
    names = ("Course viewed", "Quiz attempt submitted")
    log = [
        f'"{start + timedelta(minutes=number):%d/%m/%y, %H:%M}","{people[number % N_USERS]}",-,'
        f'"Course: Topic {number % 7}",System,"{names[number % 2]}","He said ""so"".",web,10.0.0.1'
        for number in range(1000)
    ]
    header = (
        'Time,"User full name","Affected user","Event context",Component,"Event name",Description,Origin,"IP address"'
    )
    (folder / "logs.csv").write_text(lines(header, *log))
    grades = [f"{person},Topic {topic},{topic * 9}" for person in people for topic in range(3)]
    (folder / "grades.csv").write_text(lines("User full name,Course,Grade", *grades))


def write_jsonl(folder: Path) -> None:
    """Events with objects in them, their ids as text and milliseconds."""
    events = [
        {
            "id": f"e{number}",
            "user": {"id": number % N_USERS},
            "learnerId": f"L{number % N_USERS}",
            "courseId": f"C{number % N_ITEMS}",
            "action": ("view", "purchase", "dislike")[number % 3],
            "ts": 1_700_000_000_000 + number * 60_000,
        }
        for number in range(1000)
    ]
    (folder / "events.jsonl").write_text(lines(*map(json.dumps, events)))
    courses = [{"id": f"C{number}", "name": f"Kurs Nº {number}", "tags": ["a", "b"]} for number in range(N_ITEMS)]
    (folder / "courses.jsonl").write_text(lines(*(json.dumps(course, ensure_ascii=False) for course in courses)))


def write_parquet(folder: Path) -> None:
    """Typed columns, a log in two files."""
    for year in (2023, 2024):
        times = [datetime(year, 1, 1) + timedelta(hours=number) for number in range(500)]
        watches = {
            "account_id": [number % N_USERS for number in range(500)],
            "video_id": [number % N_ITEMS for number in range(500)],
            "watched_at": times,
            "watch_seconds": [float(number) for number in range(500)],
            "liked": [number % 5 == 0 if number % 2 else None for number in range(500)],
        }
        pl.DataFrame(watches).write_parquet(folder / f"watches-{year}.parquet")
    accounts = {"account_id": range(N_USERS), "country": ["AT", "DE"] * (N_USERS // 2)}
    pl.DataFrame(accounts).write_parquet(folder / "accounts.parquet")


def write_odd_names(folder: Path) -> None:
    """Names that are markup, TOML, globs or terminal commands somewhere."""
    rows = [f"{number % N_USERS}\t{number % N_ITEMS}\t[/b]\t{number % 5}" for number in range(1000)]
    header = "\t".join(['us"er [id]', "item\\id", "\u202eevil\x1b[31m", "# rating = [x]"])
    (folder / 'a [b] "q" *ü.csv').write_text(lines(header, *rows))
    (folder / "\x1b[31m[red].csv").write_bytes(b"\x00\x01")


@pytest.mark.parametrize(
    ("write", "score", "accepted"),
    [
        (write_semicolons, "rating", {"interactions": 1000, "users": 0, "items": N_ITEMS}),
        (write_moodle, "events", {"interactions": 1000, "users": 0, "items": 0}),
        (write_jsonl, "events", {"interactions": 1000, "users": 0, "items": N_ITEMS}),
        (write_parquet, "engagement", {"interactions": 1000, "users": N_USERS, "items": 0}),
        (write_odd_names, "implicit", {"interactions": 1000, "users": 0, "items": 0}),
    ],
)
def test_what_it_writes_can_be_ingested(write, score, accepted, export: Path, tmp_path: Path, run: Run) -> None:
    write(export)
    out = tmp_path / "ours.toml"
    outcome = run("init", export, "--out", out)
    assert (outcome.code, outcome.err) == (0, "")
    assert load_manifest(str(out)).score == score
    assert "\x1b" not in outcome.out
    taken = run("ingest", "--dataset", out, "--source-root", export, "--json")
    assert (taken.code, taken.err) == (0, "")
    assert {name: counts["accepted"] for name, counts in taken.document.items()} == accepted
    assert sum(counts["quarantined"] for counts in taken.document.values()) == 0


def test_table_and_next_commands_are_shown(
    export: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_jsonl(export)
    (export / "notes.txt").write_text("Some words.\nAnd others, as they come.\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NIGHTSCHOOL_HOME", ".nightschool")
    outcome = run("init", export)
    assert (outcome.code, outcome.err) == (0, "")
    text = (tmp_path / "our-export.toml").read_text()
    rows = [line.split() for line in outcome.out.splitlines()]
    assert ["courses.jsonl", "jsonl", "25", "items"] in [row[:4] for row in rows]
    assert ["events.jsonl", "jsonl", "1,000", "interactions"] in [row[:4] for row in rows]
    assert ["notes.txt", "–", "0", "not", "used"] in [row[:5] for row in rows]
    assert f"Written: our-export.toml. Read its {text.count('# guess: ')} guesses" in outcome.out
    where = f"--dataset our-export.toml --source-root {shlex.quote(str(export))}"
    assert f"  nightschool --home .nightschool/our-export retrain {where}\n" in outcome.out
    assert "Rows in = already known + accepted + quarantined" in outcome.out
    assert "Rows in" not in run("init", export, "--out", tmp_path / "other.toml", "--no-check").out


def test_what_will_stop_a_night_is_noted(export: Path, tmp_path: Path, run: Run) -> None:
    pairs = [f"{n % 7},{n % 2}\n" for n in range(50)]
    (export / "views.csv").write_text("user_id,item_id\n" + "".join(pairs))
    outcome = run("init", export, "--out", tmp_path / "ours.toml")
    note = "72% of the interactions repeat a pair of user and item"
    assert f"Note: {note}" in outcome.out
    assert f"# NOTE: {note}" in (tmp_path / "ours.toml").read_text()


def test_events_without_a_time_that_repeat_a_pair_will_not_stop_it(export: Path, tmp_path: Path, run: Run) -> None:
    write_moodle(export)
    assert run("init", export, "--out", tmp_path / "ours.toml", "--json").document["notes"] == []


def test_json_says_the_same(export: Path, tmp_path: Path, run: Run, home: Path) -> None:
    write_semicolons(export)
    out = tmp_path / "ours.toml"
    document = run("init", export, "--out", out, "--json").document
    assert (document["manifest"], document["name"]) == (str(out), "our-export")
    assert [(file["file"], file["use"]) for file in document["files"]] == [
        ("artikel.csv", "items"),
        ("bewertungen.csv", "interactions"),
    ]
    assert document["notes"] == []
    assert f"--home {home} ingest" in document["next"][0]
    text = out.read_text()
    assert document["guesses"] == text.count("# guess: ")
    assert 'format.decimal = ","' in text
    assert 'timestamp.format = "%d.%m.%Y"' in text
    assert '# timestamp.timezone = "Europe/Berlin"' in text
    checked = document["check"]
    assert (checked["refusal"], checked["tables"]["interactions"]["accepted"]) == (None, N_USERS * N_ITEMS)


def test_day_and_month_are_not_chosen_between(export: Path, tmp_path: Path, run: Run) -> None:
    rows = [f"{user},{item},0{item % 9 + 1}/0{user % 9 + 1}/2024" for user in range(20) for item in range(20)]
    (export / "log.csv").write_text(lines("user_id,item_id,date", *rows))
    outcome = run("init", export, "--out", tmp_path / "ours.toml")
    assert "Could not be read: no timestamp: date: dates such as '01/01/2024' could begin with the day" in outcome.out
    text = (tmp_path / "ours.toml").read_text()
    assert '# timestamp.column = "date"' in text
    assert '# timestamp.format = "%d/%m/%Y"' in text
    assert '# timestamp.format = "%m/%d/%Y"' in text
    assert load_manifest(str(tmp_path / "ours.toml")).interactions[0].timestamp is None


def test_commands_can_be_run_as_they_are_printed(export: Path, tmp_path: Path, run: Run) -> None:
    write_parquet(export)
    ingest, retrain = run("init", export, "--out", tmp_path / "o u r s.toml", "--json").document["next"]
    assert retrain == ingest.replace(" ingest ", " retrain ")
    assert run(*shlex.split(ingest)[1:]).code == 0


def write_nothing(folder: Path) -> Path:
    return folder


def write_a_catalogue(folder: Path) -> Path:
    (folder / "courses.csv").write_text(lines("course_id,title", *(f"{n},Course {n} of many" for n in range(9))))
    return folder


def write_rubbish(folder: Path) -> Path:
    (folder / "empty.csv").write_bytes(b"")
    (folder / "binary.dat").write_bytes(bytes(range(256)) * 10)
    (folder / "cut.csv.gz").write_bytes(b"\x1f\x8b\x08\x00\x00")
    (folder / "long.csv").write_bytes(b"user,item,text\n1,2," + b"x" * 17_000_000)
    return folder


def name_a_file(folder: Path) -> Path:
    (folder / "log.csv").write_text("user,item\n1,2\n")
    return folder / "log.csv"


@pytest.mark.parametrize(
    ("prepare", "code", "told"),
    [
        (write_nothing, 5, ["There is no file below the folder", "give the folder of your files"]),
        (write_a_catalogue, 5, ["holds interactions", "courses.csv: 9 rows", "user_id,item_id,timestamp"]),
        (write_rubbish, 5, ["empty.csv: is empty", "binary.dat: is no text", "cut.csv.gz: cannot be decompressed"]),
        (name_a_file, 2, ["not a folder", "log.csv", "the folder that the file lies in"]),
        (lambda folder: folder / "nowhere", 5, ["There is no such folder", "nowhere"]),
    ],
)
def test_folder_of_no_use(prepare, code: int, told: list[str], export: Path, tmp_path: Path, run: Run) -> None:
    folder = prepare(export)
    require_refusal(run("init", folder, "--out", tmp_path / "ours.toml"), code, *told)
    assert not (tmp_path / "ours.toml").exists()


def test_nothing_is_overwritten(export: Path, tmp_path: Path, run: Run) -> None:
    write_jsonl(export)
    out = tmp_path / "ours.toml"
    out.write_text("mine")
    require_refusal(run("init", export, "--out", out), 2, f"{out} exists already", "another --out")
    assert out.read_text() == "mine"
    require_refusal(run("init", export, "--out", tmp_path / "ours.txt"), 2, "ends in .toml")
    require_refusal(run("init", export, "--out", tmp_path / "no" / "ours.toml"), 2, "There is no such folder")


@pytest.mark.slow
@pytest.mark.server
def test_own_files_reach_a_release(source: Path, tmp_path: Path, prefect_api: str, run: Run) -> None:
    """The simulator's files, of which nothing is said but the folder."""
    retrain = run("init", source, "--out", tmp_path / "ours.toml", "--json").document["next"][-1]
    told = [part for assignment in NIGHT for part in ("--set", assignment)]
    night = spawn(*shlex.split(retrain)[1:], "--json", *told, PREFECT_API_URL=prefect_api)
    assert night.code == 0, night.err
    assert night.document["status"] == "published"
