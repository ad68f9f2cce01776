"""A message's parts put together, once as plain text and once as HTML."""

from __future__ import annotations

from dataclasses import dataclass

from musterwerk.approvals.notices.rendering import escaped
from musterwerk.notify import Language

_PAGE = "font-family: sans-serif; font-size: 15px; line-height: 1.45; color: #1a1a1a"
_BOX = (
    "white-space: pre-wrap; overflow-wrap: anywhere; background: #f4f4f2; padding: 10px; margin: 0"
)


@dataclass(frozen=True)
class Content:
    """`said` and `details` have a label and lines, and are left out without lines.

    `steps` are labels and commands.
    """

    language: Language
    subject: str
    hello: str
    opening: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    said: tuple[str, tuple[str, ...]]
    details: tuple[str, tuple[str, ...]]
    steps: tuple[tuple[str, str], ...]
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
    parts += [
        f"<p>{escaped(label)}<br><code>{escaped(command)}</code></p>"
        for label, command in content.steps
    ]
    parts.append(f'<p style="color: #666; font-size: 13px">{escaped(content.footer)}</p>')
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="{content.language}">\n<head><meta charset="utf-8">'
        f"<title>{escaped(content.subject)}</title></head>\n"
        f'<body style="{_PAGE}">\n{body}\n</body>\n</html>\n'
    )


def _box(label: str, lines: tuple[str, ...]) -> list[str]:
    if not lines:
        return []
    return [f"<p>{escaped(label)}</p>", f'<pre style="{_BOX}">{escaped(chr(10).join(lines))}</pre>']
