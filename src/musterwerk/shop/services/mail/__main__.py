"""`python -m musterwerk.shop.services.mail --fd N --data DIR --smtp HOST:PORT`."""

from __future__ import annotations

import argparse

from musterwerk.shop.services.app import create_app
from musterwerk.shop.services.mail import api
from musterwerk.shop.services.mail.postman import Postman
from musterwerk.shop.services.process import fault_plan, run, service_parser


def main() -> None:
    parser = service_parser("mail")
    parser.add_argument("--smtp", type=_postman, required=True, metavar="HOST:PORT")
    options = parser.parse_args()
    run(create_app(api.create(options.data, options.smtp), fault_plan(options)), options.fd)


def _postman(text: str) -> Postman:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not HOST:PORT")
    return Postman(host, int(port))


if __name__ == "__main__":
    main()
