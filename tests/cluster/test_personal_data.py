"""What orders say of people is in nothing that Basketry writes: files, database, outputs, Ray's own logs."""

import csv
import json
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.support.processes import Finished, basketry
from tests.support.shop import ORDER_HEADER, Order, product, write_shopify

pytestmark = [pytest.mark.ray, pytest.mark.cluster]

SECRETS = (
    "quilla.vantongeren",
    "Quilla",
    "Vantongeren",
    "555-0173-998",
    "Oleanderstrasse",
    "77xQ3Z",
    "leave it with the neighbour",
)
"""Each unlike anything else in these files, so that one hit is one leak."""

PERSON = {
    "Email": "quilla.vantongeren@example.invalid",
    "Billing Name": "Quilla Vantongeren",
    "Billing Street": "Oleanderstrasse 12",
    "Billing Address1": "Oleanderstrasse 12",
    "Billing Zip": "77xQ3Z",
    "Billing Phone": "+49 555-0173-998",
    "Shipping Name": "Quilla Vantongeren",
    "Shipping Street": "Oleanderstrasse 12",
    "Phone": "+49 555-0173-998",
    "Notes": "Please leave it with the neighbour",
    "Note Attributes": "phone: 555-0173-998",
}


def write_orders(path: Path) -> None:
    """120 orders of one person, three of whose records are ragged and one of a wrong date."""
    skus = [f"SKU-{number:02d}" for number in range(12)]
    rows = []
    for number in range(120):
        chosen = skus[number % 3 * 4 : number % 3 * 4 + 3]
        lines = [{"sku": sku, "title": f"Product {sku}"} for sku in chosen]
        placed = f"2026-{1 + number % 6:02d}-{1 + number % 27:02d} 10:00:00 +0000"
        order = Order(f"#{number}", lines, placed=placed)
        rows += [dict(row) | PERSON for row in order.rows()]
    records = [[str(row.get(name, "")) for name in ORDER_HEADER] for row in rows]
    sku_at, phone_at = ORDER_HEADER.index("Lineitem sku"), ORDER_HEADER.index("Billing Phone")
    records[5] = records[5][:sku_at] + records[5][sku_at + 4 :]
    records[10] = records[10] + records[10]
    records[20] = records[20][phone_at:]
    # Shifted by one and filled up again: every field is its left neighbour's, and the count is right.
    records[30] = [*records[30][1:], ""]
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([ORDER_HEADER, *records])


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Finished, Path, Path]]:
    """A run of such a store in a Ray of its own: what it printed, its folder, and Ray's session folder."""
    home = tmp_path_factory.mktemp("people")
    write_shopify(home / "shop", products=[product(f"SKU-{number:02d}", Type="Things") for number in range(12)])
    write_orders(home / "shop" / "orders_export.csv")
    # Unix sockets have short names: a folder deep below the test's own would be too long for Ray.
    sessions = Path(tempfile.mkdtemp(prefix="bk-", dir="/tmp"))
    command = ("run", home / "shop", "--data-dir", home / "data", "--out", home / "out", "--json")
    yield basketry(*command, cwd=home, env={"RAY_TMPDIR": str(sessions)}), home, sessions
    shutil.rmtree(sessions, ignore_errors=True)


def leaks(data: bytes) -> list[str]:
    lower = data.lower()
    return [secret for secret in SECRETS if secret.lower().encode() in lower or secret.encode("utf-16-le") in data]


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def leaking(folder: Path) -> list[str]:
    return [
        f"{path.relative_to(folder)}: {found}" for path in files_below(folder) if (found := leaks(path.read_bytes()))
    ]


def test_the_run_is_a_real_one_and_its_files_are_there(ran: tuple[Finished, Path, Path]) -> None:
    finished, home, sessions = ran

    assert finished.code == 0, finished.err
    assert finished.json["bundles"] > 0
    assert leaks((home / "shop" / "orders_export.csv").read_bytes()) == list(SECRETS)
    assert {"bundles.json", "run.json", "rejects.csv", "report.html"} <= {
        path.name for path in files_below(home / "out")
    }
    assert [path for path in files_below(sessions) if path.name.startswith("raylet")]


