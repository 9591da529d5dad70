-- Everybody who ever had a customer: who left no other trace may be cleared, and nobody else of whom there is none.

-- +goose Up

CREATE TABLE salespeople (person text PRIMARY KEY CHECK (person <> ''));
INSERT INTO salespeople SELECT DISTINCT salesperson FROM customers WHERE salesperson <> '';

-- +goose StatementBegin
CREATE FUNCTION keep_salespeople() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO salespeople SELECT DISTINCT salesperson FROM assigned WHERE salesperson <> '' ON CONFLICT DO NOTHING;
    RETURN NULL;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER customers_insert_salespeople AFTER INSERT ON customers
    REFERENCING NEW TABLE AS assigned FOR EACH STATEMENT EXECUTE FUNCTION keep_salespeople();
CREATE TRIGGER customers_update_salespeople AFTER UPDATE ON customers
    REFERENCING NEW TABLE AS assigned FOR EACH STATEMENT EXECUTE FUNCTION keep_salespeople();

-- +goose Down
DROP TRIGGER customers_insert_salespeople ON customers;
DROP TRIGGER customers_update_salespeople ON customers;
DROP FUNCTION keep_salespeople();
DROP TABLE salespeople;
