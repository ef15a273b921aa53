"""Gift cards: money that was paid before, for whoever bears the code.

The code is shown when the card is issued and to a bearer who sends it, and is stored nowhere.
A card pays any number of orders, each once; a refund goes back to it in every status.

| card | pays | how it comes about |
| --- | --- | --- |
| ``active`` | yes | issued, or unblocked |
| ``blocked`` | no | set; it can be made ``active`` again |
| ``deactivated`` | no | set; final |
| ``depleted`` | no | an active card with nothing left; a refund makes it ``active`` |
| ``expired`` | no | an active card after its ``expires_at`` |

Every call shows what the last one did; none lags.
"""
