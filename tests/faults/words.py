"""What people read, in one place: the tests look for these, so a change of words is a change here."""
BUSY_MARK = "…"  # a message that begins so will change

HELP = "This is what you can type"
PIPELINES = "You can see"
LINKED = "You are connected to Heroku as *ada@example.com*"
CARD = "For this I need your Heroku account"
CARD_AGAIN = "Heroku no longer accepts the access that I had for you"
INTERNAL = "Something went wrong on my side"
RELEASED = "is released"
AWAY = "does not answer as it should"

NOT_STORED = "could not store this command"
SHED = "too many commands"

GOT_LOST = "Heroku's answer got lost"
ONCE_MORE = "I try once more"
TWICE = "Heroku answered neither of two tries"
NO_LOOK = "does not let me look"
SIGNED_OUT = "Your Heroku access ended before this promotion did"
WANTS_CODE = "Heroku wants a one-time code"
WRONG_CODE = "Heroku did not accept that one-time code"
NOTHING_LOCKED = "Nothing is locked by anybody"
STILL_TRYING = "has not answered yet"
