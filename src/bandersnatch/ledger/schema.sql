-- The ledger of downloads. Days are numbers: date.toordinal() of Python.
CREATE TABLE place (
    id INTEGER PRIMARY KEY,
    position INTEGER NOT NULL, head_length INTEGER NOT NULL, head TEXT NOT NULL,
    tail_length INTEGER NOT NULL, tail TEXT NOT NULL,
    device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL, changed INTEGER NOT NULL,
    seen INTEGER NOT NULL
);
CREATE TABLE file (id INTEGER PRIMARY KEY, filename TEXT NOT NULL, project TEXT NOT NULL, UNIQUE (filename, project));
CREATE TABLE agent (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE count (
    day INTEGER NOT NULL, file INTEGER NOT NULL REFERENCES file, agent INTEGER NOT NULL REFERENCES agent,
    number INTEGER NOT NULL, PRIMARY KEY (day, file, agent)
) WITHOUT ROWID;
-- written: what the day's file holds: no, running or whole.
CREATE TABLE day (day INTEGER PRIMARY KEY, lines INTEGER NOT NULL, written TEXT NOT NULL);
-- Which projects the mirror offers, and the first day on which that was seen. Rows stay when a project leaves.
CREATE TABLE offered (project TEXT NOT NULL PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID;
-- The last day on which that was looked at: one row, or none.
CREATE TABLE looked (one INTEGER PRIMARY KEY CHECK (one = 1), day INTEGER NOT NULL);
-- The last day whose counts were forgotten: one row, or none.
CREATE TABLE closed (one INTEGER PRIMARY KEY CHECK (one = 1), day INTEGER NOT NULL);
