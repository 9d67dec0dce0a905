"""What the console's start imports: its first paint waits for all of it."""

from __future__ import annotations

import subprocess
import sys

NOT_BEFORE_THE_FRAME = (
    *("pydantic", "httpx", "yaml", "starlette", "wasmtime", "json"),
    *("gaesup_tui.domain.commands", "gaesup_tui.domain.views", "gaesup_tui.service.client"),
    *("gaesup_tui.console.now", "gaesup_tui.console.router", "gaesup_widgets.confirm"),
)
NEVER = ("pydantic", "httpx", "starlette", "wasmtime", "gaesup_tui.engine", "gaesup_tui.cli")


def loaded_after(code: str) -> set[str]:
    program = f"{code}\nimport sys; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_frame_waits_for_no_model_no_client_and_no_page() -> None:
    assert not loaded_after("import gaesup_tui.console.app") & set(NOT_BEFORE_THE_FRAME)


def test_no_page_and_no_dialog_needs_the_models_or_the_engine() -> None:
    names = "now deployments deployment rollout activity logs stop deeds asking output palette"
    code = "\n".join(f"import gaesup_tui.console.{name}" for name in names.split())
    assert not loaded_after(code) & set(NEVER)
