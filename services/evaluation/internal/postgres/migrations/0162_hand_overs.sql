-- Customers on their way from one responsible salesperson to another (S2.7).

-- +goose Up
CREATE TABLE customer_hand_overs (
    hand_over_id text COLLATE "C" PRIMARY KEY,
    number      bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    customer_id text COLLATE "C" NOT NULL REFERENCES customers,
    from_id     text   NOT NULL,
    to_id       text   NOT NULL CHECK (to_id <> from_id),
    state       text   NOT NULL CHECK (state IN ('PROPOSED', 'CONFIRMED', 'DECLINED')),
    body        json   NOT NULL
);
CREATE UNIQUE INDEX customer_hand_overs_one_open ON customer_hand_overs (customer_id) WHERE state = 'PROPOSED';
CREATE INDEX customer_hand_overs_customer_idx ON customer_hand_overs (customer_id, number);

CREATE TRIGGER customer_hand_overs_closed BEFORE UPDATE ON customer_hand_overs
    FOR EACH ROW WHEN (OLD.state <> 'PROPOSED') EXECUTE FUNCTION refuse_change();
CREATE TRIGGER customer_hand_overs_stay BEFORE DELETE ON customer_hand_overs
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER customer_hand_overs_no_truncate BEFORE TRUNCATE ON customer_hand_overs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose Down
DROP TABLE customer_hand_overs;
