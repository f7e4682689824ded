"""What MkDocs does not do by itself: pages from cards, the navigation, formulas as MathML (no script, no network)."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # MkDocs loads a hook as a lone file

from generated import pages
from latex2mathml.converter import convert
from mkdocs.structure.files import File

REPOSITORY = Path(__file__).parents[2]
SECTIONS = {
    "Use": [
        "concepts.md",
        "own-data.md",
        "datasets.md",
        "weights.md",
        "published.md",
        "cluster.md",
        "profiling.md",
        "performance.md",
        "faq.md",
    ],
    "Results": [
        "tables.md",
        "statistics.md",
        "figures.md",
        "report.md",
        "downstream.md",
        "reproduce.md",
        "bundle.md",
    ],
    "Extend": ["plugins.md", "commands.md", "architecture.md"],
}
CODE = re.compile(r"(^```.*?^```|`[^`\n]+`)", re.DOTALL | re.MULTILINE)
MARK = "formula{}formula"
MATH = re.compile(r"\$\$(.+?)\$\$|(?<![\\$\w])\$(?=\S)([^$]+?)(?<=\S)\$(?!\d)", re.DOTALL)


def on_config(config: Any) -> Any:
    made = pages(REPOSITORY)

    def under(folder: str) -> list[str]:
        return sorted(name for name in made if name.startswith(f"{folder}/"))

    config.nav = [
        {"Start": "index.md"},
        *({title: list(names)} for title, names in SECTIONS.items()),
        {"Methods": under("methods")},
        {"Data sets": under("data")},
        {"Metrics": ["metrics.md", "calibration.md", *under("metrics")]},
    ]
    return config


def on_files(files: Any, config: Any) -> Any:
    for name, text in pages(REPOSITORY).items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put marks in the place of formulas: Markdown takes MathML in a line for a block, and TeX for emphasis."""
    page.formulas = []

    def mark(match: re.Match[str]) -> str:
        block = match[1] is not None
        page.formulas.append(convert((match[1] or match[2]).strip(), display="block" if block else "inline"))
        text = MARK.format(len(page.formulas) - 1)
        return f"\n\n{text}\n\n" if block else text

    parts = CODE.split(markdown)
    return "".join(part if i % 2 else MATH.sub(mark, part) for i, part in enumerate(parts))


def on_page_content(html: str, page: Any, **_: Any) -> str:
    for number, formula in enumerate(page.formulas):
        html = html.replace(MARK.format(number), formula)
    return html
