"""Word lists of the generated worlds."""


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST = words(
    "Ana Ben Carla Dan Elena Frank Grace Hugo Iris Jack Kira Leo Mona Nate Olga Paul Rosa Sam Tina "
    "Uma Vera Walt Xena Yuri Zane Amber Boris Cleo Dora Emil Faye Gus Hana Ivan Jade Karl Lena Max "
    "Nora Otto Pia Quinn Rita Sven Tara Ugo Vic Wanda Yara Zoe"
)
LAST = words(
    "Adams Baker Chen Diaz Evans Fischer Garcia Hill Ito Jones Kim Lopez Meyer Novak Ortiz Park "
    "Quist Ruiz Smith Tran Ueda Vega Weber Xu Young Zimmer Abbott Bloom Cross Dunn Ellis Fox Grant "
    "Hale Irwin Jensen Kerr Lang Moss Nash Owens Price Reyes Stone Tate Vance Wolfe York"
)
UNICODE = (
    ("Zoë", "Brontë"),
    ("François", "Lévêque"),
    ("Renée", "Côté-Gagné"),
    ("Nguyễn", "Thị Hồng"),
    ("Łukasz", "Żółć"),
    ("José María", "Núñez"),
    ("Jose\u0301", "Muñoz"),  # decomposed accent: the same name in other bytes
    ("O'Neil", "D\u2019Angelo"),
    ("李", "小龙"),
    ("Søren", "Ångström"),
    ("Ünal", "Çelik"),
    ("Маша", "Иванова"),
)
GUESTS = (("Guest", ""), ("Walk In", ""), ("Walk", "In"), ("Test", "Test"), ("Test", "Customer"))
MAIL_DOMAINS = ("example.com", "example.net", "example.org", "mail.example.com", "post.example.org")
AREA_CODES = (206, 253, 360, 425, 509, 564, 604)
BAD_PHONES = ("0000000000", "000-000-0000", "2345678", "12345", "206-555-1212", "call front desk")
PLACEHOLDER_MAILS = (
    "noemail@example.com",
    "none@none.com",
    "asdf@asdf.example.com",
    "noemail1@example.net",
    "NoEmail@Example.com",
)
VENDOR_MAIL_DOMAIN = "posabit.com"
BAD_MAILS = (
    "ana@",
    "ana.example.com",
    "two@@example.com",
    "n/a",
    "@example.com",
    "a b@example.com",
)
STREETS = words("Pine Cedar Maple Birch Alder Spruce Willow Aspen Juniper Laurel")

# name, street, city, state, region, zip
VENUES = (
    ("Harbor House", "Harbor", "Tacoma", "WA", "Washington State", "98402"),
    ("Summit Supply", "Summit", "Denver", "CO", "Colorado", "80202"),
    ("Cedar & Co", "Cedar", "Spokane", "WA", "Washington State", "99201"),
    ("Lantern Room", "Lantern", "Boston", "MA", "Massachusetts", "02108"),
    ("Desert Bloom", "Desert", "Tucson", "AZ", "Arizona", "85701"),
    ("Lakeside Goods", "Lakeside", "Chicago", "IL", "Illinois", "60601"),
)
STATE_ZONES = {
    "WA": ("Pacific Time (US & Canada)", "37.0"),
    "CO": ("Mountain Time (US & Canada)", "26.25"),
    "MA": ("Eastern Time (US & Canada)", "20.0"),
    "MD": ("Eastern Time (US & Canada)", "9.0"),
    "CA": ("Pacific Time (US & Canada)", "24.25"),
    "AZ": ("Arizona", "21.6"),
    "IL": ("Central Time (US & Canada)", "19.55"),
    "BC": ("Pacific Time (US & Canada)", "12.0"),
    "AB": ("Mountain Time (US & Canada)", "5.0"),
    "ON": ("Eastern Time (US & Canada)", "13.0"),
    "QC": ("Eastern Time (US & Canada)", "14.975"),
}

CATEGORIES = (
    # category, unit weight in grams, lowest and highest price in cents
    ("Flower", 3.5, 1800, 5500),
    ("Pre-Rolls", 1.0, 500, 1500),
    ("Vapes", 1.0, 2000, 6000),
    ("Edibles", 0.1, 800, 3000),
    ("Concentrates", 1.0, 1500, 6500),
    ("Topicals", 0.5, 1200, 4000),
    ("Gear", 0.0, 200, 12000),
)
BRANDS = words("Acme Fernhill Lumen Northbar Opal Pinecrest Quarry Riverbend")
STRAINS = ("Blue Dream", "Harlequin", "Jack Herer", "Northern Lights", "Sour Diesel", "Gelato")
LINEAGES = ("indica", "sativa", "hybrid")
COUPONS = (
    (47370, "AIQ $5", 500, False, True),
    (47371, "AIQ 10%", 10, True, True),
    (47372, "Happy Hour 15%", 15, True, True),
    (47373, "Birthday $10", 1000, False, True),
    (47374, "Grand Opening", 20, True, False),
)
COUPON_NAMES = {coupon[0]: coupon[1] for coupon in COUPONS}
"""By id."""

TENDERS = ("Cash", "Debit", "Cash", "POSaBIT Pay", "Debit")
SOURCES = ("pos", "pos", "pos", "pos", "kiosk", "online")
UNKNOWN_STATUSES = ("on_hold", "in_dispute")
