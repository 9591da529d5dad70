-- Who is due for a review: by grade, and by the days between purchases, each in the order of the last look.

-- +goose Up
SET LOCAL statement_timeout = 0;
ALTER TABLE customers ADD COLUMN purchase_days int GENERATED ALWAYS AS ((file->'purchase_pattern'->>'interval_days')::int) STORED;
DROP INDEX customers_reviewed_idx;
CREATE INDEX customers_review_idx       ON customers (grade, reviewed_on, customer_id) WHERE reviewed_on IS NOT NULL AND life_cycle <> 'CLOSED';
CREATE INDEX customers_short_review_idx ON customers (purchase_days, reviewed_on, customer_id)
    WHERE purchase_days > 0 AND reviewed_on IS NOT NULL AND life_cycle <> 'CLOSED';

-- +goose Down
DROP INDEX customers_review_idx, customers_short_review_idx;
CREATE INDEX customers_reviewed_idx ON customers (reviewed_on) WHERE reviewed_on IS NOT NULL;
ALTER TABLE customers DROP COLUMN purchase_days;
