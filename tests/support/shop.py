"""Small stores as files: a few orders and products in the layout of Shopify's exports, or as canonical tables."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


def _names(header: str) -> list[str]:
    """A header row's columns."""
    return header.split(",")


ORDER_HEADER = _names(
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,"
    "Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,"
    "Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,Lineitem taxable,"
    "Lineitem fulfillment status,Billing Name,Billing Street,Billing Address1,Billing Address2,Billing Company,"
    "Billing City,Billing Zip,Billing Province,Billing Country,Billing Phone,Shipping Name,Shipping Street,"
    "Shipping Address1,Shipping Address2,Shipping Company,Shipping City,Shipping Zip,Shipping Province,"
    "Shipping Country,Shipping Phone,Notes,Note Attributes,Cancelled at,Payment Method,Payment Reference,"
    "Refunded Amount,Vendor,Outstanding Balance,Employee,Location,Device ID,Id,Tags,Risk Level,Source,"
    "Lineitem discount,Tax 1 Name,Tax 1 Value,Tax 2 Name,Tax 2 Value,Tax 3 Name,Tax 3 Value,Tax 4 Name,Tax 4 Value,"
    "Tax 5 Name,Tax 5 Value,Phone,Receipt Number,Duties,Billing Province Name,Shipping Province Name,Payment ID,"
    "Payment Terms Name,Next Payment Due At,Payment References"
)

PRODUCT_HEADER = _names(
    "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,"
    "Option2 Value,Option3 Name,Option3 Value,Variant SKU,Variant Grams,Variant Inventory Tracker,"
    "Variant Inventory Qty,Variant Inventory Policy,Variant Fulfillment Service,Variant Price,"
    "Variant Compare At Price,Variant Requires Shipping,Variant Taxable,Variant Barcode,Image Src,Image Position,"
    "Image Alt Text,Gift Card,SEO Title,SEO Description,Variant Image,Variant Weight Unit,Variant Tax Code,"
    "Cost per item,Status"
)

CURRENT_PRODUCT_HEADER = _names(
    "Title,URL handle,Description,Vendor,Product category,Type,Tags,Published on online store,Status,SKU,Barcode,"
    "Option1 name,Option1 value,Option1 Linked To,Price,Compare-at price,Cost per item,Inventory tracker,"
    "Inventory quantity,Continue selling when out of stock,Product image URL,Image position,Variant image URL,Gift card"
)

STOCK_HEADER = _names(
    "Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Option3 Name,Option3 Value,SKU,HS Code,COO,"
    "Location,Bin name,Incoming (not editable),Unavailable (not editable),Committed (not editable),"
    "Available (not editable),On hand (current),On hand (new)"
)

Row = Mapping[str, object]


@dataclass(frozen=True)
class Order:
    """An order as a Shopify export has it: order-level fields on its first row only."""

    name: str
    lines: Sequence[Row]
    """Each with `sku`, `quantity`, `price` and, where wanted, `title`."""
    placed: str = "2026-03-01 10:00:00 +0000"
    status: str = "paid"
    cancelled: str = ""
    email: str = "someone@example.invalid"
    currency: str = "EUR"
    is_paid: bool = True

    def rows(self) -> list[Row]:
        """One row a line."""
        found: list[Row] = []
        for line in self.lines:
            row = {
                "Name": self.name,
                "Email": self.email,
                "Created at": self.placed,
                "Lineitem quantity": line.get("quantity", 1),
                "Lineitem name": line.get("title", f"Product {line.get('sku', '')}"),
                "Lineitem price": line.get("price", "5.00"),
                "Lineitem sku": line.get("sku", ""),
            }
            if not found:
                row |= {
                    "Financial Status": self.status,
                    "Paid at": self.placed if self.is_paid else "",
                    "Cancelled at": self.cancelled,
                    "Currency": self.currency,
                }
            found.append(row)
        return found


def product(sku: str, title: str | None = None, **fields: object) -> dict[str, object]:
    """A product row of Shopify's legacy layout; `fields` override, by header."""
    return {
        "Handle": f"handle-{sku}".lower(),
        "Title": f"Product {sku}" if title is None else title,
        "Type": "Things",
        "Option1 Name": "Title",
        "Option1 Value": "Default Title",
        "Variant SKU": sku,
        "Variant Inventory Tracker": "shopify",
        "Variant Inventory Qty": 10,
        "Variant Inventory Policy": "deny",
        "Variant Price": "5.00",
        "Gift Card": "false",
        "Status": "active",
        **{name.replace("_", " "): value for name, value in fields.items()},
    }


def as_csv(header: Sequence[str], rows: Iterable[Row], *, delimiter: str = ",", line_end: str = "\n") -> str:
    """A CSV file as text; fields that a row does not name are empty."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, header, restval="", delimiter=delimiter, lineterminator=line_end)
    writer.writeheader()
    writer.writerows([dict(row) for row in rows])
    return stream.getvalue()


def orders_csv(orders: Iterable[Order]) -> str:
    """Shopify's orders export, 79 columns."""
    return as_csv(ORDER_HEADER, [row for order in orders for row in order.rows()])


def write_shopify(
    folder: Path,
    *,
    orders: Iterable[Order] | None = None,
    products: Iterable[Row] | None = None,
    stock: Iterable[Row] | None = None,
) -> Path:
    """Write the exports that are given into `folder`, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (
        ("orders_export.csv", None if orders is None else orders_csv(orders)),
        ("products_export.csv", None if products is None else as_csv(PRODUCT_HEADER, products)),
        ("inventory_export.csv", None if stock is None else as_csv(STOCK_HEADER, stock)),
    ):
        if text is not None:
            (folder / name).write_text(text, encoding="utf-8", newline="")
    return folder


def stock_row(sku: str, available: object, location: str = "Warehouse") -> Row:
    """A row of Shopify's current inventory export."""
    return {"Handle": f"handle-{sku}".lower(), "SKU": sku, "Location": location, "Available (not editable)": available}


def canonical_orders(lines: Iterable[tuple[str, str, str, object, object]]) -> str:
    """Canonical orders from `(order_id, ordered_at, sku, quantity, unit_price)`."""
    header = ("order_id", "ordered_at", "sku", "quantity", "unit_price")
    return as_csv(header, [dict(zip(header, line, strict=True)) for line in lines])
