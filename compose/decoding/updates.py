"""Decodes how a service's replicas are replaced by new ones."""

from collections.abc import Mapping
from typing import Any

from compose import codes
from compose.decoding.findings import Findings
from compose.decoding.values import NOTHING, number, seconds, text
from compose.model import UpdatePolicy
from compose.nodes import Node

_ACTIONS = {"update_config": ("pause", "continue", "rollback"), "rollback_config": ("pause", "continue")}


def updates(fields: Mapping[str, Node], path: str, findings: Findings) -> dict[str, Any]:
    """Values for the fields of a `Service`."""
    deploy = fields.get("deploy", NOTHING).fields
    found = {
        key: _policy(deploy[key].fields, f"{path}.deploy.{key}", _ACTIONS[key], findings)
        for key in _ACTIONS
        if key in deploy and deploy[key].value is not None
    }
    return {"update": found.get("update_config"), "rollback": found.get("rollback_config")}


def _policy(fields: Mapping[str, Node], path: str, actions: tuple[str, ...], findings: Findings) -> UpdatePolicy:
    action: Any = text(fields, "failure_action") or "pause"
    if action not in actions:
        hint = f"use {', '.join(actions[:-1])} or {actions[-1]}"
        message = f"{path}.failure_action cannot be '{action}'"
        findings.hinder(fields["failure_action"], message, hint, codes.NO_SUCH_CHOICE)
    order: Any = text(fields, "order") or "stop-first"
    parallelism = number(fields, "parallelism")
    ratio = number(fields, "max_failure_ratio") or 0.0
    if not 0 <= ratio <= 1:
        hint = "write the share of replicas that may fail, such as 0.25"
        findings.hinder(
            fields["max_failure_ratio"], f"{path}.max_failure_ratio cannot be {ratio:g}", hint, codes.OUT_OF_RANGE
        )
    return UpdatePolicy(
        parallelism=1 if parallelism is None else max(0, int(parallelism)),
        delay_seconds=seconds(fields, "delay") or 0.0,
        failure_action=action if action in actions else "pause",
        monitor_seconds=seconds(fields, "monitor") or 0.0,
        max_failure_ratio=ratio,
        order=order,
    )
