"""`python -m musterwerk.shop.services.inventory --fd N --data DIR [--stock FILE]`."""

from __future__ import annotations

from pathlib import Path

from musterwerk.errors import UsageError
from musterwerk.shop.services.app import create_app
from musterwerk.shop.services.inventory import api, books
from musterwerk.shop.services.process import add_broken_refunds, fault_plan, run, service_parser


def main() -> None:
    parser = service_parser("inventory")
    parser.add_argument("--stock", type=Path, help="JSON {sku: units} for a new warehouse")
    add_broken_refunds(parser)
    options = parser.parse_args()
    try:
        stock = books.read_stock(options.stock) if options.stock else {}
    except UsageError as error:
        parser.error(str(error))
    plan = fault_plan(options, spared=options.broken_refunds)
    run(create_app(api.create(options.data, stock), plan), options.fd)


if __name__ == "__main__":
    main()
