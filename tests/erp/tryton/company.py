"""A small works in Tryton: one vendor, a bearing, a pump made of it, orders and two log-ins.

Everything is done over JSON-RPC, as an administrator's script would; nothing of Tryton's is
imported.
"""

from datetime import date, timedelta
from decimal import Decimal

MODULES = ("production", "purchase")
NAME = "Bremen Pumps"
READER = ("countersign-reader", "reads-and-reads-1")
WRITER = ("countersign-writer", "writes-only-drafts-1")

READS = (
    "purchase.purchase",
    "purchase.line",
    "purchase.product_supplier",
    "stock.location",
    "stock.move",
    "production",
    "product.product",
    "product.template",
    "party.party",
)
LOCKED = (
    "product",
    "quantity",
    "unit",
    "unit_price",
    "from_location",
    "to_location",
    "effective_date",
)
ALLOWED = {"purchase.purchase": ["cancel"], "stock.move": []}
"""The buttons that the writer may press."""


def set_up(office):
    """Make the works; the office keeps working in its company."""
    company = _company(office)
    today = office.do("ir.date.today")
    _people(office, company)
    piece = _piece(office)
    _places(office)
    bearing = _product(office, piece, "1000-B6204", "Deep groove bearing 6204", "30.10")
    pump = _product(office, piece, "2000-P50", "Pump 50", "410.00", producible=True)
    _tax(office, company, bearing)
    vendor = office.create(
        "party.party",
        name="Nordlager GmbH",
        code="V-2040",
        addresses=[["create", [{"street": "Am Kai 4", "city": "Bremen"}]]],
        contact_mechanisms=[["create", [{"type": "email", "value": "orders@nordlager.example"}]]],
    )
    count_stock(office, bearing, 112)
    _released_purchase(office, vendor, bearing, piece, today + timedelta(days=3))
    _production(office, bearing, pump, piece, today + timedelta(days=8))


def _company(office):
    euro = office.create(
        "currency.currency",
        name="Euro",
        symbol="€",
        code="EUR",
        digits=2,
        rounding=Decimal("0.01"),
        rates=[["create", [{"rate": Decimal(1), "date": date(2020, 1, 1)}]]],
    )
    party = office.create("party.party", name=NAME, code="US")
    company = office.create("company.company", party=party, currency=euro)
    (admin,) = office.find("res.user", ["login", "=", "admin"])
    office.do("res.user.write", [admin], {"companies": [["add", [company]]], "company": company})
    office.context["company"] = company
    # Without it every release wants a chart of accounts, which is nothing of ours.
    office.do("purchase.configuration.write", [1], {"purchase_invoice_method": "manual"})
    return company


def _people(office, company):
    """Let one user read, and another write drafts and incoming dates, and nothing else."""
    reading = office.create(
        "res.group",
        name="Countersign reads",
        model_access=[["create", [_access(model) for model in READS]]],
    )
    drafts = [_access("purchase.purchase", "write", "create"), _access("stock.move", "write")]
    writing = office.create(
        "res.group",
        name="Countersign writes drafts",
        model_access=[["create", drafts]],
        field_access=[["create", [_locked("stock.move", field) for field in LOCKED]]],
    )
    for (login, password), groups in ((READER, [reading]), (WRITER, [reading, writing])):
        office.create(
            "res.user",
            name=login,
            login=login,
            password=password,
            groups=[["add", groups]],
            companies=[["add", [company]]],
            company=company,
        )
    _buttons(office)


def _buttons(office):
    """Keep the buttons that release, receive or reopen for those who are of that department.

    Tryton lets everybody press them who may write the document.
    """
    (admin,) = office.find("res.user", ["login", "=", "admin"])
    for model, group in (("purchase.purchase", "Purchase"), ("stock.move", "Stock")):
        (department,) = office.find("res.group", ["name", "=", group])
        office.do("res.user.write", [admin], {"groups": [["add", [department]]]})
        buttons = office.find(
            "ir.model.button", ["model", "=", model], ["name", "not in", ALLOWED[model]]
        )
        office.do("ir.model.button.write", buttons, {"groups": [["add", [department]]]})


def _locked(model, field):
    return {
        "model": model,
        "field": field,
        "perm_read": True,
        "perm_write": False,
        "perm_create": False,
        "perm_delete": False,
    }


def _access(model, *more):
    may = {"read", *more}
    return {
        "model": model,
        **{f"perm_{what}": what in may for what in ("read", "write", "create", "delete")},
    }


