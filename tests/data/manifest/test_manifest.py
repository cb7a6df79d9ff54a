from pathlib import Path

import pytest

from nightschool.data.manifest.manifest import catalogues, load_manifest, shipped
from nightschool.data.manifest.sections import TextEncoder
from nightschool.errors import ManifestError

INTERACTIONS = """
[interactions]
files = ["log.csv"]
user = "user"
item = "item"
"""
MINIMAL = 'name = "mine"\nscore = "implicit"\n' + INTERACTIONS


def load(tmp_path: Path, text: str):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return load_manifest(str(path))


@pytest.mark.parametrize("name", shipped())
def test_shipped_manifest_loads_under_its_name(name):
    assert load_manifest(name).name == name


def test_every_data_set_of_the_project_has_its_manifest():
    of_e_learning = {"learning", "learning-devices", "mooccubex", "oulad", "pluralsight"}
    assert {*shipped()} == of_e_learning | {"movielens-100k", "movielens-1m", "goodbooks-10k", "gowalla", "yelp2018"}


def test_learning_says_what_describes_users_and_items():
    manifest = load_manifest("learning")
    assert manifest.audience == "seniority"
    assert manifest.item_columns.categories == ("domain", "subtopic", "type")
    assert manifest.item_columns.ordinals == {"difficulty": ("Beginner", "Intermediate", "Advanced")}
    assert manifest.score_range is None


def test_flags_become_a_list_column():
    assert load_manifest("movielens-100k").item_columns.lists == ("genres",)


def test_bare_array_of_flags_makes_the_list_named_flags(tmp_path):
    manifest = load(tmp_path, MINIMAL + '[items]\nfiles = ["i"]\nid = "id"\nflags = ["Action", "Drama"]\n')
    assert manifest.items.flags == {"flags": ("Action", "Drama")}
    assert manifest.item_columns.lists == ("flags",)


def test_defaults_are_a_comma_separated_utf8_file_with_a_header(tmp_path):
    manifest = load(tmp_path, MINIMAL)
    (log,) = manifest.interactions
    assert (log.format.separator, log.format.header) == (",", True)
    assert log.format.encoding == "utf-8"
    assert not manifest.history
    assert manifest.audience is None


def test_event_weights_are_laid_over_the_defaults(tmp_path):
    text = 'name = "mine"\nscore = "events"\nevent_weights = { view = 2, buy = 9 }\n' + INTERACTIONS + 'event = "e"\n'
    weights = load(tmp_path, text).weights
    assert (weights["view"], weights["buy"], weights["click"], weights["enroll"]) == (2, 9, 5, 10)
    assert weights["dislike"] < 0
    assert weights["hide"] < 0


def test_a_manifest_without_weights_ranks_a_purchase_above_a_cart_above_a_view(tmp_path):
    weights = load(tmp_path, MINIMAL.replace("implicit", "events") + 'event = "e"\n').weights
    assert weights["transaction"] == weights["purchase"] > weights["cart"] > weights["view"]


def test_source_columns_are_what_is_read(tmp_path):
    text = MINIMAL + 'rating = { column = "stars", min = 1, max = 5 }\ntimestamp = { column = "at", unit = "s" }\n'
    assert load(tmp_path, text).interactions[0].source_columns == ("user", "item", "stars", "at")


def test_vectors_are_columns_or_files(tmp_path):
    for written, vectors, columns in (
        ('"image"', {"image": ""}, ("i", "image")),
        ('["image", "sound"]', {"image": "", "sound": ""}, ("i", "image", "sound")),
        ('{ image = "v/image.npy", sound = "" }', {"image": "v/image.npy", "sound": ""}, ("i", "sound")),
    ):
        manifest = load(tmp_path, MINIMAL + ITEMS + f"vectors = {written}\n")
        assert (manifest.items.vectors, manifest.items.source_columns) == (vectors, columns)
        assert manifest.item_columns.vectors == (*vectors,)


def test_encoder_is_a_folder_from_the_manifests_own_or_a_name(tmp_path):
    text = MINIMAL + ITEMS + 'text = ["a"]\ntext_encoder = "models/tiny"\n'
    assert load(tmp_path, text).items.text_encoder == TextEncoder(model="models/tiny")
    (tmp_path / "models" / "tiny").mkdir(parents=True)
    assert load(tmp_path, text).items.text_encoder == TextEncoder(model=str(tmp_path / "models" / "tiny"))
    named = text.replace('"models/tiny"', '{ model = "minilm", allow_download = true }')
    assert load(tmp_path, named).items.text_encoder == TextEncoder(model="minilm", allow_download=True)


