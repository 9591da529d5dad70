-- Aging of the past reads what is dated after a day: of a customer by its number, of everybody by the date. Rows stand about
-- in the order of their dates, so that an index of ranges, which costs a posting next to nothing, finds them.

-- +goose Up
CREATE INDEX items_date_idx ON items USING brin (document_date) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX credits_date_idx ON credits USING brin (credit_date) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX applications_date_idx ON applications USING brin (application_date) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX item_reversals_customer_idx ON item_reversals (customer_id);
CREATE INDEX credit_reversals_customer_idx ON credit_reversals (customer_id);

-- +goose Down
DROP INDEX credit_reversals_customer_idx, item_reversals_customer_idx, applications_date_idx, credits_date_idx, items_date_idx;
