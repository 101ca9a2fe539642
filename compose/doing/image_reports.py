"""What is told of images while they are got."""

from typing import TYPE_CHECKING

from compose.deciding.steps import MakeImage
from compose.doing.reports import Progress, Report, resource
from compose.times import size_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.registries.terms import LayerNews


def layer_reports(progress: Progress) -> "Callable[[LayerNews], None]":
    """Shows what happens to layers; how far a download is only where the line is repainted."""
    told: dict[str, str] = {}

    def report(news: "LayerNews") -> None:
        live = progress.tick_seconds is not None and news.bytes_all
        if not live and told.get(news.layer) == news.word:
            return
        told[news.layer] = news.word
        detail = f"{size_text(news.bytes_here)} of {size_text(news.bytes_all)}" if live else ""
        progress.report(Report(f"Layer {news.layer}", news.word, detail, over=news.over))

    return report


def image_report(action: MakeImage, *, over: bool) -> Report:
    """News of an image: its making begins, or is over."""
    words = ("Building", "Built") if action.builder else ("Pulling", "Pulled") if action.pull else ("Making", "Made")
    return Report(resource(action), words[over], over=over)
