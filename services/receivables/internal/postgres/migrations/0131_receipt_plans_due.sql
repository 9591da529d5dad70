-- Receipt plans are listed by the day on which they are due.

-- +goose Up
CREATE INDEX receipt_plans_due_idx ON receipt_plans ((body ->> 'due_date'), plan_id);

-- +goose Down
DROP INDEX receipt_plans_due_idx;
