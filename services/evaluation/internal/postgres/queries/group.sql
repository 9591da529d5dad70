-- name: LockGroups :exec
-- The tree of groups stays as it is until the transaction ends.
SELECT pg_advisory_xact_lock_shared(hashtextextended('evaluation customer groups', 0));

-- name: LockGroupsAlone :exec
-- Nobody else reads or changes the tree of groups until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('evaluation customer groups', 0));

-- name: GetGroup :one
SELECT group_id, coalesce(parent_id, '')::text AS parent_id, display_name, revision FROM customer_groups WHERE group_id = $1;

-- name: GroupsAbove :many
-- A group and all that it is part of.
WITH RECURSIVE above AS (
    SELECT g.group_id, g.parent_id, 1 AS level FROM customer_groups g WHERE g.group_id = $1
    UNION ALL
    SELECT p.group_id, p.parent_id, a.level + 1 FROM above a JOIN customer_groups p ON p.group_id = a.parent_id WHERE a.level < 64
)
SELECT group_id, coalesce(parent_id, '')::text AS parent_id FROM above ORDER BY level;

-- name: GroupsBelow :many
-- A group and all that is part of it.
WITH RECURSIVE below AS (
    SELECT g.group_id, g.parent_id, 1 AS level FROM customer_groups g WHERE g.group_id = $1
    UNION ALL
    SELECT c.group_id, c.parent_id, b.level + 1 FROM below b JOIN customer_groups c ON c.parent_id = b.group_id WHERE b.level < 64
)
SELECT group_id, coalesce(parent_id, '')::text AS parent_id FROM below ORDER BY level, group_id;

-- name: PutGroup :exec
INSERT INTO customer_groups (group_id, parent_id, display_name, revision) VALUES ($1, sqlc.narg(parent_id), $2, $3)
ON CONFLICT (group_id) DO UPDATE SET parent_id = excluded.parent_id, display_name = excluded.display_name, revision = excluded.revision;

-- name: ListGroups :many
SELECT group_id, coalesce(parent_id, '')::text AS parent_id, display_name, revision FROM customer_groups
WHERE group_id > sqlc.arg(after) ORDER BY group_id LIMIT sqlc.arg(most);

-- name: GroupMembers :many
-- Members whose topmost group is another one than it is to be.
SELECT customer_id FROM customers
WHERE group_id <> '' AND group_id = ANY(sqlc.arg(group_ids)::text[]) AND root_group_id <> sqlc.arg(root_group_id) ORDER BY customer_id LIMIT sqlc.arg(most);
