-- Whether the letter by which an item stands at its level stopped supply on credit: what the customer was told holds, whatever
-- later policies say of that level. Of letters that went out before nothing is known: they stop nothing at the gate, as before.

-- +goose Up
ALTER TABLE dunning_states ADD COLUMN stops_supply boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE dunning_states DROP COLUMN stops_supply;