def _piece(office):
    (unit,) = office.find("product.uom", ["symbol", "=", "u"])
    category = office.read("product.uom", unit, "category")["category"]
    return office.create(
        "product.uom",
        name="Piece",
        symbol="pcs",
        category=category,
        factor=1.0,
        rate=1.0,
        digits=0,
        rounding=1.0,
    )


def _places(office):
    (warehouse,) = office.find("stock.location", ["type", "=", "warehouse"])
    office.do("stock.location.write", [warehouse], {"code": "MAIN", "name": "Main"})
    office.create(
        "stock.location",
        name="Annexe",
        code="ANNEX",
        type="warehouse",
        **{
            zone: office.create("stock.location", name=f"Annexe {zone}", type="storage")
            for zone in ("input_location", "output_location", "storage_location")
        },
        production_location=office.create(
            "stock.location", name="Annexe production", type="production"
        ),
    )


def _product(office, piece, code, name, cost, **more):
    template = office.create(
        "product.template",
        name=name,
        type="goods",
        default_uom=piece,
        purchase_uom=piece,
        purchasable=True,
        products=[["create", [{"suffix_code": code, "cost_price": Decimal(cost)}]]],
        **more,
    )
    (product,) = office.find("product.product", ["template", "=", template])
    return product


def _tax(office, company, bearing):
    """Let what is bought be taxed, as an accountant sets it up."""
    kind = office.create(
        "account.account.type", name="Taxes", statement="balance", company=company, assets=True
    )
    account = office.create("account.account", name="Input tax", type=kind, company=company)
    tax = office.create(
        "account.tax",
        name="VAT 19 %",
        description="VAT 19 %",
        type="percentage",
        rate=Decimal("0.19"),
        invoice_account=account,
        credit_note_account=account,
        company=company,
    )
    category = office.create(
        "product.category", name="Bought", accounting=True, supplier_taxes=[["add", [tax]]]
    )
    template = office.read("product.product", bearing, "template")["template"]
    office.do("product.template.write", [template], {"account_category": category})


def count_stock(office, product, quantity):
    """Let somebody count what lies in the main storage."""
    (storage,) = office.find("stock.location", ["code", "=", "STO"])
    inventory = office.create(
        "stock.inventory",
        location=storage,
        lines=[["create", [{"product": product, "quantity": float(quantity)}]]],
    )
    office.do("stock.inventory.confirm", [inventory])


def _released_purchase(office, vendor, bearing, piece, day):
    (address,) = office.find("party.address", ["party", "=", vendor])
    (main,) = office.find("stock.location", ["code", "=", "MAIN"])
    purchase = office.create(
        "purchase.purchase",
        party=vendor,
        invoice_address=address,
        warehouse=main,
        lines=[
            [
                "create",
                [
                    {
                        "product": bearing,
                        "unit": piece,
                        "quantity": 60.0,
                        "unit_price": Decimal("30.10"),
                        "delivery_date_edit": True,
                        "delivery_date_store": day,
                    }
                ],
            ]
        ],
    )
    office.do("purchase.purchase.quote", [purchase])
    office.do("purchase.purchase.confirm", [purchase])


def _production(office, bearing, pump, piece, starts):
    bom = office.create(
        "production.bom",
        name="Pump 50",
        inputs=[["create", [{"product": bearing, "quantity": 2.0, "unit": piece}]]],
        outputs=[["create", [{"product": pump, "quantity": 1.0, "unit": piece}]]],
    )
    office.do("product.product.write", [pump], {"boms": [["create", [{"bom": bom}]]]})
    (main,) = office.find("stock.location", ["code", "=", "MAIN"])
    (storage,) = office.find("stock.location", ["code", "=", "STO"])
    (floor,) = office.find("stock.location", ["code", "=", "PROD"])
    ends = starts + timedelta(days=2)
    taken = {
        "product": bearing,
        "quantity": 40.0,
        "unit": piece,
        "from_location": storage,
        "to_location": floor,
        "planned_date": starts,
    }
    given = {
        "product": pump,
        "quantity": 20.0,
        "unit": piece,
        "from_location": floor,
        "to_location": storage,
        "planned_date": ends,
        "unit_price": Decimal("60.20"),
        "currency": office.find("currency.currency", ["code", "=", "EUR"])[0],
    }
    production = office.create(
        "production",
        type="assembly",
        product=pump,
        bom=bom,
        quantity=20.0,
        unit=piece,
        warehouse=main,
        location=floor,
        planned_start_date=starts,
        planned_date=ends,
        inputs=[["create", [taken]]],
        outputs=[["create", [given]]],
    )
    office.do("production.wait", [production])
