"""A stack's events on disk."""

from pathlib import Path

from engine.eventfollow import DirectoryWatch
from engine.eventlog import EventReader, EventWriter
from engine.protocol import Event


def event(number: int) -> Event:
    return Event(
        time_ns=number, action="start", container_id="0" * 64, container_name="shop-web-1", service="web", attributes={}
    )


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path)
    reader = EventReader(tmp_path)
    assert reader.history() == []
    writer.write(event(1))
    writer.write(event(2))
    assert reader.news() == [event(1), event(2)]
    writer.write(event(3))
    assert reader.news() == [event(3)]
    assert reader.news() == []
    assert EventReader(tmp_path).history() == [event(1), event(2), event(3)]
    writer.close()
    reader.close()


def test_another_writer_goes_on_where_the_first_one_stopped(tmp_path: Path) -> None:
    EventWriter(tmp_path).write(event(1))
    EventWriter(tmp_path).write(event(2))
    assert EventReader(tmp_path).history() == [event(1), event(2)]


def test_files_are_bounded_and_a_reader_misses_nothing(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path, rotate_bytes=500)
    reader = EventReader(tmp_path)
    seen = []
    for number in range(20):
        writer.write(event(number))
        seen += reader.news()
    assert [each.time_ns for each in seen] == list(range(20))
    assert max(path.stat().st_size for path in tmp_path.iterdir()) <= 500
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events", "events.1"]
    kept = [each.time_ns for each in EventReader(tmp_path).history()]
    assert kept == list(range(kept[0], 20))


def test_skipping_leaves_out_what_was(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path)
    writer.write(event(1))
    reader = EventReader(tmp_path)
    reader.skip()
    writer.write(event(2))
    assert reader.news() == [event(2)]


def test_the_last_words_of_a_stack_that_went_are_read_and_the_next_stack_is_found(tmp_path: Path) -> None:
    directory = tmp_path / "stack"
    directory.mkdir()
    writer = EventWriter(directory)
    writer.write(event(1))
    reader = EventReader(directory)
    assert reader.history() == [event(1)]
    writer.write(event(2))
    (directory / "events").unlink()
    directory.rmdir()
    assert reader.news() == [event(2)]
    assert reader.news() == []
    directory.mkdir()
    EventWriter(directory).write(event(3))
    assert reader.news() == [event(3)]


def test_damaged_lines_are_left_out_and_torn_ones_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "events"
    EventWriter(tmp_path).write(event(1))
    line = path.read_bytes()
    path.write_bytes(line + b'{"nonsense"}\n' + line[:40])
    reader = EventReader(tmp_path)
    assert reader.history() == [event(1)]
    with path.open("ab") as file:
        file.write(line[40:])
    assert reader.news() == [event(1)]


def test_a_directory_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    directory = tmp_path / "run" / "stacks" / "shop"
    watch = DirectoryWatch(directory)
    assert not watch.wait(0)
    directory.mkdir(parents=True)
    assert watch.wait(10)
    writer = EventWriter(directory)
    writer.write(event(1))
    assert watch.wait(10)
    writer.write(event(2))
    assert watch.wait(10)
    assert not watch.wait(0)
    watch.close()
