"""`python -m musterwerk.shop.services.shipping --fd N --data DIR`."""

from __future__ import annotations

from musterwerk.shop.services.app import create_app
from musterwerk.shop.services.process import fault_plan, run, service_parser
from musterwerk.shop.services.shipping import api


def main() -> None:
    options = service_parser("shipping").parse_args()
    run(create_app(api.create(options.data), fault_plan(options)), options.fd)


if __name__ == "__main__":
    main()
