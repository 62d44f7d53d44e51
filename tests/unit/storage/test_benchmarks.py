from pathlib import Path

from dovetail.storage import benchmarks
from dovetail.storage.benchmarks import Row
from dovetail.storage.database import FILE_NAME, Database


def test_the_oldest_makes_room(tmp_path: Path) -> None:
    database = Database.open(tmp_path / FILE_NAME)
    try:
        for number in range(4):
            row = Row(f"b{number}", float(number), f'{{"n": {number}}}')
            database.now(lambda c, row=row: benchmarks.add(c, row, most=3))
        assert [row.id for row in database.now(lambda c: benchmarks.newest(c, 2))] == ["b3", "b2"]
        assert len(database.now(lambda c: benchmarks.newest(c, 9))) == 3
        assert database.now(lambda c: benchmarks.one(c, "b2")) == Row("b2", 2.0, '{"n": 2}')
        assert database.now(lambda c: benchmarks.one(c, "b0")) is None
        assert database.now(lambda c: benchmarks.remove(c, "b2"))
        assert not database.now(lambda c: benchmarks.remove(c, "b2"))
    finally:
        database.close()
