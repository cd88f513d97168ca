"""What was told to the code that wrote `tests/data/stored`, and what its rows must still say."""

from __future__ import annotations

from datetime import time
from typing import Any

from chalicelib.domain.records import Customer, InventoryItem, LineItem, Sale, Tender
from chalicelib.domain.rules import KeptMembers, Loyalty, Source
from chalicelib.domain.texting import TextingRules
from chalicelib.domain.times import day_from_text, from_text

ANN = "user:sub-3912-Owner"
BEN = "+12065550124"
LONG = "long-" * 90
"""A POS's id that is too long for a key."""


def at(text: str) -> int:
    return from_text(text)


def day(text: str) -> int:
    return day_from_text(text)


LOYALTY = Loyalty(
    enabled=True,
    accrual_start=day("2026-01-01"),
    points_per_100=1_000,
    points_per_order=50,
    max_orders_per_day=3,
    exclude_tax=True,
    rounding="down",
    expire_after_days=60,
    earn_only_from_joining=True,
)
POSABIT = Source(
    enroll_after=day("2026-01-15"),
    sms_opt_in_after=day("2026-04-01"),
    accrual_start=day("2026-01-10"),
    imported_on=day("2026-02-01"),
    trusts_opt_in_flags=True,
    keeping=(
        KeptMembers("enroll_after", day("2025-12-01")),
        KeptMembers("sms_opt_in_after", day("2026-03-01")),
    ),
)

ANA = Customer(
    "1001",
    first="Ana",
    last="Example",
    phone_raw="(206) 555-0123",
    phone="+12065550123",
    email_raw="Ana@Example.com",
    email="ana@example.com",
    birth_date="1990-12-31",
    gender="F",
    type="recreational",
    state="WA",
    address="1 Pine St, Seattle",
    pos_loyalty_member=True,
    pos_points=120,
    sms_consent="yes",
    email_consent="no",
    terms_agreed=True,
    store_key="Main",
    created_at=at("2025-06-01T10:00:00Z"),
    updated_at=at("2026-04-01T10:00:00Z"),
)
OLD_ANA = Customer(
    "1002",
    first="Ana",
    last="Sample",
    phone="+12065550129",
    email_raw="none",
    active=False,
    merged_into="1001",
    flags=frozenset({"inactive", "bad_email"}),
)
BENS = Customer(
    "1003", first="Ben", last="Example", phone=BEN, updated_at=at("2026-04-20T10:00:00Z")
)
CLEO = Customer("1004", first="Cleo", email="cleo@example.com", birth_date="1980", pos_points=7)
ITEM = LineItem(
    "Jar 3.5 g",
    "1.5",
    total=4_000,
    ext_id="l1",
    product_ext_id="p1",
    sku="SKU-1",
    brand="Green",
    category="Flower",
    unit_price=2_800,
    subtotal=4_200,
    discount=200,
    tax=400,
    cost=1_500,
    discounts=("Tuesday", "Veteran"),
    returned=True,
)
BIG = Sale(
    "s1",
    "Main",
    at("2026-04-20T19:30:00Z"),
    "2026-04-20 12:30:00",
    "USD",
    total=5_000,
    status="closed",
    number="R-1",
    customer_ext_id="1001",
    channel="in store",
    employee_id="e1",
    employee_name="Sam",
    medical=False,
    subtotal=4_600,
    discount=200,
    tax=500,
    fees=10,
    tip=90,
    cost=1_900,
    tenders=(Tender("cash", 3_000), Tender("debit", 2_000)),
    items=(ITEM, LineItem("Gift", "1")),
    updated_at=at("2026-04-20T19:31:00Z"),
)


def a_sale(ext_id: str, text: str, total: int = 2_000, of: str = "1001", **more: Any) -> Sale:
    return Sale(ext_id, "Main", at(text), text, "USD", total, customer_ext_id=of, **more)


JAR = InventoryItem(
    "i1",
    "Main",
    "Jar",
    "12.5",
    "USD",
    product_ext_id="p1",
    sku="SKU-1",
    brand="Green",
    category="Flower",
    strain="Blue",
    price=2_800,
    cost=1_500,
    unit="g",
    updated_at=at("2026-04-20T19:30:00Z"),
)
TEXTING = TextingRules(
    number="+12065550102",
    brand="Green Shop",
    request_limit=2,
    opens=time(9, 30),
    closes=time(20),
    daily_cap=500,
    monthly_budget=9_000,
    start_after_minutes=30,
    wordings={"help": "{brand}: ask in store, or reply STOP."},
)
