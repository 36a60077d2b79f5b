-- Every statement that the catalogue runs, by name; the line below the name says what it does.

-- name: get_fact
-- The value of one fact.
SELECT value FROM fact WHERE name = :name;

-- name: set_fact
-- Set one fact.
INSERT INTO fact VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: drop_fact
-- Remove one fact.
DELETE FROM fact WHERE name = :name;

-- name: want
-- Make a project known; one that was not is due.
INSERT INTO project (name, display, promised, due) VALUES (:name, :display, :serial, :now)
ON CONFLICT (name) DO NOTHING;

-- name: known_projects
-- What a change of the selection needs to know, from a name on.
SELECT name, published, wanted, selection FROM project WHERE name > :after ORDER BY name LIMIT :count;

-- name: select
-- The selection's answer for a wanted project may be another; what is published of it is in doubt.
UPDATE project SET
    due = CASE WHEN wanted AND tries > 0 AND due > :now THEN due ELSE :now END,
    tries = CASE WHEN wanted THEN tries ELSE 0 END,
    reason = CASE WHEN wanted THEN reason END,
    since = CASE WHEN wanted THEN since END,
    wanted = 1,
    selection = '',
    losing = 0
WHERE name = :name;

-- name: deselect
-- Nothing of a project is wanted any longer.
UPDATE project SET wanted = 0, due = CASE WHEN :leave THEN :now END, tries = 0, reason = NULL, since = NULL,
    review = NULL, losing = 0
WHERE name = :name AND published;

-- name: drop_deselected
-- The same where nothing is published: there is nothing left to do for it.
DELETE FROM project WHERE name = :name AND NOT published;

-- name: stage
-- A new, empty place for upstream's list, in a temporary file.
CREATE TEMP TABLE listed (name TEXT NOT NULL PRIMARY KEY, display TEXT NOT NULL, serial INTEGER) WITHOUT ROWID;

-- name: unstage
-- Forget the list that was staged.
DROP TABLE IF EXISTS temp.listed;

-- name: absorb
-- Take one line of the list; of two lines for one project the later one counts.
INSERT OR REPLACE INTO temp.listed VALUES (?, ?, ?);

-- name: unabsorb
-- Forget what earlier lines of the list said of projects of a JSON list of names.
DELETE FROM temp.listed WHERE name IN (SELECT value FROM json_each(:names));

-- name: unabsorb_known
-- Forget what earlier lines of the list said of known projects from one name to another.
DELETE FROM temp.listed WHERE name >= :first AND name <= :last
    -- IN would have SQLite gather all names first.
    AND EXISTS (SELECT 1 FROM project WHERE project.name = listed.name);

-- name: known_lines
-- What is known of the projects of a JSON list of names, as a line of the list says it; whether a line could change
-- more than that; and whether the project would be missed.
SELECT name, promised, display, departing OR (published AND missing_since IS NOT NULL),
       published AND wanted AND (missing_since IS NULL OR due IS NOT NULL)
FROM project WHERE name IN (SELECT value FROM json_each(:names));

-- name: known_range
-- The same from one name to another.
SELECT name, promised, display, departing OR (published AND missing_since IS NOT NULL),
       published AND wanted AND (missing_since IS NULL OR due IS NOT NULL)
FROM project WHERE name >= :first AND name <= :last LIMIT :count;

-- name: known_exactly
-- The same from one name to another, in order, the last two as bits: 1 and 2.
SELECT name, promised, display, (departing OR (published AND missing_since IS NOT NULL))
       + 2 * (published AND wanted AND (missing_since IS NULL OR due IS NOT NULL))
FROM project WHERE name >= :first AND name <= :last ORDER BY name LIMIT :count;

-- name: count_listed
-- How many of the projects that our list names are wanted; and how many would be missed in upstream's: the published
-- and wanted ones, those left out that are kept although upstream has them no longer.
SELECT listed, missable - (SELECT count(*) FROM project INDEXED BY project_missing
                           WHERE missing_since IS NOT NULL AND due IS NULL AND published AND wanted)
FROM total;

-- name: missable
-- The projects that would be missed, from a name on.
SELECT name FROM project
WHERE published AND wanted AND (missing_since IS NULL OR due IS NOT NULL) AND name > :after
ORDER BY name LIMIT :count;

