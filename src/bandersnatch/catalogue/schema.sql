-- The catalogue's tables, version 5. A change here needs a step in opening.py's MIGRATIONS and a higher VERSION.

-- What is looked at often, one small row for each project; narrow columns first, since SQLite reads rows from the left.
CREATE TABLE project (
    name          TEXT    NOT NULL PRIMARY KEY,  -- normalised
    due           REAL,                          -- when to try next; NULL: nothing to do
    tries         INTEGER NOT NULL DEFAULT 0,    -- failed since the last success; more than 0: behind
    promised      INTEGER,
    serial        INTEGER,
    published     INTEGER NOT NULL DEFAULT 0,
    indexed       INTEGER NOT NULL DEFAULT 0,
    departing     INTEGER NOT NULL DEFAULT 0,
    files         INTEGER NOT NULL DEFAULT 0,
    bytes         INTEGER NOT NULL DEFAULT 0,
    missing_since REAL,
    since         REAL,                          -- when it fell behind
    display       TEXT    NOT NULL,
    selection     TEXT    NOT NULL DEFAULT '',
    etag          TEXT,
    last_modified TEXT,
    digest        TEXT    NOT NULL DEFAULT '',
    page          INTEGER,                       -- page.id of what the page is made of; NULL: none is published
    reason        TEXT,                          -- why the last try failed
    wanted        INTEGER NOT NULL DEFAULT 1,    -- whether the selection wants anything of it
    review        REAL,                          -- when the selection's answer changes by itself
    suspect       INTEGER NOT NULL DEFAULT 0,    -- whether damage was found in what is stored of it
    losing        INTEGER NOT NULL DEFAULT 0     -- files that were to leave, and were held back
) WITHOUT ROWID;

-- Partial, so that what is in order costs nothing: a page of work is one short range, also when a million wait.
CREATE INDEX project_due ON project (name, due) WHERE due IS NOT NULL;
CREATE INDEX project_behind ON project (name) WHERE tries > 0;
CREATE INDEX project_departing ON project (name) WHERE departing = 1;
CREATE INDEX project_review ON project (review) WHERE review IS NOT NULL;

-- What only the project's own next page needs (see records.py). New content is a new row at the end and the old row
-- goes: one that grew in its place, among full neighbours, would have three of them written anew.
CREATE TABLE page (
    id      INTEGER NOT NULL PRIMARY KEY,
    content BLOB    NOT NULL
);

CREATE TRIGGER page_replaced AFTER UPDATE OF page ON project
WHEN old.page IS NOT new.page
BEGIN
    DELETE FROM page WHERE id = old.page;
END;

CREATE TRIGGER page_dropped AFTER DELETE ON project
BEGIN
    DELETE FROM page WHERE id = old.page;
END;

-- Keys that no page links any longer.
CREATE TABLE leaving (
    key     TEXT    NOT NULL PRIMARY KEY,
    since   REAL    NOT NULL,
    project TEXT    NOT NULL DEFAULT '',
    reason  TEXT    NOT NULL DEFAULT '',
    hidden  INTEGER NOT NULL DEFAULT 0          -- whether its bytes are to be kept apart for long
) WITHOUT ROWID;

-- Keys whose bytes are in the trash.
CREATE TABLE trash (
    key     TEXT NOT NULL PRIMARY KEY,
    project TEXT NOT NULL,
    reason  TEXT NOT NULL,
    since   REAL NOT NULL,
    until   REAL NOT NULL
) WITHOUT ROWID;

-- Keys of files on the page of a project whose name they do not bear: another project may link them as well.
CREATE TABLE guest (
    key     TEXT NOT NULL,
    project TEXT NOT NULL,
    PRIMARY KEY (key, project)
) WITHOUT ROWID;

-- Keys, as a JSON list, that become visible before their project's commit: what a run leaves here was cut off.
CREATE TABLE arriving (
    project TEXT NOT NULL PRIMARY KEY,
    keys    TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE fact (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE run (
    started  REAL NOT NULL PRIMARY KEY,
    finished REAL,
    outcome  TEXT NOT NULL,
    serial   INTEGER
) WITHOUT ROWID;

-- The published list of projects is stale as soon as one of its lines is, whichever statement changed it.
CREATE TRIGGER index_gains AFTER INSERT ON project
WHEN new.indexed
BEGIN
    INSERT INTO fact VALUES ('index-stale', '1') ON CONFLICT (name) DO NOTHING;
END;

CREATE TRIGGER index_changes AFTER UPDATE OF display, serial, indexed ON project
WHEN (old.indexed OR new.indexed)
    AND (old.display, old.serial, old.indexed) IS NOT (new.display, new.serial, new.indexed)
BEGIN
    INSERT INTO fact VALUES ('index-stale', '1') ON CONFLICT (name) DO NOTHING;
END;

CREATE TRIGGER index_loses AFTER DELETE ON project
WHEN old.indexed
BEGIN
    INSERT INTO fact VALUES ('index-stale', '1') ON CONFLICT (name) DO NOTHING;
END;
