"""Shopify's exports: orders (79 columns), products (legacy and current template), inventory (three forms)."""

from pipeline.ingest.layouts.layout import Layout, TableKind

OPTIONS = {
    "option1": ("option1value",),
    "option2": ("option2value",),
    "option3": ("option3value",),
}

ORDERS = Layout(
    vendor="shopify",
    table=TableKind.ORDERS,
    aliases={
        "order_id": ("name",),
        "ordered_at": ("createdat",),
        "quantity": ("lineitemquantity",),
        "title": ("lineitemname",),
        "unit_price": ("lineitemprice",),
        "sku": ("lineitemsku",),
        "status": ("financialstatus",),
        "paid_at": ("paidat",),
        "cancelled_at": ("cancelledat", "canceledat"),
        "currency": ("currency",),
        "customer_email": ("email",),
        "customer_phone": ("phone", "shippingphone", "billingphone"),
    },
    required=("order_id", "ordered_at", "quantity", "title", "unit_price"),
    strong=("lineitemquantity",),
)

PRODUCTS = Layout(
    vendor="shopify",
    table=TableKind.PRODUCTS,
    aliases={
        "product_id": ("handle", "urlhandle"),
        "title": ("title",),
        "description": ("bodyhtml", "description"),
        "vendor": ("vendor",),
        "product_type": ("type",),
        "product_category": ("productcategory", "standardizedproducttype"),
        "tags": ("tags",),
        "status": ("status",),
        **OPTIONS,
        "sku": ("variantsku", "sku"),
        "price": ("variantprice", "price"),
        "compare_at_price": ("variantcompareatprice", "compareatprice"),
        "cost": ("costperitem",),
        "tracker": ("variantinventorytracker", "inventorytracker"),
        "stock": ("variantinventoryqty", "inventoryquantity"),
        "policy": ("variantinventorypolicy", "continuesellingwhenoutofstock"),
        "image_url": ("imagesrc", "productimageurl"),
        "image_position": ("imageposition",),
        "variant_image_url": ("variantimage", "variantimageurl"),
        "gift_card": ("giftcard",),
    },
    required=("product_id", "title", "price"),
    strong=("variantprice", "variantsku", "bodyhtml", "urlhandle", "option1value"),
    negative=("lineitemquantity",),
)

INVENTORY = Layout(
    vendor="shopify",
    table=TableKind.INVENTORY,
    aliases={
        "product_id": ("handle", "urlhandle"),
        **OPTIONS,
        "sku": ("sku",),
        "available": ("available", "availablenoteditable", "onhandcurrent", "onhand"),
    },
    required=("product_id", "sku", "available"),
    strong=("location",),
    negative=("price", "variantprice"),
)

INVENTORY_BY_COLUMN = Layout(
    vendor="shopify",
    table=TableKind.INVENTORY,
    aliases={"product_id": ("handle", "urlhandle"), **OPTIONS, "sku": ("sku",)},
    required=("product_id", "sku"),
    strong=("coo", "hscode"),
    negative=("location", "price", "variantprice", "variantinventoryqty"),
    has_locations=True,
    ignored=("title", "option1name", "option2name", "option3name", "hscode", "coo", "binname"),
)

LAYOUTS = (ORDERS, PRODUCTS, INVENTORY, INVENTORY_BY_COLUMN)
