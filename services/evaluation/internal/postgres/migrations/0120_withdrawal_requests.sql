-- What the finance director is asked when the order gate stopped a customer (S2.18).

-- +goose Up

CREATE TABLE withdrawal_requests (
    withdrawal_request_id text COLLATE "C" PRIMARY KEY,
    customer_id text COLLATE "C" NOT NULL REFERENCES customers,
    number      bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    state       text   NOT NULL CHECK (state IN ('OPEN', 'WITHDRAWN', 'KEPT')),
    due_date    date   NOT NULL,
    body        json   NOT NULL
);
-- What the gate asks while one is open joins it.
CREATE UNIQUE INDEX withdrawal_requests_one_open ON withdrawal_requests (customer_id) WHERE state = 'OPEN';
CREATE INDEX withdrawal_requests_customer_idx ON withdrawal_requests (customer_id, number);
CREATE INDEX withdrawal_requests_due_idx ON withdrawal_requests (due_date) WHERE state = 'OPEN';

-- +goose StatementBegin
CREATE FUNCTION refuse_second_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a decided withdrawal stays as it is';
END $$;
-- +goose StatementEnd
CREATE TRIGGER withdrawal_requests_decided BEFORE UPDATE ON withdrawal_requests
    FOR EACH ROW WHEN (OLD.state <> 'OPEN') EXECUTE FUNCTION refuse_second_decision();
CREATE TRIGGER withdrawal_requests_stay BEFORE DELETE ON withdrawal_requests
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER withdrawal_requests_no_truncate BEFORE TRUNCATE ON withdrawal_requests
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose Down
DROP TABLE withdrawal_requests;
DROP FUNCTION refuse_second_decision;
