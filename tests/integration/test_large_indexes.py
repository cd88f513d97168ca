"""A page of an index with more rows than the local AWS would read again for each page."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tools.stack import LocalStack

pytestmark = pytest.mark.stack

TABLE = "many-rows"
ROWS = 1200
Page = Callable[..., list[str]]


@pytest.fixture
def page(stack: LocalStack) -> Iterator[Page]:
    """Asks for a page of the one partition of an index."""
    client = stack.client("dynamodb")
    names = ("pk", "partition_of_all", "placed_at")
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in names],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "in_order",
                "KeySchema": [
                    {"AttributeName": names[1], "KeyType": "HASH"},
                    {"AttributeName": names[2], "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    for first in range(0, ROWS, 25):
        rows = [{"PutRequest": {"Item": row(n)}} for n in range(first, first + 25)]
        client.batch_write_item(RequestItems={TABLE: rows})

    def ask(
        condition: str = "", newest_first: bool = False, limit: int = 3, **at: int
    ) -> list[str]:
        values = {f":{name}": {"S": placed(n)} for name, n in at.items()}
        answer = client.query(
            TableName=TABLE,
            IndexName="in_order",
            KeyConditionExpression="partition_of_all = :all" + condition,
            ExpressionAttributeValues={":all": {"S": "all"}} | values,
            ScanIndexForward=not newest_first,
            Limit=limit,
        )
        return [item["placed_at"]["S"] for item in answer["Items"]]

    yield ask
    client.delete_table(TableName=TABLE)


def placed(number: int) -> str:
    return f"{number:06d}"


def row(number: int) -> dict[str, dict[str, str]]:
    return {
        "pk": {"S": f"row {number}"},
        "partition_of_all": {"S": "all"},
        "placed_at": {"S": placed(number)},
    }


def test_a_page_of_a_large_index_holds_what_was_asked_for(page: Page, stack: LocalStack) -> None:
    last = ROWS - 1
    assert page() == [placed(n) for n in (0, 1, 2)]
    assert page(newest_first=True) == [placed(n) for n in (last, last - 1, last - 2)]
    before = page(" AND placed_at < :a", newest_first=True, a=600)
    assert before == [placed(n) for n in (599, 598, 597)]
    assert page(" AND placed_at > :a", a=600) == [placed(n) for n in (601, 602, 603)]
    assert page(" AND placed_at BETWEEN :a AND :b", a=7, b=8) == [placed(7), placed(8)]

    client = stack.client("dynamodb")
    client.put_item(TableName=TABLE, Item=row(ROWS))
    client.delete_item(TableName=TABLE, Key={"pk": {"S": "row 0"}})
    assert page(newest_first=True, limit=1) == [placed(ROWS)]
    assert page(limit=1) == [placed(1)]
