"""One message as bytes: an address (`mailbox`), header fields and MIME parts (`mime`), a signature (`dkim`).

What the letter says belongs to `bot.core.letter`, how the bytes travel to `bot.mail.transport`.
"""
