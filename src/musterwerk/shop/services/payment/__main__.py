"""`python -m musterwerk.shop.services.payment --fd N --data DIR`."""

from __future__ import annotations

from musterwerk.shop.services.app import create_app
from musterwerk.shop.services.payment import api
from musterwerk.shop.services.process import add_broken_refunds, fault_plan, run, service_parser


def main() -> None:
    parser = service_parser("payment")
    add_broken_refunds(parser)
    options = parser.parse_args()
    plan = fault_plan(options, spared=options.broken_refunds)
    run(create_app(api.create(options.data, options.broken_refunds), plan), options.fd)


if __name__ == "__main__":
    main()
