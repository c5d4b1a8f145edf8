"""Writes down every address that any Python process asks for or connects to, if it is not this machine's own.

For processes that have this folder on their path: the command, its workers, its kernels, the builder of the book.
"""

import os
import sys

LOCAL = ("127.", "::1", "localhost", "0.0.0.0")

if log := os.environ.get("SVD_TEST_ADDRESSES"):

    def listen(event: str, arguments: tuple) -> None:
        if event in ("socket.connect", "socket.sendto"):
            address = arguments[1]
            host = address[0] if isinstance(address, tuple) else ""  # anything else is a file: not a network
        elif event in ("socket.getaddrinfo", "socket.gethostbyname", "urllib.Request"):
            host = str(arguments[0]).removeprefix("file://")  # a file of this machine is no address
        else:
            return
        if host and not str(host).startswith((*LOCAL, os.sep)):
            with open(log, "a", encoding="utf-8") as stream:
                stream.write(f"{event} {host} {' '.join(sys.orig_argv)[:200]}\n")

    sys.addaudithook(listen)
