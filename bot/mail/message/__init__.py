"""One message as bytes: headers, MIME, encodings, DKIM."""
