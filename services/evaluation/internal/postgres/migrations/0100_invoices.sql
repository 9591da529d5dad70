-- +goose Up

-- What is known of firms from their invoices: a batch is the sales or the purchases of a month, or a part of them.
-- Batches are only added; a correction is a further revision of the same side, month and part.
CREATE TABLE invoice_batches (
    customer_id text   COLLATE "C" NOT NULL REFERENCES customers,
    sequence    bigint NOT NULL CHECK (sequence > 0),
    direction   text   NOT NULL CHECK (direction IN ('SALE', 'PURCHASE')),
    month       text   NOT NULL CHECK (month ~ '^[0-9]{4}-[0-9]{2}$'),
    part        int    NOT NULL CHECK (part > 0),
    revision    int    NOT NULL CHECK (revision > 0),
    as_of       date   NOT NULL,
    record_date date   NOT NULL,
    body        json   NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (customer_id, sequence),
    UNIQUE (customer_id, direction, month, part, revision)
);
CREATE TRIGGER invoice_batches_append_only BEFORE UPDATE OR DELETE ON invoice_batches
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER invoice_batches_no_truncate BEFORE TRUNCATE ON invoice_batches
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Amounts in minor units. The batch was read from the row in the same transaction that wrote these.
CREATE TABLE invoice_lines (
    customer_id  text   COLLATE "C" NOT NULL,
    sequence     bigint NOT NULL,
    line         int    NOT NULL CHECK (line > 0),
    number       text   NOT NULL,
    issued_on    date   NOT NULL,
    counterparty text   COLLATE "C" NOT NULL,
    net          bigint NOT NULL,
    tax          bigint NOT NULL,
    total        bigint NOT NULL,
    void         bool   NOT NULL,
    PRIMARY KEY (customer_id, sequence, line),
    FOREIGN KEY (customer_id, sequence) REFERENCES invoice_batches
);
CREATE TRIGGER invoice_lines_append_only BEFORE UPDATE OR DELETE ON invoice_lines
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER invoice_lines_no_truncate BEFORE TRUNCATE ON invoice_lines
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- +goose Down
DROP TABLE invoice_lines, invoice_batches;
