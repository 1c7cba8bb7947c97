"""Erasing the conversation, refusing that moderators read it, and saying who reads what."""

from __future__ import annotations

from actions.base import Turn, WegwijzerAction, renderer


class ActionAskPrivacy(WegwijzerAction):
    """Who reads this, what is kept."""

    NAME = "action_ask_privacy"

    def take(self, turn: Turn) -> None:
        options = [renderer().button("erase", "delete_data")]
        if not turn.slot("review_refused"):
            options.append(renderer().button("refuse_review", "refuse_review"))
        turn.say("ask_privacy", options=options)
        turn.set(disclosed=True)


class ActionRefuseReview(WegwijzerAction):
    """No moderator reads this conversation."""

    NAME = "action_refuse_review"

    def take(self, turn: Turn) -> None:
        turn.say("refuse_review_done")
        turn.set(review_refused=True)


class ActionEraseAsk(WegwijzerAction):
    """Asks once before everything is gone."""

    NAME = "action_erase_ask"

    def take(self, turn: Turn) -> None:
        # "Ja, wis alles" in words asks for the same once more; a button or command that is tapped twice does not confirm itself.
        if turn.offered == "erase" and turn.facets:
            erase(turn)
            return
        turn.say("delete_confirm", options=[renderer().button("erase_yes", "erase_yes"), renderer().button("erase_no", "erase_no")])
        turn.set(offer="erase")


class ActionEraseCancelled(WegwijzerAction):
    """Nothing is erased."""

    NAME = "action_erase_cancelled"

    def take(self, turn: Turn) -> None:
        turn.say("delete_cancelled")


class ActionErase(WegwijzerAction):
    """Everything is forgotten."""

    NAME = "action_erase"

    def take(self, turn: Turn) -> None:
        erase(turn)


def erase(turn: Turn) -> None:
    """Forget everything. The last message is marked ``erased``, on which the host removes the stored conversation."""
    messages = renderer().say("delete_done")
    messages[-1]["type"] = "erased"
    turn.send(messages)
    turn.forgotten = True
