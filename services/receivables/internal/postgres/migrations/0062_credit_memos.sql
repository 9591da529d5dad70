-- Credit memos: what somebody proposes to change of a customer's account, and the people who
-- approve it. The acts of each are in the audit trail; the body is how it stands now.

-- +goose Up

CREATE TABLE credit_memos (
    memo_id     text        PRIMARY KEY,
    customer_id text        NOT NULL REFERENCES accounts,
    kind        text        NOT NULL CHECK (kind IN ('CREDIT_NOTE', 'CONTRA', 'WRITE_OFF', 'CHARGE_WAIVER', 'REVERSAL')),
    state       text        NOT NULL CHECK (state IN ('PROPOSED', 'RETURNED', 'REJECTED', 'WITHDRAWN', 'POSTED')),
    next_roles  text[]      NOT NULL, -- who may take the next step
    proposed_by text        NOT NULL CHECK (proposed_by <> ''),
    body        json        NOT NULL,
    created_at  timestamptz NOT NULL,
    CHECK (state = 'PROPOSED' OR next_roles = '{}')
);
CREATE INDEX credit_memos_newest_idx   ON credit_memos (created_at DESC, memo_id DESC);
CREATE INDEX credit_memos_customer_idx ON credit_memos (customer_id, created_at DESC, memo_id DESC);
CREATE INDEX credit_memos_waiting_idx  ON credit_memos USING gin (next_roles) WHERE state = 'PROPOSED';

-- Whoever proposed it, and what it stands for, stays; a memo that is closed stays closed.
-- +goose StatementBegin
CREATE FUNCTION credit_memo_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.memo_id, OLD.customer_id, OLD.kind, OLD.proposed_by, OLD.created_at)
       = (NEW.memo_id, NEW.customer_id, NEW.kind, NEW.proposed_by, NEW.created_at)
       AND OLD.state NOT IN ('REJECTED', 'WITHDRAWN', 'POSTED', 'RETURNED')
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'credit memo %: only a proposed one moves on', OLD.memo_id USING ERRCODE = 'insufficient_privilege';
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER credit_memos_move BEFORE UPDATE ON credit_memos FOR EACH ROW EXECUTE FUNCTION credit_memo_moves();
CREATE TRIGGER credit_memos_stay BEFORE DELETE ON credit_memos FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER credit_memos_no_truncate BEFORE TRUNCATE ON credit_memos FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose Down
DROP TABLE credit_memos;
DROP FUNCTION credit_memo_moves();
