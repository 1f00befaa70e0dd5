#!/usr/bin/env python3
"""Writes docs/cli.md and docs/errors.md from api/*.yaml, or checks that they are current: docs.py {write|check}."""
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = {"cli.md": ("gen_options.py", "options.yaml"), "errors.md": ("gen_errors.py", "errors.yaml")}


def generate(page):
    generator, source = PAGES[page]
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as file:
        subprocess.run([sys.executable, ROOT / "tools" / generator, "docs", ROOT / "api" / source, file.name], check=True)
        return file.read()


def main():
    stale = []
    for page in PAGES:
        path, text = ROOT / "docs" / page, generate(page)
        if sys.argv[1] == "write":
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(page)
    if stale:
        sys.exit(f"docs: {', '.join(stale)}: not current; run `make docs`")


if __name__ == "__main__":
    main()
