from serving.caller import ANYBODY, THIS_MACHINE, Caller


def test_a_role_holds_the_lower_ones() -> None:
    sender = Caller("platform", "events")
    assert (sender.may("read"), sender.may("events"), sender.may("operate")) == (True, True, False)
    assert THIS_MACHINE.may("operate")
    assert not ANYBODY.may("read")
