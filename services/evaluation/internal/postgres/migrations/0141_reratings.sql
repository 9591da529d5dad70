-- Customers that are to be rated again because of a fact that matters, where receivables could
-- not be asked when the fact was recorded. The fact stands; the rating follows.

-- +goose Up
CREATE TABLE reratings (
    customer_id   text COLLATE "C" PRIMARY KEY REFERENCES customers,
    business_date date NOT NULL,
    cause         text NOT NULL
);

-- +goose Down
DROP TABLE reratings;
