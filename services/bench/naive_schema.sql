CREATE TABLE account (
    id               bigint PRIMARY KEY,
    limit_minor      bigint NOT NULL,
    receivable_minor bigint NOT NULL,
    reserved_minor   bigint NOT NULL,
    seq              bigint NOT NULL,
    oldest_due       date   NOT NULL,
    hash             bytea  NOT NULL
);
CREATE TABLE orders (
    order_id   text PRIMARY KEY,
    request_id text NOT NULL UNIQUE,
    account_id bigint NOT NULL,
    state      text NOT NULL,
    doc        text NOT NULL
);
CREATE INDEX orders_account ON orders (account_id, order_id);
CREATE TABLE decision (
    account_id bigint NOT NULL,
    seq        bigint NOT NULL,
    order_id   text   NOT NULL,
    record     text   NOT NULL,
    hash       bytea  NOT NULL,
    PRIMARY KEY (account_id, seq)
);
CREATE TABLE single (n bigint);
