"""The layout that every other one is turned into, with the names that plain exports of a database often use."""

from pipeline.ingest.layouts.layout import Layout, TableKind

_SHOPIFY = ("handle", "urlhandle", "variantsku", "lineitemquantity")

ORDERS = Layout(
    vendor="canonical",
    table=TableKind.ORDERS,
    aliases={
        "order_id": ("orderid", "ordernumber", "invoiceno", "invoiceid", "order"),
        "ordered_at": ("orderedat", "orderdate", "invoicedate", "createdat", "date"),
        "sku": ("sku", "itemsku", "productsku", "stockcode"),
        "quantity": ("quantity", "qty"),
        "unit_price": ("unitprice", "price"),
        "title": ("title", "productname", "producttitle", "description"),
        "status": ("status", "orderstatus", "financialstatus"),
        "paid_at": ("paidat",),
        "cancelled_at": ("cancelledat", "canceledat"),
        "currency": ("currency", "currencycode"),
        "customer_email": ("customeremail", "email"),
        "customer_id": ("customerid", "customer"),
    },
    required=("order_id", "ordered_at", "sku", "quantity", "unit_price"),
    negative=_SHOPIFY,
)

PRODUCTS = Layout(
    vendor="canonical",
    table=TableKind.PRODUCTS,
    aliases={
        "sku": ("sku", "productsku", "itemsku", "stockcode"),
        "title": ("title", "productname", "producttitle", "name"),
        "product_id": ("productid", "parentid", "family"),
        "description": ("description",),
        "product_type": ("category", "productcategory", "producttype", "type"),
        "vendor": ("vendor", "brand", "manufacturer"),
        "tags": ("tags",),
        "price": ("price", "listprice", "unitprice"),
        "compare_at_price": ("compareatprice",),
        "cost": ("cost", "unitcost", "costperitem"),
        "created_at": ("createdat",),
        "status": ("status",),
        "stock": ("stock", "inventoryquantity"),
        "variant_image_url": ("imageurl", "image", "imagesrc"),
    },
    required=("sku", "title"),
    negative=(*_SHOPIFY, "orderid", "orderedat", "agreementid", "kind", "coo", "hscode"),
)

INVENTORY = Layout(
    vendor="canonical",
    table=TableKind.INVENTORY,
    aliases={"sku": ("sku", "productsku", "itemsku", "stockcode"), "available": ("available", "stock", "onhand")},
    required=("sku", "available"),
    negative=(*_SHOPIFY, "title", "name", "orderid", "quantity", "agreementid"),
)

RULES = Layout(
    vendor="canonical",
    table=TableKind.RULES,
    aliases={
        "kind": ("kind",),
        "sku": ("sku",),
        "other_sku": ("othersku",),
        "tag": ("tag",),
        "vendor": ("vendor",),
        "category": ("category",),
    },
    required=("kind",),
    strong=("sku", "tag", "vendor", "category"),
    negative=("price", "title", "orderid", "quantity"),
)

ASSORTMENT = Layout(
    vendor="canonical",
    table=TableKind.ASSORTMENT,
    aliases={"agreement_id": ("agreementid", "agreement"), "sku": ("sku",)},
    required=("agreement_id", "sku"),
    negative=("orderid", "orderedat", "quantity", "title"),
)

LAYOUTS = (ORDERS, PRODUCTS, INVENTORY, RULES, ASSORTMENT)