-- name: forget_unpublished
-- A project of which nothing is published and that the list lacks: it came and went.
DELETE FROM project WHERE name = :name AND NOT published;

-- name: compare
-- How many projects of the list are new, and how many have another serial than they had.
SELECT count(*) FILTER (WHERE project.name IS NULL),
       count(*) FILTER (WHERE project.name IS NOT NULL AND project.promised IS NOT listed.serial)
FROM temp.listed LEFT JOIN project ON project.name = listed.name;

-- name: adopt
-- Make the list the known state; what it does not change is not written.
INSERT INTO project (name, display, promised, due)
SELECT name, display, serial, :now FROM temp.listed WHERE true ORDER BY name
ON CONFLICT (name) DO UPDATE SET
    display = excluded.display,
    promised = excluded.promised,
    due = CASE WHEN promised IS NOT excluded.promised OR departing THEN min(coalesce(due, :now), :now) ELSE due END,
    -- Its page is an empty one by now, whatever upstream's was that it was made from.
    selection = CASE WHEN departing THEN '' ELSE selection END,
    departing = 0,
    missing_since = CASE WHEN published THEN NULL ELSE missing_since END
WHERE promised IS NOT excluded.promised OR display <> excluded.display OR departing
    OR (published AND missing_since IS NOT NULL);

-- name: stage_slices
-- A new, empty place for the slices of upstream's list.
CREATE TEMP TABLE noted (digest BLOB NOT NULL PRIMARY KEY, count INTEGER NOT NULL, highest INTEGER, names BLOB NOT NULL);

-- name: unstage_slices
-- Forget the slices that were noted.
DROP TABLE IF EXISTS temp.noted;

-- name: note_slice
-- One slice that was read.
INSERT OR REPLACE INTO temp.noted VALUES (:digest, :count, :highest, :names);

-- name: slices
-- All slices of the last list.
SELECT digest, count, highest FROM slice;

-- name: slice_names
-- The projects that one slice names, packed.
SELECT names FROM slice_names WHERE digest = :digest;

-- name: gone_slices
-- The slices of the last list that were not read again now.
SELECT digest FROM slice WHERE digest NOT IN (SELECT digest FROM temp.noted);

-- name: strayed
-- The projects whose rows changed otherwise than by a list, or that the last list did not name.
SELECT name FROM strayed WHERE listed = :listed;

-- name: stray_unlisted
-- The list does not name a project that is known.
INSERT INTO strayed (name, listed) SELECT name, 0 FROM project WHERE name = :name ON CONFLICT (name) DO NOTHING;

-- name: count_projects
-- How many projects are known.
SELECT count(*) FROM project;

-- name: stray
-- The row of a project was changed otherwise than by a list, if there is a list that could say so.
INSERT INTO strayed (name) SELECT :name WHERE EXISTS (SELECT 1 FROM slice) ON CONFLICT (name) DO NOTHING;

-- name: stray_unknown
-- The same of a project that comes to be known.
INSERT INTO strayed (name)
SELECT :name WHERE EXISTS (SELECT 1 FROM slice) AND NOT EXISTS (SELECT 1 FROM project WHERE name = :name)
ON CONFLICT (name) DO NOTHING;

-- name: gather_strayed
-- A list says again what all rows are to say.
DELETE FROM strayed;

-- name: waiting_missing
-- The projects that an earlier list lacked, and of which nothing was decided yet.
SELECT name FROM project INDEXED BY project_missing
WHERE missing_since IS NOT NULL AND due IS NOT NULL AND published AND wanted;

-- name: missable_of
-- Those of a JSON list of names that would be missed.
SELECT name FROM project
WHERE name IN (SELECT value FROM json_each(:names))
    AND published AND wanted AND (missing_since IS NULL OR due IS NOT NULL)
ORDER BY name;

-- name: forget_slice
-- One slice is not part of the list any more.
DELETE FROM slice WHERE digest = :digest;

-- name: forget_slices
-- The list is not known by its slices.
DELETE FROM slice;

