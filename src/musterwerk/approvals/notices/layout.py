"""A message's parts put together, once as plain text and once as HTML."""

from __future__ import annotations

from dataclasses import dataclass

from musterwerk.approvals.notices.rendering import escaped
from musterwerk.notify import Language

_PAGE = "font-family: sans-serif; font-size: 15px; line-height: 1.45; color: #1a1a1a"
_BOX = (
    "white-space: pre-wrap; overflow-wrap: anywhere; background: #f4f4f2; padding: 10px; margin: 0"
)
_SMALL = "color: #666; font-size: 13px"
_BUTTON = (
    "display: inline-block; background: #1f5fbf; color: #ffffff; padding: 10px 18px; "
    "text-decoration: none; border-radius: 6px"
)


@dataclass(frozen=True)
class Link:
    """A personal one: what to do with it, what is on its button, where it leads, what to mind."""

    label: str
    button: str
    address: str
    warning: str


@dataclass(frozen=True)
class Content:
    """`said` and `details` have a label and lines, and are left out without lines.

    `steps` are labels and commands, or addresses that begin with http.
    """

    language: Language
    subject: str
    hello: str
    opening: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    said: tuple[str, tuple[str, ...]]
    details: tuple[str, tuple[str, ...]]
    steps: tuple[tuple[str, str], ...]
    link: Link | None
    footer: str


def as_text(content: Content) -> str:
    width = max(len(label) for label, _ in content.facts) + 2
    facts = "\n".join(f"{label + ':':<{width}} {value}" for label, value in content.facts)
    parts = [content.hello, "\n".join(content.opening)]
    label, lines = content.said
    if lines:
        parts += [label, "\n".join(f"> {line}" for line in lines)]
    parts.append(facts)
    label, lines = content.details
    if lines:
        parts += [label, "\n".join(f"  {line}" for line in lines)]
    if (link := content.link) is not None:
        # At the margin, where nothing that others wrote begins.
        parts += [link.label, link.address, link.warning]
    if content.steps:
        parts.append("\n".join(f"{label}\n  {command}" for label, command in content.steps))
    return "\n\n".join([*parts, f"-- \n{content.footer}"]) + "\n"


def as_html(content: Content) -> str:
    """Every text in it is escaped here."""
    parts = [f"<p>{escaped(content.hello)}</p>"]
    parts += [f"<p>{escaped(line)}</p>" for line in content.opening]
    parts += _box(*content.said)
    rows = "".join(
        f'<tr><td style="padding: 2px 16px 2px 0; color: #666">{escaped(label)}</td>'
        f'<td style="overflow-wrap: anywhere"><strong>{escaped(value)}</strong></td></tr>'
        for label, value in content.facts
    )
    parts.append(f'<table style="{_PAGE}; border-collapse: collapse">{rows}</table>')
    parts += _box(*content.details)
    if (link := content.link) is not None:
        parts += _link(link)
    parts += [f"<p>{escaped(label)}<br>{_command(command)}</p>" for label, command in content.steps]
    parts.append(f'<p style="{_SMALL}">{escaped(content.footer)}</p>')
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="{content.language}">\n<head><meta charset="utf-8">'
        f"<title>{escaped(content.subject)}</title></head>\n"
        f'<body style="{_PAGE}">\n{body}\n</body>\n</html>\n'
    )


def _link(link: Link) -> list[str]:
    address = escaped(link.address)
    return [
        f"<p>{escaped(link.label)}</p>",
        f'<p><a href="{address}" style="{_BUTTON}">{escaped(link.button)}</a></p>',
        f'<p style="{_SMALL}; overflow-wrap: anywhere">{address}<br>{escaped(link.warning)}</p>',
    ]


def _command(command: str) -> str:
    shown = escaped(command)
    if command.startswith(("https://", "http://")):
        return f'<a href="{shown}">{shown}</a>'
    return f"<code>{shown}</code>"


def _box(label: str, lines: tuple[str, ...]) -> list[str]:
    if not lines:
        return []
    return [f"<p>{escaped(label)}</p>", f'<pre style="{_BOX}">{escaped(chr(10).join(lines))}</pre>']
