"""`python -m musterwerk.shop.services.payment --fd N --data DIR`."""

from __future__ import annotations

from musterwerk.shop.services.app import create_app
from musterwerk.shop.services.payment import api
from musterwerk.shop.services.process import fault_plan, run, service_parser


def main() -> None:
    options = service_parser("payment").parse_args()
    run(create_app(api.create(options.data), fault_plan(options)), options.fd)


if __name__ == "__main__":
    main()