-- name: keep_slices
-- The slices that were noted are part of the list.
INSERT INTO slice SELECT digest, count, highest FROM temp.noted WHERE true
ON CONFLICT (digest) DO UPDATE SET count = excluded.count, highest = excluded.highest;

-- name: keep_slice_names
-- And so are their names.
INSERT INTO slice_names SELECT digest, names FROM temp.noted WHERE true
ON CONFLICT (digest) DO UPDATE SET names = excluded.names;

-- name: promise
-- The same for one line of a changelog.
INSERT INTO project (name, display, promised, due) VALUES (:name, :display, :serial, :now)
ON CONFLICT (name) DO UPDATE SET
    display = excluded.display,
    promised = excluded.promised,
    due = CASE WHEN promised IS NOT excluded.promised OR departing THEN min(coalesce(due, :now), :now) ELSE due END,
    -- Its page is an empty one by now, whatever upstream's was that it was made from.
    selection = CASE WHEN departing THEN '' ELSE selection END,
    departing = 0,
    missing_since = CASE WHEN published THEN NULL ELSE missing_since END
WHERE promised IS NOT excluded.promised OR display <> excluded.display OR departing
    OR (published AND missing_since IS NOT NULL);

-- name: make_all_due
-- Make the wanted projects due; one that is behind waits for its next try, unless that is to be cut short.
UPDATE project SET due = :now WHERE wanted AND (due IS NULL OR due > :now) AND (tries = 0 OR :waiting);

-- name: cut_waits
-- What is behind waits no longer.
UPDATE project SET due = :now WHERE tries > 0 AND due > :now;

-- name: miss
-- Upstream's list lacks a project: it is to be looked at now.
UPDATE project SET missing_since = coalesce(missing_since, :now), due = min(coalesce(due, :now), :now)
WHERE name = :name;

-- name: wake
-- A wait that ends later than any wait can comes from a clock that was wrong.
UPDATE project SET due = :now WHERE due > :latest;

-- name: wake_reviews
-- What time alone has changed.
UPDATE project SET due = min(coalesce(due, :now), :now) WHERE review <= :now AND wanted AND tries = 0;

-- name: doubt
-- The last run was cut off: the pages of what it may have been at work on can be others than is known.
UPDATE project SET selection = '' WHERE due IS NOT NULL AND selection <> '';

-- name: doubt_empty
-- Pages without files of an index without serials.
UPDATE project SET due = min(coalesce(due, :now), :now), selection = ''
WHERE published AND indexed AND wanted AND files = 0 AND serial IS NULL;

-- name: suspect
-- What is stored of a published project is not what was published.
UPDATE project SET due = :now, selection = '', suspect = max(suspect, :files)
WHERE name = :name AND published AND NOT departing;

-- name: expect
-- The keys that projects make visible before their commit: a JSON object, for each project a list.
INSERT INTO arriving (project, keys) SELECT key, value FROM json_each(:keys) WHERE true
ON CONFLICT (project) DO UPDATE SET keys = excluded.keys;

-- name: expected
-- What was expected and not committed, from a project on.
SELECT project, keys FROM arriving WHERE project > :after ORDER BY project LIMIT :count;

-- name: arrived
-- The projects of a JSON list, whose commit says all about their keys.
DELETE FROM arriving WHERE project IN (SELECT value FROM json_each(:projects));

-- name: expect_nothing
-- Nothing is on its way.
DELETE FROM arriving;

-- name: held_back
-- How many projects would lose all their files, and how many files would leave, had not so much been refused.
SELECT count(*) FILTER (WHERE losing >= files), coalesce(sum(losing), 0)
FROM project INDEXED BY project_behind WHERE tries > 0 AND losing > 0;

-- name: due
-- The next projects that are due, by name.
SELECT name, display, promised, serial, published, indexed, departing, selection, etag, last_modified, digest, tries,
       missing_since, wanted, review, losing, suspect
FROM project INDEXED BY project_due
WHERE due IS NOT NULL AND due <= :now AND name > :after
ORDER BY name LIMIT :count;

-- name: weigh
-- What says how much there may be of each project that is due.
SELECT name, wanted, published, bytes, promised
FROM project INDEXED BY project_due
WHERE due IS NOT NULL AND due <= :now AND name > :after
ORDER BY name LIMIT :count;

