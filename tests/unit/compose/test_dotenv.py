import pytest

from compose.errors import FileError
from compose.reading.dotenv import read_dotenv


def read(text: str, *, raw: bool = False) -> dict[str, str | None]:
    return dict(read_dotenv(text.encode(), ".env", lookup={"HOME": "/root", "S": "shell"}.get, raw=raw))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A=1 #c\nB=a#c\nC= x y  \nD=#x", {"A": "1", "B": "a#c", "C": "x y", "D": "#x"}),
        ("export K=V\nL: w\nM = z\n  N=1\n", {"K": "V", "L": "w", "M": "z", "N": "1"}),
        ('A="a\\nb\\t\\$x\\"q\\\\"', {"A": 'a\nb\t$x"q\\'}),
        ("A='a\\nb $HOME # x'\nB='it\\'s'", {"A": "a\\nb $HOME # x", "B": "it's"}),
        ('A="two\nlines" # c\nB=2', {"A": "two\nlines", "B": "2"}),
        ("HOME\nNOPE\nX=1", {"HOME": "/root", "NOPE": None, "X": "1"}),
        ("S=file\nB=${S}x $S $$S", {"S": "file", "B": "shellx shell $S"}),
        ("A=1\nB=$A${A:-2}${C:-3}", {"A": "1", "B": "113"}),
        ("\ufeffA=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("# c\n\n#d\nA==b", {"A": "=b"}),
        ("A=a'b'c\nB=`x`;y", {"A": "a'b'c", "B": "`x`;y"}),
    ],
)
def test_lines_give_values(text: str, values: dict[str, str | None]) -> None:
    assert read(text) == values


def test_raw_files_are_taken_as_they_stand() -> None:
    assert read("A=1 #c\nB='x y'\n#e\nC=\"$HOME\"\n", raw=True) == {"A": "1 #c", "B": "'x y'", "C": '"$HOME"'}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("X=1\nA B=1", ".env:2:1: the name 'A B' holds ' '"),
        ("=x", ".env:1:1: a name is missing before the ="),
        ('A="x', ".env:1:3: the quote of A is never closed"),
        ('A="x" y', ".env:1:6: text stands behind the closing quote of A"),
        (
            "A=${B?no}\nC=${",
            (
                ".env:1:3: the required variable B is not set: no\n"
                ".env:2:3: cannot be interpolated at '${': ${ needs the name of a variable behind it"
            ),
        ),
    ],
)
def test_all_bad_lines_are_told(text: str, message: str) -> None:
    with pytest.raises(FileError) as caught:
        read(text)
    assert str(caught.value) == message
