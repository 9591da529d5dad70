-- Credit by the day on which it ends, for the list of what ends soon.

-- +goose Up
-- Days are written as ISO 8601, which compare as text.
CREATE INDEX customers_credit_until_idx ON customers ((profile #>> '{grant,valid_until_date}'), customer_id)
    WHERE profile #>> '{grant,treatment}' = 'CREDIT' AND profile #>> '{grant,valid_until_date}' IS NOT NULL;

-- +goose Down
DROP INDEX customers_credit_until_idx;
