"""`once` from cycle to cycle: what is exempt, what stays known, what is told."""

from tests.fix_daemon import Warden


def _rules_by_branch(warden: Warden) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for outcome in warden.json("once")[0]["outcomes"]:
        decision = outcome["decision"]
        if decision["action"] in {"flag", "keep"}:
            found.setdefault(decision["finding"]["branch_name"], set()).add(decision["finding"]["rule"])
    return found


def test_all_existing_silences_every_branch_but_production(small_warden: Warden) -> None:
    before = _rules_by_branch(small_warden)
    done = small_warden.run("exempt", "--all-existing", "--until", "30d", "--reason", "before branchwarden")

    after = _rules_by_branch(small_warden)

    assert done.returncode == 0, done.stderr
    assert "raw-dev-branch" in before["dev/ann"]
    assert after == {"production": {"stale-staging"}}


def test_an_exemption_can_be_taken_back(small_warden: Warden) -> None:
    small_warden.run("exempt", "dev/ann", "--until", "30d", "--reason", "demo data")
    assert "dev/ann" not in _rules_by_branch(small_warden)

    done = small_warden.run("exempt", "dev/ann", "--remove")

    assert done.returncode == 0, done.stderr
    assert "raw-dev-branch" in _rules_by_branch(small_warden)["dev/ann"]
    kinds = [event["kind"] for event in small_warden.json("events")]
    assert {"exemption.added", "exemption.removed"} <= set(kinds)


def test_taking_back_what_is_not_there_is_told(small_warden: Warden) -> None:
    done = small_warden.run("exempt", "dev/ann", "--remove")

    assert done.returncode == 2
    assert "is not exempt" in done.stderr


def test_a_typo_in_production_resolves_nothing_and_is_told(small_warden: Warden) -> None:
    before = _rules_by_branch(small_warden)
    text = f'[[projects]]\nid = "{small_warden.project_id}"\nproduction = ["prod-mian"]\n'
    (small_warden.folder / "typo.toml").write_text(text)

    done = small_warden.run("once", "--config", "typo.toml")

    assert done.returncode == 3, done.stderr
    assert "prod-mian" in done.stderr
    assert "finding.resolved" not in [event["kind"] for event in small_warden.json("events")]
    assert any("prod-mian" in str(item["message"]) for item in small_warden.json("outbox"))
    assert before["dev/ann"] >= {"raw-dev-branch"}
