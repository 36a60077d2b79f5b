-- What upstream's last list was made of (see slices.py): a row for each slice, small, and apart its projects' names.
CREATE TABLE slice (
    digest  BLOB    NOT NULL PRIMARY KEY,
    count   INTEGER NOT NULL,             -- lines
    highest INTEGER                       -- serial of a line; NULL: none has one
) WITHOUT ROWID;

CREATE TABLE slice_names (
    digest BLOB NOT NULL PRIMARY KEY,
    names  BLOB NOT NULL                  -- of the wanted projects, one a line, compressed
);

CREATE TRIGGER slice_forgotten AFTER DELETE ON slice
BEGIN
    DELETE FROM slice_names WHERE digest = old.digest;
END;

-- Projects whose rows may say something else than the last list left there: no slice vouches for them any more. Who
-- changes such a row says so; that one was deleted is noted here, whoever did it.
CREATE TABLE strayed (
    name   TEXT    NOT NULL PRIMARY KEY,
    listed INTEGER NOT NULL DEFAULT 1     -- whether a slice may name it; else the last list did not
) WITHOUT ROWID;

CREATE TRIGGER strays_lost AFTER DELETE ON project
WHEN EXISTS (SELECT 1 FROM slice)
BEGIN
    INSERT INTO strayed (name) VALUES (old.name) ON CONFLICT (name) DO NOTHING;
END;
