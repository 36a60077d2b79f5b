-- Sums over all projects, kept up to date by triggers: to count a million rows would cost what a whole run may.
CREATE TABLE total (
    id       INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    projects INTEGER NOT NULL,                   -- published
    files    INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    listed   INTEGER NOT NULL,                   -- indexed and wanted
    missable INTEGER NOT NULL                    -- published and wanted
);

INSERT INTO total
SELECT 1, count(*) FILTER (WHERE published), coalesce(sum(files), 0), coalesce(sum(bytes), 0),
       count(*) FILTER (WHERE indexed AND wanted), count(*) FILTER (WHERE published AND wanted)
FROM project;

CREATE TRIGGER total_gains AFTER INSERT ON project
WHEN new.published OR new.files OR new.indexed
BEGIN
    UPDATE total SET
        projects = projects + new.published, files = files + new.files, bytes = bytes + new.bytes,
        listed = listed + (new.indexed AND new.wanted), missable = missable + (new.published AND new.wanted);
END;

CREATE TRIGGER total_changes AFTER UPDATE OF published, files, bytes, indexed, wanted ON project
WHEN (old.published, old.files, old.bytes, old.indexed, old.wanted)
    IS NOT (new.published, new.files, new.bytes, new.indexed, new.wanted)
BEGIN
    UPDATE total SET
        projects = projects + new.published - old.published,
        files = files + new.files - old.files,
        bytes = bytes + new.bytes - old.bytes,
        listed = listed + (new.indexed AND new.wanted) - (old.indexed AND old.wanted),
        missable = missable + (new.published AND new.wanted) - (old.published AND old.wanted);
END;

CREATE TRIGGER total_loses AFTER DELETE ON project
WHEN old.published OR old.files OR old.indexed
BEGIN
    UPDATE total SET
        projects = projects - old.published, files = files - old.files, bytes = bytes - old.bytes,
        listed = listed - (old.indexed AND old.wanted), missable = missable - (old.published AND old.wanted);
END;

-- Small as long as all is well: what upstream's list lacks, and what nothing is published of.
CREATE INDEX project_missing ON project (name) WHERE missing_since IS NOT NULL;
