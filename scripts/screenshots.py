"""Pictures of the real program on the live demo, for ``screenshots/``.

``python scripts/screenshots.py`` starts the demo in a home of its own, drives the real console
through its pages at 80x24 and 120x40, and ends what it started. SVG always; PNG where cairosvg
(``pip install cairosvg``, needs libcairo) or rsvg-convert is there.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
OUT = ROOT / "screenshots"
SIZES = ((80, 24), (120, 40))
_DEMO = "import sys; from gaesup_tui.cli.main import main; sys.exit(main())"
# The picture of a terminal is drawn in a font that is there.
_FONT = "DejaVu Sans Mono, Fira Code, monospace"
_WAIT_S = 90.0


def demo(*words: str) -> None:
    """One call of ``gaesup demo``."""
    subprocess.run([sys.executable, "-c", _DEMO, "demo", *words], check=True, cwd=ROOT)


async def take(size: tuple[int, int]) -> None:
    """All pictures at one size."""
    from gaesup_tui.console.app import Console
    from gaesup_tui.console.options import Options
    from gaesup_tui.service import places

    found = places.find()
    options = Options(socket=found.socket, keymap=found.config / "keys.yaml", autostart=False)
    console = Console(options)
    async with console.run_test(size=size) as pilot:

        def text() -> str:
            strips = console.screen._compositor.render_strips()
            return "\n".join(strip.text for strip in strips)

        async def until(wanted: str | Callable[[], bool]) -> None:
            give_up = asyncio.get_running_loop().time() + _WAIT_S
            while not (wanted() if callable(wanted) else wanted in text()):
                if asyncio.get_running_loop().time() > give_up:
                    raise SystemExit(f"{wanted!r} did not appear on\n{text()}")
                await pilot.pause(0.1)

        async def shot(name: str) -> None:
            await pilot.pause(0.6)
            save(f"{name}-{size[0]}x{size[1]}", console.export_screenshot(title="gaesup"))

        await until("waits for you")
        await shot("now")
        await pilot.press("2")
        await until("VERSION")
        await shot("deployments")
        await pilot.press("1", "enter")
        await until("Way back")
        await shot("rollout")
        await pilot.press("p")
        await until("[ Cancel ]")
        await shot("promote")
        await pilot.press("escape", "l")
        await until("following")
        await shot("logs")
        await pilot.press("q", "e")
        await until("WHAT AND WHY")
        await shot("events")
        await pilot.press("q", "exclamation_mark")
        await until("freeze")
        await shot("stop")
        await pilot.press("escape", "question_mark")
        await until("go back")
        await shot("help")


def save(name: str, svg: str) -> None:
    """Write one picture as SVG, and as PNG if something here can."""
    path = OUT / f"{name}.svg"
    svg = svg.replace("Fira Code", _FONT, 1) if "Fira Code" in svg else svg
    path.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", encoding="utf-8")
    made = to_png(path)
    print(f"{path.relative_to(ROOT)}{' and .png' if made else ''}", flush=True)


def to_png(path: Path) -> bool:
    """The PNG beside an SVG; False when nothing here makes one."""
    target = path.with_suffix(".png")
    # In a picture without web fonts the first family that exists is used.
    drawn = path.read_text(encoding="utf-8").replace("Fira Code", "DejaVu Sans Mono")
    try:
        import cairosvg
    except (ImportError, OSError):
        return False  # other tools drop the spaces a terminal's lines begin with
    cairosvg.svg2png(bytestring=drawn.encode(), write_to=str(target), output_width=1200)
    return True


def main() -> int:
    """Start the demo, take all pictures, end it."""
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gs-") as home:
        os.environ["GAESUP_HOME"] = home
        demo("--no-console")
        try:
            for size in SIZES:
                asyncio.run(take(size))
        finally:
            demo("--stop")
    if not any(OUT.glob("*.png")):
        print("no PNG: pip install cairosvg", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
