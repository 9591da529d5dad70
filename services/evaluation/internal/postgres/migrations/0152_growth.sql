-- What a growth review says of each customer with credit, amounts in minor units of currency_code.

-- +goose Up
CREATE TABLE growth_rows (
    run            bigint NOT NULL,
    customer_id    text COLLATE "C" NOT NULL,
    display_name   text NOT NULL,
    salesperson_id text NOT NULL,
    unit_id        text NOT NULL,
    currency_code  text NOT NULL,
    grade          text NOT NULL,
    granted        bigint, -- NULL: unlimited
    credit_since   date,
    volume         bigint, -- NULL: unknown
    compared       bigint,
    verdict        text NOT NULL CHECK (verdict IN ('GREW', 'NOT_GROWN', 'TOO_EARLY', 'UNKNOWN')),
    PRIMARY KEY (run, customer_id)
);

-- +goose Down
DROP TABLE growth_rows;
