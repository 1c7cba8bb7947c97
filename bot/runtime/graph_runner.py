"""Runs a graph of Rasa in the order of its edges, without a scheduler.

Rasa hands each of the three graph runs of a turn to dask, which builds and walks a task graph of its own for a chain of a few steps. The
order never changes for the same targets, so it is worked out once.
"""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphNode, GraphNodeHook, GraphSchema
from rasa.engine.runner.interface import GraphRunner
from rasa.engine.storage.storage import ModelStorage


class DirectGraphRunner(GraphRunner):
    """Calls each node after the nodes that it needs; same results as Rasa's ``DaskGraphRunner``."""

    def __init__(self, schema: GraphSchema, nodes: dict[str, GraphNode]) -> None:
        self._schema = schema
        self._nodes = nodes
        self._orders: dict[tuple[str, ...], list[tuple[str, tuple[str, ...]]]] = {}

    @classmethod
    def create(
        cls,
        graph_schema: GraphSchema,
        model_storage: ModelStorage,
        execution_context: ExecutionContext,
        hooks: list[GraphNodeHook] | None = None,
    ) -> DirectGraphRunner:
        """Make the components of all nodes."""
        return cls(
            graph_schema,
            {
                name: GraphNode.from_schema_node(name, node, model_storage, execution_context, hooks)
                for name, node in graph_schema.nodes.items()
            },
        )

    def run(self, inputs: dict[str, Any] | None = None, targets: list[str] | None = None) -> dict[str, Any]:
        """Results of the targets, by their names.

        Args:
            inputs: values that nodes may need by these names.
            targets: the nodes that are wanted; all targets of the graph if none are given.
        """
        wanted = tuple(targets or self._schema.target_names)
        results: dict[str, tuple[str, Any]] = {name: (name, value) for name, value in (inputs or {}).items()}
        for name, needs in self._order(wanted):
            # A name without a result is handed over as it is, as dask does: the node then says which input is missing.
            results[name] = self._nodes[name](*(results.get(need, need) for need in needs))
        return dict(results[name] for name in wanted)

    def _order(self, targets: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
        """The nodes that the targets need, each after those that it needs itself."""
        if targets not in self._orders:
            order: dict[str, tuple[str, ...]] = {}

            def visit(name: str) -> None:
                node = self._schema.nodes.get(name)
                if node is None or name in order:
                    return
                needs = tuple(node.needs.values())
                for need in needs:
                    visit(need)
                order[name] = needs

            for target in targets:
                visit(target)
            self._orders[targets] = list(order.items())
        return self._orders[targets]