-- name: count_due
-- How many projects are due.
SELECT count(*) FROM project INDEXED BY project_due WHERE due IS NOT NULL AND due <= :now;

-- name: entry
-- One project's small facts.
SELECT name, display, promised, serial, published, indexed, departing, selection, etag, last_modified, digest, tries,
       missing_since, wanted, review, losing, suspect
FROM project WHERE name = :name;

-- name: published
-- What one project's page is made of, packed.
SELECT page.id, page.content FROM project JOIN page ON page.id = project.page WHERE project.name = :name;

-- name: add_page
-- Keep what a page is made of.
INSERT INTO page (content) VALUES (:content);

-- name: commit
-- A project's new state. A promise made since the state was read outlives it; one that is not kept stays due.
INSERT INTO project (name, display, promised, serial, published, indexed, departing, selection, etag, last_modified,
                     digest, page, missing_since, files, bytes, wanted, review, suspect, due)
VALUES (:name, :display, :promised, :serial, :published, :indexed, :departing, :selection, :etag, :last_modified,
        :digest, :page, :missing_since, :files, :bytes, :wanted, :review, :suspect, 0)
ON CONFLICT (name) DO UPDATE SET
    display = excluded.display,
    promised = max(coalesce(promised, excluded.promised), coalesce(excluded.promised, promised)),
    serial = excluded.serial,
    published = excluded.published,
    indexed = excluded.indexed,
    departing = excluded.departing,
    selection = excluded.selection,
    etag = excluded.etag,
    last_modified = excluded.last_modified,
    digest = excluded.digest,
    page = excluded.page,
    missing_since = excluded.missing_since,
    files = excluded.files,
    bytes = excluded.bytes,
    wanted = excluded.wanted,
    review = excluded.review,
    suspect = excluded.suspect,
    losing = 0,
    due = coalesce(due, excluded.due);

-- name: reform
-- The same facts have pages in another form.
UPDATE project SET selection = :selection, page = :page WHERE name = :name;

-- name: keep_promise
-- A project whose published page is as new as was promised is neither due nor behind.
UPDATE project SET due = NULL, tries = 0, reason = NULL, since = NULL, losing = 0
WHERE name = :name AND (promised IS NULL OR serial IS NULL OR serial >= promised);

-- name: leave
-- A key that no page links any longer; the first time counts.
INSERT INTO leaving (key, since, project, reason, hidden) VALUES (:key, :since, :project, :reason, :hidden)
ON CONFLICT (key) DO NOTHING;

-- name: bury
-- A key whose bytes are in the trash now.
INSERT OR REPLACE INTO trash (key, project, reason, since, until) VALUES (:key, :project, :reason, :since, :until);

-- name: buried
-- What is in the trash and due to be deleted before a time, from a key on.
SELECT key, project, reason, since, until FROM trash WHERE until < :before AND key > :after ORDER BY key LIMIT :count;

-- name: purge
-- A key that is gone from the trash, or back in its place.
DELETE FROM trash WHERE key = :key;

-- name: is_leaving
-- Whether a key is to be swept.
SELECT EXISTS (SELECT 1 FROM leaving WHERE key = :key);

-- name: is_buried
-- Whether the bytes of a key are in the trash.
SELECT EXISTS (SELECT 1 FROM trash WHERE key = :key);

-- name: any_guest
-- Whether any file is on the page of a project whose name it does not bear.
SELECT EXISTS (SELECT 1 FROM guest);

-- name: drop_guests
-- Forget which files of others a project links.
DELETE FROM guest WHERE project = :project;

-- name: add_guest
-- A file on the page of a project whose name it does not bear.
INSERT OR IGNORE INTO guest (key, project) VALUES (:key, :project);

-- name: is_guest
-- Whether another project links a key that does not bear its name.
SELECT EXISTS (SELECT 1 FROM guest WHERE key = :key AND project <> :project);

-- name: any_leaving
-- Whether any key is to be swept, or in the trash.
SELECT EXISTS (SELECT 1 FROM leaving) OR EXISTS (SELECT 1 FROM trash);

-- name: stay
-- A key that is not to be swept, since it is held again or gone.
DELETE FROM leaving WHERE key = :key;