SQL = '{ kind = "sql", uri = "sqlite:///a.db", query = "SELECT 1", key = "id" }'
ITEMS = '[items]\nfiles = ["i"]\nid = "i"\n'
USERS = '[users]\nfiles = ["u"]\nid = "u"\n'
BROKEN = {
    "unknown key": (MINIMAL + "colour = 1\n", "interactions.colour", "no section has this key"),
    "missing key": ('name = "x"\nscore = "implicit"\n[interactions]\nfiles = ["a"]\nuser = "u"\n', "item", "missing"),
    "unknown score": (MINIMAL.replace("implicit", "stars"), "score; saw 'stars'", "engagement"),
    "parent folder": (MINIMAL.replace("log.csv", "../log.csv"), "saw '../log.csv'", "below the source root"),
    "absolute path": (MINIMAL.replace("log.csv", "/etc/passwd"), "saw '/etc/passwd'", "below the source root"),
    "windows drive": (MINIMAL.replace("log.csv", "C:/log.csv"), "saw 'C:/log.csv'", "below the source root"),
    "hidden parent": (MINIMAL.replace("log.csv", "a/../../b"), "saw 'a/../../b'", "below the source root"),
    "no files": (MINIMAL.replace('"log.csv"', ""), "interactions;", "at least 1 file"),
    "no files named": (MINIMAL.replace('files = ["log.csv"]', ""), "interactions;", "at least 1 file"),
    "files and a query": (MINIMAL + f"format = {SQL}\n", "interactions;", "take files out"),
    "unknown kind": (MINIMAL + 'format = { kind = "xml" }\n', "interactions.format", "kind 'xml' is not known"),
    "no kind": (MINIMAL + 'format = { separator = ";" }\n', "interactions.format", "say its kind"),
    "unknown encoding": (MINIMAL + 'format = { kind = "csv", encoding = "klingon" }\n', "saw 'klingon'", "latin-1"),
    "headless": (MINIMAL + 'format = { kind = "csv", header = false }\n', "interactions.format", "with columns"),
    "column twice": (
        MINIMAL + 'format = { kind = "csv", header = false, columns = ["a", "a"] }\n',
        "interactions.format",
        "names one column twice",
    ),
    "unknown unit": (MINIMAL + 'timestamp = { column = "t", unit = "weeks" }\n', "saw 'weeks'", "'days'"),
    "no origin": (MINIMAL + 'timestamp = { column = "t", unit = "days" }\n', "timestamp", "origin"),
    "empty scale": (MINIMAL + 'rating = { column = "r", min = 5, max = 1 }\n', "rating", "min must be below max"),
    "endless scale": (MINIMAL + 'rating = { column = "r", min = 0, max = inf }\n', "saw inf", "finite"),
    "no rating": (MINIMAL.replace("implicit", "rating"), "the manifest", "needs rating"),
    "no engagement": (MINIMAL.replace("implicit", "engagement"), "the manifest", "needs duration or liked"),
    "no event": (MINIMAL.replace("implicit", "events"), "the manifest", "needs event"),
    "bots without time": (
        'bots = ["view"]\n' + MINIMAL + 'event = "e"\n',
        "the manifest",
        "bots needs event and timestamp",
    ),
    "relevant without rating": ("relevant = { rating_min = 4 }\n" + MINIMAL, "the manifest", "rating"),
    "users collide": (
        MINIMAL + '[users]\nfiles = ["u"]\nid = "u"\nattributes = ["available_at"]\n',
        "users",
        "collide",
    ),
    "items collide": (MINIMAL + '[items]\nfiles = ["i"]\nid = "i"\ncategories = ["title"]\n', "items", "collide"),
    "items repeat": (
        MINIMAL + '[items]\nfiles = ["i"]\nid = "i"\ncategories = ["a"]\nlists = { a = "|" }\n',
        "items",
        "collide",
    ),
    "unknown quantity": (MINIMAL + ITEMS + 'numbers = { a = "metres" }\n', "items.numbers.a; saw 'metres'", "'hours'"),
    "number of a category": (
        MINIMAL + ITEMS + 'categories = ["a"]\nnumbers = { a = "number" }\n',
        "items",
        "collide",
    ),
    "labels of nothing": (MINIMAL + USERS + 'labels = { job = { 1 = "a" } }\n', "users", "['job'] are not among them"),
    "map of a catalogue's origins": (
        MINIMAL
        + ITEMS
        + 'available = { column = "t", unit = "days", origin = { column = "x", dates = { a = 2024-01-01 },'
        ' map = { file = "m", from = "a", to = "b" } } }\n',
        "items",
        "available.origin has no map",
    ),
    "vectors collide": (MINIMAL + ITEMS + 'categories = ["a"]\nvectors = ["a"]\n', "items", "collide"),
    "vectors of another file": (MINIMAL + ITEMS + 'vectors = { a = "a.bin" }\n', "items.vectors.a", "ends in .npy"),
    "vectors above the root": (
        MINIMAL + ITEMS + 'vectors = { a = "../a.npy" }\n',
        "items.vectors.a",
        "below the source",
    ),
    "vectors of numbers": (MINIMAL + ITEMS + "vectors = [1]\n", "items.vectors", "1"),
    "encoder without texts": (MINIMAL + ITEMS + 'text_encoder = "m"\n', "items", "text_encoder needs the columns"),
    "encoder with another key": (
        MINIMAL + ITEMS + 'text = ["a"]\ntext_encoder = { model = "m", device = "gpu" }\n',
        "items.text_encoder.device",
        "no section has this key",
    ),
    "name with a slash": (MINIMAL.replace("mine", "../mine"), "saw '../mine'", "pattern"),
    "no TOML": ("name = ", "mine.toml is not valid TOML", "correct the file at that place"),
}