def test_the_ragged_records_were_rejected_and_can_be_found_by_their_lines(ran: tuple[Finished, Path, Path]) -> None:
    _, home, _ = ran

    with (home / "out" / "rejects.csv").open(encoding="utf-8", newline="") as stream:
        rejects = list(csv.DictReader(stream))
    assert len(rejects) >= 3
    assert all(reject["line"] and reject["code"] and reject["reason"] for reject in rejects)


def test_no_person_is_in_what_was_printed(ran: tuple[Finished, Path, Path]) -> None:
    finished, _, _ = ran

    assert leaks((finished.out + finished.err).encode()) == []


def test_no_person_is_in_the_outputs(ran: tuple[Finished, Path, Path]) -> None:
    _, home, _ = ran

    assert leaking(home / "out") == []


def test_no_person_is_in_the_bytes_of_the_data_folder(ran: tuple[Finished, Path, Path]) -> None:
    _, home, _ = ran

    assert len(files_below(home / "data")) > 5
    assert leaking(home / "data") == []


def test_no_person_is_in_what_is_compressed_in_the_data_folder(ran: tuple[Finished, Path, Path]) -> None:
    _, home, _ = ran
    tables = [path for path in files_below(home / "data") if path.suffix == ".parquet"]

    contents = {str(path): json.dumps(pq.read_table(path).to_pydict(), default=str) for path in tables}

    assert len(tables) >= 6
    assert {path: found for path, text in contents.items() if (found := leaks(text.encode()))} == {}


def test_no_person_is_in_a_row_of_the_database(ran: tuple[Finished, Path, Path]) -> None:
    _, home, _ = ran
    connection = sqlite3.connect(home / "data" / "basketry.db")
    tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
    unpacked = 0

    found = []
    for table in tables:
        for row in connection.execute(f'select * from "{table}"'):
            for value in row:
                data = value if isinstance(value, bytes) else str(value).encode()
                if isinstance(value, bytes):
                    data, unpacked = zlib.decompress(value), unpacked + 1
                found += [(table, secret) for secret in leaks(data)]
    connection.close()

    assert {"run", "bundle", "rejection"} <= set(tables)
    assert unpacked > 0
    assert found == []


def test_no_person_is_in_ray_s_session_folder(ran: tuple[Finished, Path, Path]) -> None:
    _, _, sessions = ran

    assert leaking(sessions) == []


def test_the_scan_would_find_a_person(tmp_path: Path) -> None:
    (tmp_path / "worker.log").write_text("sku quilla.vantongeren@example.invalid is unknown")

    assert leaking(tmp_path) == ["worker.log: ['quilla.vantongeren', 'Quilla', 'Vantongeren']"]


def test_an_address_in_place_of_a_sku_is_not_repeated(tmp_path: Path) -> None:
    """A canonical table whose columns slipped: the SKU is an e-mail address, and matches no product."""
    rows = "".join(f"#{number},2026-03-01,MUG,1,5.00,EUR\n" for number in range(40))
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "orders.csv").write_text(
        f"order_id,ordered_at,sku,quantity,unit_price,currency\n{rows}#99,2026-03-02,{PERSON['Email']},1,5.00,EUR\n"
    )
    (tmp_path / "shop" / "products.csv").write_text("sku,title,price\nMUG,Mug,5.00\nPAN,Pan,9.00\n")

    finished = basketry("ingest", "shop", "--data-dir", "data", "--out", "out", "--json", cwd=tmp_path)

    assert finished.code == 0, finished.err
    assert leaks((finished.out + finished.err).encode()) == []
    assert leaking(tmp_path / "data") + leaking(tmp_path / "out") == []
