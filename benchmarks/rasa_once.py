"""Trains one of Rasa's own pipelines on labelled texts and prints what it makes of others; run by the Python of an environment with Rasa.

Reads a JSON object from the file named: ``pipeline`` (as in ``config.yml``), ``train`` (pairs of text and label), ``read`` (texts). Prints
one line of JSON: ``seconds`` of training (with Rasa's reading of the file), ``bytes`` of the model, ``chances`` (for each text a
probability by label).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Train and read."""
    from rasa.core.agent import Agent
    from rasa.model_training import train_nlu

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        by_label: dict[str, list[dict[str, str]]] = {}
        for text, label in task["train"]:
            by_label.setdefault(label, []).append({"text": text})
        data = {"version": "3.1", "nlu": [{"intent": label, "examples": texts} for label, texts in by_label.items()]}
        (folder / "nlu.yml").write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
        config = {"recipe": "default.v1", "assistant_id": "compared", "language": "nl", "pipeline": task["pipeline"]}
        (folder / "config.yml").write_text(json.dumps(config), encoding="utf-8")
        started = time.perf_counter()
        model = train_nlu(str(folder / "config.yml"), str(folder / "nlu.yml"), str(folder))
        seconds = time.perf_counter() - started
        assert model is not None
        agent = Agent.load(model)
        return {
            "seconds": seconds,
            "bytes": Path(model).stat().st_size,
            "chances": asyncio.run(_read(agent, task["read"])),
        }


async def _read(agent: Any, texts: list[str]) -> list[dict[str, float]]:
    parsed = [await agent.parse_message(text) for text in texts]
    return [{row["name"]: float(row["confidence"]) for row in item["intent_ranking"]} for item in parsed]


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):  # Rasa prints its progress
        answer = run(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    print(json.dumps(answer))
