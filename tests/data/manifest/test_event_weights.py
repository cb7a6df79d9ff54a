import pytest

from nightschool.data.manifest.event_weights import EVENT_WEIGHTS, guess_weight


@pytest.mark.parametrize(
    ("event", "weight"),
    [
        ("view", 1),
        ("course module viewed", 1),
        ("Quiz attempt viewed", 1),
        ("purchase", 10),
        ("Transaction", 10),
        ("order placed", 10),
        ("removed from cart", -5),
        ("completed", 10),
        ("add_to_cart", 5),
        ("DISLIKE", -5),
        ("unenrolled", -10),
        ("played", 2),
        ("something", 1),
    ],
)
def test_weight_of_events(event, weight):
    assert guess_weight(event) == weight


@pytest.mark.parametrize("bought", ["transaction", "purchase", "buy", "order"])
@pytest.mark.parametrize("wanted", ["cart", "add_to_cart", "addtocart"])
def test_who_buys_wants_it_more_than_who_puts_it_into_a_cart(bought: str, wanted: str) -> None:
    assert EVENT_WEIGHTS[bought] > EVENT_WEIGHTS[wanted] > EVENT_WEIGHTS["view"]
    assert (guess_weight(bought), guess_weight(wanted)) == (EVENT_WEIGHTS[bought], EVENT_WEIGHTS[wanted])
