#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Asks for one page many times at once: opens all connections, then sends a request on each, then reads the answers.

    burst.py URL REQUESTS

Prints how many answers were 200 with the very same page, and the milliseconds from the first request to the last answer. Exit status 0 when all were.
"""
import resource
import socket
import sys
import time
import urllib.parse


class Visitor:
    def __init__(self, url):
        self.url = url
        self.connection = socket.create_connection((url.hostname, url.port), timeout=120)

    def ask(self):
        self.connection.sendall(f"GET {self.url.path} HTTP/1.1\r\nHost: {self.url.netloc}\r\nConnection: close\r\n\r\n".encode())

    def read(self):
        """All that comes; nothing when the server closed the connection before it read the question."""
        parts = []
        try:
            while part := self.connection.recv(65536):
                parts.append(part)
        except ConnectionResetError:
            return b""
        return b"".join(parts)

    def answer(self):
        """The page, or None where the answer is not 200. Asks once more where there was none: an idle connection may be closed at any time."""
        answer = self.read()
        if not answer:
            self.connection = socket.create_connection((self.url.hostname, self.url.port), timeout=120)
            self.ask()
            answer = self.read()
        head, _, page = answer.partition(b"\r\n\r\n")
        return page if head.split(b" ")[1:2] == [b"200"] else None


def main():
    url, requests = urllib.parse.urlsplit(sys.argv[1]), int(sys.argv[2])
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    visitors = [Visitor(url) for _ in range(requests)]
    begin = time.monotonic()
    for visitor in visitors:
        visitor.ask()
    pages = [visitor.answer() for visitor in visitors]
    elapsed = time.monotonic() - begin

    good = sum(page is not None and page == pages[0] for page in pages)
    print(good, round(elapsed * 1000))
    return 0 if good == requests else 1


if __name__ == "__main__":
    sys.exit(main())
