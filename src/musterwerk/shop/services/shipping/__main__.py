"""`python -m musterwerk.shop.services.shipping --fd N --data DIR`."""

from __future__ import annotations

from musterwerk.shop.services.app import create_app
from musterwerk.shop.services.process import add_broken_refunds, fault_plan, run, service_parser
from musterwerk.shop.services.shipping import api


def main() -> None:
    parser = service_parser("shipping")
    add_broken_refunds(parser)
    options = parser.parse_args()
    made = api.create(options.data, refused=options.broken_refunds)
    run(create_app(made, fault_plan(options)), options.fd)


if __name__ == "__main__":
    main()