-- name: unchanged
-- A project that upstream confirmed to be as it is.
UPDATE project SET due = NULL, tries = 0, reason = NULL, since = NULL, losing = 0, missing_since = NULL
WHERE name = :name;

-- name: keep
-- A project that stays although upstream does not have it any more.
UPDATE project SET due = NULL, tries = 0, reason = NULL, since = NULL, losing = 0 WHERE name = :name;

-- name: fail
-- A try that failed; the first failure's time stays.
UPDATE project SET
    tries = tries + 1,
    reason = :reason,
    since = coalesce(since, :now),
    due = :next_try,
    losing = :losing,
    missing_since = coalesce(:missing_since, missing_since)
WHERE name = :name;

-- name: forget
-- Drop a project.
DELETE FROM project WHERE name = :name;

-- name: retire
-- A departing project that is still wanted and that upstream has: known, and published no longer.
UPDATE project SET published = 0, departing = 0, page = NULL, files = 0, bytes = 0
WHERE name = :name AND departing AND wanted AND missing_since IS NULL;

-- name: remember
-- What is kept of a retired project: when the files that are not held were seen first.
UPDATE project SET page = :page WHERE name = :name;

-- name: forget_departing
-- A departing project of which nothing needs to be known.
DELETE FROM project WHERE name = :name AND departing;

-- name: index
-- The projects that the list of projects names, from a name on.
SELECT name, display, serial FROM project WHERE indexed AND name > :after ORDER BY name LIMIT :count;

-- name: departing
-- The projects that upstream removed and the list of projects may still name.
SELECT name FROM project INDEXED BY project_departing WHERE departing = 1 ORDER BY name;

-- name: leaving
-- Keys that left before a time, from a key on.
SELECT key, project, reason, hidden FROM leaving
WHERE since < :before AND key > :after
    -- A page that is in doubt may link it again.
    AND NOT EXISTS (SELECT 1 FROM project WHERE name = leaving.project AND due IS NOT NULL AND selection = '')
ORDER BY key LIMIT :count;

-- name: lowest_promise
-- The lowest promise that is not kept; one of a project that neither side has a page of holds nothing back.
SELECT min(promised) FROM project INDEXED BY project_due
WHERE due IS NOT NULL AND wanted AND promised IS NOT NULL AND (serial IS NULL OR serial < promised)
    AND (published OR missing_since IS NULL);

-- name: totals
-- Published projects, files and their bytes.
SELECT projects, files, bytes FROM total;

-- name: count_waiting
-- The projects that wait for their turn, those behind included.
SELECT count(*) FROM project INDEXED BY project_due WHERE due IS NOT NULL;

-- name: count_behind
-- The projects that are behind, and those of them that are absent: without a page here and upstream.
SELECT count(*), count(*) FILTER (WHERE NOT published AND missing_since IS NOT NULL)
FROM project INDEXED BY project_behind WHERE tries > 0;

-- name: behind
-- The projects that are behind, from a name on.
SELECT name, reason, since, tries, due, promised, serial, NOT published AND missing_since IS NOT NULL
FROM project INDEXED BY project_behind WHERE tries > 0 AND name > :after ORDER BY name LIMIT :count;

-- name: waiting
-- How many projects that are behind wait for their next try, and the first of them: SQLite takes the row of the minimum.
SELECT count(*), name, reason, since, tries, min(due), promised, serial, 0
FROM project INDEXED BY project_behind
WHERE tries > 0 AND due > :now AND (:absent OR published OR missing_since IS NULL);

-- name: record_run
-- A run, at its beginning or at its end.
INSERT INTO run VALUES (:started, :finished, :outcome, :serial)
ON CONFLICT (started) DO UPDATE SET
    finished = excluded.finished, outcome = excluded.outcome, serial = excluded.serial;

-- name: forget_runs
-- Keep the newest runs only.
DELETE FROM run WHERE started <= (SELECT started FROM run ORDER BY started DESC LIMIT 1 OFFSET :keep);

-- name: last_runs
-- The newest runs, newest first.
SELECT started, finished, outcome, serial FROM run ORDER BY started DESC LIMIT :count;
