"""The options of download statistics, and of what a selection makes of them; the part of the table they are."""

from __future__ import annotations

from bandersnatch.config.option import Kind, Option

USAGE_OPTIONS = (
    Option(
        "usage", "unused-for", Kind.DURATION, "0s",
        "Projects that nobody downloaded anything of for so long are not wanted, if the mirror has had them for so "
        "long and the statistics go back so far. 0s: however long.",
        "180d",
    ),
    Option(
        "usage", "share", Kind.RATIO, "",
        "Only the most used projects, as many as it takes to answer this share of all downloads. Empty: all.",
        "99%",
    ),
    Option(
        "usage", "share-over", Kind.DURATION, "90d",
        "Over how long the downloads are counted for share. Projects that the mirror has not had so long stay.",
        "30d", minimum=86400,
    ),
    Option(
        "usage", "exempt", Kind.WHOLE_PROJECT, (),
        "Projects that are mirrored whether they are used or not; the same forms as select.index-only.",
        ("our-*", "setuptools"),
    ),
)  # fmt: skip
"""Every option of what is used."""

STATISTICS_OPTIONS = (
    Option(
        "statistics", "logs", Kind.FILE, (),
        "The access logs of the web server, for update-stats; with *, ? or [ in it, all files that match. Include "
        "rotated ones, compressed or not: what was read is not read again.",
        ("/var/log/nginx/access.log*",),
    ),
    Option(
        "statistics", "format", Kind.TEXT, "auto",
        "How they are written: auto (combined, common or JSON), combined, common, json, or what log_format (nginx) or "
        "LogFormat (Apache) says.",
        '$remote_addr [$time_local] "$request" $status $body_bytes_sent "$http_range" "$http_user_agent"',
    ),
    Option(
        "statistics", "timezone", Kind.TEXT, "UTC",
        "Whose days are counted: a name of the time zone database.",
        "Europe/Berlin",
    ),
    Option(
        "statistics", "keep", Kind.DURATION, "400d",
        "How long the details of a day are kept in state/. The days' files in web/local-stats/ stay. 0s: for ever.",
        "90d",
    ),
    Option(
        "statistics", "bots", Kind.SWITCH, False,
        "Count what crawlers and monitors download as well.",
        True,
    ),
    Option(
        "statistics", "header", Kind.SWITCH, False,
        "Begin the days' files with the header of PEP 381, which the tools that wrote such files left out.",
        True,
    ),
    Option(
        "statistics", "page", Kind.SWITCH, True,
        "Write web/local-stats/index.html, a page of charts that any web server can show.",
        False,
    ),
)  # fmt: skip
"""Every option of statistics."""