@pytest.mark.parametrize(("text", "what", "do"), BROKEN.values(), ids=BROKEN)
def test_broken_manifest_names_file_key_value_and_what_to_do(tmp_path, text, what, do):
    with pytest.raises(ManifestError) as error:
        load(tmp_path, text)
    message = str(error.value)
    assert "mine.toml" in message
    assert what in message
    assert do in message
    assert "\n" not in message
    assert error.value.exit_code == 2


def test_unknown_name_lists_those_that_ship():
    with pytest.raises(ManifestError, match=r"saw 'movielens'.*learning, .*movielens-100k"):
        load_manifest("movielens")


def test_manifest_in_another_encoding_is_told(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(MINIMAL.replace("mine", "m\xefne").encode("latin-1"))
    with pytest.raises(ManifestError, match="not UTF-8"):
        load_manifest(str(path))


def test_exclusions_are_the_events_below_zero_where_events_are_told(tmp_path):
    assert load(tmp_path, MINIMAL).exclusions == {}
    told = load(tmp_path, "event_weights = { hide = 1, report = -2 }\n" + MINIMAL + 'event = "e"\n')
    assert told.exclusions == {"dislike": -5.0, "report": -2.0}


def catalogue(folder: Path) -> str:
    (folder / "courses.toml").write_text('name = "courses"\n' + ITEMS + 'title = "t"\n', encoding="utf-8")
    return "courses.toml"


def test_catalogue_stands_for_the_items(tmp_path, monkeypatch):
    text = f'catalogue = "{catalogue(tmp_path)}"\n' + MINIMAL
    monkeypatch.chdir(tmp_path.parent)
    assert load(tmp_path, text).items.title == "t"


def test_catalogue_that_ships_is_attached_by_its_name(tmp_path):
    assert catalogues() == ["online-courses"]
    items = load(tmp_path, 'catalogue = "online-courses"\n' + MINIMAL).items
    assert (items.id, items.numbers["Duration"]) == ("URL", "hours")


def test_catalogue_is_no_dataset(tmp_path):
    assert "online-courses" not in shipped()
    for name in ("online-courses", str(tmp_path / catalogue(tmp_path))):
        with pytest.raises(
            ManifestError, match=f'is a catalogue .* not a manifest of a dataset; attach it .* catalogue = "{name}"'
        ):
            load_manifest(name)


CATALOGUES = {
    "with items": ('catalogue = "online-courses"\n' + MINIMAL + ITEMS, "mine.toml: catalogue", "in place of [items]"),
    "no name": ("catalogue = 5\n" + MINIMAL, "mine.toml: catalogue; saw 5", "name or path"),
    "unknown": ('catalogue = "films"\n' + MINIMAL, "saw 'films'", "online-courses"),
    "a dataset": ('catalogue = "mine.toml"\n' + MINIMAL, "mine.toml: items", "missing"),
}


@pytest.mark.parametrize(("text", "what", "do"), CATALOGUES.values(), ids=CATALOGUES)
def test_wrong_catalogue_is_told(tmp_path, text, what, do):
    with pytest.raises(ManifestError) as error:
        load(tmp_path, text)
    assert what in str(error.value)
    assert do in str(error.value)


def test_constant_event_is_no_column(tmp_path):
    part = load(tmp_path, MINIMAL + 'event = { value = "view" }\n').interactions[0]
    assert part.source_columns == ("user", "item")


def test_origins_are_read_with_the_times(tmp_path):
    origin = '{ column = "term", dates = { 2014B = 2014-02-01 } }'
    text = MINIMAL + f'timestamp = {{ column = "day", unit = "days", origin = {origin} }}\n'
    assert load(tmp_path, text).interactions[0].source_columns == ("user", "item", "day", "term")


SECRETS = {
    "kind": SQL.replace("sqlite:///a.db", "mysql://me:hush@host/db"),
    "type": SQL.replace('"sqlite:///a.db"', '["postgresql://me:hush@host/db"]'),
    "key": SQL.replace("uri", 'url = "postgresql://me:hush@host/db", uri'),
    "password": SQL.replace("uri", 'password = "hush", uri'),
}


@pytest.mark.parametrize("form", SECRETS.values(), ids=SECRETS)
def test_address_of_a_database_is_not_told(tmp_path, form):
    with pytest.raises(ManifestError) as error:
        load(tmp_path, MINIMAL.replace('files = ["log.csv"]', f"format = {form}"))
    assert "interactions.format.sql" in str(error.value)
    assert "hush" not in str(error.value)
