"""[[profiles]] for many: one subscriber's table in the end, and mistakes said once, where they stand."""

from pathlib import Path

import pytest

from bot.config import Config, load
from bot.core.subscriber.subscriber import subscriber_from
from bot.core.subscriber.validation import TableError
from bot.errors import UserError

LAB = '[[profiles]]\nname = "Lab reading"\nkeywords = ["protein folding"]\n'
SOURCE = '[[sources]]\ntype = "huggingface"\n'


def subscriber(name: str, shared: str = '"Lab reading"') -> str:
    return f'[[subscribers]]\nemail = "{name}@example.org"\nshared = [{shared}]\n'


def read(folder: Path, text: str) -> Config:
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, {})


def problems_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(UserError) as caught:
        read(folder, text)
    return [problem.splitlines()[0] for problem in caught.value.problems]


def test_shared_profiles_come_after_the_own_and_are_part_of_the_plain_table(tmp_path: Path) -> None:
    own = '[[subscribers.profiles]]\nname = "Mine"\nquery = "cryo"\n'
    course = '[[profiles]]\nname = "Course"\nquery = "enzymes"\nalert = true\n'
    ada, grace, alan = read(
        tmp_path,
        subscriber("ada", '"Course", " Lab reading "')
        + own
        + subscriber("grace")
        + '[[subscribers]]\nemail = "alan@example.org"\n'
        + LAB
        + course,
    ).subscribers

    assert ada.table == {
        "email": "ada@example.org",
        "profiles": (
            {"name": "Mine", "query": "cryo"},
            {"name": "Course", "query": "enzymes", "alert": True},
            {"name": "Lab reading", "keywords": ("protein folding",)},
        ),
    }
    assert subscriber_from(grace.table).profiles == grace.profiles == ada.profiles[2:]
    assert alan.table == {"email": "alan@example.org"}


def test_every_mistake_is_said_once_at_its_own_line(tmp_path: Path) -> None:
    text = f"""\
[[profiles]]
name = "Lab reading"
query = "rag and llm"
[[profiles]]
query = "x"
[[profiles]]
name = "Lab reading"
query = "y"
digest = "off"
{subscriber("ada", '"Lab reading", "Lab redding",' + chr(10) + ' "Course", "Lab reading"')}\
[[subscribers.profiles]]
query = "rag AND"
{subscriber("grace")}
"""
    assert problems_of(tmp_path, text) == [
        "line 3: profiles[Lab reading].query: column 5: did you mean AND? "
        'Operators are in capitals; the word itself is "and"',
        "line 4: profiles[2]: name is missing: what `shared` of a subscriber calls it",
        'line 7: profiles[Lab reading].name: "Lab reading" is there already',
        "line 9: profiles[Lab reading].digest: unknown key; it belongs to the subscriber, above their profiles",
        'line 12: subscribers[ada@example.org].shared[2]: no [[profiles]] is called "Lab redding"; '
        'did you mean "Lab reading"?',
        'line 13: subscribers[ada@example.org].shared[3]: no [[profiles]] is called "Course"; known are "Lab reading"',
        'line 13: subscribers[ada@example.org].shared[4]: "Lab reading" is there already',
        "line 15: subscribers[ada@example.org].profiles[1].query: column 8: the query ends too early; "
        "add the word that should follow",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f'{LAB}{subscriber("ada")}[[subscribers.profiles]]\nname = "Lab reading"\nquery = "x"\n',
            'line 6: subscribers[ada@example.org].shared[1]: one of their own profiles is called "Lab reading": '
            "give one of the two another name",
        ),
        (  # a profile without a name is called by what it asks for
            f'[[profiles]]\nname = "x, y"\nquery = "z"\n{subscriber("ada", chr(34) + "x, y" + chr(34))}'
            '[[subscribers.profiles]]\nkeywords = ["x", "y"]\n',
            'line 6: subscribers[ada@example.org].shared[1]: one of their own profiles is called "x, y": '
            "give one of the two another name",
        ),
        (
            subscriber("ada"),
            'line 3: subscribers[ada@example.org].shared[1]: no [[profiles]] is called "Lab reading"',
        ),
        (
            f'{LAB}[[subscribers]]\nemail = "a@example.org"\nshared = "Lab reading"\n',
            'line 6: subscribers[a@example.org].shared: expected a list such as shared = ["…"], got "Lab reading"',
        ),
        (
            f'{LAB}[[subscribers]]\nemail = "a@example.org"\nshard = []\n',
            'line 6: subscribers[a@example.org].shard: unknown key; did you mean "shared"?',
        ),
        ('profiles = ["x"]', 'line 1: profiles[1]: expected a table of keys, got "x"'),
        ("profiles = 5", "line 1: profiles: expected tables, each headed [[profiles]], got 5"),
        (
            f'{LAB}[[profiles]]\nname = "  "\nquery = "x"',
            "line 5: profiles[  ].name: name is missing: what `shared` of a subscriber calls it",
        ),
        (
            "".join(f'[[profiles]]\nname = "{n}"\nquery = "x"\n' for n in range(101))
            + subscriber("ada", ", ".join(f'"{n}"' for n in range(101))),
            "line 306: subscribers[ada@example.org].shared: 101 profiles with their own; "
            "100 are the most one subscriber can have",
        ),
    ],
)
def test_each_mistake(tmp_path: Path, text: str, said: str) -> None:
    assert problems_of(tmp_path, text) == [said]


def test_only_the_file_can_share() -> None:
    with pytest.raises(TableError) as caught:
        subscriber_from({"email": "ada@example.org", "shared": ["Lab reading"]})

    assert caught.value.problems == (
        "shared: unknown key; only subscribers of the configuration file share [[profiles]]: "
        "write them out in `profiles`",
    )


def test_a_profile_that_nobody_shares_is_a_warning_that_says_how(tmp_path: Path) -> None:
    (warning,) = [one for one in read(tmp_path, SOURCE + LAB).warnings if "temporary" not in one]

    assert warning == (
        'nobody shares the profile "Lab reading" of [[profiles]]: '
        'write shared = ["Lab reading"] below a [[subscribers]]'
    )
    assert not [one for one in read(tmp_path, SOURCE + LAB + subscriber("ada")).warnings if "temporary" not in one]


def test_a_doubt_about_a_shared_profile_is_said_once(tmp_path: Path) -> None:
    lab = '[[profiles]]\nname = "Lab"\nquery = "rag source:hgg"\n'
    people = "".join(subscriber(name, '"Lab"') for name in ("ada", "grace", "alan"))

    (doubt,) = [one for one in read(tmp_path, SOURCE + lab + people).warnings if "hgg" in one]
    assert doubt.startswith('[[profiles]], "Lab" asks for source:hgg')


def test_a_profile_is_parsed_once_for_the_many_who_share_it(tmp_path: Path) -> None:
    keywords = ", ".join(f'"word{n} of many"' for n in range(30))
    profiles = "".join(f'[[profiles]]\nname = "P{n}"\nkeywords = [{keywords}]\n' for n in range(20))
    names = ", ".join(f'"P{n}"' for n in range(20))
    people = "".join(subscriber(f"s{n}", names) for n in range(500))

    config = read(tmp_path, profiles + people)

    assert len(config.subscribers) == 500
    assert all(one.profiles[7] is config.profiles[7] for one in config.subscribers)
