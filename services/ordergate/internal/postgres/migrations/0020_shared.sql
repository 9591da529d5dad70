-- +goose Up
-- Groups, budgets and ceilings are accounts in the same journal; their ids begin with a space. They are few: small indexes list them.
CREATE INDEX journal_groups ON journal (root_id) WHERE seq = 1 AND account_id = ' group';
CREATE INDEX journal_arrivals ON journal (root_id, account_id) WHERE kind = 'MOVED_IN';

-- +goose Down
DROP INDEX journal_arrivals;
DROP INDEX journal_groups;
