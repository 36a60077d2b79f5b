"""Download statistics: from the logs of a web server to the ledger, the files of days, and what people see of them."""
