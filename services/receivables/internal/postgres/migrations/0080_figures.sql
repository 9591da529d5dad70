-- Figures: groups and grades of customers, to count by them, and what is said of an item beside its amount.

-- +goose Up
ALTER TABLE customers ADD COLUMN group_id text NOT NULL DEFAULT ''; -- corporate group; empty: none
ALTER TABLE customers ADD COLUMN grade text NOT NULL DEFAULT '';    -- newest grade; empty: not rated

-- Disputes and promises of items, by day: what aging shows apart and what a forecast counts with. One row is a part of an
-- item's open amount (no amount: all of it) from a day on, until_date being its last day (none: it still holds).
CREATE VIEW item_marks AS
SELECT ''::text AS item_id, ''::text AS customer_id, ''::text AS kind, -- DISPUTED or PROMISED
       current_date AS from_date, NULL::date AS until_date, NULL::bigint AS amount, NULL::date AS promised_date
WHERE false;

-- +goose Down
DROP VIEW item_marks;
ALTER TABLE customers DROP COLUMN grade, DROP COLUMN group_id;
