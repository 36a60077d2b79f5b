"""What a web server's access log says of downloads: a line becomes a request, and a rule says whether it counts.

Pure: no file is opened here. A client's address is never kept: of it remains a number that means nothing outside of
this process.
"""
