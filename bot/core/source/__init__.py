"""What a source asks for and gets back (`document`), and how it is doing (`health`)."""
